-- Journals of withdrawals beside the database, and up to where each is known to be in it: a backup that is restored takes what is missing from them.
create table withdrawal_journal (
    journal text primary key,
    -- The machine and file where it was last written.
    place text not null,
    number integer not null check (number >= 0),
    hash text not null,
    -- The moment of that entry.
    at integer not null
) strict, without rowid;

-- A backup that was restored, and of which it is not known who left since it was made, is in a doubt of its own.
create table origin_new (
    id integer primary key check (id = 1),
    base_url text not null,
    since integer not null,
    place text not null default '',
    doubt text not null default '' check (doubt in ('', 'elsewhere', 'behind', 'forgetful')),
    doubt_at integer,
    epoch text not null default '',
    restored_at integer,
    report text not null default '',
    secret_proof text not null default ''
) strict;
insert into origin_new (id, base_url, since, place, doubt, doubt_at, epoch, restored_at, report, secret_proof)
    select id, base_url, since, place, doubt, doubt_at, epoch, restored_at, report, secret_proof from origin;
drop table origin;
alter table origin_new rename to origin;
