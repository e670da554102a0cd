-- Money follows the provider: its times, its subscriptions, its papers. What was asked is never forgotten; of people only what is
-- needed is kept.

-- How often the row has followed its subscription: whoever looked at the provider before the last time has to look again.
alter table recurring_donation add column version integer not null default 0;
-- A subscription that somebody copied at the provider has a row of its own; this is the public id of the one it is a copy of.
alter table recurring_donation add column copy_of text;
create index recurring_donation_copy_of_idx on recurring_donation (copy_of) where copy_of is not null;

-- When staff were told about a call that is not done; a failed one without is shown at the desk.
alter table provider_call add column told_at integer;
-- What a supporter typed failed these, and the supporter was told; or it is long ago.
update provider_call set told_at = finished_at where operation = 'checkout' and state = 'failed';
-- Asking to end a monthly donation was given up before; now it never is.
update provider_call set state = 'started', attempts = 0, next_at = 0, finished_at = null
    where operation = 'cancel' and state = 'failed';

-- A receipt's number is the year and letters that no other gift has, so that a restored copy gives none of them again.
-- Numbers that were given before stay.
create table receipt_named (
    id integer primary key autoincrement,
    public_id text not null unique,
    number text not null unique,
    donation_id integer not null unique references donation (id),
    created_at integer not null
) strict;
insert into receipt_named (id, public_id, number, donation_id, created_at)
    select id, public_id, cast(number as text), donation_id, created_at from receipt;
drop table receipt;
alter table receipt_named rename to receipt;

-- The payloads held name, address and email of whoever paid or tried to; what is needed of them stands in the other columns.
update provider_event set payload = '' where type <> 'unreadable';
create index provider_event_received_at_idx on provider_event (received_at) where state in ('done', 'ignored');

-- A letter's key names what it is about by its public id: a row's number is another's in a restored copy.
update notice set key = 'monthly-ended:' || (select public_id from recurring_donation where cast(id as text) = substr(notice.key, 15))
    where key like 'monthly-ended:%' and exists (select 1 from recurring_donation where cast(id as text) = substr(notice.key, 15));
