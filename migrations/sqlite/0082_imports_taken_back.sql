-- What a list that was brought in changed, for as long as it can be taken back.
create table import_change (
    import_id integer not null references import (id) on delete cascade,
    subscriber_id integer not null references subscriber (id) on delete cascade,
    kind text not null check (kind in ('reader', 'joined', 'left', 'named', 'answered', 'stopped')),
    -- The list or the field; 0 where it is about the reader.
    about integer not null,
    -- What was before; of what was not there, what is there since.
    was text not null,
    -- The moment that the proof has, too.
    at integer not null,
    primary key (import_id, subscriber_id, kind, about)
) strict, without rowid;

create index import_change_subscriber_id_idx on import_change (subscriber_id);
create index import_change_at_idx on import_change (at);
