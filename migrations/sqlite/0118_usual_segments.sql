-- The segments that new editions of a list begin with: to whom of it they go, and to whom they do not.
create table list_segment (
    list_id integer not null references list (id) on delete cascade,
    role text not null check (role in ('only', 'except')),
    segment_id integer not null references segment (id),
    primary key (list_id, role)
) strict, without rowid;
create index list_segment_segment_id_idx on list_segment (segment_id);
