//! How somebody stands with the list that a file is from.

use crate::words;

words! {
    /// How somebody stands, as a file says it: what comes later in this order weighs more where columns say different things.
    pub enum State {
        /// They get it.
        OnList = "on-list",
        /// Nothing of the row is taken.
        NotTaken = "not-taken",
        /// They asked once, and never confirmed.
        Unconfirmed = "never-confirmed",
        Left = "left",
        /// Mail to them came back for good.
        Bounced = "bounced",
        /// They said that it is spam.
        Complained = "complained",
        /// Somebody decided never to mail them.
        Blocked = "blocked",
    }
}

impl State {
    /// The one that somebody means by a word of their own.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let plain: String =
            word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match plain.as_str() {
            "on" | "onlist" | "onthelist" | "subscribed" | "confirmed" | "active" => Self::OnList,
            "nottaken" | "skip" | "ignore" | "none" => Self::NotTaken,
            "neverconfirmed" | "unconfirmed" | "pending" => Self::Unconfirmed,
            "left" | "unsubscribed" => Self::Left,
            "bounced" | "cleaned" => Self::Bounced,
            "complained" | "complaint" | "spam" => Self::Complained,
            "blocked" | "blocklisted" | "blacklisted" | "suppressed" => Self::Blocked,
            _ => return None,
        })
    }

    /// For people: what becomes of somebody.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OnList => "on the list",
            Self::NotTaken => "not taken",
            Self::Unconfirmed => "never confirmed",
            Self::Left => "left",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Blocked => "never to be mailed",
        }
    }
}
