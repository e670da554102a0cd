//! Payments (<https://docs.stripe.com/api/payment_intents/object>), each with its charge and the balance transaction of that.

use serde::Deserialize;

use super::{
    super::{Charge, Payment, PaymentRefusal, PaymentState, money_of},
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
            refused: wire.last_payment_error.map(PaymentRefusal::from),
            asks_owner: wire.status == "requires_action",
            begins_months: wire.description.as_deref() == Some(BEGINS_MONTHS),
        }
    }
}
