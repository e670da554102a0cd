//! Donations.

use crate::donations::reports::Total;

/// How a donation stands, and the colour of its pill.
pub(in crate::web) fn state(state: &str) -> (&'static str, &'static str) {
    match state {
        "paid" => ("paid", "paid"),
        "pending" => ("waiting for the bank", "pending"),
        "failed" => ("not paid", "failed"),
        "expired" => ("not finished", ""),
        _ => ("at the checkout", ""),
    }
}

/// How a monthly donation stands.
pub(in crate::web) fn monthly(state: &str) -> &'static str {
    match state {
        "active" => "running",
        "past_due" => "a payment failed and will be tried again",
        "paused" => "paused",
        "unpaid" => "payments failed",
        "cancelled" => "ended",
        _ => "not begun",
    }
}

/// What so much was given as.
pub(in crate::web) fn given(total: &Total) -> String {
    let what = match (total.kind.as_str(), total.number) {
        ("once", 1) => "donation given once",
        ("once", _) => "donations given once",
        (_, 1) => "month of a monthly donation",
        _ => "months of monthly donations",
    };
    format!("{} {what}", total.number)
}

/// What will bring so much each month.
pub(in crate::web) fn coming(total: &Total) -> String {
    let what = if total.number == 1 { "monthly donation running" } else { "monthly donations running" };
    format!("each month, {} {what}", total.number)
}

/// What became of what the payment service told us.
pub(in crate::web) fn event(state: &str) -> &'static str {
    match state {
        "done" => "applied",
        "ignored" => "no concern of ours",
        "dead" => "given up",
        _ => "waiting",
    }
}

/// An account of the book.
pub(in crate::web) fn account(account: &str) -> &str {
    match account {
        "provider:stripe" => "Held by Stripe",
        "income:once" => "Given once",
        "income:monthly" => "Given monthly",
        other => other,
    }
}
