//! The kinds of events that we are told, and the lists in which the provider is asked for them.

use super::EventKind;

/// What may concern us, in the provider's words. Of these we are told, and ask for, whatever moves a row of ours
/// ([`EventKind::of`]): a kind that is understood from tomorrow on is one of them by itself.
const KINDS: [&str; 66] = [
    "account.updated",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "customer.source.expiring",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalization_failed",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_attempt_required",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.upcoming",
    "invoice.updated",
    "invoice.voided",
    "invoice.will_be_due",
    "invoice_payment.paid",
    "mandate.updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "review.closed",
    "review.opened",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
    "source.chargeable",
];

/// So many kinds the provider takes in one question.
pub const MOST_AT_ONCE: usize = 20;

/// The kinds that move something here.
#[must_use]
pub fn told() -> Vec<&'static str> {
    KINDS.into_iter().filter(|kind| EventKind::of(kind).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_once_and_what_moves_a_gift_is_told() {
        assert!(KINDS.is_sorted_by(|one, next| one < next));
        let told = told();
        for kind in ["invoice.paid", "checkout.session.completed", "payment_intent.succeeded"] {
            assert!(told.contains(&kind), "{kind}");
        }
        assert!(!told.contains(&"source.chargeable"), "nothing here understands it");
    }
}
