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
            "charge.refunded"
            | "charge.refund.updated"
            | "refund.created"
            | "refund.updated"
            | "refund.failed" => Self::Refund,
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.closed"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated" => Self::Dispute,
            "radar.early_fraud_warning.created" | "radar.early_fraud_warning.updated" => Self::FraudWarning,
            "review.opened" | "review.closed" => Self::Review,
            "payout.created"
            | "payout.updated"
            | "payout.paid"
            | "payout.failed"
            | "payout.canceled"
            | "payout.reconciliation_completed" => Self::Payout,
            "payment_intent.payment_failed" => Self::PaymentFailed,
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
            "invoice.finalization_failed" => Self::InvoiceStuck,
            // Another card is set up, and then it is the customer's.
            "customer.updated" | "setup_intent.succeeded" => Self::Customer,
            "payment_method.updated" | "payment_method.automatically_updated" => Self::Method,
            "mandate.updated" => Self::Mandate,
            _ => return None,
        })
    }
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEvent {
    /// Of our own account.
    Ours(ProviderEvent),
    /// Of an account that is connected to ours (<https://docs.stripe.com/connect/webhooks>): none of our business.
    OfAnotherAccount,
}

impl ReadEvent {
    /// The event, if it is of our account.
    pub fn ours(self) -> Option<ProviderEvent> {
        match self {
            Self::Ours(event) => Some(event),
            Self::OfAnotherAccount => None,
        }
    }
}

/// Reads an event that Stripe sent, as far as we need it, whatever version of the API it is written in.
pub fn event_from(payload: &str) -> Option<ReadEvent> {
    event_of(&serde_json::from_str(payload).ok()?)
}

/// The same of one that was listed.
pub fn event_of(value: &Value) -> Option<ReadEvent> {
    // A thin one has the kind behind the version of its namespace, and a name of its object instead of the object.
    let kind = value["type"].as_str()?;
    let kind = kind.strip_prefix("v1.").unwrap_or(kind);
    let id = value["id"].as_str()?.to_owned();
    let created = moment(&value["created"])?;
    let live = value["livemode"].as_bool()?;
    if value["account"].is_string() {
        return Some(ReadEvent::OfAnotherAccount);
    }
    let object = &value["data"]["object"];
    let object_id = if object["test_clock"].is_string() {
        tracing::info!(id, kind, "an event of a test clock is left alone: its time is not ours");
        ""
    } else if let Some(id) =
        value["related_object"]["id"].as_str().filter(|_| kind != "setup_intent.succeeded")
    {
        id
    } else {
        // A bill that is not made yet has no id to ask for.
        let about =
            if kind == "invoice.upcoming" { &object["parent"]["subscription_details"] } else { object };
        // What is told of a charge, and of what becomes of it, is news of its payment.
        let of_payment = ["charge.", "refund.", "radar.early_fraud_warning.", "review."];
        let is_of_payment = of_payment.iter().any(|start| kind.starts_with(start));
        let name = match kind {
            "invoice.upcoming" => "subscription",
            "setup_intent.succeeded" => "customer",
            _ if is_of_payment => "payment_intent",
            _ => "id",
        };
        about[name].as_str().unwrap_or_default()
    };
    Some(ReadEvent::Ours(ProviderEvent {
        object_id: object_id.to_owned(),
        id,
        kind: kind.to_owned(),
        created,
        live,
    }))
}

/// A moment as Stripe tells it: in seconds, or in the new namespace as text.
fn moment(value: &Value) -> Option<Moment> {
    let seconds = match value.as_str() {
        Some(text) => Moment::from_rfc3339(text)?.unix_seconds(),
        None => value.as_i64()?,
    };
    (0..1 << 40).contains(&seconds).then(|| Moment::from_unix_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Option<(String, String)> {
        event_from(payload)?.ours().map(|event| (event.kind, event.object_id))
    }

    fn known(kind: &str, object: &str) -> Option<(String, String)> {
        Some((kind.to_owned(), object.to_owned()))
    }

    /// TRUST D4: whatever version an endpoint has, and whether or not the object stands in it, it is known what happened to what.
    #[test]
    fn events_of_other_versions_and_without_their_object_are_read() {
        let old = r#"{"id":"evt_1","object":"event","api_version":"2015-10-16","created":1800000000,"livemode":false,
            "type":"invoice.payment_succeeded","data":{"object":{"id":"in_1","subscription":"sub_1","charge":"ch_1"}}}"#;
        assert_eq!(read(old), known("invoice.payment_succeeded", "in_1"));
        let thin = r#"{"id":"evt_2","object":"v2.core.event","created":"2027-01-15T08:00:00.123Z","livemode":false,
            "type":"v1.invoice.paid","related_object":{"id":"in_2","type":"invoice","url":"/v1/invoices/in_2"}}"#;
        assert_eq!(read(thin), known("invoice.paid", "in_2"));
        let at = event_from(thin).and_then(ReadEvent::ours).expect("an event").created;
        assert_eq!(at, Moment::from_unix_seconds(1_800_000_000));
    }

    /// What belongs to an account that is connected to ours, or to a test clock, is none of our business.
    #[test]
    fn what_is_not_about_our_account_or_our_time_is_left_alone() {
        let of = |more: &str, object: &str| {
            format!(
                r#"{{"id":"evt_1","type":"invoice.paid","created":1800000000,"livemode":false{more},"data":{{"object":{object}}}}}"#
            )
        };
        let (plain, clocked) =
            (r#"{"id":"in_1","test_clock":null}"#, r#"{"id":"in_1","test_clock":"clock_1"}"#);
        assert_eq!(read(&of("", plain)), known("invoice.paid", "in_1"));
        assert_eq!(event_from(&of(r#","account":"acct_2""#, plain)), Some(ReadEvent::OfAnotherAccount));
        assert_eq!(read(&of("", clocked)), known("invoice.paid", ""));
    }
}
