//! Subscriptions: begun by a checkout or by hand, renewed period by period, in trouble and well again, and ended.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    error::{ApiError, ApiResult},
    form::Form,
    invoice::CardAnswer,
    objects::{self, Method, Period},
    payment::Purpose,
    state::{State, public, text},
};

const CANCEL: &[&str] = &[
    "cancellation_details[comment]",
    "cancellation_details[feedback]",
    "invoice_now",
    "prorate",
    "expand[]",
];
pub(super) const FEEDBACK: &[&str] = &[
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
        let (id, invoice) = self.begin(session, method.1, customer, email);
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

    /// The same with a card that does not pay: the subscription stays incomplete, and is given up a day later.
    pub(super) fn begin_incomplete(
        &mut self,
        session: &Value,
        method: &str,
        customer: &str,
        email: &str,
        card: &CardAnswer,
    ) {
        let (id, invoice) = self.begin(session, method, customer, email);
        self.attempt(&id, &invoice, card);
        // Nobody tries a first instalment again by itself.
        self.change(&invoice, |invoice| invoice["next_payment_attempt"] = Value::Null);
    }

    fn begin(&mut self, session: &Value, method: &str, customer: &str, email: &str) -> (String, String) {
        let now = self.now();
        let line = &session["_sandbox"]["lines"][0];
        let period = Period { start: now, end: next_period(now, now, &line["price"]) };
        let (id, item) = (self.new_id("sub", 24), self.new_id("si", 14));
        let quantity = line["quantity"].as_i64().unwrap_or(1);
        let item = objects::subscription_item(&item, &id, &line["price"], quantity, period, now);
        let wanted = &session["_sandbox"]["subscription"];
        let mut subscription = objects::subscription(&id, &item, customer, method, &wanted["metadata"], now);
        subscription["description"] = wanted["description"].clone();
        subscription["_sandbox"] = json!({ "session": session["id"], "email": email, "method": method });
        self.put(subscription);
        let invoice = self.new_invoice(&id, "subscription_create", period);
        self.emit("customer.subscription.created", &id);
        self.finalize(&invoice);
        (id, invoice)
    }

    /// What somebody can do in the dashboard: another subscription like that one, metadata and all, that no checkout made. Its
    /// first period is charged at once. Gives its id.
    pub(super) fn copy_subscription(&mut self, id: &str) -> ApiResult<String> {
        let model = self.find("subscription", id, "id")?.clone();
        let now = self.now();
        let copy = self.new_id("sub", 24);
        let (customer, method) = (text(&model, "customer"), text(&model["_sandbox"], "method"));
        let mut items = Vec::new();
        for own in model["items"]["data"].as_array().cloned().unwrap_or_default() {
            let period = Period { start: now, end: next_period(now, now, &own["price"]) };
            let quantity = own["quantity"].as_i64().unwrap_or(1);
            let item = self.new_id("si", 14);
            items.push(objects::subscription_item(&item, &copy, &own["price"], quantity, period, now));
        }
        let period = period_of(&items[0]);
        let mut object = objects::subscription(&copy, &items[0], customer, method, &model["metadata"], now);
        object["items"]["total_count"] = json!(items.len());
        object["items"]["data"] = json!(items);
        object["description"] = model["description"].clone();
        object["_sandbox"] = json!({ "session": "", "email": model["_sandbox"]["email"], "method": method });
        self.put(object);
        let invoice = self.new_invoice(&copy, "subscription_create", period);
        self.emit("customer.subscription.created", &copy);
        self.finalize(&invoice);
        self.attempt(&copy, &invoice, &CardAnswer::Works);
        Ok(copy)
    }

    /// The next period: the instalment is charged, or the subscription ends if it was to end.
    pub(super) fn renew(&mut self, id: &str, card: &CardAnswer) -> ApiResult<()> {
        let subscription = self.living(id)?.clone();
        let start = period_of(&subscription["items"]["data"][0]).end;
        let over = subscription["cancel_at"].as_i64().is_some_and(|at| at <= start);
        if subscription["cancel_at_period_end"] == true || over {
            self.end_subscription(id, "cancellation_requested");
            return Ok(());
        }
        let anchor = subscription["billing_cycle_anchor"].as_i64().unwrap_or(start).min(start);
        let mut before = json!({ "items": subscription["items"] });
        if subscription["status"] == "trialing" {
            before["status"] = json!("trialing");
        }
        let now = self.now();
        let mut period = Period { start, end: start };
        self.change(id, |subscription| {
            for item in subscription["items"]["data"].as_array_mut().into_iter().flatten() {
                let end = next_period(anchor, start, &item["price"]);
                item["current_period_start"] = json!(start);
                item["current_period_end"] = json!(end);
                period.end = end;
            }
            if subscription["status"] == "trialing" {
                subscription["status"] = json!("active");
                // The trial is over, even where the clock stands still.
                let end = subscription["trial_end"].as_i64().unwrap_or(now);
                subscription["trial_end"] = json!(end.min(now));
            }
        });
        let invoice = self.new_invoice(id, "subscription_cycle", period);
        self.emit_change("customer.subscription.updated", id, Some(before));
        let behaviour = text(&subscription["pause_collection"], "behavior");
        match behaviour {
            // A subscription that was given up as unpaid gets drafts that nobody charges.
            _ if behaviour == "keep_as_draft" || subscription["status"] == "unpaid" => {
                self.change(&invoice, |invoice| invoice["auto_advance"] = json!(false));
            }
            "void" => {
                self.finalize(&invoice);
                self.end_if_open(&invoice, "void");
            }
            "mark_uncollectible" => {
                self.finalize(&invoice);
                self.end_if_open(&invoice, "uncollectible");
            }
            _ => {
                self.finalize(&invoice);
                self.attempt(id, &invoice, card);
            }
        }
        Ok(())
    }

    fn end_if_open(&mut self, invoice: &str, status: &str) {
        if self.get(invoice).is_some_and(|own| own["status"] == "open") {
            self.end_unpaid(invoice, status);
        }
    }

    /// Tries the last invoice again.
    pub(super) fn retry_invoice(&mut self, id: &str, card: &CardAnswer) -> ApiResult<()> {
        let subscription = self.living(id)?;
        let invoice = text(subscription, "latest_invoice").to_owned();
        if self.get(&invoice).is_none_or(|invoice| invoice["status"] != "open") {
            return Err(ApiError::invalid("The subscription has no open invoice."));
        }
        self.attempt(id, &invoice, card);
        Ok(())
    }

    /// What its card would answer now.
    pub(super) fn answer_of_card(&self, subscription: &str) -> CardAnswer {
        let method = self.get(subscription).map(|own| text(&own["_sandbox"], "method")).unwrap_or_default();
        let answer = self.get(method).map(|method| text(&method["_sandbox"], "answers")).unwrap_or_default();
        match answer {
            "" => CardAnswer::Works,
            "authentication_required" => CardAnswer::AsksOwner,
            code => CardAnswer::Declined(code.to_owned()),
        }
    }

    /// An instalment was paid, or needed nothing.
    pub(super) fn is_well(&mut self, subscription: &str) {
        let trial = self
            .get(subscription)
            .is_some_and(|own| own["trial_end"].as_i64().is_some_and(|end| end > self.now()));
        self.set_status(subscription, if trial { "trialing" } else { "active" });
    }

    /// An instalment was not paid: the first one keeps a subscription incomplete.
    pub(super) fn not_paid(&mut self, subscription: &str) {
        let status = self.get(subscription).map(|own| text(own, "status").to_owned()).unwrap_or_default();
        if !matches!(status.as_str(), "incomplete" | "unpaid" | "paused") {
            self.set_status(subscription, "past_due");
        }
    }

    pub(super) fn set_status(&mut self, subscription: &str, status: &str) {
        let before =
            self.get(subscription).map(|subscription| subscription["status"].clone()).unwrap_or_default();
        if before == status || before == "canceled" {
            return;
        }
        self.change(subscription, |subscription| subscription["status"] = json!(status));
        self.emit_change("customer.subscription.updated", subscription, Some(json!({ "status": before })));
        match (before.as_str().unwrap_or_default(), status) {
            (_, "paused") => self.emit("customer.subscription.paused", subscription),
            ("paused", _) => self.emit("customer.subscription.resumed", subscription),
            _ => {}
        }
    }

    /// Ends it at once.
    pub(super) fn cancel_subscription(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(CANCEL)?;
        let feedback = form.choice("cancellation_details[feedback]", FEEDBACK)?;
        self.living(id)?;
        self.change(id, |subscription| note_feedback(subscription, form, feedback));
        self.end_subscription(id, "cancellation_requested");
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    pub(super) fn end_subscription(&mut self, id: &str, reason: &str) {
        let now = self.now();
        self.change(id, |subscription| {
            subscription["status"] = json!("canceled");
            if subscription["canceled_at"].is_null() {
                subscription["canceled_at"] = json!(now);
            }
            subscription["ended_at"] = json!(now);
            subscription["cancellation_details"]["reason"] = json!(reason);
        });
        let latest = self.get(id).map(|own| text(own, "latest_invoice").to_owned()).unwrap_or_default();
        // What is owed stays open, and is not asked for again.
        self.change(&latest, |invoice| {
            if invoice["status"] == "open" {
                invoice["auto_advance"] = json!(false);
                invoice["next_payment_attempt"] = Value::Null;
            }
        });
        self.emit("customer.subscription.deleted", id);
    }

    /// The subscription, unless it has ended: an ended one is, to Stripe, not there to be changed.
    pub(super) fn living(&self, id: &str) -> ApiResult<&Value> {
        let subscription = self.find("subscription", id, "id")?;
        if matches!(text(subscription, "status"), "canceled" | "incomplete_expired") {
            return Err(ApiError::unknown_object("subscription", id, "id"));
        }
        Ok(subscription)
    }

    pub(super) fn purpose_of(&self, subscription: &str, invoice: &str) -> Purpose {
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

pub(super) fn note_feedback(subscription: &mut Value, form: &Form, feedback: Option<&str>) {
    if let Some(feedback) = feedback {
        subscription["cancellation_details"]["feedback"] =
            if feedback.is_empty() { Value::Null } else { json!(feedback) };
    }
    if let Some(comment) = form.get("cancellation_details[comment]") {
        subscription["cancellation_details"]["comment"] = json!(comment);
    }
}

/// The period that an item is in.
pub(super) fn period_of(item: &Value) -> Period {
    let time = |name: &str| item[name].as_i64().unwrap_or_default();
    Period { start: time("current_period_start"), end: time("current_period_end") }
}

/// The end of the period that starts then, for a subscription that is counted from its anchor: a month after the 31st of January
/// ends on the last day of February, and the one after on the 31st of March.
pub(super) fn next_period(anchor: i64, start: i64, price: &Value) -> i64 {
    let count = price["recurring"]["interval_count"].as_i64().unwrap_or(1).max(1);
    let interval = price["recurring"]["interval"].as_str();
    let anchor_at = Timestamp::from_second(anchor).unwrap_or_default().to_zoned(TimeZone::UTC);
    let after = |periods: i64| {
        let units = count * periods;
        let span = match interval {
            Some("day") => Span::new().days(units),
            Some("week") => Span::new().weeks(units),
            Some("year") => Span::new().years(units),
            _ => Span::new().months(units),
        };
        anchor_at.checked_add(span).map_or(i64::MAX, |end| end.timestamp().as_second())
    };
    (1..=5_000).map(after).find(|end| *end > start).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_counted_from_the_day_of_the_first() {
        let price = json!({ "recurring": { "interval": "month", "interval_count": 1 } });
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let anchor = second("2027-01-31T12:00:00Z");
        let february = next_period(anchor, anchor, &price);
        assert_eq!(february, second("2027-02-28T12:00:00Z"));
        assert_eq!(next_period(anchor, february, &price), second("2027-03-31T12:00:00Z"));
        let weekly = json!({ "recurring": { "interval": "week", "interval_count": 2 } });
        assert_eq!(next_period(anchor, anchor, &weekly), second("2027-02-14T12:00:00Z"));
    }
}
