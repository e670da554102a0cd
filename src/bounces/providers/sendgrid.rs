//! SendGrid: an ECDSA signature (P-256, SHA-256) over timestamp and body, by the key of the signed event webhook.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use data_encoding::BASE64;
use serde::Deserialize;

use super::{
    super::{Action, BounceClass, BounceReport, Reason, ReportedRecipient, judge, shortened},
    HookRefused, Signed, is_recent,
};
use crate::clock::Moment;

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    email: String,
    event: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    sg_event_id: String,
    #[serde(rename = "smtp-id")]
    smtp_id: Option<String>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    response: String,
    status: Option<String>,
}

/// The header of the signature.
pub const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
/// The header of the time that is signed with the body.
pub const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// An uncompressed point of P-256: what a key in `SubjectPublicKeyInfo` ends with.
const POINT: usize = 65;

/// Whether a text is such a key, as far as it tells.
#[must_use]
pub fn is_key(text: &str) -> bool {
    point(text).is_some()
}

fn point(key: &str) -> Option<Vec<u8>> {
    let key = BASE64.decode(key.trim().as_bytes()).ok()?;
    Some(key.get(key.len().checked_sub(POINT)?..)?.to_vec())
}

/// Checks and reads a message, which may hold many events.
///
/// # Errors
/// [`HookRefused`].
pub fn read(
    key: &str,
    (signature, timestamp): (Option<&str>, Option<&str>),
    body: &[u8],
    now: Moment,
) -> Result<Vec<Signed>, HookRefused> {
    let point = point(key).ok_or(HookRefused::NotSetUp)?;
    let (signature, timestamp) = signature.zip(timestamp).ok_or(HookRefused::Forged)?;
    let signature = BASE64.decode(signature.as_bytes()).map_err(|_| HookRefused::Forged)?;
    let signed = [timestamp.as_bytes(), body].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(&signed, &signature)
        .map_err(|_| HookRefused::Forged)?;
    is_recent(timestamp, now)?;
    let events: Vec<Event> = serde_json::from_slice(body)?;
    Ok(events.into_iter().filter_map(signed_event).collect())
}

fn signed_event(event: Event) -> Option<Signed> {
    let recipients = vec![recipient(&event)?];
    let report = BounceReport { recipients, returned_id: event.smtp_id, ..BounceReport::default() };
    Some(Signed { key: event.sg_event_id, report })
}

fn recipient(event: &Event) -> Option<ReportedRecipient> {
    let status = event.status.as_deref();
    let judged = |action, words: &str| judge(event.email.clone(), action, status, &[words]);
    Some(match (event.event.as_str(), event.kind.as_str()) {
        ("spamreport", _) => ReportedRecipient {
            address: event.email.clone(),
            class: BounceClass::Complaint,
            status: None,
            reply: None,
            action: Action::Complained,
            reason: Reason::Complaint,
            words: "abuse, SendGrid".to_owned(),
        },
        // Refused by policy, or by a server in trouble.
        ("bounce", "blocked") => {
            ReportedRecipient { class: BounceClass::Soft, ..judged(Action::Failed, &event.reason) }
        }
        ("bounce", _) => judged(Action::Failed, &event.reason),
        ("dropped", _) if event.reason == "Bounced Address" || event.reason == "Invalid" => {
            ReportedRecipient {
                class: BounceClass::Hard,
                reason: Reason::NoMailbox,
                words: shortened(&event.reason),
                ..judged(Action::Failed, "")
            }
        }
        ("deferred", _) => judged(Action::Delayed, &event.response),
        ("delivered", _) => judged(Action::Delivered, &event.response),
        _ => return None,
    })
}
