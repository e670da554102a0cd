-- Writing articles: the way to publication, versions that are kept, and who is at what, with what they typed and did not save yet.

-- For the team alone.
alter table article add column notes text not null default '';
-- It is not published before.
alter table article add column embargo_at integer;
-- What was put right after it was published, and when; readers see it below the text.
alter table article add column correction text not null default '';
alter table article add column corrected_at integer;
create index article_state_published_at_id_idx on article (state, published_at, id);
create index article_feed_id_published_at_id_idx on article (feed_id, published_at, id);

-- Two more ways to stand: ready for the editor, and taken off the site. What is on disk stays as it is (as in 0018).
pragma writable_schema = on;
update sqlite_schema set sql = replace(replace(sql,
        'check (state in (''draft'', ''published''))', 'check (state in (''draft'', ''ready'', ''published'', ''withdrawn''))'),
        'check (state in (''draft'', ''published'', ''withdrawn''))', 'check (state in (''draft'', ''ready'', ''published'', ''withdrawn''))')
    where type = 'table' and name = 'article';
pragma writable_schema = reset;

-- An article as it was saved, each time.
create table article_revision (
    id integer primary key autoincrement,
    article_id integer not null references article (id) on delete cascade,
    version integer not null,
    -- None where a feed brought it.
    staff_id integer references staff (id),
    at integer not null,
    -- What the form holds, as JSON.
    text text not null
) strict;
create unique index article_revision_article_id_version_key on article_revision (article_id, version);
create index article_revision_staff_id_idx on article_revision (staff_id);

-- Somebody at an article, or at a new one: since when, until when, and what they typed that is not saved.
create table article_sitting (
    id integer primary key autoincrement,
    staff_id integer not null references staff (id),
    article_id integer references article (id) on delete cascade,
    -- The article's number, or a name for one that is not there yet.
    piece text not null,
    opened_at integer not null,
    seen_at integer not null,
    -- The version that was seen.
    version integer not null,
    text text,
    typed_at integer
) strict;
create unique index article_sitting_staff_id_piece_key on article_sitting (staff_id, piece);
create index article_sitting_article_id_idx on article_sitting (article_id, seen_at);
create index article_sitting_seen_at_idx on article_sitting (seen_at);
