//! What our client asks of the provider, and what the sandbox answers, held against the types that Stripe publishes: so that the
//! sandbox cannot agree with our own misunderstanding.
//!
//! The types are those of the Python package `stripe`, read as text by `stripe_shapes.py`. `.ci/run` fetches it; elsewhere the test
//! looks for it and says where it would be.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use broadside::{
    clock::{Clock, Moment},
    sandbox::{CardAnswer, DisputeKind, RecordedCall, Sandbox, SandboxCard, SandboxConfig, StripeServer},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    donating::{BUYER, House},
    support::{
        both_engines,
        environment::{program, variable},
        scratch,
    },
};

/// The folder of the package, of the version whose API we speak. `.ci/run` names it where it could be fetched; elsewhere it may be
/// installed.
fn package() -> Option<PathBuf> {
    if let Some(folder) = variable("STRIPE_TYPES") {
        return Some(PathBuf::from(folder));
    }
    let found = installed();
    if found.is_none() {
        println!(
            "skipped: Stripe's types, because STRIPE_TYPES does not name the folder of the Python package stripe 16.1.0"
        );
    }
    found
}

fn installed() -> Option<PathBuf> {
    let asked = Command::new(program("python3")?)
        .args(["-c", "import stripe; print(stripe.__path__[0])"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let folder = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    asked.status.success().then_some(folder).filter(|folder| folder.join("_refund.py").is_file())
}

/// Everything that differs, a line each, and a last line that says how much was compared.
fn differences(package: &Path, lines: &[Value]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stripe_shapes.py");
    let mut command = Command::new(program("python3").expect("python was there a moment ago"));
    command.arg(script).arg(package).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = command.spawn().expect("python starts");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut pipe = python.stdin.take().expect("a pipe");
    pipe.write_all(text.as_bytes()).expect("python reads");
    drop(pipe);
    let output = python.wait_with_output().expect("python ends");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn lines_of(calls: &[RecordedCall]) -> Vec<Value> {
    let mut lines = Vec::new();
    for call in calls {
        lines.push(json!({ "method": call.method, "path": call.path, "form": call.form }));
        if call.status == 200 {
            lines.push(json!({ "object": call.answer }));
        }
    }
    lines
}

/// Somebody who asks for one thing after the other.
struct Asker {
    client: reqwest::Client,
    base: String,
}

impl Asker {
    async fn ask(&self, method: Method, path: &str, form: &str) -> Value {
        let request =
            self.client.request(method.clone(), format!("{}{path}", self.base)).bearer_auth("sk_test_x");
        let request = if form.is_empty() {
            request
        } else {
            request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())
        };
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert!(answer.get("error").is_none(), "{method} {path} {form}: {answer}");
        answer
    }
}

/// Everything that happens at the provider, and every kind of request that it takes.
async fn go_round(stripe: &StripeServer, asker: &Asker, subscription: &str, intent: &str) {
    let get = async |path: &str| asker.ask(Method::GET, path, "").await;
    let post = async |path: &str, form: &str| asker.ask(Method::POST, path, form).await;
    let id = |object: &Value| object["id"].as_str().expect("an id").to_owned();
    let customer = stripe.customer_of(subscription).expect("a customer");

    let refund = id(&post(
        "/v1/refunds",
        &format!("payment_intent={intent}&amount=100&reason=duplicate&metadata[a]=b"),
    )
    .await);
    post(&format!("/v1/refunds/{refund}"), "metadata[a]=c").await;
    stripe.refund_fails(&refund, "lost_or_stolen_card").expect("it fails");
    stripe.warn_of_fraud(intent).expect("a warning");
    let review = stripe.open_review(intent).expect("a review");
    get(&format!("/v1/payment_intents/{intent}?expand[]=review&expand[]=latest_charge.balance_transaction"))
        .await;
    post(&format!("/v1/reviews/{review}/approve"), "").await;
    let dispute =
        stripe.dispute(intent, DisputeKind::Chargeback, Some(500), "fraudulent").expect("a dispute");
    post(&format!("/v1/disputes/{dispute}"), "evidence[uncategorized_text]=true&submit=true").await;
    stripe.dispute_becomes(&dispute, "won").expect("it is won");

    let own =
        get(&format!("/v1/subscriptions/{subscription}?expand[]=default_payment_method&expand[]=customer"))
            .await;
    let item = &own["items"]["data"][0];
    let product = item["price"]["product"].as_str().expect("a product");
    let form = format!(
        "items[0][id]={}&items[0][quantity]=2&items[0][price_data][currency]=eur&items[0][price_data][product]={product}&items[0][price_data][unit_amount]=1999&items[0][price_data][recurring][interval]=month&proration_behavior=always_invoice",
        id(item)
    );
    let path = format!("/v1/subscriptions/{subscription}");
    post(&path, &form).await;
    post(&path, "pause_collection[behavior]=void&pause_collection[resumes_at]=1900000000").await;
    post(&path, "pause_collection=").await;
    post(&path, "cancel_at_period_end=true&cancellation_details[feedback]=unused&metadata[x]=y").await;
    post(&path, "cancel_at_period_end=false").await;
    stripe.renew_with(subscription, &CardAnswer::AsksOwner).expect("the bank asks");
    stripe.retry_with(subscription, &CardAnswer::Declined("expired_card".to_owned())).expect("it is refused");
    let invoice = id(&get("/v1/invoices?limit=1&status=open&expand[]=data.payments").await["data"][0]);
    post(&format!("/v1/invoices/{invoice}/pay"), "paid_out_of_band=true").await;
    for end in ["void", "mark_uncollectible"] {
        stripe.fail_renewal(subscription).expect("it fails");
        let invoice = id(&get("/v1/invoices?limit=1").await["data"][0]);
        post(&format!("/v1/invoices/{invoice}/{end}"), "").await;
    }

    post("/v1/customers", "email=bo@example.org&name=Bo&metadata[a]=b").await;
    post(&format!("/v1/customers/{customer}"), "balance=-100&description=kind").await;
    let card = SandboxCard {
        brand: "mastercard".to_owned(),
        last4: "4444".to_owned(),
        expires: (11, 2035),
        answers: String::new(),
    };
    stripe.set_up_card(&customer, &card).expect("another card");
    let mandate = stripe.revoke_mandate(subscription).expect("the bank says no");
    get(&format!("/v1/mandates/{mandate}")).await;
    stripe.finalization_fails(subscription, "customer_tax_location_invalid").expect("it is a draft");
    get(&format!("/v1/customers/{customer}?expand[]=subscriptions")).await;
    get(&format!("/v1/customers/{customer}/payment_methods?type=card")).await;
    let configuration = "features[payment_method_update][enabled]=true&features[subscription_cancel][enabled]=true&default_return_url=http://mag.test/";
    let configuration = id(&post("/v1/billing_portal/configurations", configuration).await);
    post(&format!("/v1/billing_portal/configurations/{configuration}"), "name=ours").await;
    post(
        "/v1/billing_portal/sessions",
        &format!("customer={customer}&return_url=http://mag.test/&configuration={configuration}&flow_data[type]=payment_method_update"),
    )
    .await;
    let endpoint = id(&post(
        "/v1/webhook_endpoints",
        "url=http://127.0.0.1:9/&enabled_events[]=charge.succeeded&enabled_events[]=*",
    )
    .await);
    post(&format!("/v1/webhook_endpoints/{endpoint}"), "disabled=true&description=ours").await;
    asker.ask(Method::DELETE, &format!("/v1/webhook_endpoints/{endpoint}"), "").await;
    stripe.restrict_account(true, false, &["company.tax_id"]).expect("it is restricted");

    for list in [
        "account",
        "balance",
        "balance_transactions?expand[]=data.source&limit=100",
        "charges?limit=100&expand[]=data.refunds&expand[]=data.balance_transaction",
        "checkout/sessions?limit=100&expand[]=data.line_items",
        "disputes?limit=100",
        "events?limit=100",
        "invoice_payments?limit=100",
        "invoices?limit=100",
        "payment_intents?limit=100",
        "payment_methods?limit=100",
        "payouts?limit=100",
        "prices?limit=100",
        "products?limit=100",
        "radar/early_fraud_warnings?limit=100",
        "refunds?limit=100",
        "reviews?limit=100",
        "setup_intents?limit=100",
        "subscriptions?limit=100&status=all&expand[]=data.latest_invoice",
        "webhook_endpoints?limit=100",
    ] {
        get(&format!("/v1/{list}")).await;
    }
    asker.ask(Method::DELETE, &path, "cancellation_details[comment]=enough").await;
    asker.ask(Method::DELETE, &format!("/v1/customers/{customer}"), "").await;
}

both_engines! {
    /// TRUST T4: what we ask and what we are answered has the shapes of the provider's own types; and what has not is found.
    async fn requests_and_answers_have_the_shapes_that_the_provider_publishes(house: House) {
        let Some(package) = package() else { return };
        let stripe = house.stripe();
        stripe.record_calls();
        let once = house.give("once", "15").await;
        stripe.pay(&once.session, BUYER).expect("a payment");
        let monthly = house.give("month", "7.50").await;
        stripe.pay(&monthly.session, BUYER).expect("a payment");
        house.work().await;
        let ours = stripe.recorded_calls();
        assert!(ours.iter().any(|call| call.method == "POST"), "our client asked for nothing");
        let said = differences(&package, &lines_of(&ours));
        assert!(said.len() == 1, "{}", said.join("\n"));
    }
}

/// The same for everything that the sandbox can do; and a difference on purpose is found.
#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_sandbox_says_has_the_shapes_that_the_provider_publishes() {
    let Some(package) = package() else { return };
    let clock = Clock::manual(Moment::from_unix_seconds(1_800_000_000));
    let sandbox =
        Sandbox::start(SandboxConfig::new(scratch::folder(), clock.clone())).await.expect("a sandbox");
    let stripe = sandbox.stripe();
    let asker = Asker { client: reqwest::Client::new(), base: format!("http://{}", sandbox.http_addr()) };
    stripe.record_calls();
    let session = async |mode: &str, recurring: &str| {
        let form = format!(
            "mode={mode}&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1500&line_items[0][price_data][product_data][name]=Donation{recurring}&line_items[0][quantity]=1&success_url=http://mag.test/&cancel_url=http://mag.test/&metadata[a]=b"
        );
        asker.ask(Method::POST, "/v1/checkout/sessions", &form).await["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let monthly = session("subscription", "&line_items[0][price_data][recurring][interval]=month").await;
    stripe.pay(&monthly, "ada@example.org").expect("a payment");
    stripe.decline(&session("payment", "").await, "ada@example.org").expect("a refusal");
    stripe.pay_later(&session("payment", "").await, "ada@example.org").expect("a bank debit");
    let ended = session("payment", "").await;
    asker.ask(Method::POST, &format!("/v1/checkout/sessions/{ended}/expire"), "").await;
    stripe.pay(&session("payment", "").await, "ada@example.org").expect("a payment");
    let intent = stripe.charges().last().expect("a charge").payment_intent.clone();
    clock.advance(std::time::Duration::from_secs(2 * 86_400));
    let payout = stripe.pay_out("eur").expect("the journal").expect("money");
    stripe.payout_fails(&payout, "account_closed").expect("it comes back");
    let subscription = stripe.subscriptions()[0]["id"].as_str().expect("an id").to_owned();
    go_round(stripe, &asker, &subscription, &intent).await;

    let mut lines = lines_of(&stripe.recorded_calls());
    let said = differences(&package, &lines);
    assert!(said.len() == 1, "{}", said.join("\n"));
    lines.push(json!({ "object": { "id": "re_1", "object": "refund", "amount": "15", "colour": "red" } }));
    lines.push(json!({ "method": "POST", "path": "/v1/refunds", "form": "payment_intnet=pi_1&amount=all" }));
    let said = differences(&package, &lines).join("\n");
    for wanted in [
        "refund.amount: is '15', and should be int",
        "refund.colour: is no field of Stripe's",
        "refund.created: is missing",
        "POST /v1/refunds [payment_intnet]: is no parameter of Stripe's",
        "POST /v1/refunds [amount]: is given as 'all', and should be int",
    ] {
        assert!(said.contains(wanted), "{wanted} is not found: {said}");
    }
    sandbox.stop().await;
}
