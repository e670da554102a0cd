//! Amazon SES: notifications and events (one JSON shape with two names for its kind), by mail or through SNS.

use serde::Deserialize;

use super::super::{Action, BounceClass, BounceReport, Reason, ReportedRecipient, judge, shortened};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(alias = "eventType")]
    notification_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Delivery>,
    delivery_delay: Option<Delay>,
    mail: Option<Mail>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    #[serde(default)]
    source: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Debug, Deserialize)]
struct Header {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    bounced_recipients: Vec<Bounced>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounced {
    #[serde(default)]
    email_address: String,
    status: Option<String>,
    diagnostic_code: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complained_recipients: Vec<Address>,
    complaint_feedback_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[serde(default)]
    email_address: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    #[serde(default)]
    recipients: Vec<String>,
    #[serde(default)]
    smtp_response: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    #[serde(default)]
    delayed_recipients: Vec<Bounced>,
}

/// The envelope in which SNS passes a notification on.
#[derive(Debug, Deserialize)]
struct Envelope {
    #[serde(rename = "Message")]
    message: String,
}

/// A notification that came as the text of a mail, below whatever a mailing program wrote above it.
pub fn mailed(text: &str) -> Option<Vec<ReportedRecipient>> {
    let named = text.find("otificationType").or_else(|| text.find("eventType"))?;
    let start = text[..named].find('{')?;
    // SNS ends the mail with lines about the subscription; old mailers break long lines with `!` and an indented rest.
    let text = text[start..].replace("!\n ", "").replace('\n', "");
    let first = || serde_json::Deserializer::from_str(&text);
    let found = match first().into_iter::<Notification>().next()? {
        Ok(notification) => recipients(&notification),
        Err(_) => {
            let envelope = first().into_iter::<Envelope>().next()?.ok()?;
            recipients(&serde_json::from_str(&envelope.message).ok()?)
        }
    };
    (!found.is_empty()).then_some(found)
}

/// A notification by itself.
///
/// # Errors
/// When it is not one.
pub fn read(json: &str) -> Result<BounceReport, serde_json::Error> {
    let notification: Notification = serde_json::from_str(json)?;
    let mail = notification.mail.as_ref();
    let header = |wanted: &str| {
        let found = mail?.headers.iter().find(|header| header.name.eq_ignore_ascii_case(wanted))?;
        Some(found.value.trim_matches(['<', '>', ' ']).to_owned())
    };
    Ok(BounceReport {
        recipients: recipients(&notification),
        sent_to: Vec::new(),
        returned_path: mail.map(|mail| mail.source.clone()).filter(|source| !source.is_empty()),
        returned_id: header("message-id"),
        returned_link: header("list-unsubscribe"),
    })
}

fn recipients(notification: &Notification) -> Vec<ReportedRecipient> {
    match notification.notification_type.as_str() {
        "Bounce" => notification.bounce.iter().flat_map(bounced).collect(),
        "Complaint" => notification.complaint.iter().flat_map(complained).collect(),
        "Delivery" => notification.delivery.iter().flat_map(delivered).collect(),
        "DeliveryDelay" => {
            let delayed = notification.delivery_delay.iter().flat_map(|delay| &delay.delayed_recipients);
            delayed.map(|one| one.judged(Action::Delayed)).collect()
        }
        _ => Vec::new(),
    }
}

impl Bounced {
    fn judged(&self, action: Action) -> ReportedRecipient {
        let words = self.diagnostic_code.as_deref().unwrap_or_default();
        let words = words.split_once(';').map_or(words, |(_, words)| words);
        judge(self.email_address.clone(), action, self.status.as_deref(), &[words])
    }
}

fn bounced(bounce: &Bounce) -> impl Iterator<Item = ReportedRecipient> + use<'_> {
    let final_kinds = ["NoEmail", "Suppressed", "OnAccountSuppressionList", "General"];
    bounce.bounced_recipients.iter().map(move |one| {
        let mut recipient = one.judged(Action::Failed);
        // SES knows more than the words where there are none.
        if recipient.reason == Reason::Unknown
            && bounce.bounce_type == "Permanent"
            && final_kinds.contains(&bounce.bounce_sub_type.as_str())
        {
            (recipient.reason, recipient.class) = (Reason::NoMailbox, BounceClass::Hard);
        }
        if recipient.words.is_empty() {
            recipient.words = shortened(&format!("{} {}", bounce.bounce_type, bounce.bounce_sub_type));
        }
        recipient
    })
}

fn complained(complaint: &Complaint) -> impl Iterator<Item = ReportedRecipient> + use<'_> {
    let kind = complaint.complaint_feedback_type.as_deref().unwrap_or("abuse");
    let kind = if kind.is_empty() { "abuse" } else { kind };
    let counts = matches!(kind, "abuse" | "fraud");
    complaint.complained_recipients.iter().filter(move |_| kind != "not-spam").map(move |one| {
        ReportedRecipient {
            address: one.email_address.clone(),
            class: BounceClass::Complaint,
            status: None,
            reply: None,
            action: if counts { Action::Complained } else { Action::Other },
            reason: Reason::Complaint,
            words: shortened(kind),
        }
    })
}

fn delivered(delivery: &Delivery) -> impl Iterator<Item = ReportedRecipient> + use<'_> {
    let judged =
        |address: &String| judge(address.clone(), Action::Delivered, None, &[&delivery.smtp_response]);
    delivery.recipients.iter().map(judged)
}
