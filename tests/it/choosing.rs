//! What readers choose beside lists: resting from mail for some weeks, and the way to the page for who lost it.

use std::time::Duration;

use broadside::{
    audit_log,
    db::{Db, Engine},
    delivery,
    editions::UnknownPolicy,
    email_address::EmailAddress,
    origin, publishing, restored,
    sandbox::{Rule, Stage},
    settings::Settings,
    subscribers::{
        self, ConsentAction, ConsentMethod, Crowd, Subscriber, SubscriberError, SubscriptionState, Trace,
        Weeks, consent, fields,
        lists::{self, Visibility},
        machines, topics,
    },
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
    let path = subscribers::choices_path(&app.site, &reader(app, email).await.public_id);
    path.rsplit('/').next().expect("a link has an end").to_owned()
}

async fn choices(app: &TestApp, email: &str) -> Page {
    app.visitor().open(&format!("/preferences/{}", token(app, email).await)).await
}

async fn press(app: &TestApp, page: &Page, button: &str) -> Page {
    app.visitor().submit_and_follow(&page.form("#choices").and("press", button)).await
}

async fn pause(app: &TestApp, email: &str) {
    let until = subscribers::pause(&app.site, &token(app, email).await, Weeks::Two).await;
    until.expect("saved").expect("they are on a list");
}

/// The lists that somebody is on, by short name.
async fn joined(app: &TestApp, email: &str) -> Vec<String> {
    let known = subscribers::subscriptions(&app.site.db, reader(app, email).await.id).await.expect("a read");
    known.into_iter().filter(|one| one.state == SubscriptionState::Confirmed).map(|one| one.slug).collect()
}

async fn list_called(app: &TestApp, slug: &str, name: &str) -> i64 {
    let made = publishing::make_list(&app.site, (slug, name, Visibility::Public), None)
        .await
        .expect("a list is made");
    assert!(made.is_some(), "{slug}");
    let all: Vec<(i64, String)> = rows(&app.site.db, "select id, slug from list").await;
    all.into_iter().find(|one| one.1 == slug).expect("the list").0
}

async fn topic(app: &TestApp, name: &str) {
    let on = [app.list().await];
    let made = publishing::make_topic(&app.site, (name, ""), &on, None).await;
    assert!(made.expect("a topic is made"), "{name}");
}

/// The first two topics, by number.
async fn of_topics(app: &TestApp) -> [i64; 2] {
    let all = topics::all(&app.site.db).await.expect("the topics");
    [all[0].id, all[1].id]
}

/// Fails unless the page has these words, also within its forms.
#[track_caller]
fn shows(page: &Page, words: &str) {
    assert!(page.body.contains(words), "{words:?} is not on {}: {}", page.url, page.body);
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
        page.says("Take a break");
        shows(&page, "2 weeks, until 17 March 2026");
        shows(&page, "8 weeks, until 28 April 2026");
        let paused = press(&app, &page, "pause-2").await;
        assert_eq!(paused.status, StatusCode::OK);
        paused.says("Paused until 17 March 2026");
        shows(&paused, "Go on now");
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
        assert!(delivery::audit_copies(&app.site.db, edition).await.expect("an audit").holds());
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

    /// TRUST T10: who takes back that they left every list has it as it was before: they go on resting, also in a backup that knows nothing of
    /// it, and no box that they did not tick stands in their proof. Once, for a day, and by the page where they left alone.
    async fn who_takes_leaving_back_goes_on_resting(db: TestDb) {
        let app = TestApp::journalled(db).await;
        app.reader(ANN).await;
        pause(&app, ANN).await;
        let left = press(&app, &choices(&app, ANN).await, "leave-all").await;
        left.says("You are on no list");
        let undo = left.form("#choices").with("press", "undo");
        let back = app.visitor().submit_and_follow(&undo).await;
        back.says("You now get The digest").says("Paused until 17 March 2026");
        assert_eq!(joined(&app, ANN).await, ["digest"]);
        let proof = consent::proof(&app.site.db, reader(&app, ANN).await.id).await.expect("a read");
        let last = proof.last().expect("a line");
        assert_eq!((last.action, last.source.as_str(), last.wording.as_deref()), (ConsentAction::Confirmed, "undo", None));
        let journal = std::fs::read_to_string(app.site.journal.path().expect("a journal")).expect("its text");
        assert!(journal.lines().last().expect("a line").contains("rests"), "{journal}");

        // Again, and later, or after they left by a mail, it does nothing.
        app.visitor().submit_and_follow(&undo).await.says("Nothing has changed");
        press(&app, &choices(&app, ANN).await, "leave-all").await;
        app.advance(DAY + Duration::from_secs(1));
        app.visitor().submit_and_follow(&undo).await.says("Nothing has changed");
        assert!(joined(&app, ANN).await.is_empty());
    }

    /// TRUST T10: whoever holds a link fills no disk by it: leaving what somebody is not on is written down nowhere.
    async fn leaving_what_one_is_not_on_writes_nothing(db: TestDb) {
        let app = TestApp::journalled(db).await;
        app.reader(ANN).await;
        publishing::make_list(&app.site, ("appeals", "Appeals", Visibility::Public), None).await.expect("made").expect("free");
        let page = choices(&app, ANN).await;
        let unticked = page.form("#choices").without("list").without("seen_list");
        let all = lists::all(&app.site.db).await.expect("a read");
        let unticked = all.iter().fold(unticked, |form, list| form.and("seen_list", &format!("{}.on", list.id)));
        let size = || std::fs::metadata(app.site.journal.path().expect("a journal")).expect("it is there").len();
        app.visitor().submit_and_follow(&unticked).await.says("You no longer get The digest");
        let before = size();
        for _ in 0..3 {
            app.visitor().submit_and_follow(&unticked).await;
            press(&app, &page, "leave-all").await;
        }
        assert_eq!(size(), before);
    }

    /// A copy that may have arrived is not sent once more to who rests.
    async fn what_is_in_doubt_passes_by_who_rests(app: TestApp) {
        app.readers(2).await;
        for n in 1..=2 {
            let lost = Rule::at(Stage::Dot).to(&format!("reader{n}@example.org"));
            app.sandbox.smtp_script().add(lost.times(1).drop_connection());
        }
        let draft = app.draft("In doubt").await;
        let press = publishing::Press {
            edition_id: draft.id,
            revision: draft.revision,
            fingerprint: None,
            later: None,
            policy: UnknownPolicy::Hold,
            staff_id: None,
        };
        publishing::press(&app.site, &app.templates, press).await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
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
        let appeals = list_called(&app, "appeals", "Appeals").await;
        let page = choices(&app, ANN).await;
        let form = page.form("#choices").and("list", &appeals.to_string());
        let saved = app.visitor().submit_and_follow(&form).await;
        saved.says("Paused until 17 March 2026");
        shows(&saved, "It comes all the same: you joined it after you paused");
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
        let form = choices(&app, ANN).await.form("#choices").and("press", "go-on");
        let answer = app.visitor().submit_and_follow(&form.at("/preferences/AAAA")).await;
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
        restored::take_up(&app.site, None).await.expect("the journal is taken up");
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
        assert!(delivery::audit_copies(&again.site.db, first).await.expect("an audit").holds());
        // What was ended in the restored one stays ended: the entry is older than that.
        assert!(subscribers::go_on(&again.site, &token(&again, ANN).await).await.expect("saved"));
        restored::take_up(&again.site, None).await.expect("the journal is taken up");
        choices(&again, ANN).await.says("Take a break");
    }

    /// TRUST T10: a restored backup knows what became of a pause since: who joined a list again gets it, who took leaving back rests from
    /// it as before, and who went on goes on, of the pauses from before the backup, too, or of the one that staff ended.
    async fn a_restored_backup_knows_what_became_of_a_pause(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        restored::take_up(&app.site, None).await.expect("the journal is taken up");
        let ids = [app.list().await, list_called(&app, "beta", "Beta").await];
        let [cat, dan, eva] = ["cat@example.org", "dan@example.org", "eva@example.org"];
        for email in [ANN, BOB, cat, dan, eva] {
            app.reader(email).await;
            let address: EmailAddress = email.parse().expect("an address");
            subscribers::add_by_staff(&app.site, &address, "", ids[1], "on paper").await.expect("added");
        }
        let first = app.send_edition("The first").await;
        let joins = async |email: &str, list: i64| {
            let form = choices(&app, email).await.form("#choices").and("list", &list.to_string());
            app.visitor().submit_and_follow(&form).await.says("You now get");
        };
        app.advance(DAY);
        pause(&app, cat).await;
        pause(&app, eva).await;
        app.advance(DAY);

        let backup = db.restored_copy().await;

        // Ann leaves the second list in her pause, and joins it again; Dan takes back that he left the first.
        for email in [ANN, BOB, dan] {
            pause(&app, email).await;
        }
        app.advance(Duration::from_secs(60));
        let ann = reader(&app, ANN).await.id;
        subscribers::leave_by_staff(&app.site, ann, ids[1], "by telephone").await.expect("left");
        let link = app.links(first, reader(&app, dan).await.id).await.unsubscribe;
        let link = link.rsplit('/').next().expect("a link has an end");
        subscribers::leave(&app.site, link, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        app.advance(Duration::from_secs(60));
        joins(ANN, ids[1]).await;
        subscribers::rejoin(&app.site, link, Trace::default()).await.expect("back");
        // Cat goes on by herself; Eva pauses once more for longer, and staff end that one. Bob does nothing.
        app.advance(Duration::from_secs(60));
        assert!(subscribers::go_on(&app.site, &token(&app, cat).await).await.expect("saved"));
        let longer = subscribers::pause(&app.site, &token(&app, eva).await, Weeks::Eight).await;
        let longer = longer.expect("saved").expect("they are on a list");
        app.advance(Duration::from_secs(60));
        let desk = app.desk().await;
        let (who,) = rows::<(i64,)>(&app.site.db, "select id from staff order by id").await.remove(0);
        let by = subscribers::ByStaff { staff_id: who, why: "by telephone" };
        let ended = subscribers::let_go_on(&app.site, &reader(&app, eva).await, longer, by).await;
        assert!(ended.expect("saved"));
        drop(desk);
        let rests = async |app: &TestApp, email: &str| {
            let known = subscribers::subscriptions(&app.site.db, reader(app, email).await.id).await.expect("a read");
            let now = app.site.now();
            let rests = known.iter().filter(|one| one.rests_until(now).is_some());
            rests.map(|one| one.slug.clone()).collect::<Vec<_>>()
        };
        let everybody = async |app: &TestApp| {
            let mut all = Vec::new();
            for email in [ANN, BOB, cat, dan, eva] {
                all.push(rests(app, email).await);
            }
            all
        };
        let slugs: Vec<(String,)> = rows(&app.site.db, "select slug from list order by id").await;
        let (alpha, beta) = (slugs[0].0.as_str(), slugs[1].0.as_str());
        let wanted = vec![vec![alpha], vec![alpha, beta], vec![], vec![alpha, beta], vec![]];
        assert_eq!(everybody(&app).await, wanted, "as it is where it happened");

        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        let said = restored::restored(&again.site, None, None, (None, None)).await;
        said.expect("it is said").expect("nobody said so before");
        assert_eq!(everybody(&again).await, wanted, "and in the backup");
        let page = choices(&again, ANN).await;
        shows(&page, "It comes all the same: you joined it after you paused");
        choices(&again, cat).await.says("Take a break");
        assert_eq!(restored::take_up(&again.site, None).await.expect("a start").all(), 0, "once is enough");
        assert_eq!(everybody(&again).await, wanted);
    }

    /// What is saved is said, in sentences; and nothing else is.
    async fn a_save_says_what_changed(app: TestApp) {
        app.reader(ANN).await;
        let appeals = list_called(&app, "appeals", "Appeals").await;
        let digest = app.list().await;
        topic(&app, "Food").await;
        topic(&app, "Sea").await;
        let visitor = app.visitor();
        let page = choices(&app, ANN).await;
        shows(&page, "Is it too much? Tick topics to get those and what is about none");
        visitor.submit_and_follow(&page.form("#choices")).await.says("Saved. Nothing has changed.");
        let [food, sea] = of_topics(&app).await;
        let form = page.form("#choices").and("list", &appeals.to_string()).with("name", "Ann");
        let form = form.and("topic", &format!("{digest}.{food}")).and("topic", &format!("{digest}.{sea}"));
        let saved = visitor.submit_and_follow(&form).await;
        saved.says("Saved. You now get Appeals. Topics of The digest: Food and Sea. We greet you as Ann.");
        let form = saved.form("#choices").without("topic").without("list").and("list", &appeals.to_string());
        let saved = visitor.submit_and_follow(&form.with("name", "")).await;
        saved.says("Saved. You no longer get The digest. We greet you without a name.");
        let saved = visitor.submit_and_follow(&saved.form("#choices").and("press", "leave-all")).await;
        saved.says("You no longer get Appeals. You are on no list, and get nothing more from us.");
        assert!(!saved.text().contains("Take a break"), "there is nothing to rest from");
    }

    /// TRUST T3: of two pages that are open, the older puts nothing back that was changed on the other.
    async fn an_older_page_puts_nothing_back(app: TestApp) {
        app.reader(ANN).await;
        let appeals = list_called(&app, "appeals", "Appeals").await;
        let digest = app.list().await;
        topic(&app, "Food").await;
        topic(&app, "Sea").await;
        let [food, sea] = of_topics(&app).await;
        let visitor = app.visitor();
        let older = choices(&app, ANN).await;
        let newer = older.form("#choices").with("name", "Ann").and("topic", &format!("{digest}.{food}"));
        visitor.submit_and_follow(&newer.and("list", &appeals.to_string())).await.says("You now get Appeals");
        let form = older.form("#choices").and("topic", &format!("{digest}.{sea}"));
        let saved = visitor.submit_and_follow(&form).await;
        saved.says("Saved. Topics of The digest: Food and Sea.");
        assert_eq!(reader(&app, ANN).await.name, "Ann");
        assert_eq!(joined(&app, ANN).await, ["digest", "appeals"]);
        // And whoever left meanwhile stays away.
        let older = saved;
        let left = choices(&app, ANN).await.form("#choices").without("list").and("list", &appeals.to_string());
        visitor.submit_and_follow(&left).await.says("You no longer get The digest");
        visitor.submit_and_follow(&older.form("#choices").with("name", "Anna")).await.says("Saved. We greet you as Anna.");
        assert_eq!(joined(&app, ANN).await, ["appeals"]);
        let mistaken = visitor.submit_and_follow(&older.form("#choices").with("name", "An\u{7}na")).await;
        assert_eq!(mistaken.status, StatusCode::UNPROCESSABLE_ENTITY);
        visitor.submit_and_follow(&mistaken.form("#choices").with("name", "Ann")).await.says("Saved. We greet you as Ann.");
        assert_eq!(joined(&app, ANN).await, ["appeals"], "nor by a page that came back for a mistake");
    }

    /// What the team asks stands on the page, is read as on forms, and can be taken back.
    async fn answers_are_given_and_taken_back(app: TestApp) {
        app.reader(ANN).await;
        for (label, kind, choices) in [
            ("Town", fields::FieldKind::Text, ""),
            ("Born in", fields::FieldKind::Number, ""),
            ("How do you read us?", fields::FieldKind::Choice, "Print\nOnline"),
            ("Asked elsewhere", fields::FieldKind::Text, ""),
        ] {
            fields::add(&app.site, 1, fields::NewField { label, kind, choices, stands_in: fields::StandsIn::Mails }).await.expect("a field");
        }
        change(
            &app.site.db,
            "insert into form_field (form_id, field_id, place, answer) select m.id, f.id, f.id, 'required' from form m, field f
                where m.slug = 'main' and f.name <> 'asked_elsewhere'",
        )
        .await;
        let visitor = app.visitor();
        let page = choices(&app, ANN).await;
        shows(&page, "Born in <span class=\"optional\">(optional)</span>");
        assert!(!page.body.contains("Asked elsewhere"), "only what our own form asks, or they answered");
        let form = page.form("#choices").with("field_town", "Hull").with("field_born_in", "long ago");
        let mistaken = visitor.submit_and_follow(&form).await;
        assert_eq!(mistaken.status, StatusCode::UNPROCESSABLE_ENTITY);
        mistaken.says(": Write a number");
        let form = mistaken.form("#choices").with("field_born_in", "1961").with("field_how_do_you_read_us", "Print");
        assert_eq!(form.value("field_town"), Some("Hull"), "what was typed is kept");
        let saved = visitor.submit_and_follow(&form).await;
        saved.says("Your answer is kept: Town, Born in and How do you read us?.");
        let all = async || {
            let all = fields::of_reader(&app.site.db, reader(&app, ANN).await.id).await.expect("a read");
            all.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(all().await, ["Hull", "1961", "Print"]);
        // A choice that is taken away stays with who chose it, and a page that shows it saves.
        change(&app.site.db, "update field set choices = 'Online' where label like 'How%'").await;
        let form = choices(&app, ANN).await.form("#choices").with("field_town", "");
        let taken_back = visitor.submit_and_follow(&form).await;
        taken_back.says("Saved. Your answer is taken back: Town.");
        assert!(!taken_back.text().contains("is kept"), "{}", taken_back.text());
        assert_eq!(all().await, ["1961", "Print"]);
        // Who took it back by mistake finds it there, however long they think about it.
        app.advance(Duration::from_secs(7_200));
        let late = taken_back.form("#choices").with("field_town", "Ghent");
        visitor.submit_and_follow(&late).await.says("Your answer is kept: Town");
        let form = choices(&app, ANN).await.form("#choices").with("field_town", "");
        visitor.submit_and_follow(&form).await.says("Your answer is taken back: Town");
        // Of another field than the page has nothing is set (TRUST A13).
        let form = choices(&app, ANN).await.form("#choices").and("field_asked_elsewhere", "x");
        visitor.submit_and_follow(&form).await.says("Nothing has changed");
        assert_eq!(all().await, ["1961", "Print"]);
    }

    /// TRUST A11: a mail is handed on, and the link in it opens this page: an answer that is for the desk alone is not shown there. What is put in
    /// its place replaces it, and a tick takes it back; what is left alone stays.
    async fn an_answer_for_the_desk_alone_is_not_shown_behind_the_link(app: TestApp) {
        app.reader(ANN).await;
        for (label, kind, choices) in
            [("Telephone", fields::FieldKind::Text, ""), ("How do you vote?", fields::FieldKind::Choice, "Left\nRight")]
        {
            fields::add(&app.site, 1, fields::NewField { label, kind, choices, stands_in: fields::StandsIn::Desk }).await.expect("a field");
        }
        change(&app.site.db, "insert into field_value (subscriber_id, field_id, value) select s.id, f.id, case f.kind when 'text' then '0123 4567' else 'Right' end
            from subscriber s, field f where s.email = 'ann@example.org'").await;
        let visitor = app.visitor();
        let all = async || {
            let all = fields::of_reader(&app.site.db, reader(&app, ANN).await.id).await.expect("a read");
            all.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        let page = choices(&app, ANN).await;
        assert!(!page.body.contains("0123 4567") && !page.body.contains("value=\"Right\" selected"), "{}", page.body);
        shows(&page, "You have answered this.");
        visitor.submit_and_follow(&page.form("#choices").with("name", "Ann")).await.says("We greet you as Ann.");
        assert_eq!(all().await, ["0123 4567", "Right"], "what is left alone stays");
        let mistaken = visitor.submit_and_follow(&page.form("#choices").with("field_telephone", &"1".repeat(201))).await;
        assert_eq!(mistaken.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!mistaken.body.contains("0123 4567"), "{}", mistaken.body);
        let other = page.form("#choices").with("field_telephone", "0987").and("field_how_do_you_vote.gone", "yes");
        let saved = visitor.submit_and_follow(&other).await;
        saved.says("Your answer is kept: Telephone.").says("Your answer is taken back: How do you vote?.");
        assert!(!saved.body.contains("0987"), "{}", saved.body);
        assert_eq!(all().await, ["0987"]);
    }

    /// TRUST L3: Back and reloading work: what a button did is told by a page with an address of its own, as far as it is still so. Nobody
    /// makes an address that tells anything, nor takes one to another reader's page, and within an hour it tells nothing any more.
    async fn what_was_saved_is_told_by_a_page_that_can_be_opened_again(app: TestApp) {
        app.reader(ANN).await;
        app.reader(BOB).await;
        let appeals = list_called(&app, "appeals", "Appeals").await.to_string();
        let visitor = app.visitor();
        let here = |who: String| app.url(&format!("/preferences/{who}"));
        let (ann, bob) = (here(token(&app, ANN).await), here(token(&app, BOB).await));
        let form = visitor.open(&ann).await.form("#choices").and("list", &appeals);
        let done = visitor.submit(&form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let told = done.leads_to().expect("it leads on").to_string();
        assert!(told.starts_with(&format!("{ann}?told=")) && told.ends_with("#choices"), "{told}");
        for _ in 0..2 {
            visitor.open(&told).await.says("Saved. You now get Appeals.");
        }
        let word = told.split_once("?told=").expect("a word").1.trim_end_matches("#choices");
        assert!(!word.contains("ppeals") && data_encoding::BASE64URL_NOPAD.decode(word.as_bytes()).expect("our own").windows(6).all(|part| part != b"joined"), "sealed");
        for address in [format!("{bob}?told={word}"), format!("{ann}?told={}{}", if word.starts_with('A') { 'B' } else { 'A' }, &word[1..]), format!("{ann}?told=Saved&told={word}"), format!("{ann}/address?told={word}")] {
            let other = visitor.open(&address).await;
            assert_eq!(other.status, StatusCode::OK, "{address}");
            assert!(!other.text().contains("Saved"), "{address}: {}", other.text());
        }
        // What is not so any more is not said, though the page is opened by Back.
        let off = visitor.open(&ann).await.form("#choices").without("list").and("list", &app.list().await.to_string());
        visitor.submit_and_follow(&off).await.says("Saved. You no longer get Appeals.");
        assert!(!visitor.open(&told).await.text().contains("Saved"));
        let on = visitor.open(&ann).await.form("#choices").and("list", &appeals);
        let told = visitor.submit(&on).await.leads_to().expect("it leads on").to_string();
        app.advance(Duration::from_secs(3_599));
        visitor.open(&told).await.says("Saved. You now get Appeals.");
        app.advance(Duration::from_secs(1));
        assert!(!visitor.open(&told).await.text().contains("Saved"));
        app.leaves_work();
    }

    /// Whatever button it is, what was ticked and typed is saved with it; and what is wrong there keeps nobody from resting or leaving.
    async fn every_button_takes_along_what_was_typed(app: TestApp) {
        app.reader(ANN).await;
        let appeals = list_called(&app, "appeals", "Appeals").await.to_string();
        let visitor = app.visitor();
        let page = choices(&app, ANN).await;
        let buttons = |page: &Page| page.body.matches("form=\"what-you-get\" formnovalidate").count();
        assert_eq!(buttons(&page), 4, "three pauses, and leaving: {}", page.body);
        let paused = visitor.submit_and_follow(&page.form("#choices").and("list", &appeals).with("name", "Ann").and("press", "pause-2")).await;
        paused.says("Saved. You now get Appeals. We greet you as Ann.").says("Paused until 17 March 2026");
        assert_eq!(joined(&app, ANN).await, ["digest", "appeals"]);
        assert!(!paused.text().contains("It comes all the same"), "what is joined with the pause rests, too");
        let long = "x".repeat(101);
        let on = visitor.submit_and_follow(&paused.form("#choices").with("name", &long).and("press", "go-on")).await;
        assert_eq!(on.status, StatusCode::UNPROCESSABLE_ENTITY);
        on.says("Your pause is over").says("Use at most 100 characters.");
        assert_eq!(on.form("#choices").value("name"), Some(long.as_str()), "what was typed is still there");
        assert_eq!(reader(&app, ANN).await.name, "Ann");
        let off = visitor.submit_and_follow(&on.form("#choices").and("press", "leave-all")).await;
        off.says("You no longer get The digest and Appeals. You are on no list, and get nothing more from us.");
        assert_eq!(joined(&app, ANN).await, Vec::<String>::new());
        // One press takes that back.
        let back = visitor.submit_and_follow(&off.form("#choices")).await;
        back.says("Saved. You now get The digest and Appeals.");
        assert_eq!(joined(&app, ANN).await, ["digest", "appeals"]);
        app.leaves_work();
    }

    /// What a form asked stands on the page of whoever came by it, also who joined at once and whose answers were nobody's; and what was
    /// taken back by mistake is typed again there.
    async fn answers_to_the_form_that_somebody_came_by_are_given_on_their_page(app: TestApp) {
        for label in ["First name", "Of another form", "By nobody"] {
            let new = fields::NewField { label, kind: fields::FieldKind::Text, choices: "", stands_in: fields::StandsIn::Desk };
            fields::add(&app.site, 1, new).await.expect("a field");
        }
        let insert = "insert into form (slug, name, title, intro, wording, offers, campaign, source, sites, state) values ('fair', 'Fair', '', '', '', 'all', '', '', '', 'open'),
            ('other', 'Other', '', '', '', 'all', '', '', '', 'open')";
        change(&app.site.db, insert).await;
        change(&app.site.db, "insert into form_field (form_id, field_id, place, answer) select m.id, f.id, f.id, 'required' from form m, field f
            where (m.slug = 'fair' and f.name = 'first_name') or (m.slug = 'other' and f.name = 'of_another_form')").await;
        change(&app.site.db, "update list set opt_in = 'single'").await;
        let visitor = app.visitor();
        let form = visitor.open("/subscribe/fair").await.form("/subscribe/fair");
        let form = form.with("email", ANN).with("consent", "yes").with("field_first_name", "Ann");
        let sent = visitor.submit_and_follow(&form).await;
        sent.says("If we may write to ann@example.org now").says("what you answered in the form beside your address was not kept");
        app.drain().await;
        assert_eq!(joined(&app, ANN).await, ["digest"], "at once");
        let answers = async || fields::of_reader(&app.site.db, reader(&app, ANN).await.id).await.expect("a read").len();
        assert_eq!(answers().await, 0, "a stranger may have typed it");
        let page = visitor.open(&app.last_mail(ANN).link("/preferences/")).await;
        assert_eq!(page.form("#choices").value("field_first_name"), Some(""));
        assert!(!page.body.contains("field_of_another_form") && !page.body.contains("field_by_nobody"), "{}", page.body);
        visitor.submit_and_follow(&page.form("#choices").with("field_first_name", "Ann")).await.says("Your answer is kept: First name.");
        assert_eq!(answers().await, 1);
        // An answer to a form that they did not come by, such as one that was brought in.
        change(&app.site.db, "insert into field_value (subscriber_id, field_id, value) select s.id, f.id, 'x' from subscriber s, field f
            where s.email = 'ann@example.org' and f.name = 'by_nobody'").await;
        let emptied = visitor.open(page.url.as_str()).await.form("#choices").and("field_by_nobody.gone", "yes");
        let emptied = visitor.submit_and_follow(&emptied).await;
        emptied.says("Your answer is taken back: By nobody.");
        let again = visitor.submit_and_follow(&emptied.form("#choices").with("field_by_nobody", "y")).await;
        again.says("Your answer is kept: By nobody.");
        assert_eq!(answers().await, 2);
        app.leaves_work();
    }

    /// A mistyped address is asked about before anything is looked for, as on the form to subscribe, known or not.
    async fn who_mistypes_their_address_is_asked_what_they_meant(app: TestApp) {
        app.reader("nora@gmail.com").await;
        let had = app.mails("nora@gmail.com").len();
        let visitor = app.visitor();
        let form = visitor.open("/choices").await.form("/choices");
        for who in ["nora@gmial.com", "nobody@gmial.com"] {
            let asked = visitor.submit_and_follow(&form.clone().with("email", who)).await;
            asked.says(&format!("Did you mean {}?", who.replace("gmial", "gmail"))).says("Type it anew");
            visitor.submit_and_follow(&asked.form("/choices").with("use", &who.replace("gmial", "gmail"))).await.says("Check your mail");
        }
        app.drain().await;
        assert_eq!(app.mails("nora@gmail.com").len(), had + 1);
        // Who means it as it stands is taken by their word.
        let asked = visitor.submit_and_follow(&form.with("email", "nora@gmial.com")).await;
        visitor.submit_and_follow(&asked.form("/choices").with("use", "nora@gmial.com")).await.says("If nora@gmial.com is the address of a reader");
        app.leaves_work();
    }

    /// TRUST A22, A24: whoever types an address learns nothing of it. A reader gets the link, once a day; nobody else gets anything.
    async fn the_link_is_mailed_to_readers_alone(app: TestApp) {
        app.reader(ANN).await;
        app.reader("left@example.org").await;
        let list = app.list().await;
        subscribers::leave_by_staff(&app.site, app.reader_row("left@example.org").await, list, "a test").await.expect("left");
        app.subscribe("asked@example.org").await;
        app.reader("blocked@example.org").await;
        let blocked = "blocked@example.org".parse().expect("an address");
        subscribers::block(&app.site, &blocked, "never again", None).await.expect("blocked");
        let visitor = app.visitor();
        let form = visitor.open("/choices").await.form("/choices");
        let mails = |who: &str| app.mails(who).len();
        let before = ["left@example.org", "asked@example.org", "blocked@example.org"].map(mails);
        let mut answers = Vec::new();
        for who in [ANN, "nobody@example.org", "left@example.org", "asked@example.org", "blocked@example.org"] {
            let sent = visitor.submit_and_follow(&form.clone().with("email", who)).await;
            sent.says(&format!("If {who} is the address of a reader"));
            answers.push((sent.status, sent.url.path().to_owned(), sent.body.replace(who, "(who)")));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        assert_eq!((answers[0].0, answers[0].1.as_str()), (StatusCode::OK, "/choices/sent"));
        visitor.open("/choices/sent").await.says("If that is the address of a reader");
        app.drain().await;
        assert_eq!(["left@example.org", "asked@example.org", "blocked@example.org"].map(mails), [before[0] + 1, before[1], before[2]]);
        assert!(app.mails("nobody@example.org").is_empty());
        let letter = app.last_mail(ANN);
        assert!(letter.subject.starts_with("Choose what you get"), "{}", letter.subject);
        visitor.open(&letter.link("/preferences/")).await.says("Mail goes to a***@example.org");
        let had = mails(ANN);
        visitor.submit_and_follow(&form.clone().with("email", "ANN@example.org")).await;
        app.drain().await;
        assert_eq!(mails(ANN), had, "one a day");
        app.advance(DAY + Duration::from_secs(1));
        visitor.submit_and_follow(&form.with("email", ANN)).await;
        app.drain().await;
        assert_eq!(mails(ANN), had + 1);
        // Who left may still read what is held about them, and have it forgotten (TRUST L7, L8): by one letter a week.
        visitor.open(&app.last_mail("left@example.org").link("/preferences/")).await.says("What we hold about you");
        for (days, more) in [(2, 0), (6, 1)] {
            app.advance(DAY * days);
            visitor.submit_and_follow(&visitor.open("/choices").await.form("/choices").with("email", "left@example.org")).await;
            app.drain().await;
            assert_eq!(mails("left@example.org"), before[0] + 1 + more);
        }
        let wrong = visitor.submit_and_follow(&visitor.open("/choices").await.form("/choices").with("email", "ann@")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    /// TRUST A24: a stranger who types spellings of a mailbox keeps nobody from their link; one network asks ten times in a quarter of
    /// an hour; where many networks do, a browser works first, and then nobody is kept out. Sign-ups are as free as before.
    async fn no_flood_keeps_a_reader_from_their_link(app: TestApp) {
        app.reader(ANN).await;
        let had = app.mails(ANN).len();
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        let ask = async |email: &str, ip: &str, crowd: Crowd<'_>| {
            let email: EmailAddress = email.parse().expect("an address");
            subscribers::ask_for_link(&app.site, &settings, (&email, ip), crowd).await
        };
        for n in 0..10 {
            ask(&format!("ann+{n}@example.org"), "192.0.2.1", Crowd::Unasked).await.expect("taken");
        }
        assert!(matches!(ask(ANN, "192.0.2.1", Crowd::Unasked).await, Err(SubscriberError::TooMany(_))));
        for n in 10..120 {
            ask(&format!("x{n}@example.org"), &format!("198.51.{n}.1"), Crowd::Unasked).await.expect("taken");
        }
        let crowded = ask(ANN, "203.0.113.1", Crowd::Unasked).await;
        assert!(matches!(crowded, Err(SubscriberError::Crowded)), "{crowded:?}");
        let challenge = machines::challenge(&app.site);
        let answer = (0..u64::MAX).map(|n| n.to_string()).find(|n| machines::answers(&challenge, n)).expect("one");
        ask(ANN, "203.0.113.1", Crowd::Worked(&challenge, &answer)).await.expect("it was worked for");
        let again = ask(BOB, "203.0.113.1", Crowd::Worked(&challenge, &answer)).await;
        assert!(matches!(again, Err(SubscriberError::Crowded)), "a challenge is good once: {again:?}");
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), had + 1);
        app.reader(BOB).await;
        assert_eq!(joined(&app, BOB).await, ["digest"], "sign-ups have a budget of their own");
        let told: Vec<(String,)> = rows(&app.site.db, "select what from limit_used_up").await;
        assert_eq!(told, [("choices".to_owned(),)], "the owners hear of it");
    }

    /// TRUST L10: staff send the link to who asked, once an hour; the log has it.
    async fn staff_send_the_link(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann) = (app.desk().await, reader(&app, ANN).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let form = desk.open(&page).await.form("/choices-link");
        desk.submit_and_follow(&form).await.says("The link to their choices is on its way");
        app.drain().await;
        let letter = app.last_mail(ANN);
        app.visitor().open(&letter.link("/preferences/")).await.says("What you get");
        let had = app.mails(ANN).len();
        desk.submit_and_follow(&form).await.says("was sent within the last hour");
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), had);
        let wanted = audit_log::WantedLines { subject: Some(&ann.public_id), ..audit_log::WantedLines::default() };
        let lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
        assert_eq!(lines.iter().map(|one| one.action.as_str()).collect::<Vec<_>>(), ["sent the link to their choices"]);
        subscribers::leave_by_staff(&app.site, ann.id, app.list().await, "a test").await.expect("left");
        desk.submit_and_follow(&form).await.says("was sent within the last hour");
        desk.open(&page).await.form("/choices-link");
        app.drain().await;
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
        paused.says("Their mail is paused").says("Paused until 31 March 2026");
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
        let wanted = audit_log::WantedLines { subject: Some(&ann.public_id), ..audit_log::WantedLines::default() };
        let lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
        let deeds: Vec<(&str, &str)> =
            lines.iter().rev().map(|one| (one.action.as_str(), one.detail.as_str())).collect();
        let known = [
            ("paused a reader", "until 2026-03-31T", "Z: asked by telephone"),
            ("ended a reader’s pause", "the one until 2026-03-17T", "Z: they are back"),
        ];
        let is_so = |(deed, known): (&(&str, &str), &(&str, &str, &str))| {
            deed.0 == known.0 && deed.1.starts_with(known.1) && deed.1.ends_with(known.2)
        };
        assert!(deeds.len() == known.len() && deeds.iter().zip(&known).all(is_so), "{deeds:?}");
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
    for (label, stands_in) in [("Town", fields::StandsIn::Mails), ("Telephone", fields::StandsIn::Desk)] {
        let new = fields::NewField { label, kind: fields::FieldKind::Text, choices: "", stands_in };
        fields::add(&app.site, 1, new).await.expect("a field");
    }
    change(&app.site.db, "insert into field_value (subscriber_id, field_id, value) select s.id, f.id, 'Hull' from subscriber s, field f").await;
    browser.goto(&app.url(&format!("/preferences/{}", token(&app, ANN).await))).await;
    browser.sound("choices").await;
    browser.click("2 weeks, until 17 March 2026").await;
    browser.wait_for_text("Paused until 17 March 2026").await;
    browser.sound("choices-paused").await;
    // Back finds its way, and so does forth.
    browser.script("history.back()").await;
    browser.wait_for_text("Take a break").await;
    browser.script("history.forward()").await;
    browser.wait_for_text("Go on sooner").await;
    browser.click("Go on now").await;
    browser.wait_for_text("Your pause is over").await;
    browser.sound("choices-go-on").await;
    app.drain().await;
    browser.fill("Your name", "Ann").await;
    browser.click("Save").await;
    browser.wait_for_text("We greet you as Ann").await;
    browser.sound("choices-saved").await;
    // The return key saves: it presses no button that stands elsewhere on the page.
    browser.fill("Your name", "Anna\u{e007}").await;
    browser.wait_for_text("We greet you as Anna").await;
    browser.click("Leave every list").await;
    browser.wait_for_text("You are on no list").await;
    browser.sound("choices-left-all").await;
    browser.click("That was a mistake: undo").await;
    browser.wait_for_text("You now get The digest").await;
    browser.click("See what you hold about me").await;
    browser.wait_for_text("Look into your mailbox").await;
    browser.sound("choices-copy-asked").await;
    app.drain().await;
    browser.goto(&app.url("/choices")).await;
    browser.sound("choices-by-mail").await;
    browser.fill("The address to which we write", ANN).await;
    browser.click("Mail me the link").await;
    browser.wait_for_text("Check your mail").await;
    browser.sound("choices-sent").await;
    app.drain().await;
    browser.goto(&app.last_mail(ANN).link("/preferences/")).await;
    browser.wait_for_text("What you get").await;
    browser.goto(&app.url("/preferences/AAAA")).await;
    browser.wait_for_text("Mail me a new link").await;
    browser.sound("choices-dead").await;
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
