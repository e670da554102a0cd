//! The words that the tables of donations hold.

pub use crate::payments::{RecurringState, Rhythm, RhythmUnit};
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
        /// A month of a monthly donation.
        Instalment = "instalment",
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
    /// What a call asks the provider to do.
    pub enum Operation {
        /// To make a checkout page.
        Checkout = "checkout",
        /// To end a monthly donation.
        Cancel = "cancel",
    }
}
