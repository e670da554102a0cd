-- Sign-ups that came faster than they could be looked at: written down as they were typed, until somebody looks.
create table sign_up (
    public_id text primary key,
    at integer not null,
    -- The address as it is compared, for whoever asks what is held about it.
    email_key text not null,
    -- All that was typed, and from where, as JSON.
    typed text not null,
    attempts integer not null default 0,
    next_at integer not null,
    last_error text
) strict, without rowid;

create index sign_up_at_idx on sign_up (at);
create index sign_up_next_at_idx on sign_up (next_at);
create index sign_up_email_key_idx on sign_up (email_key);
