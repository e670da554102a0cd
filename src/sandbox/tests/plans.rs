//! Subscriptions and their invoices: changed, paused, in trouble, ended.

use reqwest::Method;
use serde_json::Value;

use super::{
    Scratch,
    money::{Client, MONTHLY, kinds},
    start,
};
use crate::{
    clock::{Clock, Moment},
    sandbox::{AfterLastTry, CardAnswer, OldSupporter, Sandbox, SandboxCard, SandboxConfig, StripeRules},
};

const A_DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A monthly gift of 5 euros; its subscription.
async fn begun(sandbox: &Sandbox, client: &Client) -> String {
    let session = client.session(MONTHLY).await;
    sandbox.stripe().pay(&session, "").unwrap();
    sandbox.stripe().subscriptions()[0]["id"].as_str().unwrap().to_owned()
}

async fn with_clock(scratch: &Scratch) -> (Sandbox, Clock) {
    let clock = super::clock();
    let sandbox = Sandbox::start(SandboxConfig::new(scratch.path(), clock.clone())).await.unwrap();
    (sandbox, clock)
}

fn last_charge(sandbox: &Sandbox) -> i64 {
    sandbox.stripe().charges().last().unwrap().amount
}

#[tokio::test]
async fn amount_quantity_and_rhythm_are_changed_and_the_next_instalment_follows() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let path = format!("/v1/subscriptions/{id}");
    let own = client.get(&path).await;
    let item = own["items"]["data"][0].clone();
    let (item_id, product) = (item["id"].as_str().unwrap(), item["price"]["product"].as_str().unwrap());
    let new_price = format!(
        "items[0][id]={item_id}&items[0][quantity]=2&items[0][price_data][currency]=eur&items[0][price_data][product]={product}&items[0][price_data][unit_amount]=1999&items[0][price_data][recurring][interval]=month&proration_behavior=none"
    );
    let changed = client.post(&path, &new_price).await;
    let after = &changed["items"]["data"][0];
    assert_eq!(
        (&after["id"], &after["quantity"], &after["price"]["unit_amount"]),
        (&item["id"], &2.into(), &1999.into())
    );
    assert_eq!(after["current_period_end"], item["current_period_end"]);
    let told = stripe.events()[0].clone();
    assert_eq!(told["type"], "customer.subscription.updated");
    assert_eq!(told["data"]["previous_attributes"]["items"]["data"][0]["price"]["unit_amount"], 500);
    stripe.renew(&id).unwrap();
    assert_eq!(last_charge(&sandbox), 3998);

    // A second item beside it, another product's; then the first is taken away.
    let price = after["price"]["id"].as_str().unwrap();
    client
        .post(&path, &format!("items[0][price]={price}&items[0][quantity]=1&proration_behavior=none"))
        .await;
    stripe.renew(&id).unwrap();
    assert_eq!(last_charge(&sandbox), 3998 + 1999);
    client
        .post(&path, &format!("items[0][id]={item_id}&items[0][deleted]=true&proration_behavior=none"))
        .await;
    stripe.renew(&id).unwrap();
    assert_eq!(last_charge(&sandbox), 1999);

    // Each year from now on: asked for at once.
    let own = client.get(&path).await;
    let item_id = own["items"]["data"][0]["id"].as_str().unwrap().to_owned();
    let yearly = new_price
        .replace("month", "year")
        .replace(item["id"].as_str().unwrap(), &item_id)
        .replace("[quantity]=2", "[quantity]=1");
    let charges = stripe.charges().len();
    let changed = client.post(&path, &yearly).await;
    assert_eq!(stripe.charges().len(), charges + 1);
    assert_eq!(changed["billing_cycle_anchor"], changed["items"]["data"][0]["current_period_start"]);

    for wrong in [
        "items[0][id]=si_no&items[0][quantity]=1".to_owned(),
        format!("items[0][id]={item_id}&items[0][quantity]=x"),
        format!("items[0][id]={item_id}&items[0][deleted]=true"),
        new_price.replace("[currency]=eur", "[currency]=usd"),
        new_price.replace(product, "prod_no"),
        "proration_behavior=sometimes".to_owned(),
        "trial_end=1".to_owned(),
        "pause_collection[behavior]=stop".to_owned(),
        "default_payment_method=pm_no".to_owned(),
    ] {
        let (status, _, said) = client.send(Method::POST, &path, &wrong, None).await;
        assert!(status.is_client_error(), "{wrong}: {said}");
    }
}

#[tokio::test]
async fn a_change_within_a_month_is_settled_with_the_next_invoice() {
    let scratch = Scratch::new();
    let (sandbox, clock) = with_clock(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let own = client.get(&format!("/v1/subscriptions/{id}")).await;
    let item = &own["items"]["data"][0];
    let length =
        item["current_period_end"].as_i64().unwrap() - item["current_period_start"].as_i64().unwrap();
    clock.advance(std::time::Duration::from_secs(u64::try_from(length / 2).unwrap()));
    stripe
        .change_subscription(
            &id,
            &format!("items[0][id]={}&items[0][quantity]=3", item["id"].as_str().unwrap()),
        )
        .unwrap();
    stripe.renew(&id).unwrap();
    // Half a month of 5 given back, half a month of 15 asked for, and the next month whole.
    assert_eq!(last_charge(&sandbox), -250 + 750 + 1500);
    let invoice = client.get("/v1/invoices?limit=1").await["data"][0].clone();
    assert_eq!(invoice["lines"]["data"].as_array().unwrap().len(), 3);
    assert_eq!(invoice["lines"]["data"][0]["parent"]["subscription_item_details"]["proration"], true);
}

#[tokio::test]
async fn a_pause_asks_for_nothing_and_a_trial_moves_the_next_date() {
    let scratch = Scratch::new();
    let (sandbox, clock) = with_clock(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let path = format!("/v1/subscriptions/{id}");
    for (behaviour, status) in
        [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
    {
        let paused = client.post(&path, &format!("pause_collection[behavior]={behaviour}")).await;
        assert_eq!(
            (&paused["status"], &paused["pause_collection"]["behavior"]),
            (&"active".into(), &behaviour.into())
        );
        stripe.renew(&id).unwrap();
        assert_eq!(client.get("/v1/invoices?limit=1").await["data"][0]["status"], status);
    }
    assert_eq!(stripe.charges().len(), 1);
    let until = clock.now().unix_seconds() + 40 * 86_400;
    client
        .post(&path, &format!("pause_collection[behavior]=void&pause_collection[resumes_at]={until}"))
        .await;
    clock.advance(A_DAY * 41);
    stripe.let_time_pass().unwrap();
    assert!(client.get(&path).await["pause_collection"].is_null());
    assert!(client.post(&path, "pause_collection=").await["pause_collection"].is_null());

    let later = clock.now().unix_seconds() + 10 * 86_400;
    let moved = client.post(&path, &format!("trial_end={later}&proration_behavior=none")).await;
    assert_eq!(
        (&moved["status"], &moved["items"]["data"][0]["current_period_end"]),
        (&"trialing".into(), &later.into())
    );
    let charges = stripe.charges().len();
    clock.advance(A_DAY * 10);
    assert!(stripe.let_time_pass().unwrap() > 0);
    assert_eq!(stripe.charges().len(), charges + 1);
    assert_eq!(client.get(&path).await["status"], "active");
    // Moved on by hand, without the clock.
    let later = clock.now().unix_seconds() + 86_400;
    client.post(&path, &format!("trial_end={later}&proration_behavior=none")).await;
    stripe.renew(&id).unwrap();
    assert_eq!(stripe.charges().len(), charges + 2);
    stripe.subscription_becomes(&id, "unpaid").unwrap();
    stripe.renew(&id).unwrap();
    assert_eq!(client.get("/v1/invoices?limit=1").await["data"][0]["status"], "draft");
    assert_eq!(stripe.charges().len(), charges + 2);
}

/// Three more tries on the days of the account's settings, and then what they say.
#[tokio::test]
async fn a_card_that_is_refused_is_tried_again_and_then_given_up() {
    for (after, status) in [
        (AfterLastTry::Cancel, "canceled"),
        (AfterLastTry::Unpaid, "unpaid"),
        (AfterLastTry::PastDue, "past_due"),
    ] {
        let scratch = Scratch::new();
        let (sandbox, clock) = with_clock(&scratch).await;
        let client = Client::new(&sandbox);
        let stripe = sandbox.stripe();
        stripe.set_rules(StripeRules { after_last_try: after, ..StripeRules::default() });
        let id = begun(&sandbox, &client).await;
        stripe.card_answers(&id, &CardAnswer::Declined("insufficient_funds".to_owned())).unwrap();
        clock.advance(A_DAY * 31);
        stripe.let_time_pass().unwrap();
        let invoice = client.get("/v1/invoices?limit=1&status=open").await["data"][0].clone();
        assert_eq!(invoice["attempt_count"], 1);
        assert!(invoice["next_payment_attempt"].as_i64().unwrap() > clock.now().unix_seconds());
        clock.advance(A_DAY * 16);
        stripe.let_time_pass().unwrap();
        let own = client.get(&format!("/v1/subscriptions/{id}")).await;
        assert_eq!(own["status"], status);
        let failed = kinds(&sandbox).iter().filter(|kind| *kind == "invoice.payment_failed").count();
        assert_eq!(failed, 4);
        let intent = client.get("/v1/payment_intents?limit=1").await["data"][0].clone();
        assert_eq!(intent["last_payment_error"]["decline_code"], "insufficient_funds");
        assert_eq!(stripe.charges().len(), 1);
        if after == AfterLastTry::Cancel {
            assert_eq!(own["cancellation_details"]["reason"], "payment_failed");
            continue;
        }
        // Paid after all, on the page that the invoice leads to.
        let invoice = client.get(&format!("/v1/invoices/{}", invoice["id"].as_str().unwrap())).await;
        let page = invoice["hosted_invoice_url"].as_str().unwrap();
        assert!(reqwest::get(page).await.unwrap().text().await.unwrap().contains("5.00 EUR"));
        client
            .http
            .post(page)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("what=pay")
            .send()
            .await
            .unwrap();
        assert_eq!(client.get(&format!("/v1/subscriptions/{id}")).await["status"], "active");
    }
}

#[tokio::test]
async fn a_bank_that_asks_leaves_the_invoice_open() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    stripe.renew_with(&id, &CardAnswer::AsksOwner).unwrap();
    let invoice = client.get("/v1/invoices?limit=1&expand[]=data.payments").await["data"][0].clone();
    assert_eq!(invoice["status"], "open");
    let link = invoice["payments"]["data"][0]["id"].as_str().unwrap().to_owned();
    let intent = invoice["payments"]["data"][0]["payment"]["payment_intent"].as_str().unwrap();
    assert_eq!(client.get(&format!("/v1/payment_intents/{intent}")).await["status"], "requires_action");
    let by_intent =
        format!("/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}");
    assert_eq!(client.get(&by_intent).await["data"][0]["id"], link);
    assert!(kinds(&sandbox).contains(&"invoice.payment_action_required".to_owned()));
    let path = format!("/v1/invoices/{}", invoice["id"].as_str().unwrap());
    assert_eq!(client.post(&format!("{path}/pay"), "").await["status"], "paid");
    assert_eq!(client.send(Method::POST, &format!("{path}/void"), "", None).await.0, 400);
}

/// What staff do to an invoice, and what of it is money of the provider's.
#[tokio::test]
async fn an_invoice_is_paid_outside_void_or_given_up() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let mut ends = Vec::new();
    for (act, body) in [("pay", "paid_out_of_band=true"), ("void", ""), ("mark_uncollectible", "")] {
        stripe.fail_renewal(&id).unwrap();
        let invoice = client.get("/v1/invoices?limit=1").await["data"][0]["id"].as_str().unwrap().to_owned();
        let ended = client.post(&format!("/v1/invoices/{invoice}/{act}"), body).await;
        ends.push((
            ended["status"].clone(),
            ended["amount_paid_off_stripe"].clone(),
            ended["amount_remaining"].clone(),
        ));
    }
    let expected: Vec<(Value, Value, Value)> = vec![
        ("paid".into(), 500.into(), 0.into()),
        ("void".into(), 0.into(), 500.into()),
        ("uncollectible".into(), 0.into(), 500.into()),
    ];
    assert_eq!(ends, expected);
    let book = stripe.book();
    assert_eq!((book.given["eur"].recurring, book.given["eur"].outside), (500, 500));
    assert_eq!(book.balances["eur"].transactions, 1);
    let told = kinds(&sandbox);
    for kind in ["invoice.paid", "invoice.voided", "invoice.marked_uncollectible", "payment_intent.canceled"]
    {
        assert!(told.contains(&kind.to_owned()), "{kind}");
    }
}

/// Credit pays first; what it covers wholly is paid without a charge.
#[tokio::test]
async fn credit_is_used_before_the_card() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let customer = stripe.customer_of(&id).unwrap();
    stripe.change_customer(&customer, "balance=-700").unwrap();
    stripe.renew(&id).unwrap();
    let free = client.get("/v1/invoices?limit=1&expand[]=data.payments").await["data"][0].clone();
    assert_eq!(
        (&free["status"], &free["total"], &free["amount_due"], &free["amount_paid"]),
        (&"paid".into(), &500.into(), &0.into(), &0.into())
    );
    assert!(free["payments"]["data"].as_array().unwrap().is_empty());
    stripe.renew(&id).unwrap();
    assert_eq!(last_charge(&sandbox), 300);
    assert_eq!(client.get(&format!("/v1/customers/{customer}")).await["balance"], 0);
}

#[tokio::test]
async fn a_declined_first_month_may_leave_a_subscription_that_never_begins() {
    let scratch = Scratch::new();
    let (sandbox, clock) = with_clock(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    stripe.set_rules(StripeRules { declined_first_leaves: true, ..StripeRules::default() });
    stripe.decline_with("stolen_card");
    let session = client.session(MONTHLY).await;
    stripe.decline(&session, "").unwrap();
    let left = client.get("/v1/subscriptions?status=all").await["data"][0].clone();
    assert_eq!(left["status"], "incomplete");
    let intent = client.get("/v1/payment_intents").await["data"][0].clone();
    assert_eq!(intent["last_payment_error"]["decline_code"], "stolen_card");
    stripe.pay(&session, "").unwrap();
    clock.advance(A_DAY);
    stripe.let_time_pass().unwrap();
    let path = format!("/v1/subscriptions/{}", left["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await["status"], "incomplete_expired");
    assert_eq!(client.get("/v1/subscriptions").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("/v1/subscriptions?status=ended").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_subscription_ends_on_a_day_or_with_its_customer() {
    let scratch = Scratch::new();
    let (sandbox, clock) = with_clock(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let path = format!("/v1/subscriptions/{id}");
    let at = clock.now().unix_seconds() + 10 * 86_400;
    let ending = client.post(&path, &format!("cancel_at={at}")).await;
    assert_eq!((&ending["cancel_at"], &ending["cancel_at_period_end"]), (&at.into(), &false.into()));
    assert!(client.post(&path, "cancel_at=").await["cancel_at"].is_null());
    client.post(&path, &format!("cancel_at={at}")).await;
    clock.advance(A_DAY * 10);
    stripe.let_time_pass().unwrap();
    assert_eq!(client.get(&path).await["status"], "canceled");

    let id = begun(&sandbox, &client).await;
    let customer = stripe.customer_of(&id).unwrap();
    let (_, _, gone) = client.send(Method::DELETE, &format!("/v1/customers/{customer}"), "", None).await;
    assert_eq!(gone["deleted"], true);
    let own = client.get(&format!("/v1/subscriptions/{id}?expand[]=customer")).await;
    assert_eq!((&own["status"], &own["customer"]["deleted"]), (&"canceled".into(), &true.into()));
    assert!(own["customer"].get("email").is_none());
}

#[tokio::test]
async fn another_card_is_taken_and_shown() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let id = begun(&sandbox, &client).await;
    let customer = stripe.customer_of(&id).unwrap();
    let portal = client
        .post(
            "/v1/billing_portal/sessions",
            &format!(
                "customer={customer}&return_url=http://mag.test/back&flow_data[type]=payment_method_update"
            ),
        )
        .await;
    assert_eq!(portal["flow"]["type"], "payment_method_update");
    let url = portal["url"].as_str().unwrap();
    let sent = client.http.post(url).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(sent.body(format!("what=card&subscription={id}")).send().await.unwrap().status(), 303);
    let own = client.get(&format!("/v1/subscriptions/{id}?expand[]=default_payment_method")).await;
    assert_eq!(own["default_payment_method"]["card"]["last4"], "4444");
    assert_eq!(stripe.events()[0]["type"], "customer.subscription.updated");
    stripe.renew(&id).unwrap();
    let charge = client.get("/v1/charges?limit=1").await["data"][0].clone();
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "4444");
    let card = SandboxCard {
        brand: "visa".to_owned(),
        last4: "1881".to_owned(),
        expires: (1, 2030),
        answers: String::new(),
    };
    stripe.add_card(&customer, &card, None).unwrap();
    let listed = client.get(&format!("/v1/customers/{customer}/payment_methods?type=card")).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
}

/// What was there before us: years of instalments, with their own dates, of which nobody is told.
#[tokio::test]
async fn an_old_account_holds_years_of_gifts() {
    let scratch = Scratch::new();
    let sandbox = start(&scratch).await;
    let client = Client::new(&sandbox);
    let stripe = sandbox.stripe();
    let old = OldSupporter {
        email: None,
        name: Some("Ada".to_owned()),
        items: vec![(500, 2), (300, 1)],
        currency: "usd".to_owned(),
        interval: "month".to_owned(),
        since: Moment::from_unix_seconds(1_800_000_000 - 366 * 86_400),
        metadata: vec![("campaign".to_owned(), "spring".to_owned())],
        on_source: true,
        percent_off: Some(10),
    };
    let id = stripe.add_old_supporter(&old).unwrap();
    let own = client.get(&format!("/v1/subscriptions/{id}?expand[]=customer&expand[]=discounts")).await;
    assert_eq!((&own["customer"]["email"], &own["default_payment_method"]), (&Value::Null, &Value::Null));
    assert_eq!(own["items"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(own["discounts"][0]["object"], "discount");
    let first = client.get(&format!("/v1/invoices?subscription={id}&limit=100")).await;
    let invoices = first["data"].as_array().unwrap();
    assert_eq!(invoices.len(), 13);
    assert!(invoices.iter().all(|own| own["status"] == "paid" && own["amount_paid"] == 1170));
    assert_eq!(invoices[12]["status_transitions"]["paid_at"], old.since.unix_seconds());
    let intent = stripe.add_old_payment(Some("Bo@Example.org"), 2_500, "usd", old.since).unwrap();
    assert_eq!(
        client.get(&format!("/v1/payment_intents/{intent}")).await["created"],
        old.since.unix_seconds()
    );
    assert!(stripe.deliveries().is_empty());
    assert_eq!(stripe.book().given["usd"].recurring, 13 * 1170);
}
