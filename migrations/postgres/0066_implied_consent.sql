-- Consent that the law implies, and until when; topics that forms offer.

-- Whether it offers the topics of its lists.
alter table form add column topics text collate "C" not null default 'no' check (topics in ('no', 'yes'));

-- Until when a reader may be mailed on what the law takes for consent, such as that they bought or gave; none where they agreed
-- themselves.
alter table subscription add column implied_until bigint;
create index subscription_implied_idx on subscription (list_id, implied_until) where implied_until is not null and state = 'confirmed';
-- Who gets an edition is read from one small index, as before.
create index subscription_list_id_subscriber_id_rests_idx on subscription (list_id, subscriber_id, paused_until, implied_until) where state = 'confirmed';
drop index subscription_list_id_subscriber_id_paused_until_idx;
