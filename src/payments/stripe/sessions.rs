//! Checkout sessions (<https://docs.stripe.com/api/checkout/sessions/object>).

use serde::Deserialize;

use super::{
    super::{CheckoutSession, Every, NewCheckout, ProviderError, SessionState, money_of},
    DONATION, Fields, Metadata, RECURRING, our_ids,
};
use crate::{clock::Moment, money};

/// What a new checkout page is asked for with.
pub fn checkout_fields(new: &NewCheckout) -> Result<Fields, ProviderError> {
    let currency = money::currency(&new.currency)
        .ok_or_else(|| ProviderError::Invalid(format!("{} is not a currency we know", new.currency)))?;
    let (mode, made) = match new.every {
        Every::Once => ("payment", "payment_intent_data"),
        Every::Month => ("subscription", "subscription_data"),
    };
    let mut fields = Fields::new();
    let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
    add("mode", mode);
    add("client_reference_id", &new.donation);
    add("customer_email", &new.email);
    add("success_url", &new.success_url);
    add("cancel_url", &new.cancel_url);
    add("line_items[0][quantity]", "1");
    add("line_items[0][price_data][currency]", &currency.code().to_lowercase());
    add("line_items[0][price_data][unit_amount]", &new.amount_minor.to_string());
    add("line_items[0][price_data][product_data][name]", &new.description);
    if new.every == Every::Month {
        add("line_items[0][price_data][recurring][interval]", "month");
    }
    add(&format!("{made}[description]"), &new.description);
    // The session's metadata is not copied to what it makes: the payment and the subscription get their own.
    for place in ["metadata".to_owned(), format!("{made}[metadata]")] {
        add(&format!("{place}[{DONATION}]"), &new.donation);
        if let Some(recurring) = &new.recurring {
            add(&format!("{place}[{RECURRING}]"), recurring);
        }
    }
    Ok(fields)
}

/// What is read of a session.
#[derive(Deserialize)]
pub struct WireSession {
    id: String,
    status: Option<String>,
    payment_status: String,
    mode: String,
    metadata: Metadata,
    amount_total: Option<i64>,
    currency: Option<String>,
    payment_intent: Option<String>,
    subscription: Option<String>,
    invoice: Option<String>,
    customer_email: Option<String>,
    customer_details: Option<WireCustomer>,
    created: i64,
}

#[derive(Deserialize)]
struct WireCustomer {
    email: Option<String>,
    name: Option<String>,
}

impl From<WireSession> for CheckoutSession {
    fn from(wire: WireSession) -> Self {
        let details = wire.customer_details;
        Self {
            state: match (wire.status.as_deref(), wire.payment_status.as_str()) {
                (Some("expired"), _) => SessionState::Expired,
                (Some("complete"), "paid" | "no_payment_required") => SessionState::Paid,
                (Some("complete"), _) => SessionState::Unpaid,
                _ => SessionState::Open,
            },
            every: if wire.mode == "subscription" { Every::Month } else { Every::Once },
            ours: our_ids(&wire.metadata),
            total: money_of(wire.amount_total, wire.currency.as_deref()),
            payment: wire.payment_intent,
            subscription: wire.subscription,
            invoice: wire.invoice,
            email: details.as_ref().and_then(|known| known.email.clone()).or(wire.customer_email),
            name: details.and_then(|known| known.name),
            created: Moment::from_unix_seconds(wire.created),
            id: wire.id,
        }
    }
}
