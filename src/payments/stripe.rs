//! Stripe's API through async-stripe: typed requests out, small lenient structs of our own in.
//!
//! The crate's response types reject a whole object for one missing field, so none is used. Its idempotent strategy makes one
//! attempt and its retrying ones make up their own keys, so the retries are here, with the key that was stored.

use std::{collections::HashMap, time::Duration};

use ::stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use miniserde::{
    Deserialize,
    json::{self, Number, Value},
};
use stripe_billing::{
    invoice::RetrieveInvoice,
    subscription::{CancelSubscription, RetrieveSubscription},
};
use stripe_checkout::{
    CheckoutSessionMode,
    checkout_session::{
        CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
        CreateCheckoutSessionLineItemsPriceDataRecurring,
        CreateCheckoutSessionLineItemsPriceDataRecurringInterval, CreateCheckoutSessionPaymentIntentData,
        CreateCheckoutSessionSubscriptionData, ListCheckoutSession, ProductData, RetrieveCheckoutSession,
    },
};
use stripe_core::{event::ListEvent, payment_intent::RetrievePaymentIntent};
use stripe_types::{Currency, RangeQueryTs};
use url::Url;

use super::{
    Answer, Checkout, CheckoutSession, Event, EventKind, EventPage, Every, Invoice, NewCheckout, OurIds,
    Payment, PaymentProvider, PaymentState, ProviderError, RecurringState, SessionState, Subscription,
    money_of,
};
use crate::clock::Moment;

/// Where Stripe is, and the key it knows us by.
#[derive(Clone)]
pub struct StripeSettings {
    /// The secret key, `sk_live_…` or `sk_test_…`.
    pub secret_key: String,
    /// The API's address; the sandbox has another.
    pub api_base: Url,
}

impl StripeSettings {
    /// Stripe's own checkout pages have a host of their own; the sandbox's stand beside its API.
    fn checkout_origin(&self) -> String {
        match self.api_base.host_str() {
            Some("api.stripe.com") => "https://checkout.stripe.com".to_owned(),
            _ => self.api_base.origin().ascii_serialization(),
        }
    }
}

/// Leaves the key out, so that no log holds it.
impl std::fmt::Debug for StripeSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StripeSettings({})", self.api_base)
    }
}

/// Stripe, or whatever speaks its API at the configured address.
#[derive(Debug)]
pub struct Stripe {
    client: Client,
    live: bool,
    checkout_origin: String,
    /// Between attempts.
    pub(super) waits: [Duration; 2],
}

const TIMEOUT: Duration = Duration::from_secs(10);
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_500)];
/// Where our ids stand in the metadata of sessions, payments and subscriptions.
const DONATION: &str = "broadside_donation";
const RECURRING: &str = "broadside_recurring";
/// A page of events: the most that Stripe gives at once.
const EVENTS_A_PAGE: i64 = 100;

impl Stripe {
    /// A client for that address and key; nothing is asked of it yet.
    ///
    /// # Errors
    /// [`ProviderError::Invalid`] when the key or the address cannot stand in a request.
    pub fn new(settings: &StripeSettings) -> Result<Self, ProviderError> {
        // The crate glues `v1/…` to the base, so the base must end with a slash; by default it never times out.
        let base = format!("{}/", settings.api_base.as_str().trim_end_matches('/'));
        let client = ClientBuilder::new(settings.secret_key.trim())
            .url(base)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| ProviderError::Invalid(error.to_string()))?;
        Ok(Self {
            client,
            live: settings.secret_key.trim().starts_with("sk_live_")
                || settings.secret_key.trim().starts_with("rk_live_"),
            checkout_origin: settings.checkout_origin(),
            waits: WAITS,
        })
    }

    /// Sends a request until it is answered, a few times at most, always with the same key.
    async fn send<R, T>(&self, request: &R, key: Option<&str>) -> Result<T, ProviderError>
    where
        R: StripeRequest + Sync,
        T: Deserialize + Send,
    {
        let strategy = match key {
            Some(key) => RequestStrategy::Idempotent(
                IdempotencyKey::new(key).map_err(|error| ProviderError::Invalid(error.to_string()))?,
            ),
            None => RequestStrategy::Once,
        };
        let mut waits = self.waits.iter();
        loop {
            let sent =
                request.build().customize::<T>().request_strategy(strategy.clone()).send(&self.client).await;
            let error = match sent {
                Ok(answer) => return Ok(answer),
                Err(error) => translate(error),
            };
            match waits.next() {
                Some(wait) if error.may_work_later() => tokio::time::sleep(*wait).await,
                _ => return Err(error),
            }
        }
    }
}

/// Our words for the crate's errors. It keeps no response headers, so `Retry-After` cannot be heard; the waits are ours.
fn translate(error: StripeError) -> ProviderError {
    match error {
        StripeError::Stripe(cause, status) => {
            let code = cause.code.as_ref().map_or_else(|| cause.type_.to_string(), ToString::to_string);
            let message = cause.message.clone().unwrap_or_default();
            if matches!(status, 409 | 424 | 429 | 500..) {
                ProviderError::Retryable { status, message }
            } else {
                ProviderError::Refused { status, code, message }
            }
        }
        StripeError::ConfigError(text) => ProviderError::Invalid(text),
        other => ProviderError::Unknown(other.to_string()),
    }
}

impl PaymentProvider for Stripe {
    fn create_checkout<'a>(&'a self, new: &'a NewCheckout) -> Answer<'a, Checkout> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Made {
                id: String,
                url: Option<String>,
            }
            let made: Made = self.send(&checkout_request(new)?, Some(&new.idempotency_key)).await?;
            // A session that is over has no page any more.
            let url = made.url.ok_or_else(|| ProviderError::Refused {
                status: 200,
                code: "no_page".to_owned(),
                message: "the checkout session has no page".to_owned(),
            })?;
            Ok(Checkout { id: made.id, url })
        })
    }

    fn checkout_session<'a>(&'a self, id: &'a str) -> Answer<'a, CheckoutSession> {
        Box::pin(async move {
            let wire: WireSession = self.send(&RetrieveCheckoutSession::new(id), None).await?;
            Ok(wire.into())
        })
    }

    fn payment<'a>(&'a self, id: &'a str) -> Answer<'a, Payment> {
        Box::pin(async move {
            // The attempt begins with the charge; the money is there with its balance transaction, days later for a bank debit.
            let request =
                RetrievePaymentIntent::new(id).expand(["latest_charge.balance_transaction".to_owned()]);
            let wire: WirePayment = self.send(&request, None).await?;
            Ok(wire.into())
        })
    }

    fn invoice<'a>(&'a self, id: &'a str) -> Answer<'a, Invoice> {
        Box::pin(async move {
            // Since API 2025-03-31 an invoice no longer names its payment: the list of payments does, when asked for.
            let request = RetrieveInvoice::new(id).expand(["payments".to_owned()]);
            let wire: WireInvoice = self.send(&request, None).await?;
            Ok(wire.into())
        })
    }

    fn subscription<'a>(&'a self, id: &'a str) -> Answer<'a, Subscription> {
        Box::pin(async move {
            let wire: WireSubscription = self.send(&RetrieveSubscription::new(id), None).await?;
            Ok(wire.into())
        })
    }

    fn session_of<'a>(&'a self, subscription: &'a str) -> Answer<'a, Option<CheckoutSession>> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Page {
                data: Vec<WireSession>,
            }
            let request = ListCheckoutSession::new().subscription(subscription).limit(1_i64);
            let page: Page = self.send(&request, None).await?;
            Ok(page.data.into_iter().next().map(CheckoutSession::from))
        })
    }

    fn cancel_subscription<'a>(&'a self, id: &'a str, idempotency_key: &'a str) -> Answer<'a, Subscription> {
        Box::pin(async move {
            let cancelled: Result<WireSubscription, _> =
                self.send(&CancelSubscription::new(id), Some(idempotency_key)).await;
            match cancelled {
                Ok(ended) => Ok(ended.into()),
                // One that has ended can no longer be cancelled: Stripe says it is missing, though it can be fetched.
                Err(error) if error.is_missing() => match self.subscription(id).await? {
                    ended if ended.state == RecurringState::Cancelled => Ok(ended),
                    _ => Err(error),
                },
                Err(error) => Err(error),
            }
        })
    }

    fn events<'a>(&'a self, since: Option<Moment>, after: Option<&'a str>) -> Answer<'a, EventPage> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Page {
                data: Vec<Value>,
                has_more: bool,
            }
            let mut request = ListEvent::new().limit(EVENTS_A_PAGE);
            if let Some(since) = since {
                request = request.created(RangeQueryTs::gte(since.unix_seconds()));
            }
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let page: Page = self.send(&request, None).await?;
            let last = page.data.last().and_then(|value| text_at(value, &["id"])).map(str::to_owned);
            Ok(EventPage {
                events: page.data.iter().filter_map(event_of).collect(),
                next: last.filter(|_| page.has_more),
            })
        })
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let _: Value = self.send(&ListEvent::new().limit(1_i64), None).await?;
            Ok(())
        })
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn checkout_origin(&self) -> String {
        self.checkout_origin.clone()
    }
}

fn checkout_request(new: &NewCheckout) -> Result<CreateCheckoutSession, ProviderError> {
    let currency: Currency =
        new.currency.to_lowercase().parse().map_err(|_| {
            ProviderError::Invalid(format!("{} is not a currency Stripe knows", new.currency))
        })?;
    let mut metadata = HashMap::from([(DONATION.to_owned(), new.donation.clone())]);
    if let Some(recurring) = &new.recurring {
        metadata.insert(RECURRING.to_owned(), recurring.clone());
    }

    let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency);
    price.unit_amount = Some(new.amount_minor);
    price.product_data = Some(ProductData::new(&new.description));
    if new.every == Every::Month {
        price.recurring = Some(CreateCheckoutSessionLineItemsPriceDataRecurring::new(
            CreateCheckoutSessionLineItemsPriceDataRecurringInterval::Month,
        ));
    }
    let mut item = CreateCheckoutSessionLineItems::new();
    item.price_data = Some(price);
    item.quantity = Some(1);

    let request = CreateCheckoutSession::new()
        .client_reference_id(&new.donation)
        .metadata(metadata.clone())
        .customer_email(&new.email)
        .line_items([item])
        .success_url(&new.success_url)
        .cancel_url(&new.cancel_url);
    // The session's metadata is not copied to what it makes: the payment and the subscription get their own.
    Ok(match new.every {
        Every::Once => {
            let mut payment = CreateCheckoutSessionPaymentIntentData::new();
            payment.description = Some(new.description.clone());
            payment.metadata = Some(metadata);
            request.mode(CheckoutSessionMode::Payment).payment_intent_data(payment)
        }
        Every::Month => {
            let mut subscription = CreateCheckoutSessionSubscriptionData::new();
            subscription.description = Some(new.description.clone());
            subscription.metadata = Some(metadata);
            request.mode(CheckoutSessionMode::Subscription).subscription_data(subscription)
        }
    })
}

type Metadata = Option<HashMap<String, String>>;

fn our_ids(metadata: &Metadata) -> OurIds {
    let get = |key: &str| metadata.as_ref().and_then(|all| all.get(key)).cloned();
    OurIds { donation: get(DONATION), recurring: get(RECURRING) }
}

#[derive(Deserialize)]
struct WireSession {
    id: String,
    status: Option<String>,
    payment_status: String,
    mode: String,
    metadata: Metadata,
    amount_total: Option<i64>,
    currency: Option<String>,
    payment_intent: Option<String>,
    subscription: Option<String>,
    invoice: Option<String>,
    customer_email: Option<String>,
    customer_details: Option<WireCustomer>,
    created: i64,
}

#[derive(Deserialize)]
struct WireCustomer {
    email: Option<String>,
    name: Option<String>,
}

impl From<WireSession> for CheckoutSession {
    fn from(wire: WireSession) -> Self {
        let details = wire.customer_details;
        Self {
            state: match (wire.status.as_deref(), wire.payment_status.as_str()) {
                (Some("expired"), _) => SessionState::Expired,
                (Some("complete"), "paid" | "no_payment_required") => SessionState::Paid,
                (Some("complete"), _) => SessionState::Unpaid,
                _ => SessionState::Open,
            },
            every: if wire.mode == "subscription" { Every::Month } else { Every::Once },
            ours: our_ids(&wire.metadata),
            total: money_of(wire.amount_total, wire.currency.as_deref()),
            payment: wire.payment_intent,
            subscription: wire.subscription,
            invoice: wire.invoice,
            email: details.as_ref().and_then(|known| known.email.clone()).or(wire.customer_email),
            name: details.and_then(|known| known.name),
            created: Moment::from_unix_seconds(wire.created),
            id: wire.id,
        }
    }
}

#[derive(Deserialize)]
struct WirePayment {
    id: String,
    status: String,
    amount: Option<i64>,
    amount_received: Option<i64>,
    currency: Option<String>,
    metadata: Metadata,
    latest_charge: Option<WireCharge>,
}

#[derive(Deserialize)]
struct WireCharge {
    balance_transaction: Option<WireBalanceTransaction>,
}

#[derive(Deserialize)]
struct WireBalanceTransaction {
    created: i64,
}

impl From<WirePayment> for Payment {
    fn from(wire: WirePayment) -> Self {
        let state = match wire.status.as_str() {
            "succeeded" => PaymentState::Succeeded,
            "processing" => PaymentState::Processing,
            _ => PaymentState::NotPaid,
        };
        let minor = wire.amount_received.filter(|received| *received > 0).or(wire.amount);
        let arrived = wire.latest_charge.and_then(|charge| charge.balance_transaction);
        Self {
            id: wire.id,
            state,
            paid_at: arrived.map(|moved| Moment::from_unix_seconds(moved.created)),
            amount: money_of(minor, wire.currency.as_deref()),
            ours: our_ids(&wire.metadata),
        }
    }
}

#[derive(Deserialize)]
struct WireInvoice {
    id: String,
    status: Option<String>,
    created: i64,
    status_transitions: Option<WireTransitions>,
    amount_paid: Option<i64>,
    next_payment_attempt: Option<i64>,
    currency: Option<String>,
    billing_reason: Option<String>,
    customer_email: Option<String>,
    customer_name: Option<String>,
    parent: Option<WireParent>,
    payments: Option<WireInvoicePayments>,
}

#[derive(Deserialize)]
struct WireTransitions {
    paid_at: Option<i64>,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireSubscriptionDetails>,
}

#[derive(Deserialize)]
struct WireSubscriptionDetails {
    subscription: Option<String>,
}

#[derive(Deserialize)]
struct WireInvoicePayments {
    data: Vec<WireInvoicePayment>,
}

#[derive(Deserialize)]
struct WireInvoicePayment {
    status: Option<String>,
    payment: Option<WirePaymentName>,
}

#[derive(Deserialize)]
struct WirePaymentName {
    payment_intent: Option<String>,
}

impl From<WireInvoice> for Invoice {
    fn from(wire: WireInvoice) -> Self {
        let payments = wire.payments.map(|list| list.data).unwrap_or_default();
        let payment = payments
            .into_iter()
            .filter(|one| one.status.as_deref().is_none_or(|status| status == "paid"))
            .find_map(|one| one.payment.and_then(|payment| payment.payment_intent));
        Self {
            paid: wire.status.as_deref() == Some("paid"),
            open: wire.status.as_deref() == Some("open"),
            paid_at: wire.status_transitions.and_then(|moves| moves.paid_at).map(Moment::from_unix_seconds),
            created: Moment::from_unix_seconds(wire.created),
            amount: money_of(wire.amount_paid, wire.currency.as_deref()),
            next_try: wire.next_payment_attempt.map(Moment::from_unix_seconds),
            first: wire.billing_reason.as_deref() == Some("subscription_create"),
            subscription: wire
                .parent
                .and_then(|parent| parent.subscription_details)
                .and_then(|details| details.subscription),
            payment,
            email: wire.customer_email,
            name: wire.customer_name,
            id: wire.id,
        }
    }
}

#[derive(Deserialize)]
struct WireSubscription {
    id: String,
    status: String,
    customer: Option<String>,
    metadata: Metadata,
    items: Option<WireItems>,
    created: i64,
    ended_at: Option<i64>,
}

#[derive(Deserialize)]
struct WireItems {
    data: Vec<WireItem>,
}

#[derive(Deserialize)]
struct WireItem {
    price: Option<WirePrice>,
    quantity: Option<i64>,
}

#[derive(Deserialize)]
struct WirePrice {
    unit_amount: Option<i64>,
    currency: Option<String>,
}

impl From<WireSubscription> for Subscription {
    fn from(wire: WireSubscription) -> Self {
        let item = wire.items.and_then(|items| items.data.into_iter().find(|item| item.price.is_some()));
        let amount = item.and_then(|item| {
            let price = item.price?;
            // Whoever changes the quantity in the dashboard changes what each month brings.
            let minor = price.unit_amount?.checked_mul(item.quantity.unwrap_or(1))?;
            money_of(Some(minor), price.currency.as_deref())
        });
        Self {
            state: match wire.status.as_str() {
                "active" | "trialing" => RecurringState::Active,
                "past_due" => RecurringState::PastDue,
                "paused" => RecurringState::Paused,
                "unpaid" => RecurringState::Unpaid,
                "canceled" | "incomplete_expired" => RecurringState::Cancelled,
                _ => RecurringState::Pending,
            },
            customer: wire.customer,
            amount,
            ours: our_ids(&wire.metadata),
            created: Moment::from_unix_seconds(wire.created),
            ended_at: wire.ended_at.map(Moment::from_unix_seconds),
            id: wire.id,
        }
    }
}

impl EventKind {
    /// What an event of a kind is news of; none for what moves nothing here.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.expired" => Self::Checkout,
            "checkout.session.async_payment_failed" => Self::CheckoutFailed,
            // The balance transaction of a payment comes with the last, which says when the money came.
            "payment_intent.succeeded" | "payment_intent.processing" | "charge.updated" => Self::Payment,
            "customer.subscription.created"
            | "customer.subscription.updated"
            | "customer.subscription.deleted"
            | "customer.subscription.paused"
            | "customer.subscription.resumed" => Self::Subscription,
            "invoice.paid"
            | "invoice.payment_succeeded"
            | "invoice.voided"
            | "invoice.marked_uncollectible" => Self::Invoice,
            "invoice.payment_failed" => Self::InvoiceFailed,
            _ => return None,
        })
    }
}

/// Reads an event that Stripe sent or listed, as far as we need it.
pub(super) fn event_from(payload: &str) -> Option<Event> {
    event_of(&json::from_str(payload).ok()?)
}

fn event_of(value: &Value) -> Option<Event> {
    let Value::Object(fields) = value else { return None };
    let kind = text_at(value, &["type"])?;
    // What is told of a charge is news of its payment.
    let name = if kind.starts_with("charge.") { "payment_intent" } else { "id" };
    Some(Event {
        id: text_at(value, &["id"])?.to_owned(),
        kind: kind.to_owned(),
        object_id: text_at(value, &["data", "object", name]).unwrap_or_default().to_owned(),
        created: match fields.get("created")? {
            Value::Number(Number::U64(seconds)) => {
                Moment::from_unix_seconds(i64::try_from(*seconds).ok().filter(|at| *at < 1 << 40)?)
            }
            _ => return None,
        },
        live: match fields.get("livemode")? {
            Value::Bool(live) => *live,
            _ => return None,
        },
    })
}

fn text_at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    let mut at = value;
    for name in path {
        let Value::Object(fields) = at else { return None };
        at = fields.get(*name)?;
    }
    match at {
        Value::String(text) => Some(text),
        _ => None,
    }
}
