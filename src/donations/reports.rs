//! What the desk shows of the donations. Sums are computed each time, over paid donations alone (TRUST T5).

use sqlx::FromRow;

use super::store::{self, Unfinished};
use crate::{
    clock::Moment,
    db::{Db, Result},
    money::{self, Money},
};

/// The kind under which a signed event is kept that cannot be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// A number of gifts and their sum, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Total {
    /// `once`, `instalment`, or what else is summed.
    pub kind: String,
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

/// A donation as a line of the desk's list.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Listed {
    /// The row's id, to ask for the next page with.
    pub id: i64,
    /// Its name in URLs.
    pub public_id: String,
    /// Where the receipt went; empty when the checkout page expired.
    pub email: String,
    /// The supporter's name; may be empty.
    pub name: String,
    /// `once` or `instalment`.
    pub kind: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// `created`, `checkout_open`, `pending`, `paid`, `failed` or `expired`.
    pub state: String,
    /// When the supporter set out.
    pub created_at: Moment,
    /// When the money was there.
    pub paid_at: Option<Moment>,
    /// The provider's checkout session.
    pub provider_session_id: Option<String>,
    /// The provider's payment.
    pub provider_payment_id: Option<String>,
    /// The provider's invoice, for a month's gift.
    pub provider_invoice_id: Option<String>,
    /// The edition that led here.
    pub edition_id: Option<i64>,
    /// The receipt's number, once paid.
    pub receipt_number: Option<String>,
    /// The state of the monthly donation it is part of.
    pub recurring_state: Option<String>,
    /// The monthly donation it is part of.
    pub recurring_public_id: Option<String>,
}

impl Listed {
    /// The amount, for people.
    #[must_use]
    pub fn amount(&self) -> String {
        figures(self.amount_minor, &self.currency)
    }

    /// Whether the money is there: only then may anyone be thanked (TRUST T5).
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.state == "paid"
    }

    /// Whether it is one month of a monthly donation.
    #[must_use]
    pub fn is_monthly(&self) -> bool {
        self.kind == "instalment"
    }
}

/// One line of the money book.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LedgerLine {
    /// The account, such as `provider:stripe`.
    pub account: String,
    /// Minor units, plus or minus.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The provider's name of the payment.
    pub reference: String,
    /// When.
    pub at: Moment,
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
    /// `webhook` or `poll`.
    pub source: String,
    /// `new`, `done`, `ignored` or `dead`.
    pub state: String,
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
        self.state == "dead" && self.kind != UNREADABLE
    }
}

/// One donation with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The donation.
    pub donation: Listed,
    /// Its lines in the book.
    pub entries: Vec<LedgerLine>,
    /// What the provider told about it.
    pub events: Vec<EventLine>,
}

/// Paid donations by kind and currency.
///
/// # Errors
/// When the database fails.
pub async fn totals(db: &Db) -> Result<Vec<Total>> {
    store::totals(db).await
}

/// Monthly donations that run, by currency: how many, and what they bring each month.
///
/// # Errors
/// When the database fails.
pub async fn running(db: &Db) -> Result<Vec<Total>> {
    store::running(db).await
}

/// A page of donations, newest first, older than that id; the first page without one.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &Db, before_id: Option<i64>, limit: i64) -> Result<Vec<Listed>> {
    store::list(db, before_id.unwrap_or(i64::MAX), limit).await
}

/// What one supporter gave, newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_donor(db: &Db, email_key: &str) -> Result<Vec<Listed>> {
    store::of_donor(db, email_key).await
}

/// One donation.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, public_id: &str) -> Result<Option<Listed>> {
    store::find(db, public_id).await
}

/// One donation with its lines in the book and its events.
///
/// # Errors
/// When the database fails.
pub async fn whole(db: &Db, public_id: &str) -> Result<Option<Whole>> {
    let Some(donation) = store::find(db, public_id).await? else { return Ok(None) };
    let entries = store::entries_of(db, donation.id).await?;
    let events = store::events_of(db, donation.id).await?;
    Ok(Some(Whole { donation, entries, events }))
}

/// Events that were given up, newest first.
///
/// # Errors
/// When the database fails.
pub async fn stuck_events(db: &Db) -> Result<Vec<EventLine>> {
    store::stuck_events(db).await
}

/// What is not finished: waiting and given-up events, calls without an answer.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(db: &Db) -> Result<Unfinished> {
    store::unfinished(db).await
}

pub(super) fn figures(minor: i64, code: &str) -> String {
    match money::currency(code) {
        Some(currency) => Money::new(minor, currency).to_string(),
        None => format!("{minor} minor units of {code}"),
    }
}

/// When the last gift was paid, up to a moment.
///
/// # Errors
/// When the database fails.
pub async fn newest_gift(db: &Db, before: Moment) -> Result<Option<Moment>> {
    store::newest_gift(db, before).await
}
