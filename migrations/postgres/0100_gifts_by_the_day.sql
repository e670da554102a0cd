-- What the gifts come to that were paid on each day of UTC, without what came back of them, so that no sum reads every gift.
create table gift_day (
    -- Days since 1970.
    day bigint not null,
    kind text collate "C" not null check (kind in ('once', 'instalment')),
    currency text collate "C" not null,
    number bigint not null,
    minor bigint not null,
    primary key (day, kind, currency)
);

insert into gift_day (day, kind, currency, number, minor)
    select day, kind, currency, sum(number), sum(minor) from (
        select paid_at / 86400000000 as day, kind, currency, 1 as number, amount_minor as minor from donation where state = 'paid'
        union all
        select d.paid_at / 86400000000, d.kind, d.currency, -case when b.minor >= d.amount_minor then 1 else 0 end, -b.minor
            from (select donation_id, sum(minor) as minor from gift_back group by donation_id) b
            join donation d on d.id = b.donation_id where d.state = 'paid') gifts
    group by day, kind, currency;

drop index donation_sums_idx;

-- A rare kind is found without the others.
create index donation_kind_at_idx on donation (kind, coalesce(paid_at, created_at), id);
-- What all gifts of an amount come to, of which there may be very many: this alone is read.
create index donation_amount_sums_idx on donation (amount_minor, paid_at, kind, currency, version, id) where state = 'paid';
-- So is this, to see who gave twice.
create index donation_once_at_idx on donation (paid_at, donor_id, id) where state = 'paid' and kind <> 'instalment';
