-- When the payment service last told us something by itself is asked every few seconds.

create index provider_event_webhook_idx on provider_event (received_at) where source = 'webhook';
