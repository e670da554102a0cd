//! What the desk shows of money that went back, and of what banks say: of one gift, and whatever needs somebody.

use super::store::returns as rows;
pub use super::store::returns::{DisputeLine, FailedPayout, RefundLine, WarningLine};
use crate::db::{Db, Result};

/// What came back of one gift, or may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GiftReturns {
    /// What was sent back, the newest first.
    pub refunds: Vec<RefundLine>,
    /// What its bank took back, or asks about, the newest first.
    pub disputes: Vec<DisputeLine>,
    /// What its bank warns of, the newest first.
    pub warnings: Vec<WarningLine>,
}

/// What came back of a gift, by its public id: a hundred of each at most.
pub async fn returns_of(db: &Db, donation: &str) -> Result<GiftReturns> {
    Ok(GiftReturns {
        refunds: rows::refunds_of(db, donation).await?,
        disputes: rows::disputes_of(db, donation).await?,
        warnings: rows::warnings_of(db, donation).await?,
    })
}

/// Money that needs somebody: a hundred of each at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnsToSee {
    /// Disputes that wait for an answer of ours, the most pressing first.
    pub disputes: Vec<DisputeLine>,
    /// Gifts that may be a fraud, where sending them back now helps, the newest first.
    pub warnings: Vec<WarningLine>,
    /// What was sent back and did not arrive, the newest first.
    pub refunds: Vec<RefundLine>,
    /// What did not arrive at our bank, the newest first.
    pub payouts: Vec<FailedPayout>,
}

/// What needs somebody now.
pub async fn returns_to_see(db: &Db) -> Result<ReturnsToSee> {
    Ok(ReturnsToSee {
        disputes: rows::open_disputes(db).await?,
        warnings: rows::open_warnings(db).await?,
        refunds: rows::failed_refunds(db).await?,
        payouts: rows::failed_payouts(db).await?,
    })
}

/// Whether a bank decides about a gift of whoever gives under an address: then nobody asks them for money.
pub async fn is_in_dispute(db: &Db, email_key: &str) -> Result<bool> {
    rows::is_in_dispute(db, email_key).await
}
