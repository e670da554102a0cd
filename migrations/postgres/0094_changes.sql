-- What supporters change of their regular gifts: each a call to the provider that is stored before it is made.
create table subscription_change (
    public_id text collate "C" primary key,
    recurring_donation_id bigint not null references recurring_donation (id),
    -- The whole request, the same at each try; blanked once it is over.
    request text collate "C" not null,
    state text collate "C" not null check (state in ('started', 'done', 'refused')),
    attempts bigint not null,
    next_at bigint not null,
    last_error text collate "C",
    created_at bigint not null,
    finished_at bigint
);

-- One at a time for each gift, so that the last word is the last that was said.
create unique index subscription_change_started_idx on subscription_change (recurring_donation_id) where state = 'started';
create index subscription_change_recurring_donation_id_idx on subscription_change (recurring_donation_id);
create index subscription_change_next_at_idx on subscription_change (next_at) where state = 'started';
create index subscription_change_finished_at_idx on subscription_change (finished_at) where state <> 'started';
