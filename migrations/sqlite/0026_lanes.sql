-- Waiting for a domain that asked for patience belongs to the domain, and not to each of its copies.

-- Whose turn a copy waits for: the domain's, or its provider's; empty for a copy that waits for nobody.
alter table delivery add column lane text not null default '';
-- Since when its servers ask for patience with it; null when they did not, or staff had it tried again.
alter table delivery add column asked_at integer;

drop index delivery_edition_id_next_at_idx;
create index delivery_edition_id_lane_idx on delivery (edition_id, lane, next_at, subscriber_id) where state = 'queued';

-- What was put aside unsent waits for its domain, and for no moment of its own.
update delivery set next_at = 0 where state = 'queued' and attempt = 0 and next_at > 0;

-- Nothing gets through just now, and the gap lies between two messages that try.
alter table domain_pace add column refusing integer not null default 0 check (refusing in (0, 1));
