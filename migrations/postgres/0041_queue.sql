-- One mechanism for what waits for its turn.

-- What the team is to be told of, by whoever writes letters: a row for each thing, written in the transaction of the fact.
create table news (
    key text collate "C" primary key,
    kind text collate "C" not null,
    -- An edition's number, or the name of a queue.
    subject text collate "C" not null,
    at bigint not null,
    attempts bigint not null,
    next_at bigint not null,
    last_error text collate "C",
    -- None while nobody was told.
    told_at bigint
);

create index news_next_at_idx on news (next_at) where told_at is null;
create index news_told_at_idx on news (told_at) where told_at is not null;

-- A pause that nobody was told of was a flag of the edition, which every move of it had to know.
insert into news (key, kind, subject, at, attempts, next_at)
    select 'edition-paused:' || id, 'edition-paused', cast(id as text), updated_at, 0, 0 from edition where pause_untold and state = 'paused';
alter table edition drop column pause_untold;

-- What was given up stood in the log alone.
insert into news (key, kind, subject, at, attempts, next_at)
    select 'given-up:provider-events', 'given-up', 'provider-events', max(received_at), 0, 0 from provider_event
    where state = 'dead' having count(*) > 0;
insert into news (key, kind, subject, at, attempts, next_at)
    select 'given-up:checkouts', 'given-up', 'checkouts', max(finished_at), 0, 0 from provider_call
    where state = 'failed' and told_at is null having count(*) > 0;

-- Feeds have a turn like everything that waits.
alter table feed add column attempts bigint not null default 0;
alter table feed add column next_at bigint not null default 0;
update feed set next_at = checked_at + 1800000000 where checked_at is not null;

-- When what runs by itself last had its turn, as each process notes it now and then.
create table job_turns (
    -- The machine, and which part of the program.
    place text collate "C" primary key,
    -- As JSON: of each job the moment when its last turn ended, and whether it worked.
    turns text collate "C" not null,
    noted_at bigint not null
);
