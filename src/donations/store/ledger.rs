//! The statements of the book.

use sqlx_macros::FromRow;

use super::super::{ledger::Account, states::PostingKind};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    ADD_ENTRY = "insert into ledger_entry (entry_group, kind, account, amount_minor, currency, donation_id, reference, at, happened_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (entry_group, account) do nothing";
    CLOSED_UNTIL = "select max(until) from closed_month";
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
