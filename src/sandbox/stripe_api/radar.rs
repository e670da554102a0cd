//! What the provider suspects: payments held for review, and warnings of the card networks before a dispute.

use serde_json::{Value, json};

use super::{
    error::{ApiError, ApiResult},
    form::Form,
    state::{State, public, text},
};

const ENDS: &[&str] = &[
    "acknowledged",
    "approved",
    "canceled",
    "disputed",
    "payment_never_settled",
    "redacted",
    "refunded",
    "refunded_as_fraud",
];

impl State {
    /// A card network warns of a charge. Gives the warning's id.
    pub(super) fn warn_of_fraud(&mut self, charge: &str) -> ApiResult<String> {
        let object = self.find("charge", charge, "charge")?.clone();
        let id = self.new_id("issfr", 24);
        let settled = object["refunded"] == true || object["disputed"] == true;
        self.put(json!({
            "id": id, "object": "radar.early_fraud_warning", "actionable": !settled, "charge": charge, "created": self.now(),
            "fraud_type": "made_with_stolen_card", "livemode": false, "payment_intent": object["payment_intent"],
        }));
        self.emit("radar.early_fraud_warning.created", &id);
        Ok(id)
    }

    /// What was given back or disputed needs nobody's act any more.
    pub(super) fn warnings_are_settled(&mut self, charge: &str, why: &str) {
        let whole =
            self.get(charge).is_some_and(|charge| charge["refunded"] == true || charge["disputed"] == true);
        let of_it = |object: &&Value| object["charge"] == charge;
        let warnings: Vec<String> = self
            .newest("radar.early_fraud_warning")
            .filter(|warning| of_it(warning) && warning["actionable"] == true)
            .map(|warning| text(warning, "id").to_owned())
            .collect();
        let reviews: Vec<String> = self
            .newest("review")
            .filter(|review| of_it(review) && review["open"] == true)
            .map(|review| text(review, "id").to_owned())
            .collect();
        if !whole {
            return;
        }
        for id in warnings {
            self.change(&id, |warning| warning["actionable"] = json!(false));
            self.emit_change("radar.early_fraud_warning.updated", &id, Some(json!({ "actionable": true })));
        }
        for id in reviews {
            self.end_review(&id, why);
        }
    }

    /// A payment is held for somebody to look at. Gives the review's id.
    pub(super) fn open_review(&mut self, charge: &str) -> ApiResult<String> {
        let object = self.find("charge", charge, "charge")?.clone();
        let id = self.new_id("prv", 24);
        self.put(json!({
            "id": id, "object": "review", "billing_zip": null, "charge": charge, "closed_reason": null, "created": self.now(),
            "ip_address": null, "ip_address_location": null, "livemode": false, "open": true, "opened_reason": "rule",
            "payment_intent": object["payment_intent"], "reason": "rule", "session": null,
        }));
        for holder in [charge, text(&object, "payment_intent")] {
            self.change(holder, |holder| holder["review"] = json!(id));
        }
        self.emit("review.opened", &id);
        Ok(id)
    }

    /// It was looked at.
    pub(super) fn close_review(&mut self, id: &str, why: &str) -> ApiResult<()> {
        if self.find("review", id, "id")?["open"] != true || !ENDS.contains(&why) {
            return Err(ApiError::invalid("This review cannot be closed so."));
        }
        self.end_review(id, why);
        Ok(())
    }

    fn end_review(&mut self, id: &str, why: &str) {
        self.change(id, |review| {
            review["open"] = json!(false);
            review["closed_reason"] = json!(why);
            review["reason"] = json!(why);
        });
        let Some(review) = self.get(id).cloned() else { return };
        for holder in [text(&review, "charge"), text(&review, "payment_intent")] {
            self.change(holder, |holder| holder["review"] = Value::Null);
        }
        self.emit("review.closed", id);
    }

    pub(super) fn approve_review(&mut self, id: &str, form: &Form) -> ApiResult {
        form.allow(&["expand[]"])?;
        self.close_review(id, "approved")?;
        Ok(self.get(id).map(public).unwrap_or_default())
    }
}
