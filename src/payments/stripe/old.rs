//! What was in the account before us, page by page: subscriptions, paid invoices and charges, as other programs left them. Fields
//! are read as leniently as anywhere: a customer may be an id, an object, deleted or nobody.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};

use super::{Call, Metadata, Stripe, our_ids, subscriptions};
use crate::{
    clock::Moment,
    payments::{
        ProviderAnswer, ProviderError,
        account::{
            AccountStanding, OldCustomer, OldInterval, OldInvoice, OldPage, OldPayment, OldSubscription,
            ProviderAccount,
        },
        money_of,
    },
};

/// The most that Stripe gives at once.
const A_PAGE: &str = "100";
/// So long a page is waited for when Stripe asks for patience: nobody stands before it.
const PATIENCE: Duration = Duration::from_secs(60);
/// So much of other programs' words is kept.
const LONGEST_WORD: usize = 60;
const MOST_MARKS: usize = 6;

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    has_more: bool,
}

trait Named {
    fn id(&self) -> &str;
}

/// An id, or the object itself where it was asked for; of one that was deleted little more than the id is left.
#[derive(Deserialize)]
#[serde(untagged)]
enum Known<T> {
    Id(String),
    Object(T),
}

#[derive(Deserialize)]
struct WireCustomer {
    id: String,
    email: Option<String>,
    name: Option<String>,
}

impl From<Option<Known<WireCustomer>>> for OldCustomer {
    fn from(known: Option<Known<WireCustomer>>) -> Self {
        match known {
            Some(Known::Id(id)) => Self { id: Some(id), ..Self::default() },
            Some(Known::Object(one)) => {
                Self { id: Some(one.id), email: some(one.email), name: some(one.name) }
            }
            None => Self::default(),
        }
    }
}

impl OldCustomer {
    /// What another object says of the same person, where this one says nothing.
    fn or(mut self, email: Option<String>, name: Option<String>) -> Self {
        self.email = self.email.or_else(|| some(email));
        self.name = self.name.or_else(|| some(name));
        self
    }
}

fn some(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[derive(Deserialize)]
struct WireSubscription {
    id: String,
    status: String,
    customer: Option<Known<WireCustomer>>,
    #[serde(default)]
    metadata: Metadata,
    items: Option<WireItems>,
    created: i64,
    ended_at: Option<i64>,
    test_clock: Option<serde_json::Value>,
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
    nickname: Option<String>,
    product: Option<Known<WireProduct>>,
    recurring: Option<WireRecurring>,
}

#[derive(Deserialize)]
struct WireProduct {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct WireRecurring {
    interval: String,
    interval_count: Option<i64>,
}

impl Named for WireSubscription {
    fn id(&self) -> &str {
        &self.id
    }
}

impl From<WireSubscription> for OldSubscription {
    fn from(wire: WireSubscription) -> Self {
        let items = wire.items.map(|items| items.data).unwrap_or_default();
        let first = items.iter().find_map(|item| item.price.as_ref());
        let currency = first.and_then(|price| price.currency.clone()).unwrap_or_default();
        let minor = items.iter().try_fold(0_i64, |sum, item| {
            let price = item.price.as_ref()?;
            // All of one subscription are in one currency; one whose price is not fixed has no sum.
            sum.checked_add(price.unit_amount?.checked_mul(item.quantity.unwrap_or(1))?)
        });
        let rhythm = first.and_then(|price| price.recurring.as_ref());
        let what = first.map(|price| {
            let product = match &price.product {
                Some(Known::Id(id)) => Some(id.clone()),
                Some(Known::Object(product)) => {
                    Some(product.name.clone().unwrap_or_else(|| product.id.clone()))
                }
                None => None,
            };
            price.nickname.clone().filter(|name| !name.trim().is_empty()).or(product).unwrap_or_default()
        });
        Self {
            state: match wire.status.as_str() {
                // It ended before it began: nobody ever gave by it.
                "incomplete_expired" => super::RecurringState::Pending,
                status => subscriptions::state(status),
            },
            customer: wire.customer.into(),
            amount: money_of(minor.filter(|minor| *minor > 0), Some(&currency)),
            currency: currency.to_uppercase(),
            interval: match rhythm.map(|rhythm| rhythm.interval.as_str()) {
                Some("day") => OldInterval::Day,
                Some("week") => OldInterval::Week,
                Some("year") => OldInterval::Year,
                _ => OldInterval::Month,
            },
            every: rhythm.and_then(|rhythm| rhythm.interval_count).unwrap_or(1),
            what: short(what.unwrap_or_default()),
            ours: our_ids(&wire.metadata),
            marks: marks(&wire.metadata),
            created: Moment::from_unix_seconds(wire.created),
            ended_at: wire.ended_at.map(Moment::from_unix_seconds),
            is_of_a_clock: wire.test_clock.is_some_and(|clock| !clock.is_null()),
            id: wire.id,
        }
    }
}

#[derive(Deserialize)]
struct WireInvoice {
    id: String,
    created: i64,
    currency: Option<String>,
    amount_paid: Option<i64>,
    amount_paid_off_stripe: Option<i64>,
    amount_due: Option<i64>,
    customer: Option<Known<WireCustomer>>,
    customer_email: Option<String>,
    customer_name: Option<String>,
    status_transitions: Option<WireTransitions>,
    parent: Option<WireParent>,
    payments: Option<WirePayments>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct WireTransitions {
    paid_at: Option<i64>,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireDetails>,
}

#[derive(Deserialize)]
struct WireDetails {
    subscription: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct WirePayments {
    data: Vec<WireInvoicePayment>,
}

#[derive(Deserialize)]
struct WireInvoicePayment {
    status: Option<String>,
    payment: Option<WirePaidBy>,
}

#[derive(Deserialize)]
struct WirePaidBy {
    payment_intent: Option<String>,
    charge: Option<String>,
}

impl Named for WireInvoice {
    fn id(&self) -> &str {
        &self.id
    }
}

impl From<WireInvoice> for OldInvoice {
    fn from(wire: WireInvoice) -> Self {
        let details = wire.parent.and_then(|parent| parent.subscription_details);
        let paid_by = wire.payments.map(|list| list.data).unwrap_or_default();
        let payment = paid_by
            .into_iter()
            .filter(|one| one.status.as_deref().is_none_or(|status| status == "paid"))
            .filter_map(|one| one.payment)
            .find_map(|payment| payment.payment_intent.or(payment.charge));
        let ours = match details.as_ref().map(|details| our_ids(&details.metadata)) {
            Some(ours) if ours.recurring.is_some() || ours.donation.is_some() => ours,
            _ => our_ids(&wire.metadata),
        };
        let elsewhere = wire.amount_paid_off_stripe.unwrap_or_default().max(0);
        let paid = super::invoices::in_all(wire.amount_paid, elsewhere, wire.amount_due);
        Self {
            subscription: details.and_then(|details| details.subscription),
            payment,
            customer: OldCustomer::from(wire.customer).or(wire.customer_email, wire.customer_name),
            amount: money_of(paid.filter(|minor| *minor > 0), wire.currency.as_deref()),
            currency: wire.currency.unwrap_or_default().to_uppercase(),
            elsewhere: elsewhere.min(paid.unwrap_or(0)),
            paid_at: Moment::from_unix_seconds(
                wire.status_transitions.and_then(|moves| moves.paid_at).unwrap_or(wire.created),
            ),
            created: Moment::from_unix_seconds(wire.created),
            ours,
            id: wire.id,
        }
    }
}

#[derive(Deserialize)]
struct WireCharge {
    id: String,
    created: i64,
    status: Option<String>,
    captured: Option<bool>,
    amount: Option<i64>,
    amount_captured: Option<i64>,
    amount_refunded: Option<i64>,
    disputed: Option<bool>,
    currency: Option<String>,
    payment_intent: Option<Known<WireIntent>>,
    customer: Option<Known<WireCustomer>>,
    billing_details: Option<WireBilling>,
    receipt_email: Option<String>,
    balance_transaction: Option<Known<WireBalanceTransaction>>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct WireIntent {
    id: String,
}

#[derive(Deserialize)]
struct WireBilling {
    email: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct WireBalanceTransaction {
    created: i64,
}

impl Named for WireCharge {
    fn id(&self) -> &str {
        &self.id
    }
}

impl WireCharge {
    /// A charge that was refused, waits for the bank, or was reserved and never taken, brought nothing.
    fn came_in(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "succeeded") && self.captured.unwrap_or(true)
    }
}

impl From<WireCharge> for OldPayment {
    fn from(wire: WireCharge) -> Self {
        let billing = wire.billing_details;
        let (email, name) = billing.map_or((None, None), |billing| (billing.email, billing.name));
        let arrived = match wire.balance_transaction {
            Some(Known::Object(transaction)) => transaction.created,
            _ => wire.created,
        };
        let amount = wire.amount_captured.filter(|minor| *minor > 0).or(wire.amount);
        Self {
            customer: OldCustomer::from(wire.customer).or(some(email).or(wire.receipt_email), name),
            amount: money_of(amount.filter(|minor| *minor > 0), wire.currency.as_deref()),
            currency: wire.currency.unwrap_or_default().to_uppercase(),
            refunded: wire.amount_refunded.unwrap_or_default(),
            is_disputed: wire.disputed.unwrap_or_default(),
            paid_at: Moment::from_unix_seconds(arrived),
            marks: marks(&wire.metadata),
            ours: our_ids(&wire.metadata),
            id: match wire.payment_intent {
                Some(Known::Id(id)) => id,
                Some(Known::Object(intent)) => intent.id,
                None => wire.id,
            },
        }
    }
}

/// The names of what another program wrote, in order: its values tell supporters apart, its names programs.
fn marks(metadata: &Metadata) -> Vec<String> {
    let mut names: Vec<String> = metadata.iter().flatten().map(|(name, _)| short(name.clone())).collect();
    names.sort();
    names.truncate(MOST_MARKS);
    names
}

fn short(word: String) -> String {
    if word.chars().count() <= LONGEST_WORD { word } else { word.chars().take(LONGEST_WORD).collect() }
}

impl Stripe {
    async fn old_page<T: DeserializeOwned + Named>(
        &self,
        call: Call<'_>,
        after: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ProviderError> {
        let mut call = call.with("limit", A_PAGE);
        if let Some(after) = after {
            call = call.with("starting_after", after);
        }
        let page: Page<T> = self.send_patiently(call, PATIENCE).await?;
        let next = page.data.last().map(|last| last.id().to_owned()).filter(|_| page.has_more);
        Ok((page.data, next))
    }

    async fn list_old_subscriptions(
        &self,
        after: Option<&str>,
    ) -> Result<OldPage<OldSubscription>, ProviderError> {
        let call = Call::get(&["subscriptions"]).with("status", "all").with("expand[]", "data.customer");
        let (items, next) = self.old_page::<WireSubscription>(call, after).await?;
        Ok(OldPage { items: items.into_iter().map(OldSubscription::from).collect(), next })
    }

    async fn list_old_invoices(
        &self,
        since: Moment,
        after: Option<&str>,
    ) -> Result<OldPage<OldInvoice>, ProviderError> {
        let call = Call::get(&["invoices"])
            .with("status", "paid")
            .with("created[gte]", &since.unix_seconds().to_string())
            .with("expand[]", "data.payments");
        let (items, next) = self.old_page::<WireInvoice>(call, after).await?;
        Ok(OldPage { items: items.into_iter().map(OldInvoice::from).collect(), next })
    }

    async fn list_old_payments(
        &self,
        since: Moment,
        after: Option<&str>,
    ) -> Result<OldPage<OldPayment>, ProviderError> {
        let call = Call::get(&["charges"])
            .with("created[gte]", &since.unix_seconds().to_string())
            .with("expand[]", "data.balance_transaction")
            .with("expand[]", "data.customer");
        let (items, next) = self.old_page::<WireCharge>(call, after).await?;
        Ok(OldPage {
            items: items.into_iter().filter(WireCharge::came_in).map(OldPayment::from).collect(),
            next,
        })
    }

    async fn name_of_product(&self, id: &str) -> Result<Option<String>, ProviderError> {
        let product: Result<WireProduct, _> = self.send(Call::get(&["products", id])).await;
        match product {
            Ok(product) => Ok(some(product.name).map(short)),
            // A name is not worth an error: the id stands in its place.
            Err(error) if error.may_work_later() => Err(error),
            Err(_) => Ok(None),
        }
    }
}

impl ProviderAccount for Stripe {
    fn standing(&self) -> ProviderAnswer<'_, AccountStanding> {
        Box::pin(self.account_standing())
    }
    fn old_subscriptions<'a>(
        &'a self,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, OldPage<OldSubscription>> {
        Box::pin(self.list_old_subscriptions(after))
    }
    fn old_invoices<'a>(
        &'a self,
        since: Moment,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, OldPage<OldInvoice>> {
        Box::pin(self.list_old_invoices(since, after))
    }
    fn old_payments<'a>(
        &'a self,
        since: Moment,
        after: Option<&'a str>,
    ) -> ProviderAnswer<'a, OldPage<OldPayment>> {
        Box::pin(self.list_old_payments(since, after))
    }
    fn product_name<'a>(&'a self, id: &'a str) -> ProviderAnswer<'a, Option<String>> {
        Box::pin(self.name_of_product(id))
    }
}
