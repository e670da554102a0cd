//! What lets money be taken later: a card or account that is set up for it, and what a bank allows, until it does not.

use serde_json::{Value, json};

use super::{
    SandboxCard,
    error::ApiResult,
    form::Form,
    objects::Period,
    state::{State, text},
    subscription::period_of,
};

impl State {
    /// A customer sets up another card, as on the portal: it is theirs by default from then on. Gives the payment method's id.
    pub(super) fn set_up_card(&mut self, customer: &str, card: &SandboxCard) -> ApiResult<String> {
        let method = self.add_card(customer, card)?;
        let id = self.new_id("seti", 24);
        let setup = json!({
            "id": id, "object": "setup_intent", "application": null, "automatic_payment_methods": null, "cancellation_reason": null,
            "client_secret": null, "created": self.now(), "customer": customer, "customer_account": null, "description": null,
            "excluded_payment_method_types": null, "flow_directions": null, "last_setup_error": null, "latest_attempt": null,
            "livemode": false, "mandate": null, "metadata": {}, "next_action": null, "on_behalf_of": null, "payment_method": method,
            "payment_method_configuration_details": null, "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
            "payment_method_types": ["card"], "single_use_mandate": null, "status": "succeeded", "usage": "off_session",
        });
        self.put(setup);
        self.emit("setup_intent.succeeded", &id);
        let form = Form::parse(&format!("invoice_settings[default_payment_method]={method}"))?;
        self.update_customer(customer, &form)?;
        Ok(method)
    }

    /// The bank of whoever pays a subscription lets nothing be taken any more. Gives the mandate's id.
    pub(super) fn revoke_mandate(&mut self, subscription: &str) -> ApiResult<String> {
        let method = text(&self.living(subscription)?["_sandbox"], "method").to_owned();
        let id = self.new_id("mandate", 24);
        let mandate = json!({
            "id": id, "object": "mandate",
            "customer_acceptance": {
                "accepted_at": self.now(), "online": { "ip_address": null, "user_agent": null }, "type": "online",
            },
            "livemode": false, "multi_use": {}, "payment_method": method,
            "payment_method_details": {
                "sepa_debit": { "reference": "SANDBOX1", "url": format!("{}/mandates/{id}", self.base_url) }, "type": "sepa_debit",
            },
            "status": "inactive", "type": "multi_use",
        });
        self.put(mandate);
        self.emit_change("mandate.updated", &id, Some(json!({ "status": "active" })));
        Ok(id)
    }

    /// The next invoice of a subscription cannot be made out: it stays a draft that nobody charges. Gives its id.
    pub(super) fn finalization_fails(&mut self, subscription: &str, code: &str) -> ApiResult<String> {
        let Period { end, .. } = period_of(&self.living(subscription)?["items"]["data"][0]);
        let invoice = self.new_invoice(subscription, "subscription_cycle", Period { start: end, end });
        self.change(&invoice, |invoice| {
            invoice["auto_advance"] = json!(false);
            invoice["last_finalization_error"] = json!({
                "code": code, "message": "The invoice could not be finalized.", "type": "invalid_request_error",
            });
        });
        self.emit("invoice.finalization_failed", &invoice);
        Ok(invoice)
    }

    /// Whether a subscription is paid by a bank debit.
    pub(super) fn is_debited(&self, subscription: &Value) -> bool {
        self.get(text(&subscription["_sandbox"], "method"))
            .is_some_and(|method| method["type"] == "sepa_debit")
    }
}
