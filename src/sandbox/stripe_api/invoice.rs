//! The life of an invoice: a draft, open, tried, and in the end paid (by a card, with nothing due, or outside), void or given up.

use serde_json::{Map, Value, json};

use super::{
    bill::{self, Bill, BillLine},
    error::{ApiError, ApiResult},
    form::Form,
    objects::{Method, Payment, Period},
    rules::AfterLastTry,
    state::{State, public, text},
};

const A_DAY: i64 = 86_400;

/// What a card answers when it is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardAnswer {
    /// It pays.
    Works,
    /// It is declined, with one of Stripe's decline codes, such as `insufficient_funds`.
    Declined(String),
    /// The bank wants to hear from its owner first.
    AsksOwner,
}

impl State {
    /// A draft for the period of a subscription.
    pub(super) fn new_invoice(&mut self, subscription: &str, reason: &str, period: Period) -> String {
        let (id, number) = (self.new_id("in", 24), self.next_number());
        let Some(object) = self.get(subscription).cloned() else { return id };
        let mut lines = self.pending_lines(subscription);
        if reason != "subscription_update" {
            lines.extend(self.lines_of(&object, period));
        }
        let subtotal: i64 = lines.iter().map(|line| line.amount).sum();
        let discount = self.discount_of(&object, subtotal);
        let customer = self.get(text(&object, "customer"));
        let starting_balance = customer.and_then(|own| own["balance"].as_i64()).unwrap_or_default();
        let email = object["_sandbox"]["email"].as_str();
        let number = format!("SANDBOX-{number:06}");
        let now = self.now();
        let bill =
            Bill { id: &id, number: &number, reason, email, lines, discount, starting_balance, period, now };
        self.put(bill::invoice(&bill, &object));
        self.change(subscription, |subscription| subscription["latest_invoice"] = json!(id));
        self.emit("invoice.created", &id);
        id
    }

    fn lines_of(&mut self, subscription: &Value, period: Period) -> Vec<BillLine> {
        let trial = subscription["trial_end"].as_i64().is_some_and(|end| end > self.now());
        let items = subscription["items"]["data"].as_array().cloned().unwrap_or_default();
        let mut lines = Vec::new();
        for item in items {
            let quantity = item["quantity"].as_i64().unwrap_or(1);
            let unit = item["price"]["unit_amount"].as_i64().unwrap_or_default();
            lines.push(BillLine {
                id: self.new_id("il", 24),
                amount: if trial { 0 } else { unit * quantity },
                description: Value::Null,
                price: item["price"].clone(),
                item: item["id"].clone(),
                quantity,
                proration: false,
                period,
            });
        }
        lines
    }

    /// What changes within a period left to be settled with the next invoice.
    fn pending_lines(&mut self, subscription: &str) -> Vec<BillLine> {
        let Some(object) = self.get(subscription).cloned() else { return Vec::new() };
        let pending = object["_sandbox"]["pending"].as_array().cloned().unwrap_or_default();
        self.change(subscription, |own| own["_sandbox"]["pending"] = json!([]));
        let mut lines = Vec::new();
        for waiting in pending {
            let time = |name: &str| waiting[name].as_i64().unwrap_or_default();
            lines.push(BillLine {
                id: self.new_id("il", 24),
                amount: time("amount"),
                description: waiting["description"].clone(),
                price: waiting["price"].clone(),
                item: waiting["item"].clone(),
                quantity: time("quantity"),
                proration: true,
                period: Period { start: time("start"), end: time("end") },
            });
        }
        lines
    }

    fn discount_of(&self, subscription: &Value, subtotal: i64) -> Option<(i64, Value)> {
        let discount = self.get(subscription["discounts"][0].as_str()?)?;
        let coupon = self.get(discount["source"]["coupon"].as_str()?)?;
        let off = match (coupon["amount_off"].as_i64(), coupon["percent_off"].as_f64()) {
            (Some(amount), _) => amount,
            (None, Some(percent)) => (subtotal as f64 * percent / 100.0).round() as i64,
            (None, None) => 0,
        };
        Some((off, discount.clone()))
    }

    /// Makes the invoice payable, with an intent and the link between them. One with nothing due is paid at once.
    pub(super) fn finalize(&mut self, invoice: &str) {
        let now = self.now();
        let page = format!("{}/i/{invoice}", self.base_url);
        self.change(invoice, |invoice| {
            let number = |field: &str| invoice[field].as_i64().unwrap_or_default();
            let left = number("total") + number("starting_balance");
            invoice["ending_balance"] = json!(left.min(0));
            invoice["status"] = json!("open");
            invoice["effective_at"] = json!(now);
            invoice["status_transitions"]["finalized_at"] = json!(now);
            invoice["hosted_invoice_url"] = json!(page);
            invoice["invoice_pdf"] = json!(format!("{page}/pdf"));
        });
        let Some(object) = self.get(invoice).cloned() else { return };
        self.change(text(&object, "customer"), |own| own["balance"] = object["ending_balance"].clone());
        self.emit("invoice.finalized", invoice);
        if object["amount_due"] == 0 {
            self.instalment_ends(invoice, true);
            return;
        }
        let first = object["billing_reason"] == "subscription_create";
        let intent = self.new_intent(&Payment {
            amount: object["amount_due"].as_i64().unwrap_or_default(),
            currency: text(&object, "currency"),
            customer: object["customer"].as_str(),
            description: Some(if first { "Subscription creation" } else { "Subscription update" }),
            metadata: Map::new(),
        });
        let link = self.new_id("inpay", 24);
        self.put(bill::invoice_payment(&link, &object, &intent, now));
    }

    /// The payment intent that pays an invoice.
    pub(super) fn intent_of_invoice(&self, invoice: &str) -> Option<String> {
        let link = self.link_of(invoice)?;
        self.get(&link)?["payment"]["payment_intent"].as_str().map(str::to_owned)
    }

    fn link_of(&self, invoice: &str) -> Option<String> {
        let link = self.newest("invoice_payment").find(|link| link["invoice"] == invoice)?;
        Some(text(link, "id").to_owned())
    }

    /// Tries the card of the subscription on an open invoice.
    pub(super) fn attempt(&mut self, subscription: &str, invoice: &str, card: &CardAnswer) {
        if self.get(invoice).is_none_or(|invoice| invoice["status"] != "open") {
            return;
        }
        let purpose = self.purpose_of(subscription, invoice);
        let method =
            self.get(subscription).map(|s| text(&s["_sandbox"], "method").to_owned()).unwrap_or_default();
        let intent = self.intent_of_invoice(invoice).unwrap_or_default();
        let method = (Method::Card, method.as_str());
        match card {
            CardAnswer::Works => {
                self.charge_now(&intent, method, &purpose);
                self.instalment_ends(invoice, true);
            }
            CardAnswer::Declined(code) => {
                self.charge_refused(&intent, method, Some(&purpose.email), code);
                self.instalment_ends(invoice, false);
            }
            CardAnswer::AsksOwner => {
                self.owner_is_asked(&intent, method.1);
                self.count_attempt(invoice);
                self.emit("invoice.payment_failed", invoice);
                self.emit("invoice.payment_action_required", invoice);
                self.not_paid(subscription);
            }
        }
    }

    fn count_attempt(&mut self, invoice: &str) {
        let gaps = self.rules.retries.clone();
        let now = self.now();
        self.change(invoice, |invoice| {
            let tries = invoice["attempt_count"].as_i64().unwrap_or_default() + 1;
            let gap = usize::try_from(tries - 1).ok().and_then(|at| gaps.get(at));
            invoice["attempted"] = json!(true);
            invoice["attempt_count"] = json!(tries);
            invoice["next_payment_attempt"] = gap.map_or(Value::Null, |days| json!(now + days * A_DAY));
        });
    }

    /// The payment of an invoice came, or was refused: the invoice and its subscription follow.
    pub(super) fn instalment_ends(&mut self, invoice: &str, paid: bool) {
        let now = self.now();
        let Some(object) = self.get(invoice).cloned() else { return };
        let amount = object["amount_due"].clone();
        let subscription = text(&object["parent"]["subscription_details"], "subscription").to_owned();
        let link = self.link_of(invoice);
        self.count_attempt(invoice);
        if !paid {
            self.emit("invoice.payment_failed", invoice);
            self.not_paid(&subscription);
            if self.get(invoice).is_some_and(|invoice| invoice["next_payment_attempt"].is_null()) {
                self.tries_are_over(&subscription);
            }
            return;
        }
        self.change(invoice, |invoice| {
            invoice["next_payment_attempt"] = Value::Null;
            invoice["status"] = json!("paid");
            invoice["amount_paid"] = amount.clone();
            invoice["amount_remaining"] = json!(0);
            invoice["status_transitions"]["paid_at"] = json!(now);
        });
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
        self.is_well(&subscription);
    }

    /// All tries are made: the subscription goes the way that the account's settings say.
    fn tries_are_over(&mut self, subscription: &str) {
        match self.rules.after_last_try {
            AfterLastTry::Cancel => self.end_subscription(subscription, "payment_failed"),
            AfterLastTry::Unpaid => self.set_status(subscription, "unpaid"),
            AfterLastTry::PastDue => {}
        }
    }

    /// What is owed for the periods of a subscription is forgiven.
    pub(super) fn void_invoices_of(&mut self, subscription: &str) {
        let of_it = |invoice: &&Value| {
            invoice["parent"]["subscription_details"]["subscription"] == subscription
                && invoice["status"] == "open"
        };
        let open: Vec<String> =
            self.newest("invoice").filter(of_it).map(|invoice| text(invoice, "id").to_owned()).collect();
        for invoice in open {
            self.end_unpaid(&invoice, "void");
        }
    }

    /// An invoice is made void, or given up as uncollectible.
    pub(super) fn end_invoice(&mut self, id: &str, status: &'static str) -> ApiResult {
        let invoice = self.find("invoice", id, "invoice")?;
        let now = text(invoice, "status");
        if !(now == "open"
            || now == "draft" && status == "void"
            || now == "uncollectible" && status == "void")
        {
            return Err(ApiError::param(
                "",
                "invoice",
                format!("You can only pass in open invoices. This invoice isn't open: it is {now}."),
            ));
        }
        self.end_unpaid(id, status);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    pub(super) fn end_unpaid(&mut self, id: &str, status: &str) {
        let now = self.now();
        let uncollectible = status == "uncollectible";
        let place = if uncollectible { "marked_uncollectible_at" } else { "voided_at" };
        self.change(id, |invoice| {
            invoice["status"] = json!(status);
            invoice["auto_advance"] = json!(false);
            invoice["next_payment_attempt"] = Value::Null;
            invoice["status_transitions"][place] = json!(now);
        });
        self.emit(if uncollectible { "invoice.marked_uncollectible" } else { "invoice.voided" }, id);
        let Some(invoice) = self.get(id).cloned() else { return };
        if !uncollectible {
            self.call_off_payment(id);
        }
        let subscription = text(&invoice["parent"]["subscription_details"], "subscription").to_owned();
        let past_due = self.get(&subscription).is_some_and(|own| own["status"] == "past_due");
        // "Paying the latest associated invoice or marking it uncollectible transitions the subscription to active."
        if uncollectible && past_due {
            self.set_status(&subscription, "active");
        }
    }

    fn call_off_payment(&mut self, invoice: &str) {
        let now = self.now();
        if let Some(intent) = self.intent_of_invoice(invoice) {
            self.change(&intent, |intent| {
                intent["status"] = json!("canceled");
                intent["canceled_at"] = json!(now);
                intent["cancellation_reason"] = json!("void_invoice");
            });
            self.emit("payment_intent.canceled", &intent);
        }
        if let Some(link) = self.link_of(invoice) {
            self.change(&link, |link| {
                link["status"] = json!("canceled");
                link["status_transitions"]["canceled_at"] = json!(now);
            });
        }
    }

    /// Pays an open invoice by request: with the card of its subscription, or as money that came another way.
    pub(super) fn pay_invoice(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]", "forgive", "off_session", "paid_out_of_band", "payment_method"])?;
        let outside = form.boolean("paid_out_of_band")?.unwrap_or(false);
        let invoice = self.find("invoice", id, "invoice")?.clone();
        if !matches!(text(&invoice, "status"), "open" | "uncollectible") {
            return Err(ApiError::invalid(format!("Invoice is already {}", text(&invoice, "status"))));
        }
        let subscription = text(&invoice["parent"]["subscription_details"], "subscription").to_owned();
        if outside {
            self.paid_outside(id, &invoice, &subscription);
        } else {
            let card = self.answer_of_card(&subscription);
            self.attempt(&subscription, id, &card);
            if let CardAnswer::Declined(_) = card {
                return Err(ApiError::card_declined("Your card was declined."));
            }
        }
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    fn paid_outside(&mut self, id: &str, invoice: &Value, subscription: &str) {
        let now = self.now();
        let held = self.rules.paid_holds_outside;
        self.change(id, |own| {
            own["status"] = json!("paid");
            own["amount_paid"] = if held { invoice["amount_due"].clone() } else { json!(0) };
            own["amount_paid_off_stripe"] = invoice["amount_due"].clone();
            own["amount_remaining"] = json!(0);
            own["next_payment_attempt"] = Value::Null;
            own["status_transitions"]["paid_at"] = json!(now);
        });
        self.call_off_payment(id);
        self.emit("invoice.paid", id);
        self.is_well(subscription);
    }
}
