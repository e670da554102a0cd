-- The segments that new editions of a list begin with: to whom of it they go, and to whom they do not.
create table list_segment (
    list_id bigint not null references list (id) on delete cascade,
    role text collate "C" not null check (role in ('only', 'except')),
    segment_id bigint not null references segment (id),
    primary key (list_id, role)
);
create index list_segment_segment_id_idx on list_segment (segment_id);
