//! A supporter's own page, by a link to their mailbox: what they gave, what they change, the way out; and letters about renewals.

use std::{collections::BTreeSet, time::Duration};

use broadside::{
    db::Engine,
    donations::{self, RecurringState},
    dossier::{self, AtAddress},
    email_address::EmailAddress,
    origin,
    payments::{Stripe, StripeSettings},
    restored::{self, Replayed},
    sandbox::ApiFault,
    subscribers::{self, Subscriber},
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    between::broken_off,
    both_engines,
    database::{change, rows},
    visitor::Page,
};

const SUPPORTER: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

/// A monthly gift, its page, and the subscription.
async fn monthly(app: &TestApp) -> (String, String) {
    app.give(SUPPORTER, "15", "month").await;
    let subscription = app.sandbox.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
    (app.last_mail(SUPPORTER).link("/supporter/"), subscription)
}

/// The page of the supporter by the link that they asked for.
async fn asked_for(app: &TestApp) -> String {
    let visitor = app.visitor();
    let form = visitor.open("/supporter").await.form("/supporter").with("email", SUPPORTER);
    visitor.submit(&form).await;
    app.drain().await;
    app.last_mail(SUPPORTER).link("/supporter/")
}

/// The regular gifts of a page, in the order in which they stand there.
fn gifts_on(page: &Page) -> Vec<String> {
    page.body
        .split("id=\"gift-")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

async fn reader(app: &TestApp, email: &str) -> Subscriber {
    subscribers::by_email(&app.site.db, &address(email)).await.expect("a read").expect("a reader")
}

/// What a reader sees who asks for all that is held, by the link to their choices that stands in every edition.
async fn held(app: &TestApp, reader: &Subscriber) -> Page {
    let path = subscribers::choices_path(&app.site, &reader.public_id);
    let token = path.rsplit('/').next().expect("an end");
    dossier::ask(&app.site, token, dossier::Asks::Copy).await.expect("asked");
    app.drain().await;
    app.visitor().open(&app.last_mail(reader.email.as_str()).link("/your-data/")).await
}

/// Everything that the supporter gave goes to another address, by their own page and a press in the new mailbox.
async fn gives_from(app: &TestApp, new: &str) {
    let fresh = asked_for(app).await;
    press(app, &fresh, "address", &[("address", new)]).await.says("A link is on its way to the new address");
    app.drain().await;
    let visitor = app.visitor();
    let open = visitor.open(&app.last_mail(new).link("/gift-address/")).await;
    visitor.submit_and_follow(&open.form("/gift-address/")).await;
    app.drain().await;
}

/// The address that the payment service has of a customer.
fn address_of(app: &TestApp, customer: &str) -> String {
    app.sandbox.stripe().object(customer).expect("a customer")["email"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// How each reader stands who is known as a supporter, or as none.
async fn states(app: &TestApp) -> Vec<(String, String)> {
    let states =
        "select r.email, s.state from donor_state s join subscriber r on r.id = subscriber_id order by r.id";
    rows(&app.site.db, states).await
}

/// Presses a button of the page, with what is typed: of the first regular gift, where it is about one, or of `gift`.
async fn press(app: &TestApp, page: &str, button: &str, typed: &[(&str, &str)]) -> Page {
    const OF_A_GIFT: [&str; 7] =
        ["amount", "every", "date", "until", "seen_amount", "seen_every", "seen_date"];
    let visitor = app.visitor();
    let open = visitor.open(page).await;
    let is_giving = page.contains("/giving/");
    let named = typed.iter().find(|(name, _)| *name == "gift").map(|(_, gift)| (*gift).to_owned());
    let gift = named.or_else(|| gifts_on(&open).first().cloned()).unwrap_or_default();
    let of_a_gift = !is_giving
        && ["amount", "every", "date", "rest", "go-on", "keep-on", "card", "receipt"].contains(&button);
    let button = if of_a_gift { format!("{button} {gift}") } else { button.to_owned() };
    let mut form = open.form(if is_giving { "/giving/" } else { "/supporter/" }).with("press", &button);
    for (name, value) in typed.iter().filter(|(name, _)| *name != "gift") {
        let of_gift = format!("gift-{gift}-{name}");
        form = form.with(if OF_A_GIFT.contains(name) { &of_gift } else { name }, value);
    }
    visitor.submit_and_follow(&form).await
}

async fn pass(app: &TestApp, span: Duration) {
    app.advance(span);
    donations::resume_calls(&app.site, app.payments.provider.as_ref()).await.expect("a round");
    donations::remind(&app.site, app.payments.provider.as_ref()).await.expect("a round");
    app.drain().await;
}

async fn state(app: &TestApp) -> RecurringState {
    let all: Vec<(RecurringState,)> = rows(&app.site.db, "select state from recurring_donation").await;
    all[0].0
}

fn letters(app: &TestApp, subject: &str) -> usize {
    app.mails(SUPPORTER).iter().filter(|mail| mail.subject.contains(subject)).count()
}

both_engines! {
    /// TRUST D6, A27, L11: everything that the page offers, done once each; the provider has what the page says.
    async fn a_supporter_sees_and_changes_everything_by_a_link(app: TestApp) {
        let (receipt, subscription) = monthly(&app).await;
        let stripe = app.sandbox.stripe();
        // Mail is handed on: by the link of a receipt nothing more is taken, and a fresh link is mailed.
        press(&app, &receipt, "amount", &[("amount", "20")]).await.says("Nothing was changed yet").says("€15.00 every month");
        app.drain().await;
        let fresh = app.last_mail(SUPPORTER).link("/supporter/");
        let page = fresh.split('?').next().expect("an address").to_owned();
        assert_ne!(page, receipt);
        let is = stripe.object(&subscription).expect("it is there");
        assert_eq!(is["items"]["data"][0]["price"]["unit_amount"], 1_500, "{is}");
        app.visitor().open(&page).await.says("€15.00 every month").says("The next payment is on").says("a***@example.org");

        press(&app, &page, "amount", &[("amount", "-3")]).await.says("€15.00 every month");
        press(&app, &page, "amount", &[("amount", "20")]).await.says("€20.00 every month").says("Done.");
        let is = stripe.object(&subscription).expect("it is there");
        assert_eq!(is["items"]["data"][0]["price"]["unit_amount"], 2_000, "{is}");
        press(&app, &page, "every", &[("every", "1-year")]).await.says("€20.00 every year");
        press(&app, &page, "every", &[("every", "1-month")]).await.says("€20.00 every month");
        let day = app.site.now().plus(40 * DAY).day(&broadside::clock::Zone::UTC);
        press(&app, &page, "date", &[("date", "2020-01-01")]).await.says("Choose a day");
        press(&app, &page, "date", &[("date", &day)]).await.says("Done.");
        // A rest that is offered leaves out one payment at least.
        let zone = broadside::clock::Zone::UTC;
        let a_month = zone.months_after(app.site.now().plus(40 * DAY), 1).date(&zone);
        let offered = app.visitor().open(&page).await;
        assert!(offered.body.contains(&format!("A month, until {a_month}")), "{}", offered.body);
        let rest = app.site.now().plus(60 * DAY).day(&broadside::clock::Zone::UTC);
        let rests = press(&app, &page, "rest", &[("until", &rest)]).await;
        rests.says("It rests until");
        assert!(!rests.whole().contains("The next payment is on"), "{}", rests.whole());
        assert!(!stripe.object(&subscription).expect("it is there")["pause_collection"].is_null());
        press(&app, &page, "go-on", &[]).await.says("The next payment is on");
        assert!(stripe.object(&subscription).expect("it is there")["pause_collection"].is_null());
        press(&app, &page, "name", &[("name", "Ann Lamp")]).await.says("Saved.");
        press(&app, &page, "name", &[("name", "")]).await.says("Nothing was changed: please type the name");
        let greeted: Vec<(String,)> = rows(&app.site.db, "select name from donor").await;
        assert_eq!(greeted, [("Ann Lamp".to_owned(),)]);
        assert_eq!(press(&app, &page, "every", &[("every", "1-day")]).await.status, StatusCode::BAD_REQUEST);
        app.drain().await;
        assert_eq!(letters(&app, "was changed"), 6, "one for each change");

        let (gift,): (String,) = rows(&app.site.db, "select public_id from donation").await.remove(0);
        press(&app, &page, "receipt", &[("gift", &gift)]).await.says("The receipt is on its way");
        press(&app, &page, "receipt", &[("gift", "somebodyelsesgift000")]).await.says("not there any more");
        press(&app, &page, "statement", &[("from", "2020-01-01"), ("to", "2029-12-31")]).await.says("The statement is on its way");
        press(&app, &page, "statement", &[("from", "2029-01-01"), ("to", "2020-12-31")]).await.says("Choose the first day");
        app.drain().await;
        assert_eq!((letters(&app, "your receipt"), letters(&app, "What you gave")), (2, 1));
        let statement = app.visitor().open(&format!("{page}/statement?from=2020-01-01&to=2029-12-31")).await;
        statement.says("In all: €15.00");
        app.visitor().open(&format!("{page}/statement?from=x&to=")).await.says("Choose the first day");

        press(&app, &page, "card", &[]).await.says("Go on to the payment service");
        // Something that no button of ours sends changes nothing.
        assert_eq!(press(&app, &page, "refund", &[]).await.status, StatusCode::BAD_REQUEST);
        app.leaves_work();
    }

    /// What was typed where a link could not do it is filled in behind the fresh one, and what was typed beside another button stays.
    async fn what_was_typed_is_not_lost_by_a_link_or_another_button(app: TestApp) {
        let (receipt, subscription) = monthly(&app).await;
        let has = |page: &Page, value: &str| assert!(page.body.contains(&format!("value=\"{value}\"")), "{value}: {}", page.body);
        press(&app, &receipt, "amount", &[("amount", "21,50")]).await.says("What you typed here is filled in there");
        app.drain().await;
        let fresh = app.last_mail(SUPPORTER).link("/supporter/");
        let page = app.visitor().open(&fresh).await;
        page.says("€15.00 every month").says("filled in below and not saved");
        has(&page, "21,50");
        // By the form as it stands there, with nothing typed anew.
        let visitor = app.visitor();
        let stands = visitor.open(&fresh).await;
        let gift = gifts_on(&stands).remove(0);
        let form = stands.form("/supporter/").with("press", &format!("amount {gift}"));
        visitor.submit_and_follow(&form).await.says("€21.50 every month").says("Done.");
        let is = app.sandbox.stripe().object(&subscription).expect("it is there");
        assert_eq!(is["items"]["data"][0]["price"]["unit_amount"], 2_150, "{is}");
        // Opened once more, that is so, however it was written.
        assert!(!app.visitor().open(&fresh).await.whole().contains("below and not saved"), "it is");

        let bare = fresh.split('?').next().expect("an address").to_owned();
        let day = app.site.now().plus(40 * DAY).day(&broadside::clock::Zone::UTC);
        let changed = press(&app, &bare, "date", &[("date", &day), ("amount", "30")]).await;
        changed.says("Done.").says("€21.50 every month").says("filled in below and not saved");
        has(&changed, "30");
        // Return presses the first button of the form, and means what was typed.
        let sooner = app.site.now().plus(20 * DAY).day(&broadside::clock::Zone::UTC);
        press(&app, &bare, "typed", &[("date", &sooner)]).await.says("Done.").says("€21.50 every month");
        // Of two things it means none: one may have been filled in by the link, and so by whoever had one before.
        let (later, filled) = (app.site.now().plus(30 * DAY).day(&broadside::clock::Zone::UTC), format!("{bare}?gift-{gift}-amount=500"));
        let asked = press(&app, &filled, "typed", &[("date", &later)]).await;
        asked.says("press the button under what you want to change").says("€21.50 every month");
        has(&asked, "500");
        has(&asked, &later);
        press(&app, &bare, "typed", &[]).await.says("press the button under what you want to change");
        app.drain().await;
        assert_eq!(letters(&app, "was changed"), 3);
        // Whoever presses a button without having changed what stands above it changes nothing, and no letter says that they did.
        let unchanged = press(&app, &bare, "date", &[("amount", "500")]).await;
        unchanged.says("on that day already").says("€21.50 every month");
        has(&unchanged, "500");
        press(&app, &bare, "date", &[("date", "")]).await.says("choose a day first");
        press(&app, &bare, "amount", &[]).await.says("You give that already");
        press(&app, &bare, "every", &[]).await.says("You give that often already");
        press(&app, &bare, "go-on", &[]).await.says("It goes on already");
        app.drain().await;
        assert_eq!(letters(&app, "was changed"), 3);
        assert!(app.sandbox.stripe().object(&subscription).expect("it is there")["items"]["data"][0]["price"]["unit_amount"] == 2_150);

        press(&app, &bare, "named", &[("name", "Ann Lamp"), ("seen_name", "")]).await.says("We may name you from now on");
        let named: Vec<(String, bool)> = rows(&app.site.db, "select name, named_since is not null from donor").await;
        assert_eq!(named, [("Ann Lamp".to_owned(), true)]);
        let wrong = press(&app, &bare, "statement", &[("from", "2029-01-01"), ("to", "2020-12-31")]).await;
        has(&wrong, "2029-01-01");

        app.advance(31 * DAY);
        press(&app, &receipt, "amount", &[("gift", &gift), ("amount", "22"), ("seen_amount", "15"), ("name", "Mallory")]).await.says("This link has run out");
        app.drain().await;
        let link = app.last_mail(SUPPORTER).link("/supporter/");
        assert!(link.contains("amount=22") && !link.contains("Mallory"), "of a gift alone: {link}");
        app.leaves_work();
    }

    /// Typed above one button and not lost by another's: of another gift, of the receipts, of the name.
    async fn what_was_typed_in_one_card_outlives_the_button_of_another(app: TestApp) {
        monthly(&app).await;
        app.give(SUPPORTER, "9", "month").await;
        let page = asked_for(&app).await;
        let open = app.visitor().open(&page).await;
        let [newer, older] = gifts_on(&open).try_into().expect("two regular gifts");
        let (receipt,): (String,) = rows(&app.site.db, "select public_id from donation").await.remove(0);
        let rests = app.site.now().plus(50 * DAY).day(&broadside::clock::Zone::UTC);
        for button in [format!("rest {newer}"), format!("receipt {receipt}"), "named".to_owned(), "show".to_owned()] {
            let visitor = app.visitor();
            let form = visitor.open(&page).await.form("/supporter/").with("press", &button);
            let form = form.with(&format!("gift-{newer}-until"), &rests).with(&format!("gift-{older}-amount"), "11.11");
            let form = if button == "named" { form } else { form.with("name", "Ann Lamp") };
            let came = visitor.submit_and_follow(&form).await;
            if button == "show" {
                came.says("In all:");
                continue;
            }
            for typed in ["11.11", "Ann Lamp"] {
                let is_typed = came.body.contains(&format!("value=\"{typed}\""));
                assert_eq!(is_typed, button != "named" || typed != "Ann Lamp", "{button} {typed}: {}", came.body);
            }
            came.says("€15.00 every month").says("filled in below and not saved");
        }
        app.drain().await;
        assert_eq!(letters(&app, "was changed"), 1, "the rest");
        app.leaves_work();
    }

    /// TRUST A22: whose gifts are over, or were single, has another address: by the link that they asked for, a press in the new mailbox, and a
    /// word to the old one. Everything goes along, and the links of before open nothing more.
    async fn a_supporter_has_another_address(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        app.reader(SUPPORTER).await;
        app.give(SUPPORTER, "15", "once").await;
        let receipt = app.last_mail(SUPPORTER).link("/supporter/");
        press(&app, &receipt, "address", &[("address", NEW)]).await.says("by a fresh link alone");
        app.drain().await;
        let fresh = app.last_mail(SUPPORTER).link("/supporter/");
        assert!(app.mails(NEW).is_empty() && !fresh.contains("other"), "what was typed by whoever had a receipt goes nowhere: {fresh}");
        press(&app, &fresh, "address", &[("address", "ann at home")]).await.says("Nothing was changed");
        press(&app, &fresh, "address", &[("address", SUPPORTER)]).await.says("your letters go there already");
        press(&app, &fresh, "address", &[("address", NEW)]).await.says("A link is on its way to the new address");
        app.drain().await;
        let asked = app.last_mail(NEW);
        assert!(asked.subject.contains("Is this the address") && !asked.text.contains(SUPPORTER), "{}", asked.text);
        let link = asked.link("/gift-address/");
        assert!(!link.contains("other"), "the address stands in no link: {link}");
        let open = app.visitor().open(&link).await;
        open.says("Is this address yours?");
        app.visitor().open(&fresh).await.says("a***@example.org");
        let theirs = app.visitor().submit_and_follow(&open.form("/gift-address/")).await;
        theirs.says("€15.00").says("a***@other.example");
        app.drain().await;
        let told = app.last_mail(SUPPORTER);
        assert!(told.text.contains("go to another address") && !told.text.contains(NEW), "{}", told.text);
        for old in [&receipt, &fresh] {
            assert_eq!(app.visitor().open(old).await.status, StatusCode::GONE);
        }
        // Pressed again it says so, and leads nowhere by itself.
        app.visitor().submit_and_follow(&open.form("/gift-address/")).await.says("Letters come here");
        let held: Vec<(String, String)> = rows(&app.site.db, "select d.email, g.email from donor d join donation g on g.donor_id = d.id").await;
        assert_eq!(held, [(NEW.to_owned(), NEW.to_owned())]);
        // They read under the old address all the same, where nothing is known of these gifts any more.
        assert_eq!(states(&app).await, [(SUPPORTER.to_owned(), "never".to_owned())]);
        let desk = app.desk().await;
        assert!(desk.open("/desk/donations?q=lamp").await.body.contains("€15.00"), "found by the new one");
        assert!(!desk.open("/desk/donations?q=ann@example.org").await.body.contains("€15.00"));
        let audit = donations::audit_money(&app.site.db).await.expect("an audit");
        assert!(audit.balances(), "{:?}", audit.problems);

        // Two supporters are never made one.
        app.give("bea@example.org", "5", "once").await;
        let visitor = app.visitor();
        let form = visitor.open("/supporter").await.form("/supporter").with("email", "bea@example.org");
        visitor.submit(&form).await;
        app.drain().await;
        let bea = app.last_mail("bea@example.org").link("/supporter/");
        press(&app, &bea, "address", &[("address", NEW)]).await.says("A link is on its way to the new address");
        app.drain().await;
        let link = app.last_mail(NEW).link("/gift-address/");
        let known = app.visitor().open(&link).await;
        known.says("We know this address already");
        assert!(!known.body.contains("Yes, it is mine"));
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from donor").await, [(2,)]);
        app.leaves_work();
    }

    /// TRUST A22: whoever gives regularly changes their address the same way, and the payment service has it, too. What they give goes on,
    /// nobody is asked twice, and the old mailbox keeps the way to end it and nothing else.
    async fn who_gives_regularly_has_another_address(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        let (_, subscription) = monthly(&app).await;
        let stop = app.last_mail(SUPPORTER).link("/giving/");
        app.give(SUPPORTER, "7", "once").await;
        let customer = app.sandbox.stripe().customer_of(&subscription).expect("a customer");
        let there = || address_of(&app, &customer);
        let fresh = asked_for(&app).await;
        press(&app, &fresh, "address", &[("address", NEW)]).await.says("A link is on its way to the new address");
        app.drain().await;
        assert_eq!(there(), SUPPORTER);
        let visitor = app.visitor();
        let open = visitor.open(&app.last_mail(NEW).link("/gift-address/")).await;
        open.says("What you give regularly goes on as it is");
        let theirs = visitor.submit_and_follow(&open.form("/gift-address/")).await;
        theirs.says("€15.00").says("€7.00").says("a***@other.example");
        assert_eq!(there(), NEW);
        app.hear_the_provider().await;
        app.drain().await;
        assert_eq!(app.mails(NEW).len(), 1, "nobody is asked once more");
        assert!(app.last_mail(SUPPORTER).text.contains("go to another address"));
        assert_eq!(app.visitor().open(&fresh).await.status, StatusCode::GONE);
        let shown = app.visitor().open(&stop).await;
        assert!(!shown.whole().contains("other.example"), "{}", shown.whole());

        let before = app.mails(SUPPORTER).len();
        app.sandbox.stripe().renew(&subscription).expect("another month");
        app.hear_the_provider().await;
        app.drain().await;
        assert!(app.last_mail(NEW).subject.contains("your receipt"), "{}", app.last_mail(NEW).subject);
        assert_eq!(app.mails(SUPPORTER).len(), before);
        let held: Vec<(String, String)> = rows(&app.site.db, "select d.email, r.email from donor d join recurring_donation r on r.donor_id = d.id").await;
        assert_eq!(held, [(NEW.to_owned(), NEW.to_owned())]);
        let audit = donations::audit_money(&app.site.db).await.expect("an audit");
        assert!(audit.balances(), "{:?}", audit.problems);
    }

    /// TRUST A22: what the payment service does not take is changed nowhere, whichever of several gifts it is about, and the page says so. What
    /// did not get through is done by the next press.
    async fn an_address_that_the_payment_service_does_not_take_is_changed_nowhere(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        monthly(&app).await;
        app.give(SUPPORTER, "20", "month").await;
        let stripe = app.sandbox.stripe();
        let all = stripe.subscriptions();
        let mut customers: Vec<String> =
            all.iter().map(|own| own["customer"].as_str().expect("a customer").to_owned()).collect();
        customers.sort();
        assert_eq!(customers.len(), 2);
        let there = || customers.iter().map(|customer| address_of(&app, customer)).collect::<Vec<_>>();
        let fresh = asked_for(&app).await;
        press(&app, &fresh, "address", &[("address", NEW)]).await.says("A link is on its way to the new address");
        app.drain().await;
        let link = app.last_mail(NEW).link("/gift-address/");
        let press_there = async || {
            let visitor = app.visitor();
            let open = visitor.open(&link).await;
            let came = visitor.submit_and_follow(&open.form("/gift-address/")).await;
            app.hear_the_provider().await;
            app.drain().await;
            came
        };
        let faults = [
            (ApiFault::Refuse(400), StatusCode::UNPROCESSABLE_ENTITY, "the payment service does not take this address"),
            (ApiFault::TooMany(600), StatusCode::SERVICE_UNAVAILABLE, "Try again in a few minutes"),
        ];
        for (fault, status, words) in faults {
            stripe.plan_request(Some(&format!("/v1/customers/{}", customers[1])), fault, Some(1));
            let came = press_there().await;
            assert_eq!(came.status, status);
            came.says("Nothing was changed").says(words);
            assert_eq!(there(), [SUPPORTER, SUPPORTER]);
            assert_eq!(app.mails(NEW).len(), 1, "nobody is asked what they said");
            app.visitor().open(&fresh).await.says("a***@example.org");
        }
        // It was done, and nobody heard of it; nor could it be taken back. Whoever reads there is asked, as about any address.
        let first = format!("/v1/customers/{}", customers[0]);
        stripe.plan_request(Some(&first), ApiFault::LoseReply, Some(3));
        stripe.plan_request(Some(&first), ApiFault::TooMany(600), Some(1));
        press_there().await.says("Nothing was changed");
        assert_eq!(there(), [NEW, SUPPORTER]);
        assert_eq!(app.mails(NEW).len(), 2);
        press_there().await.says("€20.00");
        assert_eq!(there(), [NEW, NEW]);
        app.visitor().open(&app.last_mail(NEW).link("/gift-address/")).await.says("Letters come here");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from donor").await, [(1,)]);
    }

    /// TRUST D6, A22: wherever it is broken off, nothing is changed or all of it is once the button is pressed again; and the payment service's
    /// news of it ask nobody meanwhile.
    async fn a_new_address_of_who_gives_regularly_is_broken_off_anywhere(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        let (_, subscription) = monthly(&app).await;
        let customer = app.sandbox.stripe().customer_of(&subscription).expect("a customer");
        let fresh = asked_for(&app).await;
        press(&app, &fresh, "address", &[("address", NEW)]).await.says("A link is on its way to the new address");
        app.drain().await;
        let link = app.last_mail(NEW).link("/gift-address/");
        let token = link.rsplit('/').next().expect("an end");
        let (mut after, mut seen) = (1, BTreeSet::new());
        loop {
            let take = donations::take_new_address(&app.site, Some(app.payments.provider.as_ref()), token);
            let taken = broken_off(take, after).await;
            app.hear_the_provider().await;
            app.drain().await;
            assert_eq!(app.mails(NEW).len(), 1, "after {after}");
            if let Some(taken) = taken {
                taken.expect("it is taken");
                break;
            }
            seen.insert(address_of(&app, &customer));
            let ours: Vec<(String,)> = rows(&app.site.db, "select email from donor").await;
            if ours[0].0 == NEW {
                break;
            }
            after += 1 + after / 4;
        }
        assert!(seen.contains(SUPPORTER), "{seen:?}");
        assert_eq!(address_of(&app, &customer), NEW);
        app.advance(Duration::from_secs(3_600));
        app.hear_the_provider().await;
        app.drain().await;
        assert_eq!(app.mails(NEW).len(), 1);
        app.visitor().open(&link).await.says("Letters come here");
        assert_eq!(rows::<(String,)>(&app.site.db, "select email from recurring_donation").await, [(NEW.to_owned(),)]);
    }

    /// TRUST A22, D1: the button is pressed twice at once, and the payment service keeps the new address.
    async fn a_new_address_that_is_taken_twice_at_once_stays(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        let (_, subscription) = monthly(&app).await;
        let customer = app.sandbox.stripe().customer_of(&subscription).expect("a customer");
        let fresh = asked_for(&app).await;
        press(&app, &fresh, "address", &[("address", NEW)]).await.says("A link is on its way to the new address");
        app.drain().await;
        let link = app.last_mail(NEW).link("/gift-address/");
        let token = link.rsplit('/').next().expect("an end");
        let take = || donations::take_new_address(&app.site, Some(app.payments.provider.as_ref()), token);
        let (one, other) = tokio::join!(take(), take());
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        app.hear_the_provider().await;
        app.drain().await;
        assert_eq!(address_of(&app, &customer), NEW);
        assert_eq!(app.mails(NEW).len(), 1);
        assert_eq!(rows::<(String,)>(&app.site.db, "select email from donor").await, [(NEW.to_owned(),)]);
    }

    /// TRUST L8: whose gifts went to another address first, and then their mail, is known by them there. The earlier mailbox that takes the mail
    /// back learns nothing of them.
    async fn whose_mail_comes_after_their_gifts_is_known_by_them(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        app.reader(SUPPORTER).await;
        app.give(SUPPORTER, "15", "once").await;
        gives_from(&app, NEW).await;
        assert_eq!(states(&app).await, [(SUPPORTER.to_owned(), "never".to_owned())]);
        crate::readdressing::moves(&app, SUPPORTER, NEW).await;
        donations::meet_new_readers(&app.site).await.expect("a look");
        assert_eq!(states(&app).await, [(NEW.to_owned(), "once".to_owned())]);
        held(&app, &reader(&app, NEW).await).await.says("€15.00");

        let back = crate::readdressing::link(&app, SUPPORTER);
        crate::readdressing::press(&app, &back).await.says("It is taken back");
        donations::meet_new_readers(&app.site).await.expect("a look");
        assert_eq!(states(&app).await, [], "they gave nothing under the earlier one");
        let seen = held(&app, &reader(&app, SUPPORTER).await).await;
        seen.says(SUPPORTER);
        assert!(!seen.body.contains("€15.00"), "{}", seen.body);
        app.leaves_work();
    }

    /// TRUST A22, L7, L8: whoever has the old mailbox sees nothing of the new address and forgets nothing of it, by the links of editions. Who
    /// reads at the new one is known by the gifts, and what is given under the old one later is that reader's.
    async fn the_old_mailbox_knows_nothing_of_the_new_address(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        app.reader(SUPPORTER).await;
        app.reader(NEW).await;
        app.give(SUPPORTER, "15", "once").await;
        let (old, new) = (reader(&app, SUPPORTER).await, reader(&app, NEW).await);
        gives_from(&app, NEW).await;
        let stand = |old: &str, new: &str| [(SUPPORTER.to_owned(), old.to_owned()), (NEW.to_owned(), new.to_owned())];
        assert_eq!(states(&app).await, stand("never", "once"));
        let seen = held(&app, &old).await;
        seen.says(SUPPORTER);
        assert!(!seen.body.contains("other.example") && !seen.body.contains("€15.00"), "{}", seen.body);
        held(&app, &new).await.says("€15.00");

        app.give(SUPPORTER, "7", "once").await;
        assert_eq!(states(&app).await, stand("once", "once"));
        let seen = held(&app, &old).await;
        seen.says("€7.00");
        assert!(!seen.body.contains("other.example") && !seen.body.contains("€15.00"), "{}", seen.body);
        assert!(dossier::forget_reader(&app.site, &old, None).await.expect("forgotten"));
        let donors: Vec<(String,)> = rows(&app.site.db, "select email from donor order by id").await;
        assert_eq!(donors, [(NEW.to_owned(),), (String::new(),)]);
        held(&app, &new).await.says("€15.00");
        assert!(dossier::forget_reader(&app.site, &new, None).await.expect("forgotten"));
        let gifts: Vec<(String,)> = rows(&app.site.db, "select email from donation order by id").await;
        assert_eq!(gifts, [(String::new(),), (String::new(),)]);
        let audit = donations::audit_money(&app.site.db).await.expect("an audit");
        assert!(audit.balances(), "{:?}", audit.problems);
        app.leaves_work();
    }

    /// TRUST L8: a reader whose mail moved first is known by their gifts throughout, and by nothing that is given under the old address later.
    async fn the_gifts_of_who_moved_come_after_them(app: TestApp) {
        const NEW: &str = "ann.lamp@other.example";
        app.reader(SUPPORTER).await;
        app.give(SUPPORTER, "15", "once").await;
        crate::readdressing::moves(&app, SUPPORTER, NEW).await;
        gives_from(&app, NEW).await;
        let ann = reader(&app, NEW).await;
        assert_eq!(states(&app).await, [(NEW.to_owned(), "once".to_owned())]);
        assert_eq!(subscribers::gives_as(&app.site.db, ann.id).await.expect("a read").as_deref(), Some(NEW));
        held(&app, &ann).await.says("€15.00");
        // Whoever gives from the old mailbox is somebody else.
        app.give(SUPPORTER, "7", "once").await;
        let seen = held(&app, &ann).await;
        seen.says("€15.00");
        assert!(!seen.body.contains("€7.00"), "{}", seen.body);
        assert_eq!(states(&app).await, [(NEW.to_owned(), "once".to_owned())]);
        app.leaves_work();
    }

    /// TRUST A22: nor does a third mailbox see anything, to which their mail moved before.
    async fn who_reads_elsewhere_does_not_learn_where_the_gifts_went(app: TestApp) {
        const THIRD: &str = "ann@third.example";
        app.reader(SUPPORTER).await;
        app.give(SUPPORTER, "15", "once").await;
        crate::readdressing::moves(&app, SUPPORTER, THIRD).await;
        gives_from(&app, "ann.lamp@other.example").await;
        assert_eq!(states(&app).await, [(THIRD.to_owned(), "never".to_owned())]);
        let seen = held(&app, &reader(&app, THIRD).await).await;
        seen.says(THIRD);
        assert!(!seen.body.contains("other.example") && !seen.body.contains("€15.00"), "{}", seen.body);
        app.leaves_work();
    }

    /// TRUST A22: the link to a regular gift never runs out. Once that is over, the page to give knows nobody by it, wherever they are by then.
    async fn a_gift_that_is_over_leads_to_nobodys_page_to_give(app: TestApp) {
        let (_, subscription) = monthly(&app).await;
        let stop = app.last_mail(SUPPORTER).link("/giving/");
        app.sandbox.stripe().cancel_subscription(&subscription).expect("an end");
        app.hear_the_provider().await;
        app.drain().await;
        gives_from(&app, "ann.lamp@other.example").await;
        let ended = app.visitor().open(&stop).await;
        ended.says("has ended").says("Give again");
        assert!(ended.body.contains("href=\"/donate\"") && !ended.body.contains("/donate?s="), "{}", ended.body);
        app.leaves_work();
    }

    /// TRUST A22: where no letter goes to the new address any more, the page says so; whoever was forgotten is answered for as anybody.
    async fn the_page_says_when_the_new_mailbox_was_asked_enough(app: TestApp) {
        app.give(SUPPORTER, "15", "once").await;
        app.give("gone@example.com", "5", "once").await;
        let gone = dossier::forget_address(&app.site, &address("gone@example.com"), None).await.expect("an answer");
        assert!(matches!(gone, AtAddress::Forgotten), "{gone:?}");
        let fresh = asked_for(&app).await;
        for (new, letters) in [("ann.lamp@other.example", 3), ("gone@example.com", 0)] {
            let before = app.mails(new).len();
            for _ in 0..3 {
                press(&app, &fresh, "address", &[("address", new)]).await.says("A link is on its way to the new address");
            }
            let refused = press(&app, &fresh, "address", &[("address", new)]).await;
            refused.says("no letter went to the new address");
            assert!(!refused.whole().contains("A link is on its way"), "{}", refused.whole());
            app.drain().await;
            assert_eq!(app.mails(new).len() - before, letters, "{new}");
        }
        app.leaves_work();
    }

    /// TRUST A22: the payment service's page on which who pays is changed opens by the link that was asked for, and offers what ours made there
    /// offers, whatever else the account offers to others.
    async fn another_card_takes_a_link_that_was_asked_for(app: TestApp) {
        let (receipt, _) = monthly(&app).await;
        let refused = press(&app, &receipt, "card", &[]).await;
        refused.says("Nothing was changed yet");
        app.drain().await;
        let fresh = app.last_mail(SUPPORTER).link("/supporter/");
        let api_base = format!("http://{}", app.sandbox.http_addr()).parse().expect("an address");
        let stripe = Stripe::new(&StripeSettings { secret_key: "sk_test_of_a_test".to_owned(), api_base }).expect("a client");
        let session = async || {
            let page = press(&app, &fresh, "card", &[]).await;
            let (_, rest) = page.body.split_once("/p/session/").expect("the way there");
            let id = rest.split(['"', '&']).next().expect("an id");
            app.sandbox.stripe().object(id).expect("a session")
        };
        assert_eq!(session().await["configuration"], "bpc_sandbox", "nobody ran the set-up yet");
        let ours = stripe.set_portal(None, "https://magazine.example.org/").await.expect("it is made").id;
        let opened = session().await;
        assert_eq!(opened["configuration"], ours.as_str(), "{opened}");
        assert_eq!(opened["flow"]["type"], "payment_method_update", "{opened}");
        app.leaves_work();
    }

    /// Whoever changes addresses at the payment service writes to anybody: one mailbox is asked three times a day, in whatever spelling, and
    /// what was not asked is asked later.
    async fn one_mailbox_is_not_asked_again_and_again(app: TestApp) {
        let (_, subscription) = monthly(&app).await;
        let stripe = app.sandbox.stripe();
        let customer = stripe.customer_of(&subscription).expect("a customer");
        let asked = || {
            let all = (0..8).map(|number| format!("victim+{number}@example.com"));
            all.map(|to| app.mails(&to).len()).sum::<usize>()
        };
        for number in 0..8 {
            stripe.change_customer(&customer, &format!("email=victim%2B{number}@example.com")).expect("it is changed there");
            app.hear_the_provider().await;
            app.drain().await;
        }
        assert_eq!(asked(), 3);
        // The same again is no other letter, and uses up nothing of tomorrow's.
        app.advance(DAY + Duration::from_secs(60));
        for name in ["name=Ann", "name=Anna"] {
            stripe.change_customer(&customer, name).expect("something else is changed there");
            app.hear_the_provider().await;
            app.drain().await;
        }
        assert_eq!(asked(), 4);
    }

    /// TRUST L7, L8: whoever gives and is no reader asks for what is held, and to be forgotten, on their own page.
    async fn a_supporter_reads_what_is_held_and_is_forgotten(app: TestApp) {
        app.give(SUPPORTER, "15", "once").await;
        let page = app.last_mail(SUPPORTER).link("/supporter/");
        press(&app, &page, "copy", &[]).await.says("A link to what we hold about you is on its way");
        app.drain().await;
        let held = app.visitor().open(&app.last_mail(SUPPORTER).link("/your-data/")).await;
        held.says(SUPPORTER).says("€15.00");
        press(&app, &page, "forget", &[]).await.says("Nothing is deleted yet");
        app.drain().await;
        let link = app.last_mail(SUPPORTER).link("/forget-me/");
        let visitor = app.visitor();
        let asked = visitor.open(&link).await;
        asked.says("a***@example.org").says("Nothing is deleted yet");
        // Opening it changed nothing.
        app.visitor().open(&page).await.says("€15.00");
        visitor.submit_and_follow(&asked.form("")).await.says("You are forgotten");
        let left: Vec<(String, String)> = rows(&app.site.db, "select email, name from donor").await;
        assert_eq!(left, [(String::new(), String::new())]);
        let book: Vec<(i64,)> = rows(&app.site.db, "select amount_minor from donation where state = 'paid'").await;
        assert_eq!(book, [(1_500,)], "the book keeps the gift");
        assert_eq!(app.visitor().open(&page).await.status, StatusCode::GONE);
        app.visitor().open(&link).await.says("You are forgotten");
        app.leaves_work();
    }

    /// TRUST L7, L8: whoever reads and gives asks on either page for all of it, three times a day and no more.
    async fn a_supporter_who_reads_asks_once_for_both(app: TestApp) {
        app.reader(SUPPORTER).await;
        app.give(SUPPORTER, "15", "month").await;
        let page = app.last_mail(SUPPORTER).link("/supporter/");
        for _ in 0..3 {
            press(&app, &page, "forget", &[]).await.says("on its way");
        }
        press(&app, &page, "forget", &[]).await.says("three times within a day");
        app.drain().await;
        let visitor = app.visitor();
        let asked = visitor.open(&app.last_mail(SUPPORTER).link("/forget-me/")).await;
        asked.says("Your regular donation of €15.00 every month goes on");
        visitor.submit_and_follow(&asked.form("")).await.says("You are forgotten");
        let readers: Vec<(i64,)> = rows(&app.site.db, "select count(*) from subscriber").await;
        assert_eq!(readers, [(0,)]);
    }

    /// TRUST L11: stopped in two steps, at the end of what is paid or at once, and nothing is taken after it.
    async fn a_gift_is_stopped_in_two_steps(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        let visitor = app.visitor();
        let stop = app.last_mail(SUPPORTER).link("/giving/");
        let form = visitor.open(&stop).await.form("/giving/");
        visitor.submit_and_follow(&form.with("press", "later")).await.says("It ends on").says("Nothing more is taken");
        let is = app.sandbox.stripe().object(&subscription).expect("it is there");
        assert_eq!(is["cancel_at_period_end"], true, "{is}");
        app.visitor().open(&page).await.says("It ends on");
        // Nothing else is changed meanwhile; it is taken back by a link that was asked for.
        press(&app, &page, "rest", &[("until", "2099-01-01")]).await.says("its end is set");
        app.drain().await;
        press(&app, &stop, "keep-on", &[]).await.says("It ends on").says("Nothing was changed yet");
        app.drain().await;
        let fresh = app.last_mail(SUPPORTER).link("/supporter/");
        press(&app, &fresh, "keep-on", &[]).await.says("Done.").says("The next payment is on");
        let is = app.sandbox.stripe().object(&subscription).expect("it is there");
        assert!(is["cancel_at_period_end"] == false && is["cancel_at"].is_null(), "{is}");
        let form = visitor.open(&stop).await.form("/giving/");
        visitor.submit_and_follow(&form.with("press", "later")).await.says("It ends on");
        app.sandbox.stripe().renew(&subscription).expect("the period ends");
        app.hear_the_provider().await;
        app.drain().await;
        assert_eq!((state(&app).await, app.sandbox.stripe().charges().len()), (RecurringState::Cancelled, 1));
        assert_eq!(letters(&app, "has stopped"), 1);
        let ended = app.visitor().open(&page).await;
        ended.says("It has ended").says("Give again");
        assert!(ended.body.contains("month&amp;s"), "it knows them: {}", ended.body);
    }

    /// TRUST L11, T10: the journal of withdrawals, which every start looks through, does not end at once what was to end later.
    async fn an_end_that_is_set_for_later_outlives_a_restart(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        let start = async || {
            origin::arrive(&app.site, None).await.expect("a start");
            restored::take_up(&app.site, None).await.expect("the journal is taken up")
        };
        start().await;
        let (_, subscription) = monthly(&app).await;
        let visitor = app.visitor();
        let form = visitor.open(&app.last_mail(SUPPORTER).link("/giving/")).await.form("/giving/");
        visitor.submit_and_follow(&form.with("press", "later")).await.says("It ends on");
        assert_eq!(start().await, Replayed::default());
        pass(&app, DAY).await;
        app.hear_the_provider().await;
        let is = app.sandbox.stripe().object(&subscription).expect("it is there");
        assert!(is["status"] == "active" && is["cancel_at_period_end"] == true, "{is}");
        assert_eq!(state(&app).await, RecurringState::Active);
        app.sandbox.stripe().renew(&subscription).expect("the period ends");
        app.hear_the_provider().await;
        app.drain().await;
        assert_eq!((state(&app).await, app.sandbox.stripe().charges().len()), (RecurringState::Cancelled, 1));
    }

    /// A link that has run out opens nothing and changes nothing, and leads to a fresh one. TRUST A22: whoever types an address
    /// learns nothing of it.
    async fn a_link_that_has_run_out_leads_to_a_fresh_one(app: TestApp) {
        let (page, _) = monthly(&app).await;
        let form = app.visitor().open(&page).await.form("/supporter/");
        app.advance(31 * DAY);
        let old = app.visitor().open(&page).await;
        old.says("This link has run out").says("a***@example.org");
        assert!(!old.whole().contains("€15.00") && !old.body.contains(SUPPORTER), "{}", old.body);
        app.visitor().submit_and_follow(&form.with("press", "amount x")).await.says("This link has run out");
        let statement = app.visitor().open(&format!("{page}/statement?from=2020-01-01&to=2029-12-31")).await;
        assert_eq!(statement.status, StatusCode::SEE_OTHER, "to the page that says that it has run out");
        app.drain().await;
        assert_eq!(letters(&app, "Your gifts to"), 1, "whatever is pressed there mails a fresh link");
        let fresh = app.last_mail(SUPPORTER).link("/supporter/");
        app.visitor().open(&fresh).await.says("€15.00 every month");

        let mut answers = Vec::new();
        for typed in [SUPPORTER, "nobody@example.org"] {
            let visitor = app.visitor();
            let form = visitor.open("/supporter").await.form("/supporter").with("email", typed);
            let answer = visitor.submit_and_follow(&form).await;
            answers.push((answer.status, answer.whole().replace(typed, "…")));
        }
        assert_eq!(answers[0], answers[1]);
        app.drain().await;
        assert_eq!(letters(&app, "Your gifts to"), 2);
        assert!(app.mails("nobody@example.org").is_empty());
        assert_eq!(app.visitor().open("/supporter/AAAA").await.status, StatusCode::GONE);
    }

    /// Renewals that fail: letters on the first, third and seventh day; after an outage none about what has ended meanwhile.
    async fn letters_about_a_failed_renewal_stop_when_it_is_over(app: TestApp) {
        let (_, subscription) = monthly(&app).await;
        app.advance(30 * DAY);
        app.sandbox.stripe().fail_renewal(&subscription).expect("a month that fails");
        app.hear_the_provider().await;
        pass(&app, 2 * DAY).await;
        assert_eq!((letters(&app, "did not go through"), letters(&app, "still waits")), (1, 0));
        pass(&app, DAY).await;
        assert_eq!((letters(&app, "did not go through"), letters(&app, "still waits")), (1, 1));
        // It ends while nobody hears of it.
        app.sandbox.stripe().hold_events();
        app.payments.provider.cancel_subscription(&subscription, "by hand").await.expect("an end");
        pass(&app, 5 * DAY).await;
        assert_eq!(letters(&app, "still waits"), 1, "nobody is asked for a card for what has ended");
        app.sandbox.stripe().clear_plans();
    }

    /// Whoever ends one of two copies of a gift reads in the letter that the other goes on; of the last nothing goes on.
    async fn who_ends_one_of_two_copies_hears_of_the_other(app: TestApp) {
        let (_, subscription) = monthly(&app).await;
        let stripe = app.sandbox.stripe();
        let copy = stripe.copy_subscription(&subscription).expect("somebody copies it at the payment service");
        app.hear_the_provider().await;
        app.drain().await;
        for (ends, goes_on) in [(&subscription, true), (&copy, false)] {
            stripe.cancel_subscription(ends).expect("an end");
            app.hear_the_provider().await;
            app.drain().await;
            let letter = app.last_mail(SUPPORTER).text;
            assert!(letter.contains("has stopped"), "{letter}");
            assert_eq!(letter.contains("You still give €15.00 every month: that goes on."), goes_on, "{letter}");
        }
    }

    /// Nobody is named in public who did not say so; the desk and what is held about them know it, and forgetting forgets it.
    async fn a_supporter_says_whether_they_may_be_named(app: TestApp) {
        let (page, _) = monthly(&app).await;
        assert!(app.visitor().open(&page).await.body.contains("You give without being named"));
        let gift = donations::donations_page(&app.site.db, None, 1).await.expect("a read")[0].public_id.clone();
        let desk = app.desk().await;
        let at_the_desk = async || desk.open(&format!("/desk/donations/{gift}")).await.body;
        assert!(at_the_desk().await.contains("they did not say that they may be"));
        press(&app, &page, "named", &[]).await.says("We may name you from now on");
        assert!(at_the_desk().await.contains("They said yes, on their page"));
        let since: Vec<(Option<i64>,)> = rows(&app.site.db, "select named_since from donor").await;
        assert!(since[0].0.is_some());
        // A restored backup does not know who took that back: nobody is named before they say so again (TRUST T10).
        broadside::restored::restored(&app.site, None, None, (None, None)).await.expect("settled");
        assert!(app.visitor().open(&page).await.body.contains("You give without being named"));
        let desk = app.desk().await;
        let at_the_desk = async || desk.open(&format!("/desk/donations/{gift}")).await.body;
        press(&app, &page, "named", &[]).await.says("We may name you from now on");
        press(&app, &page, "unnamed", &[]).await.says("We name you nowhere");
        let since: Vec<(Option<i64>,)> = rows(&app.site.db, "select named_since from donor").await;
        assert_eq!(since, [(None,)]);
        assert!(at_the_desk().await.contains("they did not say that they may be"));
    }

    /// An address that is changed at the payment service moves nothing before somebody at it says that it is theirs; what was put right there
    /// meanwhile is not taken, and the old mailbox is told.
    async fn a_new_address_at_the_payment_service_is_asked_first(app: TestApp) {
        const NEW: &str = "ann.new@example.com";
        let (_, subscription) = monthly(&app).await;
        let stripe = app.sandbox.stripe();
        let customer = stripe.customer_of(&subscription).expect("a customer");
        let renew = async || {
            app.advance(DAY);
            stripe.renew(&subscription).expect("a month");
            app.hear_the_provider().await;
            app.drain().await;
        };
        let receipts = |to: &str| app.mails(to).iter().filter(|mail| mail.subject.starts_with("Thank you")).count();
        stripe.change_customer(&customer, &format!("email={NEW}")).expect("the team changes it");
        // Another card of theirs is no other address, and nobody is asked twice.
        stripe.set_up_card(&customer, &broadside::sandbox::SandboxCard { brand: "visa".to_owned(), last4: "1111".to_owned(), expires: (1, 2035), answers: String::new() }).expect("a card");
        app.hear_the_provider().await;
        app.drain().await;
        assert_eq!(app.mails(NEW).len(), 1);
        let asked = app.last_mail(NEW);
        assert!(asked.subject.contains("Is this the address") && asked.text.contains("€15.00 every month"), "{}", asked.text);
        let before = receipts(SUPPORTER);
        renew().await;
        assert_eq!((receipts(SUPPORTER), app.mails(NEW).len()), (before + 1, 1), "nobody has said so");

        let link = asked.link("/gift-address/");
        assert!(!link.contains("ann.new"), "the address stands in no link");
        let page = app.visitor().open(&link).await;
        page.says("Is this gift yours?");
        // It was a slip, and is put right at the payment service: the link moves nothing.
        stripe.change_customer(&customer, &format!("email={SUPPORTER}")).expect("put right");
        let late = app.visitor().submit(&page.form("/gift-address/")).await;
        assert_eq!(late.status, StatusCode::GONE);
        renew().await;
        assert_eq!((receipts(SUPPORTER), app.mails(NEW).len()), (before + 2, 1));

        stripe.change_customer(&customer, &format!("email={NEW}")).expect("the team changes it again");
        let theirs = app.visitor().submit_and_follow(&page.form("/gift-address/")).await;
        theirs.says("€15.00 every month");
        app.drain().await;
        let told = app.last_mail(SUPPORTER);
        assert!(told.text.contains("go to another address") && !told.text.contains("You asked us"), "the old mailbox hears it: {}", told.text);
        app.visitor().open(&told.link("/giving/")).await.says("€15.00 every month");
        renew().await;
        assert_eq!((receipts(SUPPORTER), receipts(NEW)), (before + 2, 1));
        // What was given before stays with the old address; pressing again changes nothing.
        let again = app.visitor().open(&link).await;
        again.says("Letters come here");
        // The page of their gifts is given once.
        app.visitor().submit_and_follow(&page.form("/gift-address/")).await.says("Letters come here");
        let audit = donations::audit_money(&app.site.db).await.expect("an audit");
        assert!(audit.balances(), "{:?}", audit.problems);
    }

    /// A card that is set up on the payment service's page pays what has no card of its own: it stands on the page.
    async fn another_card_at_the_payment_service_is_shown(app: TestApp) {
        let (_, subscription) = monthly(&app).await;
        let stripe = app.sandbox.stripe();
        let customer = stripe.customer_of(&subscription).expect("a customer");
        stripe.change_subscription(&subscription, "default_payment_method=").expect("it has none of its own");
        stripe.set_up_card(&customer, &broadside::sandbox::SandboxCard { brand: "mastercard".to_owned(), last4: "4444".to_owned(), expires: (11, 2035), answers: String::new() }).expect("a card");
        app.hear_the_provider().await;
        app.visitor().open(&asked_for(&app).await).await.says("Mastercard card ending in 4444");
    }

    /// A bank that lets no more be taken is told to whoever gives; a bill that cannot be made out, to the treasurers.
    async fn a_revoked_debit_and_a_bill_that_is_stuck_are_told(app: TestApp) {
        let session = app.begin_to_give(SUPPORTER, "15", "month").await;
        let stripe = app.sandbox.stripe();
        stripe.pay_later(&session, SUPPORTER).expect("a debit");
        stripe.settle(&session, true).expect("it arrives");
        app.hear_the_provider().await;
        app.drain().await;
        let subscription = stripe.subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        stripe.revoke_mandate(&subscription).expect("the bank says no");
        app.hear_the_provider().await;
        app.drain().await;
        assert!(app.last_mail(SUPPORTER).text.contains("Your bank tells us that we may not take"), "{}", app.last_mail(SUPPORTER).text);

        let draft = stripe.finalization_fails(&subscription, "customer_tax_location_invalid").expect("a draft");
        app.hear_the_provider().await;
        for _ in 0..2 {
            app.jobs().run_all_once().await;
            app.send().await;
        }
        let told = app.last_mail(crate::support::app::OWNER.0);
        assert!(told.subject.contains("cannot be billed") && told.text.contains("customer tax location invalid"), "{} {}", told.subject, told.text);
        // The payment service tries again, and says again that it could not: the treasurer has heard it.
        let at = app.site.now().0;
        let again = format!(
            "insert into provider_event (event_id, type, object_id, source, payload, state, attempts, created_at, received_at, next_at)
            values ('evt_again', 'invoice.finalization_failed', '{draft}', 'webhook', '', 'new', 0, {at}, {at}, {at})"
        );
        change(&app.site.db, again.leak()).await;
        app.hear_the_provider().await;
        for _ in 0..2 {
            app.jobs().run_all_once().await;
            app.send().await;
        }
        let told = app.mails(crate::support::app::OWNER.0);
        assert_eq!(told.iter().filter(|mail| mail.subject.contains("cannot be billed")).count(), 1);
    }

    /// TRUST T5: a bank that did not pay after days: the giver hears it, and how to try again.
    async fn a_payment_that_fails_days_later_is_told(app: TestApp) {
        let visitor = app.visitor();
        let form = visitor.open("/donate").await.form("/donate").with("own_amount", "15").with("email", SUPPORTER);
        visitor.submit(&form).await;
        let session = app.sandbox.stripe().sessions()[0]["id"].as_str().expect("an id").to_owned();
        app.sandbox.stripe().pay_later(&session, SUPPORTER).expect("a debit");
        app.hear_the_provider().await;
        app.drain().await;
        assert!(app.mails(SUPPORTER).is_empty());
        app.advance(5 * DAY);
        app.sandbox.stripe().settle(&session, false).expect("the bank says no");
        app.hear_the_provider().await;
        app.drain().await;
        let mail = app.last_mail(SUPPORTER);
        assert!(mail.subject.contains("did not arrive") && mail.text.contains("€15.00"), "{}", mail.text);
        let again = app.visitor().open(&mail.link("/donate?")).await;
        assert_eq!(again.form("/donate").value("s"), Some(""), "whoever never gave is not known");
        assert_eq!(app.mails(SUPPORTER).len(), 1);
    }
}

/// The way to give again that stands in a receipt.
fn give_link(app: &TestApp) -> String {
    let receipt = app.mails(SUPPORTER).into_iter().find(|mail| mail.text.contains("/donate?s="));
    receipt.expect("a receipt").link("/donate?s=")
}

/// TRUST L11: a supporter pauses, changes and stops in a browser; every page is for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_supporter_pauses_changes_and_stops_in_a_browser() {
    let Some(browser) = Browser::open().await else { return };
    let db = TestDb::migrated(Engine::Sqlite).await.expect("SQLite is always there");
    let app = TestApp::start(db).await;
    let (receipt, subscription) = monthly(&app).await;
    browser.goto(&receipt).await;
    browser.wait_for_text("you need a fresh link").await;
    browser.sound("supporter-page-of-a-receipt").await;
    let page = asked_for(&app).await;
    browser.goto(&page).await;
    browser.wait_for_text("€15.00 every month").await;
    browser.sound("supporter-page").await;
    browser.fill("Another amount, in EUR", "18").await;
    browser.click("Change the amount").await;
    browser.wait_for_text("€18.00 every month").await;
    browser.sound("supporter-page-changed").await;
    browser.click("Rest until then").await;
    browser.wait_for_text("It rests until").await;
    browser.sound("supporter-page-rests").await;
    browser.click("Go on now").await;
    browser.wait_for_text("The next payment is on").await;
    browser.click("Show it, to print").await;
    browser.wait_for_text("In all: €15.00").await;
    browser.sound("supporter-statement").await;
    browser.click("Back to your gifts").await;
    browser.click("Use another card or account").await;
    browser.wait_for_text("Go on to the payment service").await;
    browser.sound("supporter-card").await;
    // The payment service's own page, and back.
    browser.click("Go on to the payment service").await;
    browser.wait_for_path("/p/session/").await;
    browser.sound("supporter-portal").await;
    browser.click("Pay by another card").await;
    browser.wait_for_path("/supporter/").await;
    app.hear_the_provider().await;
    browser.goto(&page).await;
    browser.wait_for_text("Mastercard card ending in 4444").await;
    browser.click("You may name me when you thank supporters").await;
    browser.wait_for_text("We may name you from now on").await;
    browser.sound("supporter-page-named").await;

    // The page to give that knows them, and the question whether an address is theirs.
    browser.goto(&give_link(&app)).await;
    browser.wait_for_text("Go on to payment").await;
    browser.sound("supporter-give-by-link").await;
    let customer = app.sandbox.stripe().customer_of(&subscription).expect("a customer");
    app.sandbox.stripe().change_customer(&customer, "email=bea@example.org").expect("it is changed there");
    app.drain().await;
    browser.goto(&app.last_mail("bea@example.org").link("/gift-address/")).await;
    browser.wait_for_text("Is this gift yours?").await;
    browser.sound("gift-address").await;
    app.sandbox.stripe().change_customer(&customer, &format!("email={SUPPORTER}")).expect("and back");
    app.drain().await;
    browser.goto(&page).await;
    browser.click("Stop this gift").await;
    browser.wait_for_path("/giving/").await;
    browser.sound("supporter-stop").await;
    browser.click("End my regular donation").await;
    browser.wait_for_text("has ended").await;
    assert_eq!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"], "canceled");
    // Nothing goes on: the address is theirs to change.
    browser.goto(&page).await;
    browser.fill("Another email address", "ann.lamp@other.example").await;
    browser.click("Use this address").await;
    browser.wait_for_text("A link is on its way to the new address").await;
    browser.sound("supporter-page-address").await;
    app.drain().await;
    browser.goto(&app.last_mail("ann.lamp@other.example").link("/gift-address/")).await;
    browser.wait_for_text("Is this address yours?").await;
    browser.sound("gift-address-own").await;
    browser.goto(&app.url("/supporter")).await;
    browser.sound("supporter-ask").await;
    browser.fill("The address that your receipts come to", SUPPORTER).await;
    browser.click("Mail me the link").await;
    browser.wait_for_text("Check your mail").await;
    browser.sound("supporter-asked").await;
    app.advance(31 * DAY);
    browser.goto(&page).await;
    browser.wait_for_text("This link has run out").await;
    browser.sound("supporter-run-out").await;
    app.drain().await;
    assert!(browser.problems().await.is_empty());
    browser.close().await;
}
