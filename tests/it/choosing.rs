//! What readers choose beside lists: resting from mail for some weeks, and the way to the page for who lost it.

use std::time::Duration;

use broadside::{
    audit_log,
    db::{Db, Engine},
    delivery::progress,
    email_address::EmailAddress,
    origin, publishing, restored,
    sandbox::{Rule, Stage},
    subscribers::{self, Subscriber, Weeks, consent},
    withdrawals,
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    between::overtaken_by,
    both_engines,
    database::{change, rows},
    visitor::Page,
};

const DAY: Duration = Duration::from_secs(86_400);
const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";

async fn reader(app: &TestApp, email: &str) -> Subscriber {
    let email: EmailAddress = email.parse().expect("an address");
    subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader")
}

/// The link to somebody's choices, without what stands before it.
async fn token(app: &TestApp, email: &str) -> String {
    let path = subscribers::preferences_path(&app.site, &reader(app, email).await.public_id);
    path.rsplit('/').next().expect("a link has an end").to_owned()
}

async fn choices(app: &TestApp, email: &str) -> Page {
    app.visitor().open(&format!("/preferences/{}", token(app, email).await)).await
}

async fn press(app: &TestApp, page: &Page, button: &str) -> Page {
    app.visitor().submit(&page.form("#pause").and("press", button)).await
}

async fn pause(app: &TestApp, email: &str) {
    let until = subscribers::pause(&app.site, &token(app, email).await, Weeks::Two).await;
    until.expect("saved").expect("they are on a list");
}

/// Whether somebody got a mail of that subject.
fn got(app: &TestApp, email: &str, subject: &str) -> bool {
    app.mails(email).iter().any(|mail| mail.subject == subject)
}

async fn copies(app: &TestApp, edition: i64) -> Vec<(String, Option<String>)> {
    let all: Vec<(i64, String, Option<String>)> = rows(
        &app.site.db,
        "select edition_id, state, class from delivery order by edition_id, subscriber_id",
    )
    .await;
    all.into_iter().filter(|one| one.0 == edition).map(|one| (one.1, one.2)).collect()
}

async fn send_now(app: &TestApp, draft: &publishing::Edition) {
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    app.drain().await;
}

both_engines! {
    /// Nothing comes until the day, nothing that went out meanwhile follows, and then everything comes as before. No job has to
    /// see to it, and the consent is as it was (TRUST L1).
    async fn who_rests_gets_nothing_until_the_day_and_then_everything(app: TestApp) {
        app.reader(ANN).await;
        app.reader(BOB).await;
        app.send_edition("The first").await;
        let before = consent::proof(&app.site.db, reader(&app, ANN).await.id).await.expect("a read").len();
        let page = app.visitor().open(&app.last_mail(ANN).link("/preferences/")).await;
        page.says("Take a break").says("2 weeks, until 17 March 2026").says("8 weeks, until 28 April 2026");
        let paused = press(&app, &page, "pause-2").await;
        assert_eq!(paused.status, StatusCode::OK);
        paused.says("Paused until 17 March 2026").says("Go on now");
        app.drain().await;
        let letter = app.last_mail(ANN);
        assert!(letter.subject.starts_with("Paused until 17 March 2026"), "{}", letter.subject);
        app.visitor().open(&letter.link("/preferences/")).await.says("Paused until 17 March 2026");

        let draft = app.draft("The second").await;
        assert_eq!(publishing::audience_size(&app.site, &draft).await.expect("a size"), 1);
        let desk = app.desk().await;
        let look = desk.open(&format!("/desk/editions/{}/send", draft.public_id)).await;
        look.says("This goes to 1 reader").says("1 reader of the list paused and does not get it");
        send_now(&app, &draft).await;
        assert!(!got(&app, ANN, "The second") && got(&app, BOB, "The second"));
        // It began at nine in the morning, and ends with the beginning of its day.
        app.advance(14 * DAY - Duration::from_secs(9 * 3_600 + 600));
        app.send_edition("The third").await;
        assert!(!got(&app, ANN, "The third"), "the evening before");
        app.advance(DAY);
        app.drain().await;
        assert!(!got(&app, ANN, "The second") && !got(&app, ANN, "The third"), "nothing follows");
        choices(&app, ANN).await.says("Take a break");
        app.send_edition("The fourth").await;
        assert!(got(&app, ANN, "The fourth"));
        let after = consent::proof(&app.site.db, reader(&app, ANN).await.id).await.expect("a read").len();
        assert_eq!(before, after, "a pause is no withdrawal of consent");
    }

    /// One press ends it, and what was sent meanwhile still does not follow.
    async fn a_pause_is_ended_by_one_press(app: TestApp) {
        app.reader(ANN).await;
        let paused = press(&app, &choices(&app, ANN).await, "pause-8").await;
        app.reader(BOB).await;
        app.send_edition("The first").await;
        let on = press(&app, &paused, "go-on").await;
        on.says("Your pause is over").says("Take a break");
        app.drain().await;
        assert!(!got(&app, ANN, "The first"));
        app.send_edition("The second").await;
        assert!(got(&app, ANN, "The second"));
        // Once more, by the page from before: there is no pause to end, and nothing breaks.
        press(&app, &paused, "go-on").await.says("Take a break");
    }

    /// TRUST T1, T3: what waits when somebody begins to rest is not sent, and its row says why.
    async fn what_waits_when_a_pause_begins_is_not_sent(app: TestApp) {
        app.reader(ANN).await;
        app.reader(BOB).await;
        let edition = app.seal_edition("On its way").await;
        pause(&app, ANN).await;
        app.drain().await;
        assert!(!got(&app, ANN, "On its way") && got(&app, BOB, "On its way"));
        let ended = [("suppressed".to_owned(), Some("paused".to_owned())), ("accepted".to_owned(), None)];
        assert_eq!(copies(&app, edition).await, ended);
        assert!(progress::audit(&app.site.db, edition).await.expect("an audit").holds());
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/readers/{}", reader(&app, ANN).await.public_id)).await;
        page.says("Not mailed: paused").says("Nothing comes before 17 March 2026").says("Word of their pause");
        desk.open("/desk/readers").await.says(": paused");
    }

    /// No failed copy is tried again for who rests, and no correction goes to them, though they got the wrong one.
    async fn what_failed_and_what_is_put_right_pass_by_who_rests(app: TestApp) {
        app.readers(3).await;
        let refused = Rule::at(Stage::Rcpt).to("reader1@example.org");
        app.sandbox.smtp_script().add(refused.reply(554, "5.3.0 not this one"));
        let wrong = app.send_edition("The wrong date").await;
        app.sandbox.smtp_script().clear();
        let sent = publishing::load(&app.site.db, wrong).await.expect("it is there");
        let failing = publishing::retryable(&app.site, wrong).await.expect("a look");
        assert_eq!(failing.classes.len(), 1);
        pause(&app, "reader1@example.org").await;
        pause(&app, "reader2@example.org").await;
        let failing = publishing::retryable(&app.site, wrong).await.expect("a look");
        assert!(failing.classes.is_empty(), "the desk offers nothing to try again");
        let again = publishing::retry_failed(&app.site, &sent.public_id, ("trouble with a mail server", sent.revision), None);
        assert_eq!(again.await.expect("it is over"), 0);
        let correction = publishing::begin_correction(&app.site, &sent.public_id, sent.revision, None).await.expect("a draft");
        let correction = publishing::find(&app.site.db, &correction).await.expect("it is there");
        assert_eq!(publishing::audience_size(&app.site, &correction).await.expect("a size"), 1);
        send_now(&app, &correction).await;
        let subject = "Correction: The wrong date";
        assert!(!got(&app, "reader2@example.org", subject) && got(&app, "reader3@example.org", subject));
    }

    /// A copy that may have arrived is not sent once more to who rests.
    async fn what_is_in_doubt_passes_by_who_rests(app: TestApp) {
        app.readers(2).await;
        for n in 1..=2 {
            let lost = Rule::at(Stage::Dot).to(&format!("reader{n}@example.org"));
            app.sandbox.smtp_script().add(lost.times(1).drop_connection());
        }
        let draft = app.draft("In doubt").await;
        change(&app.site.db, "update edition set unknown_policy = 'hold'").await;
        send_now(&app, &draft).await;
        let edition = publishing::load(&app.site.db, draft.id).await.expect("it is there");
        assert_eq!(publishing::doubted(&app.site, &edition).await.expect("a look").copies, 2);
        pause(&app, "reader1@example.org").await;
        let doubted = publishing::doubted(&app.site, &edition).await.expect("a look");
        assert_eq!(doubted.copies, 1);
        let again = publishing::retry_doubted(&app.site, &edition.public_id, (edition.revision, doubted.newest), None);
        assert_eq!(again.await.expect("it is over"), 1);
        app.drain().await;
        assert!(copies(&app, draft.id).await[0].0 == "unknown", "it is as it was");
    }

    /// What somebody joins while they rest comes, and the page says so.
    async fn a_list_that_is_joined_during_a_pause_comes(app: TestApp) {
        app.reader(ANN).await;
        pause(&app, ANN).await;
        let made = publishing::lists::make(&app.site, "appeals", "Appeals", None).await.expect("a list is made");
        assert!(made.is_some());
        let appeals: Vec<(i64,)> = rows(&app.site.db, "select id from list where slug = 'appeals'").await;
        let page = choices(&app, ANN).await;
        let form = page.form("#choices").and("list", &appeals[0].0.to_string());
        let saved = app.visitor().submit(&form).await;
        saved.says("It comes all the same: you joined it after you paused").says("Paused until 17 March 2026");
        let rests: Vec<(i64, i64)> = rows(
            &app.site.db,
            "select list_id, coalesce(paused_until, 0) from subscription order by list_id",
        )
        .await;
        assert!(rests[0].1 > 0 && rests[1].1 == 0, "{rests:?}");
        app.drain().await;
    }

    /// Nobody is told twice of the same day, however often they press; and a stranger's link changes nothing.
    async fn one_letter_for_each_day_on_which_a_pause_ends(app: TestApp) {
        app.reader(ANN).await;
        let before = app.mails(ANN).len();
        for _ in 0..3 {
            let paused = press(&app, &choices(&app, ANN).await, "pause-4").await;
            press(&app, &paused, "go-on").await;
        }
        press(&app, &choices(&app, ANN).await, "pause-4").await;
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), before + 1);
        let form = choices(&app, ANN).await.form("#pause").and("press", "go-on");
        let answer = app.visitor().submit(&form.at("/preferences/AAAA")).await;
        assert_eq!(answer.status, StatusCode::GONE);
        choices(&app, ANN).await.says("Paused until");
        let looked = app.visitor().open(&format!("/preferences/{}?press=go-on", token(&app, ANN).await)).await;
        looked.says("Paused until");
    }

    /// TRUST T10: a restored backup mails nobody who rests since it was made, and everybody who went on again.
    async fn a_restored_backup_knows_who_rests(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        for email in [ANN, BOB, "cat@example.org"] {
            app.reader(email).await;
        }
        let first = app.send_edition("The first").await;
        app.advance(DAY);
        let backup = db.restored_copy().await;
        pause(&app, ANN).await;
        pause(&app, BOB).await;
        app.advance(DAY);
        assert!(subscribers::go_on(&app.site, &token(&app, BOB).await).await.expect("saved"));
        withdrawals::keep_up(&app.site).await.expect("kept");

        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        let said = restored::restored(&again.site, None, None, (None, None)).await;
        let report = said.expect("it is said").expect("nobody said so before");
        assert_eq!((report.replayed.paused, report.replayed.left, report.gaps.len()), (1, 0, 0));
        choices(&again, ANN).await.says("Paused until 18 March 2026");
        again.send_edition("The next").await;
        assert!(!got(&again, ANN, "The next"));
        assert!(got(&again, BOB, "The next") && got(&again, "cat@example.org", "The next"));
        assert!(progress::audit(&again.site.db, first).await.expect("an audit").holds());
        // What was ended in the restored one stays ended: the entry is older than that.
        assert!(subscribers::go_on(&again.site, &token(&again, ANN).await).await.expect("saved"));
        restored::take_up(&again.site, None).await.expect("the journal is taken up");
        choices(&again, ANN).await.says("Take a break");
    }

    /// TRUST L10: staff pause and end a pause for who asked, and say why; of a page that is out of date nothing is done.
    async fn staff_pause_for_who_asked_and_say_why(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann) = (app.desk().await, reader(&app, ANN).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let form = desk.open(&page).await.form(&format!("{page}/pause"));
        assert_eq!(desk.submit(&form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let form = form.with("weeks", "4");
        desk.submit(&form).await.says("Say why");
        let paused = desk.submit_and_follow(&form.with("pause_why", "asked by telephone")).await;
        paused.says("They rest from mail").says("Paused until 31 March 2026");
        app.drain().await;
        assert!(app.last_mail(ANN).subject.starts_with("Paused until 31 March 2026"));
        let end = paused.form(&format!("{page}/go-on")).with("pause_why", "they are back");
        // Meanwhile they chose another day themselves.
        pause(&app, ANN).await;
        let stale = desk.submit(&end).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        stale.says("Their pause is another by now").says("Paused until 17 March 2026");
        let end = stale.form(&format!("{page}/go-on")).with("pause_why", "they are back");
        desk.submit_and_follow(&end).await.says("Their pause is over");
        app.drain().await;
        app.send_edition("The first").await;
        assert!(got(&app, ANN, "The first"));
        let wanted = audit_log::Wanted { subject: Some(&ann.public_id), ..audit_log::Wanted::default() };
        let lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
        let deeds: Vec<(&str, &str)> =
            lines.iter().rev().map(|one| (one.action.as_str(), one.detail.as_str())).collect();
        let known = [("paused a reader", "asked by telephone"), ("ended a reader’s pause", "they are back")];
        assert_eq!(deeds, known);
    }
}

/// TRUST T3's kind, on a server that several write to: somebody begins to rest at the very moment at which the audience is written
/// down. Whoever seals waits for that and sees it, though it began before.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_being_begun_counts_for_who_seals() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    app.readers(2).await;
    let draft = app.draft("The first").await;
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    let Db::Postgres { pool, .. } = &app.site.db else { panic!("a server") };
    let mut resting = pool.begin().await.expect("a transaction");
    sqlx::query("update subscription set paused_until = $2 where subscriber_id = $1")
        .bind(app.reader_row("reader1@example.org").await)
        .bind(app.site.now().plus(DAY).0)
        .execute(&mut *resting)
        .await
        .expect("what resting does");
    let sealed = overtaken_by(&app.site.db, resting, publishing::seal_due(&app.site, &app.templates)).await;
    assert_eq!(sealed.expect("sealing"), 1);
    app.drain().await;
    assert!(!got(&app, "reader1@example.org", "The first") && got(&app, "reader2@example.org", "The first"));
    app.finish().await;
}

/// A pause in a browser, by a reader and at the desk: axe finds nothing serious.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_choosing_are_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.reader(ANN).await;
    browser.goto(&app.url(&format!("/preferences/{}", token(&app, ANN).await))).await;
    browser.sound("choices").await;
    browser.click("2 weeks, until 17 March 2026").await;
    browser.wait_for_text("Paused until 17 March 2026").await;
    browser.sound("choices-paused").await;
    browser.click("Go on now").await;
    browser.wait_for_text("Your pause is over").await;
    browser.sound("choices-go-on").await;
    app.drain().await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url(&format!("/desk/readers/{}", reader(&app, ANN).await.public_id))).await;
    browser.sound("reader-may-pause").await;
    pause(&app, ANN).await;
    browser.goto(&app.url(&format!("/desk/readers/{}", reader(&app, ANN).await.public_id))).await;
    browser.sound("reader-paused").await;
    assert_eq!(browser.problems().await, Vec::<String>::new());
    browser.close().await;
    app.drain().await;
    app.finish().await;
}
