-- Refunds that the team asks for, stored with their key before the provider hears of them; and what the last comparison with the
-- provider's own lists found.

create table refund_request (
    -- The form's own name of what it asks for: pressed twice, it is one.
    public_id text collate "C" primary key,
    donation_id bigint not null references donation (id),
    staff_id bigint references staff (id),
    amount_minor bigint not null check (amount_minor > 0),
    currency text collate "C" not null,
    why text collate "C" not null,
    -- What the provider is asked, to the letter.
    request text collate "C" not null,
    state text collate "C" not null check (state in ('asked', 'done', 'failed')),
    provider_refund_id text collate "C" unique,
    attempts bigint not null,
    last_error text collate "C",
    created_at bigint not null,
    next_at bigint not null,
    finished_at bigint,
    -- When whoever asked saw that it failed, or staff were told.
    told_at bigint
);
create index refund_request_donation_id_idx on refund_request (donation_id);
create index refund_request_staff_id_idx on refund_request (staff_id);
create index refund_request_next_at_idx on refund_request (next_at) where state = 'asked';
create index refund_request_failed_idx on refund_request (created_at) where state = 'failed' and told_at is null;

create table reconciliation (
    id bigint primary key check (id = 1),
    from_at bigint not null,
    until_at bigint not null,
    at bigint not null,
    equal_at bigint,
    compared bigint not null,
    differences bigint not null,
    -- The first of them, as JSON.
    found text collate "C" not null
);
