-- How many readers will really get an edition is known without reading them all.

-- Whose address it is, so that those who are stopped can be counted; none while nobody has it, or it was not looked for yet.
alter table suppression add column subscriber_id bigint references subscriber (id) on delete set null;
create index suppression_subscriber_id_idx on suppression (subscriber_id) where lifted_at is null and subscriber_id is not null;

-- Up to which reader it was looked whether their address is one of them: older readers, and whoever comes with such an address.
alter table suppression_key add column looked_up_to bigint not null default 0;

create index subscription_confirmed_idx on subscription (subscriber_id) where state = 'confirmed';
create index subscription_pending_idx on subscription (subscriber_id) where state = 'pending';
