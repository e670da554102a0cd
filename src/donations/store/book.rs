//! The statements of the book, of its receipts, and of everything in it that should not be.

use super::super::{
    lines::{LedgerLine, Total},
    states::{Account, PostingKind},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements, token,
};

statements! {
    ADD_ENTRY = "insert into ledger_entry (entry_group, kind, account, amount_minor, currency, donation_id, reference, at, happened_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (entry_group, account) do nothing";
    CLOSED_UNTIL = "select max(until) from closed_month";
    ADD_RECEIPT = "insert into receipt (public_id, number, donation_id, created_at) values ($1, $2, $3, $4)";
    /// What came in over the provider.
    BOOKED = "select currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from ledger_entry where kind = 'payment' and account = 'provider:stripe' group by currency order by currency";
    /// What gifts came to, by the book: whatever became of them later.
    INCOME = "select currency, count(*) as number, cast(-sum(amount_minor) as bigint) as minor
        from ledger_entry where kind in ('payment', 'offline') and account like 'income:%' group by currency order by currency";
    /// The same, by the gifts.
    GROSS = "select currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from donation where state = 'paid' group by currency order by currency";
    UNBALANCED = "select entry_group from ledger_entry group by entry_group, currency
        having sum(amount_minor) <> 0";
    WRONGLY_BOOKED = "select public_id from donation where state = 'paid' and
        ((select count(distinct entry_group) from ledger_entry where donation_id = donation.id and kind in ('payment', 'offline')) <> 1 or
        (select count(*) from ledger_entry where donation_id = donation.id and kind in ('payment', 'offline') and account like 'income:%'
        and amount_minor = -donation.amount_minor and currency = donation.currency) <> 1)";
    /// What was taken over had its paper from another program.
    WITHOUT_RECEIPT = "select public_id from donation where state = 'paid' and
        (select count(*) from receipt where donation_id = donation.id) <> case when adopted_at is null then 1 else 0 end";
    BOOKED_UNPAID = "select public_id from donation where state <> 'paid' and
        (exists (select 1 from ledger_entry where donation_id = donation.id) or
        exists (select 1 from receipt where donation_id = donation.id))";
    /// What was given back stands in the book as it moved, and is undone there where it came back.
    REFUND_UNBOOKED = "select r.provider_refund_id from refund r where
        (case when r.moved_by is not null then r.amount_minor else 0 end
        - case when r.returned_by is not null and r.state in ('failed', 'canceled') then r.amount_minor else 0 end) <>
        coalesce((select cast(sum(e.amount_minor) as bigint) from ledger_entry e where e.donation_id = r.donation_id
        and e.reference = r.provider_refund_id and e.account = 'refunds'), 0)";
    REFUND_UNKNOWN = "select e.entry_group from ledger_entry e where e.account = 'refunds' and
        not exists (select 1 from refund r where r.provider_refund_id = e.reference)";
    MORE_BACK_THAN_GIVEN = "select d.public_id from donation d where d.amount_minor <
        (select sum(r.amount_minor) from refund r where r.donation_id = d.id and r.state not in ('canceled', 'failed'))";
    BACK_OF_UNPAID = "select d.public_id from donation d where d.state <> 'paid'
        and d.id in (select donation_id from refund union all select donation_id from dispute)";
    DISPUTE_UNBOOKED = "select d.public_id from donation d where d.id in (select donation_id from dispute where state in ('won', 'lost', 'prevented'))
        and not exists (select 1 from dispute x where x.donation_id = d.id and x.state not in ('won', 'lost', 'prevented'))
        and coalesce((select cast(sum(e.amount_minor) as bigint) from ledger_entry e where e.donation_id = d.id and e.account = 'disputed'), 0)
        <> coalesce((select cast(sum(x.amount_minor) as bigint) from dispute x where x.donation_id = d.id and x.state in ('lost', 'prevented')), 0)";
    /// What the book says that the provider holds of a movement's currency is what its movements come to, and what came in of which
    /// no movement is known yet.
    HELD = "select currency, count(*) as number, cast(sum(minor) as bigint) as minor from (
            select currency, amount_minor as minor from ledger_entry where account = 'provider:stripe'
            union all select currency, -(amount_minor - fee_minor) from movement
            union all select e.currency, -e.amount_minor from ledger_entry e
                where e.account = 'provider:stripe' and e.kind = 'payment'
                and not exists (select 1 from movement m where m.donation_id = e.donation_id and m.type in ('charge', 'payment'))) held
        group by currency having sum(minor) <> 0 order by currency";
    /// What a movement brought that was booked as no gift.
    OTHER_OF = "select cast(coalesce(sum(amount_minor), 0) as bigint) from ledger_entry
        where entry_group = 'adjustment:' || cast($1 as text) and account = 'provider:stripe'";
    /// Days whose sums are not what their gifts come to, without what came back of them.
    DAY_WRONG = "select kind || ' in ' || currency || ' on day ' || day from (
            select day, kind, currency, number, minor from gift_day
            union all
            select paid_at / 86400000000, kind, currency, -1, -amount_minor from donation where state = 'paid'
            union all
            select d.paid_at / 86400000000, d.kind, d.currency, case when b.minor >= d.amount_minor then 1 else 0 end, b.minor
                from (select donation_id, sum(minor) as minor from gift_back group by donation_id) b
                join donation d on d.id = b.donation_id where d.state = 'paid') days
        group by day, kind, currency having sum(number) <> 0 or sum(minor) <> 0";
    RECEIPT_COUNT = "select count(*) from receipt";
    ENTRIES_OF = "select kind, account, amount_minor, currency, reference, at, happened_at from ledger_entry where donation_id = $1 order by id";
}

/// One line of the book.
pub struct Entry<'a> {
    pub group: &'a str,
    pub kind: PostingKind,
    pub account: Account,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub donation_id: Option<i64>,
    pub reference: &'a str,
    pub at: Moment,
    pub happened_at: Option<Moment>,
}

pub async fn add_entry(tx: &mut Tx, entry: &Entry<'_>) -> Result<u64> {
    let row = (
        entry.group,
        entry.kind,
        entry.account,
        entry.amount_minor,
        entry.currency,
        entry.donation_id,
        entry.reference,
        entry.at,
        entry.happened_at,
    );
    tx.exec(ADD_ENTRY, row).await
}

/// Until when the book is closed; none while no month is.
pub async fn closed_until(tx: &mut Tx) -> Result<Option<Moment>> {
    Ok(tx.one::<(Option<Moment>,)>(CLOSED_UNTIL, ()).await?.0)
}

pub async fn add_receipt(tx: &mut Tx, donation_id: i64, number: &str, at: Moment) -> Result<u64> {
    let public_id = token::public_id();
    tx.exec(ADD_RECEIPT, (public_id.as_str(), number, donation_id, at)).await
}

pub async fn booked(db: &Db) -> Result<Vec<Total>> {
    db.all(BOOKED, ()).await
}

/// Everything that should not be: a sentence for each, with the names of the rows.
pub async fn wrong_rows(db: &Db) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (statement, sentence) in [
        (UNBALANCED, "the entries do not add up to zero in group"),
        (WRONGLY_BOOKED, "not booked exactly once: donation"),
        (WITHOUT_RECEIPT, "not exactly one receipt: donation"),
        (BOOKED_UNPAID, "booked without having been paid: donation"),
        (REFUND_UNBOOKED, "not booked as it moved: refund"),
        (REFUND_UNKNOWN, "the book has a refund that there is not: group"),
        (MORE_BACK_THAN_GIVEN, "more was given back than given: donation"),
        (BACK_OF_UNPAID, "given back without having been paid: donation"),
        (DAY_WRONG, "the sum of a day is not that of its gifts:"),
        (DISPUTE_UNBOOKED, "what a bank took back is not booked as it ended: donation"),
    ] {
        let rows: Vec<(String,)> = db.all(statement, ()).await?;
        problems.extend(rows.into_iter().map(|(name,)| format!("{sentence} {name}")));
    }
    Ok(problems)
}

/// What gifts came to, by the book.
pub async fn income(db: &Db) -> Result<Vec<Total>> {
    db.all(INCOME, ()).await
}

/// What gifts came to, by the gifts.
pub async fn gross(db: &Db) -> Result<Vec<Total>> {
    db.all(GROSS, ()).await
}

/// By how much the book is off from the movements on the provider's balance, by currency; nothing where it is not.
pub async fn held_wrongly(db: &Db) -> Result<Vec<Total>> {
    db.all(HELD, ()).await
}

/// What a movement brought that was booked as no gift, in minor units.
pub async fn other_of(tx: &mut Tx, movement: &str) -> Result<i64> {
    Ok(tx.one::<(i64,)>(OTHER_OF, (movement,)).await?.0)
}

pub async fn receipt_count(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(RECEIPT_COUNT, ()).await?.0)
}

pub async fn entries_of(db: &Db, donation_id: i64) -> Result<Vec<LedgerLine>> {
    db.all(ENTRIES_OF, (donation_id,)).await
}
