-- An edition is made of blocks: its articles, each as it is shown there, and what stands between and below them.
alter table edition_article add column look text not null default 'usual' check (look in ('usual', 'lead', 'short'));
alter table edition_article add column title text not null default '';
alter table edition_article add column standfirst text not null default '';
create table edition_block (
    edition_id integer not null,
    revision integer not null,
    position integer not null,
    kind text not null check (kind in ('words', 'button', 'line', 'appeal')),
    words text not null,
    link text not null,
    primary key (edition_id, revision, position),
    foreign key (edition_id, revision) references edition_revision (edition_id, revision) on delete cascade
) strict, without rowid;
-- Below the articles of what was written before stood the appeal.
insert into edition_block (edition_id, revision, position, kind, words, link)
    select r.edition_id, r.revision, 1 + coalesce((select max(a.position) from edition_article a
        where a.edition_id = r.edition_id and a.revision = r.revision), 0), 'appeal', '', ''
    from edition_revision r;
