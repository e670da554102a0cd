//! Programs that answer for a reader: away until Monday, thank you for your message, prove that you are human (RFC 3834).

use super::{
    Action, BounceClass, Reason, ReportedRecipient,
    mime::{Message, decoded},
    scan, shortened,
};

/// Subjects that away messages and ticket systems begin with, in lower case.
const SUBJECTS: &[&str] = &[
    "auto:",
    "auto-reply",
    "auto reply",
    "autoreply",
    "automatic reply",
    "automatic response",
    "auto response",
    "autoresponse",
    "automated reply",
    "automated response",
    "automatische antwort",
    "automatisch antwoord",
    "réponse automatique",
    "reponse automatique",
    "respuesta automática",
    "risposta automatica",
    "resposta automática",
    "out of office",
    "out of the office",
    "out-of-office",
    "abwesen",
    "absence",
    "vacation",
    "on holiday",
    "away from",
    "i am away",
    "i'm away",
    "on leave",
    "自動応答",
    "不在",
    "自动回复",
    "автоответ",
    "please confirm your message",
    "sender verification",
    "verify your email to reach",
    "challenge:",
];

/// What an automatic answer says; `None` where the message is none.
pub fn read(message: &Message) -> Option<Vec<ReportedRecipient>> {
    let headers = &message.headers;
    let is = |name: &str, words: &[&str]| {
        let value = headers.get(name).unwrap_or_default().to_ascii_lowercase();
        words.iter().any(|word| value.contains(word))
    };
    let subject = decoded(headers.get("subject").unwrap_or_default());
    let plain = subject.to_lowercase();
    let answered = is("auto-submitted", &["auto-replied"])
        || is("precedence", &["auto_reply", "auto-reply"])
        || ["x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-auto-reply"]
            .iter()
            .any(|name| headers.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("no")))
        || is("x-mail-autoreply", &["auto"])
        || SUBJECTS.iter().any(|start| plain.starts_with(start))
        // A person's own words have no subject of this kind without such a header.
        || is("auto-submitted", &["auto-generated"]) && SUBJECTS.iter().any(|word| plain.contains(word));
    if !answered {
        return None;
    }
    let from = headers.get("from").or_else(|| headers.get("reply-to")).and_then(scan::address);
    Some(vec![ReportedRecipient {
        address: from.unwrap_or_default().to_owned(),
        class: BounceClass::AutoReply,
        status: None,
        reply: None,
        action: Action::Other,
        reason: Reason::Away,
        words: shortened(&subject),
    }])
}
