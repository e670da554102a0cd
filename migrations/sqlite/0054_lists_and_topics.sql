-- Lists that staff make, order, close and retire; and topics that readers choose among.

-- Where it stands among the others.
alter table list add column position integer not null default 0;
update list set position = id;
-- Since when nobody joins by themselves; those who are on it stay.
alter table list add column closed_at integer;
-- Since when nothing goes to it.
alter table list add column retired_at integer;
-- Whether whoever types an address into the form is asked by mail first.
alter table list add column opt_in text not null default 'double' check (opt_in in ('double', 'single'));
-- Whether it is offered to whoever has just joined another one.
alter table list add column offered integer not null default 1 check (offered in (0, 1));
-- Its letter to whoever has just joined.
alter table list add column welcomes integer not null default 0 check (welcomes in (0, 1));
alter table list add column welcome_subject text not null default '';
alter table list add column welcome_text text not null default '';
-- When the reader was greeted on it; null where they were not.
alter table subscription add column welcomed_at integer;
-- Each time somebody saves it, one more.
alter table list add column version integer not null default 1;

-- What readers choose among; the words that articles are filed under are another thing (`topic`).
create table reader_topic (
    id integer primary key autoincrement,
    public_id text not null unique,
    name text not null,
    -- The name in small letters: none is there twice.
    name_key text not null,
    description text not null,
    position integer not null,
    version integer not null default 1,
    created_at integer not null,
    retired_at integer,
    -- The topic that took its place, with the choices of its readers.
    merged_into integer references reader_topic (id)
) strict;

create unique index reader_topic_name_key_key on reader_topic (name_key) where retired_at is null;

-- Which lists offer which topics.
create table list_topic (
    list_id integer not null references list (id) on delete cascade,
    topic_id integer not null references reader_topic (id) on delete cascade,
    primary key (list_id, topic_id)
) strict, without rowid;

create index list_topic_topic_id_idx on list_topic (topic_id);

-- What a reader chose of a list: who chose nothing gets everything.
create table subscription_topic (
    subscriber_id integer not null,
    list_id integer not null,
    topic_id integer not null references reader_topic (id),
    primary key (list_id, subscriber_id, topic_id),
    foreign key (subscriber_id, list_id) references subscription (subscriber_id, list_id) on delete cascade
) strict, without rowid;

create index subscription_topic_topic_id_idx on subscription_topic (topic_id);

-- What an edition is about: it goes to who chose one of these, and to who chose nothing.
create table edition_topic (
    edition_id integer not null references edition (id) on delete cascade,
    topic_id integer not null references reader_topic (id),
    primary key (edition_id, topic_id)
) strict, without rowid;

create index edition_topic_topic_id_idx on edition_topic (topic_id);

-- Whom another spelling of a mailbox may be: those with the same letters, wherever they put dots (`subscribers/subscribe.rs`).
create index subscriber_dotless_idx on subscriber (replace(email_key, '.', ''));
