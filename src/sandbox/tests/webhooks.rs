//! Events on their way to the endpoint.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use data_encoding::HEXLOWER;
use serde_json::Value;

use super::{
    PATIENCE, Scratch, clock,
    money::{Client, MONTHLY, ONCE, kinds},
};
use crate::sandbox::{DeliveryState, Fate, Forgery, Sandbox, SandboxConfig, Webhook};

const SECRET: &str = "whsec_test";

/// An endpoint that keeps what it gets, and answers 500 as often as it was told to.
#[derive(Clone, Default)]
struct Endpoint(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    got: Vec<(String, String)>,
    failures: u32,
}

impl Endpoint {
    async fn open(&self) -> Webhook {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/stripe", listener.local_addr().unwrap());
        let app = Router::new().route("/hooks/stripe", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Webhook { url, secret: SECRET.to_owned() }
    }

    fn kinds(&self) -> Vec<String> {
        let kind =
            |body: &String| serde_json::from_str::<Value>(body).unwrap()["type"].as_str().unwrap().to_owned();
        self.0.lock().unwrap().got.iter().map(|(_, body)| kind(body)).collect()
    }

    fn last(&self) -> (String, String) {
        self.0.lock().unwrap().got.last().unwrap().clone()
    }
}

async fn take(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("stripe-signature").map_or("", |value| value.to_str().unwrap()).to_owned();
    let mut seen = endpoint.0.lock().unwrap();
    if seen.failures > 0 {
        seen.failures -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    seen.got.push((signature, String::from_utf8_lossy(&body).into_owned()));
    StatusCode::OK
}

/// Whether a signature is good: written from Stripe's documentation, apart from the code that signs.
fn is_signed((signature, body): &(String, String)) -> bool {
    let part = |name: &str| {
        signature.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = HEXLOWER.decode(part("v1=").as_bytes()).unwrap_or_default();
    hmac::verify(&key, format!("{}.{body}", part("t=")).as_bytes(), &tag).is_ok()
}

async fn start(scratch: &Scratch, endpoint: &Endpoint) -> Sandbox {
    let mut config = SandboxConfig::new(scratch.path(), clock());
    config.webhook = Some(endpoint.open().await);
    Sandbox::start(config).await.unwrap()
}

async fn paid(sandbox: &Sandbox, body: &str) {
    let session = Client::new(sandbox).session(body).await;
    sandbox.stripe().pay(&session, "ada@example.org").unwrap();
}

#[tokio::test]
async fn events_arrive_signed_and_in_order_and_are_tried_again_after_a_failure() {
    let (scratch, endpoint) = (Scratch::new(), Endpoint::default());
    let sandbox = start(&scratch, &endpoint).await;
    paid(&sandbox, ONCE).await;
    assert!(sandbox.stripe().wait_until_delivered(PATIENCE).await);
    assert_eq!(endpoint.kinds(), kinds(&sandbox));
    assert!(endpoint.0.lock().unwrap().got.iter().all(is_signed));
    assert!(sandbox.stripe().events().iter().all(|event| event["pending_webhooks"] == 0));

    endpoint.0.lock().unwrap().failures = 2;
    paid(&sandbox, ONCE).await;
    assert!(sandbox.stripe().wait_until_delivered(PATIENCE).await);
    assert_eq!(endpoint.kinds().len(), 10);
    let deliveries = sandbox.stripe().deliveries();
    assert_eq!(deliveries.iter().map(|delivery| delivery.attempts).sum::<u32>(), 12);
}

/// TRUST D1-D3: doubled, dropped, late.
#[tokio::test]
async fn events_are_doubled_dropped_and_late_as_planned() {
    let (scratch, endpoint) = (Scratch::new(), Endpoint::default());
    let sandbox = start(&scratch, &endpoint).await;
    let stripe = sandbox.stripe();
    stripe.plan_event(Some("charge.succeeded"), Fate::Repeated(3), None);
    stripe.plan_event(Some("payment_intent.succeeded"), Fate::Dropped, Some(1));
    stripe.plan_event(Some("payment_intent.created"), Fate::Late(Duration::from_millis(50)), None);
    paid(&sandbox, ONCE).await;
    assert!(stripe.wait_until_delivered(PATIENCE).await);
    let kinds = endpoint.kinds();
    let count = |kind: &str| kinds.iter().filter(|own| *own == kind).count();
    assert_eq!((count("charge.succeeded"), count("payment_intent.succeeded")), (3, 0));
    assert_eq!(kinds.last().unwrap(), "payment_intent.created");
    assert_eq!(super::money::kinds(&sandbox).len(), 5);
}

/// TRUST D2: held events are delivered in whatever order a test chooses.
#[tokio::test]
async fn held_events_are_delivered_in_any_order() {
    let (scratch, endpoint) = (Scratch::new(), Endpoint::default());
    let sandbox = start(&scratch, &endpoint).await;
    sandbox.stripe().hold_events();
    paid(&sandbox, MONTHLY).await;
    let mut held = sandbox.stripe().held_events();
    assert_eq!(held.len(), kinds(&sandbox).len());
    assert!(endpoint.kinds().is_empty());
    held.reverse();
    assert!(sandbox.stripe().deliver_in_order(&held).await.iter().all(|status| *status == 200));
    let mut expected = kinds(&sandbox);
    expected.reverse();
    assert_eq!(endpoint.kinds(), expected);
    assert!(sandbox.stripe().held_events().is_empty());
    assert_eq!(sandbox.stripe().deliver(&held[0]).await, 200);
    assert_eq!(endpoint.kinds().len(), expected.len() + 1);
    paid(&sandbox, ONCE).await;
    assert_eq!(sandbox.stripe().release_events().await.len(), 5);
}

/// TRUST A18: every forgery differs from the real thing in exactly what it says.
#[tokio::test]
async fn forgeries_are_what_they_claim_to_be() {
    let (scratch, endpoint) = (Scratch::new(), Endpoint::default());
    let sandbox = start(&scratch, &endpoint).await;
    sandbox.stripe().hold_events();
    paid(&sandbox, ONCE).await;
    let event = sandbox.stripe().held_events().pop().unwrap();
    let stripe = sandbox.stripe();
    for (forgery, signed) in [
        (Forgery::NoSignature, false),
        (Forgery::WrongSecret, false),
        (Forgery::EmptySecret, false),
        (Forgery::AlteredBody, false),
        (Forgery::OldTimestamp, true),
        (Forgery::FutureTimestamp, true),
        (Forgery::LiveMode, true),
        (Forgery::NotJson, true),
    ] {
        assert_eq!(stripe.forge(&event, forgery).await, 200);
        assert_eq!(is_signed(&endpoint.last()), signed, "{forgery:?}");
    }
    let now = clock().now().unix_seconds();
    stripe.forge(&event, Forgery::OldTimestamp).await;
    assert!(endpoint.last().0.starts_with(&format!("t={},", now - 600)));
    stripe.forge(&event, Forgery::LiveMode).await;
    assert!(endpoint.last().1.contains("\"livemode\":true"));
    assert_eq!(stripe.forge(&event, Forgery::Huge).await, 413);
}

#[tokio::test]
async fn deliveries_that_were_interrupted_go_on_after_a_restart() {
    let (scratch, endpoint) = (Scratch::new(), Endpoint::default());
    let mut config = SandboxConfig::new(scratch.path(), clock());
    config.webhook =
        Some(Webhook { url: "http://127.0.0.1:1/hooks/stripe".to_owned(), secret: SECRET.to_owned() });
    let sandbox = Sandbox::start(config).await.unwrap();
    paid(&sandbox, ONCE).await;
    sandbox.stop().await;
    assert!(endpoint.kinds().is_empty());

    // The endpoint's address is often known only after the sandbox has started.
    let sandbox = super::start(&scratch).await;
    sandbox.set_webhook(Some(endpoint.open().await));
    assert!(sandbox.stripe().wait_until_delivered(PATIENCE).await);
    assert_eq!(endpoint.kinds().len(), 5);
    assert!(sandbox.stripe().deliveries().iter().all(|delivery| delivery.state == DeliveryState::Delivered));
}
