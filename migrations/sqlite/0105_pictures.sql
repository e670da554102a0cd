-- Pictures that the team brought, written anew in some sizes; each once, called by a hash of the file that was sent.
create table picture (
    id integer primary key autoincrement,
    public_id text not null unique,
    -- What its file was called.
    file text not null,
    -- What it shows, for who does not see it; of one that only adorns nothing is said.
    alt text not null,
    is_decorative integer not null,
    caption text not null,
    credit text not null,
    -- Where it was copied from, if it was.
    source_url text,
    staff_id integer references staff (id),
    created_at integer not null,
    -- Not offered any more; it is given back all the same, for mails may hold it.
    put_away_at integer
) strict;
create index picture_staff_id_idx on picture (staff_id);
create index picture_source_url_idx on picture (source_url) where source_url is not null;
create index picture_offered_idx on picture (id) where put_away_at is null;

create table picture_size (
    picture_id integer not null references picture (id),
    width integer not null,
    height integer not null,
    media_type text not null,
    -- How many bytes it has.
    size integer not null,
    bytes blob not null,
    primary key (picture_id, width)
) strict;
