//! What a subscription is beside its state: how often it is taken, when next, by which card; and what may be changed of it.

use serde::{Deserialize, Serialize};

use crate::{clock::Moment, words};

words! {
    /// What the time between two payments is counted in.
    pub enum GiftRhythmUnit else Month {
        Day = "day",
        Week = "week",
        Month = "month",
        Year = "year",
    }
}

/// How often a regular gift is taken: every so many of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftRhythm {
    pub count: i64,
    pub unit: GiftRhythmUnit,
}

impl GiftRhythm {
    /// What almost everybody has.
    pub const MONTHLY: Self = Self { count: 1, unit: GiftRhythmUnit::Month };
    /// The ones that a supporter may choose from.
    pub const OFFERED: [Self; 4] = [
        Self::MONTHLY,
        Self { count: 3, unit: GiftRhythmUnit::Month },
        Self { count: 6, unit: GiftRhythmUnit::Month },
        Self { count: 1, unit: GiftRhythmUnit::Year },
    ];

    /// Whether a year or more passes between two payments.
    #[must_use]
    pub const fn is_yearly(self) -> bool {
        match self.unit {
            GiftRhythmUnit::Year => true,
            GiftRhythmUnit::Month => self.count >= 12,
            GiftRhythmUnit::Week => self.count >= 52,
            GiftRhythmUnit::Day => self.count >= 365,
        }
    }

    /// About how many days pass between two payments.
    const fn days(self) -> i64 {
        let unit = match self.unit {
            GiftRhythmUnit::Day => 1,
            GiftRhythmUnit::Week => 7,
            GiftRhythmUnit::Month => 30,
            GiftRhythmUnit::Year => 365,
        };
        unit * self.count
    }

    /// Whether it is taken more often than in the other rhythm.
    #[must_use]
    pub const fn is_oftener_than(self, other: Self) -> bool {
        self.days() < other.days()
    }

    /// As a sentence goes on: "every month", "every 3 months".
    #[must_use]
    pub fn words(self) -> String {
        match self.count {
            1 => format!("every {}", self.unit),
            count => format!("every {count} {}s", self.unit),
        }
    }
}

impl Default for GiftRhythm {
    fn default() -> Self {
        Self::MONTHLY
    }
}

/// What pays a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayBy {
    /// The provider's id.
    pub id: String,
    /// Of a card, the make as people know it, such as "Visa"; empty for what is no card.
    pub brand: String,
    /// Its last four figures.
    pub last4: String,
    /// The last month it is good, as `2027-04`.
    pub expires: String,
}

/// What a subscription is beside its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub rhythm: GiftRhythm,
    /// When it is taken next.
    pub next: Option<Moment>,
    /// When it ends though nobody asks again.
    pub ends_at: Option<Moment>,
    /// Whether that is when what is paid has passed, and not a day that somebody chose.
    pub ends_with_period: bool,
    /// Until when nothing is taken.
    pub rests_until: Option<Moment>,
    /// What pays it, where that is told.
    pub method: Option<PayBy>,
    /// What an amount hangs on, where there is one such thing: the provider's ids of the item and of what it calls the gift.
    pub item: Option<(String, String)>,
}

/// What is to be changed of a subscription. Everything in it is fixed before the first try, so that a repeat says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionChange {
    /// The provider's id.
    pub subscription: String,
    pub change: GiftChange,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GiftChange {
    /// Another amount, or another rhythm, from the next payment on. Nothing is taken or given back for the time until then.
    Amount {
        item: String,
        product: String,
        currency: String,
        minor: i64,
        rhythm: GiftRhythm,
        /// The day of the next payment, where another rhythm would move it to today.
        next: Option<Moment>,
    },
    /// The next payment on another day, and those after it on that day too.
    Date { next: Moment },
    /// Nothing is taken until then; without a day, until somebody says so.
    Rest { until: Option<Moment> },
    /// It is taken again.
    GoOn,
    /// It ends when what is paid has passed.
    EndLater,
    /// The end that was set for later is taken back: it was one that came when what is paid has passed, or a day that somebody chose.
    KeepOn { ended_with_period: bool },
}
