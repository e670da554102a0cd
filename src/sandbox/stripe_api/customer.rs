//! Customers and what they pay with: made by a checkout, by the API or long ago, changed, and deleted.

use serde_json::{Value, json};

use super::{
    checkout::is_email,
    error::{ApiError, ApiResult},
    form::{Form, merge_metadata},
    objects::{self, Method},
    state::{State, public, text},
};

const FIELDS: &[&str] = &[
    "balance",
    "description",
    "email",
    "expand[]",
    "invoice_settings[default_payment_method]",
    "metadata[*]",
    "name",
    "payment_method",
    "phone",
    "preferred_locales[]",
];

/// A card, as a supporter has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxCard {
    /// Its brand, as Stripe writes it: `visa`, `mastercard` …
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// Month and year in which it expires.
    pub expires: (i64, i64),
    /// What it answers when it is charged: empty if it works, `authentication_required` if the bank asks its owner, else a decline
    /// code.
    pub answers: String,
}

impl State {
    /// A customer who gave this address, or none.
    pub(super) fn new_customer(&mut self, email: Option<&str>) -> String {
        let id = self.new_id("cus", 14);
        let customer = objects::customer(&id, email, self.now());
        self.put(customer);
        self.emit("customer.created", &id);
        id
    }

    pub(super) fn create_customer(&mut self, form: &Form) -> ApiResult {
        form.allow(FIELDS)?;
        check(form)?;
        let id = self.new_id("cus", 14);
        let mut customer = objects::customer(&id, None, self.now());
        self.set_fields(&mut customer, form)?;
        self.put(customer);
        self.emit("customer.created", &id);
        Ok(self.get(&id).map(public).unwrap_or_default())
    }

    pub(super) fn update_customer(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(FIELDS)?;
        check(form)?;
        let before = self.living_customer(id)?.clone();
        let mut customer = before.clone();
        self.set_fields(&mut customer, form)?;
        let previous: serde_json::Map<String, Value> =
            ["balance", "description", "email", "invoice_settings", "metadata", "name", "phone"]
                .iter()
                .filter(|field| before[**field] != customer[**field])
                .map(|field| ((*field).to_owned(), before[*field].clone()))
                .collect();
        self.put(customer);
        if !previous.is_empty() {
            self.emit_change("customer.updated", id, Some(Value::Object(previous)));
        }
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    fn set_fields(&self, customer: &mut Value, form: &Form) -> ApiResult<()> {
        for field in ["description", "email", "name", "phone"] {
            if let Some(value) = form.get(field) {
                customer[field] = if value.is_empty() { Value::Null } else { json!(value) };
            }
        }
        if let Some(balance) = form.integer("balance")? {
            customer["balance"] = json!(balance);
        }
        for name in ["invoice_settings[default_payment_method]", "payment_method"] {
            if let Some(method) = form.optional(name)? {
                self.find("payment_method", method, name)?;
                customer["invoice_settings"]["default_payment_method"] = json!(method);
            }
        }
        merge_metadata(customer, form.metadata("metadata")?);
        Ok(())
    }

    /// Deletes a customer: subscriptions end with it, and of the customer only the id is left.
    pub(super) fn delete_customer(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&[])?;
        self.living_customer(id)?;
        let of_it = |own: &&Value| {
            own["customer"] == id && !matches!(text(own, "status"), "canceled" | "incomplete_expired")
        };
        let subscriptions: Vec<String> =
            self.newest("subscription").filter(of_it).map(|own| text(own, "id").to_owned()).collect();
        for subscription in subscriptions {
            self.end_subscription(&subscription, "cancellation_requested");
        }
        self.emit("customer.deleted", id);
        self.change(id, |customer| customer["deleted"] = json!(true));
        Ok(json!({ "id": id, "object": "customer", "deleted": true }))
    }

    /// A customer that was not deleted.
    pub(super) fn living_customer(&self, id: &str) -> ApiResult<&Value> {
        let customer = self.find("customer", id, "customer")?;
        if customer["deleted"] == true {
            return Err(ApiError::unknown_object("customer", id, "customer"));
        }
        Ok(customer)
    }

    /// A new card of a customer. Gives its payment method's id.
    pub(super) fn add_card(&mut self, customer: &str, card: &SandboxCard) -> ApiResult<String> {
        let email = self.living_customer(customer)?["email"].as_str().map(str::to_owned);
        let id = self.new_method(Method::Card, email.as_deref(), Some(customer));
        self.change(&id, |method| set_card(method, card));
        self.emit("payment_method.attached", &id);
        Ok(id)
    }

    /// The bank has sent a new card, and the card network says so; or its owner changed the date.
    pub(super) fn renew_card(&mut self, method: &str, card: &SandboxCard) -> ApiResult<()> {
        let before = self.find("payment_method", method, "payment_method")?["card"].clone();
        self.change(method, |method| set_card(method, card));
        self.emit_change("payment_method.automatically_updated", method, Some(json!({ "card": before })));
        Ok(())
    }

    pub(super) fn attach_method(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["customer", "expand[]"])?;
        let customer = form.require("customer")?.to_owned();
        self.living_customer(&customer)?;
        self.find("payment_method", id, "payment_method")?;
        self.change(id, |method| method["customer"] = json!(customer));
        self.emit("payment_method.attached", id);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    pub(super) fn detach_method(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        let customer = self.find("payment_method", id, "payment_method")?["customer"].clone();
        if customer.is_null() {
            return Err(ApiError::invalid(
                "The payment method you provided is not attached to a customer so detachment is impossible.",
            ));
        }
        self.change(id, |method| method["customer"] = Value::Null);
        self.emit_change("payment_method.detached", id, Some(json!({ "customer": customer })));
        Ok(self.get(id).map(public).unwrap_or_default())
    }
}

fn set_card(method: &mut Value, card: &SandboxCard) {
    method["card"]["brand"] = json!(card.brand);
    method["card"]["last4"] = json!(card.last4);
    method["card"]["exp_month"] = json!(card.expires.0);
    method["card"]["exp_year"] = json!(card.expires.1);
    method["_sandbox"]["answers"] = json!(card.answers);
}

fn check(form: &Form) -> ApiResult<()> {
    match form.get("email").filter(|email| !email.is_empty() && !is_email(email)) {
        Some(email) => {
            Err(ApiError::param("email_invalid", "email", format!("Invalid email address: {email}")))
        }
        None => Ok(()),
    }
}
