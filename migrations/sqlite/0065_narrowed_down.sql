-- Readers narrowed down by a topic that they chose, and those who paused.

-- Who chose a topic, newest first.
create index subscription_topic_topic_id_subscriber_id_idx on subscription_topic (topic_id, subscriber_id);
drop index subscription_topic_topic_id_idx;

-- Who paused, newest first.
create index subscription_paused_idx on subscription (subscriber_id, list_id, paused_until) where state = 'confirmed' and paused_until is not null;
