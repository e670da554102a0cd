-- Who of the team looked at a reader, or through the list of readers, and on which day: a row for each person, reader and day.
create table reader_look (
    id integer primary key autoincrement,
    staff_id integer not null references staff (id),
    -- The reader's public id; empty where many were looked through.
    subject text not null,
    -- What the list was narrowed down by.
    detail text not null,
    -- Where the magazine is.
    day text not null,
    at integer not null
) strict;
create unique index reader_look_key on reader_look (staff_id, subject, detail, day);
create index reader_look_staff_id_at_idx on reader_look (staff_id, at, id);
create index reader_look_subject_at_idx on reader_look (subject, at, id);
create index reader_look_at_idx on reader_look (at, id);
