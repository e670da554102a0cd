//! The log as an editor reads it: what was done, to what, and what else is to be said. The log itself keeps the words of the program, for
//! files and for those who ask later; what is not known here stands as it was written.

use super::{
    in_their_time,
    readers::{asks, how_often},
};
use crate::{
    clock::Zone,
    editions::{HeldBecause, Rhythm},
    email_address::EmailAddress,
    publishing::Subject,
    settings,
    subscribers::{List, requests::RequestKind},
};

/// What a line names by its number or short name.
pub(in crate::web) struct Named<'a> {
    pub editions: &'a [Subject],
    pub lists: &'a [List],
    pub zone: &'a Zone,
}

/// The editions that a line names, by public id.
pub(in crate::web) fn editions_of<'a>(subject: &'a str, detail: &'a str) -> impl Iterator<Item = &'a str> {
    let of = |text: &'a str| text.rsplit_once("edition ").map(|(_, id)| id);
    [of(subject), of(detail)]
        .into_iter()
        .flatten()
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What was done.
pub(in crate::web) fn did(action: &str) -> &str {
    match action {
        "corrected a reader’s address" => "asked for a reader’s new address",
        "mails again" => "let mail to a reader go again",
        "made a DKIM key" => "made a key that signs mail",
        "switched a DKIM key on" => "had mail signed by another key",
        "retired a DKIM key" => "retired a key that signed mail",
        "printed a proof" => "printed what a reader agreed to",
        "exported readers" => "took readers away as a file",
        "exported the log" => "took the log away as a file",
        "paused" => "paused an edition",
        "resumed" => "let an edition go on",
        "cancelled" => "cancelled an edition",
        "held back" => "held an edition back",
        "stopped" => "stopped an edition",
        "tried again" => "had copies sent again",
        "disabled" => "let somebody in no more",
        "enabled" => "let somebody in again",
        "joined" => "joined the team",
        action => action,
    }
}

/// To what it was done, and the page of that.
pub(in crate::web) fn to(subject: &str, named: &Named<'_>) -> (String, Option<String>) {
    if let Some(id) = subject.strip_prefix("edition ") {
        let page = |one: &Subject| (quoted(&one.subject), Some(format!("/desk/editions/{id}")));
        return named
            .editions
            .iter()
            .find(|one| one.public_id == id)
            .map_or_else(|| ("an edition".to_owned(), None), page);
    }
    if let Some(id) = subject.strip_prefix("gift ") {
        return ("a gift".to_owned(), Some(format!("/desk/donations/{id}")));
    }
    if let Some(slug) = subject.strip_prefix("list ") {
        let page = |one: &List| (quoted(&one.name), Some(format!("/desk/lists/{}", one.public_id)));
        return named.lists.iter().find(|one| one.slug == slug).map_or_else(|| (quoted(slug), None), page);
    }
    if let Some(name) = subject.strip_prefix("topic ").or_else(|| subject.strip_prefix("segment ")) {
        return (quoted(name), None);
    }
    (EmailAddress::parse(subject).map_or_else(|_| subject.to_owned(), |address| address.readable()), None)
}

fn quoted(name: &str) -> String {
    if name.trim().is_empty() { "an edition without a subject".to_owned() } else { format!("“{name}”") }
}

/// What else is to be said.
pub(in crate::web) fn more(action: &str, detail: &str, named: &Named<'_>) -> String {
    let said = match action {
        "mails again" => let_go_again(detail),
        "changed settings" => Some(changed_settings(detail)),
        "pressed Send" => pressed_send(detail),
        "held back" => held_back(detail),
        "tried again" => detail.rsplit_once(", revision ").map(|(what, _)| what.to_owned()),
        "began a correction" => began_correction(detail, named),
        "changed a list" => Some(changed_list(detail)),
        "wrote a request down" | "corrected a request" | "closed a request" => {
            RequestKind::parse(detail).map(|kind| asks(kind).to_owned())
        }
        "exported the log" => Some(exported_log(detail)),
        "stopped" if detail == HeldBecause::Restored.as_str() => Some("the database is a backup".to_owned()),
        _ => None,
    };
    in_their_time(said.as_deref().unwrap_or(detail), named.zone)
}

/// What it was stopped for, and why it goes again.
fn let_go_again(detail: &str) -> Option<String> {
    let (reason, why) = detail.split_once(": ").unwrap_or((detail, ""));
    let reason = match reason {
        "bounced" => "it had come back",
        "complained" => "they had marked it as spam",
        "staff" => "the team had stopped it",
        "erased" => "they had asked to be forgotten",
        _ => return None,
    };
    Some(if why.is_empty() { reason.to_owned() } else { format!("{reason}; now: {why}") })
}

/// As their page calls them.
fn changed_settings(detail: &str) -> String {
    let label = |name: &str| {
        let known = settings::ALL.iter().find(|one| one.name == name);
        known.map_or_else(|| name.to_owned(), |one| one.label.to_owned())
    };
    detail.split(", ").map(label).collect::<Vec<_>>().join(", ")
}

/// "revision 5, only to “In Berlin” (version 2), goes out 2026-11-29T08:54:36Z, unknown outcomes: resend"
fn pressed_send(detail: &str) -> Option<String> {
    let (revision, at) = detail.split_once(", goes out ")?;
    let to = revision.split_once(", ").map(|(_, to)| format!(", {to}")).unwrap_or_default();
    let (at, policy) = at.split_once(", unknown outcomes: ")?;
    let policy = match policy {
        "resend" => "are sent again",
        "hold" => "wait for you",
        _ => return None,
    };
    Some(format!("It goes out {at}{to}. Copies that may have arrived when the program breaks off {policy}."))
}

/// "late: it was to go out at 2026-11-29T08:54:36Z"
fn held_back(detail: &str) -> Option<String> {
    let (because, rest) = detail.split_once(": ")?;
    let because = match because {
        "late" => "its moment had passed",
        "broken" => "no mail could be made of it",
        "retired" => "its list is retired",
        "restored" => "the database is a backup",
        _ => return None,
    };
    Some(format!("{because}: {rest}"))
}

/// "of revision 2 of edition 62ig2rjokspmxyy6ngyzcpmcvu"
fn began_correction(detail: &str, named: &Named<'_>) -> Option<String> {
    let (_, id) = detail.rsplit_once("edition ")?;
    let wrong = named.editions.iter().find(|one| one.public_id == id)?;
    Some(format!("of {}", quoted(&wrong.subject)))
}

/// "Appeals, public, single, offered, welcomes, daily weekly": the name may hold commas, too.
fn changed_list(detail: &str) -> String {
    let mut parts: Vec<&str> = detail.split(", ").collect();
    let mut said = Vec::new();
    while let Some(last) = parts.last().filter(|_| parts.len() > 1) {
        let Some(words) = of_list(last) else { break };
        said.push(words);
        parts.pop();
    }
    said.push(format!("“{}”", parts.join(", ")));
    said.reverse();
    said.join(", ")
}

fn of_list(word: &str) -> Option<String> {
    let rhythms = Rhythm::read(word);
    let said = match word {
        "public" => "everybody sees it",
        "private" => "only those who are on it see it",
        "double" => "who joins confirms it by a mail",
        "single" => "the form alone is enough",
        "closed" => "closed",
        "offered" => "offered to new readers",
        "welcomes" => "with a letter of welcome",
        _ if !rhythms.is_empty() && Rhythm::write(&rhythms) == word => {
            let words: Vec<String> = rhythms.iter().map(|one| how_often(Some(*one)).to_lowercase()).collect();
            return Some(format!("to be had {}", words.join(", ")));
        }
        _ => return None,
    };
    Some(said.to_owned())
}

/// "what=looks reader=r1 day=2026-05-12 why=an authority asks"
fn exported_log(detail: &str) -> String {
    let (which, why) = match detail.split_once("why=") {
        Some((which, why)) => (which, Some(format!("because: {why}"))),
        None => (detail, None),
    };
    let part = |part: &str| match part.split_once('=') {
        Some(("what", "looks")) => Some("at whom they looked".to_owned()),
        Some(("person", _)) => Some("of one of the team".to_owned()),
        Some(("reader", _)) => Some("about one reader".to_owned()),
        Some(("day", day)) => Some(format!("of {day}")),
        _ => None,
    };
    which.split_whitespace().filter_map(part).chain(why).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(action: &str, detail: &str) -> String {
        let zone = Zone::named("Europe/Vienna").expect("a time zone");
        let editions = [Subject { id: 1, public_id: "e1".into(), subject: "Of housing".into() }];
        more(action, detail, &Named { editions: &editions, lists: &[], zone: &zone })
    }

    #[test]
    fn an_editor_reads_sentences() {
        for (action, detail, words) in [
            ("mails again", "bounced: her mailbox is back", "it had come back; now: her mailbox is back"),
            (
                "changed settings",
                "magazine_name, tagline, of_a_later_program",
                "Name, A line under the name, of_a_later_program",
            ),
            (
                "pressed Send",
                "revision 5, goes out 2026-11-29T08:54:36Z, unknown outcomes: resend",
                "It goes out 29 November 2026, 09:54 CET. Copies that may have arrived when the program breaks off are sent again.",
            ),
            (
                "held back",
                "late: it was to go out at 2026-11-29T08:54:36Z",
                "its moment had passed: it was to go out at 29 November 2026, 09:54 CET",
            ),
            ("tried again", "3 copies that failed: refused, revision 2", "3 copies that failed: refused"),
            ("began a correction", "of revision 2 of edition e1", "of “Of housing”"),
            (
                "changed a list",
                "Soup, bread, private, single, offered, weekly",
                "“Soup, bread”, only those who are on it see it, the form alone is enough, offered to new readers, to be had once a week",
            ),
            ("closed a request", "erasure", "To be forgotten"),
            (
                "exported the log",
                "what=looks reader=r1 why=an authority asks",
                "at whom they looked, about one reader, because: an authority asks",
            ),
            ("removed a note", "written on 2026-03-03T09:00:00Z", "written on 3 March 2026, 10:00 CET"),
            ("took off a list", "asked by telephone, revision 2", "asked by telephone, revision 2"),
        ] {
            assert_eq!(said(action, detail), words, "{action}");
        }
    }

    #[test]
    fn addresses_are_shown_in_their_own_letters() {
        let named = Named { editions: &[], lists: &[], zone: &Zone::UTC };
        assert_eq!(to("info@xn--r8jz45g.jp", &named).0, "info@例え.jp");
        assert_eq!(to("spring-fair", &named).0, "spring-fair");
    }
}
