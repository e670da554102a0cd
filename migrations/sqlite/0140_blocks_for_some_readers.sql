-- For whom a block of an edition is: for everybody, for none but some readers, or for all but some. Those are named by a word, or are a segment.
alter table edition_article add column whom text not null default 'everybody' check (whom in ('everybody', 'only', 'but'));
alter table edition_article add column readers text not null default '';
alter table edition_article add column segment_id integer references segment (id);
create index edition_article_segment_id_idx on edition_article (segment_id);
alter table edition_block add column whom text not null default 'everybody' check (whom in ('everybody', 'only', 'but'));
alter table edition_block add column readers text not null default '';
alter table edition_block add column segment_id integer references segment (id);
create index edition_block_segment_id_idx on edition_block (segment_id);
-- A part of a frozen body that is not for everybody, and what is true of whoever sees it, as a segment says it.
create table variant_part (
    variant_id integer not null references variant (id) on delete cascade,
    part integer not null,
    tree text not null,
    primary key (variant_id, part)
) strict, without rowid;
-- Which of them the reader of a copy sees, a bit for each.
alter table delivery add column parts integer not null default 0;
