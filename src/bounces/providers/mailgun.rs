//! Mailgun: an HMAC-SHA256 over timestamp and token, by the webhook signing key.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use super::{
    super::{Action, BounceClass, BounceReport, Reason, ReportedRecipient, judge, shortened},
    HookRefused, Signed, is_recent,
};
use crate::clock::Moment;

#[derive(Deserialize)]
struct Payload {
    signature: Signature,
    #[serde(rename = "event-data")]
    event: Event,
}

#[derive(Deserialize)]
struct Signature {
    timestamp: String,
    token: String,
    signature: String,
}

#[derive(Deserialize)]
struct Event {
    event: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    recipient: String,
    #[serde(default, rename = "delivery-status")]
    status: Status,
    #[serde(default)]
    message: MessagePart,
    #[serde(default)]
    envelope: Envelope,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: Option<i64>,
    message: Option<String>,
    description: Option<String>,
    #[serde(rename = "enhanced-code")]
    enhanced: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MessagePart {
    headers: MessageHeaders,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MessageHeaders {
    #[serde(rename = "message-id")]
    id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    sender: Option<String>,
}

/// Checks and reads a message. The token is what makes it one: the signature covers nothing else.
///
/// # Errors
/// [`HookRefused`].
pub fn read(key: &str, body: &[u8], now: Moment) -> Result<Signed, HookRefused> {
    let Payload { signature, event } = serde_json::from_slice(body)?;
    let made = HEXLOWER_PERMISSIVE.decode(signature.signature.as_bytes()).map_err(|_| HookRefused::Forged)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signed = format!("{}{}", signature.timestamp, signature.token);
    hmac::verify(&key, signed.as_bytes(), &made).map_err(|_| HookRefused::Forged)?;
    is_recent(&signature.timestamp, now)?;
    let report = BounceReport {
        recipients: recipient(&event).into_iter().collect(),
        returned_path: event.envelope.sender,
        returned_id: event.message.headers.id,
        ..BounceReport::default()
    };
    Ok(Signed { key: signature.token, report })
}

fn recipient(event: &Event) -> Option<ReportedRecipient> {
    let complaint = |action| ReportedRecipient {
        address: event.recipient.clone(),
        class: BounceClass::Complaint,
        status: None,
        reply: None,
        action,
        reason: Reason::Complaint,
        words: "abuse, Mailgun".to_owned(),
    };
    match event.event.as_str() {
        "complained" => Some(complaint(Action::Complained)),
        "failed" | "delivered" => {
            let Status { code, message, description, enhanced } = &event.status;
            let code = code
                .filter(|code| (200..600).contains(code))
                .map(|code| format!("{code} "))
                .unwrap_or_default();
            let text = [message, description].into_iter().flatten().find(|text| !text.is_empty());
            let words = format!("{code}{}", text.map_or("", String::as_str));
            let action = match (event.event.as_str(), event.severity.as_str()) {
                ("delivered", _) => Action::Delivered,
                // Mailgun goes on trying.
                (_, "temporary") => Action::Delayed,
                _ => Action::Failed,
            };
            let mut one = judge(event.recipient.clone(), action, enhanced.as_deref(), &[&words]);
            // Mailgun's own list of addresses that bounced before.
            if event.reason == "suppress-bounce" && action == Action::Failed {
                (one.class, one.reason) = (BounceClass::Hard, Reason::NoMailbox);
            }
            one.words = shortened(&words);
            Some(one)
        }
        _ => None,
    }
}
