//! The statements of the book, of its receipts, and of everything in it that should not be.

use super::super::lines::{LedgerLine, Total};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements, token,
};

statements! {
    ADD_ENTRY = "insert into ledger_entry (entry_group, account, amount_minor, currency, donation_id, reference, at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    ADD_RECEIPT = "insert into receipt (public_id, number, donation_id, created_at) values ($1, $2, $3, $4)";
    BOOKED = "select currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor
        from ledger_entry where account = 'provider:stripe' group by currency order by currency";
    UNBALANCED = "select entry_group from ledger_entry group by entry_group, currency
        having sum(amount_minor) <> 0";
    WRONGLY_BOOKED = "select public_id from donation where state = 'paid' and
        ((select count(distinct entry_group) from ledger_entry where donation_id = donation.id) <> 1 or
        (select count(*) from ledger_entry where donation_id = donation.id and account = 'provider:stripe'
        and amount_minor = donation.amount_minor and currency = donation.currency) <> 1)";
    WITHOUT_RECEIPT = "select public_id from donation where state = 'paid' and
        (select count(*) from receipt where donation_id = donation.id) <> 1";
    BOOKED_UNPAID = "select public_id from donation where state <> 'paid' and
        (exists (select 1 from ledger_entry where donation_id = donation.id) or
        exists (select 1 from receipt where donation_id = donation.id))";
    RECEIPT_COUNT = "select count(*) from receipt";
    ENTRIES_OF = "select account, amount_minor, currency, reference, at from ledger_entry where donation_id = $1 order by id";
}

/// One line of the book.
pub struct Entry<'a> {
    pub group: &'a str,
    pub account: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub donation_id: i64,
    pub reference: &'a str,
    pub at: Moment,
}

pub async fn add_entry(tx: &mut Tx, entry: &Entry<'_>) -> Result<u64> {
    let row = (
        entry.group,
        entry.account,
        entry.amount_minor,
        entry.currency,
        entry.donation_id,
        entry.reference,
        entry.at,
    );
    tx.exec(ADD_ENTRY, row).await
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
    ] {
        let rows: Vec<(String,)> = db.all(statement, ()).await?;
        problems.extend(rows.into_iter().map(|(name,)| format!("{sentence} {name}")));
    }
    Ok(problems)
}

pub async fn receipt_count(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(RECEIPT_COUNT, ()).await?.0)
}

pub async fn entries_of(db: &Db, donation_id: i64) -> Result<Vec<LedgerLine>> {
    db.all(ENTRIES_OF, (donation_id,)).await
}
