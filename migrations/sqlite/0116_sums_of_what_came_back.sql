-- What was sent back, or disputed, is one gift in a hundred: a page of it, and what it comes to, are read from indexes of those alone.
create index donation_came_back_idx on donation (coalesce(paid_at, created_at), id, state) where state = 'paid' and version > 0;
create index donation_came_back_sums_idx on donation (kind, currency, state, version, amount_minor, paid_at, id)
    where state = 'paid' and version > 0;
-- What the gifts of one amount come to, which may be one in seven of all: without the state in it SQLite looked at each of them.
drop index donation_amount_sums_idx;
create index donation_amount_sums_idx on donation (amount_minor, state, kind, currency, version, paid_at, id) where state = 'paid';
