-- What other programs left in our account at the payment service, and what of it became ours.
create table adoption (
    id integer primary key autoincrement,
    public_id text not null unique,
    state text not null check (state in ('looking', 'ready', 'taking', 'done', 'stopped')),
    -- What is read or taken now, and behind what it goes on.
    step text not null check (step in ('subscriptions', 'invoices', 'payments', 'taking', 'late invoices', 'late payments', 'taking late', 'late subscriptions', 'following')),
    after text not null,
    -- Who began it; none for the command line.
    staff_id integer references staff (id),
    -- Payments from here on are meant.
    since integer not null,
    created_at integer not null,
    changed_at integer not null,
    attempts integer not null,
    next_at integer not null,
    last_error text
) strict;

create index adoption_staff_id_idx on adoption (staff_id);
create index adoption_next_at_idx on adoption (next_at) where state in ('looking', 'taking');

-- What is alike and chosen together: of one kind, product, currency and program.
create table old_bundle (
    name text primary key,
    kind text not null check (kind in ('monthly', 'once')),
    what text not null,
    -- The names of the metadata that the other program left.
    marks text not null,
    currency text not null,
    rhythm text not null,
    chosen text not null check (chosen in ('yes', 'no'))
) strict, without rowid;

create table old_object (
    provider_id text primary key,
    kind text not null check (kind in ('monthly', 'instalment', 'once')),
    bundle text not null,
    fate text not null check (fate in ('found', 'taken', 'foreign', 'refused')),
    -- Why it cannot be taken.
    why text not null,
    -- Whose; empty once it is decided what becomes of it.
    email text not null,
    email_key text not null,
    name text not null,
    customer_id text,
    subscription_id text,
    payment_id text,
    -- How a monthly donation stands.
    standing text not null,
    amount_minor integer not null,
    currency text not null,
    refunded_minor integer not null,
    -- What of it did not pass through the payment service.
    elsewhere_minor integer not null,
    made_at integer not null,
    -- When it was paid, or ended.
    at integer,
    -- When it was found last.
    seen_at integer not null
) strict, without rowid;

create index old_object_bundle_fate_idx on old_object (bundle, fate, kind);
create index old_object_fate_kind_idx on old_object (fate, kind, provider_id);
create index old_object_payment_id_idx on old_object (payment_id);
create index old_object_subscription_id_idx on old_object (subscription_id);
create index old_object_email_key_idx on old_object (email_key) where email_key <> '';
create index old_object_seen_at_named_idx on old_object (seen_at) where email <> '' or name <> '';

-- Taken over from another program: nobody was thanked for it by us, and no receipt of ours has its number.
alter table recurring_donation add column adopted_at integer;
alter table donation add column adopted_at integer;

-- What was taken over is followed at the payment service, gift by gift.
create index donation_adopted_idx on donation (id) where adopted_at is not null;
create index recurring_donation_adopted_idx on recurring_donation (id) where adopted_at is not null;
