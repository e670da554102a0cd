-- Whoever moved is shown, and forgotten with, what hangs from the addresses that they had.

create table former_address (
    subscriber_id integer not null references subscriber (id) on delete cascade,
    -- What the address is kept as: it can be asked whether it is one of theirs, and not be read from here.
    address_hash text not null,
    -- Since when their mail goes elsewhere.
    left_at integer not null,
    -- In small letters, where gifts were given under it that are theirs and no longer those that they are known by.
    gave_as text,
    primary key (subscriber_id, address_hash)
) strict, without rowid;
create index former_address_address_hash_idx on former_address (address_hash);

-- Whose letter it was, where it went to an address that they do not have any more.
alter table notice add column former_of integer references subscriber (id) on delete set null;
create index notice_former_of_idx on notice (former_of, id) where former_of is not null;
