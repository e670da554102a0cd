//! The door of the provider's events: nothing passes that is not signed, recent and of our mode.
//!
//! The rule that must hold: the signature is checked over the bytes as they came, before anything reads them, and an empty
//! secret opens nothing.

use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER_PERMISSIVE;

use super::{ProviderEvent, ReadEvent, event_from};
use crate::clock::Moment;

/// How far the signature's time may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The secrets the provider may sign with: several while one replaces another.
#[derive(Clone, Default)]
pub struct WebhookSecrets(Vec<String>);

impl WebhookSecrets {
    /// Keeps the secrets that are one; an empty secret is none.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self(
            secrets
                .into_iter()
                .map(|secret| secret.trim().to_owned())
                .filter(|secret| !secret.is_empty())
                .collect(),
        )
    }

    /// Whether there is none, so that every event is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows how many there are, so that no log holds one.
impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

/// Why an event was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is no signature header, or it makes no sense.
    #[error("the event carries no signature")]
    NotSigned,
    /// No secret of ours made the signature.
    #[error("the event's signature is not the provider's")]
    Forged,
    /// Signed too long ago, or in the future.
    #[error("the event was signed at another time")]
    WrongTime,
    /// A test event at a live desk, or the other way round.
    #[error("the event belongs to the provider's other mode")]
    OtherMode,
    /// Of an account that is connected to ours.
    #[error(
        "the event belongs to another account, which is connected to ours: the endpoint must be one of our own account"
    )]
    OtherAccount,
}

/// A genuine event: understood, or signed and yet not to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Genuine {
    /// One we can read.
    Event(ProviderEvent),
    /// One the provider signed and we cannot read: kept, and cause for alarm.
    Unreadable(String),
}

/// Lets an event in, or says why not. `live` says whether our key moves real money.
///
/// # Errors
/// [`WebhookError`]. The comparison takes the same time wherever the first wrong byte stands.
pub fn verify(
    secrets: &WebhookSecrets,
    live: bool,
    signature: Option<&str>,
    body: &[u8],
    now: Moment,
) -> Result<Genuine, WebhookError> {
    let header = Signature::parse(signature.ok_or(WebhookError::NotSigned)?)?;
    let mut signed = format!("{}.", header.time).into_bytes();
    signed.extend_from_slice(body);
    let ours = |secret: &String| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        // Every signature is tried: the provider sends several while a secret is being replaced.
        header.v1.iter().any(|given| hmac::verify(&key, &signed, given).is_ok())
    };
    if !secrets.0.iter().any(ours) {
        return Err(WebhookError::Forged);
    }
    if now.unix_seconds().abs_diff(header.time) > TOLERANCE.as_secs() {
        return Err(WebhookError::WrongTime);
    }
    let text = String::from_utf8_lossy(body);
    match event_from(&text) {
        Some(ReadEvent::OfAnotherAccount) => Err(WebhookError::OtherAccount),
        Some(ReadEvent::Ours(event)) if event.live != live => Err(WebhookError::OtherMode),
        Some(ReadEvent::Ours(event)) => Ok(Genuine::Event(event)),
        None => Ok(Genuine::Unreadable(text.into_owned())),
    }
}

/// The header `t=1700000000,v1=…,v1=…`; other schemes in it are passed over.
struct Signature {
    time: i64,
    v1: Vec<Vec<u8>>,
}

impl Signature {
    fn parse(header: &str) -> Result<Self, WebhookError> {
        let mut time = None;
        let mut v1 = Vec::new();
        for part in header.split(',') {
            match part.trim().split_once('=') {
                Some(("t", value)) => time = value.parse().ok(),
                Some(("v1", value)) => v1.extend(HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()),
                _ => {}
            }
        }
        match time {
            Some(time) if !v1.is_empty() => Ok(Self { time, v1 }),
            _ => Err(WebhookError::NotSigned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_800_000_000);
    const BODY: &str = r#"{"id":"evt_1","type":"invoice.paid","created":1800000000,"livemode":false,
        "data":{"object":{"id":"in_1","object":"invoice"}}}"#;

    fn sign(secret: &str, time: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mac = hmac::sign(&key, format!("{time}.{body}").as_bytes());
        HEXLOWER_PERMISSIVE.encode(mac.as_ref())
    }

    fn header(secret: &str, time: i64, body: &str) -> String {
        format!("t={time},v1={}", sign(secret, time, body))
    }

    fn secrets(list: &[&str]) -> WebhookSecrets {
        WebhookSecrets::new(list.iter().map(ToString::to_string))
    }

    fn try_with(signature: &str, body: &str) -> Result<Genuine, WebhookError> {
        verify(&secrets(&["whsec_a"]), false, Some(signature), body.as_bytes(), NOW)
    }

    #[test]
    fn a_signed_event_is_read() {
        let Ok(Genuine::Event(event)) = try_with(&header("whsec_a", NOW.unix_seconds(), BODY), BODY) else {
            panic!("a genuine event was refused")
        };
        assert_eq!((event.id.as_str(), event.kind.as_str()), ("evt_1", "invoice.paid"));
        assert_eq!((event.object_id.as_str(), event.created, event.live), ("in_1", NOW, false));
    }

    /// TRUST A18, D4: no signature, another secret, an altered body, another mode.
    #[test]
    fn what_the_provider_did_not_sign_stays_outside() {
        let now = NOW.unix_seconds();
        let good = header("whsec_a", now, BODY);
        assert_eq!(
            verify(&secrets(&["whsec_a"]), false, None, BODY.as_bytes(), NOW),
            Err(WebhookError::NotSigned)
        );
        for nonsense in ["", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=zz", "t=1,v0=00"] {
            assert_eq!(try_with(nonsense, BODY), Err(WebhookError::NotSigned), "{nonsense:?}");
        }
        assert_eq!(try_with(&header("whsec_b", now, BODY), BODY), Err(WebhookError::Forged));
        assert_eq!(try_with(&good, &BODY.replace("in_1", "in_2")), Err(WebhookError::Forged));
        assert_eq!(try_with(&good.replace(",v1", ",v0"), BODY), Err(WebhookError::NotSigned));
        assert_eq!(
            try_with(&good.replace(&now.to_string(), &(now + 1).to_string()), BODY),
            Err(WebhookError::Forged)
        );
        let live = verify(&secrets(&["whsec_a"]), true, Some(&good), BODY.as_bytes(), NOW);
        assert_eq!(live, Err(WebhookError::OtherMode));
    }

    /// TRUST A18: an endpoint for connected accounts is not ours, whatever it signs.
    #[test]
    fn an_event_of_a_connected_account_stays_outside() {
        let connected = BODY.replace("\"livemode\":false", "\"livemode\":false,\"account\":\"acct_2\"");
        let signature = header("whsec_a", NOW.unix_seconds(), &connected);
        assert_eq!(try_with(&signature, &connected), Err(WebhookError::OtherAccount));
    }

    /// TRUST A18: an empty secret must not be a secret that everybody knows.
    #[test]
    fn an_empty_secret_opens_nothing() {
        let forged = header("", NOW.unix_seconds(), BODY);
        for empty in [secrets(&[]), secrets(&[""]), secrets(&[" "])] {
            assert!(empty.is_empty());
            let tried = verify(&empty, false, Some(&forged), BODY.as_bytes(), NOW);
            assert_eq!(tried, Err(WebhookError::Forged));
        }
    }

    /// TRUST D11: five minutes of clock difference either way, and not a second more.
    #[test]
    fn an_old_or_future_signature_is_refused_beyond_five_minutes() {
        for (offset, taken) in [(-299, true), (-300, true), (-301, false), (299, true), (301, false)] {
            let tried = try_with(&header("whsec_a", NOW.unix_seconds() + offset, BODY), BODY);
            assert_eq!(tried.is_ok(), taken, "signed {offset} s from now");
            assert!(taken || tried == Err(WebhookError::WrongTime));
        }
        assert_eq!(try_with(&header("whsec_a", i64::MIN, BODY), BODY), Err(WebhookError::WrongTime));
    }

    /// TRUST D11: while a secret is being replaced, both sign, and either is enough.
    #[test]
    fn either_secret_is_good_while_one_replaces_the_other() {
        let now = NOW.unix_seconds();
        let two = format!("t={now},v1={},v1={}", sign("whsec_old", now, BODY), sign("whsec_new", now, BODY));
        for known in [&["whsec_old"][..], &["whsec_new"], &["whsec_other", "whsec_new"]] {
            assert!(verify(&secrets(known), false, Some(&two), BODY.as_bytes(), NOW).is_ok());
        }
    }

    /// TRUST D4: signed and unreadable is kept for the alarm, not thrown away.
    #[test]
    fn a_signed_event_that_cannot_be_read_is_kept() {
        for body in
            ["", "{", "[]", r#"{"id":"evt_1"}"#, r#"{"id":7,"type":"x","created":1,"livemode":false}"#]
        {
            let tried = try_with(&header("whsec_a", NOW.unix_seconds(), body), body);
            assert_eq!(tried, Ok(Genuine::Unreadable(body.to_owned())));
        }
    }
}
