//! Mail about our mail: bounces, delays, complaints and automatic answers, from every source in one normal form.
//!
//! The rules that must hold. Whatever arrives is bounded in time and memory (`mime.rs`) and never ends the program. Words
//! from outside change a reader's standing only with proof that they answer a copy of ours (the `receive` module): anybody can write
//! a bounce, nobody can write our return address.
//!
//! It may call the ledger (`delivery`) and what reads a server's words (`replies`); who leaves by mail is taken off a list above it, by
//! the function that each caller hands in. Start reading at [`receive_mail`].

mod auto_reply;
mod dsn;
mod effect;
mod feedback;
mod imap;
mod leaving;
mod letters;
mod maildir;
mod mime;
#[cfg(test)]
mod odd_tests;
mod person;
mod providers;
mod receive;
mod record;
mod states;
mod store;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::mime::Message;
pub use self::{
    effect::Effect,
    imap::{ImapError, ImapMailbox},
    leaving::{Leave, Leaving, LeavingMail},
    maildir::{MaildirError, Taken, receive_maildir},
    mime::{Headers, READ as MOST_READ},
    person::{PersonsLetter, done as letter_done, waiting as letters_waiting},
    providers::{
        HookRefused, SENDGRID_SIGNATURE, SENDGRID_TIMESTAMP, Signed, SnsNetwork, SnsSaid, SnsTopic,
        is_sendgrid_key, read_mailgun, read_postmark, read_sendgrid,
    },
    receive::{Complaints, receive, receive_mail, receive_refusals},
    record::{
        Bounce, ComplainedEdition, editions_with_many_complaints, forget, last_taken_in, latest, letters_of,
        of_address,
    },
    states::{Action, BounceClass, Change, Source},
};
pub use crate::replies::{Reason, scan::without_addresses};
use crate::{
    db::Sql,
    heavy,
    replies::{self, Said, scan},
};

pub(crate) use self::store::bounces::FORGET;

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[store::bounces::STATEMENTS, store::letters::STATEMENTS];

/// What a message says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRecipient {
    /// Whom it is about, as far as the reporter says; empty where it does not.
    pub address: String,
    /// What it means.
    pub class: BounceClass,
    /// The enhanced status code.
    pub status: Option<String>,
    /// The reply code of the other server.
    pub reply: Option<String>,
    /// What became of the copy.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The other server's words, shortened.
    pub words: String,
}

/// A message about our mail, in the normal form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BounceReport {
    /// What it says, recipient by recipient; empty for mail that is about something else.
    pub recipients: Vec<ReportedRecipient>,
    /// The addresses it was sent to: a return address of ours among them proves what it answers.
    pub sent_to: Vec<String>,
    /// Return-Path of the message that it returns.
    pub returned_path: Option<String>,
    /// Message-ID of the message that it returns, without its brackets.
    pub returned_id: Option<String>,
    /// List-Unsubscribe of the message that it returns: our own signed link, which no redaction of addresses touches.
    pub returned_link: Option<String>,
}

const LONGEST_WORDS: usize = 500;
const LONGEST_SOURCE: usize = 8 * 1024;
/// How often a report may have been passed on.
const DEEPEST: usize = 4;

/// Reads a message. Any bytes give an answer, in bounded time.
#[must_use]
pub fn inspect(bytes: &[u8]) -> BounceReport {
    // The decoders are another crate's, and what they read is anybody's.
    heavy::quietly(|| read(bytes)).unwrap_or_else(|cause| {
        tracing::warn!(%cause, "a message that came back made its reader stop");
        BounceReport::default()
    })
}

/// As [`inspect`], away from the threads that serve.
pub async fn inspected(bytes: Vec<u8>) -> BounceReport {
    heavy::aside(move || inspect(&bytes)).await.unwrap_or_default()
}

fn read(bytes: &[u8]) -> BounceReport {
    let message = Message::read(bytes);
    let mut report = understand(&message);
    // A report about a report, or one that somebody passed on, or passed on again.
    let within =
        |message: &Message| message.part(&["message/rfc822"]).map(|part| Message::read(part.text.as_bytes()));
    let mut inside = within(&message);
    for _ in 0..DEEPEST {
        let Some(passed_on) = inside.filter(|_| report.recipients.iter().all(|one| one.status.is_none()))
        else {
            break;
        };
        let inner = understand(&passed_on);
        let fails = |one: &ReportedRecipient| {
            matches!(one.class, BounceClass::Hard | BounceClass::Soft) && one.status.is_some()
        };
        let complains = |one: &ReportedRecipient| one.action == Action::Complained;
        if inner.recipients.iter().any(fails)
            || report.recipients.is_empty() && inner.recipients.iter().any(complains)
        {
            report = inner;
        }
        inside = within(&passed_on);
    }
    for name in ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "x-delivered-to"] {
        for value in message.headers.all(name).take(10) {
            let found = scan::addresses(value).map(|(_, address)| address.to_owned());
            report.sent_to.extend(found.take(10));
        }
    }
    report.sent_to.dedup();
    report
}

fn understand(message: &Message) -> BounceReport {
    let mut letter = letters::Letter::new(message);
    let returned = returned_headers(message, &letter);
    letter.know_sender(&returned);
    let recipients = feedback::read(message, &returned)
        .or_else(|| message.parts.iter().find_map(|part| providers::mailed(&part.text)))
        .or_else(|| notified(message, &letter))
        .or_else(|| letters::read(message, &letter, &returned))
        .or_else(|| auto_reply::read(message))
        .unwrap_or_default();
    let brackets: &[char] = &['<', '>', ' '];
    BounceReport {
        recipients,
        sent_to: Vec::new(),
        returned_path: returned.get("return-path").and_then(scan::address).map(str::to_owned),
        returned_id: returned.get("message-id").map(|id| id.trim_matches(brackets).to_owned()),
        returned_link: returned.get("list-unsubscribe").map(|link| link.trim_matches(brackets).to_owned()),
    }
}

/// The header of the message that is returned, wherever it stands.
fn returned_headers(message: &Message, letter: &letters::Letter) -> Headers {
    let kinds = [
        "message/rfc822",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global",
        "message/global-headers",
    ];
    match message.part(&kinds) {
        Some(part) => Headers::read(part.text.trim_start().as_bytes()).0,
        None => letters::headers_of(&letter.returned),
    }
}

/// What the fields of a delivery status notification say.
fn notified(message: &Message, letter: &letters::Letter) -> Option<Vec<ReportedRecipient>> {
    let kinds = ["message/delivery-status", "message/global-delivery-status"];
    let mut fields: Vec<dsn::Fields> = Vec::new();
    for part in message.parts.iter().filter(|part| kinds.contains(&part.kind.as_str())) {
        fields.extend(dsn::read(&part.text));
    }
    if fields.is_empty() {
        fields = dsn::read(&letter.human);
    }
    if fields.is_empty() {
        return None;
    }
    let alone = fields.len() == 1;
    let blocks = letter.blocks(&fields.iter().map(|one| one.address.as_str()).collect::<Vec<_>>());
    Some(fields.into_iter().map(|one| from_fields(one, letter, &blocks, alone)).collect())
}

fn from_fields(
    fields: dsn::Fields,
    letter: &letters::Letter,
    blocks: &[letters::Block],
    alone: bool,
) -> ReportedRecipient {
    let about = |address: &str| blocks.iter().find(|block| block.address.eq_ignore_ascii_case(address));
    let block = about(&fields.address).or_else(|| fields.original.as_deref().and_then(about));
    let block = block.map_or("", |block| block.words.as_str());
    let human = if alone { letter.human.as_str() } else { "" };
    let action = match fields.action.as_str() {
        "delayed" => Action::Delayed,
        "delivered" | "relayed" | "expanded" => Action::Delivered,
        "failed" => Action::Failed,
        _ if letter.is_delay() => Action::Delayed,
        _ if fields.status.as_deref().is_some_and(|status| status.starts_with('2')) => Action::Delivered,
        _ => Action::Failed,
    };
    let subject = if alone { letter.subject() } else { "" };
    let sources = [fields.diagnostic.as_str(), block, human, subject];
    let (said, status) = (Said::Somewhere, fields.status.as_deref());
    let mut recipient = judge_said(fields.address, action, said, status, &sources, letter.ours());
    if fields.by_program && recipient.reason == Reason::NoMailbox {
        // What a filter or a delivery program on the other side printed, not what its server knows.
        (recipient.reason, recipient.class) = (Reason::Server, BounceClass::Soft);
    }
    recipient
}

/// Makes a recipient of what was read: `sources` are texts about it, the nearest first.
fn judge(address: String, action: Action, status: Option<&str>, sources: &[&str]) -> ReportedRecipient {
    judge_said(address, action, Said::Somewhere, status, sources, &[])
}

/// The same, where it is known what was answered, or which names are `ours`.
fn judge_said(
    address: String,
    action: Action,
    said: Said,
    status: Option<&str>,
    sources: &[&str],
    ours: &[String],
) -> ReportedRecipient {
    let sources: Vec<&str> =
        sources.iter().map(|text| &text[..text.floor_char_boundary(LONGEST_SOURCE)]).collect();
    // The other server's words about this copy say more than the field that the reporter filled in.
    let delivered = action == Action::Delivered;
    let fits = |found: &&str| delivered == found.starts_with('2');
    let (nearest, others) =
        sources.split_first().map_or(("", &sources[..0]), |(nearest, others)| (*nearest, others));
    let others = others.iter().flat_map(|text| scan::statuses(text));
    let found = scan::statuses(nearest).filter(fits).chain(status).chain(others.filter(fits));
    let status = scan::most_telling(found).map(str::to_owned);
    let reply = sources.iter().find_map(|text| scan::reply(text)).map(str::to_owned);
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    let words = |text: &&str| scan::without(&scan::with_ours(text, &ours, &address), &address);
    let nearby: Vec<String> = sources.iter().map(words).collect();
    let nearby: Vec<&str> = nearby.iter().map(String::as_str).collect();
    let code = reply.as_deref().and_then(|reply| reply.parse().ok());
    let meaning = replies::read(said, code, status.as_deref(), &nearby);
    let class = match action {
        Action::Delivered => BounceClass::Delivered,
        _ if meaning.is_hard => BounceClass::Hard,
        _ => BounceClass::Soft,
    };
    let words = sources.iter().find(|text| !text.trim().is_empty()).copied().unwrap_or_default();
    ReportedRecipient {
        address,
        class,
        status,
        reply,
        action,
        reason: meaning.reason,
        words: shortened(words),
    }
}

fn shortened(text: &str) -> String {
    let is_between = |c: char| c.is_whitespace() || c.is_control();
    let mut words = text.split(is_between).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if words.len() > LONGEST_WORDS {
        let end = words.floor_char_boundary(LONGEST_WORDS);
        words.truncate(end);
        words.push('…');
    }
    words
}
