//! Payments (<https://docs.stripe.com/api/payment_intents/object>), each with its charge and the balance transaction of that.

use serde::Deserialize;

use super::{
    super::{Payment, PaymentRefusal, PaymentState, money_of},
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
    description: Option<String>,
    last_payment_error: Option<WireRefusal>,
}

/// Why it was refused last.
#[derive(Deserialize)]
struct WireRefusal {
    code: Option<String>,
    decline_code: Option<String>,
    payment_method: Option<WireMethod>,
}

#[derive(Deserialize)]
struct WireMethod {
    r#type: Option<String>,
}

/// What the provider itself calls the payment that begins a subscription.
const BEGINS_MONTHS: &str = "Subscription creation";

impl From<WireRefusal> for PaymentRefusal {
    fn from(wire: WireRefusal) -> Self {
        let kind = wire.payment_method.and_then(|method| method.r#type);
        Self {
            code: wire.decline_code.or(wire.code).unwrap_or_default(),
            of_a_card: kind.is_none_or(|kind| kind == "card"),
        }
    }
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
            refused: wire.last_payment_error.map(PaymentRefusal::from),
            begins_months: wire.description.as_deref() == Some(BEGINS_MONTHS),
        }
    }
}
