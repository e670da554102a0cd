-- What is held about somebody is found whole by their address, and a reader can be forgotten.

-- Whose letter it is, however the address is spelled; empty in those from before.
alter table notice add column address_key text not null default '';
drop index notice_address_idx;
create index notice_address_key_idx on notice (address_key, id);
-- Those from before, and of an older program that still runs.
create index notice_unkeyed_idx on notice (lower(address)) where address_key = '';

-- All that ever stopped an address, also what was lifted.
create index suppression_address_hash_idx on suppression (address_hash);

-- The gifts of a supporter, and those that nobody has paid yet.
create index recurring_donation_donor_id_idx on recurring_donation (donor_id);
create index recurring_donation_email_key_idx on recurring_donation (lower(email)) where donor_id is null and email <> '';
create index donation_email_key_idx on donation (lower(email)) where donor_id is null and email <> '';

-- Who was forgotten: what is left of an address.
create table forgotten (
    address_hash text primary key,
    forgotten_at integer not null,
    -- When its owner came back by themselves.
    returned_at integer,
    -- The supporter of that address, while a gift of theirs is not decided or goes on: forgotten once it is over.
    donor_id integer references donor (id)
) strict, without rowid;
create index forgotten_donor_id_idx on forgotten (donor_id) where donor_id is not null;

-- What somebody had agreed to who was forgotten: proof for whoever gives the address, and says nothing of anybody else.
create table forgotten_consent (
    id integer primary key autoincrement,
    address_hash text not null,
    list_id integer not null references list (id),
    action text not null check (action in ('asked', 'confirmed', 'left', 'imported')),
    method text not null,
    wording_id integer references consent_wording (id),
    at integer not null,
    forgotten_at integer not null
) strict;
create index forgotten_consent_address_hash_idx on forgotten_consent (address_hash);
create index forgotten_consent_forgotten_at_idx on forgotten_consent (forgotten_at);
create index forgotten_consent_list_id_idx on forgotten_consent (list_id);
create index forgotten_consent_wording_id_idx on forgotten_consent (wording_id);
