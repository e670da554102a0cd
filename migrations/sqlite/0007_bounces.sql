-- Mail about our mail: bounces, delays, complaints.

-- Append-only: what was reported of a copy, in the normal form, and what was done about it. Addresses stand here only as
-- keyed hashes, and masked, so that the lines outlive a reader's erasure.
create table bounce (
    id integer primary key,
    -- One report counts once, however often it is delivered.
    key text not null unique,
    source text not null check (source in ('mail', 'reply', 'mailgun', 'postmark', 'sendgrid', 'ses')),
    class text not null check (class in ('hard', 'soft', 'complaint', 'auto-reply', 'delivered', 'none')),
    action text not null check (action in ('failed', 'delayed', 'delivered', 'complained', 'other')),
    reason text not null,
    status text,
    reply text,
    words text not null,
    effect text not null check (effect in ('none', 'policy', 'counted', 'bounced', 'complained', 'outdated')),
    edition_id integer,
    subscriber_id integer,
    address_hash text not null,
    masked text not null,
    received_at integer not null
) strict;

create index bounce_address_hash_received_at_idx on bounce (address_hash, received_at);
create index bounce_subscriber_id_idx on bounce (subscriber_id, id);
create index bounce_edition_id_idx on bounce (edition_id) where class = 'complaint';

-- How far the refusals of the delivery log have been taken in.
create table bounce_cursor (
    name text primary key,
    at integer not null
) strict, without rowid;
