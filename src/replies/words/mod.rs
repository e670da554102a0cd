//! What the words that mail servers use mean.
//!
//! The idioms of the servers in use, grouped by what they mean; nothing here knows one provider's message as a whole. In
//! a phrase, `*` stands for anything in between. The first group that has a phrase in the text counts, so groups whose
//! words are plainest come first.

mod later;
mod mailbox;
mod us;
mod whose;

use self::whose::{Whose, whose};
use super::{Reason, Said};

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
    (Reason::NoHost, true, &["nxdomain"]),
    (Reason::TooMuch, false, later::RATE),
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

/// What is said of somebody who is not there, in words that are used of much else.
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
    "ungültig",
    "invalide",
    "ongeldig",
];

/// As [`MISSING`], of hosts.
const MISSING_HOSTS: Phrases = &["unresolv", "no mx", "invalid"];

/// What is said of a mailbox that takes no mail now.
const SHUT: Phrases =
    &["suspended", "disabled", "locked", "deactivated", "inactive", "blocked", "full", "quota", "expired"];

/// What the words mean, if they mean anything that is known; and whether they are so plain that no code says it better.
pub fn reason((said, reported): (Said, bool), plain: &str) -> Option<(Reason, bool)> {
    let refused = refused_by_the_reader(plain);
    let is_gone = match whose(plain, &[mailbox::GONE]) {
        Some(Whose::Readers) => true,
        // Only RCPT names whom it is about.
        Some(Whose::Nobodys) => said != Said::Data,
        // Nobody says whose domain it is: in answer to a message it may be ours; a report is about this recipient.
        Some(Whose::Domains) => said != Said::Data || reported,
        _ => refused == Some(Refused::Themselves),
    };
    let known = |(reason, certain, phrases): &&(Reason, bool, Phrases)| {
        phrases.iter().any(|phrase| says(plain, phrase))
            || *reason == Reason::NoMailbox && is_gone
            || *reason == Reason::Policy && !certain && refused == Some(Refused::TheMessage)
    };
    let group = GROUPS.iter().find(known).map(|(reason, certain, _)| (*reason, *certain));
    let group = match group {
        // A mailbox that is said to be missing, in whatever words, is more than a word of refusal beside it.
        None | Some((_, false)) if whose(plain, &[MISSING]) == Some(Whose::Readers) => {
            Some((Reason::NoMailbox, false))
        }
        None if names_a_blocked_address(plain) => Some((Reason::Policy, false)),
        _ => group,
    };
    if is_ours(group.map(|(reason, _)| reason), plain) { Some((Reason::Policy, true)) } else { group }
}

/// Whether what is said, as it seems of the reader or of nobody, is said of the sender.
fn is_ours(reason: Option<Reason>, plain: &str) -> bool {
    match reason {
        Some(Reason::Full | Reason::Disabled) => whose(plain, &[SHUT]) == Some(Whose::Ours),
        Some(reason) if !reason.is_final() => false,
        _ => match whose(plain, &[MISSING, MISSING_HOSTS, mailbox::GONE]) {
            Some(Whose::Readers) => false,
            Some(Whose::Ours) => true,
            _ => unknown_host_of_figures(plain),
        },
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Themselves,
    TheMessage,
}

/// "Recipient rejected" speaks of the recipient; "the recipient rejected your message" says that there is one.
fn refused_by_the_reader(plain: &str) -> Option<Refused> {
    const WHO: Phrases = &["user", "recipient"];
    const REFUSES: Phrases = &[" reject", " refuse", " has reject", " has refuse"];
    const THIS: Phrases = &["your ", "the ", "this ", "that ", "our ", "a "];
    const SENT: Phrases = &["message", "mail", "email", "e-mail", "it ", "letter"];
    let what = |after: &str| {
        let after = after.trim_start_matches(char::is_alphabetic).trim_start();
        let after = THIS.iter().find_map(|word| after.strip_prefix(word)).unwrap_or(after);
        if SENT.iter().any(|word| after.starts_with(word)) {
            Refused::TheMessage
        } else {
            Refused::Themselves
        }
    };
    WHO.iter().find_map(|who| {
        plain.match_indices(who).find_map(|(at, _)| {
            let after = &plain[at + who.len()..];
            REFUSES.iter().find_map(|refuses| after.strip_prefix(refuses)).map(what)
        })
    })
}

/// "Unknown host 192.0.2.1": a host that is known by its figures alone is the one that connects.
fn unknown_host_of_figures(plain: &str) -> bool {
    plain.split_once("unknown host").is_some_and(|(_, after)| {
        let word = after.trim_start_matches([' ', ':', '[', '(']);
        let figures = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
        is_network_address(word[..figures].trim_end_matches('.'))
    })
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

/// `[192.0.2.1] refused`: a network address that is said to be unwelcome is ours.
fn names_a_blocked_address(plain: &str) -> bool {
    const UNWELCOME: Phrases = &["block", "list", "refus", "reject", "denied", "banned", "not allowed"];
    UNWELCOME.iter().any(|word| plain.contains(word))
        && plain.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(is_network_address)
}

fn is_network_address(word: &str) -> bool {
    word.parse::<std::net::Ipv4Addr>().is_ok()
}
