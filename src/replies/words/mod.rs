//! What the words that mail servers use mean.
//!
//! The idioms of the servers in use, grouped by what they mean; nothing here knows one provider's message as a whole. In
//! a phrase, `*` stands for anything in between. The first group that has a phrase in the text counts, so groups whose
//! words are plainest come first.

mod later;
mod mailbox;
mod us;

use super::Reason;

type Phrases = &'static [&'static str];

/// Whose mail is not taken: whatever else is said then, it is said of the sender.
const FROM_US: Phrases = &[
    "accept*mail from",
    "accept*messages from",
    "accept*email from",
    "accepted from",
    "accepting mail from",
    "receive mail from",
    "receive messages from",
    "mail from your",
    "too many invalid",
];

/// Each with whether its words are so plain that no code says it better.
const GROUPS: &[(Reason, bool, Phrases)] = &[
    (Reason::Policy, true, FROM_US),
    (Reason::Full, true, mailbox::FULL),
    (Reason::TooBig, true, mailbox::TOO_BIG),
    (Reason::Moved, true, mailbox::MOVED),
    (Reason::Disabled, true, mailbox::DISABLED),
    (Reason::TakesNoMail, true, mailbox::TAKES_NO_MAIL),
    (Reason::Policy, true, us::PLAIN_POLICY),
    (Reason::Network, true, later::NAME_SERVER),
    (Reason::NoHost, true, mailbox::NO_HOST),
    (Reason::NoMailbox, true, mailbox::NO_MAILBOX),
    (Reason::Policy, false, us::POLICY),
    (Reason::TooMuch, false, later::TOO_MUCH),
    (Reason::Expired, false, later::EXPIRED),
    (Reason::Network, false, later::NETWORK),
    (Reason::Server, false, later::SERVER),
];

/// Names of what a reader has.
const THEIRS: Phrases = &[
    "user",
    "recipient",
    "mailbox",
    "address",
    "account",
    "email",
    "e-mail",
    "alias",
    "inbox",
    "customer",
    "member",
    "person",
    "subscriber",
    "local part",
    "addressee",
];

/// What is said of it when it is not there.
const MISSING: Phrases = &[
    "unknown",
    "not exist",
    "n't exist",
    "not found",
    "no such",
    "be found",
    "not known",
    "not recogni",
    "n't recogni",
    "no longer",
    "not valid",
    "not a valid",
    "deleted",
    "has been closed",
    "terminated",
];

/// How far apart the two may stand.
const NEAR: usize = 40;

/// What the words mean, if they mean anything that is known; and whether they are so plain that no code says it better.
pub fn reason(plain: &str) -> Option<(Reason, bool)> {
    let known = |group: &&(Reason, bool, Phrases)| group.2.iter().any(|phrase| says(plain, phrase));
    let group = GROUPS.iter().find(known).map(|(reason, certain, _)| (*reason, *certain));
    match group {
        // A mailbox that is said to be missing, in whatever words, is more than a word of refusal beside it.
        None | Some((_, false)) if is_missing(plain) => Some((Reason::NoMailbox, false)),
        None if names_a_blocked_address(plain) => Some((Reason::Policy, false)),
        _ => group,
    }
}

/// Whether a text says a phrase; `*` may stand for up to 80 letters.
fn says(text: &str, phrase: &str) -> bool {
    const GAP: usize = 80;
    let Some((first, second)) = phrase.split_once('*') else { return text.contains(phrase) };
    text.match_indices(first).any(|(at, _)| {
        let after = &text[at + first.len()..];
        after[..after.floor_char_boundary(GAP + second.len())].contains(second)
    })
}

fn is_missing(plain: &str) -> bool {
    MISSING.iter().any(|missing| {
        plain.match_indices(missing).any(|(at, _)| {
            let (from, to) = (plain.floor_char_boundary(at.saturating_sub(NEAR)), at + missing.len() + NEAR);
            let around = &plain[from..plain.floor_char_boundary(to)];
            THEIRS.iter().any(|theirs| around.contains(theirs))
        })
    })
}

/// `[192.0.2.1] refused`: a network address that is said to be unwelcome is ours.
fn names_a_blocked_address(plain: &str) -> bool {
    const UNWELCOME: Phrases = &["block", "list", "refus", "reject", "denied", "banned", "not allowed"];
    UNWELCOME.iter().any(|word| plain.contains(word))
        && plain.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(is_network_address)
}

fn is_network_address(word: &str) -> bool {
    word.parse::<std::net::Ipv4Addr>().is_ok()
}
