-- Digests, editions and their content.

create table digest (
    id integer primary key,
    slug text not null unique,
    name text not null,
    list_id integer not null references list (id),
    created_at integer not null
) strict;

create table edition (
    id integer primary key,
    public_id text not null unique,
    digest_id integer not null references digest (id),
    list_id integer not null references list (id),
    state text not null check (state in ('draft', 'scheduled', 'sealed', 'sending', 'paused', 'held', 'cancelled', 'finished')),
    -- The newest revision of the content; deliveries name the one they were sealed with.
    revision integer not null,
    -- What happens to a message whose outcome is not known.
    unknown_policy text not null check (unknown_policy in ('resend', 'hold')),
    send_at integer,
    -- The last subscriber whose delivery row was written; null before sealing began.
    seal_cursor integer,
    sealed_count integer,
    sealed_at integer,
    finished_at integer,
    sent_by integer references staff (id),
    created_by integer references staff (id),
    created_at integer not null,
    updated_at integer not null
) strict;

create index edition_state_send_at_idx on edition (state, send_at);

-- Numbered, never edited once the edition is sealed with it.
create table edition_revision (
    edition_id integer not null references edition (id) on delete cascade,
    revision integer not null,
    subject text not null,
    preview_text text not null,
    intro_markdown text not null,
    staff_id integer references staff (id),
    created_at integer not null,
    primary key (edition_id, revision)
) strict, without rowid;

create table edition_article (
    edition_id integer not null,
    revision integer not null,
    position integer not null,
    article_id integer not null references article (id),
    primary key (edition_id, revision, position),
    foreign key (edition_id, revision) references edition_revision (edition_id, revision) on delete cascade
) strict, without rowid;
