//! Mail that asks to leave a list: to the address that List-Unsubscribe of a copy named (RFC 2369), whatever it says.
//!
//! The proof in the address is all that counts; who wrote, and what, is not looked at. What a program answers, returns or passes on by
//! itself asks nothing. Leaving itself is done above this room.

use std::pin::Pin;

use super::{
    BounceReport,
    mime::{Headers, Message, decoded},
    person::is_by_a_person,
};
pub use crate::delivery::Leaving;
use crate::{
    db::Result,
    delivery::{self, LEAVING_SUBJECT},
    site::Site,
};

/// Takes somebody off a list because a mail asks for it; the text is what makes it the same mail when it comes again. `false` if
/// nothing was to be done.
pub type Leave =
    for<'a> fn(&'a Site, &'a Leaving, &'a str) -> Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>>;

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
