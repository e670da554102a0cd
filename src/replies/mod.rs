//! A server's words, read once: what a reply or a report says, and of whom.
//!
//! The rule that must hold: replies to our own connections and reports that come later are read here and nowhere else, so
//! that the class at the desk, the brake on an edition and what becomes of a reader can never differ. A reader is given up
//! only for words about their mailbox or domain that are meant for good (TRUST M23).
//!
//! It calls the small types; `delivery` and `bounces` ask it. Start reading at [`read`]; the idioms are in `words`.

mod commonest;
pub mod scan;
#[cfg(test)]
mod servers;
mod status;
mod words;

pub use self::commonest::{alike, commonest};

crate::words! {
    /// Why, in the few kinds that make a difference.
    pub enum Reason else Unknown {
        /// There is no such mailbox.
        NoMailbox = "no-mailbox",
        /// There is no such host.
        NoHost = "no-host",
        /// The reader is somewhere else now.
        Moved = "moved",
        /// The host takes no mail at all.
        TakesNoMail = "takes-no-mail",
        /// The mailbox is full.
        Full = "full",
        /// The message is too big.
        TooBig = "too-big",
        /// The account is switched off, perhaps for a time.
        Disabled = "disabled",
        /// The server does not like the sender: its rights, its reputation, its message.
        Policy = "policy",
        /// Too much at once.
        TooMuch = "too-much",
        /// It was tried for too long.
        Expired = "expired",
        /// The other server could not be reached.
        Network = "network",
        /// Something is wrong with a server.
        Server = "server",
        /// Refused, without a word that is known.
        Refused = "refused",
        Complaint = "complaint",
        /// An automatic answer.
        Away = "away",
        /// Nothing is known.
        Unknown = "unknown",
    }
}

/// Whom a server speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Us: our host, address, sender, proof or message. The reader can do nothing for it.
    Us,
    /// The reader's mailbox.
    Mailbox,
    /// The reader's domain.
    Domain,
    /// A state of things that may pass.
    Later,
    /// Nobody can say.
    Unknown,
}

impl Reason {
    /// Whom it is about.
    #[must_use]
    pub const fn about(self) -> About {
        match self {
            Self::Policy | Self::TooBig => About::Us,
            Self::NoMailbox | Self::Moved | Self::Full | Self::Disabled => About::Mailbox,
            Self::NoHost | Self::TakesNoMail => About::Domain,
            Self::TooMuch | Self::Expired | Self::Network | Self::Server => About::Later,
            Self::Refused | Self::Complaint | Self::Away | Self::Unknown => About::Unknown,
        }
    }

    /// Whether mail to that address is pointless from now on.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::NoMailbox | Self::NoHost | Self::Moved | Self::TakesNoMail)
    }
}

/// To what a server said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// To MAIL, where no reader is named yet.
    Mail,
    /// To RCPT, which names one.
    Rcpt,
    /// To DATA or to the message.
    Data,
    /// Nobody says; the words may.
    Somewhere,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Why.
    pub reason: Reason,
    /// Whether it is meant for good, and mail to that address is pointless from now on.
    pub is_hard: bool,
}

/// Reads a refusal: the reply code, the enhanced status code, and texts about it, the nearest first, without the reader's
/// address (see [`scan::without`]) and with our names marked (see [`scan::with_ours`]).
#[must_use]
pub fn read(said: Said, code: Option<u16>, status: Option<&str>, texts: &[&str]) -> Meaning {
    let plain: Vec<String> = texts.iter().map(|text| scan::plain(text)).collect();
    let reported = said == Said::Somewhere;
    let said = if reported {
        plain.iter().map(|text| said_to(text)).find(|said| *said != Said::Somewhere).unwrap_or(said)
    } else {
        said
    };
    let plain: Vec<String> = plain.iter().map(|text| without_command(text)).collect();
    // Many servers add where to complain of abuse, whatever they refuse.
    let is_gone = matches!(status, Some("5.1.1" | "5.1.10"))
        || plain.iter().any(|text| words::reason((said, reported), text) == Some((Reason::NoMailbox, true)));
    let is_a_list = |text: &&str| scan::links_to_an_address(text) || !is_gone && scan::links_to_a_block(text);
    let reason =
        if texts.iter().any(is_a_list) { Reason::Policy } else { why((said, reported), status, &plain) };
    let reason = match reason.about() {
        // No reader is named at this point, whatever the words.
        About::Mailbox | About::Domain | About::Unknown if said == Said::Mail => Reason::Policy,
        _ => reason,
    };
    // A report may say 5 of what was tried for too long; the last code of a text is the innermost server's.
    let innermost = texts.iter().find_map(|text| scan::innermost(text));
    let for_now = status.is_some_and(|status| status.starts_with('4'))
        || innermost.map_or(code.is_some_and(|code| code / 100 == 4), |reply| reply.starts_with('4'));
    Meaning { reason, is_hard: reason.is_final() && !for_now }
}

fn why(said: (Said, bool), status: Option<&str>, plain: &[String]) -> Reason {
    let read = |text: &String| words::reason(said, text);
    let said: Vec<(Reason, bool)> = plain.iter().filter_map(read).collect();
    let coded = status.and_then(status::reason);
    // Exchange Online, where the directory of the other side does not know the recipient.
    if status == Some("5.4.1")
        && plain.iter().any(|text| text.contains("recipient address rejected: access denied"))
    {
        return Reason::NoMailbox;
    }
    // "Other address status": the field that was refused is the address.
    if status.is_some_and(|status| status.ends_with(".1.0"))
        && plain.iter().any(|text| text.contains("address rejected"))
        && said.is_empty()
    {
        return Reason::NoMailbox;
    }
    let reason = match said.first() {
        Some((_, false)) if coded.is_some_and(|coded| coded.is_final() || coded == Reason::Policy) => coded,
        // "Not available" is said of mailboxes that are there, and the code knows which.
        Some((Reason::NoMailbox, _)) if coded == Some(Reason::Disabled) && is_unavailable(plain) => coded,
        Some((reason, _)) => Some(*reason),
        None => coded,
    };
    let reason = reason.unwrap_or(Reason::Unknown);
    if !reason.is_final() {
        return reason;
    }
    // Of two readings the milder: a reader is not given up for a sentence that may mean something else.
    if said.iter().any(|(reason, _)| *reason == Reason::Full) {
        return Reason::Full;
    }
    // A code of policy never speaks of a mailbox or its domain; but Sendmail says of a host with a null MX what the registry
    // has for a sender's.
    let is_null_mx = status == Some("5.7.27") && reason == Reason::TakesNoMail;
    let names_a_sender = || plain.iter().any(|text| text.contains("sender"));
    if status.is_some_and(status::is_policy) && (!is_null_mx || names_a_sender()) {
        return Reason::Policy;
    }
    let nearest =
        plain.iter().find(|text| read(text).is_some()).or_else(|| plain.iter().find(|text| !text.is_empty()));
    nearest.and_then(|text| words::milder(reason, text)).unwrap_or(reason)
}

fn is_unavailable(plain: &[String]) -> bool {
    plain.iter().any(|text| text.contains("unavailable") || text.contains("not available"))
}

/// Which command a text says was refused: in words ("in reply to MAIL FROM command"), or in a transcript, by the last line
/// that we sent before the refusal.
fn said_to(plain: &str) -> Said {
    const BEFORE: &[&str] = &["reply to ", "response to ", "after ", "following ", "sending ", "command: "];
    const COMMANDS: &[(&str, Said)] = &[
        ("mail from", Said::Mail),
        ("rcpt to", Said::Rcpt),
        ("end of data", Said::Data),
        ("data", Said::Data),
        ("final data", Said::Data),
        ("pipelined end of data", Said::Data),
    ];
    let refused = ["<<< 5", "<<< 4"].iter().filter_map(|sign| plain.find(sign)).min();
    if let Some(sent) = refused.and_then(|refused| plain[..refused].rfind(">>> ")) {
        let command = &plain[sent + 4..];
        let known = COMMANDS.iter().find(|(name, _)| command.starts_with(name));
        return known.map_or(Said::Somewhere, |(_, said)| *said);
    }
    for before in BEFORE {
        for (at, _) in plain.match_indices(before) {
            let after = &plain[at + before.len()..];
            let after = after.strip_prefix("smtp ").or_else(|| after.strip_prefix("the ")).unwrap_or(after);
            if let Some((_, said)) = COMMANDS.iter().find(|(name, _)| after.starts_with(name)) {
                return *said;
            }
        }
    }
    Said::Somewhere
}

/// Without "(in reply to RCPT TO command)", which is no word of the server that refused.
fn without_command(plain: &str) -> String {
    let Some((words, after)) = plain.split_once("(in reply to ") else { return plain.to_owned() };
    format!("{words}{}", after.split_once(')').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(said: Said, text: &str) -> Reason {
        read(said, None, scan::most_telling(scan::statuses(text)), &[text]).reason
    }

    /// TRUST M23: whoever it is for, such a refusal is about us, at whatever command and with whatever code.
    #[test]
    fn what_speaks_of_us_is_about_us() {
        for text in [
            "550 Service unavailable; Client host [192.0.2.1] blocked using zen.example.org",
            "553 http://blocklist.example.org/query?ip=192.0.2.1",
            "554 <https://check.example.net/lookup/192.0.2.1>",
            "550 Sender verify failed",
            "554 Relay access denied",
            "553 5.1.8 Sender address rejected: Domain not found",
            "550 5.7.1 Unable to relay",
            "550 Bad DNS PTR resource record",
            "550 The domain of the sender's address does not exist",
            "554 Your IP has a poor reputation",
            "550 mx.example.com does not accept mail from dynamic addresses",
            "550 5.7.26 This mail is unauthenticated",
            "550 unknown host 192.0.2.1",
            "550 rejected: unresolvable client",
            "550 Mail from domain does not exist",
            "550 Return path domain not found",
            "553 Envelope address rejected: Domain not found",
            "550 Your message was rejected: domain not found",
            "550 message from unknown domain",
            "550 5.1.2 domain not found for sender",
            "550 From address does not exist",
            "550 Reverse-path unknown user",
            "550 Absender unbekannt",
            "550 Absenderdomain existiert nicht",
            "550 Remitente desconocido",
            "550 mittente sconosciuto",
            "550 发件人不存在",
            "550 送信者が不明です",
            "554 refused [2001-db8] 192.0.2.77 is not welcome, rejected",
        ] {
            for said in [Said::Mail, Said::Rcpt, Said::Data, Said::Somewhere] {
                assert_eq!(reason(said, text), Reason::Policy, "{text}");
            }
        }
    }

    /// TRUST M23: MAIL names no reader, so its refusal is about none.
    #[test]
    fn a_refusal_of_mail_is_about_us_whatever_its_words() {
        for text in ["550 no such user", "550 go away", "550 5.1.1 unknown", "553 Domain does not exist"] {
            assert_eq!(reason(Said::Mail, text), Reason::Policy, "{text}");
            assert_eq!(
                reason(
                    Said::Somewhere,
                    &format!("host mx.example.com said: {text} (in reply to MAIL FROM command)")
                ),
                Reason::Policy,
                "{text}"
            );
        }
        assert_eq!(reason(Said::Mail, "552 message too big"), Reason::TooBig);
        assert_eq!(reason(Said::Somewhere, ">>> RCPT To:<> <<< 550 no such user"), Reason::NoMailbox);
        assert_eq!(reason(Said::Somewhere, ">>> MAIL From:<> <<< 550 no such user"), Reason::Policy);
    }

    /// TRUST M23: the reader's mailbox and domain.
    #[test]
    fn what_speaks_of_the_reader_is_about_the_reader() {
        for text in [
            "550 5.1.1 <…>: Recipient address rejected: User unknown",
            "550 that address could not be found here",
            "550 we do not know of any such mailbox; the alias was deleted",
            "550 宛先のユーザーが存在しません",
            "550 Unbekannter Benutzer",
            "550 Your message was not delivered: the recipient is unknown",
            "550 the sender asked for a mailbox that does not exist",
            "550 User unknown. Report abuse to https://abuse.example.net/report",
            "550 5.1.1 no mailbox here by that name; see https://antispam.example.net/help",
        ] {
            for said in [Said::Rcpt, Said::Data, Said::Somewhere] {
                assert_eq!(reason(said, text), Reason::NoMailbox, "{text}");
            }
        }
        assert_eq!(
            reason(Said::Rcpt, "550 Host unknown (Name server: mx.example.com: host not found)"),
            Reason::NoHost
        );
        assert_eq!(reason(Said::Rcpt, "552 5.2.2 Over quota"), Reason::Full);
        assert_eq!(reason(Said::Rcpt, "550 nobody knows why"), Reason::Unknown);
    }

    /// TRUST M20: a status of 4 says "not now", whatever else is said.
    #[test]
    fn what_is_not_for_good_is_never_hard() {
        let read = |code, status, text| read(Said::Rcpt, code, status, &[text]);
        assert!(read(Some(550), Some("5.1.1"), "user unknown").is_hard);
        assert!(read(Some(550), None, "user unknown").is_hard);
        assert!(!read(Some(450), Some("4.1.1"), "user unknown").is_hard);
        assert!(!read(Some(450), None, "user unknown").is_hard);
        assert!(!read(None, Some("4.4.7"), "host name lookup failure for 8 hours").is_hard);
        assert!(!read(Some(550), Some("5.7.1"), "user unknown").is_hard);
    }
}
