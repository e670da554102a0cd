//! One payment: an intent, its charges, and the money on the balance.

use serde_json::{Value, json};

use super::{
    Charged, Rhythm,
    balance::{Fee, Movement},
    objects::{self, Method, Payment},
    state::{State, text},
};

/// What a payment belongs to, for the list of what was really charged.
#[derive(Clone, Debug)]
pub(super) struct Purpose {
    pub(super) session: String,
    pub(super) email: String,
    pub(super) subscription: Option<String>,
    pub(super) invoice: Option<String>,
}

impl State {
    /// A new payment intent, not yet paid.
    pub(super) fn new_intent(&mut self, payment: &Payment<'_>) -> String {
        let id = self.new_id("pi", 24);
        let secret = self.new_id(&format!("{id}_secret"), 24);
        let intent = objects::payment_intent(&id, &secret, payment, self.now());
        self.put(intent);
        self.emit("payment_intent.created", &id);
        id
    }

    /// A card or an account to pay with.
    pub(super) fn new_method(&mut self, kind: Method, email: Option<&str>, customer: Option<&str>) -> String {
        let id = self.new_id("pm", 24);
        let method = objects::payment_method(&id, kind, email, customer, self.now());
        self.put(method);
        id
    }

    fn new_charge(
        &mut self,
        intent: &str,
        method: (Method, &str),
        status: &str,
        email: Option<&str>,
    ) -> String {
        // What a bank pays is, to the provider, a payment and no charge.
        let id = self.new_id(if method.0 == Method::Card { "ch" } else { "py" }, 24);
        let Some(object) = self.get(intent) else { return id };
        let mut charge = objects::charge(&id, object, method.0, method.1, status, email, self.now());
        if let Some(own) = self.get(method.1).filter(|own| !own[method.0.name()].is_null()) {
            charge["payment_method_details"][method.0.name()] = own[method.0.name()].clone();
        }
        self.put(charge);
        self.change(intent, |intent| {
            intent["latest_charge"] = json!(id);
            intent["payment_method"] = if status == "failed" { Value::Null } else { json!(method.1) };
        });
        id
    }

    /// Takes the money at once.
    pub(super) fn charge_now(&mut self, intent: &str, method: (Method, &str), purpose: &Purpose) {
        let charge = self.new_charge(intent, method, "succeeded", Some(&purpose.email));
        self.money_arrives(intent, &charge, purpose);
    }

    /// A charge is refused; the intent waits for another way to pay.
    pub(super) fn charge_refused(
        &mut self,
        intent: &str,
        method: (Method, &str),
        email: Option<&str>,
        answer: &str,
    ) {
        let charge = self.new_charge(intent, method, "failed", email);
        let (code, decline, message) = objects::refusal(answer);
        self.change(&charge, |charge| {
            charge["failure_code"] = json!(code);
            charge["failure_message"] = json!(message);
            charge["outcome"]["reason"] = json!(decline);
        });
        self.refusal(intent, &charge, method.1, answer);
    }

    /// The bank wants to hear from the owner of the card before it pays.
    pub(super) fn owner_is_asked(&mut self, intent: &str, method: &str) {
        self.change(intent, |intent| {
            intent["status"] = json!("requires_action");
            intent["payment_method"] = json!(method);
            intent["next_action"] = json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} });
        });
        self.emit("payment_intent.requires_action", intent);
    }

    fn refusal(&mut self, intent: &str, charge: &str, method: &str, answer: &str) {
        let method = self.get(method).cloned().unwrap_or_default();
        self.emit("charge.failed", charge);
        self.change(intent, |intent| {
            intent["status"] = json!("requires_payment_method");
            intent["payment_method"] = Value::Null;
            intent["last_payment_error"] = objects::payment_error(charge, &method, answer);
        });
        self.emit("payment_intent.payment_failed", intent);
    }

    /// A bank debit sets out; the money arrives later, or does not.
    pub(super) fn charge_later(&mut self, intent: &str, method: (Method, &str), email: &str) {
        let charge = self.new_charge(intent, method, "pending", Some(email));
        self.emit("charge.pending", &charge);
        self.change(intent, |intent| intent["status"] = json!("processing"));
        self.emit("payment_intent.processing", intent);
    }

    /// A bank debit comes to its end.
    pub(super) fn debit_ends(&mut self, intent: &str, succeeds: bool, purpose: &Purpose) {
        let object = self.get(intent).cloned().unwrap_or_default();
        let (charge, method) =
            (text(&object, "latest_charge").to_owned(), text(&object, "payment_method").to_owned());
        if succeeds {
            self.money_arrives(intent, &charge, purpose);
        } else {
            self.change(&charge, |charge| {
                charge["status"] = json!("failed");
                charge["paid"] = json!(false);
                charge["failure_code"] = json!("insufficient_funds");
                charge["failure_message"] =
                    json!("The customer's account has insufficient funds to cover this payment.");
            });
            self.refusal(intent, &charge, &method, "insufficient_funds");
        }
    }

    fn money_arrives(&mut self, intent: &str, charge: &str, purpose: &Purpose) {
        let amount = self.get(charge).and_then(|charge| charge["amount"].as_i64()).unwrap_or_default();
        let currency = self.get(charge).map(|charge| charge["currency"].clone()).unwrap_or_default();
        self.change(charge, |charge| {
            charge["status"] = json!("succeeded");
            charge["captured"] = json!(true);
            charge["paid"] = json!(true);
            charge["amount_captured"] = json!(amount);
        });
        self.change(intent, |intent| {
            intent["status"] = json!("succeeded");
            intent["amount_received"] = json!(amount);
            intent["last_payment_error"] = Value::Null;
            intent["next_action"] = Value::Null;
        });
        self.emit("charge.succeeded", charge);
        if self.script.reviewing {
            self.open_review(charge).ok();
        }
        self.emit("payment_intent.succeeded", intent);
        self.charge(Charged {
            charge: charge.to_owned(),
            amount,
            currency: currency.as_str().unwrap_or_default().to_owned(),
            rhythm: if purpose.subscription.is_some() { Rhythm::Recurring } else { Rhythm::Once },
            payment_intent: intent.to_owned(),
            session: purpose.session.clone(),
            subscription: purpose.subscription.clone(),
            invoice: purpose.invoice.clone(),
            email: purpose.email.clone(),
            at: self.cause.now,
        });
        // With asynchronous capture the fee is known a moment after the charge.
        if self.script.slow_balance {
            self.change(charge, |charge| charge["_sandbox"]["waits"] = json!(true));
        } else {
            self.balance_hears(charge);
        }
    }

    /// The balance hears of every charge that waits for it.
    pub(super) fn balance_arrives(&mut self) {
        self.script.slow_balance = false;
        let waits = |charge: &&Value| charge["_sandbox"]["waits"] == true;
        let waiting: Vec<String> =
            self.newest("charge").filter(waits).map(|charge| text(charge, "id").to_owned()).collect();
        for charge in waiting {
            self.change(&charge, |charge| charge["_sandbox"]["waits"] = json!(false));
            self.balance_hears(&charge);
        }
    }

    fn balance_hears(&mut self, charge: &str) {
        let object = self.get(charge).cloned().unwrap_or_default();
        let transaction = self.book(&Movement {
            source: charge,
            kind: if charge.starts_with("py_") { "payment" } else { "charge" },
            category: "charge",
            amount: object["amount"].as_i64().unwrap_or_default(),
            currency: text(&object, "currency"),
            fee: Fee::OfCharge,
        });
        self.change(charge, |charge| charge["balance_transaction"] = json!(transaction));
        self.emit_change("charge.updated", charge, Some(json!({ "balance_transaction": null })));
    }
}
