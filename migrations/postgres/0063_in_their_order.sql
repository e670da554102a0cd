-- Readers in the order of their names, two letters found by an index, and what is counted now and then.

-- How far the program has come that makes anew what readers are found by, in this version of it.
create table folded (
    what text collate "C" primary key,
    version bigint not null,
    after_id bigint not null
);

-- By name: it stands at the beginning, behind a line break.
create index subscriber_by_name_idx on subscriber (substr(search, 2, 24), id);

-- Whom nobody counts for a page, because they are too many: how many readers a list has, and a topic.
create table counted (
    what text collate "C" not null,
    of_id bigint not null,
    number bigint not null,
    counted_at bigint not null,
    primary key (what, of_id)
);

-- The same trigrams, in two thirds of the time: the index itself leaves out what comes twice.
create or replace function trigrams(whole text) returns text[] language sql immutable strict parallel safe as $$
    select array(select substr(whole, i, 3) from generate_series(1, length(whole) - 2) i)
$$;
