-- Refunds that the team asks for, stored with their key before the provider hears of them; and what the last comparison with the
-- provider's own lists found.

create table refund_request (
    -- The form's own name of what it asks for: pressed twice, it is one.
    public_id text primary key,
    donation_id integer not null references donation (id),
    staff_id integer references staff (id),
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    why text not null,
    -- What the provider is asked, to the letter.
    request text not null,
    state text not null check (state in ('asked', 'done', 'failed')),
    provider_refund_id text unique,
    attempts integer not null,
    last_error text,
    created_at integer not null,
    next_at integer not null,
    finished_at integer,
    -- When whoever asked saw that it failed, or staff were told.
    told_at integer
) strict, without rowid;
create index refund_request_donation_id_idx on refund_request (donation_id);
create index refund_request_staff_id_idx on refund_request (staff_id);
create index refund_request_next_at_idx on refund_request (next_at) where state = 'asked';
create index refund_request_failed_idx on refund_request (created_at) where state = 'failed' and told_at is null;

create table reconciliation (
    id integer primary key check (id = 1),
    from_at integer not null,
    until_at integer not null,
    at integer not null,
    equal_at integer,
    compared integer not null,
    differences integer not null,
    -- The first of them, as JSON.
    found text not null
) strict;
