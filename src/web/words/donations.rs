//! Donations.

use crate::donations::{DonationKind, DonationState, EventSource, EventState, RecurringState, Total};

/// How a donation stands, and the colour of its pill.
pub(in crate::web) const fn state(state: DonationState) -> (&'static str, &'static str) {
    match state {
        DonationState::Paid => ("paid", "paid"),
        DonationState::Pending => ("waiting for the bank", "pending"),
        DonationState::Failed => ("not paid", "failed"),
        DonationState::Expired => ("not finished", ""),
        DonationState::Created | DonationState::CheckoutOpen => ("at the checkout", ""),
    }
}

/// How often a gift is given.
pub(in crate::web) const fn kind(kind: DonationKind) -> &'static str {
    match kind {
        DonationKind::Once => "given once",
        DonationKind::Instalment => "given monthly",
    }
}

/// How a monthly donation stands.
pub(in crate::web) const fn monthly(state: RecurringState) -> &'static str {
    match state {
        RecurringState::Pending => "not begun",
        RecurringState::Active => "running",
        RecurringState::PastDue => "a payment failed and will be tried again",
        RecurringState::Paused => "paused",
        RecurringState::Unpaid => "payments failed",
        RecurringState::Cancelled => "ended",
    }
}

/// What so much was given as.
pub(in crate::web) fn given(total: &Total) -> String {
    let what = match (total.kind, total.number) {
        (Some(DonationKind::Once), 1) => "donation given once",
        (Some(DonationKind::Once), _) => "donations given once",
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
pub(in crate::web) const fn event(state: EventState) -> &'static str {
    match state {
        EventState::New => "waiting",
        EventState::Done => "applied",
        EventState::Ignored => "no concern of ours",
        EventState::Dead => "given up",
    }
}

/// How we heard of it.
pub(in crate::web) const fn heard(source: EventSource) -> &'static str {
    match source {
        EventSource::Webhook => "told",
        EventSource::Poll => "found by asking",
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

/// What may help whoever comes back from a card that was declined, by the provider's word for why
/// (<https://docs.stripe.com/declines/codes>). What the bank thinks of somebody is for the bank to say.
pub(in crate::web) fn declined(code: &str) -> &'static str {
    match code {
        "insufficient_funds" | "withdrawal_count_limit_exceeded" => {
            "The bank said no to the last card: there was not enough on it. Nothing was charged. A smaller amount or another card may work."
        }
        "expired_card" => "The last card has run out. Nothing was charged. Another card may work.",
        "incorrect_number"
        | "invalid_number"
        | "incorrect_cvc"
        | "invalid_cvc"
        | "incorrect_zip"
        | "invalid_expiry_month"
        | "invalid_expiry_year" => {
            "Something on the last card was mistyped: the number, the date or the code on its back. Nothing was charged. Please look at it once more."
        }
        "authentication_required" | "authentication_not_handled" => {
            "The bank wanted to know that it is you, and heard nothing. Nothing was charged. Please try again, and confirm it in your bank’s app."
        }
        "processing_error" | "issuer_not_available" | "try_again_later" | "reenter_transaction" => {
            "The bank could not be reached. Nothing was charged. Please try again in a few minutes."
        }
        "currency_not_supported" | "card_not_supported" | "transaction_not_allowed" => {
            "The last card does not take this kind of payment. Nothing was charged. Another card may work, or your bank can tell you more."
        }
        _ => {
            "The bank said no to the last card, and does not tell us why. Nothing was charged. Another card may work, or your bank can tell you more."
        }
    }
}
