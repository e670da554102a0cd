//! Subscriptions (<https://docs.stripe.com/api/subscriptions/object>).

use serde::Deserialize;

use super::{
    super::{ProviderSubscription, RecurringState, money_of},
    Metadata, our_ids,
};
use crate::clock::Moment;

/// What is read of a subscription.
#[derive(Deserialize)]
pub struct WireSubscription {
    id: String,
    status: String,
    customer: Option<String>,
    metadata: Metadata,
    items: Option<WireItems>,
    created: i64,
    ended_at: Option<i64>,
}

#[derive(Deserialize)]
struct WireItems {
    data: Vec<WireItem>,
}

#[derive(Deserialize)]
struct WireItem {
    price: Option<WirePrice>,
    quantity: Option<i64>,
}

#[derive(Deserialize)]
struct WirePrice {
    unit_amount: Option<i64>,
    currency: Option<String>,
}

impl From<WireSubscription> for ProviderSubscription {
    fn from(wire: WireSubscription) -> Self {
        let item = wire.items.and_then(|items| items.data.into_iter().find(|item| item.price.is_some()));
        let amount = item.and_then(|item| {
            let price = item.price?;
            // Whoever changes the quantity in the dashboard changes what each month brings.
            let minor = price.unit_amount?.checked_mul(item.quantity.unwrap_or(1))?;
            money_of(Some(minor), price.currency.as_deref())
        });
        Self {
            state: match wire.status.as_str() {
                "active" | "trialing" => RecurringState::Active,
                "past_due" => RecurringState::PastDue,
                "paused" => RecurringState::Paused,
                "unpaid" => RecurringState::Unpaid,
                "canceled" | "incomplete_expired" => RecurringState::Cancelled,
                _ => RecurringState::Pending,
            },
            customer: wire.customer,
            amount,
            ours: our_ids(&wire.metadata),
            created: Moment::from_unix_seconds(wire.created),
            ended_at: wire.ended_at.map(Moment::from_unix_seconds),
            id: wire.id,
        }
    }
}
