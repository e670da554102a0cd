-- Readers chosen by what is known of them.
create table segment (
    id integer primary key autoincrement,
    public_id text not null unique,
    name text not null,
    -- The name in small letters: none is there twice.
    name_key text not null,
    -- The newest of segment_version.
    version integer not null,
    created_at integer not null,
    changed_at integer not null,
    -- Editions that it was used for still name it.
    deleted_at integer
) strict;
create unique index segment_name_key_key on segment (name_key) where deleted_at is null;

-- What it asks of readers, as JSON. A version is never edited.
create table segment_version (
    segment_id integer not null references segment (id),
    version integer not null,
    tree text not null,
    -- Who saved it; null at the command line.
    staff_id integer references staff (id),
    saved_at integer not null,
    primary key (segment_id, version)
) strict, without rowid;
create index segment_version_staff_id_idx on segment_version (staff_id);

-- To whom of its list an edition goes, and to whom it does not.
create table edition_segment (
    edition_id integer not null references edition (id) on delete cascade,
    role text not null check (role in ('only', 'except')),
    segment_id integer not null references segment (id),
    -- What was approved: the version, and what it asks with that of the segments in it; null while the edition is a draft.
    version integer,
    tree text,
    primary key (edition_id, role)
) strict, without rowid;
create index edition_segment_segment_id_idx on edition_segment (segment_id);
