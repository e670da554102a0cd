//! Every request that our client makes, taken by `stripe-mock`: Stripe's own program, which refuses what its published description of the
//! API does not have. What it answers is made of that description, too, and has to be read.
//!
//! `.ci/run` builds it where Go is found; elsewhere `STRIPE_MOCK` names it, or it lies on the path.

use std::process::{Child, Command, Stdio};

use broadside::{
    clock::Moment,
    payments::{
        self, EventsAsked, Every, GiftChange, GiftRhythm, NewCheckout, NewRefund, PaymentProvider,
        ProviderAnswer, Span, Stripe, StripeSettings, SubscriptionChange,
        setup::{self, SetupStep, SetupWanted},
    },
};

use crate::support::{
    environment::{program, variable},
    program::address_of_its_own,
    wait,
};

/// The running mock; it ends with the test.
struct Mock {
    child: Child,
    base: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        // An error means that it ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mock {
    async fn start() -> Option<Self> {
        let found = variable("STRIPE_MOCK").map(Into::into).or_else(|| program("stripe-mock"));
        let Some(found) = found else {
            println!(
                "skipped: stripe-mock, because neither STRIPE_MOCK nor the path names it (go install github.com/stripe/stripe-mock@latest)"
            );
            return None;
        };
        let address = address_of_its_own();
        let mut mock = Command::new(found);
        mock.arg("-http-addr").arg(address.to_string()).arg("-https-addr").arg(format!("{}:0", address.ip()));
        let child = mock.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("stripe-mock starts");
        let mock = Self { child, base: format!("http://{address}") };
        wait::until("stripe-mock", async || tokio::net::TcpStream::connect(address).await.ok()).await;
        Some(mock)
    }

    fn client(&self) -> Stripe {
        let api_base = self.base.parse().expect("an address");
        Stripe::new(&StripeSettings { secret_key: "sk_test_123".to_owned(), api_base }).expect("a client")
    }
}

/// What was asked, and what was wrong with it or with the answer.
#[derive(Default)]
struct Asked {
    number: usize,
    wrong: Vec<String>,
}

impl Asked {
    async fn ask<T>(&mut self, what: &str, answer: ProviderAnswer<'_, T>) {
        self.number += 1;
        if let Err(error) = answer.await {
            self.wrong.push(format!("{what}: {error}"));
        }
    }
}

fn checkout(every: Every) -> NewCheckout {
    NewCheckout {
        idempotency_key: format!("checkout:{every:?}"),
        every,
        amount_minor: 1_500,
        currency: "EUR".to_owned(),
        description: "Donation to The Lamplighter".to_owned(),
        email: "ann@example.org".to_owned(),
        donation: "abc".to_owned(),
        recurring: (every == Every::Month).then(|| "xyz".to_owned()),
        success_url: "https://magazine.example.org/thanks/abc".to_owned(),
        cancel_url: "https://magazine.example.org/donate".to_owned(),
        expires_at: Some(1_800_002_100),
    }
}

async fn ask_for_gifts(asked: &mut Asked, stripe: &Stripe) {
    for every in [Every::Once, Every::Month] {
        asked.ask("a checkout", stripe.create_checkout(&checkout(every))).await;
    }
    asked.ask("a session", stripe.checkout_session("cs_1")).await;
    asked.ask("closing a session", stripe.close_checkout("cs_1", "close")).await;
    asked.ask("a payment", stripe.payment("pi_1")).await;
    asked.ask("an invoice", stripe.invoice("in_1")).await;
    asked.ask("a subscription", stripe.subscription("sub_1")).await;
    asked.ask("the session of a subscription", stripe.session_of("sub_1")).await;
    asked.ask("an end", stripe.cancel_subscription("sub_1", "end")).await;
    let at = Moment::from_unix_seconds(1_900_000_000);
    let amount = |next| GiftChange::Amount {
        item: "si_1".to_owned(),
        product: "prod_1".to_owned(),
        currency: "EUR".to_owned(),
        minor: 1_999,
        rhythm: GiftRhythm::MONTHLY,
        next,
    };
    for change in [
        amount(None),
        amount(Some(at)),
        GiftChange::Date { next: at },
        GiftChange::Rest { until: Some(at) },
        GiftChange::Rest { until: None },
        GiftChange::GoOn,
        GiftChange::EndLater,
        GiftChange::KeepOn { ended_with_period: true },
        GiftChange::KeepOn { ended_with_period: false },
    ] {
        let what = format!("{change:?}");
        let wanted = SubscriptionChange { subscription: "sub_1".to_owned(), change };
        asked.ask(&what, stripe.change_subscription(&wanted, &what)).await;
    }
    asked.ask("the page of a card", stripe.card_page("cus_1", "https://magazine.example.org/")).await;
    asked.ask("a customer", stripe.customer_email("cus_1")).await;
    let moved = stripe.set_customer_email("cus_1", "ann@other.example", "another address");
    asked.ask("another address of a customer", moved).await;
    asked.ask("a mandate", stripe.revoked_method("mandate_1")).await;
    for kinds in payments::event_kinds().chunks(payments::MOST_KINDS_AT_ONCE) {
        let span = EventsAsked { kinds, from: Some(at), until: Some(at) };
        asked.ask("events", stripe.events(&span, Some("evt_1"))).await;
    }
    asked.ask("anything", stripe.probe()).await;
}

async fn ask_for_what_comes_after(asked: &mut Asked, stripe: &Stripe) {
    let after = stripe.after();
    asked.ask("refunds of a payment", after.refunds_of("pi_1")).await;
    asked.ask("disputes of a payment", after.disputes_of("pi_1")).await;
    asked.ask("warnings of a payment", after.warnings_of("pi_1")).await;
    asked.ask("the invoice of a payment", after.invoice_of("pi_1")).await;
    asked.ask("the session of a payment", after.session_of_payment("pi_1")).await;
    let new = NewRefund {
        idempotency_key: "refund".to_owned(),
        payment: "pi_1".to_owned(),
        amount_minor: 500,
        ours: "ours".to_owned(),
    };
    asked.ask("a refund", after.refund(&new)).await;
    asked.ask("a payout", after.payout("po_1")).await;
    let at = Some(Moment::from_unix_seconds(1_700_000_000));
    let span = Span { from: at, until: at, after: Some("obj_1") };
    asked.ask("movements", after.movements(span, None)).await;
    asked.ask("movements of a payout", after.movements(span, Some("po_1"))).await;
    asked.ask("refunds", after.refunds(span)).await;
    asked.ask("disputes", after.disputes(span)).await;
    asked.ask("payouts", after.payouts(span)).await;
    asked.ask("payments", after.payments(span)).await;
    asked.ask("subscriptions", after.subscriptions(span)).await;
}

/// TRUST T4, D4: what we ask is what Stripe's own description of its API takes; and what it does not take is refused here, too.
#[tokio::test(flavor = "multi_thread")]
async fn stripes_own_mock_takes_every_request_of_ours() {
    let Some(mock) = Mock::start().await else { return };
    let stripe = mock.client();
    let mut asked = Asked::default();
    ask_for_gifts(&mut asked, &stripe).await;
    ask_for_what_comes_after(&mut asked, &stripe).await;
    asked.ask("the account", stripe.account().standing()).await;
    let since = Moment::from_unix_seconds(1_700_000_000);
    asked.ask("old subscriptions", stripe.account().old_subscriptions(Some("sub_1"))).await;
    asked.ask("old invoices", stripe.account().old_invoices(since, Some("in_1"))).await;
    asked.ask("old payments", stripe.account().old_payments(since, Some("ch_1"))).await;
    asked.ask("a product", stripe.account().product_name("prod_1")).await;
    let wanted = SetupWanted::of(&"https://magazine.example.org".parse().expect("an address"), Vec::new());
    asked.ask("what is set up", Box::pin(setup::look(&stripe, &wanted, false))).await;
    for step in [
        SetupStep::Make,
        SetupStep::Mend { endpoint: "we_1".to_owned(), lacks: Vec::new(), is_off: true },
        SetupStep::Remove { endpoint: "we_1".to_owned(), why: "a test" },
        SetupStep::Portal { known: None },
        SetupStep::Portal { known: Some("bpc_1".to_owned()) },
    ] {
        asked.ask(&format!("{step:?}"), Box::pin(setup::carry_out(&stripe, &step, &wanted))).await;
    }
    // Its description may be older than the version that an endpoint is made for: it knows the field, and not yet that name.
    asked
        .wrong
        .retain(|wrong| !wrong.contains("'api_version' validation failed: value is not in enumeration"));
    assert!(asked.wrong.is_empty(), "of {} requests:\n{}", asked.number, asked.wrong.join("\n"));
    println!("stripe-mock took {} requests", asked.number);

    // It can refuse: a field that nobody knows.
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let wrong = client.post(format!("{}/v1/refunds", mock.base)).bearer_auth("sk_test_123");
    let wrong = wrong.header("content-type", "application/x-www-form-urlencoded").body("payment_intnet=pi_1");
    assert_eq!(wrong.send().await.expect("an answer").status(), reqwest::StatusCode::BAD_REQUEST);
}
