-- Exactness: where a database is at home, editions that are held back, corrections, trying the failed again.

-- The public address under which this database may send: one row, written at the first start.
create table origin (
    id integer primary key check (id = 1),
    base_url text not null,
    since integer not null
) strict;

-- Under which address a worker would send; it is given nothing unless that is the origin's.
alter table worker add column base_url text not null default '';

-- Why the house held the edition back: 'late' or 'restored'; empty when it did not.
alter table edition add column held_because text not null default '';
-- A correction goes to exactly those who got this revision of that edition.
alter table edition add column corrects_edition_id integer references edition (id);
alter table edition add column corrects_revision integer;

create index delivery_edition_id_class_idx on delivery (edition_id, class, subscriber_id) where state = 'failed';
