//! Amazon SNS, which carries what SES reports: an RSA signature over named fields, by a certificate that the message
//! itself names.
//!
//! So everything hangs on where the certificate comes from: https, from Amazon's own hosts, or not at all (an open
//! address would let anybody sign). Only the topic of the settings is believed, and only its subscription confirmed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use data_encoding::BASE64;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde::Deserialize;
use url::Url;

use super::{HookRefused, Signed, ses};

/// A message of SNS.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    token: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate_url: String,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
}

/// What a message of SNS asks for.
#[derive(Debug)]
pub enum SnsSaid {
    /// A report of SES.
    Report(Box<Signed>),
    /// The subscription was confirmed.
    Confirmed,
    /// Nothing that concerns us.
    Nothing,
}

/// Asks Amazon's hosts; replaced in tests.
pub trait Ask: Send + Sync {
    /// The document at an address, at most 64 KiB.
    fn get(&self, url: Url) -> BoxFuture<'_, Result<String, String>>;
}

/// Asks over the network, without following redirects.
#[derive(Debug)]
pub struct SnsNetwork(reqwest::Client);

const LARGEST: usize = 64 * 1024;

impl SnsNetwork {
    /// A client with limits.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self(client))
    }
}

impl Ask for SnsNetwork {
    fn get(&self, url: Url) -> BoxFuture<'_, Result<String, String>> {
        async move {
            let answer = self.0.get(url).send().await.and_then(reqwest::Response::error_for_status);
            let mut answer = answer.map_err(|error| error.to_string())?;
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > LARGEST {
                    return Err("the answer is too large".to_owned());
                }
            }
            String::from_utf8(bytes).map_err(|error| error.to_string())
        }
        .boxed()
    }
}

/// The topic that is believed, and the keys that its messages were signed with.
#[derive(Clone)]
pub struct SnsTopic {
    arn: String,
    ask: Arc<dyn Ask>,
    keys: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl fmt::Debug for SnsTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({})", self.arn)
    }
}

/// Certificates change once a year; more than a few addresses are somebody's game.
const MOST_KEYS: usize = 16;

impl SnsTopic {
    /// The topic of the settings.
    #[must_use]
    pub fn new(arn: &str, ask: Arc<dyn Ask>) -> Self {
        Self { arn: arn.to_owned(), ask, keys: Arc::default() }
    }

    /// Checks and reads a message; confirms the subscription of our topic.
    ///
    /// # Errors
    /// [`HookRefused`].
    pub async fn read(&self, body: &[u8]) -> Result<SnsSaid, HookRefused> {
        let envelope: Envelope = serde_json::from_slice(body)?;
        if envelope.topic_arn != self.arn {
            return Err(HookRefused::Forged);
        }
        let algorithm: &'static RsaParameters = match envelope.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(HookRefused::Forged),
        };
        let signed = string_to_sign(&envelope).ok_or(HookRefused::Forged)?;
        let signature = BASE64.decode(envelope.signature.as_bytes()).map_err(|_| HookRefused::Forged)?;
        let key = self.key(&envelope.certificate_url).await?;
        UnparsedPublicKey::new(algorithm, key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| HookRefused::Forged)?;
        match envelope.kind.as_str() {
            "Notification" => match ses::read(&envelope.message) {
                Ok(report) => Ok(SnsSaid::Report(Box::new(Signed { key: envelope.message_id, report }))),
                // SES says hello to a new topic in plain words.
                Err(_) => Ok(SnsSaid::Nothing),
            },
            "SubscriptionConfirmation" => {
                let url = envelope.subscribe_url.as_deref().and_then(amazon).ok_or(HookRefused::Forged)?;
                self.ask.get(url).await.map_err(HookRefused::NotNow)?;
                Ok(SnsSaid::Confirmed)
            }
            _ => Ok(SnsSaid::Nothing),
        }
    }

    async fn key(&self, address: &str) -> Result<Vec<u8>, HookRefused> {
        let url = amazon(address).filter(is_certificate).ok_or(HookRefused::Forged)?;
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(address).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let pem = self.ask.get(url).await.map_err(HookRefused::NotNow)?;
        let key = public_key(&pem)
            .ok_or_else(|| HookRefused::NotNow("the certificate cannot be read".to_owned()))?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_KEYS {
            keys.clear();
        }
        keys.insert(address.to_owned(), key.clone());
        Ok(key)
    }
}

/// An address at SNS itself: https, the usual port, `sns.<region>.amazonaws.com`.
pub(super) fn amazon(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    let region = host.strip_prefix("sns.")?;
    let region =
        region.strip_suffix(".amazonaws.com").or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
    let plain = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let usual = url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (plain && usual).then_some(url)
}

fn is_certificate(url: &Url) -> bool {
    url.path().starts_with("/SimpleNotificationService-") && url.path().ends_with(".pem")
}

/// The fields that are signed, by the order of their names; which ones depends on the kind.
fn string_to_sign(envelope: &Envelope) -> Option<String> {
    let Envelope { kind, message_id, topic_arn, subject, message, timestamp, token, subscribe_url, .. } =
        envelope;
    let mut fields: Vec<(&str, &str)> = vec![("Message", message), ("MessageId", message_id)];
    match kind.as_str() {
        "Notification" => fields.extend(subject.as_deref().map(|subject| ("Subject", subject))),
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
            fields.push(("SubscribeURL", subscribe_url.as_deref()?));
        }
        _ => return None,
    }
    fields.push(("Timestamp", timestamp));
    if kind != "Notification" {
        fields.push(("Token", token.as_deref()?));
    }
    fields.extend([("TopicArn", topic_arn.as_str()), ("Type", kind.as_str())]);
    Some(fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect())
}

/// The `SubjectPublicKeyInfo` of the first certificate of a PEM file (RFC 5280 section 4.1).
fn public_key(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    let der = BASE64.decode(body.as_bytes()).ok()?;
    let (certificate, _) = element(&der, 0x30)?;
    let (mut rest, _) = element(certificate, 0x30)?;
    if rest.first() == Some(&0xa0) {
        rest = element(rest, 0xa0)?.1;
    }
    // Serial number, algorithm, issuer, validity, subject.
    for tag in [0x02, 0x30, 0x30, 0x30, 0x30] {
        rest = element(rest, tag)?.1;
    }
    let (_, after) = element(rest, 0x30)?;
    rest.get(..rest.len() - after.len()).map(<[u8]>::to_vec)
}

/// The content of a DER element of that tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 3)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}
