//! Taking over an account that another program used for years: what it left becomes ours, once, and nobody hears of it.

use std::time::Duration;

use broadside::{
    db::Engine,
    donations::{
        self,
        adopt::{self, AdoptChoice, AdoptionState},
    },
    sandbox::{ApiFault, StripeServer},
    site::Site,
};
use serde_json::{Value, json};

use crate::support::{
    Browser, Fixture, Program, TestApp, TestDb,
    app::{BEGINNING, OWNER},
    both_engines,
    database::rows,
};

const DAY: i64 = 86_400;
const MONTH: i64 = 30 * DAY;
/// So many give every month.
const SUPPORTERS: i64 = 300;
/// Each of them paid so often.
const PAID: i64 = 3;

/// An instance, and its database for a second process.
#[derive(Clone)]
struct House {
    app: TestApp,
    db: TestDb,
}

impl Fixture for House {
    async fn start(db: TestDb) -> Self {
        Self { app: TestApp::start(db.clone()).await, db }
    }

    async fn finish(self) {
        self.app.finish().await;
    }
}

/// What another program left, and what of it can be ours.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    /// Standing gifts.
    monthly: i64,
    /// Of them over.
    over: i64,
    /// Payments for them, and their sum in euro cents.
    instalments: i64,
    euros: i64,
    /// Single gifts.
    once: i64,
}

fn put(stripe: &StripeServer, object: Value) {
    stripe.put_object(object);
}

/// A charge with its money on the balance; behind a payment, or as programs made them before there were payments.
fn charge(stripe: &StripeServer, id: &str, behind: Option<&str>, amount: i64, at: i64, more: Value) {
    let transaction = format!("txn_{id}");
    put(
        stripe,
        json!({ "id": transaction, "object": "balance_transaction", "amount": amount, "net": amount, "fee": 0, "currency": "eur", "created": at }),
    );
    let mut object = json!({
        "id": id, "object": "charge", "created": at - 60, "status": "succeeded", "captured": true, "paid": true, "amount": amount,
        "amount_captured": amount, "amount_refunded": 0, "disputed": false, "currency": "eur", "payment_intent": behind,
        "customer": null, "billing_details": { "email": null, "name": null }, "receipt_email": null, "metadata": {},
        "balance_transaction": transaction,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    put(stripe, object);
}

/// So many who give every month, as real accounts have them, the gifts of others, and a shop's sales.
fn old_account(stripe: &StripeServer, supporters: i64) -> Left {
    let now = BEGINNING.unix_seconds();
    let mut left = Left::default();
    for number in 0..supporters {
        let (customer, subscription) = (format!("cus_{number}"), format!("sub_{number}"));
        // Nobody's address, somebody else's spelling of it, the same person twice, or a plain one.
        let email = match number % 25 {
            7 => Value::Null,
            8 => json!(format!(" Ann.{number}@EXAMPLE.org")),
            9 => json!(format!("ANN.{}@example.org", number - 1)),
            10 => json!("not an address"),
            _ => json!(format!("ann.{number}@example.org")),
        };
        put(
            stripe,
            json!({ "id": customer, "object": "customer", "created": now - 4 * MONTH, "email": email, "name": format!("Ann {number}"), "metadata": {} }),
        );
        let status = match number % 20 {
            11 => "canceled",
            12 => "past_due",
            13 => "trialing",
            14 => "incomplete",
            15 => "paused",
            _ => "active",
        };
        // Two of a price; two prices; and a currency that we do not understand.
        let (quantity, two, currency) =
            (1 + i64::from(number % 10 == 3), number % 10 == 4, if number == 5 { "jod" } else { "eur" });
        let item = |amount: i64| {
            json!({ "id": format!("si_{number}_{amount}"), "object": "subscription_item", "quantity": quantity,
                "price": { "id": "price_1", "object": "price", "unit_amount": amount, "currency": currency, "nickname": null,
                    "product": "prod_help", "recurring": { "interval": "month", "interval_count": 1 } } })
        };
        let items = if two { vec![item(500), item(250)] } else { vec![item(500)] };
        let each = if two { 750 } else { 500 * quantity };
        put(
            stripe,
            json!({ "id": subscription, "object": "subscription", "status": status, "customer": customer, "created": now - 4 * MONTH,
                "ended_at": if status == "canceled" { json!(now - MONTH) } else { Value::Null }, "currency": currency,
                "items": { "object": "list", "data": items, "has_more": false }, "test_clock": null, "discounts": [],
                "default_payment_method": if number % 3 == 0 { Value::Null } else { json!("pm_1") },
                "default_source": if number % 3 == 0 { json!("card_old") } else { Value::Null },
                "metadata": { "givething_id": number.to_string() } }),
        );
        if status == "incomplete" {
            continue;
        }
        left.monthly += i64::from(currency == "eur");
        left.over += i64::from(status == "canceled");
        for month in 0..PAID {
            let (invoice, payment) = (format!("in_{number}_{month}"), format!("pi_{number}_{month}"));
            let at = now - (4 - month) * MONTH;
            // A month on trial cost nothing.
            let amount = if status == "trialing" { 0 } else { each };
            put(
                stripe,
                json!({ "id": invoice, "object": "invoice", "status": "paid", "created": at, "currency": currency, "amount_paid": amount,
                    "amount_due": amount, "customer": customer, "customer_email": email, "customer_name": null, "metadata": {},
                    "billing_reason": if month == 0 { "subscription_create" } else { "subscription_cycle" },
                    "status_transitions": { "paid_at": at + 60 },
                    "parent": { "type": "subscription_details", "subscription_details": { "subscription": subscription, "metadata": {} } } }),
            );
            if amount == 0 {
                continue;
            }
            left.instalments += i64::from(currency == "eur");
            left.euros += if currency == "eur" { amount } else { 0 };
            put(
                stripe,
                json!({ "id": format!("inpay_{number}_{month}"), "object": "invoice_payment", "invoice": invoice, "status": "paid",
                    "payment": { "type": "payment_intent", "payment_intent": payment } }),
            );
            charge(
                stripe,
                &format!("ch_{number}_{month}"),
                Some(&payment),
                amount,
                at + 90,
                json!({ "customer": customer }),
            );
        }
    }
    for number in 0..40 {
        let more = match number % 4 {
            // An old program's, without a payment, which the provider's news could not be held against: it stays foreign.
            0 => json!({ "payment_intent": null, "receipt_email": format!("once.{number}@example.org") }),
            1 => {
                json!({ "billing_details": { "email": format!("ANN.{number}@example.org"), "name": "Ann" } })
            }
            2 => json!({}),
            _ => json!({ "metadata": { "shop_order": number.to_string() } }),
        };
        let payment = format!("pi_once_{number}");
        charge(stripe, &format!("ch_once_{number}"), Some(&payment), 2_000, now - number * DAY, more);
        left.once += i64::from(matches!(number % 4, 1 | 2));
    }
    // Refused, and reserved and never taken: no money.
    charge(
        stripe,
        "ch_refused",
        Some("pi_refused"),
        2_000,
        now - DAY,
        json!({ "status": "failed", "paid": false }),
    );
    charge(stripe, "ch_reserved", Some("pi_reserved"), 2_000, now - DAY, json!({ "captured": false }));
    left
}

async fn one(app: &TestApp, sql: &'static str) -> i64 {
    rows::<(i64,)>(&app.site.db, sql).await[0].0
}

/// What became ours.
async fn ours(app: &TestApp) -> Left {
    Left {
        monthly: one(app, "select count(*) from recurring_donation where adopted_at is not null").await,
        over: one(app, "select count(*) from recurring_donation where state = 'cancelled' and cancelled_at is not null").await,
        instalments: one(app, "select count(*) from donation where kind = 'instalment' and state = 'paid'").await,
        euros: one(app, "select cast(coalesce(sum(amount_minor), 0) as bigint) from donation where kind = 'instalment' and state = 'paid'").await,
        once: one(app, "select count(*) from donation where kind = 'once' and state = 'paid'").await,
    }
}

async fn state(site: &Site) -> AdoptionState {
    adopt::standing(&site.db).await.expect("a read").expect("one was begun").state
}

/// Everything that was given, and nothing that was sold.
async fn gifts(site: &Site) -> AdoptChoice {
    let sums = adopt::sums(&site.db).await.expect("sums");
    let given = sums.bundles.iter().filter(|bundle| !bundle.marks.contains("shop"));
    AdoptChoice::Bundles(given.map(|bundle| bundle.name.clone()).collect())
}

async fn go_on(app: &TestApp) {
    adopt::go_on(&app.site, app.payments.provider.as_ref()).await.expect("a round");
}

/// Goes on with it until it is where it stands by itself, killed again and again a little later each time.
async fn go_on_killed(app: &TestApp, db: &TestDb) -> usize {
    let mut kills = 0;
    for steps in (1..).map(|number: usize| number * number * 40) {
        let running = tokio::spawn({
            let (site, provider) =
                (Site { db: db.open_again().await, ..app.site.clone() }, app.payments.provider.clone());
            async move { adopt::go_on(&site, provider.as_ref()).await }
        });
        for _ in 0..steps {
            if running.is_finished() {
                break;
            }
            tokio::task::yield_now().await;
        }
        running.abort();
        let killed = running.await.is_err();
        // Whoever was killed leaves a claim, which runs out.
        app.advance(Duration::from_secs(301));
        if !matches!(state(&app.site).await, AdoptionState::Looking | AdoptionState::Taking) {
            return kills;
        }
        kills += usize::from(killed);
    }
    unreachable!("it comes to an end")
}

async fn balances(app: &TestApp) {
    let audit = donations::audit_money(&app.site.db).await.expect("an audit");
    assert!(audit.balances(), "{:?}", audit.problems);
}

async fn nobody_heard_of_it(app: &TestApp) {
    assert_eq!(one(app, "select count(*) from notice").await, 0, "letters");
    assert_eq!(one(app, "select count(*) from receipt").await, 0, "receipts");
    assert_eq!(app.sandbox.stripe().charges().len(), 0, "charges");
}

both_engines! {
    /// TRUST D7, L2, T4: a treasurer with three hundred monthly supporters says yes on the first day. Everything that was given is ours
    /// and booked at its own time, nobody is charged, mailed or receipted, and a second time changes nothing.
    async fn an_old_account_becomes_ours_and_nobody_hears_of_it(app: TestApp) {
        // A third on PostgreSQL, where each statement of a debug build costs ten times as much.
        let supporters = if app.site.db.engine() == Engine::Sqlite { SUPPORTERS } else { SUPPORTERS / 3 };
        let left = old_account(app.sandbox.stripe(), supporters);
        adopt::begin(&app.site, None, 5).await.expect("begun");
        go_on(&app).await;
        assert_eq!(state(&app.site).await, AdoptionState::Ready);
        assert_eq!(ours(&app).await.monthly, 0, "looking writes nothing of ours");
        let sums = adopt::sums(&app.site.db).await.expect("sums");
        assert_eq!(sums.running(), left.monthly - left.over + 1, "the one in dinars, too");

        adopt::take(&app.site, &gifts(&app.site).await, None).await.expect("taken");
        go_on(&app).await;
        assert_eq!(state(&app.site).await, AdoptionState::Done, "{:?}", adopt::standing(&app.site.db).await);
        assert_eq!(ours(&app).await, left);
        nobody_heard_of_it(&app).await;
        balances(&app).await;
        let dated = "select count(*) from donation where state = 'paid' and (paid_at > 1772528400000000 or adopted_at is null)";
        assert_eq!(one(&app, dated).await, 0, "paid when it was paid");
        let people = one(&app, "select count(*) from donor").await;
        let spelt = one(&app, "select count(*) from donor where email_key <> lower(email_key)").await;
        assert!(people < supporters + 40 && spelt == 0, "{people} people, {spelt} spellings");
        let shop = one(&app, "select count(*) from old_object where fate = 'foreign'").await;
        assert_eq!(shop, 10, "a shop's sales stay a shop's");
        let refused = one(&app, "select count(*) from old_object where fate = 'refused'").await;
        assert_eq!(refused, 1 + PAID + 10, "the one in dinars, and what has no payment");
        let kept = one(&app, "select count(*) from old_object where email <> '' or name <> ''").await;
        assert_eq!(kept, 0, "what is decided names nobody");

        adopt::begin(&app.site, None, 5).await.expect("begun again");
        go_on(&app).await;
        adopt::take(&app.site, &gifts(&app.site).await, None).await.expect("taken again");
        go_on(&app).await;
        assert_eq!(ours(&app).await, left, "the second time changes nothing");
        nobody_heard_of_it(&app).await;
        balances(&app).await;
    }

    /// TRUST D1, D7: killed again and again, while it looks and while it takes, it goes on where it was and takes nothing twice.
    async fn killed_anywhere_it_goes_on(house: House) {
        let (app, db) = (house.app, house.db);
        let left = old_account(app.sandbox.stripe(), 60);
        adopt::begin(&app.site, None, 5).await.expect("begun");
        let looking = go_on_killed(&app, &db).await;
        adopt::take(&app.site, &gifts(&app.site).await, None).await.expect("taken");
        let taking = go_on_killed(&app, &db).await;
        assert!(looking > 2 && taking > 2, "killed {looking} and {taking} times");
        assert_eq!(ours(&app).await, left);
        nobody_heard_of_it(&app).await;
        balances(&app).await;
    }

    /// What happens to what was taken over is told by the provider's own names of it: the next month is booked, thanked for and shown,
    /// what was paid while somebody looked at the sums is not lost, and old news change nothing.
    async fn what_was_taken_over_goes_on(app: TestApp) {
        let stripe = app.sandbox.stripe();
        old_account(stripe, 60);
        adopt::begin(&app.site, None, 5).await.expect("begun");
        go_on(&app).await;
        stripe.renew("sub_1").expect("a month");
        app.hear_the_provider().await;
        adopt::take(&app.site, &gifts(&app.site).await, None).await.expect("taken");
        go_on(&app).await;
        let months = "select count(*) from donation d join recurring_donation r on r.id = d.recurring_donation_id
            where r.provider_subscription_id = 'sub_1' and d.state = 'paid'";
        assert_eq!(one(&app, months).await, PAID + 1, "paid while somebody looked");
        assert_eq!(one(&app, "select count(*) from receipt").await, 0);

        stripe.renew("sub_1").expect("another month");
        app.hear_the_provider().await;
        assert_eq!(one(&app, months).await, PAID + 2);
        assert_eq!(one(&app, "select count(*) from receipt").await, 1, "this one is ours");
        assert_eq!(one(&app, "select count(*) from notice where template = 'receipt'").await, 1);
        balances(&app).await;
        app.drain().await;
    }

    /// TRUST T4, L2: what went back of it long ago, and what it cost, is booked with it; what was booked as another program's before is ours, and
    /// not twice; nobody is written to about any of it.
    async fn what_it_cost_and_what_went_back_long_ago_is_booked_once(app: TestApp) {
        let stripe = app.sandbox.stripe();
        let then = app.site.now().minus(Duration::from_secs(60 * 86_400));
        stripe.add_old_payment(Some("ann@example.org"), 1_500, "eur", then).expect("a payment of then");
        let charge = stripe.charges().last().expect("a charge").charge.clone();
        stripe.refund(&charge, Some(500)).expect("a refund");
        // Paid out before it is ours: it stands in the book as money of others.
        app.advance(Duration::from_secs(10 * 86_400));
        let payout = stripe.pay_out("eur").expect("a payout").expect("there is something");
        stripe.payout_arrives(&payout).expect("it arrives");
        app.hear_the_provider().await;
        let provider = app.payments.provider.as_ref();
        donations::settle_waiting(&app.site, provider).await.expect("settled");
        let others = "select cast(coalesce(sum(amount_minor), 0) as bigint) from ledger_entry where account = 'others'";
        assert!(one(&app, others).await < 0, "it is money of others");
        balances(&app).await;

        adopt::begin(&app.site, None, 5).await.expect("begun");
        go_on(&app).await;
        adopt::take(&app.site, &AdoptChoice::All, None).await.expect("taken");
        go_on(&app).await;
        assert_eq!(state(&app.site).await, AdoptionState::Done, "{:?}", adopt::standing(&app.site.db).await);
        let totals = donations::totals(&app.site.db).await.expect("a read");
        assert_eq!(totals.iter().map(|total| (total.number, total.minor)).collect::<Vec<_>>(), [(1, 1_000)]);
        assert_eq!(one(&app, others).await, 0, "nothing of it is money of others any more");
        let held = "select cast(coalesce(sum(amount_minor), 0) as bigint) from ledger_entry where account = 'provider:stripe'";
        assert_eq!(one(&app, held).await, stripe.book().balances["eur"].balance, "what the provider holds");
        assert_eq!(one(&app, "select count(*) from notice where template in ('receipt', 'gift_returned', 'money_news')").await, 0);
        balances(&app).await;

        app.advance(Duration::from_secs(7_200));
        let span = (then.minus(Duration::from_secs(86_400)), app.site.now());
        let found = donations::reconcile(&app.site, provider, span, false).await.expect("a comparison");
        assert!(found.is_equal(), "{found:?}");
    }

    /// A provider that asks for patience is given it, and it goes on where it was.
    async fn a_busy_provider_is_waited_for(app: TestApp) {
        let left = old_account(app.sandbox.stripe(), 60);
        adopt::begin(&app.site, None, 5).await.expect("begun");
        app.sandbox.stripe().plan_request(Some("/v1/invoices"), ApiFault::Refuse(429), Some(6));
        go_on(&app).await;
        let waits = adopt::standing(&app.site.db).await.expect("a read").expect("one");
        assert!(waits.state == AdoptionState::Looking && waits.last_error.is_some(), "{waits:?}");
        for _ in 0..3 {
            app.advance(Duration::from_secs(601));
            go_on(&app).await;
        }
        assert_eq!(state(&app.site).await, AdoptionState::Ready);
        adopt::take(&app.site, &gifts(&app.site).await, None).await.expect("taken");
        go_on(&app).await;
        assert_eq!(ours(&app).await, left);
    }

    /// By the command, with nothing but what it prints to go by.
    async fn the_command_shows_first_and_takes_over_then(app: TestApp) {
        let left = old_account(app.sandbox.stripe(), 60);
        let api = format!("http://{}", app.sandbox.http_addr());
        let settings = [
            ("STRIPE_SECRET_KEY", "sk_test_of_a_test"),
            ("STRIPE_WEBHOOK_SECRET", "whsec_of_a_test"),
            ("STRIPE_API_BASE", api.as_str()),
        ];
        let run = |more: &[&str]| {
            let arguments = [&["payments", "adopt"], more].concat();
            Program::run_by(&app, "exec \"$0\" \"$@\"", &arguments, &settings)
        };
        let shown = run(&["--dry-run", "--take", "all", "--json"]);
        let said: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
        assert_eq!(said["state"], "ready", "{shown:?}");
        assert_eq!(ours(&app).await.monthly, 0);
        let bundles = said["bundles"].as_array().expect("bundles");
        let given: Vec<&str> = bundles
            .iter()
            .filter(|bundle| !bundle["marks"].as_str().unwrap_or_default().contains("shop"))
            .filter_map(|bundle| bundle["name"].as_str())
            .collect();
        let taken = run(&["--take", &given.join(",")]);
        let said = String::from_utf8_lossy(&taken.stdout);
        assert!(said.contains("Done."), "{said}");
        assert_eq!(taken.status.code(), Some(1), "something could not be taken over, and it says so");
        assert_eq!(ours(&app).await, left);
        nobody_heard_of_it(&app).await;
    }
}

/// The page, in a browser: look, see sums, choose, and see what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_treasurer_takes_an_account_over_at_the_desk() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    old_account(app.sandbox.stripe(), 60);
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/donations/adopt")).await;
    browser.sound("adopt-begin").await;
    browser.click("Look").await;
    browser.wait_for_text("You can close this page").await;
    go_on(&app).await;
    browser.goto(&app.url("/desk/donations/adopt")).await;
    browser.wait_for_text("Nothing is written yet").await;
    browser.sound("adopt-sums").await;
    browser
        .script("for (const box of document.querySelectorAll('input[name=bundle]')) box.checked = false")
        .await;
    browser.click("Take over what is ticked").await;
    browser.wait_for_text("Nothing is ticked, so nothing was taken over").await;
    browser.click("Take over what is ticked").await;
    browser.wait_for_text("You can close this page").await;
    go_on(&app).await;
    browser.goto(&app.url("/desk/donations/adopt")).await;
    browser.wait_for_text("It is done").await;
    browser.sound("adopt-done").await;
    assert!(ours(&app).await.monthly > 40);
    browser.close().await;
    app.finish().await;
}
