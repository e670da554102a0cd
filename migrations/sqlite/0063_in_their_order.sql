-- Readers in the order of their names, two letters found by an index, and what is counted now and then.

-- How far the program has come that makes anew what readers are found by, in this version of it.
create table folded (
    what text primary key,
    version integer not null,
    after_id integer not null
) strict, without rowid;

-- By name: it stands at the beginning, behind a line break.
create index subscriber_by_name_idx on subscriber (substr(search, 2, 24), id);

-- Whom nobody counts for a page, because they are too many: how many readers a list has, and a topic.
create table counted (
    what text not null,
    of_id integer not null,
    number integer not null,
    counted_at integer not null,
    primary key (what, of_id)
) strict, without rowid;
