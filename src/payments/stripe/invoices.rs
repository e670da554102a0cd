//! Invoices (<https://docs.stripe.com/api/invoices/object>).

use serde::Deserialize;

use super::super::{Invoice, money_of};
use crate::clock::Moment;

/// What is read of an invoice.
#[derive(Deserialize)]
pub struct WireInvoice {
    id: String,
    status: Option<String>,
    created: i64,
    status_transitions: Option<WireTransitions>,
    amount_paid: Option<i64>,
    amount_due: Option<i64>,
    amount_paid_off_stripe: Option<i64>,
    next_payment_attempt: Option<i64>,
    hosted_invoice_url: Option<String>,
    currency: Option<String>,
    billing_reason: Option<String>,
    customer_email: Option<String>,
    customer_name: Option<String>,
    parent: Option<WireParent>,
    payments: Option<WireInvoicePayments>,
    last_finalization_error: Option<WireProblem>,
}

#[derive(Deserialize)]
struct WireProblem {
    code: Option<String>,
    r#type: Option<String>,
}

#[derive(Deserialize)]
struct WireTransitions {
    paid_at: Option<i64>,
}

#[derive(Deserialize)]
struct WireParent {
    subscription_details: Option<WireSubscriptionDetails>,
}

#[derive(Deserialize)]
struct WireSubscriptionDetails {
    subscription: Option<String>,
}

#[derive(Deserialize)]
struct WireInvoicePayments {
    data: Vec<WireInvoicePayment>,
}

#[derive(Deserialize)]
struct WireInvoicePayment {
    status: Option<String>,
    payment: Option<WirePaymentName>,
}

#[derive(Deserialize)]
struct WirePaymentName {
    payment_intent: Option<String>,
}

/// What was paid in all. It is not said whether the amount that was paid holds what was paid elsewhere; no more was paid than was
/// due, and so it can be told.
pub fn in_all(paid: Option<i64>, elsewhere: i64, due: Option<i64>) -> Option<i64> {
    let paid = paid?;
    let both = paid.saturating_add(elsewhere);
    Some(if both <= due.unwrap_or(paid.max(elsewhere)) { both } else { paid.max(elsewhere) })
}

impl From<WireInvoice> for Invoice {
    fn from(wire: WireInvoice) -> Self {
        let elsewhere = wire.amount_paid_off_stripe.unwrap_or(0).max(0);
        let paid = in_all(wire.amount_paid, elsewhere, wire.amount_due);
        let payments = wire.payments.map(|list| list.data).unwrap_or_default();
        let by = |wanted: &str| {
            let is = |one: &&WireInvoicePayment| one.status.as_deref().is_none_or(|status| status == wanted);
            let named = |one: &WireInvoicePayment| one.payment.as_ref()?.payment_intent.clone();
            payments.iter().filter(is).find_map(named)
        };
        let (payment, waits_for) = (by("paid"), by("open"));
        Self {
            paid: wire.status.as_deref() == Some("paid"),
            open: wire.status.as_deref() == Some("open"),
            stuck: wire
                .last_finalization_error
                .filter(|_| wire.status.as_deref() == Some("draft"))
                .map(|problem| problem.code.or(problem.r#type).unwrap_or_default()),
            paid_at: wire.status_transitions.and_then(|moves| moves.paid_at).map(Moment::from_unix_seconds),
            created: Moment::from_unix_seconds(wire.created),
            amount: money_of(paid, wire.currency.as_deref()),
            elsewhere_minor: elsewhere.min(paid.unwrap_or(0)),
            next_try: wire.next_payment_attempt.map(Moment::from_unix_seconds),
            page: wire.hosted_invoice_url.filter(|page| page.starts_with("http")),
            first: wire.billing_reason.as_deref() == Some("subscription_create"),
            subscription: wire
                .parent
                .and_then(|parent| parent.subscription_details)
                .and_then(|details| details.subscription),
            payment,
            waits_for,
            email: wire.customer_email,
            name: wire.customer_name,
            id: wire.id,
        }
    }
}
