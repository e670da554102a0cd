-- Which article is which, however it comes: by what its source calls it, and by where it stands.

-- Its canonical link as it is compared; '' of none. Null of a row that the program has not come to yet, or whose link was changed by
-- somebody who left this as it was.
alter table article add column link_key text;
create index article_link_key_idx on article (link_key) where link_key <> '';
create index article_unkeyed_idx on article (id) where link_key is null;
create trigger article_link_key_is_old after update of canonical_url on article
    when old.link_key is not null and new.link_key is old.link_key and new.canonical_url is not old.canonical_url
begin
    update article set link_key = null where id = new.id;
end;

-- What an archive last said of it, beside what its feed did; null where none has brought it.
alter table article add column archive_hash text;

-- What another program exported, on its way in: a file, what is known and said of it, and how far it has come.
create table archive (
    id integer primary key autoincrement,
    public_id text not null unique,
    state text not null check (state in ('arriving', 'reading', 'asking', 'running', 'done', 'stopped')),
    -- Which program wrote it.
    kind text not null check (kind in ('unknown', 'wordpress', 'ghost', 'markdown', 'site', 'page')),
    -- Who began it; null at the command line.
    staff_id integer references staff (id),
    created_at integer not null,
    changed_at integer not null,
    -- The file's name, and its bytes.
    file text not null,
    size integer not null,
    -- What was chosen, what was seen in it, and what came of it so far, as JSON.
    choices text not null,
    survey text not null,
    report text not null,
    -- How many of its pieces were taken.
    at integer not null,
    -- Why it does not go on, in words for whoever began it.
    trouble text not null,
    attempts integer not null,
    next_at integer not null,
    last_error text
) strict;

create index archive_staff_id_idx on archive (staff_id);
create index archive_next_at_idx on archive (next_at) where state in ('reading', 'running');
create index archive_unfinished_idx on archive (changed_at) where state in ('arriving', 'reading', 'asking');

-- The file, piece by piece. It goes when everything in it was taken, or after a week.
create table archive_part (
    archive_id integer not null references archive (id) on delete cascade,
    number integer not null,
    bytes blob not null,
    kept_at integer not null,
    primary key (archive_id, number)
) strict;
create index archive_part_kept_at_idx on archive_part (kept_at);

-- What of it was left out, or came otherwise than it stands there, and why.
create table archive_left (
    archive_id integer not null references archive (id) on delete cascade,
    number integer not null,
    title text not null,
    why text not null,
    found_at integer not null,
    primary key (archive_id, number)
) strict, without rowid;
create index archive_left_found_at_idx on archive_left (found_at);
