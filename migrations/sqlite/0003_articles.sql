-- Articles, their topics, and the feeds they come from.

create table feed (
    id integer primary key,
    url text not null unique,
    title text not null,
    etag text,
    last_modified text,
    checked_at integer,
    last_error text,
    created_at integer not null
) strict;

create table topic (
    id integer primary key,
    slug text not null unique,
    name text not null
) strict;

create table article (
    id integer primary key,
    slug text not null unique,
    feed_id integer references feed (id) on delete set null,
    -- The feed's own name for it; articles written on the desk have none.
    source_id text unique,
    title text not null,
    standfirst text not null,
    byline text not null,
    body_html text not null,
    -- What the writer typed, for articles written or edited on the desk.
    body_markdown text,
    canonical_url text,
    image_url text,
    origin_note text,
    word_count integer not null,
    state text not null check (state in ('draft', 'published')),
    published_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    -- Once staff edited an imported article, an import no longer overwrites it.
    edited_at integer,
    content_hash text not null
) strict;

create index article_published_at_id_idx on article (published_at, id);

create table article_topic (
    article_id integer not null references article (id) on delete cascade,
    topic_id integer not null references topic (id) on delete cascade,
    primary key (article_id, topic_id)
) strict, without rowid;

create index article_topic_topic_id_idx on article_topic (topic_id, article_id);
