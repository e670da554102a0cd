-- The team, their sessions, what they decided, and what they did.

create table staff (
    id integer primary key,
    public_id text not null unique,
    email text not null,
    email_key text not null unique,
    name text not null,
    role text not null check (role in ('owner', 'editor', 'sender', 'treasurer', 'viewer')),
    password_hash text,
    created_at integer not null,
    disabled_at integer
) strict;

create table staff_session (
    token_hash text primary key,
    staff_id integer not null references staff (id) on delete cascade,
    created_at integer not null,
    last_seen_at integer not null
) strict, without rowid;

create index staff_session_staff_id_idx on staff_session (staff_id);

-- Links that work once: the hash of each one used.
create table used_token (
    token_hash text primary key,
    used_at integer not null
) strict, without rowid;

-- Failed sign-ins, counted per account and per address to slow down guessing.
create table sign_in_failure (
    id integer primary key,
    key text not null,
    at integer not null
) strict;

create index sign_in_failure_key_at_idx on sign_in_failure (key, at);

-- Append-only: the newest row of a name is in force, the older ones are its history.
create table setting (
    id integer primary key,
    name text not null,
    value text not null,
    staff_id integer references staff (id),
    changed_at integer not null
) strict;

create index setting_name_id_idx on setting (name, id);

-- What staff did that others may ask about later. Append-only.
create table audit_log (
    id integer primary key,
    staff_id integer references staff (id),
    action text not null,
    subject text not null,
    detail text not null,
    at integer not null
) strict;
