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

/// Names of who sends. What is missing of them says nothing of the reader.
const OURS: Phrases = &[
    "sender",
    "mail from",
    "from address",
    "from:",
    "return path",
    "return-path",
    "reverse path",
    "reverse-path",
    "envelope address",
    "client",
    "connecting",
    "message from",
    "your message",
    "your domain",
    "your server",
    "absender",
    "ihr server",
    "expediteur",
    "expéditeur",
    "remitente",
    "mittente",
    "发件人",
    "發件人",
    "送信者",
];

/// Names of whom it is for, and of nothing else.
const READERS: Phrases = &[
    "user",
    "recipient",
    "mailbox",
    "account",
    "alias",
    "inbox",
    "addressee",
    "local part",
    "rcpt",
    "benutzer",
    "empfänger",
    "usuario",
    "destinat",
    "utilisateur",
    "utente",
    "用户",
    "收件人",
    "ユーザ",
    "宛先",
];

/// As [`MISSING`], in other languages and of hosts.
const MISSING_ELSEWHERE: Phrases = &[
    "unresolv",
    "no mx",
    "invalid",
    "unbekannt",
    "existiert nicht",
    "inconnu",
    "desconocid",
    "sconosciut",
    "不存在",
    "不明",
];

/// What the words mean, if they mean anything that is known; and whether they are so plain that no code says it better.
pub fn reason(plain: &str) -> Option<(Reason, bool)> {
    let known = |group: &&(Reason, bool, Phrases)| group.2.iter().any(|phrase| says(plain, phrase));
    let group = GROUPS.iter().find(known).map(|(reason, certain, _)| (*reason, *certain));
    let group = match group {
        // A mailbox that is said to be missing, in whatever words, is more than a word of refusal beside it.
        None | Some((_, false)) if is_missing(plain) => Some((Reason::NoMailbox, false)),
        None if names_a_blocked_address(plain) => Some((Reason::Policy, false)),
        _ => group,
    };
    match group {
        Some((reason, _)) if reason.is_final() && is_ours_that_is_missing(plain) => {
            Some((Reason::Policy, true))
        }
        _ => group,
    }
}

/// Whether what is said to be missing is the sender's: by the name that stands nearest to it.
fn is_ours_that_is_missing(plain: &str) -> bool {
    let mut is_ours = unknown_host_of_figures(plain);
    for missing in MISSING.iter().chain(MISSING_ELSEWHERE) {
        for (at, _) in plain.match_indices(missing) {
            let end = at + missing.len();
            let nearest =
                |names: Phrases| names.iter().filter_map(|name| distance(plain, at, end, name)).min();
            match (nearest(OURS), nearest(READERS)) {
                // Of a reader at any place: then it is about them. Of both alike, the milder reading.
                (ours, Some(theirs)) if ours.is_none_or(|ours| theirs < ours) => return false,
                (Some(_), _) => is_ours = true,
                _ => {}
            }
        }
    }
    is_ours
}

/// How far a name stands from a place in the text, before it or behind, if it is near.
fn distance(plain: &str, at: usize, end: usize, name: &str) -> Option<usize> {
    let before = &plain[plain.floor_char_boundary(at.saturating_sub(NEAR))..at];
    let after = &plain[end..plain.floor_char_boundary(end + NEAR)];
    let before = before.rfind(name).map(|found| before.len() - found - name.len());
    before.into_iter().chain(after.find(name)).min()
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
