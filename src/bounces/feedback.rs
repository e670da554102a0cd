//! Complaints of readers to their providers, in the Abuse Reporting Format (RFC 5965).

use super::{
    Action, BounceClass, Reason, ReportedRecipient,
    mime::{Headers, Message, Part},
    scan, shortened,
};

/// What a feedback report says; `None` where the message is none.
pub fn read(message: &Message, returned: &Headers) -> Option<Vec<ReportedRecipient>> {
    let fields = match message.part(&["message/feedback-report"]).or_else(|| unnamed(message)) {
        Some(part) => Headers::read(part.text.trim_start().as_bytes()).0,
        // Microsoft's programme for senders returns the message without a report.
        None if message
            .headers
            .get("subject")?
            .to_ascii_lowercase()
            .starts_with("complaint about message from") =>
        {
            Headers::default()
        }
        None if is_told_in_words(message) => Headers::default(),
        None => return None,
    };
    let kind = fields.get("feedback-type").unwrap_or("abuse").trim().to_ascii_lowercase();
    let (class, action) = match kind.as_str() {
        // "I looked, and it is not spam": the opposite of a complaint.
        "not-spam" => return Some(Vec::new()),
        "abuse" | "fraud" | "opt-out" | "opt-out-list" => (BounceClass::Complaint, Action::Complained),
        // About failed signatures, viruses and the like (RFC 6591): a matter for staff, not the reader's word.
        _ => (BounceClass::Complaint, Action::Other),
    };
    let mut addresses: Vec<String> = Vec::new();
    for name in ["original-rcpt-to", "removal-recipient"] {
        addresses.extend(fields.all(name).take(50).filter_map(scan::address).map(str::to_owned));
    }
    if addresses.is_empty() {
        let named = ["x-hmxmroriginalrecipient", "to", "delivered-to"];
        let to = named.iter().find_map(|name| returned.get(name));
        addresses.extend(to.and_then(scan::address).map(str::to_owned));
    }
    if addresses.is_empty() {
        // Redacted: our return address or Message-ID tells who it was.
        addresses.push(String::new());
    }
    addresses.dedup();
    let words = shortened(&format!("{kind}, {}", fields.get("user-agent").unwrap_or("no name")));
    let recipient = |address| ReportedRecipient {
        address,
        class,
        status: None,
        reply: None,
        action,
        reason: Reason::Complaint,
        words: words.clone(),
    };
    Some(addresses.into_iter().map(recipient).collect())
}

/// A report whose part has lost its type on the way; its first fields tell it.
fn unnamed(message: &Message) -> Option<&Part> {
    message.parts.iter().find(|part| {
        let head = part.text.trim_start();
        let head = &head[..head.floor_char_boundary(2_000)];
        let is_field = |line: &str, name: &str| {
            line.split_once(':').is_some_and(|(field, _)| field.trim().eq_ignore_ascii_case(name))
        };
        head.lines()
            .take(12)
            .take_while(|line| line.contains(':') || line.starts_with([' ', '\t']))
            .any(|line| is_field(line, "feedback-type"))
    })
}

/// A report that is a letter, with the message that it is about below.
fn is_told_in_words(message: &Message) -> bool {
    const SIGNS: &[&str] = &[
        "this is an email abuse report",
        "this is a spam report",
        "abuse report for an email",
        "spam complaint",
        "marked your message as spam",
        "marked as spam by",
        "reported as spam by",
        "reported this message as spam",
        "complained about your message",
    ];
    let about_a_message = message.part(&["message/rfc822", "text/rfc822-headers"]).is_some();
    let reports = message
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("feedback-report"));
    let letter = message
        .parts
        .iter()
        .find(|part| part.kind.starts_with("text/"))
        .map_or("", |part| part.text.as_str());
    let plain = scan::plain(&letter[..letter.floor_char_boundary(2_000)]);
    reports || about_a_message && SIGNS.iter().any(|sign| plain.contains(sign))
}
