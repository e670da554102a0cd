//! Payments (<https://docs.stripe.com/api/payment_intents/object>), each with its charge and the balance transaction of that.

use serde::Deserialize;

use super::{
    super::{Payment, PaymentState, money_of},
    Metadata, our_ids,
};
use crate::clock::Moment;

/// What is read of a payment.
#[derive(Deserialize)]
pub struct WirePayment {
    id: String,
    status: String,
    amount: Option<i64>,
    amount_received: Option<i64>,
    currency: Option<String>,
    metadata: Metadata,
    latest_charge: Option<WireCharge>,
}

#[derive(Deserialize)]
struct WireCharge {
    balance_transaction: Option<WireBalanceTransaction>,
}

#[derive(Deserialize)]
struct WireBalanceTransaction {
    created: i64,
}

impl From<WirePayment> for Payment {
    fn from(wire: WirePayment) -> Self {
        let state = match wire.status.as_str() {
            "succeeded" => PaymentState::Succeeded,
            "processing" => PaymentState::Processing,
            _ => PaymentState::NotPaid,
        };
        let minor = wire.amount_received.filter(|received| *received > 0).or(wire.amount);
        let arrived = wire.latest_charge.and_then(|charge| charge.balance_transaction);
        Self {
            id: wire.id,
            state,
            paid_at: arrived.map(|moved| Moment::from_unix_seconds(moved.created)),
            amount: money_of(minor, wire.currency.as_deref()),
            ours: our_ids(&wire.metadata),
        }
    }
}
