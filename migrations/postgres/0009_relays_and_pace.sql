-- How fast mail goes where: what all workers know together.

-- A recipient domain whose servers asked for patience: the gap between two messages to it, all workers together.
create table domain_pace (
    domain_key text collate "C" primary key,
    gap_us bigint not null,
    slowed_at bigint not null
);

-- How many messages a relay was given in an hour or a day, reserved before they are sent, so that no limit is passed.
create table relay_window (
    relay text collate "C" not null,
    -- Such as 'day 2026-03-03' or 'hour 2026-03-03T09'.
    span text collate "C" not null,
    reserved bigint not null,
    primary key (relay, span)
);

-- When a relay began to be used: its warm-up counts days from here.
create table relay_history (
    relay text collate "C" primary key,
    first_used_at bigint not null
);

-- What a worker found when it last tried a relay that it cannot use; no row while all is well.
create table relay_trouble (
    relay text collate "C" not null,
    worker_id bigint not null,
    since bigint not null,
    words text not null,
    primary key (relay, worker_id)
);

-- Why the engine paused the edition by itself; empty when a person did, or nobody.
alter table edition add column paused_because text not null default '';
