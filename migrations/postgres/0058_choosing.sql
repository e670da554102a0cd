-- Readers rest from mail for some weeks.

-- Until when nothing of the list comes; none for who never paused, and a moment that is over for who did once.
alter table subscription add column paused_until bigint;
-- When they last said something about it, so that what stands in the journal from before is not done once more.
alter table subscription add column pause_said_at bigint;
create index subscription_paused_until_idx on subscription (list_id, paused_until) where paused_until is not null;
-- Who gets an edition is read from one small index, as before.
create index subscription_list_id_subscriber_id_paused_until_idx on subscription (list_id, subscriber_id, paused_until) where state = 'confirmed';
drop index subscription_list_id_subscriber_id_idx;
