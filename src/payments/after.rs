//! What becomes of a payment after it was paid, as the provider tells it: what moves on our balance there, what is given back,
//! what a bank takes back, and what is paid out.

use serde::{Deserialize, Serialize};

use super::ProviderAnswer;
use crate::{clock::Moment, money::Money, words};

/// A movement on our balance at the provider. It is in the currency of the account, whatever was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The provider's id.
    pub id: String,
    /// The provider's word for what it is, such as `charge`.
    pub kind: String,
    /// The provider's id of what moved it.
    pub source: Option<String>,
    /// The payment whose money it moves, where the provider says so.
    pub payment: Option<String>,
    /// What came in, or, below zero, went out.
    pub amount: Money,
    /// What the provider kept of it, in the same currency; below zero where it gives a fee back.
    pub fee_minor: i64,
    /// By how much the amount was multiplied where it was paid in another currency, in the provider's figures.
    pub exchange_rate: Option<String>,
    pub at: Moment,
}

impl Movement {
    /// By how much the balance changed.
    #[must_use]
    pub const fn net_minor(&self) -> i64 {
        self.amount.minor - self.fee_minor
    }
}

/// What the provider says of the money of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The provider's id.
    pub id: String,
    /// How it came onto our balance; none in the moment before the provider says so.
    pub movement: Option<Movement>,
    /// What went back of it so far, in minor units.
    pub refunded_minor: i64,
    /// Whether a bank ever took it back, or asked about it.
    pub disputed: bool,
    /// What it was paid with: the kind of card, and the last four figures of card or account; empty where the provider does not say.
    pub brand: String,
    pub last4: String,
}

words! {
    /// How far giving money back has come. What only a newer version knows has not ended.
    pub enum RefundState else Pending {
        /// The supporter has to say where it is to go.
        RequiresAction = "requires_action",
        /// It is on its way.
        Pending = "pending",
        Succeeded = "succeeded",
        /// It was called off before it left.
        Canceled = "canceled",
        /// The supporter's bank did not take it: it is ours again.
        Failed = "failed",
    }
}

impl RefundState {
    /// Whether the money is not ours any more.
    #[must_use]
    pub const fn is_away(self) -> bool {
        !matches!(self, Self::Canceled | Self::Failed)
    }
}

/// Money that is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The provider's id.
    pub id: String,
    pub state: RefundState,
    pub amount: Money,
    /// The provider's word for why; may be empty.
    pub reason: String,
    /// The provider's word for why it failed; may be empty.
    pub failure: String,
    /// The public id of what asked for it here; none for one that was made at the provider.
    pub ours: Option<String>,
    /// The payment that it is of.
    pub payment: Option<String>,
    /// What took it off our balance.
    pub moved: Option<Movement>,
    /// What brought it back after it failed.
    pub returned: Option<Movement>,
    pub created: Moment,
}

words! {
    /// How far a dispute has come. What only a newer version knows waits for us.
    pub enum DisputeState else NeedsResponse {
        /// The bank asks, and has taken nothing.
        WarningNeedsResponse = "warning_needs_response",
        WarningUnderReview = "warning_under_review",
        /// The bank asked, and is content.
        WarningClosed = "warning_closed",
        NeedsResponse = "needs_response",
        /// We have answered, and the bank decides.
        UnderReview = "under_review",
        AppealNeedsResponse = "appeal_needs_response",
        AppealUnderReview = "appeal_under_review",
        /// The money is ours again.
        Won = "won",
        Lost = "lost",
        /// It was given back before it became a dispute: there is nothing to answer.
        Prevented = "prevented",
    }
}

impl DisputeState {
    /// Whether it is not over.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::WarningClosed | Self::Won | Self::Lost | Self::Prevented)
    }

    /// Whether a bank only asks, and has taken nothing.
    #[must_use]
    pub const fn is_inquiry(self) -> bool {
        matches!(self, Self::WarningNeedsResponse | Self::WarningUnderReview | Self::WarningClosed)
    }

    /// Whether an answer of ours is waited for.
    #[must_use]
    pub const fn waits_for_us(self) -> bool {
        matches!(self, Self::WarningNeedsResponse | Self::NeedsResponse | Self::AppealNeedsResponse)
    }
}

/// A payment that its supporter's bank takes back, or asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The provider's id.
    pub id: String,
    pub state: DisputeState,
    /// What it is about.
    pub amount: Money,
    /// The provider's word for why.
    pub reason: String,
    /// The payment that it is of.
    pub payment: Option<String>,
    /// Until when an answer counts.
    pub due: Option<Moment>,
    pub answered: bool,
    /// What was taken, what was given back, and the fees: none, one or two.
    pub movements: Vec<Movement>,
    pub created: Moment,
}

/// A bank holds a payment for a fraud, before anybody disputes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FraudWarning {
    /// The provider's id.
    pub id: String,
    /// The provider's word for why.
    pub reason: String,
    /// Whether giving the money back now still spares the dispute.
    pub actionable: bool,
    /// The payment that it is of.
    pub payment: Option<String>,
    pub created: Moment,
}

words! {
    /// How far a payout has come. What only a newer version knows is on its way.
    pub enum PayoutState else InTransit {
        Pending = "pending",
        InTransit = "in_transit",
        Paid = "paid",
        Canceled = "canceled",
        /// Our bank did not take it: it is on the balance again.
        Failed = "failed",
    }
}

/// Money that the provider pays out to our bank: one line of the bank's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// The provider's id.
    pub id: String,
    pub state: PayoutState,
    /// Below zero where the provider takes what we owe it from the bank.
    pub amount: Money,
    /// The provider's words for why it failed; may be empty.
    pub failure: String,
    pub arrives: Moment,
    /// Whether the provider says which movements it pays out.
    pub automatic: bool,
    /// What took it off the balance.
    pub moved: Option<Movement>,
    /// What brought it back after it failed.
    pub returned: Option<Movement>,
    pub created: Moment,
}

/// Money that is to be given back. All of it is fixed before the first try, so that a repeat says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRefund {
    /// The key under which the provider recognises a repeat of this call.
    pub idempotency_key: String,
    /// The provider's id of the payment.
    pub payment: String,
    /// Minor units.
    pub amount_minor: i64,
    /// Our public id of what asks for it.
    pub ours: String,
}

/// Which objects of a list: made from one moment until before another, and after one that another page named as its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span<'a> {
    pub from: Option<Moment>,
    pub until: Option<Moment>,
    pub after: Option<&'a str>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The newest first.
    pub items: Vec<T>,
    /// What the next page comes after; none on the last.
    pub next: Option<String>,
}

/// What is asked about the money after it was paid.
pub trait AfterPayment: Send + Sync {
    /// What was given back of a payment, a hundred at most.
    fn refunds_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<Refund>>;
    /// The disputes of a payment.
    fn disputes_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<Dispute>>;
    /// What banks say of a payment before there is a dispute.
    fn warnings_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Vec<FraudWarning>>;
    /// The invoice that a payment paid; none for one of no invoice.
    fn invoice_of<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Option<String>>;
    /// The checkout session that a payment was made in; none for one of no session.
    fn session_of_payment<'a>(&'a self, payment: &'a str) -> ProviderAnswer<'a, Option<String>>;
    /// Gives money back; the same key gives it once.
    fn refund<'a>(&'a self, new: &'a NewRefund) -> ProviderAnswer<'a, Refund>;
    /// A payout.
    fn payout<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payout>;
    /// Movements on our balance: of one payout, or of all.
    fn movements<'a>(&'a self, span: Span<'a>, payout: Option<&'a str>)
    -> ProviderAnswer<'a, Page<Movement>>;
    /// All refunds.
    fn refunds<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Refund>>;
    /// All disputes.
    fn disputes<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Dispute>>;
    /// All payouts.
    fn payouts<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<Payout>>;
    /// All payments, those of other software, too.
    fn payments<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<super::Payment>>;
    /// All subscriptions, ended ones and those of other software, too.
    fn subscriptions<'a>(&'a self, span: Span<'a>) -> ProviderAnswer<'a, Page<super::ProviderSubscription>>;
}
