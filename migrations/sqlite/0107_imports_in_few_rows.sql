-- Of a reader whom a list brought, all that it changed is one row: what it put them on and what it answered for them stand in `was`, as
-- JSON. Whoever says since how they want a list has a row of their own that keeps them on it.
create table import_change_new (
    import_id integer not null references import (id) on delete cascade,
    subscriber_id integer not null references subscriber (id) on delete cascade,
    kind text not null check (kind in ('reader', 'joined', 'left', 'named', 'answered', 'stopped', 'kept')),
    -- The list or the field; 0 where it is about the reader, or about all lists.
    about integer not null,
    -- What was before; of what was not there, what is there since.
    was text not null,
    -- The moment that the proof has, too.
    at integer not null,
    primary key (import_id, subscriber_id, kind, about)
) strict, without rowid;
insert into import_change_new (import_id, subscriber_id, kind, about, was, at)
    select import_id, subscriber_id, kind, about, was, at from import_change;
drop table import_change;
alter table import_change_new rename to import_change;
create index import_change_subscriber_id_idx on import_change (subscriber_id);
create index import_change_at_idx on import_change (at);
