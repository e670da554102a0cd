//! "We keep asking": what a supporter was told is what happens, and whoever can help hears of it.

use std::{net::SocketAddr, time::Duration};

use broadside::{
    db::Engine,
    delivery, donations,
    email_address::EmailAddress,
    sandbox::ApiFault,
    staff::{self, NewMember, Role},
    web::router,
};
use tokio::net::TcpListener;

use crate::support::{Program, TestApp, both_engines, database::rows};

const SUPPORTER: &str = "ann@example.org";
const TREASURER: &str = "tess@example.org";

/// A monthly donation, and the page that its receipt leads to.
async fn monthly(app: &TestApp) -> (String, String) {
    let email = EmailAddress::parse(TREASURER).expect("an address");
    let new = NewMember { name: "Tess", email: &email, role: Role::Treasurer };
    staff::add_member(&app.site, None, new).await.expect("a treasurer");
    app.give(SUPPORTER, "15", "month").await;
    let subscription = app.sandbox.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
    (app.last_mail(SUPPORTER).link("/giving/"), subscription)
}

/// What the clock brings: calls made again, staff told, mail sent.
async fn pass(app: &TestApp, span: Duration) {
    app.advance(span);
    donations::resume_calls(&app.site, app.payments.provider.as_ref()).await.expect("a round");
    donations::tell_of_unended(&app.site).await.expect("a round");
    app.send().await;
}

/// The same instance with donations switched off: where it serves.
async fn without_key(app: &TestApp) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let service = router(app.bare_pages()).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    base
}

fn letters(app: &TestApp, to: &str) -> usize {
    app.mails(to).iter().filter(|mail| mail.subject.contains("should have ended")).count()
}

both_engines! {
    /// TRUST D6: pressed once more while the first press waits for another try. It is over then, and nobody hears that it is not.
    async fn who_presses_twice_has_it_ended_once(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        app.sandbox.stripe().plan_request(Some("/v1/subscriptions"), ApiFault::Refuse(401), None);
        let visitor = app.visitor();
        let form = visitor.open(&page).await.form("/giving/");
        visitor.submit_and_follow(&form).await.says("We keep asking");
        for _ in 0..5 {
            pass(&app, Duration::from_secs(11 * 60)).await;
        }
        app.sandbox.stripe().clear_plans();
        visitor.submit_and_follow(&form).await;
        assert!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"] == "canceled");
        assert_eq!(rows::<(String,)>(&app.site.db, "select state from provider_call where operation = 'cancel'").await, [("done".to_owned(),)]);
        app.advance(Duration::from_secs(10 * 60));
        donations::tell_of_unended(&app.site).await.expect("a round");
        app.drain().await;
        assert_eq!((letters(&app, "owner@example.org"), letters(&app, TREASURER)), (0, 0));
    }

    /// TRUST D6: a key that was changed, for a day and more. The provider is asked until it says that it is over; after an hour
    /// owners and treasurers are told, once; the desk and `audit` name it as long as it lasts.
    async fn asking_to_end_is_never_given_up(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        app.sandbox.stripe().plan_request(Some("/v1/subscriptions"), ApiFault::Refuse(401), None);
        let visitor = app.visitor();
        let asked = visitor.submit_and_follow(&visitor.open(&page).await.form("/giving/")).await;
        asked.says("We keep asking");
        pass(&app, Duration::from_secs(50 * 60)).await;
        assert_eq!((letters(&app, "owner@example.org"), letters(&app, TREASURER)), (0, 0));

        for _ in 0..90 {
            pass(&app, Duration::from_secs(20 * 60)).await;
        }
        assert_eq!((letters(&app, "owner@example.org"), letters(&app, TREASURER)), (1, 1), "told once");
        let letter = app.last_mail(TREASURER);
        assert!(letter.text.contains("€15.00") && letter.text.contains(&subscription), "{}", letter.text);
        assert!(letter.text.contains("401") && !letter.text.contains("/giving/"), "{}", letter.text);
        visitor.open(&page).await.says("We keep asking");
        let desk = app.desk().await;
        desk.open("/desk").await.says("asked to end a regular donation");
        let list = desk.open("/desk/donations").await;
        list.says("the payment service still charges it").says(&subscription);

        // A process of its own has the real time, by which it was asked for long ago.
        let audit = Program::run(&app, &["audit"]);
        let said = String::from_utf8_lossy(&audit.stdout).into_owned();
        assert!(audit.status.code() == Some(1) && said.contains("MUST END") && said.contains(&subscription), "{said}");
        assert!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"] == "active");

        app.sandbox.stripe().clear_plans();
        desk.submit_and_follow(&list.form("/end")).await.says("is asked again");
        pass(&app, Duration::from_secs(1)).await;
        app.drain().await;
        assert_eq!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"], "canceled");
        visitor.open(&page).await.says("Your regular donation has ended");
        let news = app.mails(SUPPORTER).iter().filter(|mail| !mail.subject.contains("receipt")).count();
        assert_eq!(news, 1, "one word of the end");
        assert!(!desk.open("/desk/donations").await.text().contains("still charges"));
        assert!(Program::run(&app, &["audit"]).status.success());
    }

    /// A key that was taken out of the settings: what is asked meanwhile is kept, staff hear that nobody asks, and the provider is
    /// asked as soon as there is a key.
    async fn asking_to_end_is_kept_while_donations_are_switched_off(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        let off = without_key(&app).await;
        let path = page.find("/giving/").map(|at| &page[at..]).expect("a link");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.post(format!("{off}{path}")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let said = answer.text().await.expect("a page");
        assert!(said.contains("You have asked us to end it") && said.contains("we ask it as soon as we can"), "{said}");
        app.advance(Duration::from_secs(2 * 3_600));
        donations::tell_of_unended(&app.site).await.expect("a round");
        app.send().await;
        assert_eq!((letters(&app, "owner@example.org"), letters(&app, TREASURER)), (1, 1));
        app.visitor().open(&page).await.says("We have asked to end it");

        pass(&app, Duration::from_secs(1)).await;
        app.drain().await;
        assert_eq!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"], "canceled");
        app.visitor().open(&page).await.says("has ended");
    }

    /// An address that nobody knows (a proxy, another server) says nothing of the donation: it is asked on, and staff are told.
    async fn not_found_alone_ends_nothing(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        let visitor = app.visitor();
        app.sandbox.stripe().plan_request(Some("/v1/subscriptions"), ApiFault::Refuse(404), None);
        visitor.submit_and_follow(&visitor.open(&page).await.form("/giving/")).await.says("We keep asking");
        for _ in 0..4 {
            pass(&app, Duration::from_secs(20 * 60)).await;
        }
        assert_eq!((letters(&app, "owner@example.org"), letters(&app, TREASURER)), (1, 1));
        assert_eq!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"], "active");
        app.sandbox.stripe().clear_plans();
        pass(&app, Duration::from_secs(20 * 60)).await;
        app.drain().await;
        assert_eq!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"], "canceled");
        visitor.open(&page).await.says("has ended");
    }

    /// What the provider has not got any more cannot be charged.
    async fn what_the_provider_has_not_got_is_over(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        let visitor = app.visitor();
        app.sandbox.stripe().delete(&subscription).expect("it goes");
        visitor.submit_and_follow(&visitor.open(&page).await.form("/giving/")).await.says("has ended");
        pass(&app, Duration::from_secs(3 * 3_600)).await;
        assert!(donations::attention(&app.site.db, app.site.now()).await.expect("a read").unended.is_empty());
    }

    /// The key of another account hears that there is no such donation. Whatever shows later that it runs (an event, a month
    /// that is paid) takes that back: staff see it at once, and it is ended after all.
    async fn what_was_said_to_be_over_and_runs_is_ended_again(app: TestApp) {
        let (page, subscription) = monthly(&app).await;
        let visitor = app.visitor();
        app.sandbox.stripe().plan_request(Some("/v1/subscriptions"), ApiFault::NoSuchObject, None);
        visitor.submit_and_follow(&visitor.open(&page).await.form("/giving/")).await.says("has ended");
        app.sandbox.stripe().clear_plans();
        app.advance(Duration::from_secs(60));
        app.sandbox.stripe().renew(&subscription).expect("another month");
        app.hear_the_provider().await;

        visitor.open(&page).await.says("We have asked to end it");
        app.desk().await.open("/desk/donations").await.says("still charges it").says("it was said to be over, and runs");
        let audit = Program::run(&app, &["audit"]);
        let said = String::from_utf8_lossy(&audit.stdout).into_owned();
        assert!(audit.status.code() == Some(1) && said.contains("MUST END") && said.contains(&subscription), "{said}");
        donations::tell_of_unended(&app.site).await.expect("a round");
        app.send().await;
        assert_eq!((letters(&app, "owner@example.org"), letters(&app, TREASURER)), (1, 1));

        pass(&app, Duration::from_secs(1)).await;
        app.drain().await;
        assert_eq!(app.sandbox.stripe().object(&subscription).expect("it is there")["status"], "canceled");
        visitor.open(&page).await.says("has ended");
        assert!(Program::run(&app, &["audit"]).status.success());
    }

    /// A checkout that cannot be opened, an event that cannot be applied, a letter that is refused: each is shown with what to do.
    async fn whatever_ends_badly_is_shown_to_staff(app: TestApp) {
        app.sandbox.stripe().plan_request(Some("/v1/checkout"), ApiFault::Refuse(401), None);
        let visitor = app.visitor();
        let form = visitor.open("/donate").await.form("/donate").with("own_amount", "15").with("email", SUPPORTER);
        visitor.submit_and_follow(&form).await;
        app.sandbox.stripe().clear_plans();
        // What the supporter typed is the supporter's to mend.
        app.sandbox.smtp_script().add(
            broadside::sandbox::Rule::at(broadside::sandbox::Stage::Rcpt)
                .to("gone@example.org")
                .reply(550, "5.1.1 <gone@example.org> is unknown"),
        );
        app.give("gone@example.org", "15", "once").await;
        let event = app.sandbox.stripe().events()[0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(app.sandbox.stripe().forge(&event, broadside::sandbox::Forgery::NotJson).await, 200);

        let desk = app.desk().await;
        let overview = desk.open("/desk").await;
        overview.says("1 supporter could not get to the payment page").says("1 message of the payment service");
        overview.says("A receipt to g***@example.org").says("5.1.1");
        assert!(!overview.text().contains("gone@example.org"));
        let failed = delivery::failed_letters(&app.site.db, app.site.now().minus(donations::LATELY), 10).await.expect("a read");
        assert_eq!(failed.len(), 1);
        let list = desk.open("/desk/donations").await;
        // What went wrong after the page was opened has been seen by nobody.
        app.advance(Duration::from_secs(60));
        app.sandbox.stripe().plan_request(Some("/v1/checkout"), ApiFault::Refuse(401), None);
        visitor.submit_and_follow(&form).await;
        app.sandbox.stripe().clear_plans();
        desk.submit_and_follow(&list.form("/checkouts/away")).await;
        let list = desk.open("/desk/donations").await;
        list.says("1 supporter could not get to the payment page");
        desk.submit_and_follow(&list.form("/checkouts/away")).await;
        let list = desk.open("/desk/donations").await;
        assert!(!list.text().contains("could not get to the payment page"));
        desk.submit_and_follow(&list.form("/away")).await;
        assert_eq!(donations::unfinished(&app.site.db).await.expect("a read").dead, 0);
        assert!(!desk.open("/desk").await.text().contains("need a look"));
        let kept = rows::<(i64,)>(&app.site.db, "select count(*) from provider_event where payload <> ''").await;
        assert_eq!(kept, [(0,)]);
        app.leaves_work();
    }

    /// A receipt's number is no row's: a copy of the books gives the same gift the same number, and no other gift that.
    async fn a_receipts_number_is_one_gifts_for_ever(app: TestApp) {
        app.give(SUPPORTER, "15", "month").await;
        let subscription = app.sandbox.stripe().subscriptions()[0]["id"].as_str().expect("an id").to_owned();
        app.sandbox.stripe().renew(&subscription).expect("another month");
        app.give(SUPPORTER, "15", "once").await;
        const NUMBERS: &str = "select number from receipt order by number";
        let numbers = rows::<(String,)>(&app.site.db, NUMBERS).await;
        assert_eq!(numbers.len(), 3);
        assert!(numbers.iter().all(|(number,)| number.starts_with("2026-") && number.len() == 17), "{numbers:?}");
        let mail = app.last_mail(SUPPORTER);
        assert!(numbers.iter().any(|(number,)| mail.text.contains(number.as_str())), "{}", mail.text);
        // A copy from before knows nothing of them; nothing else takes them out of the book.
        let open = match app.site.db.engine() {
            Engine::Sqlite => "drop trigger ledger_entry_is_kept",
            Engine::Postgres => "drop trigger ledger_entry_stays on ledger_entry",
        };
        crate::support::database::change(&app.site.db, open).await;
        for table in ["receipt", "ledger_entry", "movement", "provider_event", "donation", "recurring_donation", "donor_word", "donor"] {
            let forget = match table {
                "receipt" => "delete from receipt",
                "ledger_entry" => "delete from ledger_entry",
                "movement" => "delete from movement",
                "provider_event" => "delete from provider_event",
                "donation" => "delete from donation",
                "recurring_donation" => "delete from recurring_donation",
                "donor_word" => "delete from donor_word",
                _ => "delete from donor",
            };
            crate::support::database::change(&app.site.db, forget).await;
        }
        donations::poll_provider(&app.site, app.payments.provider.as_ref()).await.expect("a list");
        app.drain().await;
        assert_eq!(rows::<(String,)>(&app.site.db, NUMBERS).await, numbers, "the same gifts, the same numbers");
    }
}
