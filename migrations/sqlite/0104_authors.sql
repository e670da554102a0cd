-- Who wrote what, as readers find it; and which article a gift came from.
create table author (
    id integer primary key autoincrement,
    slug text not null unique,
    -- Their name, folded: how they are recognised in a byline.
    spelling text not null unique,
    name text not null,
    bio text not null default '',
    picture_url text not null default '',
    -- Addresses of theirs, a line each.
    links text not null default '',
    -- Another spelling of the same person, which stands for this one, too.
    merged_into integer references author (id),
    changed_at integer not null
) strict;
create index author_merged_into_idx on author (merged_into);

create table article_author (
    article_id integer not null references article (id) on delete cascade,
    author_id integer not null references author (id) on delete cascade,
    primary key (article_id, author_id)
) strict, without rowid;
create index article_author_author_id_idx on article_author (author_id, article_id);

-- The byline that an article's authors were read from; none of a row that nobody has come to yet.
alter table article add column authors_of text;
create index article_unread_byline_idx on article (id) where authors_of is null or authors_of <> byline;

-- What readers see, without the texts: in the order of the pages, and of the site map.
create index article_public_idx on article (published_at, id, slug, updated_at, state) where state = 'published';
create index article_site_map_idx on article (id, published_at, updated_at, slug, state) where state = 'published';

create table gift_article (
    donation_id integer primary key references donation (id) on delete cascade,
    article_id integer references article (id) on delete set null,
    -- As it was called then.
    title text not null
) strict;
create index gift_article_article_id_idx on gift_article (article_id);
