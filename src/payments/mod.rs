//! The payment provider, in words of our own: what we ask of it, what it tells us, and how it may fail.
//!
//! The rule that must hold: a call that changes something carries an idempotency key that was stored before the call, and
//! an answer that did not arrive is [`ProviderError::Unknown`], never "it failed": the same call with the same key finds out.
//! Only `stripe` knows the provider's own types.
//!
//! It calls the small types and the database; `donations` calls it. Start reading at [`PaymentProvider`].

mod account;
mod after;
mod kinds;
mod regular;
pub mod setup;
mod stripe;
#[cfg(test)]
mod tests;
mod webhook;

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use self::stripe::{ReadEvent, event_from};
pub use self::{
    account::{
        AccountStanding, Endpoint, OldCustomer, OldInterval, OldInvoice, OldPage, OldPayment,
        OldSubscription, Portal, ProviderAccount,
    },
    after::{
        AfterPayment, Charge, Dispute, DisputeState, FraudWarning, Movement, NewRefund, Page, Payout,
        PayoutState, Refund, RefundState, Span,
    },
    kinds::{MOST_AT_ONCE as MOST_KINDS_AT_ONCE, told as event_kinds},
    regular::{GiftChange, GiftRhythm, GiftRhythmUnit, PayBy, SubscriptionChange, Terms},
    stripe::{Stripe, StripeSettings},
    webhook::{Genuine, WebhookError, WebhookSecrets, verify as verify_webhook},
};
use crate::{
    clock::Moment,
    email_address::without_addresses,
    money::{self, Money},
    words,
};

/// How often a gift is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// One time.
    Once,
    /// Each month until it is cancelled.
    Month,
}

/// A hosted checkout page to be made. Everything in it is fixed before the first try, so that a repeat says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCheckout {
    /// The key under which the provider recognises a repeat of this call.
    pub idempotency_key: String,
    /// One payment, or one each month.
    pub every: Every,
    /// The amount in minor units.
    pub amount_minor: i64,
    /// The ISO 4217 code of its currency, in capitals.
    pub currency: String,
    /// What the page calls the gift.
    pub description: String,
    /// The supporter's address, filled in on the page.
    pub email: String,
    /// Our public id of the donation.
    pub donation: String,
    /// Our public id of the recurring donation, if it is one.
    pub recurring: Option<String>,
    /// Where the page leads after paying.
    pub success_url: String,
    /// Where it leads a supporter who turns back.
    pub cancel_url: String,
    /// Until when it may be paid, in seconds since 1970; the provider decides for calls that an older program stored.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

/// The hosted page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The provider's id of the session.
    pub id: String,
    /// Where the supporter pays.
    pub url: String,
}

/// Which of our rows one of the provider's objects belongs to; empty for objects that other software made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OurIds {
    /// The public id of a donation.
    pub donation: Option<String>,
    /// The public id of a recurring donation.
    pub recurring: Option<String>,
}

/// What a checkout session has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The supporter may still pay.
    Open,
    /// Gone through; the money is there.
    Paid,
    /// Gone through; the bank has yet to pay.
    Unpaid,
    /// Nobody paid in time.
    Expired,
}

/// A checkout session as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutSession {
    /// The provider's id.
    pub id: String,
    /// What it has come to.
    pub state: SessionState,
    /// One payment, or one each month.
    pub every: Every,
    /// Our rows.
    pub ours: OurIds,
    /// The amount, if the session has one.
    pub total: Option<Money>,
    /// The payment it made, for a gift given once.
    pub payment: Option<String>,
    /// The subscription it made, for a monthly one.
    pub subscription: Option<String>,
    /// The first invoice of that subscription.
    pub invoice: Option<String>,
    /// The address the supporter gave.
    pub email: Option<String>,
    /// The name the supporter gave.
    pub name: Option<String>,
    /// When the supporter set out.
    pub created: Moment,
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The money is there.
    Succeeded,
    /// The bank has yet to say.
    Processing,
    /// It needs another try, or was given up.
    NotPaid,
}

/// Why a payment was refused last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRefusal {
    /// In the provider's word, such as `insufficient_funds`.
    pub code: String,
    /// Whether it was a card.
    pub of_a_card: bool,
}

/// A payment as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The provider's id.
    pub id: String,
    /// How far it has come.
    pub state: PaymentState,
    /// What was received, or is to be.
    pub amount: Option<Money>,
    /// Our rows.
    pub ours: OurIds,
    /// Why it was refused last; none if it never was, or was paid since.
    pub refused: Option<PaymentRefusal>,
    /// Whether it is the first of a subscription: that one names none of our rows.
    pub begins_months: bool,
    /// When the money came onto our balance; none before it has, nor in the moment before the provider says so.
    pub paid_at: Option<Moment>,
    /// What the provider says of its money; none before there is any.
    pub charge: Option<Charge>,
    /// Whether somebody at the provider or of the team has to look at it before it counts.
    pub in_review: bool,
    /// Whether it waits for its owner to confirm it at their bank.
    pub asks_owner: bool,
}

/// One month's bill of a subscription as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The provider's id.
    pub id: String,
    /// Whether it is paid.
    pub paid: bool,
    /// Whether it waits to be paid: neither paid, nor void, nor given up.
    pub open: bool,
    /// Why the provider cannot make it out; while that is so, it takes nothing.
    pub stuck: Option<String>,
    pub paid_at: Option<Moment>,
    /// When it was made out.
    pub created: Moment,
    /// What was paid, here or there.
    pub amount: Option<Money>,
    /// What of it did not pass through the provider, in minor units: staff marked it as paid.
    pub elsewhere_minor: i64,
    /// When the provider tries to take the money again, if it will.
    pub next_try: Option<Moment>,
    /// The provider's page on which it can be paid.
    pub page: Option<String>,
    /// Whether it is the one that began the subscription.
    pub first: bool,
    /// The subscription it belongs to.
    pub subscription: Option<String>,
    /// The payment that paid it.
    pub payment: Option<String>,
    /// The payment by which it is to be paid, while it waits.
    pub waits_for: Option<String>,
    /// The supporter's address.
    pub email: Option<String>,
    /// The supporter's name.
    pub name: Option<String>,
}

words! {
    /// The state of a subscription, and of our recurring donation. What only a newer version knows can be ended.
    pub enum RecurringState else Paused {
        /// Not paid for the first time yet.
        Pending = "pending",
        /// Paid up.
        Active = "active",
        /// A payment failed and will be tried again.
        PastDue = "past_due",
        Paused = "paused",
        /// The provider has stopped trying.
        Unpaid = "unpaid",
        /// Over.
        Cancelled = "cancelled",
    }
}

impl RecurringState {
    /// Whether it has begun and is not over.
    #[must_use]
    pub const fn runs(self) -> bool {
        !matches!(self, Self::Pending | Self::Cancelled)
    }
}

/// A subscription as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSubscription {
    /// The provider's id.
    pub id: String,
    pub state: RecurringState,
    /// The provider's id of the supporter.
    pub customer: Option<String>,
    /// What each period brings.
    pub amount: Option<Money>,
    /// How often, when, by what.
    pub terms: Terms,
    /// Our rows.
    pub ours: OurIds,
    /// When it was made.
    pub created: Moment,
    pub ended_at: Option<Moment>,
}

/// What an event tells: that something happened to an object. The object itself is fetched again, never trusted from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's id: the same event, told twice, has the same.
    pub id: String,
    /// The provider's word, such as `checkout.session.completed`: [`EventKind::of`] says what it is news of.
    pub kind: String,
    /// The object it happened to.
    pub object_id: String,
    /// When it happened, by the provider's clock.
    pub created: Moment,
    /// Whether it is about real money.
    pub live: bool,
}

/// What an event is news of, if it moves a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A checkout session.
    Checkout,
    /// A checkout session whose bank did not pay.
    CheckoutFailed,
    Payment,
    /// A payment that was refused.
    PaymentFailed,
    Subscription,
    Invoice,
    /// An invoice that could not be paid.
    InvoiceFailed,
    /// An invoice that the bank wants confirmed.
    InvoiceAsks,
    /// A subscription that is taken in some days.
    Upcoming,
    /// An invoice that the provider could not make out: nobody is charged by it.
    InvoiceStuck,
    /// Whoever pays subscriptions: their address, or what pays them.
    Customer,
    /// What pays subscriptions.
    Method,
    /// What a bank lets us take from an account.
    Mandate,
    /// Money of a payment that is given back.
    Refund,
    /// A payment that a bank takes back, or asks about.
    Dispute,
    /// A payment that a bank holds for a fraud.
    FraudWarning,
    /// A payment that somebody has to look at before it counts.
    Review,
    /// What is paid out to our bank.
    Payout,
}

/// Which events are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsAsked<'a> {
    /// These kinds alone, twenty at most.
    pub kinds: &'a [&'a str],
    /// Since that moment by the provider's clock; or all that it still has.
    pub from: Option<Moment>,
    /// Before that one.
    pub until: Option<Moment>,
}

/// A page of the provider's list of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The newest first.
    pub events: Vec<ProviderEvent>,
    /// What the next page comes after; none on the last.
    pub next: Option<String>,
}

/// Why a call gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider is busy or broken: the same call may work later.
    #[error("the payment provider could not do it now (status {status}): {message}")]
    Retryable {
        /// The HTTP status.
        status: u16,
        /// Its own words.
        message: String,
    },
    /// The provider understood and said no: the same call will not work later.
    #[error("the payment provider refused (status {status}, {code}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its code for the reason, such as `resource_missing`.
        code: String,
        /// Its own words.
        message: String,
    },
    /// No answer, or none that can be read: it may have acted. Only the same call with the same key may follow.
    #[error("no usable answer came from the payment provider: {0}")]
    Unknown(String),
    /// The provider has done it and does not say everything about it yet: asked again, it will.
    #[error("the payment provider does not say yet {0}")]
    NotYet(&'static str),
    /// The request could not even be made, such as for a currency the provider does not know.
    #[error("the request to the payment provider could not be made: {0}")]
    Invalid(String),
}

impl ProviderError {
    /// Whether the provider says that it has no such object. An address that nobody knows answers 404 too, and says nothing of
    /// any object.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, code, .. } if code == "resource_missing")
    }

    /// Whether the object is there, and hidden from the kind of key that asked: a test key asks for what is live.
    #[must_use]
    pub fn is_of_other_mode(&self) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains("a similar object exists in"))
    }

    /// Whether it is too late to open a page that was to be open for half an hour.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains("expires_at"))
    }

    /// Whether the provider refused what the supporter typed, and would take something else.
    #[must_use]
    pub fn is_about_the_gift(&self) -> bool {
        const TYPED: [&str; 3] = ["amount_too_small", "amount_too_large", "email_invalid"];
        matches!(self, Self::Refused { code, .. } if TYPED.contains(&code.as_str()))
    }

    /// What may be kept of it: its words without addresses, and of a refusal of what the supporter typed the code alone, for its
    /// words quote what was typed.
    #[must_use]
    pub fn for_the_record(&self) -> String {
        match self {
            Self::Refused { code, .. } if self.is_about_the_gift() => {
                format!("the payment provider refused what the supporter typed ({code})")
            }
            other => without_addresses(&other.to_string()),
        }
    }

    /// Whether the same call is worth making again.
    #[must_use]
    pub const fn may_work_later(&self) -> bool {
        matches!(self, Self::Retryable { .. } | Self::Unknown(_) | Self::NotYet(_))
    }
}

/// What a call gives, in time.
pub type ProviderAnswer<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// A payment provider. Every answer is the object as it is now; every error says whether the same call may follow.
pub trait PaymentProvider: Send + Sync + fmt::Debug {
    /// Makes a hosted checkout page; the same key gives the same page.
    fn create_checkout<'a>(&'a self, new: &'a NewCheckout) -> ProviderAnswer<'a, Checkout>;
    /// A checkout session.
    fn checkout_session<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, CheckoutSession>;
    /// Closes a checkout page before its time, so that nobody pays by it any more; one that is closed already, or paid, is refused.
    fn close_checkout<'a>(&'a self, id: &'a str, idempotency_key: &'a str) -> ProviderAnswer<'a, ()>;
    /// A payment.
    fn payment<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payment>;
    /// An invoice.
    fn invoice<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Invoice>;
    /// A subscription.
    fn subscription<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, ProviderSubscription>;
    /// The checkout session that made a subscription; none for one that was made in another way, such as a copy.
    fn session_of<'a>(&'a self, subscription: &'a str) -> ProviderAnswer<'a, Option<CheckoutSession>>;
    /// Ends a subscription at once and says how it is now; one that has ended already is no error.
    fn cancel_subscription<'a>(
        &'a self,
        id: &'a str,
        idempotency_key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription>;
    /// Changes a subscription and says how it is now; the same key changes it once.
    fn change_subscription<'a>(
        &'a self,
        wanted: &'a SubscriptionChange,
        idempotency_key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription>;
    /// The provider's page on which a supporter chooses another card; it leads back to `back`.
    fn card_page<'a>(&'a self, customer: &'a str, back: &'a str) -> ProviderAnswer<'a, String>;
    /// The address that the provider has of whoever pays a subscription; none if it has none, or they are deleted there.
    fn customer_email<'a>(&'a self, customer: &'a str) -> ProviderAnswer<'a, Option<String>>;
    /// Lets the provider have another address of whoever pays a subscription. Doing it twice is doing it once.
    fn set_customer_email<'a>(
        &'a self,
        customer: &'a str,
        email: &'a str,
        idempotency_key: &'a str,
    ) -> ProviderAnswer<'a, ()>;
    /// What pays by a mandate, if the bank has revoked it; none while it is good.
    fn revoked_method<'a>(&'a self, mandate: &'a str) -> ProviderAnswer<'a, Option<String>>;
    /// A page of the events that are asked for: the first page, or the one after an event that another page named as its end.
    fn events<'a>(
        &'a self,
        asked: &'a EventsAsked<'a>,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, EventPage>;
    /// The account as a whole.
    fn account(&self) -> &dyn ProviderAccount;
    /// The same provider, asked what becomes of payments after they were paid.
    fn after(&self) -> &dyn AfterPayment;
    /// Whether the provider can be reached and knows our key.
    fn probe(&self) -> ProviderAnswer<'_, ()>;
    /// Whether our key moves real money.
    fn is_live(&self) -> bool;
    /// The origin of the hosted checkout pages, which a form on our page may lead to.
    fn checkout_origin(&self) -> String;
}

/// The provider as it is set up here: whom to ask, and whose signatures to believe. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Payments {
    /// Whom to ask.
    pub provider: Arc<dyn PaymentProvider>,
    /// The secrets its events are signed with.
    pub webhook_secrets: webhook::WebhookSecrets,
}

fn money_of(minor: Option<i64>, code: Option<&str>) -> Option<Money> {
    let currency = money::currency(code?)?;
    Some(Money::new(minor?, currency))
}
