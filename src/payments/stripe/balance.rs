//! What moves on our balance (<https://docs.stripe.com/api/balance_transactions/object>), and what names it: charges, with their reviews.

use serde::Deserialize;
use serde_json::Number;

use super::super::{Charge, Movement, money_of};
use crate::clock::Moment;

/// Either the name of an object, or the object itself, as it was asked for.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    Whole(T),
    Name(String),
}

impl<T> Expandable<T> {
    /// The object; none where only its name was given.
    pub fn whole(self) -> Option<T> {
        match self {
            Self::Whole(object) => Some(object),
            Self::Name(_) => None,
        }
    }
}

impl Expandable<Named> {
    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Whole(object) => object.id,
            Self::Name(id) => id,
        }
    }
}

/// An object of which only the name is read.
#[derive(Deserialize)]
pub struct Named {
    id: String,
    payment_intent: Option<String>,
}

/// <https://docs.stripe.com/api/balance_transactions/object>
#[derive(Deserialize)]
pub struct WireMovement {
    id: String,
    r#type: String,
    amount: i64,
    fee: Option<i64>,
    currency: String,
    exchange_rate: Option<Number>,
    source: Option<Expandable<Named>>,
    created: i64,
}

impl WireMovement {
    /// In our words; none in a currency that gifts cannot be taken in.
    pub fn movement(self) -> Option<Movement> {
        Some(Movement {
            amount: money_of(Some(self.amount), Some(&self.currency))?,
            id: self.id,
            kind: self.r#type,
            payment: self.source.as_ref().and_then(|source| match source {
                Expandable::Whole(object) => object.payment_intent.clone(),
                Expandable::Name(_) => None,
            }),
            source: self.source.map(Expandable::name),
            fee_minor: self.fee.unwrap_or(0),
            exchange_rate: self.exchange_rate.map(|rate| rate.to_string()),
            at: Moment::from_unix_seconds(self.created),
        })
    }
}

/// The movement that was asked for with an object.
pub fn moved(wire: Option<Expandable<WireMovement>>) -> Option<Movement> {
    wire.and_then(Expandable::whole).and_then(WireMovement::movement)
}

/// What is read of a charge.
#[derive(Deserialize)]
pub struct WireCharge {
    id: String,
    balance_transaction: Option<Expandable<WireMovement>>,
    amount_refunded: Option<i64>,
    disputed: Option<bool>,
    /// What stands under the name of its `type`, such as `card` or `sepa_debit`.
    payment_method_details: Option<serde_json::Value>,
}

impl From<WireCharge> for Charge {
    fn from(wire: WireCharge) -> Self {
        let details = wire.payment_method_details.unwrap_or_default();
        let kind = details["type"].as_str().unwrap_or_default();
        let method =
            |field: &str| details[kind][field].as_str().unwrap_or_default().chars().take(24).collect();
        Self {
            id: wire.id,
            movement: moved(wire.balance_transaction),
            refunded_minor: wire.amount_refunded.unwrap_or(0),
            disputed: wire.disputed.unwrap_or(false),
            brand: method("brand"),
            last4: method("last4"),
        }
    }
}

/// A review that Stripe's Radar opens.
#[derive(Deserialize)]
pub struct WireReview {
    open: Option<bool>,
}

impl WireReview {
    /// Whether there is one that has not ended.
    pub fn is_open(wire: Option<Expandable<Self>>) -> bool {
        wire.and_then(Expandable::whole).and_then(|review| review.open).unwrap_or(false)
    }
}
