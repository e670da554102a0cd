-- What became of a payment after it was paid, and the whole book of it: nothing in the book is ever changed.

-- How often the row has followed what the provider says of its payment: whoever looked before the last time has to look again.
alter table donation add column version integer not null default 0;

-- What an entry is one of. Until now there were only payments.
alter table ledger_entry add column kind text not null default 'payment' check (kind in ('payment', 'fee', 'exchange', 'refund',
    'refund_failed', 'dispute', 'dispute_fee', 'dispute_won', 'payout', 'payout_failed', 'adjustment', 'offline'));
-- When it happened, if that month was closed by the time we heard of it: then it stands in the month that was open.
alter table ledger_entry add column happened_at integer;
create index ledger_entry_at_idx on ledger_entry (at, id);
create trigger ledger_entry_stays before update on ledger_entry
begin
    select raise(abort, 'nothing in the book is changed: what was wrong is reversed');
end;
create trigger ledger_entry_is_kept before delete on ledger_entry
begin
    select raise(abort, 'nothing is taken out of the book: what was wrong is reversed');
end;

create table refund (
    id integer primary key autoincrement,
    provider_refund_id text not null unique,
    donation_id integer not null references donation (id),
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    state text not null check (state in ('requires_action', 'pending', 'succeeded', 'canceled', 'failed')),
    reason text not null,
    failure text not null,
    -- The movements on the provider's balance that took it away, and brought it back.
    moved_by text,
    returned_by text,
    created_at integer not null
) strict;
create index refund_donation_id_idx on refund (donation_id);
create index refund_failed_idx on refund (created_at) where state = 'failed';

create table dispute (
    id integer primary key autoincrement,
    provider_dispute_id text not null unique,
    donation_id integer not null references donation (id),
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    state text not null check (state in ('warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response',
        'under_review', 'appeal_needs_response', 'appeal_under_review', 'won', 'lost', 'prevented')),
    reason text not null,
    -- Until when an answer counts, and whether one was given.
    due_at integer,
    is_answered integer not null check (is_answered in (0, 1)),
    created_at integer not null
) strict;
create index dispute_donation_id_idx on dispute (donation_id);
create index dispute_open_idx on dispute (due_at) where state in ('warning_needs_response', 'needs_response', 'appeal_needs_response');

-- A bank says that a payment may be a fraud, before anybody disputes it.
create table fraud_warning (
    id integer primary key autoincrement,
    provider_warning_id text not null unique,
    donation_id integer not null references donation (id),
    reason text not null,
    -- Whether giving the money back now still spares the dispute.
    is_actionable integer not null check (is_actionable in (0, 1)),
    created_at integer not null
) strict;
create index fraud_warning_donation_id_idx on fraud_warning (donation_id);
create index fraud_warning_actionable_idx on fraud_warning (created_at) where is_actionable = 1;

create table payout (
    id integer primary key autoincrement,
    provider_payout_id text not null unique,
    amount_minor integer not null,
    currency text not null,
    state text not null check (state in ('pending', 'in_transit', 'paid', 'canceled', 'failed')),
    failure text not null,
    arrives_at integer not null,
    -- Whether it is still to be looked at what it paid out.
    to_settle integer not null default 0 check (to_settle in (0, 1)),
    created_at integer not null
) strict;
create index payout_to_settle_idx on payout (id) where to_settle = 1;
create index payout_failed_idx on payout (created_at) where state = 'failed';

-- Movements on the provider's balance, as the provider counts them: net = amount - fee.
create table movement (
    id integer primary key autoincrement,
    provider_movement_id text not null unique,
    type text not null,
    source text,
    amount_minor integer not null,
    fee_minor integer not null,
    currency text not null,
    exchange_rate text,
    -- The gift that it moves money of, and the payout that it was paid out with.
    donation_id integer references donation (id),
    payout_id integer references payout (id),
    at integer not null
) strict;
create index movement_donation_id_idx on movement (donation_id);
create index movement_payout_id_idx on movement (payout_id);
create index movement_at_idx on movement (at, id);

-- Months of the book that are closed: what comes later stands in the month that is open.
create table closed_month (
    -- As in 2026-10.
    month text primary key,
    until integer not null unique,
    staff_id integer references staff (id),
    closed_at integer not null
) strict, without rowid;
create index closed_month_staff_id_idx on closed_month (staff_id);

-- What is not ours any more of gifts that were paid: given back, or taken back by a bank that has not said yet that it was wrong.
create view gift_back as
    select donation_id, amount_minor as minor from refund where state not in ('canceled', 'failed')
    union all
    select donation_id, amount_minor from dispute
        where state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'prevented');

-- How a gift stands: the one place where that is computed.
create view gift_standing as
    select d.id as donation_id,
        (coalesce((select cast(sum(b.amount_minor) as bigint) from refund b where b.donation_id = d.id and b.state not in ('canceled', 'failed')), 0)
            + coalesce((select cast(sum(b.amount_minor) as bigint) from dispute b where b.donation_id = d.id
                and b.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'lost', 'prevented')), 0)) as back_minor,
        coalesce((select cast(sum(r.amount_minor) as bigint) from refund r
            where r.donation_id = d.id and r.state not in ('canceled', 'failed')), 0) as refunded_minor,
        case when d.state <> 'paid' then d.state
            when exists (select 1 from dispute x where x.donation_id = d.id
                and x.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review')) then 'disputed'
            when exists (select 1 from dispute x where x.donation_id = d.id and x.state in ('lost', 'prevented')) then 'dispute_lost'
            when (select sum(r.amount_minor) from refund r
                where r.donation_id = d.id and r.state not in ('canceled', 'failed')) >= d.amount_minor then 'refunded'
            when exists (select 1 from refund r
                where r.donation_id = d.id and r.state not in ('canceled', 'failed')) then 'partly_refunded'
            when exists (select 1 from dispute x where x.donation_id = d.id and x.state = 'won') then 'dispute_won'
            else 'paid' end as standing
    from donation d;
