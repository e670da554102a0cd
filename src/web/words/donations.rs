//! Donations.

use super::count;
use crate::{
    donations::{
        Account, Became, DonationKind, EventSource, EventState, GiftStanding, PostingKind, RecurringState,
        RunningTotal, Total,
    },
    payments::{DisputeState, PayoutState, RefundState},
};

/// How a donation stands, and the colour of its pill.
pub(in crate::web) const fn standing(standing: GiftStanding) -> (&'static str, &'static str) {
    let pill = match standing {
        GiftStanding::Paid | GiftStanding::DisputeWon => "paid",
        GiftStanding::PartlyRefunded => "warn",
        GiftStanding::Disputed => "bad",
        GiftStanding::DisputeLost | GiftStanding::Failed => "failed",
        GiftStanding::Pending => "pending",
        GiftStanding::Refunded
        | GiftStanding::Expired
        | GiftStanding::Created
        | GiftStanding::CheckoutOpen => "",
    };
    (standing.in_words(), pill)
}

/// What somebody looks for.
pub(in crate::web) const fn became(became: Became) -> &'static str {
    match became {
        Became::Paid => "paid",
        Became::Waits => "waiting for the bank",
        Became::SentBack => "sent back",
        Became::Disputed => "in dispute, now or once",
        Became::Failed => "not paid",
        Became::Unfinished => "not finished",
    }
}

/// How far money is on its way back, and the colour of its pill.
pub(in crate::web) const fn refund(state: RefundState) -> (&'static str, &'static str) {
    match state {
        RefundState::RequiresAction => ("waits for the supporter", "pending"),
        RefundState::Pending => ("on its way", "pending"),
        RefundState::Succeeded => ("sent back", "paid"),
        RefundState::Canceled => ("called off", ""),
        RefundState::Failed => ("did not arrive", "failed"),
    }
}

/// How a dispute stands, and the colour of its pill.
pub(in crate::web) const fn dispute(state: DisputeState) -> (&'static str, &'static str) {
    match state {
        DisputeState::WarningNeedsResponse => ("the bank asks", "warn"),
        DisputeState::WarningUnderReview => ("the bank asked, and looks at our answer", "pending"),
        DisputeState::WarningClosed => ("the bank asked, and is content", "paid"),
        DisputeState::NeedsResponse | DisputeState::AppealNeedsResponse => ("waits for our answer", "bad"),
        DisputeState::UnderReview | DisputeState::AppealUnderReview => ("the bank decides", "pending"),
        DisputeState::Won => ("won: the money is ours again", "paid"),
        DisputeState::Lost => ("lost", "failed"),
        DisputeState::Prevented => ("over before it began: the money went back", ""),
    }
}

/// What helps against such a dispute.
pub(in crate::web) fn evidence(reason: &str) -> Vec<&'static str> {
    let mut all = vec![
        "the receipt, with its number and day",
        "the page on which the gift was made, and that it says what the money is for",
        "every letter to and from the supporter",
    ];
    match reason {
        "fraudulent" | "unrecognized" | "debit_not_authorized" => {
            all.push("earlier gifts from the same person that nobody disputed");
            all.push("that the supporter reads the magazine: when they subscribed and confirmed");
        }
        "duplicate" => all.push("both receipts, if these were two gifts"),
        "subscription_canceled" => all.push("the link to end it in each receipt, and that nobody used it"),
        _ => {}
    }
    all
}

/// How far money is on its way to our bank, and the colour of its pill.
pub(in crate::web) const fn payout(state: PayoutState) -> (&'static str, &'static str) {
    match state {
        PayoutState::Pending => ("to be sent", "pending"),
        PayoutState::InTransit => ("on its way", "pending"),
        PayoutState::Paid => ("at the bank", "paid"),
        PayoutState::Canceled => ("called off", ""),
        PayoutState::Failed => ("did not arrive", "failed"),
    }
}

/// What an entry of the book is one of.
pub(in crate::web) const fn posting(kind: PostingKind) -> &'static str {
    match kind {
        PostingKind::Payment => "a gift",
        PostingKind::Fee => "a fee",
        PostingKind::Exchange => "exchange",
        PostingKind::Refund => "sent back",
        PostingKind::RefundFailed => "sent back, and did not arrive",
        PostingKind::Dispute => "taken back by a bank",
        PostingKind::DisputeFee => "the fee of a dispute",
        PostingKind::DisputeWon => "a dispute that was won",
        PostingKind::Payout => "paid out",
        PostingKind::PayoutFailed => "paid out, and did not arrive",
        PostingKind::Adjustment => "put right",
        PostingKind::Offline => "given past the payment service",
    }
}

/// How often a gift is given.
pub(in crate::web) const fn kind(kind: DonationKind) -> &'static str {
    match kind {
        DonationKind::Once => "given once",
        DonationKind::Instalment => "given regularly",
    }
}

/// How a regular donation stands.
pub(in crate::web) const fn regular(state: RecurringState) -> &'static str {
    match state {
        RecurringState::Pending => "not begun",
        RecurringState::Active => "running",
        RecurringState::PastDue => "a payment failed and will be tried again",
        RecurringState::Paused => "rests",
        RecurringState::Unpaid => "payments failed",
        RecurringState::Cancelled => "ended",
    }
}

/// What so much was given as.
pub(in crate::web) fn given(total: &Total) -> String {
    let what = match (total.kind, total.number) {
        (Some(DonationKind::Once), 1) => "donation given once",
        (Some(DonationKind::Once), _) => "donations given once",
        (_, 1) => "payment of a regular donation",
        _ => "payments of regular donations",
    };
    format!("{} {what}", total.number)
}

/// How so much was given, and in how many gifts.
pub(in crate::web) fn given_in_all(total: &Total) -> String {
    match total.kind {
        Some(DonationKind::Once) => format!("given once, {}", count(total.number, "gift")),
        _ => format!("given regularly, {}", count(total.number, "payment")),
    }
}

/// What brings so much each time, or would.
pub(in crate::web) fn coming(total: &RunningTotal) -> String {
    let every = total.rhythm().words();
    let (number, s) = (total.number, if total.number == 1 { "" } else { "s" });
    match total.state {
        RecurringState::Paused => format!("would come {every}: {number} donation{s} at rest"),
        RecurringState::Unpaid => format!("would come {every}: {number} donation{s} whose payments failed"),
        _ => format!("{every}, {number} donation{s} running"),
    }
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

/// What the payment service told, by its kind (<https://docs.stripe.com/api/events/types>), which the log has for whoever looks after the server.
pub(in crate::web) fn happened(kind: &str) -> &'static str {
    match kind {
        "checkout.session.completed" => "The payment page was gone through",
        "checkout.session.expired" => "The payment page closed, and nothing was paid",
        "checkout.session.async_payment_failed" => "The bank did not pay",
        "checkout.session.async_payment_succeeded" => "The bank paid",
        "payment_intent.succeeded" | "charge.succeeded" => "A payment was made",
        "payment_intent.processing" => "A payment is on its way",
        "payment_intent.requires_action" => "The bank asks the supporter to confirm",
        "payment_intent.canceled" => "A payment was called off",
        "payment_intent.payment_failed" | "charge.failed" => "A payment was declined",
        "charge.updated" => "What a payment cost is known",
        "charge.refunded" | "charge.refund.updated" => "Money is sent back",
        "invoice.paid" | "invoice.payment_succeeded" | "invoice_payment.paid" => "A regular gift was paid",
        "invoice.payment_failed" => "A payment of a regular gift failed",
        "invoice.payment_action_required" => "The bank wants a regular gift confirmed",
        "invoice.upcoming" => "A payment of a regular gift comes up",
        "invoice.finalization_failed" => "A bill of a regular gift could not be made out",
        "customer.subscription.created" => "A regular gift began",
        "customer.subscription.deleted" => "A regular gift ended",
        "customer.deleted" => "A supporter was deleted at the payment service",
        "account.updated" => "The account changed",
        _ => match kind.split('.').next().unwrap_or_default() {
            "charge" => "A bank’s dispute",
            "refund" => "Money is sent back",
            "radar" => "A bank warns of a fraud",
            "review" => "The payment service looks at a payment",
            "payout" => "Money goes to your bank",
            "invoice" => "A bill of a regular gift changed",
            "customer" if kind.starts_with("customer.subscription") => "A regular gift changed",
            "customer" => "What is known of a supporter changed at the payment service",
            "mandate" => "What a bank lets be taken changed",
            "setup_intent" | "payment_method" => "A supporter’s card or account changed",
            _ => "Something changed at the payment service",
        },
    }
}

/// What moved on the balance at the payment service (<https://docs.stripe.com/reports/balance-transaction-types>).
pub(in crate::web) fn moved(kind: &str, is_a_gift: bool) -> &'static str {
    match kind {
        "charge" | "payment" if is_a_gift => "a gift",
        "charge" | "payment" => "a payment that is no gift",
        "refund" | "payment_refund" => "sent back",
        "refund_failure" | "payment_failure_refund" => "sent back, and did not arrive",
        "adjustment" => "a dispute, or put right by the payment service",
        "stripe_fee" | "tax_fee" => "a fee",
        "payout" => "paid out",
        "payout_failure" | "payout_cancel" => "paid out, and did not arrive",
        "topup" => "paid in by you",
        _ => "moved by the payment service",
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
pub(in crate::web) const fn account(account: Account) -> &'static str {
    match account {
        Account::Provider => "Held by Stripe",
        Account::Bank => "At the bank",
        Account::Cash => "Cash",
        Account::IncomeOnce => "Given once",
        Account::IncomeMonthly => "Given regularly",
        Account::IncomeOffline => "Given past the payment service",
        Account::Fees => "Fees",
        Account::Refunds => "Sent back",
        Account::Disputed => "Taken back by banks",
        Account::Exchange => "Exchanged",
        Account::Others => "No gift",
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
