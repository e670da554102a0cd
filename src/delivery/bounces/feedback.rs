//! Complaints of readers to their providers, in the Abuse Reporting Format (RFC 5965).

use super::{
    Action, Class, Reason, Recipient,
    mime::{Headers, Message},
    scan, shortened,
};

/// What a feedback report says; `None` where the message is none.
pub fn read(message: &Message, returned: &Headers) -> Option<Vec<Recipient>> {
    let fields = match message.part(&["message/feedback-report"]) {
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
        None => return None,
    };
    let kind = fields.get("feedback-type").unwrap_or("abuse").trim().to_ascii_lowercase();
    let (class, action) = match kind.as_str() {
        // "I looked, and it is not spam": the opposite of a complaint.
        "not-spam" => return Some(Vec::new()),
        "abuse" | "fraud" | "opt-out" | "opt-out-list" => (Class::Complaint, Action::Complained),
        // About failed signatures, viruses and the like (RFC 6591): a matter for staff, not the reader's word.
        _ => (Class::Complaint, Action::Other),
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
    let recipient = |address| Recipient {
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
