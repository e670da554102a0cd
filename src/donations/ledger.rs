//! The one place that writes into the book.
//!
//! The book is append-only and double: of every group the entries come to zero in each currency. A group is named by the
//! provider's object that it comes from, so whatever is told of twice is written once, and nothing is ever changed: what was wrong
//! is reversed by a group of its own (decision 20). Money is plus where it lies (`provider:stripe`, `bank`, `cash`) and where it
//! went (`fees`, `refunds`, `disputed`), and minus where it came from (`income:…`).

use super::{
    states::{Account, PostingKind},
    store::book::{self as rows, Entry},
};
use crate::{
    clock::Moment,
    db::{Result, Tx},
    payments::Movement,
};

/// What is written together.
pub(super) struct Posting<'a> {
    pub kind: PostingKind,
    /// What it comes from: with the kind it is the name of the group.
    pub of: &'a str,
    /// The provider's object.
    pub reference: &'a str,
    pub currency: &'a str,
    /// Accounts and what they change by; they come to zero.
    pub lines: &'a [(Account, i64)],
    pub donation_id: Option<i64>,
    /// When it happened.
    pub at: Moment,
}

impl Posting<'_> {
    fn group(&self) -> String {
        match self.kind {
            // As they are called since the first gift.
            PostingKind::Payment => format!("gift:{}", self.of),
            kind => format!("{kind}:{}", self.of),
        }
    }
}

/// Writes a group, unless it stands. What happened in a month that is closed stands in the one that is open, with the moment when
/// it happened beside it. The caller is inside [`Gate::Book`](crate::db::Gate::Book). False if it stood already, or moves nothing.
pub(super) async fn post(tx: &mut Tx, posting: &Posting<'_>) -> Result<bool> {
    let lines = posting.lines.iter().filter(|(_, minor)| *minor != 0);
    let sum: i64 = lines.clone().map(|(_, minor)| minor).sum();
    if sum != 0 {
        let what = format!("the entries of {} come to {sum}", posting.group());
        return Err(sqlx::Error::Protocol(what));
    }
    let closed = rows::closed_until(tx).await?.filter(|closed| posting.at < *closed);
    let group = posting.group();
    let mut written = 0;
    for (account, minor) in lines {
        let entry = Entry {
            group: &group,
            kind: posting.kind,
            account: *account,
            amount_minor: *minor,
            currency: posting.currency,
            donation_id: posting.donation_id,
            reference: posting.reference,
            at: closed.unwrap_or(posting.at),
            happened_at: closed.map(|_| posting.at),
        };
        written += rows::add_entry(tx, &entry).await?;
    }
    Ok(written > 0)
}

/// What a movement says beyond its amount: the fee, and, where money of another currency moved, what became of that. `gross` is the
/// amount as it stands in the book, with its currency.
pub(super) async fn post_costs(
    tx: &mut Tx,
    movement: &Movement,
    (gross, currency): (i64, &str),
    fee: PostingKind,
    donation_id: Option<i64>,
) -> Result<()> {
    let settled = movement.amount.currency.code();
    if settled != currency {
        for (minor, code) in [(-gross, currency), (movement.amount.minor, settled)] {
            let exchanged = Posting {
                kind: PostingKind::Exchange,
                of: &format!("{}:{code}", movement.id),
                reference: &movement.id,
                currency: code,
                lines: &[(Account::Provider, minor), (Account::Exchange, -minor)],
                donation_id,
                at: movement.at,
            };
            post(tx, &exchanged).await?;
        }
    }
    let taken = Posting {
        kind: fee,
        of: &movement.id,
        reference: &movement.id,
        currency: settled,
        lines: &[(Account::Fees, movement.fee_minor), (Account::Provider, -movement.fee_minor)],
        donation_id,
        at: movement.at,
    };
    post(tx, &taken).await.map(drop)
}
