//! The statements of closed months, and of what the book says of one.

use sqlx_macros::FromRow;

use super::super::{
    lines::figures,
    states::{Account, PostingKind},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    CLOSE = "insert into closed_month (month, until, staff_id, closed_at) values ($1, $2, $3, $4)";
    CLOSED = "select m.month, m.until, m.closed_at, s.name as closed_by from closed_month m left join staff s on s.id = m.staff_id
        order by m.until desc limit 240";
    SUMS = "select kind, account, currency, count(*) as number, cast(sum(amount_minor) as bigint) as minor,
            cast(sum(case when happened_at is null then 0 else 1 end) as bigint) as late
        from ledger_entry where at >= $1 and at < $2 group by kind, account, currency order by currency, account, kind";
}

/// A month of the book that is closed.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ClosedMonth {
    /// As in `2026-10`.
    pub month: String,
    /// The moment after its last.
    pub until: Moment,
    pub closed_at: Moment,
    /// The name of who closed it; none of one who is not on the team any more.
    pub closed_by: Option<String>,
}

/// What the book says of one kind of entries in one account.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct MonthSum {
    pub kind: PostingKind,
    pub account: Account,
    /// ISO 4217 code.
    pub currency: String,
    /// How many entries.
    pub number: i64,
    /// Their sum in minor units.
    pub minor: i64,
    /// How many of them happened in a month that was closed by the time they came.
    pub late: i64,
}

impl MonthSum {
    /// The sum, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.minor, &self.currency)
    }
}

pub async fn close(tx: &mut Tx, month: &str, until: Moment, staff_id: i64, now: Moment) -> Result<u64> {
    tx.exec(CLOSE, (month, until, staff_id, now)).await
}

pub async fn closed(db: &Db) -> Result<Vec<ClosedMonth>> {
    db.all(CLOSED, ()).await
}

pub async fn sums(db: &Db, from: Moment, until: Moment) -> Result<Vec<MonthSum>> {
    db.all(SUMS, (from, until)).await
}
