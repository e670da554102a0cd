-- Money follows the provider: its times, its subscriptions, its papers. What was asked is never forgotten; of people only what is
-- needed is kept.

-- How often the row has followed its subscription: whoever looked at the provider before the last time has to look again.
alter table recurring_donation add column version bigint not null default 0;
-- A subscription that somebody copied at the provider has a row of its own; this is the public id of the one it is a copy of.
alter table recurring_donation add column copy_of text collate "C";
create index recurring_donation_copy_of_idx on recurring_donation (copy_of) where copy_of is not null;

-- When staff were told about a call that is not done; a failed one without is shown at the desk.
alter table provider_call add column told_at bigint;
-- What a supporter typed failed these, and the supporter was told; or it is long ago.
update provider_call set told_at = finished_at where operation = 'checkout' and state = 'failed';
-- Asking to end a monthly donation was given up before; now it never is.
update provider_call set state = 'started', attempts = 0, next_at = 0, finished_at = null
    where operation = 'cancel' and state = 'failed';

-- A receipt's number is the year and letters that no other gift has, so that a restored copy gives none of them again.
-- Numbers that were given before stay.
alter table receipt alter column number type text collate "C" using number::text;

-- The payloads held name, address and email of whoever paid or tried to; what is needed of them stands in the other columns.
update provider_event set payload = '' where type <> 'unreadable';
create index provider_event_received_at_idx on provider_event (received_at) where state in ('done', 'ignored');

-- A letter's key names what it is about by its public id: a row's number is another's in a restored copy.
update notice set key = 'monthly-ended:' || (select public_id from recurring_donation where id::text = substr(notice.key, 15))
    where key like 'monthly-ended:%' and exists (select 1 from recurring_donation where id::text = substr(notice.key, 15));
