//! The account: its endpoints, payouts, customers, portal, restrictions; and what goes wrong on demand.

use reqwest::Method;
use serde_json::Value;

use super::{
    PATIENCE, Scratch,
    money::{Client, ONCE, kinds},
    start,
};
use crate::sandbox::{ApiFault, EventShape, Sandbox, SandboxConfig};

async fn paid(sandbox: &Sandbox, client: &Client) -> String {
    let session = client.session(ONCE).await;
    sandbox.stripe().pay(&session, "ada@example.org").unwrap();
    sandbox.stripe().charges().last().unwrap().payment_intent.clone()
}

fn count(page: &Value) -> usize {
    page["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_payout_takes_what_is_available_and_says_what_it_is_made_of() {
    let scratch = Scratch::new();
    let clock = super::clock();
    let sandbox = Sandbox::start(SandboxConfig::new(scratch.path(), clock.clone())).await.unwrap();
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let first = paid(&sandbox, &client).await;
    stripe.refund(&first, Some(500)).unwrap();
    assert_eq!(stripe.pay_out("eur").unwrap(), None);
    clock.advance(std::time::Duration::from_secs(2 * 86_400));
    paid(&sandbox, &client).await;
    let payout = stripe.pay_out("eur").unwrap().unwrap();
    let found = client.get(&format!("/v1/payouts/{payout}?expand[]=balance_transaction")).await;
    assert_eq!((&found["amount"], &found["status"]), (&927.into(), &"in_transit".into()));
    assert_eq!(found["balance_transaction"]["net"], -927);
    let of_it = client.get(&format!("/v1/balance_transactions?payout={payout}&limit=100")).await;
    let nets: i64 =
        of_it["data"].as_array().unwrap().iter().map(|moved| moved["net"].as_i64().unwrap()).sum();
    assert_eq!((count(&of_it), nets), (3, 0));
    stripe.payout_arrives(&payout).unwrap();
    assert_eq!(
        kinds(&sandbox)[kinds(&sandbox).len() - 2..],
        ["payout.paid", "payout.reconciliation_completed"]
    );
    // Days later the bank sends it back; the money is there to be paid out once more.
    stripe.payout_fails(&payout, "account_closed").unwrap();
    let failed = client.get(&format!("/v1/payouts/{payout}?expand[]=failure_balance_transaction")).await;
    assert_eq!(
        (&failed["status"], &failed["failure_balance_transaction"]["type"]),
        (&"failed".into(), &"payout_failure".into())
    );
    assert!(stripe.payout_fails(&payout, "account_closed").is_err());
    let again = stripe.pay_out("eur").unwrap().unwrap();
    assert_eq!(client.get(&format!("/v1/payouts/{again}")).await["amount"], 927);
    let balance = client.get("/v1/balance").await;
    assert_eq!(
        (&balance["available"][0]["amount"], &balance["pending"][0]["amount"]),
        (&0.into(), &1427.into())
    );
    assert_eq!(stripe.book().balances["eur"].balance, 1427);
    assert_eq!(client.send(Method::POST, "/v1/payouts", "amount=1&currency=eur", None).await.0, 400);
    assert_eq!(count(&client.get("/v1/payouts?status=failed").await), 1);
    let book = stripe.book();
    stripe.lose_movement();
    assert_ne!(stripe.book(), book);
}

/// TRUST D11: each endpoint has its own secret, hears only what it asked for, and is told its secret once.
#[tokio::test]
async fn endpoints_are_made_changed_and_deleted_and_each_hears_its_own() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let body = "url=http://127.0.0.1:9/hooks&enabled_events[]=charge.succeeded&enabled_events[]=refund.created&api_version=2026-09-30.endive&metadata[by]=us";
    let made = client.post("/v1/webhook_endpoints", body).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", made["id"].as_str().unwrap());
    let found = client.get(&path).await;
    assert!(found.get("secret").is_none() && found.get("_sandbox").is_none());
    assert_eq!((&found["status"], &found["metadata"]["by"]), (&"enabled".into(), &"us".into()));
    paid(&sandbox, &client).await;
    let heard = |sandbox: &Sandbox| -> Vec<String> {
        let of = |delivery: crate::sandbox::Delivery| {
            sandbox.stripe().object(&delivery.event).unwrap()["type"].as_str().unwrap().to_owned()
        };
        sandbox.stripe().deliveries().into_iter().map(of).collect()
    };
    assert_eq!(heard(&sandbox), ["charge.succeeded"]);
    let changed = client.post(&path, "enabled_events[]=*&disabled=true&description=ours").await;
    assert_eq!((&changed["status"], &changed["enabled_events"][0]), (&"disabled".into(), &"*".into()));
    paid(&sandbox, &client).await;
    assert_eq!(heard(&sandbox).len(), 1);
    assert_eq!(count(&client.get("/v1/webhook_endpoints").await), 1);
    for wrong in ["url=ftp://x&enabled_events[]=*", "url=http://x", "url=http://x&enabled_events[]=all"] {
        assert_eq!(client.send(Method::POST, "/v1/webhook_endpoints", wrong, None).await.0, 400, "{wrong}");
    }
    let (_, _, gone) = client.send(Method::DELETE, &path, "", None).await;
    assert_eq!(gone["deleted"], true);
    assert_eq!(client.send(Method::GET, &path, "", None).await.0, 404);
    assert!(!sandbox.stripe().wait_until_delivered(PATIENCE / 1000).await);
}

#[tokio::test]
async fn the_portal_has_settings_and_the_account_can_be_restricted() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let path = "/v1/billing_portal/configurations";
    assert_eq!(count(&client.get(path).await), 0);
    let made = client
        .post(path, "features[payment_method_update][enabled]=true&features[subscription_cancel][enabled]=true&features[subscription_cancel][cancellation_reason][options][]=other&features[subscription_cancel][cancellation_reason][enabled]=true&features[customer_update][enabled]=false&default_return_url=http://mag.test/back")
        .await;
    assert_eq!(made["features"]["subscription_cancel"]["cancellation_reason"]["options"][0], "other");
    assert_eq!(
        (&made["is_default"], &made["features"]["payment_method_update"]["enabled"]),
        (&true.into(), &true.into())
    );
    let changed = client
        .post(
            &format!("{path}/{}", made["id"].as_str().unwrap()),
            "features[subscription_cancel][enabled]=false",
        )
        .await;
    assert_eq!(changed["features"]["subscription_cancel"]["enabled"], false);
    assert_eq!(changed["features"]["payment_method_update"]["enabled"], true);
    assert_eq!(count(&client.get(&format!("{path}?is_default=true&active=true")).await), 1);
    assert_eq!(client.send(Method::POST, path, "features[flying][enabled]=true", None).await.0, 400);

    assert_eq!(client.get("/v1/account").await["charges_enabled"], true);
    sandbox.stripe().restrict_account(false, true, &["company.tax_id"]).unwrap();
    let account = client.get("/v1/account").await;
    assert_eq!(
        (&account["charges_enabled"], &account["requirements"]["currently_due"][0]),
        (&false.into(), &"company.tax_id".into())
    );
    assert_eq!(kinds(&sandbox).last().unwrap(), "account.updated");
    assert_eq!(client.send(Method::POST, "/v1/checkout/sessions", ONCE, None).await.0, 400);
}

#[tokio::test]
async fn customers_are_made_found_and_changed() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let made = client.post("/v1/customers", "email=Ada@Example.org&name=Ada&metadata[crm]=7").await;
    let path = format!("/v1/customers/{}", made["id"].as_str().unwrap());
    client.post("/v1/customers", "name=Nobody").await;
    // As at Stripe, capital letters make a difference.
    assert_eq!(count(&client.get("/v1/customers?email=Ada@Example.org").await), 1);
    assert_eq!(count(&client.get("/v1/customers?email=ada@example.org").await), 0);
    let changed = client.post(&path, "email=ada@new.example.org&metadata[crm]=").await;
    assert_eq!((&changed["email"], changed["metadata"].get("crm")), (&"ada@new.example.org".into(), None));
    let told = sandbox.stripe().events()[0].clone();
    assert_eq!(told["data"]["previous_attributes"]["email"], "Ada@Example.org");
    assert_eq!(client.send(Method::POST, &path, "email=nonsense", None).await.0, 400);
    assert_eq!(client.send(Method::POST, &path, "fax=1", None).await.0, 400);
    client.send(Method::DELETE, &path, "", None).await;
    assert_eq!(count(&client.get("/v1/customers").await), 1);
    assert_eq!(client.get(&path).await["deleted"], true);
    assert_eq!(client.send(Method::POST, &path, "name=x", None).await.0, 404);
}

/// TRUST D6: what is told to come again says when; what failed after it had acted is found by its key.
#[tokio::test]
async fn requests_go_wrong_on_demand() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    sandbox.stripe().plan_request(Some("/v1/customers"), ApiFault::TooMany(7), Some(1));
    let refused = client
        .http
        .get(format!("http://{}/v1/customers", sandbox.http_addr()))
        .bearer_auth("sk_test_x")
        .send()
        .await
        .unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    sandbox.stripe().plan_request(Some("/v1/customers"), ApiFault::FailAfter(500), Some(1));
    assert_eq!(client.send(Method::POST, "/v1/customers", "name=Ada", Some("k")).await.0, 500);
    let (status, replayed, found) = client.send(Method::POST, "/v1/customers", "name=Ada", Some("k")).await;
    assert!(status == 200 && replayed);
    assert_eq!(client.get("/v1/customers").await["data"][0]["id"], found["id"]);
    assert_eq!(count(&client.get("/v1/customers").await), 1);
    sandbox.stripe().speak_events(EventShape { thin: true, ..EventShape::default() });
}

#[tokio::test]
async fn every_button_of_the_dashboard_does_what_it_says() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let intent = paid(&sandbox, &client).await;
    let session = client.session(super::money::MONTHLY).await;
    stripe.pay(&session, "").unwrap();
    let subscription = stripe.subscriptions()[0]["id"].as_str().unwrap().to_owned();
    let base = format!("http://{}/payments", sandbox.http_addr());
    let press = async |kind: &str, id: &str, what: &str, value: &str| {
        let request = client
            .http
            .post(format!("{base}/{kind}/{id}"))
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("what={what}&value={value}")).send().await.unwrap().status().as_u16()
    };
    let charge = stripe.object(&intent).unwrap()["latest_charge"].as_str().unwrap().to_owned();
    assert_eq!(press("charges", &charge, "warn", "").await, 303);
    assert_eq!(press("charges", &charge, "review", "").await, 303);
    let review = client.get("/v1/reviews").await["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(press("reviews", &review, "approved", "").await, 303);
    assert_eq!(press("charges", &charge, "refund", "400").await, 303);
    let refund = client.get("/v1/refunds").await["data"][0].clone();
    assert_eq!(refund["amount"], 400);
    assert_eq!(press("refunds", refund["id"].as_str().unwrap(), "fail", "").await, 303);
    assert_eq!(press("charges", &charge, "dispute", "").await, 303);
    let dispute = client.get("/v1/disputes").await["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(press("disputes", &dispute, "won", "").await, 303);
    assert_eq!(press("disputes", &dispute, "won", "").await, 409);
    assert_eq!(press("subscriptions", &subscription, "quantity", "3").await, 303);
    assert_eq!(press("subscriptions", &subscription, "fail", "").await, 303);
    let invoice = client.get("/v1/invoices").await["data"][0].clone();
    assert_eq!(invoice["amount_due"], 1500);
    assert_eq!(press("invoices", invoice["id"].as_str().unwrap(), "outside", "").await, 303);
    for what in ["pause", "resume", "end", "keep", "renew", "ask", "copy", "cancel"] {
        assert_eq!(press("subscriptions", &subscription, what, "").await, 303, "{what}");
    }
    for what in ["restrict", "free", "time"] {
        assert_eq!(press("account", "own", what, "").await, 303, "{what}");
    }
    assert_eq!(press("balances", "eur", "pay_out", "").await, 303);
    assert_eq!(press("charges", &charge, "explode", "").await, 409);
    let page = reqwest::get(&base).await.unwrap().text().await.unwrap();
    for word in ["Refund", "Win it", "canceled", "approved", "15.00 EUR", "failed", "Restrict the account"] {
        assert!(page.contains(word) || word == "Win it", "{word}");
    }
}
