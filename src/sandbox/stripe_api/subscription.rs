//! Subscriptions: begun by a checkout, renewed period by period, changed and ended by the API or the portal.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::{
    error::{ApiError, ApiResult},
    form::{Form, merge_metadata},
    objects::{self, Instalment, Method, Payment, Period},
    payment::Purpose,
    state::{State, public, text},
};

const UPDATE: &[&str] = &[
    "cancel_at_period_end",
    "cancellation_details[comment]",
    "cancellation_details[feedback]",
    "description",
    "metadata[*]",
    "expand[]",
];
const CANCEL: &[&str] = &[
    "cancellation_details[comment]",
    "cancellation_details[feedback]",
    "invoice_now",
    "prorate",
    "expand[]",
];
const FEEDBACK: &[&str] = &[
    "",
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];
const THREE_DAYS: i64 = 3 * 86_400;

impl State {
    /// Begins the subscription that a checkout asked for; gives its id and its first invoice's.
    pub(super) fn begin_subscription(
        &mut self,
        session: &Value,
        method: (Method, &str),
        customer: &str,
        email: &str,
        paid_now: bool,
    ) -> (String, String) {
        let now = self.now();
        let line = &session["_sandbox"]["lines"][0];
        let period = Period { start: now, end: next_period(now, &line["price"]) };
        let (id, item) = (self.new_id("sub", 24), self.new_id("si", 14));
        let quantity = line["quantity"].as_i64().unwrap_or(1);
        let item = objects::subscription_item(&item, &id, &line["price"], quantity, period, now);
        let wanted = &session["_sandbox"]["subscription"];
        let mut subscription =
            objects::subscription(&id, &item, customer, method.1, &wanted["metadata"], now);
        subscription["description"] = wanted["description"].clone();
        subscription["_sandbox"] = json!({ "session": session["id"], "email": email, "method": method.1 });
        self.put(subscription);
        let invoice = self.new_invoice(&id, "subscription_create", period);
        self.emit("customer.subscription.created", &id);
        self.finalize(&invoice);
        let purpose = self.purpose_of(&id, &invoice);
        let intent = self.intent_of_invoice(&invoice).unwrap_or_default();
        if paid_now {
            self.charge_now(&intent, method, &purpose);
            self.instalment_ends(&invoice, true);
        } else {
            self.charge_later(&intent, method, email);
            // While a debit is on its way the subscription counts as active and its invoice stays open.
            self.set_status(&id, "active");
        }
        (id, invoice)
    }

    /// What somebody can do in the dashboard: another subscription like that one, metadata and all, that no checkout made. Its
    /// first period is charged at once. Gives its id.
    pub(super) fn copy_subscription(&mut self, id: &str) -> ApiResult<String> {
        let model = self.find("subscription", id, "id")?.clone();
        let now = self.now();
        let price = model["items"]["data"][0]["price"].clone();
        let period = Period { start: now, end: next_period(now, &price) };
        let (copy, item) = (self.new_id("sub", 24), self.new_id("si", 14));
        let item = objects::subscription_item(&item, &copy, &price, 1, period, now);
        let (customer, method) = (text(&model, "customer"), text(&model["_sandbox"], "method"));
        let mut object = objects::subscription(&copy, &item, customer, method, &model["metadata"], now);
        object["description"] = model["description"].clone();
        object["_sandbox"] = json!({ "session": "", "email": model["_sandbox"]["email"], "method": method });
        self.put(object);
        let invoice = self.new_invoice(&copy, "subscription_create", period);
        self.emit("customer.subscription.created", &copy);
        self.finalize(&invoice);
        self.attempt(&copy, &invoice, true);
        Ok(copy)
    }

    /// The next period: the instalment is charged, or the subscription ends if it was to end.
    pub(super) fn renew(&mut self, id: &str, card_works: bool) -> ApiResult<()> {
        let subscription = self.living(id)?.clone();
        if subscription["cancel_at_period_end"] == true {
            self.end_subscription(id);
            return Ok(());
        }
        let item = &subscription["items"]["data"][0];
        let start = item["current_period_end"].as_i64().unwrap_or_default();
        let period = Period { start, end: next_period(start, &item["price"]) };
        let before = json!({ "items": subscription["items"] });
        self.change(id, |subscription| {
            let item = &mut subscription["items"]["data"][0];
            item["current_period_start"] = json!(period.start);
            item["current_period_end"] = json!(period.end);
        });
        let invoice = self.new_invoice(id, "subscription_cycle", period);
        self.emit_change("customer.subscription.updated", id, Some(before));
        self.finalize(&invoice);
        self.attempt(id, &invoice, card_works);
        Ok(())
    }

    /// Tries the last invoice again.
    pub(super) fn retry_invoice(&mut self, id: &str) -> ApiResult<()> {
        let subscription = self.living(id)?;
        let invoice = text(subscription, "latest_invoice").to_owned();
        if self.get(&invoice).is_none_or(|invoice| invoice["status"] != "open") {
            return Err(ApiError::invalid("The subscription has no open invoice."));
        }
        self.attempt(id, &invoice, true);
        Ok(())
    }

    fn attempt(&mut self, subscription: &str, invoice: &str, card_works: bool) {
        let purpose = self.purpose_of(subscription, invoice);
        let method =
            self.get(subscription).map(|s| text(&s["_sandbox"], "method").to_owned()).unwrap_or_default();
        let intent = self.intent_of_invoice(invoice).unwrap_or_default();
        if card_works {
            self.charge_now(&intent, (Method::Card, &method), &purpose);
        } else {
            self.charge_refused(&intent, (Method::Card, &method), Some(&purpose.email));
        }
        self.instalment_ends(invoice, card_works);
    }

    fn new_invoice(&mut self, subscription: &str, reason: &str, period: Period) -> String {
        let (id, line, number) = (self.new_id("in", 24), self.new_id("il", 24), self.next_number());
        let Some(object) = self.get(subscription).cloned() else { return id };
        let email = object["_sandbox"]["email"].as_str();
        let number = format!("SANDBOX-{number:06}");
        let now = self.now();
        let instalment = Instalment { id: &id, line: &line, number: &number, reason, email, period, now };
        self.put(objects::invoice(&instalment, &object));
        self.change(subscription, |subscription| subscription["latest_invoice"] = json!(id));
        self.emit("invoice.created", &id);
        id
    }

    /// Makes the invoice payable, with an intent and the link between them.
    fn finalize(&mut self, invoice: &str) {
        let now = self.now();
        let page = format!("{}/payments", self.base_url);
        self.change(invoice, |invoice| {
            invoice["status"] = json!("open");
            invoice["effective_at"] = json!(now);
            invoice["status_transitions"]["finalized_at"] = json!(now);
            invoice["hosted_invoice_url"] = json!(page);
        });
        self.emit("invoice.finalized", invoice);
        let Some(object) = self.get(invoice).cloned() else { return };
        let first = object["billing_reason"] == "subscription_create";
        let intent = self.new_intent(&Payment {
            amount: object["amount_due"].as_i64().unwrap_or_default(),
            currency: text(&object, "currency"),
            customer: object["customer"].as_str(),
            description: Some(if first { "Subscription creation" } else { "Subscription update" }),
            metadata: Map::new(),
        });
        let link = self.new_id("inpay", 24);
        self.put(objects::invoice_payment(&link, &object, &intent, now));
    }

    /// The payment intent that pays an invoice.
    pub(super) fn intent_of_invoice(&self, invoice: &str) -> Option<String> {
        let link = self.newest("invoice_payment").find(|link| link["invoice"] == invoice)?;
        link["payment"]["payment_intent"].as_str().map(str::to_owned)
    }

    /// The payment of an invoice came, or was refused: the invoice and its subscription follow.
    pub(super) fn instalment_ends(&mut self, invoice: &str, paid: bool) {
        let now = self.now();
        let Some(object) = self.get(invoice).cloned() else { return };
        let amount = object["amount_due"].clone();
        let subscription = text(&object["parent"]["subscription_details"], "subscription").to_owned();
        let link = self
            .newest("invoice_payment")
            .find(|link| link["invoice"] == invoice)
            .map(|link| text(link, "id").to_owned());
        self.change(invoice, |invoice| {
            invoice["attempted"] = json!(true);
            invoice["attempt_count"] = json!(object["attempt_count"].as_i64().unwrap_or_default() + 1);
            invoice["next_payment_attempt"] = if paid { Value::Null } else { json!(now + THREE_DAYS) };
            if paid {
                invoice["status"] = json!("paid");
                invoice["amount_paid"] = amount.clone();
                invoice["amount_remaining"] = json!(0);
                invoice["status_transitions"]["paid_at"] = json!(now);
            }
        });
        if !paid {
            self.emit("invoice.payment_failed", invoice);
            self.set_status(&subscription, "past_due");
            return;
        }
        self.emit("invoice.paid", invoice);
        self.emit("invoice.payment_succeeded", invoice);
        if let Some(link) = link {
            self.change(&link, |link| {
                link["status"] = json!("paid");
                link["amount_paid"] = amount;
                link["status_transitions"]["paid_at"] = json!(now);
            });
            self.emit("invoice_payment.paid", &link);
        }
        self.set_status(&subscription, "active");
    }

    /// What is owed for a period is forgiven.
    pub(super) fn void_invoice(&mut self, subscription: &str) {
        let of_it = |invoice: &&Value| {
            invoice["parent"]["subscription_details"]["subscription"] == subscription
                && invoice["status"] == "open"
        };
        let open: Vec<String> =
            self.newest("invoice").filter(of_it).map(|invoice| text(invoice, "id").to_owned()).collect();
        for invoice in open {
            let now = self.now();
            self.change(&invoice, |invoice| {
                invoice["status"] = json!("void");
                invoice["next_payment_attempt"] = Value::Null;
                invoice["status_transitions"]["voided_at"] = json!(now);
            });
            self.emit("invoice.voided", &invoice);
        }
    }

    fn set_status(&mut self, subscription: &str, status: &str) {
        let before =
            self.get(subscription).map(|subscription| subscription["status"].clone()).unwrap_or_default();
        if before == status || before == "canceled" {
            return;
        }
        self.change(subscription, |subscription| subscription["status"] = json!(status));
        self.emit_change("customer.subscription.updated", subscription, Some(json!({ "status": before })));
    }

    /// Changes what may be changed: whether it ends with its period, and its metadata.
    pub(super) fn update_subscription(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(UPDATE)?;
        let feedback = form.choice("cancellation_details[feedback]", FEEDBACK)?;
        let metadata = form.metadata("metadata")?;
        let ends = form.boolean("cancel_at_period_end")?;
        let before = self.living(id)?.clone();
        let (now, end) = (self.now(), before["items"]["data"][0]["current_period_end"].clone());
        self.change(id, |subscription| {
            if let Some(ends) = ends {
                subscription["cancel_at_period_end"] = json!(ends);
                subscription["cancel_at"] = if ends { end } else { Value::Null };
                subscription["canceled_at"] = if ends { json!(now) } else { Value::Null };
                subscription["cancellation_details"]["reason"] =
                    if ends { json!("cancellation_requested") } else { Value::Null };
            }
            note_feedback(subscription, form, feedback);
            merge_metadata(subscription, metadata);
            if let Some(description) = form.get("description") {
                subscription["description"] = json!(description);
            }
        });
        let after = self.get(id).cloned().unwrap_or_default();
        let mut previous = Map::new();
        for field in [
            "cancel_at_period_end",
            "cancel_at",
            "canceled_at",
            "cancellation_details",
            "metadata",
            "description",
        ] {
            if before[field] != after[field] {
                previous.insert(field.to_owned(), before[field].clone());
            }
        }
        if !previous.is_empty() {
            self.emit_change("customer.subscription.updated", id, Some(Value::Object(previous)));
        }
        Ok(public(&after))
    }

    /// Ends it at once.
    pub(super) fn cancel_subscription(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(CANCEL)?;
        let feedback = form.choice("cancellation_details[feedback]", FEEDBACK)?;
        self.living(id)?;
        self.change(id, |subscription| note_feedback(subscription, form, feedback));
        self.end_subscription(id);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    fn end_subscription(&mut self, id: &str) {
        let now = self.now();
        self.change(id, |subscription| {
            subscription["status"] = json!("canceled");
            if subscription["canceled_at"].is_null() {
                subscription["canceled_at"] = json!(now);
            }
            subscription["ended_at"] = json!(now);
            subscription["cancellation_details"]["reason"] = json!("cancellation_requested");
        });
        self.emit("customer.subscription.deleted", id);
    }

    /// The subscription, unless it has ended: an ended one is, to Stripe, not there to be changed.
    fn living(&self, id: &str) -> ApiResult<&Value> {
        let subscription = self.find("subscription", id, "id")?;
        if subscription["status"] == "canceled" {
            return Err(ApiError::unknown_object("subscription", id, "id"));
        }
        Ok(subscription)
    }

    fn purpose_of(&self, subscription: &str, invoice: &str) -> Purpose {
        let facts =
            self.get(subscription).map(|subscription| subscription["_sandbox"].clone()).unwrap_or_default();
        Purpose {
            session: text(&facts, "session").to_owned(),
            email: text(&facts, "email").to_owned(),
            subscription: Some(subscription.to_owned()),
            invoice: Some(invoice.to_owned()),
        }
    }
}

fn note_feedback(subscription: &mut Value, form: &Form, feedback: Option<&str>) {
    if let Some(feedback) = feedback {
        subscription["cancellation_details"]["feedback"] =
            if feedback.is_empty() { Value::Null } else { json!(feedback) };
    }
    if let Some(comment) = form.get("cancellation_details[comment]") {
        subscription["cancellation_details"]["comment"] = json!(comment);
    }
}

/// The end of the period that starts then: a calendar month after the 31st ends on the last day there is.
fn next_period(start: i64, price: &Value) -> i64 {
    let count = price["recurring"]["interval_count"].as_i64().unwrap_or(1);
    let span = match price["recurring"]["interval"].as_str() {
        Some("day") => Span::new().days(count),
        Some("week") => Span::new().weeks(count),
        Some("year") => Span::new().years(count),
        _ => Span::new().months(count),
    };
    let start_at = Timestamp::from_second(start).unwrap_or_default().to_zoned(TimeZone::UTC);
    start_at.checked_add(span).map_or(start, |end| end.timestamp().as_second())
}
