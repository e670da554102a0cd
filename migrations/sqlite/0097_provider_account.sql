-- Our account at the payment service: what it said of itself last.
create table provider_account (
    account_id text primary key,
    may_charge integer not null check (may_charge in (0, 1)),
    may_pay_out integer not null check (may_pay_out in (0, 1)),
    -- What the payment service waits for, and why it restricts the account, in its own words.
    wants text not null,
    why text not null,
    -- Since when money can neither come in nor go out as it should.
    restricted_since integer,
    looked_at integer not null
) strict, without rowid;

-- What was heard by asking alone: while news come by themselves, there is nothing new in it.
create index provider_event_received_at_polled_idx on provider_event (received_at) where source = 'poll';

-- How far each list of kinds was read stands under a name of its own.
delete from sync_cursor where name in ('provider-events', 'provider-events-unfinished');
