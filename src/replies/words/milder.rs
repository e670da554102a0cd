//! What makes of a sentence that seems to give a reader up another one.
//!
//! Words of an end ("unknown", "not found", "has moved") are said of much else, too: of a moment, of us, of a key or a
//! header. Whatever of it a text also names, the milder reading counts (TRUST M20, M23).

use super::{MISSING, MISSING_HOSTS, Phrases, ends_a_clause, is_network_address, mailbox, says};
use crate::replies::{Reason, scan};

/// That it may be otherwise in a while.
const MOMENT: Phrases = &[
    "temporar",
    "temporan",
    "temporal",
    "temporär",
    "|later",
    "maintenance",
    "migration",
    "too many",
    "lookup failed",
    "timed out",
    "unreachable",
    "not reachable",
    "server down",
    "is down",
    "später",
    "vorübergehend",
    "|wartung",
    "nicht erreichbar",
    "plus tard",
    "ultérieurement",
    "más tarde",
    "mas tarde",
    "più tardi",
    "mais tarde",
    "tijdelijk",
    "позже",
    "позднее",
    "временно",
    "稍后",
    "稍後",
    "暂时",
    "一時",
    "しばらく",
];

/// That it may be tried again: as it is, or, where the address is to be looked at first, with another one.
const AGAIN: Phrases =
    &["try again", "|retry", "try once more", "versuchen sie es", "réessay", "inténtelo", "riprova"];

const CORRECTION: Phrases =
    &["check", "correct", "spelling", "prüfen", "vérifi", "verif", "compruebe", "controll"];

/// That it may not.
const NEVER: Phrases = &[
    "not retry",
    "don't retry",
    "no retry",
    "not try again",
    "not going to try again",
    "not temporary",
    "not a temporary",
];

/// Where a server looks its users up: it may be out of order, unless something is said to be missing in it.
const DIRECTORIES: Phrases = &["database", "ldap", "backend"];

/// Who guesses addresses; and lists of who may write.
const OF_US: Phrases = &[
    "harvest",
    "dictionary attack",
    "from unknown",
    "whitelist",
    "white list",
    "white-list",
    "allowlist",
    "allow list",
    "allow-list",
    "safe list",
    "safelist",
    "trusted",
    "list of permitted",
    "address book",
    "user agent",
    "you are unknown",
    "you are not in",
];

/// Parts of a message, in which something may be wrong.
const PARTS: Phrases =
    &["header", "message-id", "reply-to", "return-path", "errors-to", "list-", "url", "link"];

/// What may belong to a reader or to a domain, and be missing while they are there.
const BELONGINGS: Phrases = &[
    "certificate",
    "key",
    "record",
    "policy",
    "token",
    "signature",
    "challenge",
    "protocol",
    "version",
    "zertifikat",
    "schlüssel",
    "richtlinie",
    "certificat",
    "clé",
    "certificado",
    "clave",
    "certificato",
    "chiave",
];

/// How what belongs and whom it belongs to are joined.
const JOINED: Phrases = &[
    " for ", " of ", " to ", " in ", " with ", " des ", " der ", " für ", " du ", " de ", " del ", " della ",
    " do ", " pour ",
];

/// What is said of whatever is missing.
const EVERY: &[Phrases] = &[mailbox::GONE, MISSING, MISSING_HOSTS];

/// How far a part of a message stands from what is wrong with it.
const NEAR: usize = 40;

/// What a text that seems to end something says in truth, if that is less.
pub fn milder(reason: Reason, plain: &str) -> Option<Reason> {
    // In a transcript, what was answered to the command that was refused: other servers were busy before.
    let refused = plain.find("<<< 5").and_then(|at| plain[..at].rfind(">>> "));
    let plain = &plain[refused.unwrap_or(0)..];
    if speaks_of_a_moment(plain) {
        return Some(Reason::Server);
    }
    let is_of_us = OF_US.iter().any(|phrase| says(plain, phrase))
        || is_said_of_a_name_of_ours(plain)
        || is_wrong_in_the_message(plain)
        || belongs_to_somebody(plain)
        || takes_something_else(plain);
    if is_of_us {
        return Some(Reason::Policy);
    }
    (reason == Reason::Moved && is_a_machine_that_moved(plain)).then_some(Reason::Server)
}

fn speaks_of_a_moment(plain: &str) -> bool {
    let plain = &NEVER.iter().fold(plain.to_owned(), |text, never| text.replace(never, ""));
    let again = AGAIN.iter().any(|phrase| says(plain, phrase))
        && !CORRECTION.iter().any(|phrase| plain.contains(phrase));
    let directory = DIRECTORIES.iter().flat_map(|name| plain.match_indices(name)).any(|(at, _)| {
        let before = near_before(plain, at);
        !before.contains(" in ") && !before.contains(" by ")
    });
    again || directory || MOMENT.iter().any(|phrase| says(plain, phrase))
}

/// "<news@…>: user unknown", "no such host 192.0.2.1": our own name, or a host's figures, right beside it.
pub fn is_said_of_a_name_of_ours(plain: &str) -> bool {
    let named = plain.match_indices(scan::OURS).any(|(at, mark)| {
        let (before, after) = (&plain[..at], &plain[at + mark.len()..]);
        let after = after.trim_start_matches(['>', ')', ']', ':', '.', ' ']);
        is_missing_after(
            after,
            &[mailbox::GONE, MISSING, MISSING_HOSTS, mailbox::NO_MAILBOX, mailbox::NO_HOST],
        ) || is_missing_before(before.trim_end_matches(['<', ':', ' ']))
    });
    named
        || figures(plain).any(|(at, end)| {
            is_missing_after(plain[end..].trim_start(), EVERY)
                || is_missing_before(plain[..at].trim_end_matches([':', ' ']))
        })
}

fn is_missing_after(after: &str, words: &[Phrases]) -> bool {
    const LINKS: Phrases = &["is ", "was ", "does ", "do ", "could ", "ist ", "est ", "es ", "è "];
    let after = LINKS.iter().find_map(|link| after.strip_prefix(link)).unwrap_or(after);
    words.iter().flat_map(|words| words.iter()).any(|word| after.starts_with(word))
}

fn is_missing_before(before: &str) -> bool {
    const LINKS: Phrases = &["ip", "address", "domain", "host", "for", "of"];
    let mut before = before;
    while let Some(shorter) = LINKS.iter().find_map(|link| before.strip_suffix(link)) {
        if !shorter.ends_with(' ') {
            break;
        }
        if HOST_WORDS.iter().any(|word| before.ends_with(word)) {
            return true;
        }
        before = shorter.trim_end();
    }
    HOST_WORDS.iter().chain(mailbox::GONE).any(|word| before.ends_with(word))
}

/// Words that are said of a host whose name follows.
const HOST_WORDS: Phrases =
    &["no such host", "no such domain", "unknown host", "unknown domain", "not found"];

/// The network addresses of a text.
fn figures(plain: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    plain.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter_map(move |word| {
        let at = from + plain[from..].find(word)?;
        from = at + word.len();
        is_network_address(word).then_some((at, from))
    })
}

/// "Invalid address in header From", "the domain of a link does not exist".
fn is_wrong_in_the_message(plain: &str) -> bool {
    missing_at(plain).any(|(at, end)| {
        let before = near_before(plain, at).rsplit([';', '(']).next().unwrap_or_default();
        let before = before.rsplit(". ").next().unwrap_or_default();
        let after = &plain[end..plain.floor_char_boundary(end + NEAR)];
        let after = after.split(['.', ';', '(']).next().unwrap_or_default();
        PARTS.iter().any(|part| names_a_part(before, part) || names_a_part(after, part))
    })
}

/// Where it is named, and does not stand at the beginning of what it holds ("Message-ID: …").
fn names_a_part(text: &str, part: &str) -> bool {
    text.match_indices(part).any(|(at, _)| {
        let after = text[at + part.len()..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '-');
        !text[..at].ends_with(char::is_alphanumeric) && !after.starts_with(':')
    })
}

/// "Certificate for recipient not found", "token is no longer valid", "your message to this user was deleted".
fn belongs_to_somebody(plain: &str) -> bool {
    let joined = |text| JOINED.iter().find_map(|word| str::strip_prefix(text, word));
    let thing = BELONGINGS.iter().flat_map(|thing| plain.match_indices(thing)).any(|(at, thing)| {
        let after = &plain[at + thing.len()..];
        let Some(owner) = joined(after) else { return is_missing_after(after.trim_start(), EVERY) };
        let owner = &owner[..owner.floor_char_boundary(NEAR)];
        let owner = owner.split([':', ';', ',', '…']).next().unwrap_or_default();
        // An unknown user of whom it is said is unknown, and not what belongs to them.
        missing_at(owner).any(|(at, _)| (1..=4).contains(&owner[..at].split_whitespace().count()))
    });
    thing
        || plain
            .split_once("message to ")
            .and_then(|(_, after)| after.split_once(" was deleted"))
            .is_some_and(|(owner, _)| owner.split_whitespace().count() <= 2)
}

/// "No longer accepts newsletters", "does not accept unknown addresses": it takes other things, from others.
fn takes_something_else(plain: &str) -> bool {
    const NO_LONGER: Phrases =
        &["no longer accepts ", "no longer takes ", "no longer wishes ", "no longer wants "];
    const ALL: Phrases = &["mail", "email", "e-mail", "messages", "any mail", "any email", "any messages"];
    const REFUSES: Phrases = &["n'accepte pas ", "not accept ", "only accepts ", "accepts only "];
    let behind = |phrase: &&str| plain.split_once(*phrase).map(|(_, rest)| rest);
    let all = |rest: &str| ALL.iter().any(|word| rest.strip_prefix(word).is_some_and(ends_a_clause));
    NO_LONGER.iter().filter_map(behind).any(|rest| !all(rest))
        || REFUSES.iter().filter_map(behind).any(|rest| {
            let clause = rest.split(['.', ':', ';', ',']).next().unwrap_or_default();
            ![" for ", " to "].iter().any(|word| clause.contains(word)) && missing_at(clause).next().is_some()
        })
}

/// "Our server has moved": a reader moves, and so do machines.
fn is_a_machine_that_moved(plain: &str) -> bool {
    const MACHINES: Phrases = &["server", "service", "system", "host", "gateway", "site", "mx", "we"];
    const TO: Phrases = &[" to another server", " to a new server", " to a new filter", " to tls"];
    ["has moved", "have moved", "has changed", "has been replaced"].iter().any(|moved| {
        plain.split_once(moved).is_some_and(|(before, after)| {
            let mover = before.split_whitespace().next_back().unwrap_or_default();
            MACHINES.contains(&mover) || TO.iter().any(|to| after.starts_with(to))
        })
    })
}

/// Where something is said to be missing or wrong.
fn missing_at(plain: &str) -> impl Iterator<Item = (usize, usize)> {
    const WRONG: Phrases = &["bad address", "address error", "no valid"];
    EVERY
        .iter()
        .chain(&[WRONG])
        .copied()
        .flatten()
        .flat_map(|word| plain.match_indices(word).map(|(at, _)| (at, at + word.len())))
}

fn near_before(plain: &str, at: usize) -> &str {
    &plain[plain.floor_char_boundary(at.saturating_sub(NEAR))..at]
}
