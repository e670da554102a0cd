//! Events (<https://docs.stripe.com/api/events/object>): what each is news of, and as much of it as is believed.

use serde_json::Value;

use super::super::{EventKind, ProviderEvent};
use crate::clock::Moment;

impl EventKind {
    /// What an event of a kind is news of; none for what moves nothing here.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.expired" => Self::Checkout,
            "checkout.session.async_payment_failed" => Self::CheckoutFailed,
            // The balance transaction of a payment comes with the last, which says when the money came.
            "payment_intent.succeeded" | "payment_intent.processing" | "charge.updated" => Self::Payment,
            "customer.subscription.created"
            | "customer.subscription.updated"
            | "customer.subscription.deleted"
            | "customer.subscription.paused"
            | "customer.subscription.resumed" => Self::Subscription,
            "invoice.paid"
            | "invoice.payment_succeeded"
            | "invoice.voided"
            | "invoice.marked_uncollectible" => Self::Invoice,
            "invoice.payment_failed" => Self::InvoiceFailed,
            "invoice.payment_action_required" => Self::InvoiceAsks,
            "invoice.upcoming" => Self::Upcoming,
            "payment_method.updated" | "payment_method.automatically_updated" => Self::Method,
            "mandate.updated" => Self::Mandate,
            _ => return None,
        })
    }
}

/// Reads an event that Stripe sent or listed, as far as we need it.
pub fn event_from(payload: &str) -> Option<ProviderEvent> {
    event_of(&serde_json::from_str(payload).ok()?)
}

/// The same of one that was listed.
pub fn event_of(value: &Value) -> Option<ProviderEvent> {
    let kind = value["type"].as_str()?;
    let object = &value["data"]["object"];
    let id = match kind {
        // What is told of a charge is news of its payment.
        kind if kind.starts_with("charge.") => &object["payment_intent"],
        // A bill that is not made yet has no id to ask for.
        "invoice.upcoming" => &object["parent"]["subscription_details"]["subscription"],
        _ => &object["id"],
    };
    let created = value["created"].as_i64().filter(|at| (0..1 << 40).contains(at))?;
    Some(ProviderEvent {
        id: value["id"].as_str()?.to_owned(),
        kind: kind.to_owned(),
        object_id: id.as_str().unwrap_or_default().to_owned(),
        created: Moment::from_unix_seconds(created),
        live: value["livemode"].as_bool()?,
    })
}
