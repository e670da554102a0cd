//! The shapes of invoices: their lines, what is taken off, and the link to what pays them.

use serde_json::{Value, json};

use super::objects::{Period, list_of};

/// One line of an invoice.
#[derive(Clone, Debug)]
pub(super) struct BillLine {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) description: Value,
    pub(super) price: Value,
    pub(super) item: Value,
    pub(super) quantity: i64,
    pub(super) proration: bool,
    pub(super) period: Period,
}

/// What an invoice asks money for.
pub(super) struct Bill<'a> {
    pub(super) id: &'a str,
    pub(super) number: &'a str,
    pub(super) reason: &'a str,
    pub(super) email: Option<&'a str>,
    pub(super) lines: Vec<BillLine>,
    /// What a coupon takes off, and the discount it comes by.
    pub(super) discount: Option<(i64, Value)>,
    /// What the customer has with the provider already: below zero is credit.
    pub(super) starting_balance: i64,
    pub(super) period: Period,
    pub(super) now: i64,
}

fn line(bill: &Bill<'_>, line: &BillLine, subscription: &Value) -> Value {
    json!({
        "id": line.id, "object": "line_item", "amount": line.amount, "currency": subscription["currency"],
        "description": line.description, "discount_amounts": [], "discountable": true, "discounts": [],
        "invoice": bill.id, "livemode": false, "metadata": subscription["metadata"],
        "parent": {
            "invoice_item_details": null, "type": "subscription_item_details",
            "subscription_item_details": {
                "invoice_item": null, "proration": line.proration, "proration_details": { "credited_items": null },
                "subscription": subscription["id"], "subscription_item": line.item,
            },
        },
        "period": { "start": line.period.start, "end": line.period.end }, "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": line.price["id"], "product": line.price["product"] }, "type": "price_details",
            "unit_amount_decimal": line.price["unit_amount_decimal"],
        },
        "quantity": line.quantity, "subtotal": line.amount, "taxes": [],
    })
}

/// An invoice as a draft. Its subscription stands under `parent`, where it moved in 2025.
pub(super) fn invoice(bill: &Bill<'_>, subscription: &Value) -> Value {
    let subtotal: i64 = bill.lines.iter().map(|line| line.amount).sum();
    let off = bill.discount.as_ref().map_or(0, |(off, _)| (*off).min(subtotal.max(0)));
    let total = subtotal - off;
    let due = (total + bill.starting_balance).max(0);
    let discount = bill.discount.as_ref().map(|(_, discount)| discount);
    let lines = bill.lines.iter().map(|own| line(bill, own, subscription)).collect();
    let url = format!("/v1/invoices/{}/lines", bill.id);
    json!({
        "id": bill.id, "object": "invoice", "account_country": "NL", "account_name": "Sandbox", "account_tax_ids": null,
        "amount_due": due, "amount_overpaid": 0, "amount_paid": 0, "amount_paid_off_stripe": 0, "amount_remaining": due,
        "amount_shipping": 0, "application": null, "attempt_count": 0, "attempted": false, "auto_advance": true,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null },
        "automatically_finalizes_at": null, "billing_reason": bill.reason, "collection_method": "charge_automatically",
        "created": bill.now, "currency": subscription["currency"], "custom_fields": null, "customer": subscription["customer"],
        "customer_address": null, "customer_email": bill.email, "customer_name": null, "customer_phone": null,
        "customer_shipping": null, "customer_tax_exempt": "none", "customer_tax_ids": [], "default_payment_method": null,
        "default_source": null, "default_tax_rates": [], "description": null,
        "discounts": discount.map_or_else(Vec::new, |discount| vec![discount["id"].clone()]), "due_date": null,
        "effective_at": null, "ending_balance": null, "footer": null, "from_invoice": null, "hosted_invoice_url": null,
        "invoice_pdf": null, "issuer": { "type": "self" }, "last_finalization_error": null, "latest_revision": null,
        "lines": list_of(lines, &url), "livemode": false, "metadata": {}, "next_payment_attempt": null,
        "number": bill.number, "on_behalf_of": null,
        "parent": {
            "quote_details": null, "type": "subscription_details",
            "subscription_details": { "metadata": subscription["metadata"], "subscription": subscription["id"] },
        },
        "payment_settings": { "default_mandate": null, "payment_method_options": null, "payment_method_types": null },
        "period_start": bill.period.start, "period_end": bill.period.start,
        "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0, "receipt_number": null,
        "rendering": null, "shipping_cost": null, "shipping_details": null, "starting_balance": bill.starting_balance,
        "statement_descriptor": null, "status": "draft",
        "status_transitions": { "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
        "subtotal": subtotal, "subtotal_excluding_tax": subtotal, "test_clock": null, "total": total,
        "total_discount_amounts": discount.map_or_else(Vec::new, |discount| vec![json!({ "amount": off, "discount": discount["id"] })]),
        "total_excluding_tax": total, "total_pretax_credit_amounts": [], "total_taxes": [],
        "webhooks_delivered_at": null,
    })
}

/// The link between an invoice and the payment intent that pays it.
pub(super) fn invoice_payment(id: &str, invoice: &Value, intent: &str, now: i64) -> Value {
    json!({
        "id": id, "object": "invoice_payment", "amount_paid": null, "amount_requested": invoice["amount_due"],
        "created": now, "currency": invoice["currency"], "invoice": invoice["id"], "is_default": true, "livemode": false,
        "payment": { "payment_intent": intent, "type": "payment_intent" }, "status": "open",
        "status_transitions": { "canceled_at": null, "paid_at": null },
    })
}
