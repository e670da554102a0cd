//! Refunds: money given back, in whole or in part.

use serde_json::json;

use super::{
    currency,
    error::{ApiError, ApiResult},
    form::Form,
    objects,
    state::{State, public, text},
};

const PARAMETERS: &[&str] = &["amount", "charge", "payment_intent", "reason", "metadata[*]", "expand[]"];

impl State {
    /// Gives money back by request.
    pub(super) fn create_refund(&mut self, form: &Form) -> ApiResult {
        form.allow(PARAMETERS)?;
        let reason = form.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
        let metadata = form.metadata("metadata")?;
        let charge_id = match (form.optional("charge")?, form.optional("payment_intent")?) {
            (None, None) => {
                return Err(ApiError::invalid(
                    "One of the following params should be provided for this request: payment_intent or charge.",
                ));
            }
            (Some(charge), _) => charge.to_owned(),
            (None, Some(intent)) => {
                let intent = self.find("payment_intent", intent, "payment_intent")?;
                text(intent, "latest_charge").to_owned()
            }
        };
        let charge = self.find("charge", &charge_id, "charge")?.clone();
        if charge["status"] != "succeeded" {
            return Err(ApiError::invalid("The charge did not succeed, so there is nothing to refund."));
        }
        let captured = charge["amount_captured"].as_i64().unwrap_or_default();
        let refunded = charge["amount_refunded"].as_i64().unwrap_or_default();
        let left = captured - refunded;
        if left == 0 {
            return Err(ApiError::param(
                "charge_already_refunded",
                "charge",
                format!("Charge {charge_id} has already been refunded."),
            ));
        }
        let amount = form.integer("amount")?.unwrap_or(left);
        if amount < 1 {
            return Err(ApiError::param(
                "parameter_invalid_integer",
                "amount",
                "This value must be greater than or equal to 1.",
            ));
        }
        if amount > left {
            let code = text(&charge, "currency");
            return Err(ApiError::param(
                "",
                "amount",
                format!(
                    "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                    currency::display(amount, code),
                    currency::display(left, code)
                ),
            ));
        }
        let now = self.now();
        let (id, transaction) = (self.new_id("re", 24), self.new_id("txn", 24));
        let mut refund = objects::refund(&id, &charge, amount, reason, metadata, now);
        refund["balance_transaction"] = json!(transaction);
        let moved =
            objects::balance_transaction(&transaction, &id, "refund", -amount, 0, &charge["currency"], now);
        self.put(moved);
        self.put(refund.clone());
        self.change(&charge_id, |charge| {
            charge["amount_refunded"] = json!(refunded + amount);
            charge["refunded"] = json!(amount == left);
        });
        self.emit("refund.created", &id);
        let before = json!({ "amount_refunded": refunded, "refunded": false });
        self.emit_change("charge.refunded", &charge_id, Some(before));
        Ok(public(&refund))
    }
}
