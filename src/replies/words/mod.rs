//! What the words that mail servers use mean.
//!
//! The idioms of the servers in use, grouped by what they mean; nothing here knows one provider's message as a whole. In
//! a phrase, `*` stands for anything in between, `|` before it for the beginning of a word and behind it for the end of a
//! clause. The first group that has a phrase in the text counts, so groups whose words are plainest come first.

mod later;
mod mailbox;
mod milder;
mod us;
mod whose;

pub use self::milder::milder;
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
const MISSING_HOSTS: Phrases = &["unresolv", "unrout", "no mx", "invalid"];

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
        None if names_a_blocked_address(plain) || milder::is_said_of_a_name_of_ours(plain) => {
            Some((Reason::Policy, false))
        }
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

/// "Recipient rejected" speaks of the recipient; "the recipient rejected your message", or "refused: it has links", says that
/// there is one.
fn refused_by_the_reader(plain: &str) -> Option<Refused> {
    const WHO: Phrases = &["user", "recipient"];
    const REFUSES: Phrases = &[" reject", " refuse", " has reject", " has refuse"];
    const PASSIVE: Phrases = &[" rejected", " refused"];
    let what = |after: &str| {
        let Some(behind) = PASSIVE.iter().find_map(|word| after.strip_prefix(word)) else {
            return REFUSES.iter().any(|word| after.starts_with(word)).then_some(Refused::TheMessage);
        };
        let said = behind.trim_start_matches([':', ',', ';', '-', '(', ' ']);
        let is_all = behind.starts_with(['.', '!']) || !said.starts_with(char::is_alphabetic);
        Some(if is_all { Refused::Themselves } else { Refused::TheMessage })
    };
    WHO.iter().find_map(|who| plain.match_indices(who).find_map(|(at, _)| what(&plain[at + who.len()..])))
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
    let (phrase, begins) = phrase.strip_prefix('|').map_or((phrase, false), |rest| (rest, true));
    let (phrase, ends) = phrase.strip_suffix('|').map_or((phrase, false), |rest| (rest, true));
    let (first, second) = phrase.split_once('*').unwrap_or((phrase, ""));
    text.match_indices(first).any(|(at, _)| {
        let after = &text[at + first.len()..];
        (!begins || !text[..at].ends_with(char::is_alphanumeric))
            && (!ends || ends_a_clause(after))
            && after[..after.floor_char_boundary(GAP + second.len())].contains(second)
    })
}

/// Whether a clause ends where this begins. Behind words about mail, "(null MX)" says why.
fn ends_a_clause(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty() || after.starts_with(['.', ';', '!', ')', ']', '(', '['])
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
