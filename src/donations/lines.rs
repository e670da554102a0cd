//! What the tables of donations show, a line each; sums and amounts for people.

use sqlx_macros::FromRow;

use super::states::{
    DonationKind, DonationState, EventSource, EventState, GiftStanding, PostingKind, RecurringState,
};
use crate::{
    clock::Moment,
    money::{self, Money},
    payments::{GiftRhythm, GiftRhythmUnit},
};

/// The kind under which a signed event is kept that cannot be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// A number of gifts and their sum, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Total {
    /// What is summed; none for monthly donations and for the book.
    #[sqlx(default)]
    pub kind: Option<DonationKind>,
    /// ISO 4217 code.
    pub currency: String,
    /// How many.
    pub number: i64,
    /// Their sum in minor units.
    pub minor: i64,
}

impl Total {
    /// The sum, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.minor, &self.currency)
    }
}

/// What regular donations of one rhythm bring each time, in one currency; or would, if they did not rest, or were paid.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct RunningTotal {
    /// Whether they run ([`RecurringState::Active`]), rest, or are not paid any more.
    pub state: RecurringState,
    /// ISO 4217 code.
    pub currency: String,
    every_count: i64,
    every_unit: GiftRhythmUnit,
    /// How many.
    pub number: i64,
    /// Their sum in minor units.
    pub minor: i64,
}

impl RunningTotal {
    /// The sum, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.minor, &self.currency)
    }

    /// How often it comes.
    #[must_use]
    pub const fn rhythm(&self) -> GiftRhythm {
        GiftRhythm { count: self.every_count, unit: self.every_unit }
    }
}

/// A donation as a line of the desk's list.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ListedDonation {
    /// The row's id, to ask for the next page with.
    pub id: i64,
    /// Its name in URLs.
    pub public_id: String,
    /// Where the receipt went; empty when the checkout page expired.
    pub email: String,
    /// The supporter's name; may be empty.
    pub name: String,
    /// What it is one of.
    pub kind: DonationKind,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// How far it has come.
    pub state: DonationState,
    /// How it stands: what became of it after it was paid, too.
    pub standing: GiftStanding,
    /// What was given back of it, in minor units.
    pub refunded_minor: i64,
    /// What of it is not ours any more: given back, or taken back by a bank that has not said that it was wrong.
    pub back_minor: i64,
    /// What it was paid with: the kind of card, and the last four figures of card or account; empty where that is not known.
    pub card_brand: String,
    pub card_last4: String,
    /// When the supporter set out.
    pub created_at: Moment,
    /// When the money was there.
    pub paid_at: Option<Moment>,
    /// The provider's checkout session.
    pub provider_session_id: Option<String>,
    pub provider_payment_id: Option<String>,
    /// The provider's invoice, for a month's gift.
    pub provider_invoice_id: Option<String>,
    /// The edition that led here.
    pub edition_id: Option<i64>,
    /// The receipt's number, once paid.
    pub receipt_number: Option<String>,
    /// The state of the monthly donation it is part of.
    pub recurring_state: Option<RecurringState>,
    /// The monthly donation it is part of.
    pub recurring_public_id: Option<String>,
}

impl ListedDonation {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }

    /// What it was paid with, for people: "Visa ending in 4242".
    #[must_use]
    pub fn card(&self) -> Option<String> {
        let mut brand = self.card_brand.chars();
        let brand: String =
            brand.next().map(|first| first.to_uppercase().chain(brand).collect()).unwrap_or_default();
        match (self.card_last4.as_str(), brand.as_str()) {
            ("", _) => None,
            (last4, "") => Some(format!("ending in {last4}")),
            (last4, brand) => Some(format!("{brand} ending in {last4}")),
        }
    }

    /// What was given back of it, for people.
    #[must_use]
    pub fn refunded(&self) -> String {
        figures(self.refunded_minor, &self.currency)
    }

    /// What is left of it, for people.
    #[must_use]
    pub fn left(&self) -> String {
        figures(self.amount_minor - self.back_minor, &self.currency)
    }

    /// Whether the money is there: only then may anyone be thanked (TRUST T5).
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.state == DonationState::Paid
    }

    /// Whether it is one payment of a regular donation.
    #[must_use]
    pub fn is_monthly(&self) -> bool {
        self.kind == DonationKind::Instalment
    }
}

/// One line of the money book.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LedgerLine {
    /// What it is one of.
    pub kind: PostingKind,
    /// The account, such as `provider:stripe`.
    pub account: String,
    /// Minor units, plus or minus.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The provider's name of what moved it.
    pub reference: String,
    /// When it counts.
    pub at: Moment,
    /// When it happened, if its month was closed by then.
    pub happened_at: Option<Moment>,
}

impl LedgerLine {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }
}

/// One event of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct EventLine {
    /// The provider's id.
    pub event_id: String,
    /// Its kind, in the provider's words.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// How we heard of it.
    pub source: EventSource,
    /// What became of it.
    pub state: EventState,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it happened, by the provider's clock.
    pub created_at: Moment,
    /// When we were told.
    pub received_at: Moment,
}

impl EventLine {
    /// Whether trying again could help: what cannot be read once cannot be read twice.
    #[must_use]
    pub fn can_be_tried(&self) -> bool {
        self.state == EventState::Dead && self.kind != UNREADABLE
    }
}

/// A monthly donation that its supporter asked to end, and that the provider still charges.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Unended {
    /// The monthly donation.
    pub public_id: String,
    /// The supporter's address.
    pub email: String,
    /// The supporter's name; may be empty.
    pub name: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    every_count: i64,
    every_unit: GiftRhythmUnit,
    /// What the provider calls it, to end it there by hand.
    pub provider_subscription_id: Option<String>,
    /// When the supporter asked.
    pub asked_at: Moment,
    /// How often the provider was asked since.
    pub attempts: i64,
    /// What it said last.
    pub last_error: Option<String>,
    /// When staff were written to.
    pub told_at: Option<Moment>,
}

impl Unended {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }

    /// How often it is taken.
    #[must_use]
    pub const fn rhythm(&self) -> GiftRhythm {
        GiftRhythm { count: self.every_count, unit: self.every_unit }
    }
}

/// A checkout that could not be opened, so that somebody who wanted to give could not.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct FailedCheckout {
    /// When it was given up.
    pub at: Option<Moment>,
    /// What the provider said.
    pub why: Option<String>,
    /// How often it was asked again.
    pub attempts: i64,
}

/// A monthly donation that was copied at the provider and is charged beside another of the same.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Copied {
    /// The supporter's address.
    pub email: String,
    /// The supporter's name; may be empty.
    pub name: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    every_count: i64,
    every_unit: GiftRhythmUnit,
    /// What the provider calls it.
    pub subscription: Option<String>,
    /// When it was made.
    pub created_at: Moment,
}

impl Copied {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }

    /// How often it is taken.
    #[must_use]
    pub const fn rhythm(&self) -> GiftRhythm {
        GiftRhythm { count: self.every_count, unit: self.every_unit }
    }
}

/// Gifts of one supporter, each within an hour of the one before it, or monthly donations that run beside one another: perhaps not all
/// of them were meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Double {
    /// To ask for the next page with.
    pub id: i64,
    /// The supporter's address.
    pub email: String,
    /// The supporter's name; may be empty.
    pub name: String,
    /// [`DonationKind::Once`]: they are donations, and one may be paid back. [`DonationKind::Instalment`]: they are monthly donations,
    /// and one may be ended.
    pub kind: DonationKind,
    /// Two or more, the oldest first.
    pub gifts: Vec<OneOfDouble>,
    /// When the newest one was paid, or begun.
    pub at: Moment,
}

/// A gift, or a monthly donation, that stands beside another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOfDouble {
    /// Its public id.
    pub id: String,
    /// For people.
    pub amount: String,
}

/// How the provider's news go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct AttentionNews {
    /// Events that wait to be worked on.
    pub waiting: i64,
    /// Events that could not be applied.
    pub given_up: i64,
    /// When the newest came that the provider told us by itself; none if none ever did.
    pub newest_webhook: Option<Moment>,
}

/// An amount for people, in a currency of whatever code.
#[must_use]
pub fn figures(minor: i64, code: &str) -> String {
    match money::currency(code) {
        Some(currency) => Money::new(minor, currency).to_string(),
        None => format!("{minor} minor units of {code}"),
    }
}
