-- Supporters, their gifts, the provider's events, and the money ledger. Amounts are whole minor units.

create table donor (
    id integer primary key,
    public_id text not null unique,
    email text not null,
    email_key text not null unique,
    name text not null,
    created_at integer not null
) strict;

create table recurring_donation (
    id integer primary key,
    public_id text not null unique,
    -- Null until the first month is paid: who only looked at the checkout page is no donor.
    donor_id integer references donor (id),
    email text not null,
    name text not null,
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    state text not null check (state in ('pending', 'active', 'past_due', 'paused', 'unpaid', 'cancelled')),
    provider_subscription_id text unique,
    provider_customer_id text,
    edition_id integer,
    created_at integer not null,
    activated_at integer,
    cancelled_at integer
) strict;

create table donation (
    id integer primary key,
    public_id text not null unique,
    -- Null until it is paid.
    donor_id integer references donor (id),
    -- Where the receipt goes; blanked when the checkout page expires unpaid.
    email text not null,
    name text not null,
    recurring_donation_id integer references recurring_donation (id),
    kind text not null check (kind in ('once', 'instalment')),
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    state text not null check (state in ('created', 'checkout_open', 'pending', 'paid', 'failed', 'expired')),
    provider_session_id text unique,
    provider_payment_id text unique,
    provider_invoice_id text unique,
    edition_id integer,
    created_at integer not null,
    paid_at integer
) strict;

create index donation_paid_at_idx on donation (paid_at, id) where state = 'paid';
create index donation_donor_id_idx on donation (donor_id);
create index donation_recurring_donation_id_idx on donation (recurring_donation_id);

-- The inbox: what the provider told us, stored before anything is done about it.
create table provider_event (
    event_id text primary key,
    type text not null,
    object_id text not null,
    source text not null check (source in ('webhook', 'poll')),
    payload text not null,
    -- The donation it was found to be about.
    donation_id integer references donation (id),
    state text not null check (state in ('new', 'done', 'ignored', 'dead')),
    attempts integer not null,
    last_error text,
    created_at integer not null,
    received_at integer not null,
    next_at integer not null
) strict, without rowid;

create index provider_event_donation_id_idx on provider_event (donation_id);
create index provider_event_next_at_idx on provider_event (next_at) where state = 'new';

-- Calls to the provider, stored with their idempotency key before they are made. A repeat must say the same to the letter,
-- so the whole request is kept; it is blanked once the call is over, for it names the supporter.
create table provider_call (
    idempotency_key text primary key,
    operation text not null check (operation in ('checkout', 'cancel')),
    request text not null,
    state text not null check (state in ('started', 'done', 'failed')),
    response_id text,
    attempts integer not null,
    last_error text,
    created_at integer not null,
    next_at integer not null,
    finished_at integer
) strict, without rowid;

create index provider_call_next_at_idx on provider_call (next_at) where state = 'started';

-- Append-only double entry: the entries of one group and currency add up to zero.
create table ledger_entry (
    id integer primary key,
    entry_group text not null,
    account text not null,
    amount_minor integer not null,
    currency text not null,
    donation_id integer references donation (id),
    reference text not null,
    at integer not null,
    unique (entry_group, account)
) strict;

create index ledger_entry_donation_id_idx on ledger_entry (donation_id);

create table receipt (
    id integer primary key,
    public_id text not null unique,
    number integer not null unique,
    donation_id integer not null unique references donation (id),
    created_at integer not null
) strict;

-- How far the poller of the provider's events has read.
create table sync_cursor (
    name text primary key,
    value text not null,
    updated_at integer not null
) strict, without rowid;
