-- A number means one person for ever. Links carry public ids, and no number is given twice.

alter table list add column public_id text collate "C" not null default '';
update list set public_id = substr(replace(cast(gen_random_uuid() as text), '-', ''), 1, 26);
create unique index list_public_id_key on list (public_id);

-- Links that were mailed before this carry row numbers: they are believed up to the last ones given by then.
create table numbered_link (
    kind text collate "C" primary key,
    last_id bigint not null
);

insert into numbered_link (kind, last_id)
    select 'subscriber', coalesce(max(id), 0) from subscriber
    union all select 'list', coalesce(max(id), 0) from list
    union all select 'edition', coalesce(max(id), 0) from edition;
