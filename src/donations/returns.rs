//! What the desk shows of money that went back, and of what banks say: of one gift, and whatever needs somebody.

use super::store::returns as rows;
pub use super::store::returns::{DisputeLine, FailedPayout, RefundLine, WarningLine};
use crate::{
    clock::Zone,
    db::{Db, Result},
};

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

impl ReturnsToSee {
    /// A sentence for each kind of thing, the most pressing first, without its full stop; none when all is well.
    #[must_use]
    pub fn sentences(&self, zone: &Zone) -> Vec<String> {
        let until = self.disputes.iter().filter_map(|one| one.due_at).min();
        let until = until.map_or_else(String::new, |due| format!(" until {}", due.date(zone)));
        let said = |number: usize, one: &str, many: &str| match number {
            0 => None,
            1 => Some(one.to_owned()),
            _ => Some(many.to_owned()),
        };
        let disputes = said(
            self.disputes.len(),
            "A bank takes a gift back, or asks about it. An answer counts",
            "Banks take gifts back, or ask about them. The first answer counts",
        );
        let others = [
            said(
                self.warnings.len(),
                "A gift may be a fraud, and sending it back now spares a dispute",
                "Gifts may be frauds, and sending them back now spares disputes",
            ),
            said(
                self.refunds.len(),
                "A gift that was sent back did not arrive",
                "Gifts that were sent back did not arrive",
            ),
            said(
                self.payouts.len(),
                "A payout did not arrive at your bank",
                "Payouts did not arrive at your bank",
            ),
        ];
        let disputes = disputes.map(|words| words + &until);
        disputes.into_iter().chain(others.into_iter().flatten()).collect()
    }
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
