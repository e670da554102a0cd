-- Feeds looked after at the desk: each is asked as often as somebody chose, and is on, paused or ended; what somebody takes away, a
-- feed or an article, lies in a bin for a while.

alter table feed add column state text not null default 'on' check (state in ('on', 'paused', 'ended'));
-- How often it is asked.
alter table feed add column every text not null default 'hourly' check (every in ('quarter-hour', 'hourly', 'six-hours', 'daily'));
-- What its new articles are.
alter table feed add column arrives text not null default 'published' check (arrives in ('draft', 'published'));
-- Its words and the topics that they become, one a line; and what becomes of its other words.
alter table feed add column topic_map text not null default '';
alter table feed add column other_topics text not null default 'kept' check (other_topics in ('kept', 'left-out'));
-- How many articles it brought, and when it last brought or changed one.
alter table feed add column brought integer not null default 0;
alter table feed add column brought_at integer;
-- Since when it lies in the bin.
alter table feed add column removed_at integer;

create index feed_next_at_idx on feed (next_at) where state = 'on' and removed_at is null;
create index feed_removed_at_idx on feed (removed_at) where removed_at is not null;

-- What came of asking a feed: each time that something came, that it failed, or that somebody asked by hand.
create table feed_read (
    id integer primary key autoincrement,
    feed_id integer not null references feed (id) on delete cascade,
    at integer not null,
    by_hand integer not null check (by_hand in (0, 1)),
    fresh integer not null,
    changed integer not null,
    kept integer not null,
    unchanged integer not null,
    -- What was not taken, and what was odd: a sentence a line.
    notes text not null,
    error text
) strict;

create index feed_read_feed_id_idx on feed_read (feed_id, id);
create index feed_read_at_idx on feed_read (at);

-- Since when an article lies in the bin, and how it stood before; a draft meanwhile.
alter table article add column deleted_at integer;
alter table article add column deleted_state text;
-- Since when nothing is left of it but its names, so that neither its feed nor its address brings it back.
alter table article add column emptied_at integer;

create index article_deleted_at_idx on article (deleted_at, id) where deleted_at is not null;
create index article_feed_id_idx on article (feed_id) where feed_id is not null;
create index edition_article_article_id_idx on edition_article (article_id);
