-- What is looked at every few seconds, and tidied every hour, is found without reading what is over.

drop index provider_event_received_at_idx;
create index provider_event_done_idx on provider_event (received_at) where state = 'done';
create index provider_event_ignored_idx on provider_event (received_at) where state = 'ignored';
create index provider_event_dead_idx on provider_event (received_at) where state = 'dead';
create index provider_event_payload_idx on provider_event (received_at) where payload <> '';
create index provider_call_cancel_idx on provider_call (created_at) where operation = 'cancel' and state = 'started';
create index provider_call_untold_idx on provider_call (finished_at) where state = 'failed' and told_at is null;
create index notice_failed_idx on notice (finished_at, id) where state = 'failed';

-- Whose payment failed is forgotten, as are those who never paid; and so are their words that the provider quoted.
update donation set email = '', name = '' where state = 'failed';
update provider_call set last_error = 'the payment provider refused it' where last_error like '%@%';
