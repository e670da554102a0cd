//! What a reply, or the lack of one, means for a message: TRUST.md's table of what is known at each stage.

use std::time::Duration;

use super::states::{AttemptStage, Class};
use crate::{
    replies::{self, About, Reason, scan},
    smtp::{Failure, Reply, Stage},
};

/// What is known of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server took it.
    Accepted,
    /// Not delivered, and trying again will not help: something of ours, not a server's word.
    Failed(Class),
    /// The server said no for good, and why.
    Refused(Reason),
    /// Not delivered; worth another try.
    Retry(Class),
    /// The server will not have this sender's mail, whoever it is for: the edition has to stop (TRUST M23).
    Stop(Reason),
    /// The final dot was written and no answer came: it may have arrived.
    Unknown,
    /// The relay itself cannot be used now; this says nothing about the recipient.
    NoRelay,
}

/// Judges one attempt.
#[must_use]
pub fn judge(result: &Result<Reply, Failure>, names: Names<'_>) -> Verdict {
    match result {
        Ok(_) => Verdict::Accepted,
        Err(Failure::Smtputf8Unsupported) => Verdict::Failed(Class::NoSmtputf8),
        Err(Failure::TooLarge { .. }) => Verdict::Failed(Class::TooLarge),
        Err(Failure::Unspeakable) => Verdict::Failed(Class::BadAddress),
        Err(
            Failure::Broken { stage: Stage::Connect | Stage::Auth, .. }
            | Failure::Closing { stage: Stage::Connect | Stage::Auth, .. }
            | Failure::Refused { stage: Stage::Connect | Stage::Auth, .. },
        ) => Verdict::NoRelay,
        Err(Failure::Broken { stage: Stage::Dot, .. }) => Verdict::Unknown,
        Err(Failure::Broken { .. }) => Verdict::Retry(Class::ConnectionLost),
        // A definite no, even at the final dot; and a request to come back later (TRUST M22).
        Err(Failure::Closing { .. }) => Verdict::Retry(Class::SlowedDown),
        Err(Failure::Refused { stage, reply }) if reply.is_permanent() => {
            let reason = meaning(*stage, reply, names);
            if is_about_everybody(*stage, reply, reason) {
                Verdict::Stop(reason)
            } else {
                Verdict::Refused(reason)
            }
        }
        // 4xx, and what no RFC knows: treated as "not now" (RFC 5321 section 4.2.1).
        Err(Failure::Refused { reply, .. }) => Verdict::Retry(temporary_class(reply)),
    }
}

/// Whether the server asked for fewer messages: 421 after the greeting, or a 4.7.x reply (TRUST M22).
#[must_use]
pub fn asks_for_patience(result: &Result<Reply, Failure>) -> bool {
    match result {
        Err(Failure::Closing { stage, .. }) => !matches!(stage, Stage::Connect | Stage::Auth),
        Err(Failure::Refused { reply, .. }) => reply.enhanced().is_some_and(|code| code.starts_with("4.7.")),
        _ => false,
    }
}

/// Who is named in a conversation, so that what a server says of us is not taken for words about the recipient.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The sender in the envelope.
    pub from: &'a str,
    /// The recipient.
    pub to: &'a str,
    /// What we call ourselves.
    pub hello: &'a str,
}

/// What a final refusal means. Most servers repeat the recipient's address, which is no word of theirs; some name us.
fn meaning(stage: Stage, reply: &Reply, names: Names<'_>) -> Reason {
    let text = scan::with_ours(&reply.text, &[names.from, names.hello], names.to);
    let text = scan::without_addresses(&text);
    let status = reply.enhanced().or_else(|| scan::most_telling(scan::statuses(&reply.text)));
    replies::read(AttemptStage::from(stage).into(), Some(reply.code), status, &[&text]).reason
}

/// Whether a refusal would meet the next copy as well, whoever it is for: any that speaks of us in answer to MAIL, and the
/// codes for mail that is not authenticated (RFC 7372: 5.7.20 to 5.7.26, 5.7.27; Microsoft's 5.7.509 and 5.7.515) or comes
/// from a blocked address (Microsoft's 5.7.606 to 5.7.649 and 5.7.7xx).
fn is_about_everybody(stage: Stage, reply: &Reply, reason: Reason) -> bool {
    let detail =
        reply.enhanced().and_then(|code| code.strip_prefix("5.7.")).and_then(|detail| detail.parse().ok());
    let named =
        detail.is_some_and(|detail: u16| matches!(detail, 20..=29 | 509 | 515 | 606..=649 | 700..=799));
    reason.about() == About::Us && (stage == Stage::Mail || named)
}

fn temporary_class(reply: &Reply) -> Class {
    match reply.enhanced() {
        Some("4.2.2") => Class::Full,
        Some(code) if code.starts_with("4.7.") => Class::SlowedDown,
        _ if reply.code == 452 => Class::Full,
        _ => Class::NotNow,
    }
}

/// What is written down of the server's words.
#[must_use]
pub fn words(result: &Result<Reply, Failure>) -> String {
    match result {
        Ok(reply) | Err(Failure::Refused { reply, .. } | Failure::Closing { reply, .. }) => reply.to_string(),
        Err(Failure::Broken { why, .. }) => why.clone(),
        Err(Failure::Smtputf8Unsupported) => "the server does not offer SMTPUTF8".to_owned(),
        Err(Failure::TooLarge { limit }) => format!("the server takes no message over {limit} bytes"),
        Err(Failure::Unspeakable) => "the address holds characters that no command may hold".to_owned(),
    }
}

/// Where it happened.
#[must_use]
pub fn stage(result: &Result<Reply, Failure>) -> AttemptStage {
    match result {
        Ok(_) => AttemptStage::Dot,
        Err(
            Failure::Refused { stage, .. } | Failure::Closing { stage, .. } | Failure::Broken { stage, .. },
        ) => (*stage).into(),
        Err(Failure::Smtputf8Unsupported | Failure::TooLarge { .. } | Failure::Unspeakable) => {
            AttemptStage::Mail
        }
    }
}

/// How long to wait after that many attempts; `None` when it is time to give up.
///
/// Growing gaps over about four days (RFC 5321 section 4.5.4.1 asks for at least 30 minutes between tries of one
/// destination, and four to five days before giving up); the first two are shorter, for greylisting.
#[must_use]
pub const fn retry_gap(attempts: i64) -> Option<Duration> {
    let minutes = match attempts {
        ..=1 => 5,
        2 => 15,
        3 => 30,
        4 => 60,
        5 => 2 * 60,
        6 => 4 * 60,
        7..=8 => 8 * 60,
        9..=14 => 14 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> =
        Names { from: "b@news.example.org", to: "ann@example.com", hello: "mail.example.net" };

    fn refused(stage: Stage, code: u16, text: &str) -> Result<Reply, Failure> {
        let reply = Reply { code, text: text.to_owned(), lines: vec![text.to_owned()] };
        Err(Failure::Refused { stage, reply })
    }

    /// TRUST, "what each stage means": only a break after the final dot leaves anything unknown.
    #[test]
    fn only_a_break_after_the_final_dot_is_unknown() {
        let broken = |stage| Err(Failure::Broken { stage, why: String::new() });
        assert_eq!(judge(&broken(Stage::Dot), NAMES), Verdict::Unknown);
        assert_eq!(judge(&broken(Stage::Data), NAMES), Verdict::Retry(Class::ConnectionLost));
        assert_eq!(judge(&broken(Stage::Connect), NAMES), Verdict::NoRelay);
        assert_eq!(judge(&refused(Stage::Dot, 554, "5.6.0 no"), NAMES), Verdict::Refused(Reason::Refused));
    }

    /// TRUST M23: what the server says of us and not of the recipient stops the edition and costs no recipient anything.
    #[test]
    fn a_refusal_of_the_sender_stops_the_edition() {
        for text in ["5.7.26 unauthenticated", "5.7.515 access denied", "5.7.708 traffic not accepted"] {
            assert_eq!(
                judge(&refused(Stage::Dot, 550, text), NAMES),
                Verdict::Stop(Reason::Policy),
                "{text}"
            );
        }
        assert_eq!(judge(&refused(Stage::Mail, 550, "5.7.1 no"), NAMES), Verdict::Stop(Reason::Policy));
        assert_eq!(
            judge(&refused(Stage::Rcpt, 550, "5.1.1 who"), NAMES),
            Verdict::Refused(Reason::NoMailbox)
        );
    }

    /// TRUST M23: a server that does not know us says nothing of the recipient.
    #[test]
    fn our_own_names_are_not_the_recipients() {
        for text in [
            "<b@news.example.org>: user unknown",
            "b+17@news.example.org does not exist",
            "news.example.org: domain not found",
            "no such host: mail.example.net",
        ] {
            assert_eq!(
                judge(&refused(Stage::Rcpt, 550, text), NAMES),
                Verdict::Refused(Reason::Policy),
                "{text}"
            );
        }
        for text in ["<ann@example.com>: user unknown", "unknown user ann; message from b@news.example.org"] {
            assert_eq!(
                judge(&refused(Stage::Rcpt, 550, text), NAMES),
                Verdict::Refused(Reason::NoMailbox),
                "{text}"
            );
        }
    }

    #[test]
    fn a_5xx_is_final_and_a_4xx_is_not() {
        assert_eq!(
            judge(&refused(Stage::Rcpt, 550, "5.1.1 who"), NAMES),
            Verdict::Refused(Reason::NoMailbox)
        );
        assert_eq!(judge(&refused(Stage::Rcpt, 550, "5.7.1 no"), NAMES), Verdict::Refused(Reason::Policy));
        assert_eq!(judge(&refused(Stage::Rcpt, 451, "greylisted"), NAMES), Verdict::Retry(Class::NotNow));
        assert_eq!(judge(&refused(Stage::Auth, 535, "5.7.8 no"), NAMES), Verdict::NoRelay);
        let total: u64 = (1..).map_while(retry_gap).map(|gap| gap.as_secs()).sum();
        assert!((4 * 86_400..=5 * 86_400).contains(&total), "gives up after {} hours", total / 3600);
    }
}
