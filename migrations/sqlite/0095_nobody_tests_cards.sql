-- What the brakes on card testing count: who begins gifts, and which payments were refused.

-- A gift that was begun, for a day. Keyed hashes alone: neither an address of a person nor one of a network stands here.
create table gift_try (
    donation_id integer primary key references donation (id) on delete cascade,
    -- Null where it is not known, or private.
    network text,
    mailbox text not null,
    -- The form that was sent; null where it bore no mark of ours.
    form text,
    -- The supporter whose own link they came by; null for strangers.
    supporter text,
    at integer not null
) strict;

create index gift_try_network_idx on gift_try (network, at);
create index gift_try_mailbox_idx on gift_try (mailbox, at);
create index gift_try_form_idx on gift_try (form, at);
create index gift_try_supporter_idx on gift_try (supporter, at);
create index gift_try_at_idx on gift_try (at);

-- A payment that was refused, for some months; append-only.
create table payment_attempt (
    id integer primary key autoincrement,
    -- What the provider calls the news of it, so that it counts once however often it is told.
    provider_ref text not null unique,
    -- The gift that it was for; null for one whose payment does not name it.
    donation_id integer references donation (id),
    -- Declined: a card was. Failed: something else, such as a debit from an account.
    outcome text not null check (outcome in ('declined', 'failed')),
    -- Why, in the provider's word; may be empty.
    decline_code text not null,
    at integer not null
) strict;

create index payment_attempt_donation_id_idx on payment_attempt (donation_id);
create index payment_attempt_at_idx on payment_attempt (at);
