//! What somebody does in the provider's dashboard, or a bank does behind it: nobody asked for it by the API.

use serde_json::Map;

use super::{
    DisputeKind, SandboxError, StripeRules, StripeServer,
    error::ApiResult,
    form::Form,
    state::{State, text},
};

impl State {
    /// The charge that is meant by its own id or by its payment intent's.
    pub(super) fn charge_of(&self, id: &str) -> ApiResult<String> {
        match self.get(id).filter(|object| object["object"] == "payment_intent") {
            Some(intent) => Ok(text(intent, "latest_charge").to_owned()),
            None => self.find("charge", id, "charge").map(|charge| text(charge, "id").to_owned()),
        }
    }
}

impl StripeServer {
    /// What the account is like from now on.
    pub fn set_rules(&self, rules: StripeRules) {
        self.lock().rules = rules;
    }

    /// What the account is like now.
    #[must_use]
    pub fn rules(&self) -> StripeRules {
        self.lock().rules.clone()
    }

    /// Gives back a charge (or the one of a payment intent), or a part of it. What becomes of it is the account's rule. Gives the
    /// refund's id.
    ///
    /// # Errors
    /// When there is not so much to give back.
    pub fn refund(&self, charge: &str, amount: Option<i64>) -> Result<String, SandboxError> {
        self.visit(|state| {
            let charge = state.charge_of(charge)?;
            state.give_back(&charge, amount, Some("requested_by_customer"), Map::new())
        })
    }

    /// A refund that was pending, or asked the supporter for something, arrives.
    ///
    /// # Errors
    /// When it does not wait.
    pub fn refund_arrives(&self, refund: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.refund_arrives(refund))
    }

    /// A refund fails, even one that had succeeded: the money is back on the balance.
    ///
    /// # Errors
    /// When it has failed already, or was called off.
    pub fn refund_fails(&self, refund: &str, reason: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.refund_fails(refund, reason))
    }

    /// A refund that asks the supporter for something is called off.
    ///
    /// # Errors
    /// When it asks for nothing.
    pub fn cancel_refund(&self, refund: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.cancel_refund(refund, &Form::default()).map(|_| ()))
    }

    /// A charge (or the one of a payment intent) is disputed, wholly or a part of it, for one of Stripe's reasons, such as
    /// `fraudulent`. Gives the dispute's id.
    ///
    /// # Errors
    /// When there is nothing to dispute.
    pub fn dispute(
        &self,
        charge: &str,
        kind: DisputeKind,
        amount: Option<i64>,
        reason: &str,
    ) -> Result<String, SandboxError> {
        self.visit(|state| {
            let charge = state.charge_of(charge)?;
            state.open_dispute(&charge, kind, amount, reason)
        })
    }

    /// A dispute goes on to another of Stripe's statuses: `under_review`, `won`, `lost`, `warning_closed`; `needs_response` for an
    /// inquiry that becomes a real one.
    ///
    /// # Errors
    /// When it does not go on so.
    pub fn dispute_becomes(&self, dispute: &str, status: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.dispute_becomes(dispute, status))
    }

    /// A card network warns of a charge, or of the one of a payment intent. Gives the warning's id.
    ///
    /// # Errors
    /// When there is no such charge.
    pub fn warn_of_fraud(&self, charge: &str) -> Result<String, SandboxError> {
        self.visit(|state| {
            let charge = state.charge_of(charge)?;
            state.warn_of_fraud(&charge)
        })
    }

    /// From now on every payment is held for review, or none is.
    pub fn review_payments(&self, all: bool) {
        self.lock().script.reviewing = all;
    }

    /// A charge (or the one of a payment intent) is held for review. Gives the review's id.
    ///
    /// # Errors
    /// When there is no such charge.
    pub fn open_review(&self, charge: &str) -> Result<String, SandboxError> {
        self.visit(|state| {
            let charge = state.charge_of(charge)?;
            state.open_review(&charge)
        })
    }

    /// A review ends, for one of Stripe's reasons: `approved`, `refunded`, `refunded_as_fraud`, `disputed`, `canceled` …
    ///
    /// # Errors
    /// When it is not open, or the reason is none.
    pub fn close_review(&self, review: &str, why: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.close_review(review, why))
    }
}
