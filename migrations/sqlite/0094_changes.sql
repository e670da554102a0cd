-- What supporters change of their regular gifts: each a call to the provider that is stored before it is made.
create table subscription_change (
    public_id text primary key,
    recurring_donation_id integer not null references recurring_donation (id),
    -- The whole request, the same at each try; blanked once it is over.
    request text not null,
    state text not null check (state in ('started', 'done', 'refused')),
    attempts integer not null,
    next_at integer not null,
    last_error text,
    created_at integer not null,
    finished_at integer
) strict, without rowid;

-- One at a time for each gift, so that the last word is the last that was said.
create unique index subscription_change_started_idx on subscription_change (recurring_donation_id) where state = 'started';
create index subscription_change_recurring_donation_id_idx on subscription_change (recurring_donation_id);
create index subscription_change_next_at_idx on subscription_change (next_at) where state = 'started';
create index subscription_change_finished_at_idx on subscription_change (finished_at) where state <> 'started';
