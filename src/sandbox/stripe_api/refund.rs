//! Refunds: money given back, in whole or in part; some are pending for a while, and some fail.

use serde_json::{Map, Value, json};

use super::{
    balance::{Fee, Movement},
    currency,
    error::{ApiError, ApiResult},
    form::Form,
    rules::RefundCourse,
    state::{State, public, text},
};

const PARAMETERS: &[&str] =
    &["amount", "charge", "payment_intent", "reason", "instructions_email", "metadata[*]", "expand[]"];
const TWO_MONTHS: i64 = 60 * 86_400;

impl State {
    /// Gives money back by request.
    pub(super) fn create_refund(&mut self, form: &Form) -> ApiResult {
        form.allow(PARAMETERS)?;
        let reason = form.choice("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
        let metadata = form.metadata("metadata")?;
        let charge = match (form.optional("charge")?, form.optional("payment_intent")?) {
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
        let id = self.give_back(&charge, form.integer("amount")?, reason, metadata)?;
        Ok(self.get(&id).map(public).unwrap_or_default())
    }

    /// Gives back what is left of a charge, or a part; by the API or by hand.
    pub(super) fn give_back(
        &mut self,
        charge_id: &str,
        amount: Option<i64>,
        reason: Option<&str>,
        metadata: Map<String, Value>,
    ) -> ApiResult<String> {
        let charge = self.find("charge", charge_id, "charge")?.clone();
        let (amount, refunded) = refundable(&charge, amount)?;
        let now = self.now();
        let course = self.rules.refunds;
        let of_bank = text(&charge, "id").starts_with("py_");
        let id = self.new_id(if of_bank { "pyr" } else { "re" }, 24);
        let mut refund = object(&id, &charge, amount, reason, metadata, now);
        match course {
            RefundCourse::Succeeds => {}
            RefundCourse::Pending => {
                refund["status"] = json!("pending");
                refund["pending_reason"] = json!("processing");
            }
            RefundCourse::AwaitsFunds => {
                refund["status"] = json!("pending");
                refund["pending_reason"] = json!("insufficient_funds");
            }
            RefundCourse::RequiresAction => {
                refund["status"] = json!("requires_action");
                let email = text(&charge["billing_details"], "email");
                refund["next_action"] = json!({
                    "type": "display_details",
                    "display_details": {
                        "email_sent": { "email_sent_at": now, "email_sent_to": email }, "expires_at": now + TWO_MONTHS,
                    },
                });
            }
        }
        self.put(refund);
        if matches!(course, RefundCourse::Succeeds | RefundCourse::Pending) {
            self.book_refund(&id);
        }
        self.count_refunded(charge_id, amount);
        self.emit("refund.created", &id);
        let before = json!({ "amount_refunded": refunded, "refunded": false });
        self.emit_change("charge.refunded", charge_id, Some(before));
        self.warnings_are_settled(charge_id, "refunded");
        Ok(id)
    }

    /// The money leaves the balance.
    fn book_refund(&mut self, id: &str) {
        let Some(refund) = self.get(id).cloned() else { return };
        let of_bank = id.starts_with("pyr_");
        let transaction = self.book(&Movement {
            source: id,
            kind: if of_bank { "payment_refund" } else { "refund" },
            category: "refund",
            amount: -refund["amount"].as_i64().unwrap_or_default(),
            currency: text(&refund, "currency"),
            fee: Fee::None,
        });
        self.change(id, |refund| refund["balance_transaction"] = json!(transaction));
    }

    fn count_refunded(&mut self, charge: &str, more: i64) {
        self.change(charge, |charge| {
            let refunded = charge["amount_refunded"].as_i64().unwrap_or_default() + more;
            charge["amount_refunded"] = json!(refunded);
            charge["refunded"] = json!(charge["amount_captured"] == refunded);
        });
    }

    /// A refund that waited has arrived.
    pub(super) fn refund_arrives(&mut self, id: &str) -> ApiResult<()> {
        let refund = self.refund_in(id, &["pending", "requires_action"])?;
        if refund["balance_transaction"].is_null() {
            self.book_refund(id);
        }
        self.refund_becomes(id, "succeeded");
        Ok(())
    }

    /// A refund could not be paid, at once or weeks after it had succeeded: the money comes back to the balance.
    pub(super) fn refund_fails(&mut self, id: &str, reason: &str) -> ApiResult<()> {
        let refund = self.refund_in(id, &["pending", "requires_action", "succeeded"])?;
        self.take_refund_back(&refund);
        self.change(id, |refund| refund["failure_reason"] = json!(reason));
        self.refund_becomes(id, "failed");
        self.emit("refund.failed", id);
        Ok(())
    }

    /// A refund that the supporter never said where to send is called off.
    pub(super) fn cancel_refund(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        let refund = self.refund_in(id, &["requires_action"])?;
        self.take_refund_back(&refund);
        self.refund_becomes(id, "canceled");
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    /// Changes its metadata, which is all that can be changed.
    pub(super) fn update_refund(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["metadata[*]", "expand[]"])?;
        self.find("refund", id, "id")?;
        let metadata = form.metadata("metadata")?;
        self.change(id, |refund| super::form::merge_metadata(refund, metadata));
        self.emit("refund.updated", id);
        Ok(self.get(id).map(public).unwrap_or_default())
    }

    fn take_refund_back(&mut self, refund: &Value) {
        let id = text(refund, "id");
        let amount = refund["amount"].as_i64().unwrap_or_default();
        if !refund["balance_transaction"].is_null() {
            let transaction = self.book(&Movement {
                source: id,
                kind: if id.starts_with("pyr_") { "payment_failure_refund" } else { "refund_failure" },
                category: "refund_failure",
                amount,
                currency: text(refund, "currency"),
                fee: Fee::None,
            });
            self.change(id, |refund| refund["failure_balance_transaction"] = json!(transaction));
        }
        self.count_refunded(text(refund, "charge"), -amount);
    }

    fn refund_becomes(&mut self, id: &str, status: &str) {
        let before = self.get(id).map(|refund| refund["status"].clone()).unwrap_or_default();
        self.change(id, |refund| {
            refund["status"] = json!(status);
            if let Some(fields) = refund.as_object_mut() {
                fields.remove("pending_reason");
                fields.remove("next_action");
            }
        });
        let previous = json!({ "status": before });
        self.emit_change("charge.refund.updated", id, Some(previous.clone()));
        self.emit_change("refund.updated", id, Some(previous));
    }

    fn refund_in(&self, id: &str, statuses: &[&str]) -> ApiResult<Value> {
        let refund = self.find("refund", id, "id")?;
        let status = text(refund, "status");
        if statuses.contains(&status) {
            return Ok(refund.clone());
        }
        Err(ApiError::invalid(format!("The refund {id} has the status {status}.")))
    }
}

/// How much is to be given back, and how much was before; an error if it cannot be.
fn refundable(charge: &Value, amount: Option<i64>) -> ApiResult<(i64, i64)> {
    let id = text(charge, "id");
    if charge["status"] != "succeeded" {
        return Err(ApiError::invalid("The charge did not succeed, so there is nothing to refund."));
    }
    if charge["_sandbox"]["withdrawn"] == true {
        return Err(ApiError::param(
            "charge_disputed",
            "charge",
            format!("Charge {id} has been charged back; cannot issue a refund."),
        ));
    }
    let captured = charge["amount_captured"].as_i64().unwrap_or_default();
    let refunded = charge["amount_refunded"].as_i64().unwrap_or_default();
    let left = captured - refunded;
    if left == 0 {
        return Err(ApiError::param(
            "charge_already_refunded",
            "charge",
            format!("Charge {id} has already been refunded."),
        ));
    }
    let amount = amount.unwrap_or(left);
    if amount < 1 {
        return Err(ApiError::param(
            "parameter_invalid_integer",
            "amount",
            "This value must be greater than or equal to 1.",
        ));
    }
    if amount > left {
        let code = text(charge, "currency");
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
    Ok((amount, refunded))
}

fn object(
    id: &str,
    charge: &Value,
    amount: i64,
    reason: Option<&str>,
    metadata: Map<String, Value>,
    now: i64,
) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "balance_transaction": null, "charge": charge["id"],
        "created": now, "currency": charge["currency"], "metadata": metadata, "payment_intent": charge["payment_intent"],
        "reason": reason, "receipt_number": null, "source_transfer_reversal": null, "status": "succeeded",
        "transfer_reversal": null,
        "destination_details": { "card": { "reference": null, "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" }, "type": "card" },
    })
}
