-- Readers, the lists they join, and the proof of what they agreed to.

create table list (
    id integer primary key,
    slug text not null unique,
    name text not null,
    description text not null,
    visibility text not null check (visibility in ('public', 'private')),
    created_at integer not null
) strict;

create table subscriber (
    id integer primary key,
    public_id text not null unique,
    email text not null,
    email_key text not null unique,
    name text not null,
    created_at integer not null
) strict;

create table subscription (
    subscriber_id integer not null references subscriber (id) on delete cascade,
    list_id integer not null references list (id) on delete cascade,
    state text not null check (state in ('pending', 'confirmed', 'left')),
    asked_at integer not null,
    confirmation_sent_at integer,
    confirmed_at integer,
    left_at integer,
    primary key (subscriber_id, list_id)
) strict, without rowid;

create index subscription_list_id_subscriber_id_idx on subscription (list_id, subscriber_id) where state = 'confirmed';

-- Wordings are never edited: another text is another row.
create table consent_wording (
    id integer primary key,
    kind text not null,
    text text not null,
    text_hash text not null unique,
    created_at integer not null
) strict;

-- Append-only: who agreed to what, when, how, and what they had been told.
create table consent_event (
    id integer primary key,
    subscriber_id integer not null references subscriber (id),
    list_id integer not null references list (id),
    action text not null check (action in ('asked', 'confirmed', 'left', 'imported')),
    method text not null check (method in ('form', 'confirmation', 'one-click', 'unsubscribe-page', 'preferences', 'import', 'staff')),
    wording_id integer references consent_wording (id),
    source text not null,
    ip text not null,
    user_agent text not null,
    at integer not null
) strict;

create index consent_event_subscriber_id_idx on consent_event (subscriber_id, id);

-- Donor state in one row a reader: donations write it, segments and blocks read it.
create table donor_state (
    subscriber_id integer primary key references subscriber (id) on delete cascade,
    state text not null check (state in ('never', 'once', 'lapsed', 'monthly', 'failing')),
    last_gift_at integer,
    updated_at integer not null
) strict;
