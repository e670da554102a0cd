//! What somebody does in the provider's dashboard, or a bank does behind it: nobody asked for it by the API.

use serde_json::{Map, Value};

use super::{
    CardAnswer, DisputeKind, EventShape, SandboxCard, SandboxError, StripeRules, StripeServer,
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

    /// Puts an object as it is: what other programs left in the account, of whatever age. What it lacks, it lacks.
    pub fn put_object(&self, object: Value) {
        // Nothing else can refuse it than a journal that cannot be written, which the next call tells of.
        drop(self.visit(|state| {
            state.put(object);
            Ok(())
        }));
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

/// Customers, cards and subscriptions.
impl StripeServer {
    /// Moves a subscription on by one period, with a card that answers so.
    ///
    /// # Errors
    /// When there is no such subscription, or it has ended.
    pub fn renew_with(&self, subscription: &str, card: &CardAnswer) -> Result<(), SandboxError> {
        self.visit(|state| state.renew(subscription, card))
    }

    /// Tries the last open invoice of a subscription again, with a card that answers so.
    ///
    /// # Errors
    /// When there is nothing to pay.
    pub fn retry_with(&self, subscription: &str, card: &CardAnswer) -> Result<(), SandboxError> {
        self.visit(|state| state.retry_invoice(subscription, card))
    }

    /// What declined cards say on the checkout page from now on: one of Stripe's decline codes, or the usual one if empty.
    pub fn decline_with(&self, code: &str) {
        code.clone_into(&mut self.lock().script.decline_code);
    }

    /// Changes a subscription in the dashboard, with the parameters of the API as a form: `items[0][id]=…&items[0][quantity]=2`,
    /// `pause_collection[behavior]=void`, `cancel_at=…`, `trial_end=…`.
    ///
    /// # Errors
    /// When the API would refuse it.
    pub fn change_subscription(&self, subscription: &str, form: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.update_subscription(subscription, &Form::parse(form)?).map(|_| ()))
    }

    /// Ends a subscription in the dashboard, at once.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cancel_subscription(&self, subscription: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.cancel_subscription(subscription, &Form::default()).map(|_| ()))
    }

    /// Gives a subscription one of Stripe's statuses, such as `paused`, `unpaid` or `incomplete`, whatever led to it.
    ///
    /// # Errors
    /// When there is no such subscription, or it has ended.
    pub fn subscription_becomes(&self, subscription: &str, status: &str) -> Result<(), SandboxError> {
        self.visit(|state| {
            state.living(subscription)?;
            state.set_status(subscription, status);
            Ok(())
        })
    }

    /// Gives a customer another card and, if a subscription is named, lets it pay by that one. Gives the payment method's id.
    ///
    /// # Errors
    /// When there is no such customer or subscription.
    pub fn add_card(
        &self,
        customer: &str,
        card: &SandboxCard,
        subscription: Option<&str>,
    ) -> Result<String, SandboxError> {
        self.visit(|state| {
            let method = state.add_card(customer, card)?;
            if let Some(subscription) = subscription {
                let form = Form::parse(&format!("default_payment_method={method}"))?;
                state.update_subscription(subscription, &form)?;
            }
            Ok(method)
        })
    }

    /// A customer sets up another card, which is theirs by default from then on, as on the portal. Gives the payment method's id.
    ///
    /// # Errors
    /// When there is no such customer.
    pub fn set_up_card(&self, customer: &str, card: &SandboxCard) -> Result<String, SandboxError> {
        self.visit(|state| state.set_up_card(customer, card))
    }

    /// A bank lets no more be taken for a subscription. Gives the mandate's id.
    ///
    /// # Errors
    /// When there is no such subscription, or it has ended.
    pub fn revoke_mandate(&self, subscription: &str) -> Result<String, SandboxError> {
        self.visit(|state| state.revoke_mandate(subscription))
    }

    /// The next invoice of a subscription cannot be made out, for one of Stripe's error codes, such as `customer_tax_location_invalid`.
    /// Gives its id.
    ///
    /// # Errors
    /// When there is no such subscription, or it has ended.
    pub fn finalization_fails(&self, subscription: &str, code: &str) -> Result<String, SandboxError> {
        self.visit(|state| state.finalization_fails(subscription, code))
    }

    /// A card changes by itself, as when its bank sends a new one: another date, other digits, another answer.
    ///
    /// # Errors
    /// When there is no such payment method.
    pub fn renew_card(&self, method: &str, card: &SandboxCard) -> Result<(), SandboxError> {
        self.visit(|state| state.renew_card(method, card))
    }

    /// What the card of a subscription answers from now on, when time passes: see [`StripeServer::let_time_pass`].
    ///
    /// # Errors
    /// When there is no such subscription.
    pub fn card_answers(&self, subscription: &str, answer: &CardAnswer) -> Result<(), SandboxError> {
        self.visit(|state| {
            let method = text(&state.living(subscription)?["_sandbox"], "method").to_owned();
            let code = match answer {
                CardAnswer::Works => "",
                CardAnswer::AsksOwner => "authentication_required",
                CardAnswer::Declined(code) if code.is_empty() => "generic_decline",
                CardAnswer::Declined(code) => code,
            };
            state.change(&method, |method| method["_sandbox"]["answers"] = code.into());
            Ok(())
        })
    }

    /// Changes a customer in the dashboard, with the parameters of the API as a form: `email=…`, `name=…`, `balance=-500`.
    ///
    /// # Errors
    /// When the API would refuse it.
    pub fn change_customer(&self, customer: &str, form: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.update_customer(customer, &Form::parse(form)?).map(|_| ()))
    }

    /// Deletes a customer in the dashboard; the subscriptions end with it.
    ///
    /// # Errors
    /// When there is no such customer.
    pub fn delete_customer(&self, customer: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.delete_customer(customer, &Form::default()).map(|_| ()))
    }

    /// Marks an open invoice as paid outside: no charge is made.
    ///
    /// # Errors
    /// When it is not open.
    pub fn mark_paid_outside(&self, invoice: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.pay_invoice(invoice, &Form::parse("paid_out_of_band=true")?).map(|_| ()))
    }

    /// Gives up an open invoice: nobody is asked for it any more.
    ///
    /// # Errors
    /// When it is not open.
    pub fn mark_uncollectible(&self, invoice: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.end_invoice(invoice, "uncollectible").map(|_| ()))
    }
}

/// The account, its payouts and how its events are spoken.
impl StripeServer {
    /// Pays out what is available in a currency and was not paid out yet. Gives the payout's id; none if there is nothing.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn pay_out(&self, currency: &str) -> Result<Option<String>, SandboxError> {
        self.visit(|state| Ok(state.pay_out(currency)))
    }

    /// A payout arrives at the bank.
    ///
    /// # Errors
    /// When it is not on its way.
    pub fn payout_arrives(&self, payout: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.payout_arrives(payout))
    }

    /// The bank sends a payout back, for one of Stripe's failure codes, such as `account_closed`.
    ///
    /// # Errors
    /// When it came back already.
    pub fn payout_fails(&self, payout: &str, code: &str) -> Result<(), SandboxError> {
        self.visit(|state| state.payout_fails(payout, code))
    }

    /// What the account may do from now on, and what the provider wants to know of its owner.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn restrict_account(&self, charges: bool, payouts: bool, due: &[&str]) -> Result<(), SandboxError> {
        self.visit(|state| {
            state.restrict_account(charges, payouts, due);
            Ok(())
        })
    }

    /// How events are spoken from now on.
    pub fn speak_events(&self, shape: EventShape) {
        self.lock().script.shape = shape;
    }
}
