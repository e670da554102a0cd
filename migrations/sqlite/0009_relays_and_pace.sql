-- How fast mail goes where: what all workers know together.

-- A recipient domain whose servers asked for patience: the gap between two messages to it, all workers together.
create table domain_pace (
    domain_key text primary key,
    gap_us integer not null,
    slowed_at integer not null
) strict, without rowid;

-- How many messages a relay was given in an hour or a day, reserved before they are sent, so that no limit is passed.
create table relay_window (
    relay text not null,
    -- Such as 'day 2026-03-03' or 'hour 2026-03-03T09'.
    span text not null,
    reserved integer not null,
    primary key (relay, span)
) strict, without rowid;

-- When a relay began to be used: its warm-up counts days from here.
create table relay_history (
    relay text primary key,
    first_used_at integer not null
) strict, without rowid;

-- What a worker found when it last tried a relay that it cannot use; no row while all is well.
create table relay_trouble (
    relay text not null,
    worker_id integer not null,
    since integer not null,
    words text not null,
    primary key (relay, worker_id)
) strict, without rowid;

-- Why the engine paused the edition by itself; empty when a person did, or nobody.
alter table edition add column paused_because text not null default '';
