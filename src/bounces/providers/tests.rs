//! Signatures and payloads of our own making, and what happens when one letter of them is changed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use data_encoding::{BASE64, HEXLOWER};
use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::json;
use url::Url;

use super::{
    super::{Action, BounceClass},
    *,
};

const NOW: Moment = Moment::from_unix_seconds(1_772_528_400);

fn only(signed: Signed) -> super::super::ReportedRecipient {
    assert_eq!(signed.report.recipients.len(), 1, "{signed:?}");
    signed.report.recipients.into_iter().next().expect("one")
}

fn mailgun_body(key: &str, event: &serde_json::Value) -> Vec<u8> {
    let (timestamp, token) = (NOW.unix_seconds().to_string(), "t0ken");
    let made = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
        format!("{timestamp}{token}").as_bytes(),
    );
    let signature =
        json!({ "timestamp": timestamp, "token": token, "signature": HEXLOWER.encode(made.as_ref()) });
    json!({ "signature": signature, "event-data": event }).to_string().into_bytes()
}

#[test]
fn mailgun_is_believed_by_its_signature_alone() {
    let event = json!({
        "event": "failed", "severity": "permanent", "reason": "bounce", "recipient": "ann@example.com",
        "delivery-status": { "code": 550, "message": "5.1.1 no such user here" },
        "message": { "headers": { "message-id": "1.2.abc@example.org" } },
        "envelope": { "sender": "bounce+1.2.abc@example.org" },
    });
    let body = mailgun_body("key", &event);
    let signed = mailgun::read("key", &body, NOW).expect("signed");
    assert_eq!(signed.key, "t0ken");
    assert_eq!(signed.report.returned_id.as_deref(), Some("1.2.abc@example.org"));
    assert_eq!(signed.report.returned_path.as_deref(), Some("bounce+1.2.abc@example.org"));
    let one = only(signed);
    assert_eq!(
        (one.class, one.action, one.status.as_deref()),
        (BounceClass::Hard, Action::Failed, Some("5.1.1"))
    );
    assert!(matches!(mailgun::read("other", &body, NOW), Err(HookRefused::Forged)));
    assert!(matches!(mailgun::read("key", &body, NOW.plus(TOLERANCE * 2)), Err(HookRefused::WrongTime)));
    assert!(matches!(mailgun::read("key", b"{}", NOW), Err(HookRefused::Malformed(_))));

    let complained = mailgun_body("key", &json!({ "event": "complained", "recipient": "ann@example.com" }));
    assert_eq!(only(mailgun::read("key", &complained, NOW).expect("signed")).action, Action::Complained);
    let trying = mailgun_body(
        "key",
        &json!({ "event": "failed", "severity": "temporary", "recipient": "ann@example.com" }),
    );
    assert_eq!(only(mailgun::read("key", &trying, NOW).expect("signed")).action, Action::Delayed);
    let opened = mailgun_body("key", &json!({ "event": "opened", "recipient": "ann@example.com" }));
    assert!(mailgun::read("key", &opened, NOW).expect("signed").report.recipients.is_empty());
}

#[test]
fn postmark_is_believed_by_its_password_alone() {
    let event = |kind: &str| {
        json!({
            "RecordType": "Bounce", "ID": 42, "Type": kind, "Email": "ann@example.com",
            "Description": "could not be delivered", "Details": "smtp;550 5.1.1 user unknown",
        })
        .to_string()
        .into_bytes()
    };
    let basic =
        |password: &str| format!("Basic {}", BASE64.encode(format!("postmark:{password}").as_bytes()));
    let good = basic("a password of sixteen");
    let signed = postmark::read("a password of sixteen", Some(&good), &event("HardBounce")).expect("allowed");
    assert_eq!(signed.key, "42");
    assert_eq!(only(signed).class, BounceClass::Hard);
    let read = |kind: &str| {
        only(postmark::read("a password of sixteen", Some(&good), &event(kind)).expect("allowed"))
    };
    assert_eq!(read("SpamComplaint").action, Action::Complained);
    assert_eq!(read("Transient").action, Action::Delayed);
    assert_eq!(read("SoftBounce").class, BounceClass::Soft);
    assert_eq!(read("AutoResponder").class, BounceClass::AutoReply);
    for wrong in [Some(basic("another password")), Some(basic("")), Some("Basic !".to_owned()), None] {
        let refused = postmark::read("a password of sixteen", wrong.as_deref(), &event("HardBounce"));
        assert!(matches!(refused, Err(HookRefused::Forged)), "{wrong:?}");
    }
    assert!(matches!(postmark::read("", Some(&basic("")), &event("HardBounce")), Err(HookRefused::Forged)));
}

#[test]
fn sendgrid_is_believed_by_its_signature_alone() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let key = BASE64.encode(pair.public_key().as_der().expect("a public key").as_ref());
    let body = json!([
        { "email": "ann@example.com", "event": "bounce", "type": "bounce", "status": "5.1.1", "sg_event_id": "e1",
          "reason": "550 5.1.1 unknown user", "smtp-id": "<1.2.abc@example.org>" },
        { "email": "bob@example.com", "event": "spamreport", "sg_event_id": "e2" },
        { "email": "carl@example.com", "event": "open", "sg_event_id": "e3" },
        { "email": "dora@example.com", "event": "bounce", "type": "blocked", "sg_event_id": "e4", "reason": "550 no such user" },
    ])
    .to_string();
    let timestamp = NOW.unix_seconds().to_string();
    let made =
        pair.sign(&crate::token::randomness(), format!("{timestamp}{body}").as_bytes()).expect("a signature");
    let signature = BASE64.encode(made.as_ref());
    let read = |body: &str, timestamp: &str, now| {
        sendgrid::read(&key, (Some(&signature), Some(timestamp)), body.as_bytes(), now)
    };
    let events = read(&body, &timestamp, NOW).expect("signed");
    let keys: Vec<&str> = events.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys, ["e1", "e2", "e4"]);
    assert_eq!(events[0].report.returned_id.as_deref(), Some("<1.2.abc@example.org>"));
    let classes: Vec<BounceClass> = events.into_iter().map(|event| only(event).class).collect();
    assert_eq!(classes, [BounceClass::Hard, BounceClass::Complaint, BounceClass::Soft]);
    assert!(matches!(read(&body.replace("ann", "eve"), &timestamp, NOW), Err(HookRefused::Forged)));
    assert!(matches!(read(&body, "1772528401", NOW), Err(HookRefused::Forged)));
    assert!(matches!(read(&body, &timestamp, NOW.plus(TOLERANCE * 2)), Err(HookRefused::WrongTime)));
    assert!(matches!(sendgrid::read(&key, (None, None), body.as_bytes(), NOW), Err(HookRefused::Forged)));
    assert!(matches!(sendgrid::read("", (None, None), body.as_bytes(), NOW), Err(HookRefused::NotSetUp)));
}

/// Amazon's hosts, as far as a test needs them.
#[derive(Default)]
struct Amazon {
    pem: String,
    asked: Mutex<Vec<String>>,
    count: AtomicUsize,
}

impl sns::Ask for Amazon {
    fn get(&self, url: Url) -> BoxFuture<'_, Result<String, String>> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.asked.lock().expect("one test").push(url.to_string());
        let pem = self.pem.clone();
        async move { Ok(pem) }.boxed()
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("small").to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

/// As much of a certificate as anybody reads here.
fn certificate(key: &[u8]) -> String {
    let empty = || der(0x30, &[]);
    let fields =
        [der(0xa0, &[2, 1, 2]), der(0x02, &[1]), empty(), empty(), empty(), empty(), key.to_vec()].concat();
    let whole = der(0x30, &[der(0x30, &fields), empty(), der(0x03, &[0])].concat());
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(&whole))
}

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bounces";
const CERTIFICATE: &str = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem";

struct Sns {
    pair: RsaKeyPair,
    amazon: Arc<Amazon>,
    topic: sns::SnsTopic,
}

impl Sns {
    fn new() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let key = pair.public_key().as_der().expect("a public key");
        let amazon = Arc::new(Amazon { pem: certificate(key.as_ref()), ..Amazon::default() });
        let topic = sns::SnsTopic::new(TOPIC, amazon.clone());
        Self { pair, amazon, topic }
    }

    /// A message, signed over the fields named, with others changed after signing.
    fn message(
        &self,
        mut fields: serde_json::Value,
        signed: &[&str],
        change: impl FnOnce(&mut serde_json::Value),
    ) -> Vec<u8> {
        let text: String = signed
            .iter()
            .map(|name| format!("{name}\n{}\n", fields[name].as_str().expect("a text")))
            .collect();
        let mut made = vec![0; self.pair.public_modulus_len()];
        let random = crate::token::randomness();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut made).expect("a signature");
        fields["Signature"] = BASE64.encode(&made).into();
        change(&mut fields);
        fields.to_string().into_bytes()
    }

    fn notification(&self, change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let report = json!({
            "notificationType": "Bounce",
            "bounce": { "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [
                { "emailAddress": "ann@example.com", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown" },
            ] },
            "mail": { "source": "bounce+1.2.abc@example.org", "headers": [{ "name": "Message-ID", "value": "<1.2.abc@example.org>" }] },
        });
        let fields = json!({
            "Type": "Notification", "MessageId": "m1", "TopicArn": TOPIC, "Subject": "Amazon", "Message": report.to_string(),
            "Timestamp": "2026-03-03T09:00:00.000Z", "SignatureVersion": "2", "SigningCertURL": CERTIFICATE,
        });
        self.message(fields, &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"], change)
    }
}

#[tokio::test]
async fn amazon_is_believed_by_its_signature_and_our_topic_alone() {
    let sns = Sns::new();
    for _ in 0..2 {
        let Ok(sns::SnsSaid::Report(signed)) = sns.topic.read(&sns.notification(|_| {})).await else {
            panic!("a report")
        };
        assert_eq!(signed.key, "m1");
        assert_eq!(signed.report.returned_path.as_deref(), Some("bounce+1.2.abc@example.org"));
        assert_eq!(signed.report.returned_id.as_deref(), Some("1.2.abc@example.org"));
        assert_eq!(only(*signed).class, BounceClass::Hard);
    }
    assert_eq!(sns.amazon.count.load(Ordering::SeqCst), 1, "the certificate is kept");
    for (name, value) in [
        ("Message", "{}"),
        ("MessageId", "m2"),
        ("Subject", "Other"),
        ("Timestamp", "2027-03-03T09:00:00.000Z"),
        ("TopicArn", "arn:aws:sns:eu-west-1:999999999999:bounces"),
        ("Type", "UnsubscribeConfirmation"),
        ("SignatureVersion", "1"),
        ("SignatureVersion", "0"),
        ("SigningCertURL", "https://sns.example.org/SimpleNotificationService-1.pem"),
    ] {
        let changed = sns.notification(|fields| fields[name] = value.into());
        assert!(matches!(sns.topic.read(&changed).await, Err(HookRefused::Forged)), "{name}");
    }
}

#[tokio::test]
async fn only_the_subscription_of_our_topic_is_confirmed() {
    let sns = Sns::new();
    let fields = |topic: &str, url: &str| {
        json!({
            "Type": "SubscriptionConfirmation", "MessageId": "m1", "TopicArn": topic, "Message": "You have chosen to subscribe",
            "SubscribeURL": url, "Token": "t", "Timestamp": "2026-03-03T09:00:00.000Z", "SignatureVersion": "2", "SigningCertURL": CERTIFICATE,
        })
    };
    let signed = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    let own = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription";
    let good = sns.message(fields(TOPIC, own), &signed, |_| {});
    assert!(matches!(sns.topic.read(&good).await, Ok(sns::SnsSaid::Confirmed)));
    assert_eq!(sns.amazon.asked.lock().expect("one test").last().map(String::as_str), Some(own));
    let before = sns.amazon.count.load(Ordering::SeqCst);
    for (topic, url) in
        [("arn:aws:sns:eu-west-1:1:other", own), (TOPIC, "https://example.org/?Action=ConfirmSubscription")]
    {
        let wrong = sns.message(fields(topic, url), &signed, |_| {});
        assert!(matches!(sns.topic.read(&wrong).await, Err(HookRefused::Forged)), "{topic} {url}");
    }
    assert_eq!(sns.amazon.count.load(Ordering::SeqCst), before, "nobody else was asked");
}

/// TRUST A8: the certificate comes from Amazon's own hosts or not at all.
#[test]
fn certificates_come_from_amazon_alone() {
    for good in [CERTIFICATE, "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-2.pem"] {
        assert!(sns::amazon(good).is_some(), "{good}");
    }
    for wrong in [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://s3.amazonaws.com/bucket/SimpleNotificationService-1.pem",
        "https://sns.evil.example/x.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.a.b.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com.example.org/SimpleNotificationService-1.pem",
        "file:///etc/passwd",
        "nonsense",
    ] {
        assert!(sns::amazon(wrong).is_none(), "{wrong}");
    }
}
