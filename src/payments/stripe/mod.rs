//! Stripe's API (<https://docs.stripe.com/api>): forms out, small lenient structs in.
//!
//! A score of calls are made, with a few fields, and of their answers a few fields are read: one that is missing or new among the
//! hundred others must not matter. Why no crate knows them for us, says decision 11.

mod account;
mod after;
mod balance;
mod events;
mod invoices;
mod old;
mod payments;
mod sessions;
mod subscriptions;

use std::{collections::HashMap, time::Duration};

use reqwest::{
    Client, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::{Url, form_urlencoded};

pub(super) use self::events::{ReadEvent, event_from};
use self::{
    events::event_of,
    invoices::WireInvoice,
    payments::WirePayment,
    sessions::{WireSession, checkout_fields},
    subscriptions::{WireCustomer, WireMethod, WireSubscription, change_fields},
};
use super::{
    AfterPayment, Checkout, CheckoutSession, EventPage, EventsAsked, Invoice, NewCheckout, OurIds, PayBy,
    Payment, PaymentProvider, ProviderAccount, ProviderAnswer, ProviderError, ProviderSubscription,
    RecurringState, SubscriptionChange,
};
use crate::authorities::Trust;

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
    /// It carries the key and the version in the headers of every request.
    http: Client,
    base: Url,
    live: bool,
    checkout_origin: String,
    /// Between attempts.
    pub(super) waits: [Duration; 2],
}

/// What the API is like changes by version (<https://docs.stripe.com/api/versioning>): this is the one that is read here, and not
/// the one that the account happens to have.
pub(super) const API_VERSION: &str = "2026-09-30.endive";
const TIMEOUT: Duration = Duration::from_secs(10);
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_500)];
/// Where our ids stand in the metadata of sessions, payments and subscriptions.
const DONATION: &str = "broadside_donation";
const RECURRING: &str = "broadside_recurring";
/// A page of events: the most that Stripe gives at once.
const EVENTS_A_PAGE: &str = "100";

/// Names and values of a form; what is in one another stands in brackets: `line_items[0][quantity]`.
type Fields = Vec<(String, String)>;

/// One call.
struct Call<'a> {
    method: Method,
    /// Behind `/v1`.
    path: &'a [&'a str],
    fields: Fields,
    /// What makes it the same call when it is made again (<https://docs.stripe.com/api/idempotent_requests>).
    key: Option<&'a str>,
}

impl<'a> Call<'a> {
    fn get(path: &'a [&'a str]) -> Self {
        Self { method: Method::GET, path, fields: Fields::new(), key: None }
    }

    fn post(path: &'a [&'a str], fields: Fields) -> Self {
        Self { method: Method::POST, path, fields, key: None }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Stripe {
    /// A client for that address and key; nothing is asked of it yet.
    ///
    /// # Errors
    /// [`ProviderError::Invalid`] when the key or the address cannot stand in a request.
    pub fn new(settings: &StripeSettings) -> Result<Self, ProviderError> {
        let secret_key = settings.secret_key.trim();
        let mut key = HeaderValue::try_from(format!("Bearer {secret_key}")).map_err(invalid)?;
        key.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, key),
            (
                reqwest::header::HeaderName::from_static("stripe-version"),
                HeaderValue::from_static(API_VERSION),
            ),
        ]);
        let http = Client::builder()
            .default_headers(headers)
            .tls_backend_preconfigured(Trust::public().config())
            .redirect(Policy::none())
            .no_proxy()
            // A connection that a firewall has forgotten meanwhile would cost a supporter the whole time-out.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("broadside/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .build()
            .map_err(invalid)?;
        Ok(Self {
            http,
            base: settings.api_base.clone(),
            live: secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_"),
            checkout_origin: settings.checkout_origin(),
            waits: WAITS,
        })
    }

    /// A subscription with what pays it. What can be said of that is worth a call, and not the news that brought us here.
    async fn with_method(&self, wire: WireSubscription) -> Result<ProviderSubscription, ProviderError> {
        let mut named = wire.method();
        let mut subscription = ProviderSubscription::from(wire);
        if let (None, Some(customer)) = (&named, &subscription.customer) {
            // One that has nothing of its own is paid by whatever its customer pays with.
            match self.send::<WireCustomer>(Call::get(&["customers", customer])).await {
                Ok(customer) => named = customer.method(),
                Err(ProviderError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(id) = named {
            subscription.terms.method =
                match self.send::<WireMethod>(Call::get(&["payment_methods", &id])).await {
                    Ok(method) => Some(method.into()),
                    // An old source, or one that is gone.
                    Err(ProviderError::Refused { .. }) => Some(PayBy { id, ..PayBy::default() }),
                    Err(error) => return Err(error),
                };
        }
        Ok(subscription)
    }

    /// Makes a call until it is answered, a few times at most, always with the same key.
    async fn send<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ProviderError> {
        self.send_patiently(call, self.waits[1]).await
    }

    /// The same where nobody stands before it: when Stripe says how long to wait, it is waited for as long as `patience`.
    async fn send_patiently<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        patience: Duration,
    ) -> Result<T, ProviderError> {
        let mut waits = self.waits.iter();
        loop {
            let (error, asks_for) = match self.attempt(&call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match waits.next() {
                Some(wait) if error.may_work_later() && asks_for.is_none_or(|asked| asked <= patience) => {
                    tokio::time::sleep(asks_for.map_or(*wait, |asked| asked.max(*wait))).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// One try; with what went wrong, how long Stripe asks to be left alone.
    async fn attempt<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<T, (ProviderError, Option<Duration>)> {
        let (status, asks_for, body) = self.answer(call).await.map_err(|error| (error, None))?;
        if !status.is_success() {
            return Err((refusal(status.as_u16(), &body), asks_for));
        }
        serde_json::from_slice(&body).map_err(|error| (ProviderError::Unknown(error.to_string()), None))
    }

    async fn answer(
        &self,
        call: &Call<'_>,
    ) -> Result<(StatusCode, Option<Duration>, Vec<u8>), ProviderError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ProviderError::Invalid(format!("{} is no address of an API", self.base)))?
            .pop_if_empty()
            .push("v1")
            .extend(call.path);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.fields).finish();
        let posted = call.method == Method::POST;
        if !posted && !form.is_empty() {
            url.set_query(Some(&form));
        }
        let mut request = self.http.request(call.method.clone(), url);
        if posted {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status();
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asks_for = asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        Ok((status, asks_for, answer.bytes().await.map_err(unanswered)?.to_vec()))
    }
}

fn invalid(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::Invalid(error.to_string())
}

/// Nothing came back; what let that happen is the innermost cause, and the address is no secret of ours to write down.
fn unanswered(error: reqwest::Error) -> ProviderError {
    if error.is_builder() {
        return invalid(error.without_url());
    }
    let error = error.without_url();
    let mut why: &dyn std::error::Error = &error;
    while let Some(cause) = why.source() {
        why = cause;
    }
    ProviderError::Unknown(why.to_string())
}

/// Reads an error (<https://docs.stripe.com/api/errors>). Of one that is not in Stripe's words nobody knows what was done.
fn refusal(status: u16, body: &[u8]) -> ProviderError {
    #[derive(Deserialize)]
    struct Refusal {
        error: Cause,
    }
    #[derive(Deserialize)]
    struct Cause {
        r#type: String,
        code: Option<String>,
        message: Option<String>,
    }
    let Ok(Refusal { error }) = serde_json::from_slice(body) else {
        return ProviderError::Unknown(format!("its answer with status {status} cannot be read"));
    };
    let message = error.message.unwrap_or_default();
    match status {
        409 | 424 | 429 | 500.. => ProviderError::Retryable { status, message },
        _ => ProviderError::Refused { status, code: error.code.unwrap_or(error.r#type), message },
    }
}

impl PaymentProvider for Stripe {
    fn create_checkout<'a>(&'a self, new: &'a NewCheckout) -> ProviderAnswer<'a, Checkout> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Made {
                id: String,
                url: Option<String>,
            }
            let made: Made = self
                .send(Call {
                    method: Method::POST,
                    path: &["checkout", "sessions"],
                    fields: checkout_fields(new)?,
                    key: Some(&new.idempotency_key),
                })
                .await?;
            // A session that is over has no page any more.
            let url = made.url.ok_or_else(|| ProviderError::Refused {
                status: 200,
                code: "no_page".to_owned(),
                message: "the checkout session has no page".to_owned(),
            })?;
            Ok(Checkout { id: made.id, url })
        })
    }

    fn checkout_session<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, CheckoutSession> {
        Box::pin(async move {
            let wire: WireSession = self.send(Call::get(&["checkout", "sessions", id])).await?;
            Ok(wire.into())
        })
    }

    fn close_checkout<'a>(&'a self, id: &'a str, idempotency_key: &'a str) -> ProviderAnswer<'a, ()> {
        Box::pin(async move {
            let _closed: WireSession = self
                .send(Call {
                    method: Method::POST,
                    path: &["checkout", "sessions", id, "expire"],
                    fields: Fields::new(),
                    key: Some(idempotency_key),
                })
                .await?;
            Ok(())
        })
    }

    fn payment<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Payment> {
        Box::pin(async move {
            // The attempt begins with the charge; the money is there with its balance transaction, days later for a bank debit.
            let path = ["payment_intents", id];
            let call = Call::get(&path)
                .with("expand[]", "latest_charge.balance_transaction")
                .with("expand[]", "review");
            let wire: WirePayment = self.send(call).await?;
            Ok(wire.into())
        })
    }

    fn invoice<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Invoice> {
        Box::pin(async move {
            // Since API 2025-03-31 an invoice no longer names its payment: the list of payments does, when asked for.
            let wire: WireInvoice =
                self.send(Call::get(&["invoices", id]).with("expand[]", "payments")).await?;
            Ok(wire.into())
        })
    }

    fn subscription<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, ProviderSubscription> {
        Box::pin(async move {
            let path = ["subscriptions", id];
            let call = Call::get(&path).with("expand[]", "discounts.source.coupon");
            let wire: WireSubscription = self.send(call).await?;
            self.with_method(wire).await
        })
    }

    fn session_of<'a>(&'a self, subscription: &'a str) -> ProviderAnswer<'a, Option<CheckoutSession>> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Page {
                data: Vec<WireSession>,
            }
            let sessions = Call::get(&["checkout", "sessions"]);
            let page: Page =
                self.send(sessions.with("subscription", subscription).with("limit", "1")).await?;
            Ok(page.data.into_iter().next().map(CheckoutSession::from))
        })
    }

    fn cancel_subscription<'a>(
        &'a self,
        id: &'a str,
        idempotency_key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription> {
        Box::pin(async move {
            let cancelled: Result<WireSubscription, _> = self
                .send(Call {
                    method: Method::DELETE,
                    path: &["subscriptions", id],
                    fields: Fields::new(),
                    key: Some(idempotency_key),
                })
                .await;
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

    fn change_subscription<'a>(
        &'a self,
        wanted: &'a SubscriptionChange,
        idempotency_key: &'a str,
    ) -> ProviderAnswer<'a, ProviderSubscription> {
        Box::pin(async move {
            let mut fields = change_fields(wanted)?;
            fields.push(("expand[]".to_owned(), "discounts.source.coupon".to_owned()));
            let wire: WireSubscription = self
                .send(Call {
                    method: Method::POST,
                    path: &["subscriptions", &wanted.subscription],
                    fields,
                    key: Some(idempotency_key),
                })
                .await?;
            Ok(wire.into())
        })
    }

    fn card_page<'a>(&'a self, customer: &'a str, back: &'a str) -> ProviderAnswer<'a, String> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Made {
                url: String,
            }
            // A page that nobody opens is over within minutes: it needs no key.
            let ours = self.portals().await?.into_iter().find(|portal| portal.is_ours);
            let mut fields = vec![
                ("customer", customer),
                ("return_url", back),
                ("flow_data[type]", "payment_method_update"),
            ];
            // What the account offers to whoever names nothing may be another program's. Where nobody ran `payments setup` there is that alone.
            fields.extend(ours.iter().map(|portal| ("configuration", portal.id.as_str())));
            let fields =
                fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let path = &["billing_portal", "sessions"];
            let made: Made = self.send(Call { method: Method::POST, path, fields, key: None }).await?;
            Ok(made.url)
        })
    }

    fn customer_email<'a>(&'a self, customer: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move {
            let is: WireCustomer = self.send(Call::get(&["customers", customer])).await?;
            Ok(is.email)
        })
    }

    fn set_customer_email<'a>(
        &'a self,
        customer: &'a str,
        email: &'a str,
        idempotency_key: &'a str,
    ) -> ProviderAnswer<'a, ()> {
        Box::pin(async move {
            let _changed: WireCustomer = self
                .send(Call {
                    method: Method::POST,
                    path: &["customers", customer],
                    fields: vec![("email".to_owned(), email.to_owned())],
                    key: Some(idempotency_key),
                })
                .await?;
            Ok(())
        })
    }

    fn revoked_method<'a>(&'a self, mandate: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Mandate {
                status: String,
                payment_method: String,
            }
            let is: Mandate = self.send(Call::get(&["mandates", mandate])).await?;
            Ok((is.status == "inactive").then_some(is.payment_method))
        })
    }

    fn events<'a>(
        &'a self,
        asked: &'a EventsAsked<'a>,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, EventPage> {
        Box::pin(async move {
            #[derive(Deserialize)]
            struct Page {
                data: Vec<Value>,
                has_more: bool,
            }
            let mut call = Call::get(&["events"]).with("limit", EVENTS_A_PAGE);
            for kind in asked.kinds {
                call = call.with("types[]", kind);
            }
            for (bound, at) in [("created[gte]", asked.from), ("created[lt]", asked.until)] {
                if let Some(at) = at {
                    call = call.with(bound, &at.unix_seconds().to_string());
                }
            }
            if let Some(after) = after {
                call = call.with("starting_after", after);
            }
            let page: Page = self.send(call).await?;
            let last = page.data.last().and_then(|event| event["id"].as_str()).map(str::to_owned);
            Ok(EventPage {
                events: page.data.iter().filter_map(event_of).filter_map(ReadEvent::ours).collect(),
                next: last.filter(|_| page.has_more),
            })
        })
    }

    fn after(&self) -> &dyn AfterPayment {
        self
    }

    fn account(&self) -> &dyn ProviderAccount {
        self
    }

    fn probe(&self) -> ProviderAnswer<'_, ()> {
        Box::pin(async move {
            let _: Value = self.send(Call::get(&["events"]).with("limit", "1")).await?;
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

type Metadata = Option<HashMap<String, String>>;

fn our_ids(metadata: &Metadata) -> OurIds {
    let get = |key: &str| metadata.as_ref().and_then(|all| all.get(key)).cloned();
    OurIds { donation: get(DONATION), recurring: get(RECURRING) }
}
