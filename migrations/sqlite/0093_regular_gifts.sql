-- What a subscription is at the provider, as far as its supporter sees it, and renewals that fail.

-- How often it is taken: every so many days, weeks, months or years.
alter table recurring_donation add column every_count integer not null default 1 check (every_count > 0);
alter table recurring_donation add column every_unit text not null default 'month' check (every_unit in ('day', 'week', 'month', 'year'));
-- When it is taken next, and when it ends though nobody asks again; none if that is not known, or not so.
alter table recurring_donation add column next_at integer;
alter table recurring_donation add column ends_at integer;
-- Until when nothing is taken; none in the state of a pause if nobody said until when.
alter table recurring_donation add column rests_until integer;
-- What pays it: the provider's name of it, and of a card what its holder knows it by; empty if it is no card.
alter table recurring_donation add column provider_method_id text;
alter table recurring_donation add column card_brand text not null default '';
alter table recurring_donation add column card_last4 text not null default '';
-- The last month it is good, as 2027-04; and the one that its supporter was told of.
alter table recurring_donation add column card_expires text not null default '';
alter table recurring_donation add column card_told text not null default '';

create index recurring_donation_customer_idx on recurring_donation (provider_customer_id) where provider_customer_id is not null;
create index recurring_donation_method_idx on recurring_donation (provider_method_id) where provider_method_id is not null;
create index recurring_donation_card_idx on recurring_donation (card_expires) where card_expires <> '' and state = 'active';

-- A payment of a regular gift that failed, as long as its supporter is written to about it: a row for each bill.
create table renewal_trouble (
    provider_invoice_id text primary key,
    recurring_donation_id integer not null references recurring_donation (id),
    failed_at integer not null,
    -- How many letters have gone.
    letters integer not null,
    -- When the next goes. It is looked at once a day until then.
    due_at integer not null,
    state text not null check (state in ('open', 'over')),
    attempts integer not null,
    next_at integer not null,
    last_error text
) strict, without rowid;

create index renewal_trouble_recurring_donation_id_idx on renewal_trouble (recurring_donation_id);
create index renewal_trouble_next_at_idx on renewal_trouble (next_at) where state = 'open';
create index renewal_trouble_failed_at_idx on renewal_trouble (failed_at) where state = 'over';
