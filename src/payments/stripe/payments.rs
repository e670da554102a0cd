//! Payments (<https://docs.stripe.com/api/payment_intents/object>), each with its charge and the balance transaction of that.

use serde::Deserialize;

use super::{
    super::{Charge, Payment, PaymentState, money_of},
    Metadata,
    balance::{Expandable, WireCharge, WireReview},
    our_ids,
};

/// What is read of a payment.
#[derive(Deserialize)]
pub struct WirePayment {
    id: String,
    status: String,
    amount: Option<i64>,
    amount_received: Option<i64>,
    currency: Option<String>,
    metadata: Metadata,
    latest_charge: Option<Expandable<WireCharge>>,
    review: Option<Expandable<WireReview>>,
}

impl From<WirePayment> for Payment {
    fn from(wire: WirePayment) -> Self {
        let state = match wire.status.as_str() {
            "succeeded" => PaymentState::Succeeded,
            "processing" => PaymentState::Processing,
            _ => PaymentState::NotPaid,
        };
        let minor = wire.amount_received.filter(|received| *received > 0).or(wire.amount);
        let charge = wire.latest_charge.and_then(Expandable::whole).map(Charge::from);
        Self {
            id: wire.id,
            state,
            paid_at: charge.as_ref().and_then(|charge| charge.movement.as_ref()).map(|moved| moved.at),
            amount: money_of(minor, wire.currency.as_deref()),
            ours: our_ids(&wire.metadata),
            charge,
            in_review: WireReview::is_open(wire.review),
        }
    }
}
