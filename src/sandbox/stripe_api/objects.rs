//! Stripe's objects in the shape of API version 2026-09-30: the field names, and which fields are ids that can be expanded.
//!
//! The rule: no field here that Stripe's published types do not have. What only this server needs to know stands under
//! `_sandbox`, which never leaves it.

use serde_json::{Map, Value, json};

/// The one version of the API that is spoken here.
pub(super) const API_VERSION: &str = "2026-09-30.endive";

pub(super) fn customer(id: &str, email: Option<&str>, now: i64) -> Value {
    json!({
        "id": id, "object": "customer", "address": null, "balance": 0, "created": now, "currency": null,
        "default_source": null, "delinquent": false, "description": null, "discount": null, "email": email,
        "invoice_prefix": "SANDBOX", "livemode": false, "metadata": {}, "name": null, "next_invoice_sequence": 1,
        "phone": null, "preferred_locales": [], "shipping": null, "tax_exempt": "none", "test_clock": null,
        "invoice_settings": { "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null },
    })
}

pub(super) fn payment_method(
    id: &str,
    kind: Method,
    email: Option<&str>,
    customer: Option<&str>,
    now: i64,
) -> Value {
    let mut method = json!({
        "id": id, "object": "payment_method", "allow_redisplay": "limited", "billing_details": billing(email),
        "created": now, "customer": customer, "livemode": false, "metadata": {}, "type": kind.name(),
    });
    method[kind.name()] = kind.details();
    method
}

/// How the visitor of the checkout page pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Card,
    BankDebit,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankDebit => "sepa_debit",
        }
    }

    fn details(self) -> Value {
        match self {
            Self::Card => json!({
                "brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242",
            }),
            Self::BankDebit => {
                json!({ "bank_code": "37040044", "branch_code": "", "country": "DE", "last4": "3000" })
            }
        }
    }
}

fn billing(email: Option<&str>) -> Value {
    json!({ "address": null, "email": email, "name": null, "phone": null, "tax_id": null })
}

/// What is paid for, and by whom.
pub(super) struct Payment<'a> {
    pub(super) amount: i64,
    pub(super) currency: &'a str,
    pub(super) customer: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) metadata: Map<String, Value>,
}

pub(super) fn payment_intent(id: &str, secret: &str, payment: &Payment<'_>, now: i64) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": payment.amount, "amount_capturable": 0, "amount_received": 0,
        "application": null, "application_fee_amount": null, "automatic_payment_methods": null, "canceled_at": null,
        "cancellation_reason": null, "capture_method": "automatic_async", "client_secret": secret,
        "confirmation_method": "automatic", "created": now, "currency": payment.currency, "customer": payment.customer,
        "description": payment.description, "last_payment_error": null, "latest_charge": null, "livemode": false,
        "metadata": payment.metadata, "next_action": null, "on_behalf_of": null, "payment_method": null,
        "payment_method_types": ["card", "sepa_debit"], "processing": null, "receipt_email": null, "review": null,
        "setup_future_usage": null, "shipping": null, "source": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "requires_payment_method", "transfer_data": null,
        "transfer_group": null,
    })
}

/// A charge that belongs to a payment intent; its status is `pending`, `succeeded` or `failed`.
pub(super) fn charge(
    id: &str,
    intent: &Value,
    method: Method,
    method_id: &str,
    status: &str,
    email: Option<&str>,
    now: i64,
) -> Value {
    let failed = status == "failed";
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let mut details = json!({ "type": method.name() });
    details[method.name()] = method.details();
    json!({
        "id": id, "object": "charge", "amount": amount, "amount_captured": if status == "succeeded" { amount } else { 0 },
        "amount_refunded": 0, "application": null, "application_fee": null, "application_fee_amount": null,
        "balance_transaction": null, "billing_details": billing(email), "calculated_statement_descriptor": "SANDBOX",
        "captured": status == "succeeded", "created": now, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": false, "failure_balance_transaction": null,
        "failure_code": if failed { json!("card_declined") } else { Value::Null },
        "failure_message": if failed { json!(DECLINED) } else { Value::Null },
        "fraud_details": {}, "livemode": false, "metadata": intent["metadata"], "on_behalf_of": null,
        "outcome": {
            "network_status": if failed { "declined_by_network" } else { "approved_by_network" },
            "reason": if failed { json!("generic_decline") } else { Value::Null },
            "risk_level": "normal", "seller_message": if failed { "The bank did not return any further details with this decline." } else { "Payment complete." },
            "type": if failed { "issuer_declined" } else { "authorized" },
        },
        "paid": !failed, "payment_intent": intent["id"], "payment_method": method_id, "payment_method_details": details,
        "radar_options": {}, "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false,
        "review": null, "shipping": null, "source": null, "source_transfer": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": status, "transfer_data": null, "transfer_group": null,
    })
}

/// What a declined card is told.
pub(super) const DECLINED: &str = "Your card was declined.";

/// The code, the decline code and the words of a card that answers so.
pub(super) fn refusal(answer: &str) -> (&'static str, &str, &'static str) {
    match answer {
        "insufficient_funds" => ("card_declined", answer, "Your card has insufficient funds."),
        "expired_card" => ("expired_card", answer, "Your card has expired."),
        "incorrect_cvc" => ("incorrect_cvc", answer, "Your card's security code is incorrect."),
        "incorrect_number" => ("incorrect_number", answer, "Your card number is incorrect."),
        "processing_error" => (
            "processing_error",
            answer,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        "authentication_required" => (
            "authentication_required",
            answer,
            "Your card was declined. This transaction requires authentication.",
        ),
        "" => ("card_declined", "generic_decline", DECLINED),
        _ => ("card_declined", answer, DECLINED),
    }
}

pub(super) fn payment_error(charge: &str, method: &Value, answer: &str) -> Value {
    let (code, decline, message) = refusal(answer);
    json!({
        "charge": charge, "code": code, "decline_code": decline,
        "doc_url": format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")), "message": message,
        "payment_method": method, "type": "card_error",
    })
}

/// Something that prices are for.
pub(super) fn product(id: &str, name: &str, now: i64) -> Value {
    json!({
        "id": id, "object": "product", "active": true, "created": now, "default_price": null, "description": null, "images": [],
        "livemode": false, "marketing_features": [], "metadata": {}, "name": name, "package_dimensions": null,
        "shippable": null, "statement_descriptor": null, "tax_code": null, "type": "service", "unit_label": null,
        "updated": now, "url": null,
    })
}

/// A price made for one line of one checkout.
pub(super) struct Price<'a> {
    pub(super) id: &'a str,
    pub(super) product: &'a str,
    pub(super) currency: &'a str,
    pub(super) unit_amount: i64,
    pub(super) recurring: Option<(&'a str, i64)>,
    pub(super) now: i64,
}

impl Price<'_> {
    pub(super) fn object(&self) -> Value {
        let recurring = self.recurring.map(|(interval, count)| {
            json!({ "interval": interval, "interval_count": count, "meter": null, "trial_period_days": null, "usage_type": "licensed" })
        });
        json!({
            "id": self.id, "object": "price", "active": false, "billing_scheme": "per_unit", "created": self.now,
            "currency": self.currency, "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {},
            "nickname": null, "product": self.product, "recurring": recurring, "tax_behavior": "unspecified",
            "tiers_mode": null, "transform_quantity": null,
            "type": if self.recurring.is_some() { "recurring" } else { "one_time" },
            "unit_amount": self.unit_amount, "unit_amount_decimal": self.unit_amount.to_string(),
        })
    }
}

/// A period of a subscription, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) start: i64,
    pub(super) end: i64,
}

pub(super) fn subscription(
    id: &str,
    item: &Value,
    customer: &str,
    method: &str,
    metadata: &Value,
    now: i64,
) -> Value {
    json!({
        "id": id, "object": "subscription", "application": null, "application_fee_percent": null,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null }, "billing_cycle_anchor": now,
        "billing_cycle_anchor_config": null, "billing_mode": { "flexible": null, "type": "flexible", "updated_at": null },
        "billing_schedules": [], "billing_thresholds": null, "cancel_at": null, "cancel_at_period_end": false,
        "canceled_at": null, "cancellation_details": { "comment": null, "feedback": null, "reason": null },
        "collection_method": "charge_automatically", "created": now, "currency": item["price"]["currency"],
        "customer": customer, "days_until_due": null, "default_payment_method": method, "default_source": null,
        "default_tax_rates": [], "description": null, "discounts": [], "ended_at": null,
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": list_of(vec![item.clone()], &format!("/v1/subscription_items?subscription={id}")),
        "latest_invoice": null, "livemode": false, "metadata": metadata, "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null, "pause_collection": null,
        "payment_settings": { "payment_method_options": null, "payment_method_types": null, "save_default_payment_method": "off" },
        "pending_invoice_item_interval": null, "pending_setup_intent": null, "pending_update": null, "schedule": null,
        "start_date": now, "status": "incomplete", "test_clock": null, "transfer_data": null, "trial_end": null,
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } }, "trial_start": null,
    })
}

pub(super) fn subscription_item(
    id: &str,
    subscription: &str,
    price: &Value,
    quantity: i64,
    period: Period,
    now: i64,
) -> Value {
    let recurring = &price["recurring"];
    json!({
        "id": id, "object": "subscription_item", "billing_thresholds": null, "created": now,
        "current_period_end": period.end, "current_period_start": period.start, "discounts": [], "metadata": {},
        "plan": {
            "id": price["id"], "object": "plan", "active": false, "amount": price["unit_amount"],
            "amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit", "created": price["created"],
            "currency": price["currency"], "interval": recurring["interval"], "interval_count": recurring["interval_count"],
            "livemode": false, "metadata": {}, "meter": null, "nickname": null, "product": price["product"],
            "tiers_mode": null, "transform_usage": null, "trial_period_days": null, "usage_type": "licensed",
        },
        "price": price, "quantity": quantity, "subscription": subscription, "tax_rates": [],
    })
}

/// What a checkout session is about.
pub(super) struct Checkout<'a> {
    pub(super) id: &'a str,
    pub(super) url: &'a str,
    pub(super) mode: &'a str,
    pub(super) amount: i64,
    pub(super) currency: &'a str,
    pub(super) expires_at: i64,
    pub(super) now: i64,
}

pub(super) fn session(checkout: &Checkout<'_>) -> Value {
    let payment = checkout.mode == "payment";
    json!({
        "id": checkout.id, "object": "checkout.session", "adaptive_pricing": { "enabled": false }, "after_expiration": null,
        "allow_promotion_codes": null, "amount_subtotal": checkout.amount, "amount_total": checkout.amount,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null, "cancel_url": null, "client_reference_id": null, "client_secret": null,
        "collected_information": null, "consent": null, "consent_collection": null, "created": checkout.now,
        "currency": checkout.currency, "currency_conversion": null, "custom_fields": [],
        "custom_text": { "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null },
        "customer": null, "customer_creation": if payment { json!("if_required") } else { Value::Null },
        "customer_details": null, "customer_email": null, "discounts": [], "expires_at": checkout.expires_at, "invoice": null,
        "invoice_creation": if payment {
            json!({ "enabled": false, "invoice_data": {
                "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": null,
                "metadata": {}, "rendering_options": null } })
        } else { Value::Null },
        "livemode": false, "locale": null, "metadata": {}, "mode": checkout.mode, "origin_context": null,
        "payment_intent": null, "payment_link": null, "payment_method_collection": if payment { "if_required" } else { "always" },
        "payment_method_configuration_details": null, "payment_method_options": {}, "payment_method_types": ["card", "sepa_debit"],
        "payment_status": "unpaid", "permissions": null, "phone_number_collection": { "enabled": false },
        "recovered_from": null, "saved_payment_method_options": null, "setup_intent": null,
        "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [], "status": "open",
        "submit_type": null, "subscription": null, "success_url": null,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 }, "ui_mode": "hosted_page",
        "url": checkout.url, "wallet_options": null,
    })
}

pub(super) fn customer_details(email: &str) -> Value {
    json!({ "address": null, "business_name": null, "email": email, "individual_name": null, "name": null, "phone": null, "tax_exempt": "none", "tax_ids": [] })
}

pub(super) fn portal_session(
    id: &str,
    customer: &str,
    return_url: Option<&str>,
    url: &str,
    now: i64,
) -> Value {
    json!({
        "id": id, "object": "billing_portal.session", "configuration": "bpc_sandbox", "created": now, "customer": customer,
        "flow": null, "livemode": false, "locale": null, "on_behalf_of": null, "return_url": return_url, "url": url,
    })
}

pub(super) fn event(
    id: &str,
    kind: &str,
    object: Value,
    previous: Option<Value>,
    cause: (Option<&str>, Option<&str>),
    now: i64,
) -> Value {
    let mut data = json!({ "object": object });
    if let Some(previous) = previous {
        data["previous_attributes"] = previous;
    }
    json!({
        "id": id, "object": "event", "api_version": API_VERSION, "created": now, "data": data, "livemode": false,
        "pending_webhooks": 0, "request": { "id": cause.0, "idempotency_key": cause.1 }, "type": kind,
    })
}

pub(super) fn list_of(data: Vec<Value>, url: &str) -> Value {
    let total = data.len();
    json!({ "object": "list", "data": data, "has_more": false, "total_count": total, "url": url })
}
