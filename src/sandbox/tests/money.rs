//! The payment provider's API and pages.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Scratch, start};
use crate::sandbox::{ApiFault, Rhythm, Sandbox};

/// A client of the API with nothing clever in it.
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    base: String,
}

pub(super) const ONCE: &str = "mode=payment&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1500&line_items[0][price_data][product_data][name]=Donation&line_items[0][quantity]=1&success_url=http://mag.test/thanks?s={CHECKOUT_SESSION_ID}&cancel_url=http://mag.test/donate&client_reference_id=don_1&metadata[donation]=1&payment_intent_data[metadata][donation]=1";
pub(super) const MONTHLY: &str = "mode=subscription&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=500&line_items[0][price_data][product_data][name]=Donation&line_items[0][price_data][recurring][interval]=month&line_items[0][quantity]=1&success_url=http://mag.test/thanks&customer_email=bo@example.org&subscription_data[metadata][plan]=7";

impl Client {
    pub(super) fn new(sandbox: &Sandbox) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, base: format!("http://{}", sandbox.http_addr()) }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &str,
        key: Option<&str>,
    ) -> (StatusCode, bool, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth("sk_test_x");
        if !body.is_empty() {
            request =
                request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.unwrap();
        let (status, replayed) = (response.status(), response.headers().contains_key("idempotent-replayed"));
        assert!(response.headers().contains_key("request-id"));
        (status, replayed, serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Value {
        let (status, _, value) = self.send(Method::POST, path, body, None).await;
        assert_eq!(status, 200, "{value}");
        value
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let (status, _, value) = self.send(Method::GET, path, "", None).await;
        assert_eq!(status, 200, "{value}");
        value
    }

    async fn refused(&self, body: &str) -> Value {
        let (status, _, value) = self.send(Method::POST, "/v1/checkout/sessions", body, None).await;
        assert_eq!(status, 400, "{body}: {value}");
        value["error"].clone()
    }

    pub(super) async fn session(&self, body: &str) -> String {
        self.post("/v1/checkout/sessions", body).await["id"].as_str().unwrap().to_owned()
    }

    /// Presses a button of the checkout page; gives the status, the place it leads to, and the page.
    async fn press(&self, session: &str, what: &str) -> (StatusCode, String, String) {
        let url = format!("{}/c/pay/{session}", self.base);
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(format!("what={what}&email=ada%40example.org")).send().await.unwrap();
        let place = response.headers().get("location").map_or("", |place| place.to_str().unwrap()).to_owned();
        (response.status(), place, response.text().await.unwrap())
    }
}

pub(super) fn kinds(sandbox: &Sandbox) -> Vec<String> {
    let mut kinds: Vec<String> =
        sandbox.stripe().events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    kinds.reverse();
    kinds
}

#[tokio::test]
async fn a_single_gift_is_paid_on_the_page_and_found_by_the_api() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let session = client.session(ONCE).await;
    let page = reqwest::get(format!("{}/c/pay/{session}", client.base)).await.unwrap().text().await.unwrap();
    assert!(page.contains("No real money moves") && page.contains("15.00 EUR") && page.contains("once"));
    let (status, place, _) = client.press(&session, "pay").await;
    assert_eq!((status.as_u16(), place), (303, format!("http://mag.test/thanks?s={session}")));

    let found = client.get(&format!("/v1/checkout/sessions/{session}?expand[]=payment_intent.latest_charge.balance_transaction&expand[]=line_items")).await;
    assert_eq!((&found["status"], &found["payment_status"]), (&"complete".into(), &"paid".into()));
    assert_eq!(found["payment_intent"]["metadata"]["donation"], "1");
    assert_eq!(found["payment_intent"]["latest_charge"]["balance_transaction"]["net"], 1500 - 73);
    assert_eq!(found["line_items"]["data"][0]["description"], "Donation");
    assert!(found.get("_sandbox").is_none());
    let charges = sandbox.stripe().charges();
    assert_eq!(
        (charges.len(), charges[0].amount, charges[0].rhythm, charges[0].session.as_str()),
        (1, 1500, Rhythm::Once, session.as_str())
    );
    assert_eq!(
        kinds(&sandbox),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated",
            "checkout.session.completed"
        ]
    );
    assert_eq!(client.press(&session, "pay").await.0, 422);
    assert_eq!(sandbox.stripe().charges().len(), 1);
}

#[tokio::test]
async fn a_monthly_gift_begins_renews_fails_recovers_and_ends() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let session = client.session(MONTHLY).await;
    assert_eq!(client.press(&session, "pay").await.0, 303);
    let found = client
        .get(&format!("/v1/checkout/sessions/{session}?expand[]=subscription&expand[]=invoice.payments"))
        .await;
    assert_eq!(found["payment_intent"], Value::Null);
    let subscription = found["subscription"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&found["subscription"]["status"], &found["subscription"]["metadata"]["plan"]),
        (&"active".into(), &"7".into())
    );
    let details = &found["invoice"]["parent"]["subscription_details"];
    assert_eq!(
        (details["subscription"].as_str(), details["metadata"]["plan"].as_str()),
        (Some(subscription.as_str()), Some("7"))
    );
    let intent = found["invoice"]["payments"]["data"][0]["payment"]["payment_intent"].as_str().unwrap();
    assert_eq!(client.get(&format!("/v1/payment_intents/{intent}")).await["status"], "succeeded");
    let invoice = found["invoice"]["id"].as_str().unwrap();
    assert!(client.get(&format!("/v1/invoices/{invoice}")).await.get("payments").is_none());
    let expected = [
        "customer.created",
        "payment_method.attached",
        "invoice.created",
        "customer.subscription.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "customer.subscription.updated",
        "checkout.session.completed",
    ];
    assert_eq!(kinds(&sandbox), expected);

    let stripe = sandbox.stripe();
    stripe.renew(&subscription).unwrap();
    stripe.fail_renewal(&subscription).unwrap();
    assert_eq!(stripe.object(&subscription).unwrap()["status"], "past_due");
    stripe.retry_invoice(&subscription).unwrap();
    assert_eq!(stripe.object(&subscription).unwrap()["status"], "active");
    let charges = stripe.charges();
    assert_eq!(charges.len(), 3);
    assert!(charges.iter().all(|charged| charged.amount == 500
        && charged.rhythm == Rhythm::Recurring
        && charged.session == session));

    let path = format!("/v1/subscriptions/{subscription}");
    let ending = client.post(&path, "cancel_at_period_end=true&cancellation_details[feedback]=unused").await;
    assert_eq!(
        (&ending["cancel_at_period_end"], &ending["cancel_at"]),
        (&true.into(), &ending["items"]["data"][0]["current_period_end"])
    );
    stripe.renew(&subscription).unwrap();
    assert_eq!(client.get(&path).await["status"], "canceled");
    assert_eq!(kinds(&sandbox).last().unwrap(), "customer.subscription.deleted");
    assert!(stripe.renew(&subscription).is_err());
    assert_eq!(client.send(Method::DELETE, &path, "", None).await.0, 404);
}

#[tokio::test]
async fn a_declined_card_charges_nothing_and_leaves_the_checkout_open() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    for body in [ONCE, MONTHLY] {
        let session = client.session(body).await;
        let (status, _, page) = client.press(&session, "decline").await;
        assert_eq!(status, 402);
        assert!(page.contains("declined"));
        assert!(sandbox.stripe().charges().is_empty());
        assert_eq!(client.get(&format!("/v1/checkout/sessions/{session}")).await["status"], "open");
        assert!(
            kinds(&sandbox)
                .ends_with(&["charge.failed".to_owned(), "payment_intent.payment_failed".to_owned()])
        );
    }
    let session = client.session(ONCE).await;
    client.press(&session, "decline").await;
    assert_eq!(client.press(&session, "pay").await.0, 303);
    assert_eq!(sandbox.stripe().charges().len(), 1);
}

/// TRUST D5.
#[tokio::test]
async fn a_bank_debit_completes_unpaid_and_then_arrives_or_fails() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    for (body, succeeds) in [(ONCE, true), (ONCE, false), (MONTHLY, true), (MONTHLY, false)] {
        let before = sandbox.stripe().charges().len();
        let session = client.session(body).await;
        assert_eq!(client.press(&session, "later").await.0, 303);
        let path = format!("/v1/checkout/sessions/{session}");
        let found = client.get(&path).await;
        assert_eq!((&found["status"], &found["payment_status"]), (&"complete".into(), &"unpaid".into()));
        assert_eq!(sandbox.stripe().charges().len(), before);
        sandbox.stripe().settle(&session, succeeds).unwrap();
        assert!(sandbox.stripe().settle(&session, succeeds).is_err());
        assert_eq!(sandbox.stripe().charges().len(), before + usize::from(succeeds));
        let (paid, kind) = if succeeds { ("paid", "succeeded") } else { ("unpaid", "failed") };
        assert_eq!(client.get(&path).await["payment_status"], paid);
        assert_eq!(kinds(&sandbox).pop().unwrap(), format!("checkout.session.async_payment_{kind}"));
    }
}

/// TRUST D6.
#[tokio::test]
async fn the_same_key_gives_the_same_reply_and_other_parameters_are_an_error_even_after_a_restart() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let path = "/v1/checkout/sessions";
    let (_, replayed, first) = client.send(Method::POST, path, ONCE, Some("k1")).await;
    assert!(!replayed);
    let (_, replayed, second) = client.send(Method::POST, path, ONCE, Some("k1")).await;
    assert!(replayed && first == second);
    let other = ONCE.replace("1500", "2500");
    let (status, _, error) = client.send(Method::POST, path, &other, Some("k1")).await;
    assert_eq!((status.as_u16(), error["error"]["type"].as_str()), (400, Some("idempotency_error")));
    sandbox.stop().await;

    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let (_, replayed, third) = client.send(Method::POST, path, ONCE, Some("k1")).await;
    assert!(replayed && first == third);
    assert_eq!(sandbox.stripe().sessions().len(), 1);
    assert_eq!(client.send(Method::POST, path, &other, Some("k1")).await.0, 400);
    assert_ne!(client.session(ONCE).await, first["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_request_that_is_wrong_is_refused_and_says_where() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    for (from, to, param) in [
        ("unit_amount]=1500", "unit_amount]=-5", "line_items[0][price_data][unit_amount]"),
        ("unit_amount]=1500", "unit_amount]=15.5", "line_items[0][price_data][unit_amount]"),
        ("unit_amount]=1500", "unit_amount]=0", "line_items"),
        ("currency]=eur", "currency]=zzz", "line_items[0][price_data][currency]"),
        ("client_reference_id", "client_referense_id", "client_referense_id"),
        (
            "price_data][product_data][name]",
            "price_data][produkt][name]",
            "line_items[0][price_data][produkt][name]",
        ),
        ("success_url=", "xmetadata=", "xmetadata"),
        ("&line_items[0][quantity]=1", "", "line_items[0][quantity]"),
        ("http://mag.test/thanks", "mag.test/thanks", "success_url"),
        ("payment_intent_data", "subscription_data", "subscription_data"),
    ] {
        assert!(ONCE.contains(from), "{from}");
        let error = client.refused(&ONCE.replacen(from, to, 1)).await;
        assert_eq!(error["param"], param, "{error}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let error = client
        .refused(
            &MONTHLY
                .replace("mode=subscription", "mode=payment")
                .replace("subscription_data", "payment_intent_data"),
        )
        .await;
    assert!(error["message"].as_str().unwrap().contains("recurring price"));
    assert!(sandbox.stripe().sessions().is_empty());
    let bare = reqwest::get(format!("{}/v1/balance", client.base)).await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(client.send(Method::GET, "/v1/checkout/sessions/cs_test_no", "", None).await.0, 404);
    assert_eq!(client.send(Method::GET, "/v1/nothing", "", None).await.0, 404);
    let other = client
        .http
        .get(format!("{}/v1/balance", client.base))
        .bearer_auth("sk_test_x")
        .header("stripe-version", "2020-08-27");
    assert_eq!(other.send().await.unwrap().status(), 400);
    assert_eq!(client.get("/v1/balance").await["livemode"], false);
}

#[tokio::test]
async fn a_checkout_that_is_not_paid_in_time_expires() {
    let scratch = Scratch::new();
    let clock = super::clock();
    let sandbox =
        Sandbox::start(crate::sandbox::SandboxConfig::new(scratch.path(), clock.clone())).await.unwrap();
    let client = Client::new(&sandbox);
    let in_half_an_hour = clock.now().unix_seconds() + 1800;
    let session = client.session(&format!("{ONCE}&expires_at={in_half_an_hour}")).await;
    clock.advance(std::time::Duration::from_secs(1801));
    assert_eq!(client.get(&format!("/v1/checkout/sessions/{session}")).await["status"], "expired");
    assert_eq!(kinds(&sandbox), ["checkout.session.expired"]);
    assert!(sandbox.stripe().pay(&session, "ada@example.org").is_err());
    let by_hand = client.session(ONCE).await;
    assert_eq!(
        client.post(&format!("/v1/checkout/sessions/{by_hand}/expire"), "").await["status"],
        "expired"
    );
}

#[tokio::test]
async fn refunds_give_back_no_more_than_was_taken() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let session = client.session(ONCE).await;
    sandbox.stripe().pay(&session, "ada@example.org").unwrap();
    let intent = sandbox.stripe().charges()[0].payment_intent.clone();
    let refund = client.post("/v1/refunds", &format!("payment_intent={intent}&amount=500")).await;
    assert_eq!((&refund["status"], &refund["amount"]), (&"succeeded".into(), &500.into()));
    for body in [
        format!("payment_intent={intent}&amount=1001"),
        "amount=1".to_owned(),
        format!("payment_intent={intent}&amount=0"),
    ] {
        assert_eq!(client.send(Method::POST, "/v1/refunds", &body, None).await.0, 400);
    }
    client.post("/v1/refunds", &format!("payment_intent={intent}")).await;
    let charge =
        client.get(&format!("/v1/charges/{}?expand[]=refunds", refund["charge"].as_str().unwrap())).await;
    assert_eq!((&charge["refunded"], &charge["amount_refunded"]), (&true.into(), &1500.into()));
    assert_eq!(charge["refunds"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        client.send(Method::POST, "/v1/refunds", &format!("payment_intent={intent}"), None).await.0,
        400
    );
}

#[tokio::test]
async fn events_are_listed_page_by_page_the_newest_first() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let session = client.session(MONTHLY).await;
    sandbox.stripe().pay(&session, "").unwrap();
    let all: Vec<String> = kinds(&sandbox);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/events?limit=4{after}")).await;
        let data = page["data"].as_array().unwrap().clone();
        seen.extend(data.iter().map(|event| event["type"].as_str().unwrap().to_owned()));
        after = format!("&starting_after={}", data.last().unwrap()["id"].as_str().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    seen.reverse();
    assert_eq!(seen, all);
    let oldest = sandbox.stripe().events().last().unwrap()["id"].as_str().unwrap().to_owned();
    let page = client.get(&format!("/v1/events?limit=2&ending_before={oldest}")).await;
    assert_eq!(
        (page["data"][1]["type"].as_str().unwrap(), &page["has_more"]),
        (all[1].as_str(), &true.into())
    );
    let paid = client.get("/v1/events?types[]=invoice.paid&types[]=charge.succeeded&created[gte]=1").await;
    assert_eq!(paid["data"].as_array().unwrap().len(), 2);
    assert!(client.get("/v1/events?created[gt]=9999999999").await["data"].as_array().unwrap().is_empty());
    assert_eq!(client.get(&format!("/v1/events/{oldest}")).await["api_version"], "2026-09-30.endive");
}

#[tokio::test]
async fn the_portal_ends_a_subscription_and_leads_back() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let session = client.session(MONTHLY).await;
    sandbox.stripe().pay(&session, "").unwrap();
    let subscription = sandbox.stripe().subscriptions()[0].clone();
    let customer = subscription["customer"].as_str().unwrap();
    let portal = client
        .post("/v1/billing_portal/sessions", &format!("customer={customer}&return_url=http://mag.test/back"))
        .await;
    let url = portal["url"].as_str().unwrap();
    assert!(reqwest::get(url).await.unwrap().text().await.unwrap().contains("5.00 EUR"));
    let body = format!("what=cancel&subscription={}", subscription["id"].as_str().unwrap());
    let request =
        client.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &"http://mag.test/back".parse().unwrap())
    );
    assert_eq!(sandbox.stripe().subscriptions()[0]["status"], "canceled");
    let page = reqwest::get(format!("{}/payments", client.base)).await.unwrap().text().await.unwrap();
    assert!(page.contains("5.00 EUR") && page.contains("canceled"));
}

/// TRUST D6: the request was carried out, its answer was lost; the same key finds the one object.
#[tokio::test]
async fn a_lost_reply_is_found_again_by_its_key() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    sandbox.stripe().plan_request(Some("/v1/checkout"), ApiFault::LoseReply, Some(1));
    let request = client.http.post(format!("{}/v1/checkout/sessions", client.base)).bearer_auth("sk_test_x");
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("idempotency-key", "k")
        .body(ONCE);
    let lost = async { request.send().await?.bytes().await };
    assert!(lost.await.is_err());
    let (_, replayed, session) = client.send(Method::POST, "/v1/checkout/sessions", ONCE, Some("k")).await;
    assert!(replayed);
    assert_eq!(sandbox.stripe().sessions()[0]["id"], session["id"]);
    assert_eq!(sandbox.stripe().sessions().len(), 1);
    sandbox.stripe().plan_request(None, ApiFault::Refuse(500), Some(1));
    let (status, ..) = client.send(Method::GET, "/v1/balance", "", None).await;
    assert_eq!(status, 500);
}

#[tokio::test]
async fn what_was_charged_survives_a_restart_and_the_seeded_bug_hides_it() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    for body in [ONCE, MONTHLY] {
        let session = client.session(body).await;
        sandbox.stripe().pay(&session, "ada@example.org").unwrap();
    }
    let (charges, events) = (sandbox.stripe().charges(), sandbox.stripe().events());
    sandbox.stop().await;
    let sandbox = start(&scratch).await;
    assert_eq!((sandbox.stripe().charges(), sandbox.stripe().events()), (charges.clone(), events));
    sandbox.stripe().lose_charge();
    assert_eq!(sandbox.stripe().charges(), charges[..1]);
}
