//! Subscriptions (<https://docs.stripe.com/api/subscriptions/object>).

use serde::Deserialize;

use super::{
    super::{
        GiftChange, GiftRhythm, GiftRhythmUnit, PayBy, ProviderError, ProviderSubscription, RecurringState,
        SubscriptionChange, Terms, money_of,
    },
    Fields, Metadata, our_ids,
};
use crate::{
    clock::Moment,
    money::{self, Money},
};

/// What is read of a subscription.
#[derive(Deserialize)]
pub struct WireSubscription {
    id: String,
    status: String,
    customer: Option<String>,
    metadata: Metadata,
    items: Option<WireItems>,
    created: i64,
    ended_at: Option<i64>,
    cancel_at: Option<i64>,
    #[serde(default)]
    cancel_at_period_end: bool,
    pause_collection: Option<WirePause>,
    default_payment_method: Option<String>,
    #[serde(default)]
    discounts: Vec<WireDiscount>,
}

#[derive(Deserialize)]
struct WirePause {
    resumes_at: Option<i64>,
}

/// Only its name, where nobody asked for more.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireDiscount {
    Whole { end: Option<i64>, source: Option<WireSource> },
    Named(#[expect(dead_code, reason = "a name says nothing of the amount")] String),
}

#[derive(Deserialize)]
struct WireSource {
    coupon: Option<WireCoupon>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireCoupon {
    Whole { amount_off: Option<i64>, percent_off: Option<f64> },
    Named(#[expect(dead_code, reason = "a name says nothing of the amount")] String),
}

#[derive(Deserialize)]
struct WireItems {
    data: Vec<WireItem>,
}

#[derive(Deserialize)]
struct WireItem {
    id: Option<String>,
    price: Option<WirePrice>,
    quantity: Option<i64>,
    current_period_end: Option<i64>,
}

#[derive(Deserialize)]
struct WirePrice {
    unit_amount: Option<i64>,
    currency: Option<String>,
    product: Option<String>,
    recurring: Option<WireRecurring>,
}

#[derive(Deserialize)]
struct WireRecurring {
    interval: String,
    interval_count: Option<i64>,
}

/// What is read of a customer (<https://docs.stripe.com/api/customers/object>); of one that was deleted only the name is left.
#[derive(Deserialize)]
pub struct WireCustomer {
    pub email: Option<String>,
    invoice_settings: Option<WireInvoiceSettings>,
}

#[derive(Deserialize)]
struct WireInvoiceSettings {
    default_payment_method: Option<String>,
}

impl WireCustomer {
    /// What pays the subscriptions of theirs that have nothing of their own.
    pub fn method(self) -> Option<String> {
        self.invoice_settings?.default_payment_method
    }
}

/// What is read of a payment method (<https://docs.stripe.com/api/payment_methods/object>).
#[derive(Deserialize)]
pub struct WireMethod {
    id: String,
    card: Option<WireCard>,
}

#[derive(Deserialize)]
struct WireCard {
    brand: Option<String>,
    display_brand: Option<String>,
    last4: Option<String>,
    exp_month: Option<u8>,
    exp_year: Option<u16>,
}

impl From<WireMethod> for PayBy {
    fn from(wire: WireMethod) -> Self {
        let Some(card) = wire.card else { return Self { id: wire.id, ..Self::default() } };
        let brand = card.display_brand.or(card.brand).unwrap_or_default();
        let expires = match (card.exp_year, card.exp_month) {
            (Some(year), Some(month)) => format!("{year:04}-{month:02}"),
            _ => String::new(),
        };
        Self { id: wire.id, brand: made_by(&brand), last4: card.last4.unwrap_or_default(), expires }
    }
}

/// The make of a card as it stands on it.
fn made_by(brand: &str) -> String {
    match brand {
        "visa" => "Visa".to_owned(),
        "mastercard" => "Mastercard".to_owned(),
        "amex" | "american_express" => "American Express".to_owned(),
        "unionpay" => "UnionPay".to_owned(),
        "jcb" => "JCB".to_owned(),
        "unknown" | "other" => String::new(),
        other => {
            let mut letters =
                other.replace('_', " ").chars().filter(|c| !c.is_control()).take(30).collect::<String>();
            if let Some(first) = letters.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            letters
        }
    }
}

impl WireSubscription {
    /// The provider's name of what pays it.
    pub fn method(&self) -> Option<String> {
        self.default_payment_method.clone()
    }

    fn is_resting(&self) -> bool {
        self.pause_collection.is_some()
    }

    /// When it is taken next. The items of almost every subscription have one day in common.
    fn period_end(&self) -> Option<i64> {
        self.items.as_ref()?.data.iter().filter_map(|item| item.current_period_end).min()
    }

    /// What each period brings: every item by its quantity, less what coupons take off that still run then. None if that cannot be
    /// said, as with prices by use.
    fn amount(&self) -> Option<Money> {
        let items: Vec<(&WireItem, &WirePrice)> = self
            .items
            .iter()
            .flat_map(|items| &items.data)
            .filter_map(|item| Some((item, item.price.as_ref()?)))
            .collect();
        let code = items.first()?.1.currency.as_deref();
        let mut sum = 0_i64;
        for (item, price) in items {
            // Whoever changes the quantity in the dashboard changes what each month brings.
            let part = price.unit_amount?.checked_mul(item.quantity.unwrap_or(1))?;
            sum = sum.checked_add(part)?;
        }
        let next = self.period_end();
        for discount in &self.discounts {
            let WireDiscount::Whole { end, source } = discount else { continue };
            let coupon = source.as_ref().and_then(|source| source.coupon.as_ref());
            let Some(WireCoupon::Whole { amount_off, percent_off }) = coupon else { continue };
            if end.is_some_and(|end| next.is_some_and(|next| end <= next)) {
                continue;
            }
            sum -= amount_off.unwrap_or(0) + percent_of(sum, percent_off.unwrap_or(0.0));
        }
        money_of(Some(sum.max(0)), code)
    }

    fn terms(&self) -> Terms {
        let data = self.items.as_ref().map(|items| items.data.as_slice()).unwrap_or_default();
        let rhythm =
            data.first().and_then(|item| item.price.as_ref()?.recurring.as_ref()).map(|every| GiftRhythm {
                count: every.interval_count.unwrap_or(1).max(1),
                unit: GiftRhythmUnit::parse(&every.interval).unwrap_or(GiftRhythmUnit::Month),
            });
        let next = self.period_end().map(Moment::from_unix_seconds);
        let ends_at = self.cancel_at.map(Moment::from_unix_seconds);
        let item = match data {
            // Where a coupon takes something off, an amount that is chosen here would not be what is charged.
            [only] if self.discounts.is_empty() => {
                only.id.clone().zip(only.price.as_ref().and_then(|price| price.product.clone()))
            }
            _ => None,
        };
        Terms {
            rhythm: rhythm.unwrap_or_default(),
            next,
            ends_at: ends_at.or_else(|| next.filter(|_| self.cancel_at_period_end)),
            ends_with_period: self.cancel_at_period_end,
            rests_until: self
                .pause_collection
                .as_ref()
                .and_then(|rest| rest.resumes_at)
                .map(Moment::from_unix_seconds),
            method: None,
            item,
        }
    }
}

/// So many of a hundred, to the nearest minor unit as Stripe rounds.
fn percent_of(minor: i64, percent: f64) -> i64 {
    // A percentage has at most two decimals.
    let hundredths = (percent.clamp(0.0, 100.0) * 100.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "at most 10,000")]
    let hundredths = i128::from(hundredths as i64);
    i64::try_from((i128::from(minor) * hundredths + 5_000) / 10_000).unwrap_or(minor)
}

impl From<WireSubscription> for ProviderSubscription {
    fn from(wire: WireSubscription) -> Self {
        // A trial that we know of is a next payment that its supporter moved: it was paid for before.
        let state = match wire.status.as_str() {
            "active" | "trialing" | "past_due" if wire.is_resting() => RecurringState::Paused,
            status => state(status),
        };
        Self {
            state,
            amount: wire.amount(),
            terms: wire.terms(),
            customer: wire.customer,
            ours: our_ids(&wire.metadata),
            created: Moment::from_unix_seconds(wire.created),
            ended_at: wire.ended_at.map(Moment::from_unix_seconds),
            id: wire.id,
        }
    }
}

/// How Stripe's word for it stands here.
pub fn state(status: &str) -> RecurringState {
    match status {
        "active" | "trialing" => RecurringState::Active,
        "past_due" => RecurringState::PastDue,
        "paused" => RecurringState::Paused,
        "unpaid" => RecurringState::Unpaid,
        "canceled" | "incomplete_expired" => RecurringState::Cancelled,
        _ => RecurringState::Pending,
    }
}

/// The fields of a change (<https://docs.stripe.com/api/subscriptions/update>). Nothing is ever charged or given back for a part of a
/// period.
pub fn change_fields(wanted: &SubscriptionChange) -> Result<Fields, ProviderError> {
    let mut fields = Fields::new();
    let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
    match &wanted.change {
        GiftChange::Amount { item, product, currency, minor, rhythm, next } => {
            let known = money::currency(currency)
                .ok_or_else(|| ProviderError::Invalid(format!("{currency} is not a currency we know")))?;
            add("items[0][id]", item);
            add("items[0][quantity]", "1");
            add("items[0][price_data][currency]", &known.code().to_lowercase());
            add("items[0][price_data][product]", product);
            add("items[0][price_data][unit_amount]", &minor.to_string());
            add("items[0][price_data][recurring][interval]", rhythm.unit.as_str());
            add("items[0][price_data][recurring][interval_count]", &rhythm.count.to_string());
            add("proration_behavior", "none");
            if let Some(next) = next {
                // Another rhythm begins today, and is charged today, unless the time until then is given free.
                add("trial_end", &next.unix_seconds().to_string());
            }
        }
        GiftChange::Date { next } => {
            add("trial_end", &next.unix_seconds().to_string());
            add("proration_behavior", "none");
        }
        GiftChange::Rest { until } => {
            add("pause_collection[behavior]", "void");
            if let Some(until) = until {
                add("pause_collection[resumes_at]", &until.unix_seconds().to_string());
            }
        }
        GiftChange::GoOn => add("pause_collection", ""),
        GiftChange::EndLater => add("cancel_at_period_end", "true"),
        // Only one of the two may be said at once.
        GiftChange::KeepOn { ended_with_period: true } => add("cancel_at_period_end", "false"),
        GiftChange::KeepOn { ended_with_period: false } => add("cancel_at", ""),
    }
    Ok(fields)
}
