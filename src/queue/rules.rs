//! The rules of every queue, on one screen: how long one may be worked on, when it is tried again, when that ends, who is told.

use std::time::Duration;

use crate::clock::Moment;

/// The rules of one queue, and what people are told of it.
#[derive(Debug)]
pub struct Rules {
    /// Its name, in the log, on the command line and in addresses.
    pub name: &'static str,
    /// How long one may be worked on before somebody else may take it: longer than the work's own patience.
    pub lease: Duration,
    /// How long until the second try; it doubles with each.
    pub first_gap: Duration,
    /// And is no longer than this.
    pub longest_gap: Duration,
    /// When nobody tries any more.
    pub ends: Ends,
    /// Who gets a letter about what was given up, or fails for too long.
    pub told: Told,
    /// After how many tries in a row one fails for too long that goes on being tried; none where nobody is told of that.
    pub told_after: Option<i64>,
    /// Where the screen may have one tried again: what the audit log calls that, and what stands before its key there.
    pub by_hand: Option<(&'static str, &'static str)>,
    /// What is in it, for an editor.
    pub what: &'static str,
    /// What was given up: one of them, and more, as the end of a sentence that begins with the number.
    pub over: [&'static str; 2],
    /// What it means when one fails or is given up, and what to do.
    pub means: &'static str,
}

/// When nobody tries any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It goes on for ever.
    Never,
    /// After so many tries.
    Tries(i64),
    /// Once it is so old, with what is written down then.
    Age(Duration, &'static str),
}

/// Who gets a letter about what was given up, or fails for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nobody: nothing of it is ever given up, or whoever works on it writes letters of its own.
    Nobody,
    /// Treasurers; where there is none, the owners.
    Money,
    Owners,
}

/// No turn is further away than a day; one that is was written by a clock that was wrong, and is now.
pub(super) const FURTHEST: Duration = minutes(25 * 60);

const fn minutes(number: u64) -> Duration {
    Duration::from_secs(60 * number)
}

/// What the payment provider tells.
pub const EVENTS: Rules = Rules {
    name: "provider-events",
    lease: minutes(2),
    first_gap: Duration::from_secs(10),
    longest_gap: Duration::from_secs(2_560),
    // Five hours of trying.
    ends: Ends::Tries(15),
    told: Told::Money,
    told_after: None,
    by_hand: Some(("had tried again", "event ")),
    what: "Messages of the payment service",
    over: [
        "message of the payment service could not be applied",
        "messages of the payment service could not be applied",
    ],
    means: "A gift may not be counted and have no receipt. Try again once what it says is put right; or look for the payment at the payment service.",
};

/// Opening the provider's page for a gift.
pub const CHECKOUTS: Rules = Rules {
    name: "checkouts",
    // Longer than all attempts of the client.
    lease: minutes(1),
    first_gap: minutes(1),
    longest_gap: minutes(64),
    // The provider keeps keys for a day; opening a checkout again after that would open a second one.
    ends: Ends::Age(minutes(23 * 60), "not answered within a day: look for it at the provider"),
    told: Told::Money,
    told_after: None,
    by_hand: None,
    what: "Supporters on their way to the payment page",
    over: ["supporter could not get to the payment page", "supporters could not get to the payment page"],
    means: "They saw that it did not work, and have gone: nothing was charged. It is not tried again for them; if it goes on, look at the keys of the payment service.",
};

/// Ending monthly donations: what a supporter was promised is asked for until it is so.
pub const CANCELLATIONS: Rules = Rules {
    name: "cancellations",
    lease: minutes(1),
    first_gap: minutes(1),
    longest_gap: minutes(16),
    // What does not end within the hour is told by a letter of its own (`donations::attention`).
    ends: Ends::Never,
    told: Told::Nobody,
    told_after: None,
    by_hand: None,
    what: "Regular donations that supporters asked to end",
    over: ["regular donation could not be ended", "regular donations could not be ended"],
    means: "The supporter is still charged. It goes on being asked for; you can end the donation at the payment service yourself.",
};

/// Gifts that the team sends back.
pub const REFUNDS: Rules = Rules {
    name: "refunds",
    // Longer than all attempts of the client.
    lease: minutes(2),
    first_gap: minutes(1),
    longest_gap: minutes(64),
    // Whoever tries again looks first whether it was done, so it may be tried for long.
    ends: Ends::Tries(30),
    told: Told::Money,
    told_after: None,
    by_hand: None,
    what: "Gifts that your team sends back",
    over: ["gift could not be sent back", "gifts could not be sent back"],
    means: "The supporter has not got it. Look at the gift, and at the payment service, and send it back again.",
};

/// Taking over what other programs left at the payment service.
pub const ADOPTIONS: Rules = Rules {
    name: "adoptions",
    // Each page and each step takes it anew; a page is waited for as long as the payment service asks.
    lease: minutes(5),
    first_gap: Duration::from_secs(10),
    longest_gap: minutes(10),
    // It stands where it was, and goes on once it can; whoever began it can stop it.
    ends: Ends::Never,
    told: Told::Money,
    // An hour and a half.
    told_after: Some(15),
    by_hand: None,
    what: "Taking over what another program left at the payment service",
    over: ["taking over does not go on", "taking over does not go on"],
    means: "Somebody takes over an account of the payment service, under Donations, and it does not go on. It is tried until it does; it can be stopped there.",
};

/// Comparing the book with what the payment service lists.
pub const COMPARISONS: Rules = Rules {
    name: "comparisons",
    // Whoever compares takes it anew each minute.
    lease: minutes(5),
    first_gap: minutes(1),
    longest_gap: minutes(60),
    ends: Ends::Never,
    told: Told::Money,
    // Some three hours.
    told_after: Some(8),
    by_hand: None,
    what: "Comparing the book with the payment service",
    over: [
        "comparison of the book did not come to its end",
        "comparisons of the book did not come to their end",
    ],
    means: "Whether the book says what the payment service says is not known for the last days. It is tried until it works, and can be asked for under Donations, The book.",
};

/// What supporters change of their regular gifts.
pub const CHANGES: Rules = Rules {
    name: "gift-changes",
    lease: minutes(1),
    first_gap: minutes(1),
    longest_gap: minutes(16),
    // The provider keeps keys for a day; asked for after that it could be done twice.
    ends: Ends::Age(minutes(23 * 60), "not answered within a day: look for it at the provider"),
    told: Told::Money,
    told_after: None,
    by_hand: None,
    what: "What supporters change of their regular gifts",
    over: ["change of a regular gift could not be made", "changes of regular gifts could not be made"],
    means: "The gift goes on as it was, and its supporter sees that on their page. It is not tried again; an end that could not be set for later is made at once.",
};

/// Letters about payments of regular gifts that failed.
pub const RENEWALS: Rules = Rules {
    name: "renewals",
    lease: minutes(2),
    first_gap: minutes(5),
    longest_gap: minutes(6 * 60),
    // Whether a bill still waits is asked until there is an answer.
    ends: Ends::Never,
    told: Told::Nobody,
    told_after: None,
    by_hand: None,
    what: "Letters about payments that failed",
    over: [
        "letter about a failed payment could not be written",
        "letters about failed payments could not be written",
    ],
    means: "The payment service does not say whether the payment still waits, and nobody is written to about what may be over. It goes on being asked.",
};

/// Reading the feeds of articles.
pub const FEEDS: Rules = Rules {
    name: "feeds",
    lease: minutes(5),
    first_gap: minutes(15),
    longest_gap: minutes(24 * 60),
    // A server that is away for a month comes back.
    ends: Ends::Never,
    told: Told::Owners,
    // A day and a half.
    told_after: Some(8),
    by_hand: Some(("had a feed asked again", "")),
    what: "Feeds that articles come from",
    over: ["feed could not be read", "feeds could not be read"],
    means: "New articles of it do not come in. It goes on being asked, at last once a day; under Articles, Feeds it says of each what is wrong.",
};

/// Lists of readers that somebody brings in.
pub const IMPORTS: Rules = Rules {
    name: "imports",
    // Each step takes it anew.
    lease: minutes(2),
    first_gap: Duration::from_secs(10),
    longest_gap: minutes(10),
    // It stands where it was, and goes on once it can; whoever began it can end it.
    ends: Ends::Never,
    told: Told::Owners,
    // An hour and a half.
    told_after: Some(15),
    by_hand: None,
    what: "Lists of readers that are brought in",
    over: ["list of readers does not go on", "lists of readers do not go on"],
    means: "Somebody brings a list in, under Readers, Imports, and it does not go on. It is tried until it does; it can be stopped there.",
};

/// Sign-ups that came faster than they could be looked at.
pub const SIGN_UPS: Rules = Rules {
    name: "sign-ups",
    lease: minutes(2),
    first_gap: minutes(1),
    longest_gap: minutes(60),
    // What is a day old goes with what is no longer needed.
    ends: Ends::Never,
    told: Told::Owners,
    // Some two hours.
    told_after: Some(8),
    by_hand: None,
    what: "People who subscribed in a rush",
    over: ["sign-up could not be looked at", "sign-ups could not be looked at"],
    means: "More people subscribed at once than could be looked at. Each is asked to confirm by a mail as soon as there is room; what nobody could be asked about within a day is forgotten.",
};

/// What another program exported, on its way in.
pub const ARCHIVES: Rules = Rules {
    name: "archives",
    // Each step takes it anew; looking through a file of a gigabyte takes some minutes.
    lease: minutes(10),
    first_gap: Duration::from_secs(10),
    longest_gap: minutes(10),
    // It stands where it was, and goes on once it can; whoever began it can end it.
    ends: Ends::Never,
    told: Told::Owners,
    // An hour and a half.
    told_after: Some(15),
    by_hand: None,
    what: "Articles that are brought in from a file",
    over: ["file of articles does not go on", "files of articles do not go on"],
    means: "Somebody brings articles in, under Articles, Bring in what you have, and it does not go on. It is tried until it does; it can be stopped there.",
};

/// What the team does with many readers at once.
pub const BULK: Rules = Rules {
    name: "bulk",
    // Each step takes it anew.
    lease: minutes(2),
    first_gap: Duration::from_secs(10),
    longest_gap: minutes(10),
    // It stands where it was, and goes on once it can; whoever began it can end it.
    ends: Ends::Never,
    told: Told::Owners,
    // An hour and a half.
    told_after: Some(15),
    by_hand: None,
    what: "What your team does with many readers at once",
    over: ["act on many readers does not go on", "acts on many readers do not go on"],
    means: "Somebody does something with many readers, under Readers, and it does not go on. It is tried until it does; it can be stopped there.",
};

/// Letters to the team about what happened in a room that writes none ([`super::News`]).
pub const NEWS: Rules = Rules {
    name: "news",
    lease: minutes(1),
    first_gap: minutes(1),
    longest_gap: minutes(10),
    ends: Ends::Never,
    told: Told::Nobody,
    told_after: None,
    by_hand: None,
    what: "Letters to your team",
    over: ["letter to your team could not be written", "letters to your team could not be written"],
    means: "Somebody should have been written to. It is tried until somebody can be: look whether an owner can sign in and has an address.",
};

impl Rules {
    /// How long until the next try, after so many.
    #[must_use]
    pub fn gap(&self, attempts: i64) -> Duration {
        let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 30)).unwrap_or(30);
        self.first_gap.saturating_mul(2_u32.saturating_pow(doublings)).min(self.longest_gap)
    }

    pub(super) const fn is_last(&self, attempts: i64) -> bool {
        matches!(self.ends, Ends::Tries(most) if attempts >= most)
    }

    /// Whether people are told that one fails, though it goes on being tried.
    pub(super) fn is_told_while_tried(&self, attempts: i64) -> bool {
        self.told_after.is_some_and(|most| attempts >= most)
    }

    /// Why it is too old to be tried; none while it is not.
    pub(super) fn too_old(&self, now: Moment, since: Moment) -> Option<&'static str> {
        match self.ends {
            Ends::Age(age, why) if now.since(since) > age => Some(why),
            _ => None,
        }
    }

    /// What did not work: "3 messages of the payment service could not be applied".
    #[must_use]
    pub fn did_not_work(&self, number: i64) -> String {
        let [one, many] = self.over;
        format!("{number} {}", if number == 1 { one } else { many })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_double_up_to_the_longest() {
        let gaps = |rules: &Rules| [0, 1, 2, 3, 9, 40].map(|attempts| rules.gap(attempts).as_secs());
        assert_eq!(gaps(&EVENTS), [10, 10, 20, 40, 2_560, 2_560]);
        assert_eq!(gaps(&CANCELLATIONS), [60, 60, 120, 240, 960, 960]);
        assert_eq!(gaps(&FEEDS), [900, 900, 1_800, 3_600, 86_400, 86_400]);
    }

    #[test]
    fn it_ends_as_the_rules_say() {
        assert!(!EVENTS.is_last(14) && EVENTS.is_last(15) && !CANCELLATIONS.is_last(9_000));
        let begun = Moment::from_unix_seconds(0);
        let after = |hours: u64| CHECKOUTS.too_old(begun.plus(Duration::from_secs(3_600 * hours)), begun);
        assert!(after(23).is_none() && after(24).is_some());
    }
}
