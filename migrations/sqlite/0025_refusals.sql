-- A refusal of us stops the edition, and not its readers.

-- What the words of a final refusal mean, read once, when it came. Older lines have none.
alter table delivery_attempt add column reason text;
create index delivery_attempt_reason_idx on delivery_attempt (edition_id, reason, id) where reason is not null;

-- Up to which attempt somebody has seen what became of its copies: what came before does not stop it again.
alter table edition add column judged_after integer not null default 0;

-- A failure for good that waits for somebody's judgement, for too many came of one edition.
alter table bounce add column held integer not null default 0 check (held in (0, 1));
create index bounce_held_idx on bounce (edition_id, id) where held;
create index bounce_bounced_idx on bounce (edition_id, id) where effect = 'bounced';

-- How many copies of an edition came back for good, and what was decided of them when they were too many to be true.
create table bounce_mass (
    edition_id integer not null primary key,
    failures integer not null,
    -- Of which domains, up to a few, with spaces between.
    domains text not null,
    state text not null check (state in ('few', 'held', 'gone', 'kept')),
    since integer not null,
    untold integer not null default 0 check (untold in (0, 1))
) strict, without rowid;

create index bounce_mass_held_idx on bounce_mass (edition_id) where state = 'held';

-- What people wrote to the address for bounces, until somebody has read it.
create table bounce_letter (
    id integer primary key autoincrement,
    key text not null unique,
    from_address text not null,
    subject text not null,
    words text not null,
    -- The reader whose copy it answers, or who wrote it, where that is known.
    subscriber_id integer,
    edition_id integer,
    received_at integer not null
) strict;
