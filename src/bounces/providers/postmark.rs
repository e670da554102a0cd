//! Postmark: a password in the webhook's address, which arrives as basic authentication (RFC 7617).

use data_encoding::BASE64;
use serde::Deserialize;

use super::{
    super::{Action, BounceClass, BounceReport, Reason, ReportedRecipient, inspect, judge, shortened},
    HookRefused, Signed,
};
use crate::token;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    record_type: String,
    #[serde(rename = "ID", default)]
    id: u64,
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    recipient: String,
    #[serde(rename = "MessageID", default)]
    message_id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    details: String,
    // The bounce itself, where the webhook is set to include it.
    content: Option<String>,
}

/// Checks and reads a message.
///
/// # Errors
/// [`HookRefused`].
pub fn read(secret: &str, authorization: Option<&str>, body: &[u8]) -> Result<Signed, HookRefused> {
    let given = authorization.and_then(|value| value.strip_prefix("Basic ")).ok_or(HookRefused::Forged)?;
    let given = BASE64.decode(given.trim().as_bytes()).map_err(|_| HookRefused::Forged)?;
    let given = String::from_utf8(given).map_err(|_| HookRefused::Forged)?;
    let password = given.split_once(':').map_or("", |(_, password)| password);
    if secret.is_empty() || !token::equal(password, secret) {
        return Err(HookRefused::Forged);
    }
    let event: Event = serde_json::from_slice(body)?;
    // What the bounce returns holds our proofs.
    let content = event.content.as_deref().map(|content| inspect(content.as_bytes())).unwrap_or_default();
    let report = BounceReport { recipients: recipient(&event).into_iter().collect(), ..content };
    let key = match event.id {
        0 => format!("{}:{}:{}", event.record_type, event.message_id, event.kind),
        id => id.to_string(),
    };
    Ok(Signed { key, report })
}

fn recipient(event: &Event) -> Option<ReportedRecipient> {
    let address = if event.email.is_empty() { event.recipient.clone() } else { event.email.clone() };
    let words = if event.details.is_empty() { &event.description } else { &event.details };
    let fixed = |class, action, reason| ReportedRecipient {
        address: address.clone(),
        class,
        status: None,
        reply: None,
        action,
        reason,
        words: shortened(words),
    };
    let judged = |action| judge(address.clone(), action, None, &[words]);
    Some(match (event.record_type.as_str(), event.kind.as_str()) {
        ("SpamComplaint", _) | ("Bounce", "SpamComplaint") => {
            fixed(BounceClass::Complaint, Action::Complained, Reason::Complaint)
        }
        ("Bounce", "HardBounce" | "BadEmailAddress") => {
            let one = judged(Action::Failed);
            // Postmark says hard of refusals by policy too; where the words say nothing, it is believed.
            if one.reason == Reason::Unknown || one.reason == Reason::Refused {
                ReportedRecipient {
                    status: one.status,
                    reply: one.reply,
                    ..fixed(BounceClass::Hard, Action::Failed, Reason::NoMailbox)
                }
            } else {
                one
            }
        }
        ("Bounce", "AutoResponder" | "ChallengeVerification") => {
            fixed(BounceClass::AutoReply, Action::Other, Reason::Away)
        }
        ("Bounce", "Transient") => judged(Action::Delayed),
        ("Bounce", "SpamNotification" | "Blocked" | "DMARCPolicy" | "VirusNotification") => {
            fixed(BounceClass::Soft, Action::Failed, Reason::Policy)
        }
        ("Bounce", "SoftBounce" | "DnsError" | "Unknown" | "AddressChange") => {
            let one = judged(Action::Failed);
            ReportedRecipient { class: BounceClass::Soft, ..one }
        }
        ("Delivery", _) => fixed(BounceClass::Delivered, Action::Delivered, Reason::Unknown),
        _ => return None,
    })
}
