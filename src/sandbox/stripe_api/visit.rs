//! What happens when a visitor of the checkout page pays, is declined, or pays later by bank debit.

use serde_json::{Map, Value, json};

use super::{
    checkout::is_email,
    error::{ApiError, ApiResult},
    invoice::CardAnswer,
    objects::{self, Method, Payment},
    payment::Purpose,
    state::{State, text},
};

/// What a visitor does on the checkout page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    Pay,
    Decline,
    PayLater,
    /// The subscription is there and paid, and its session does not say so yet.
    PayHalfway,
}

impl State {
    /// What a visitor does on the page of an open session.
    pub(super) fn pay(&mut self, id: &str, email: Option<&str>, visit: Visit) -> ApiResult<()> {
        let session = self.find("checkout.session", id, "session")?.clone();
        if session["status"] != "open" {
            return Err(ApiError::invalid("This Checkout Session is no longer open."));
        }
        let email = session["customer_email"].as_str().or(email).unwrap_or_default().trim().to_owned();
        if !is_email(&email) {
            return Err(ApiError::param(
                "email_invalid",
                "email",
                "Enter an e-mail address, such as you@example.org.",
            ));
        }
        let kind = if visit == Visit::PayLater { Method::BankDebit } else { Method::Card };
        match (session["mode"] == "payment", visit) {
            (true, _) => self.pay_once(&session, &email, kind, visit),
            (false, Visit::Decline) => self.decline_first_instalment(&session, &email),
            (false, _) => self.pay_first_instalment(&session, &email, kind, visit),
        }
        Ok(())
    }

    fn pay_once(&mut self, session: &Value, email: &str, kind: Method, visit: Visit) {
        let id = text(session, "id");
        let mut customer = session["customer"].as_str().map(str::to_owned);
        if customer.is_none() && session["customer_creation"] == "always" && visit != Visit::Decline {
            customer = Some(self.new_customer(Some(email)));
        }
        let method = self.new_method(kind, Some(email), customer.as_deref());
        let intent = match session["payment_intent"].as_str() {
            Some(intent) => intent.to_owned(),
            None => self.intent_of(session, customer.as_deref()),
        };
        let purpose =
            Purpose { session: id.to_owned(), email: email.to_owned(), subscription: None, invoice: None };
        self.change(id, |session| session["payment_intent"] = json!(intent));
        self.change(&intent, |intent| intent["customer"] = json!(customer));
        match visit {
            Visit::Pay | Visit::PayHalfway => self.charge_now(&intent, (kind, &method), &purpose),
            Visit::PayLater => self.charge_later(&intent, (kind, &method), email),
            Visit::Decline => {
                let answer = self.script.decline_code.clone();
                return self.charge_refused(&intent, (kind, &method), Some(email), &answer);
            }
        }
        self.change(id, |session| session["customer"] = json!(customer));
        self.complete(id, email, visit != Visit::PayLater);
    }

    fn intent_of(&mut self, session: &Value, customer: Option<&str>) -> String {
        let wanted = &session["_sandbox"]["intent"];
        let payment = Payment {
            amount: session["amount_total"].as_i64().unwrap_or_default(),
            currency: text(session, "currency"),
            customer,
            description: wanted["description"].as_str(),
            metadata: wanted["metadata"].as_object().cloned().unwrap_or_default(),
        };
        self.new_intent(&payment)
    }

    fn decline_first_instalment(&mut self, session: &Value, email: &str) {
        let answer = self.script.decline_code.clone();
        if self.rules.declined_first_leaves {
            let customer = self.new_customer(Some(email));
            let method = self.new_method(Method::Card, Some(email), Some(&customer));
            self.begin_incomplete(session, &method, &customer, email, &CardAnswer::Declined(answer));
            return;
        }
        let method = self.new_method(Method::Card, Some(email), None);
        let payment = Payment {
            amount: session["amount_total"].as_i64().unwrap_or_default(),
            currency: text(session, "currency"),
            customer: None,
            description: Some("Subscription creation"),
            metadata: Map::new(),
        };
        let intent = self.new_intent(&payment);
        self.charge_refused(&intent, (Method::Card, &method), Some(email), &answer);
    }

    fn pay_first_instalment(&mut self, session: &Value, email: &str, kind: Method, visit: Visit) {
        let id = text(session, "id");
        let customer = match session["customer"].as_str() {
            Some(customer) => customer.to_owned(),
            None => self.new_customer(Some(email)),
        };
        let method = self.new_method(kind, Some(email), Some(&customer));
        self.emit("payment_method.attached", &method);
        let (subscription, invoice) =
            self.begin_subscription(session, (kind, &method), &customer, email, visit != Visit::PayLater);
        let made = json!({ "customer": customer, "subscription": subscription, "invoice": invoice });
        if visit == Visit::PayHalfway {
            self.change(id, |session| {
                session["_sandbox"]["made"] = made;
                session["_sandbox"]["email"] = json!(email);
            });
            return;
        }
        self.name(id, &made);
        self.complete(id, email, visit == Visit::Pay);
    }

    fn name(&mut self, id: &str, made: &Value) {
        self.change(id, |session| {
            for field in ["customer", "subscription", "invoice"] {
                session[field] = made[field].clone();
            }
        });
    }

    /// A session that was left halfway names what it made, and is complete.
    pub(super) fn go_on(&mut self, id: &str) -> ApiResult<()> {
        let session = self.find("checkout.session", id, "session")?.clone();
        let made = &session["_sandbox"]["made"];
        if made.is_null() || session["status"] != "open" {
            return Err(ApiError::invalid("This Checkout Session is not halfway."));
        }
        self.name(id, made);
        self.complete(id, text(&session["_sandbox"], "email"), true);
        Ok(())
    }

    fn complete(&mut self, id: &str, email: &str, paid: bool) {
        self.change(id, |session| {
            session["status"] = json!("complete");
            session["payment_status"] = json!(if paid { "paid" } else { "unpaid" });
            session["customer_details"] = objects::customer_details(email);
            session["url"] = Value::Null;
        });
        self.emit("checkout.session.completed", id);
    }

    /// Lets the bank debit of a session succeed or fail.
    pub(super) fn settle(&mut self, id: &str, succeeds: bool) -> ApiResult<()> {
        let session = self.find("checkout.session", id, "session")?.clone();
        let invoice = session["invoice"].as_str().map(str::to_owned);
        let intent = match &invoice {
            Some(invoice) => self.intent_of_invoice(invoice),
            None => session["payment_intent"].as_str().map(str::to_owned),
        };
        let intent =
            intent.filter(|intent| self.get(intent).is_some_and(|intent| intent["status"] == "processing"));
        let Some(intent) = intent else {
            return Err(ApiError::invalid("This Checkout Session has no bank debit on its way."));
        };
        let purpose = Purpose {
            session: id.to_owned(),
            email: text(&session["customer_details"], "email").to_owned(),
            subscription: session["subscription"].as_str().map(str::to_owned),
            invoice: invoice.clone(),
        };
        self.debit_ends(&intent, succeeds, &purpose);
        if let Some(invoice) = invoice {
            self.instalment_ends(&invoice, succeeds);
        }
        if succeeds {
            self.change(id, |session| session["payment_status"] = json!("paid"));
        }
        let kind = if succeeds {
            "checkout.session.async_payment_succeeded"
        } else {
            "checkout.session.async_payment_failed"
        };
        self.emit(kind, id);
        Ok(())
    }
}
