//! Supporters of long ago: what an account that was used for years holds before we come to it.

use serde_json::{Map, Value, json};

use super::{
    SandboxError, StripeServer,
    error::{ApiError, ApiResult},
    invoice::CardAnswer,
    objects::{self, Method, Period, Price},
    state::{State, text},
    subscription::next_period,
};
use crate::clock::Moment;

/// A supporter who began to give before our time, by some other program.
#[derive(Clone, Debug)]
pub struct OldSupporter {
    /// The address on the customer, if there is one.
    pub email: Option<String>,
    /// The name on the customer.
    pub name: Option<String>,
    /// What each item of the subscription asks for, and how many of it.
    pub items: Vec<(i64, i64)>,
    /// The currency in lower case.
    pub currency: String,
    /// Stripe's word for how often: `month`, `year` …
    pub interval: String,
    /// When the first instalment was paid.
    pub since: Moment,
    /// What the other program noted on the subscription.
    pub metadata: Vec<(String, String)>,
    /// Whether the card is on an old source of the customer, and not a payment method of the subscription.
    pub on_source: bool,
    /// What a coupon takes off, in per cent.
    pub percent_off: Option<u8>,
}

impl State {
    fn plant(&mut self, old: &OldSupporter) -> ApiResult<String> {
        let now = self.now();
        let customer = self.new_customer(old.email.as_deref());
        self.change(&customer, |own| own["name"] = json!(old.name));
        let method = self.new_method(Method::Card, old.email.as_deref(), Some(&customer));
        let (id, product) = (self.new_id("sub", 24), self.new_product("Membership"));
        let mut items = Vec::new();
        let mut period = Period { start: now, end: now };
        for (unit_amount, quantity) in &old.items {
            let (price, item) = (self.new_id("price", 24), self.new_id("si", 14));
            let recurring = Some((old.interval.as_str(), 1));
            let price = Price {
                id: &price,
                product: &product,
                currency: &old.currency,
                unit_amount: *unit_amount,
                recurring,
                now,
            };
            let price = price.object();
            self.put(price.clone());
            period = Period { start: now, end: next_period(now, now, &price) };
            items.push(objects::subscription_item(&item, &id, &price, *quantity, period, now));
        }
        let first =
            items.first().ok_or_else(|| ApiError::invalid("A subscription has at least one item."))?;
        let metadata: Map<String, Value> =
            old.metadata.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut subscription =
            objects::subscription(&id, first, &customer, &method, &Value::Object(metadata), now);
        subscription["items"]["total_count"] = json!(items.len());
        subscription["items"]["data"] = json!(items);
        subscription["_sandbox"] = json!({ "session": "", "email": old.email, "method": method });
        if old.on_source {
            let source = self.new_id("card", 24);
            self.put(json!({
                "id": source, "object": "card", "address_city": null, "address_country": null, "address_line1": null,
                "address_line1_check": null, "address_line2": null, "address_state": null, "address_zip": null,
                "address_zip_check": null, "allow_redisplay": "unspecified", "brand": "Visa", "country": "US", "customer": customer,
                "cvc_check": null, "dynamic_last4": null, "exp_month": 8, "exp_year": 2031, "funding": "credit", "last4": "4242",
                "metadata": {}, "name": null, "regulated_status": null, "tokenization_method": null,
            }));
            subscription["default_payment_method"] = Value::Null;
            self.change(&customer, |own| own["default_source"] = json!(source));
        }
        if let Some(percent) = old.percent_off {
            let discount = self.new_discount(&id, &customer, percent);
            subscription["discounts"] = json!([discount]);
        }
        self.put(subscription);
        let invoice = self.new_invoice(&id, "subscription_create", period);
        self.emit("customer.subscription.created", &id);
        self.finalize(&invoice);
        self.attempt(&id, &invoice, &CardAnswer::Works);
        Ok(id)
    }

    fn new_discount(&mut self, subscription: &str, customer: &str, percent: u8) -> String {
        let (coupon, discount, now) = (self.new_id("cou", 8), self.new_id("di", 24), self.now());
        self.put(json!({
            "id": coupon, "object": "coupon", "amount_off": null, "created": now, "currency": null, "duration": "forever",
            "duration_in_months": null, "livemode": false, "max_redemptions": null, "metadata": {}, "name": null,
            "percent_off": percent, "redeem_by": null, "times_redeemed": 1, "valid": true,
        }));
        self.put(json!({
            "id": discount, "object": "discount", "checkout_session": null, "customer": customer, "customer_account": null,
            "end": null, "invoice": null, "invoice_item": null, "promotion_code": null,
            "source": { "coupon": coupon, "type": "coupon" }, "start": now, "subscription": subscription,
            "subscription_item": null,
        }));
        discount
    }
}

impl StripeServer {
    /// Puts a supporter of another program there, with everything that was paid since; gives the subscription's id.
    ///
    /// # Errors
    /// When there are no items.
    pub fn add_old_supporter(&self, old: &OldSupporter) -> Result<String, SandboxError> {
        let until = self.0.clock.now().unix_seconds();
        self.visit(|state| {
            state.cause.now = old.since;
            state.cause.quiet = true;
            let id = state.plant(old)?;
            loop {
                let end =
                    state.get(&id).map(|own| super::subscription::period_of(&own["items"]["data"][0]).end);
                let Some(end) = end.filter(|end| *end <= until && *end > state.now()) else { break };
                state.cause.now = Moment::from_unix_seconds(end);
                state.renew(&id, &CardAnswer::Works)?;
            }
            Ok(id)
        })
    }

    /// A single payment of long ago that some other program took; gives the payment intent's id.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn add_old_payment(
        &self,
        email: Option<&str>,
        amount: i64,
        currency: &str,
        at: Moment,
    ) -> Result<String, SandboxError> {
        self.visit(|state| {
            state.cause.now = at;
            state.cause.quiet = true;
            let customer = state.new_customer(email);
            let method = state.new_method(Method::Card, email, Some(&customer));
            let payment = objects::Payment {
                amount,
                currency,
                customer: Some(&customer),
                description: Some("Donation"),
                metadata: Map::new(),
            };
            let intent = state.new_intent(&payment);
            let purpose = super::payment::Purpose {
                session: String::new(),
                email: email.unwrap_or_default().to_owned(),
                subscription: None,
                invoice: None,
            };
            state.charge_now(&intent, (Method::Card, &method), &purpose);
            Ok(intent)
        })
    }

    /// The subscription's customer.
    #[must_use]
    pub fn customer_of(&self, subscription: &str) -> Option<String> {
        self.object(subscription).map(|own| text(&own, "customer").to_owned())
    }
}
