-- A number means one person for ever. Links carry public ids, and no number is given twice.

alter table list add column public_id text not null default '';
update list set public_id = substr(lower(hex(randomblob(16))), 1, 26);
create unique index list_public_id_key on list (public_id);

-- Links that were mailed before this carry row numbers: they are believed up to the last ones given by then.
create table numbered_link (
    kind text primary key,
    last_id integer not null
) strict, without rowid;

insert into numbered_link (kind, last_id)
    select 'subscriber', coalesce(max(id), 0) from subscriber
    union all select 'list', coalesce(max(id), 0) from list
    union all select 'edition', coalesce(max(id), 0) from edition;
