-- A reader's new address: mail goes there once both mailboxes have said so.

create table address_change (
    id integer primary key autoincrement,
    -- In links.
    public_id text not null unique,
    subscriber_id integer not null references subscriber (id) on delete cascade,
    -- As they are written in mails. The row goes some days after it is over.
    old_email text not null,
    new_email text not null,
    asked_at integer not null,
    -- Who of the team asked, and answers for the old address; null where the reader asked.
    staff_id integer references staff (id),
    -- When each of the two pressed.
    old_agreed_at integer,
    new_agreed_at integer,
    done_at integer,
    undone_at integer,
    -- Another asking took its place, or it could not be done.
    ended_at integer
) strict;

-- One at a time for each reader.
create unique index address_change_open_key on address_change (subscriber_id) where done_at is null and ended_at is null;
create index address_change_subscriber_id_asked_at_idx on address_change (subscriber_id, asked_at);
create index address_change_staff_id_idx on address_change (staff_id);
create index address_change_asked_at_idx on address_change (asked_at);

-- By which address the gifts of a reader are known who has moved since; null where it is the one that they have.
alter table subscriber add column gives_as text;
create index subscriber_gives_as_idx on subscriber (gives_as) where gives_as is not null;
-- Since when their mail goes to the address that they have; null where they never moved.
alter table subscriber add column moved_at integer;
