//! The statements of what the desk shows of money that went back.

use sqlx_macros::FromRow;

use super::super::lines::figures;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    payments::{DisputeState, RefundState},
    statements,
};

statements! {
    REFUNDS_OF = "select r.id, r.provider_refund_id, d.public_id as donation, r.amount_minor, r.currency, r.state, r.failure, r.created_at,
            q.why, s.name as asked_by
        from donation d join refund r on r.donation_id = d.id
        left join refund_request q on q.provider_refund_id = r.provider_refund_id left join staff s on s.id = q.staff_id
        where d.public_id = $1 order by r.id desc limit 100";
    FAILED_REFUNDS = "select r.id, r.provider_refund_id, d.public_id as donation, r.amount_minor, r.currency, r.state, r.failure, r.created_at,
            q.why, s.name as asked_by
        from refund r join donation d on d.id = r.donation_id
        left join refund_request q on q.provider_refund_id = r.provider_refund_id left join staff s on s.id = q.staff_id
        where r.state = 'failed' order by r.created_at desc limit 100";
    DISPUTES_OF = "select x.id, x.provider_dispute_id, d.public_id as donation, x.amount_minor, x.currency, x.state, x.reason, x.due_at,
            x.is_answered, x.created_at
        from donation d join dispute x on x.donation_id = d.id where d.public_id = $1 order by x.id desc limit 100";
    OPEN_DISPUTES = "select x.id, x.provider_dispute_id, d.public_id as donation, x.amount_minor, x.currency, x.state, x.reason, x.due_at,
            x.is_answered, x.created_at
        from dispute x join donation d on d.id = x.donation_id
        where x.state in ('warning_needs_response', 'needs_response', 'appeal_needs_response') order by x.due_at limit 100";
    WARNINGS_OF = "select w.id, w.provider_warning_id, d.public_id as donation, d.amount_minor, d.currency, w.reason, w.is_actionable,
            w.created_at
        from donation d join fraud_warning w on w.donation_id = d.id where d.public_id = $1 order by w.id desc limit 100";
    OPEN_WARNINGS = sqlite "select w.id, w.provider_warning_id, d.public_id as donation, d.amount_minor, d.currency, w.reason, w.is_actionable,
            w.created_at
        from fraud_warning w join donation d on d.id = w.donation_id where w.is_actionable = 1 order by w.created_at desc limit 100",
        postgres "select w.id, w.provider_warning_id, d.public_id as donation, d.amount_minor, d.currency, w.reason, w.is_actionable,
            w.created_at
        from fraud_warning w join donation d on d.id = w.donation_id where w.is_actionable order by w.created_at desc limit 100";
    FAILED_PAYOUTS = "select provider_payout_id, amount_minor, currency, failure, created_at from payout
        where state = 'failed' order by created_at desc limit 100";
    IS_IN_DISPUTE = "select count(*) from donation d join dispute x on x.donation_id = d.id
        where d.donor_id = $1 and x.state not in ('warning_closed', 'won', 'lost', 'prevented')";
}

/// Money that was sent back.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct RefundLine {
    pub id: i64,
    pub provider_refund_id: String,
    /// The public id of the gift.
    pub donation: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    pub state: RefundState,
    /// The provider's word for why it failed; empty if it did not.
    pub failure: String,
    pub created_at: Moment,
    /// Why, in the words of who asked for it here; none of one that was made at the provider.
    pub why: Option<String>,
    /// Who asked for it here.
    pub asked_by: Option<String>,
}

impl RefundLine {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }
}

/// A gift that a bank takes back, or asks about.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct DisputeLine {
    pub id: i64,
    pub provider_dispute_id: String,
    /// The public id of the gift.
    pub donation: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    pub state: DisputeState,
    /// The provider's word for why.
    pub reason: String,
    /// Until when an answer counts.
    pub due_at: Option<Moment>,
    /// Whether one was given.
    pub is_answered: bool,
    pub created_at: Moment,
}

impl DisputeLine {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }
}

/// A gift that a bank holds for a fraud.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct WarningLine {
    pub id: i64,
    pub provider_warning_id: String,
    /// The public id of the gift.
    pub donation: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The provider's word for why.
    pub reason: String,
    /// Whether sending it back now still spares the dispute.
    pub is_actionable: bool,
    pub created_at: Moment,
}

impl WarningLine {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }
}

/// What did not arrive at our bank.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct FailedPayout {
    pub provider_payout_id: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The provider's words for why.
    pub failure: String,
    pub created_at: Moment,
}

impl FailedPayout {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }
}

pub async fn refunds_of(db: &Db, donation: &str) -> Result<Vec<RefundLine>> {
    db.all(REFUNDS_OF, (donation,)).await
}

pub async fn failed_refunds(db: &Db) -> Result<Vec<RefundLine>> {
    db.all(FAILED_REFUNDS, ()).await
}

pub async fn disputes_of(db: &Db, donation: &str) -> Result<Vec<DisputeLine>> {
    db.all(DISPUTES_OF, (donation,)).await
}

pub async fn open_disputes(db: &Db) -> Result<Vec<DisputeLine>> {
    db.all(OPEN_DISPUTES, ()).await
}

pub async fn warnings_of(db: &Db, donation: &str) -> Result<Vec<WarningLine>> {
    db.all(WARNINGS_OF, (donation,)).await
}

pub async fn open_warnings(db: &Db) -> Result<Vec<WarningLine>> {
    db.all(OPEN_WARNINGS, ()).await
}

pub async fn failed_payouts(db: &Db) -> Result<Vec<FailedPayout>> {
    db.all(FAILED_PAYOUTS, ()).await
}

/// Whether a bank decides about a gift of a supporter.
pub async fn is_in_dispute(tx: &mut Tx, donor: i64) -> Result<bool> {
    Ok(tx.one::<(i64,)>(IS_IN_DISPUTE, (donor,)).await?.0 > 0)
}
