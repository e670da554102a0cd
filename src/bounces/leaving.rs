//! Mail that asks to leave a list: to the address that List-Unsubscribe of a copy named (RFC 2369), whatever it says.
//!
//! The proof in the address is all that counts; who wrote, and what, is not looked at. What a program answers, returns or passes on by
//! itself asks nothing. Leaving itself is done above this room.

use std::pin::Pin;

use jiff::fmt::rfc2822::DateTimeParser;

use super::{
    BounceReport,
    mime::{Headers, Message, decoded},
    person::is_by_a_person,
};
pub use crate::delivery::Leaving;
use crate::{
    clock::Moment,
    db::Result,
    delivery::{self, LEAVING_SUBJECT},
    site::Site,
};

/// A mail that asks to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingMail {
    /// What makes it the same mail when it comes again.
    pub key: String,
    /// When it was sent, as far as anybody says; never later than now.
    pub sent_at: Option<Moment>,
}

/// Takes somebody off a list because a mail asks for it. `false` if nothing was to be done.
pub type Leave = for<'a> fn(
    &'a Site,
    &'a Leaving,
    &'a LeavingMail,
) -> Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>>;

/// Who asks to leave what, by an address that the message was sent to.
pub(super) fn asked(site: &Site, report: &BounceReport) -> Option<Leaving> {
    let base = site.bounce_address.as_ref()?;
    report.sent_to.iter().find_map(|address| delivery::parse_leaving(&site.keys, base, address))
}

/// Whether somebody wrote it, or a mail program that they told to.
pub(super) fn is_meant(message: &Message) -> bool {
    let reports = message.part(&["message/delivery-status", "message/feedback-report"]).is_some();
    !reports && (is_by_a_person(&message.headers) || is_by_their_program(&message.headers))
}

/// When a message was sent: as its program says, or as the first server that took it says, whichever is later, for a clock that is late
/// must keep nobody on a list. What is yet to come was said by a clock that is wrong.
pub(super) fn sent_at(message: &Message, now: Moment) -> Option<Moment> {
    // Each server puts its line above those of the servers before it.
    let first = message.headers.all("received").last().and_then(|line| line.rsplit_once(';'));
    let said = [message.headers.get("date"), first.map(|(_, date)| date)];
    said.into_iter().flatten().filter_map(moment_of).filter(|at| *at <= now).max()
}

/// The moment that a header has (RFC 5322, section 3.3).
fn moment_of(date: &str) -> Option<Moment> {
    let date = date.split('(').next().unwrap_or_default().trim();
    let parser = DateTimeParser::new().relaxed_weekday(true);
    parser.parse_timestamp(date).ok().map(Moment::from)
}

/// Some mail programs say that they wrote it by themselves (RFC 3834); what answers or passes on has not our subject alone.
fn is_by_their_program(headers: &Headers) -> bool {
    let is = |name: &str, word: &str| {
        headers.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
    };
    let subject = decoded(headers.get("subject").unwrap_or_default());
    let is_answer = ["in-reply-to", "references", "list-id", "precedence", "x-auto-response-suppress"];
    is("auto-submitted", "auto-generated")
        && subject.trim().eq_ignore_ascii_case(LEAVING_SUBJECT)
        && !is("return-path", "<>")
        && !is_answer.iter().any(|name| headers.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The later of what the program and the first server say; a clock that is wrong says nothing.
    #[test]
    fn a_mail_says_when_it_was_sent() {
        let at = |text: &str| Some(text.parse::<jiff::Timestamp>().expect("a moment").into());
        let now = at("2026-03-10T12:00:00Z").expect("a moment");
        for (head, sent) in [
            ("", None),
            ("Date: yesterday\r\n", None),
            ("Date: Mon, 02 Mar 2026 09:00:00 +0100 (CET)\r\n", at("2026-03-02T08:00:00Z")),
            ("Date: Sun, 2 Mar 2026 09:00 GMT\r\n", at("2026-03-02T09:00:00Z")),
            (
                "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nReceived: from a by b; Tue, 3 Mar 2026 10:00:00 +0000\r\n",
                at("2026-03-03T10:00:00Z"),
            ),
            ("Date: Fri, 01 Jan 2038 00:00:00 +0000\r\n", None),
            (
                "Received: from b by c;\r\n Sun, 8 Mar 2026 10:00:00 +0000\r\nReceived: from a by b; Tue, 3 Mar 2026 10:00:00 +0000\r\nDate: Tue, 3 Mar 2026 09:59:58 +0000\r\n",
                at("2026-03-03T10:00:00Z"),
            ),
        ] {
            assert_eq!(sent_at(&Message::read(format!("{head}\r\n").as_bytes()), now), sent, "{head}");
        }
    }
}
