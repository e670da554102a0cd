//! Money that goes back: refunds, disputes, what the provider suspects; and the sandbox's own book of it all.

use std::collections::BTreeMap;

use proptest::prelude::*;
use reqwest::Method;
use serde_json::Value;

use super::{
    Scratch,
    money::{Client, MONTHLY, ONCE, kinds},
    start,
};
use crate::sandbox::{DisputeKind, RefundCourse, Sandbox, Settlement, StripeRules};

/// A paid gift of 15 euros; its payment intent.
async fn paid(sandbox: &Sandbox, client: &Client) -> String {
    let session = client.session(ONCE).await;
    sandbox.stripe().pay(&session, "ada@example.org").unwrap();
    sandbox.stripe().charges().last().unwrap().payment_intent.clone()
}

fn balance(sandbox: &Sandbox, currency: &str) -> i64 {
    sandbox.stripe().book().balances[currency].balance
}

/// An entry of the balance each way.
#[tokio::test]
async fn a_refund_may_wait_arrive_fail_or_be_called_off() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let intent = paid(&sandbox, &client).await;
    let full = 1500 - 73;
    assert_eq!(balance(&sandbox, "eur"), full);

    for (course, status, booked) in [
        (RefundCourse::Pending, "pending", true),
        (RefundCourse::AwaitsFunds, "pending", false),
        (RefundCourse::RequiresAction, "requires_action", false),
    ] {
        stripe.set_rules(StripeRules { refunds: course, ..StripeRules::default() });
        let made = client
            .post("/v1/refunds", &format!("payment_intent={intent}&amount=400&metadata[why]=double"))
            .await;
        let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
        assert_eq!(made["status"], status);
        assert_eq!(made["metadata"]["why"], "double");
        assert_eq!(balance(&sandbox, "eur"), full - if booked { 400 } else { 0 });
        stripe.refund_arrives(made["id"].as_str().unwrap()).unwrap();
        let arrived = client.get(&format!("{path}?expand[]=balance_transaction&expand[]=charge")).await;
        assert_eq!(arrived["status"], "succeeded");
        assert_eq!(arrived["balance_transaction"]["net"], -400);
        assert_eq!(arrived["charge"]["amount_refunded"], 400);
        assert!(arrived.get("pending_reason").is_none() && arrived.get("next_action").is_none());
        // Weeks later the bank sends it back.
        stripe.refund_fails(made["id"].as_str().unwrap(), "lost_or_stolen_card").unwrap();
        let failed = client.get(&format!("{path}?expand[]=failure_balance_transaction")).await;
        assert_eq!(
            (&failed["status"], &failed["failure_reason"]),
            (&"failed".into(), &"lost_or_stolen_card".into())
        );
        assert_eq!(failed["failure_balance_transaction"]["type"], "refund_failure");
        assert_eq!(balance(&sandbox, "eur"), full);
        assert!(stripe.refund_fails(made["id"].as_str().unwrap(), "unknown").is_err());
        assert!(kinds(&sandbox).contains(&"refund.failed".to_owned()));
    }
    let made = client.post("/v1/refunds", &format!("payment_intent={intent}")).await;
    let path = format!("/v1/refunds/{}", made["id"].as_str().unwrap());
    assert_eq!(client.post(&format!("{path}/cancel"), "").await["status"], "canceled");
    assert_eq!(client.send(Method::POST, &format!("{path}/cancel"), "", None).await.0, 400);
    let charge = client.get(&format!("/v1/charges?payment_intent={intent}")).await["data"][0].clone();
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&0.into(), &false.into()));
    assert_eq!(
        client.get(&format!("/v1/refunds?payment_intent={intent}")).await["data"].as_array().unwrap().len(),
        4
    );
}

/// What is disputed is on the balance no more; won it comes back, and its fee only where the account's rule says so.
#[tokio::test]
async fn a_dispute_takes_amount_and_fee_and_gives_back_what_is_won() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    for (gives_back, end, after) in
        [(false, "won", 1427 - 1500), (true, "won", 1427), (false, "lost", 1427 - 3000)]
    {
        let before = stripe.book().balances.get("eur").map_or(0, |own| own.balance);
        stripe.set_rules(StripeRules { won_gives_fee_back: gives_back, ..StripeRules::default() });
        let intent = paid(&sandbox, &client).await;
        let id = stripe.dispute(&intent, DisputeKind::Chargeback, None, "fraudulent").unwrap();
        let dispute = client.get(&format!("/v1/disputes/{id}?expand[]=charge")).await;
        assert_eq!((&dispute["status"], &dispute["amount"]), (&"needs_response".into(), &1500.into()));
        assert_eq!(dispute["charge"]["disputed"], true);
        assert!(
            dispute["evidence_details"]["due_by"].as_i64().unwrap() > dispute["created"].as_i64().unwrap()
        );
        let moved = &dispute["balance_transactions"][0];
        assert_eq!(
            (&moved["amount"], &moved["fee"], &moved["net"]),
            (&(-1500).into(), &1500.into(), &(-3000).into())
        );
        assert_eq!(
            client.send(Method::POST, "/v1/refunds", &format!("payment_intent={intent}"), None).await.0,
            400
        );
        let sent = client.post(&format!("/v1/disputes/{id}"), "evidence[uncategorized_text]=They+gave").await;
        assert_eq!(sent["status"], "under_review");
        stripe.dispute_becomes(&id, end).unwrap();
        assert!(stripe.dispute_becomes(&id, "needs_response").is_err());
        assert_eq!(balance(&sandbox, "eur") - before, after);
        let last = if end == "won" {
            vec!["charge.dispute.funds_reinstated", "charge.dispute.closed"]
        } else {
            vec!["charge.dispute.updated", "charge.dispute.closed"]
        };
        assert_eq!(kinds(&sandbox)[kinds(&sandbox).len() - 2..], last);
        // What was won can be refunded again.
        let again = client
            .send(Method::POST, "/v1/refunds", &format!("payment_intent={intent}&amount=1"), None)
            .await
            .0;
        assert_eq!(again, if end == "won" { 200 } else { 400 });
    }
    let book = stripe.book();
    assert_eq!(book.given["eur"].disputed, 1500);
    assert_eq!(book.balances["eur"].fees["dispute"], 4500);
}

#[tokio::test]
async fn an_inquiry_takes_nothing_until_it_becomes_a_dispute() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let intent = paid(&sandbox, &client).await;
    let id = stripe.dispute(&intent, DisputeKind::Inquiry, None, "unrecognized").unwrap();
    assert_eq!(balance(&sandbox, "eur"), 1427);
    assert_eq!(client.get(&format!("/v1/disputes/{id}")).await["is_charge_refundable"], true);
    stripe.dispute_becomes(&id, "needs_response").unwrap();
    assert_eq!(balance(&sandbox, "eur"), 1427 - 3000);
    assert_eq!(client.post(&format!("/v1/disputes/{id}/close"), "").await["status"], "lost");

    let intent = paid(&sandbox, &client).await;
    let id = stripe.dispute(&intent, DisputeKind::Inquiry, Some(500), "general").unwrap();
    stripe.dispute_becomes(&id, "warning_closed").unwrap();
    assert_eq!(client.get("/v1/disputes").await["data"].as_array().unwrap().len(), 2);
    let intent = paid(&sandbox, &client).await;
    let id = stripe.dispute(&intent, DisputeKind::Prevented, None, "fraudulent").unwrap();
    assert_eq!(client.get(&format!("/v1/disputes/{id}")).await["status"], "prevented");
    assert!(stripe.dispute(&intent, DisputeKind::Chargeback, None, "fraudulent").is_err());
}

#[tokio::test]
async fn what_is_suspected_is_told_and_settled() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let intent = paid(&sandbox, &client).await;
    let warning = stripe.warn_of_fraud(&intent).unwrap();
    let path = format!("/v1/radar/early_fraud_warnings/{warning}");
    assert_eq!(client.get(&path).await["actionable"], true);
    stripe.refund(&intent, None).unwrap();
    assert_eq!(client.get(&path).await["actionable"], false);
    assert_eq!(kinds(&sandbox).last().unwrap(), "radar.early_fraud_warning.updated");

    stripe.review_payments(true);
    let intent = paid(&sandbox, &client).await;
    let held = client.get(&format!("/v1/payment_intents/{intent}?expand[]=review")).await;
    assert_eq!((&held["status"], &held["review"]["open"]), (&"succeeded".into(), &true.into()));
    let review = held["review"]["id"].as_str().unwrap();
    let ended = client.post(&format!("/v1/reviews/{review}/approve"), "").await;
    assert_eq!((&ended["open"], &ended["closed_reason"]), (&false.into(), &"approved".into()));
    assert!(client.get(&format!("/v1/payment_intents/{intent}")).await["review"].is_null());
    assert!(stripe.close_review(review, "approved").is_err());
    assert_eq!(kinds(&sandbox).last().unwrap(), "review.closed");
}

#[tokio::test]
async fn another_currency_is_exchanged_when_it_comes_onto_the_balance() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let rates = BTreeMap::from([("usd".to_owned(), 900_000)]);
    let settlement = Some(Settlement { currency: "eur".to_owned(), rates });
    stripe.set_rules(StripeRules { settlement, fee_share: 150, fee_fixed: 25, ..StripeRules::default() });
    let session = client.session(&ONCE.replace("=eur", "=usd")).await;
    stripe.pay(&session, "ada@example.org").unwrap();
    let found = client.get("/v1/balance_transactions?expand[]=data.source").await["data"][0].clone();
    assert_eq!(
        (&found["amount"], &found["currency"], &found["exchange_rate"]),
        (&1350.into(), &"eur".into(), &0.9.into())
    );
    assert_eq!((&found["fee"], &found["net"]), (&45.into(), &1305.into()));
    assert_eq!((&found["source"]["amount"], &found["source"]["currency"]), (&1500.into(), &"usd".into()));
    let source = found["source"]["id"].as_str().unwrap();
    let of_it = client.get(&format!("/v1/balance_transactions?source={source}&type=charge")).await;
    assert_eq!(of_it["data"][0]["id"], found["id"]);
    let book = stripe.book();
    assert_eq!((book.balances["eur"].balance, book.given["usd"].once), (1305, 1500));
    let shown: Value = serde_json::from_str(
        &reqwest::get(format!("http://{}/_sandbox/book", sandbox.http_addr()))
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
    )
    .unwrap();
    assert_eq!(shown, serde_json::to_value(&book).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is refunded, disputed, lost or sent back, the balance is what its transactions sum to, and no charge gives back more
    /// than it took.
    #[test]
    fn whatever_happens_to_a_gift_the_sums_agree(acts in prop::collection::vec((0_u8..9, 1_i64..1_600), 1..14)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let scratch = Scratch::new();
            let sandbox = start(&scratch).await;
            let client = Client::new(&sandbox);
            let stripe = sandbox.stripe();
            let intent = paid(&sandbox, &client).await;
            let monthly = client.session(MONTHLY).await;
            stripe.pay(&monthly, "").unwrap();
            let (mut refunds, mut disputes) = (Vec::new(), Vec::new());
            for (act, amount) in acts {
                let last = refunds.last().cloned().unwrap_or_default();
                let case: String = disputes.last().cloned().unwrap_or_default();
                match act {
                    0 | 1 => refunds.extend(stripe.refund(&intent, Some(amount)).ok()),
                    2 => drop(stripe.refund_fails(&last, "unknown")),
                    3 => disputes.extend(stripe.dispute(&intent, DisputeKind::Chargeback, None, "general").ok()),
                    4 => disputes.extend(stripe.dispute(&intent, DisputeKind::Inquiry, Some(amount), "general").ok()),
                    5 => drop(stripe.dispute_becomes(&case, "won")),
                    6 => drop(stripe.dispute_becomes(&case, "needs_response")),
                    7 => stripe.set_rules(StripeRules { refunds: RefundCourse::AwaitsFunds, ..StripeRules::default() }),
                    _ => drop(stripe.refund_arrives(&last)),
                }
            }
            let book = stripe.book();
            let own = &book.balances["eur"];
            assert_eq!(own.moved.values().sum::<i64>() - own.fees.values().sum::<i64>(), own.balance);
            let charge = client.get(&format!("/v1/charges?payment_intent={intent}")).await["data"][0].clone();
            assert_eq!(charge["amount_refunded"], book.given["eur"].refunded);
            assert!((0..=1500).contains(&charge["amount_refunded"].as_i64().unwrap()));
            let events = stripe.events();
            sandbox.stop().await;
            let sandbox = start(&scratch).await;
            assert_eq!(sandbox.stripe().book(), book);
            assert_eq!(sandbox.stripe().events(), events);
        });
    }
}
