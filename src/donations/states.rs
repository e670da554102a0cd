//! The words that the tables of donations hold.

pub use crate::payments::RecurringState;
use crate::words;

words! {
    /// How far a donation has come. What only a newer version knows is not thanked for.
    pub enum DonationState else Pending {
        /// The supporter has set out.
        Created = "created",
        /// They may pay.
        CheckoutOpen = "checkout_open",
        /// The bank has yet to pay.
        Pending = "pending",
        /// The money is there.
        Paid = "paid",
        /// The bank did not pay.
        Failed = "failed",
        /// Nobody paid in time.
        Expired = "expired",
    }
}

words! {
    /// What a donation is one of.
    pub enum DonationKind {
        /// A gift given once.
        Once = "once",
        /// One payment of a regular donation.
        Instalment = "instalment",
    }
}

impl DonationKind {
    /// On pages and in files. How often a regular donation comes may have been otherwise when this one was paid, and is not said
    /// of one gift.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Instalment => "regular",
        }
    }
}

words! {
    /// How a gift stands: how far it has come, and what became of it after it was paid. The database computes it, in
    /// `gift_standing`, of the gift's own state, its refunds and its disputes.
    pub enum GiftStanding else Pending {
        /// The supporter has set out.
        Created = "created",
        /// They may pay.
        CheckoutOpen = "checkout_open",
        /// The bank has yet to pay, or somebody has to look at the payment first.
        Pending = "pending",
        /// The money is there.
        Paid = "paid",
        /// Some of it was given back.
        PartlyRefunded = "partly_refunded",
        /// All of it was given back.
        Refunded = "refunded",
        /// The supporter's bank has taken it back, and has yet to decide.
        Disputed = "disputed",
        /// The bank took it back, and was wrong: the money is there.
        DisputeWon = "dispute_won",
        /// The bank has taken it back for good.
        DisputeLost = "dispute_lost",
        /// The bank did not pay.
        Failed = "failed",
        /// Nobody paid in time.
        Expired = "expired",
    }
}

impl GiftStanding {
    /// In a treasurer's words, at the desk and in files.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PartlyRefunded => "partly sent back",
            Self::Refunded => "sent back",
            Self::Disputed => "in dispute",
            Self::DisputeWon => "paid, dispute won",
            Self::DisputeLost => "taken back by the bank",
            Self::Pending => "waiting for the bank",
            Self::Failed => "not paid",
            Self::Expired => "not finished",
            Self::Created | Self::CheckoutOpen => "at the checkout",
        }
    }
}

words! {
    /// Where money lies, went to or came from.
    pub enum Account {
        /// What Stripe holds for us.
        Provider = "provider:stripe",
        Bank = "bank",
        Cash = "cash",
        IncomeOnce = "income:once",
        IncomeMonthly = "income:monthly",
        IncomeOffline = "income:offline",
        Fees = "fees",
        Refunds = "refunds",
        /// What banks took back.
        Disputed = "disputed",
        /// What went from one currency into another.
        Exchange = "exchange",
        /// Money on the provider's balance that is no gift: of other software, or moved by hand.
        Others = "others",
    }
}

impl Account {
    /// Where gifts of a kind come from.
    #[must_use]
    pub const fn income(kind: DonationKind) -> Self {
        match kind {
            DonationKind::Once => Self::IncomeOnce,
            DonationKind::Instalment => Self::IncomeMonthly,
        }
    }
}

words! {
    /// What is compared.
    pub enum Compared {
        Payment = "payment",
        /// What was paid for a monthly donation.
        Invoice = "invoice",
        Refund = "refund",
        Dispute = "dispute",
        Movement = "movement",
        Payout = "payout",
        Subscription = "subscription",
    }
}

words! {
    /// What an entry in the book is one of, and what is reversed by what.
    pub enum PostingKind {
        /// A gift came in over the provider.
        Payment = "payment",
        /// The provider kept some of it.
        Fee = "fee",
        /// It came in one currency and lies there in another.
        Exchange = "exchange",
        /// It was given back.
        Refund = "refund",
        /// It was given back and came back to us.
        RefundFailed = "refund_failed",
        /// A bank took it back.
        Dispute = "dispute",
        /// What the provider asks for that.
        DisputeFee = "dispute_fee",
        /// The bank gave it to us again.
        DisputeWon = "dispute_won",
        /// What the provider holds went to our bank.
        Payout = "payout",
        /// Our bank did not take it.
        PayoutFailed = "payout_failed",
        /// Whatever else moved on the provider's balance.
        Adjustment = "adjustment",
        /// A gift came in past the provider.
        Offline = "offline",
    }
}

words! {
    /// How we heard of an event.
    pub enum EventSource {
        /// The provider told us.
        Webhook = "webhook",
        /// We asked.
        Poll = "poll",
    }
}

words! {
    /// What became of an event.
    pub enum EventState else New {
        /// It waits for its turn.
        New = "new",
        /// Our rows followed it.
        Done = "done",
        /// It is no concern of ours, or was put away.
        Ignored = "ignored",
        /// It was given up.
        Dead = "dead",
    }
}

words! {
    /// What became of a payment that was refused. Of what only a newer version knows no card is blamed.
    pub enum PaymentOutcome else Failed {
        /// A card was declined.
        Declined = "declined",
        /// Something else was, such as a debit from an account.
        Failed = "failed",
    }
}

words! {
    /// What a call asks the provider to do.
    pub enum Operation {
        /// To make a checkout page.
        Checkout = "checkout",
        /// To end a monthly donation.
        Cancel = "cancel",
    }
}
