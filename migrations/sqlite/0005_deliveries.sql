-- The ledger of deliveries, notices, suppression, workers.

-- The frozen body of an edition's revision: everything that is the same for the subscribers who share it.
create table variant (
    id integer primary key,
    edition_id integer not null references edition (id) on delete cascade,
    revision integer not null,
    key text not null,
    -- Sender, subject and list headers as JSON, frozen with the body.
    headers text not null,
    body blob not null,
    created_at integer not null,
    unique (edition_id, revision, key)
) strict;

-- One edition to one subscriber. Written when the edition is sealed; it outlives subscriber and list.
create table delivery (
    edition_id integer not null,
    subscriber_id integer not null,
    address text not null,
    name text not null,
    domain_key text not null,
    variant_id integer not null,
    state text not null check (state in ('queued', 'claimed', 'accepted', 'failed', 'suppressed', 'unknown')),
    -- Why, in a word, for failed, suppressed and unknown.
    class text,
    attempt integer not null,
    claimed_by integer,
    -- Set, compared with the claim, before the body of this attempt may be written; so a crash knows what it does not know.
    marker integer not null check (marker in (0, 1)),
    maybe_duplicate integer not null check (maybe_duplicate in (0, 1)),
    next_at integer not null,
    updated_at integer not null,
    primary key (edition_id, subscriber_id)
) strict, without rowid;

create index delivery_edition_id_next_at_idx on delivery (edition_id, next_at, subscriber_id) where state = 'queued';
create index delivery_claimed_by_idx on delivery (claimed_by) where state = 'claimed';
create index delivery_subscriber_id_idx on delivery (subscriber_id);

-- Append-only: every attempt, with the server's own words.
create table delivery_attempt (
    id integer primary key,
    edition_id integer not null,
    subscriber_id integer not null,
    attempt integer not null,
    worker_id integer not null,
    outcome text not null,
    stage text not null,
    reply text not null,
    at integer not null
) strict;

create index delivery_attempt_edition_id_subscriber_id_idx on delivery_attempt (edition_id, subscriber_id);

-- How many rows of an edition stand in each state, as signed parts: a row for each worker, so that workers never wait for
-- one another; worker 0 holds what sealing and withdrawals moved. The parts of a state add up to the count of its rows.
create table delivery_tally (
    edition_id integer not null,
    worker_id integer not null,
    state text not null,
    count integer not null,
    primary key (edition_id, worker_id, state)
) strict, without rowid;

create table worker (
    id integer primary key,
    host text not null,
    pid integer not null,
    started_at integer not null,
    heartbeat_at integer not null,
    stopped_at integer
) strict;

-- One automatic email. The context is blanked once the mail is taken: it may hold links.
create table notice (
    id integer primary key,
    -- The fact that caused it: the same fact never sends twice.
    key text not null unique,
    template text not null,
    context text not null,
    address text not null,
    name text not null,
    from_name text not null,
    from_email text not null,
    message_id text not null,
    state text not null check (state in ('queued', 'claimed', 'accepted', 'failed', 'suppressed')),
    class text,
    reply text not null,
    attempt integer not null,
    claimed_by integer,
    marker integer not null check (marker in (0, 1)),
    maybe_duplicate integer not null check (maybe_duplicate in (0, 1)),
    next_at integer not null,
    created_at integer not null,
    finished_at integer
) strict;

create index notice_next_at_idx on notice (next_at, id) where state = 'queued';
create index notice_claimed_by_idx on notice (claimed_by) where state = 'claimed';

-- Addresses that are not mailed, as keyed hashes: they outlive the reader's erasure. Lifting keeps the row.
create table suppression (
    id integer primary key,
    address_hash text not null,
    reason text not null check (reason in ('bounced', 'complained', 'erased', 'staff')),
    detail text not null,
    created_at integer not null,
    lifted_at integer
) strict;

create unique index suppression_address_hash_key on suppression (address_hash) where lifted_at is null;
