-- Of a reader whom a list brought, all that it changed is one row: what it put them on and what it answered for them stand in `was`, as
-- JSON. Whoever says since how they want a list has a row of their own that keeps them on it.
alter table import_change drop constraint import_change_kind_check;
alter table import_change add constraint import_change_kind_check
    check (kind in ('reader', 'joined', 'left', 'named', 'answered', 'stopped', 'kept'));
