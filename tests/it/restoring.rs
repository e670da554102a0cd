//! A backup is restored, or a copy is started: what is sent from it, whose links open what, and what it says (TRUST T10, F30).

use std::{sync::Arc, time::Duration};

use axum::http::{Method, StatusCode, header::CONTENT_TYPE};
use broadside::{
    db::Engine as DbEngine,
    delivery::{self, Engine, EngineOptions, Lock},
    donations,
    editions::EditionState,
    email_address::EmailAddress,
    origin::{self, Doubt, Positions, Standing},
    publishing::{self, HaveIt},
    restored::restored,
    staff::{self, NewMember, Role},
    subscribers::{self, SubscriptionState},
};

use crate::{
    command_line::text,
    support::{Fixture, TestApp, TestDb, both_engines, database, program::Program, scratch, wait},
};

const DAY: Duration = Duration::from_secs(86_400);

fn options(app: &TestApp, position: &Arc<Positions>) -> EngineOptions {
    EngineOptions { positions: Some(position.clone()), ..app.engine(2) }
}

/// Sends everything that is due, as a process with a file of its position does.
async fn send(app: &TestApp, position: &Arc<Positions>) {
    let options = options(app, position);
    Engine::run_until_idle(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
}

fn position() -> Arc<Positions> {
    let folder = scratch::folder().join("position");
    std::fs::create_dir(&folder).expect("our own folder");
    Arc::new(Positions::new(folder))
}

async fn schedule(app: &TestApp, subject: &str, wait: Duration) -> publishing::Edition {
    let draft = app.draft(subject).await;
    let at = app.site.now().plus(wait);
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, Some(at), None);
    pressed.await.expect("nothing is in the way");
    draft
}

async fn message_ids(app: &TestApp, edition: i64) -> Vec<String> {
    let rows = "select edition_id, subscriber_id from delivery order by 1, 2";
    let mut ids = Vec::new();
    for (_, reader) in
        database::rows::<(i64, i64)>(&app.site.db, rows).await.iter().filter(|row| row.0 == edition)
    {
        ids.push(app.names(edition, *reader).await.message_id(&app.site).expect("it has one"));
    }
    ids
}

async fn is_on_the_list(app: &TestApp, email: &str) -> bool {
    let known = subscribers::subscriptions(&app.site.db, app.reader_row(email).await).await.expect("a read");
    known.iter().any(|one| one.state == SubscriptionState::Confirmed)
}

async fn one_click(app: &TestApp, link: &str) {
    let visitor = app.visitor();
    // The link was made under the lost one's address.
    let path = url::Url::parse(link).expect("an address").path().to_owned();
    let request =
        visitor.request(Method::POST, &path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(visitor.send(request.body("List-Unsubscribe=One-Click")).await.status, StatusCode::OK);
}

both_engines! {
    /// The whole drill: people, an edition, a gift and sessions that came after the backup, and then the backup in its place.
    async fn a_restored_backup_mails_nobody_twice_and_opens_no_strangers_door(db: TestDb) {
        let app = TestApp::start(db.clone()).await;
        app.leaves_work();
        let position = position();
        assert_eq!(origin::arrive(&app.site, Some(&position)).await.expect("a start"), Standing::AtHome);
        app.reader("ann@example.org").await;
        app.reader("bob@example.org").await;
        send(&app, &position).await;
        let tomorrow = schedule(&app, "For tomorrow", DAY).await;
        let half = app.seal_edition("Half of it went out").await;
        let before = app.desk().await;
        let eve = EmailAddress::parse("eve@example.org").expect("an address");
        let member = NewMember { name: "Eve Editor", email: &eve, role: Role::Editor };
        let invitation = staff::add_member(&app.site, None, member).await.expect("invited").path;

        let backup = db.restored_copy().await;

        // What the backup does not know: somebody joins, two editions go out, somebody gives.
        app.reader("cat@example.org").await;
        let cat = app.last_mail("cat@example.org").link("/confirm/");
        app.drain().await;
        let lost = app.send_edition("Lost").await;
        let lost_ids = message_ids(&app, lost).await;
        let cats = app.links(lost, app.reader_row("cat@example.org").await).await;
        app.give("dora@example.org", "20", "once").await;
        assert_eq!(app.mails("dora@example.org").len(), 1, "the receipt");
        send(&app, &position).await;
        let engine = options(&app, &position);
        app.subscribe_only("late@example.org").await;
        Engine::run_until_idle(app.site.clone(), app.templates.clone(), engine).await.expect("it starts");

        // The backup is started in its place, and nobody said so: nothing leaves, also not what is due.
        let again = app.restored_from(backup).await;
        again.leaves_work();
        assert_eq!(
            origin::arrive(&again.site, Some(&position)).await.expect("a start"),
            Standing::Doubtful(Doubt::Behind)
        );
        again.advance(DAY + DAY);
        again.drain().await;
        assert_eq!(again.sandbox.mailbox().count(), 0);
        // An owner says so at the desk.
        let desk = again.desk().await;
        desk.open("/desk/readers").await.says("this is an older state of the magazine");
        let page = desk.open("/desk/address").await;
        page.says("It does not know who left, who was mailed and who gave since");
        let desk_form = page.form("/desk/address").with("is", "backup");
        again.subscribe_only("dan@example.org").await;
        let unanswered = again.visitor().open(&invitation).await;
        assert_ne!(unanswered.status, StatusCode::OK, "nobody joins a state that may be an older one");
        let page = desk.submit_and_follow(&page.form("/desk/address").with("is", "backup")).await;
        page.says("What to look at since the backup was restored").says("Half of it went out").says("For tomorrow").says("Olive Owner");
        page.says("joined, confirmed or left: 3 March 2026");
        page.says("Sessions of others at the desk: 2. Invitations and sign-in links: 1.");
        assert_eq!(before.open(&again.url("/desk")).await.leads_to().expect("signed out").path(), "/desk/sign-in");
        let joined = again.visitor().open(&invitation).await;
        assert_ne!(joined.status, StatusCode::OK, "an unused invitation opens nothing: {}", joined.body);
        // A second answer to the same question changes nothing: everything is settled.
        let held = publishing::held(&again.site.db).await.expect("a list").len();
        desk.submit(&desk_form).await;
        assert_eq!((held, publishing::held(&again.site.db).await.expect("a list").len()), (2, 2));
        assert_eq!(desk.open("/desk").await.status, StatusCode::OK);
        assert_eq!(origin::look(&again.site).await.expect("a look"), Standing::AtHome);
        assert_eq!(desk.open("/desk").await.status, StatusCode::OK, "whoever said so stays signed in");
        again.drain().await;
        assert_eq!(again.sandbox.mailbox().count(), 1, "editions are held until somebody looked; news goes out");
        assert_eq!(again.mails("dan@example.org").len(), 1, "who asked while nobody had said so gets their mail");

        // The same numbers are given to others; nothing that was mailed speaks of them.
        again.reader("dan@example.org").await;
        assert_eq!(
            again.reader_row("dan@example.org").await,
            app.reader_row("cat@example.org").await,
            "the test is about a number that is given again"
        );
        let sent = again.send_edition("The next").await;
        assert!(message_ids(&again, sent).await.iter().all(|id| !lost_ids.contains(id)));
        one_click(&again, &cats.unsubscribe).await;
        assert!(is_on_the_list(&again, "dan@example.org").await, "a lost reader's link takes nobody off");
        for link in [&cats.preferences, &cats.view, &cat] {
            let path = url::Url::parse(link).expect("an address").path().to_owned();
            let page = again.visitor().open(&path).await;
            assert!(!page.body.contains("dan@example.org") && page.status != StatusCode::OK, "{path}: {}", page.body);
        }

        // Gifts come back from the provider, and their receipts do not go out again.
        let provider = again.payments.provider.clone();
        donations::poll_provider(&again.site, provider.as_ref()).await.expect("the provider tells");
        donations::process_inbox(&again.site, provider.as_ref()).await.expect("it is worked on");
        again.drain().await;
        assert_eq!(donations::totals(&again.site.db).await.expect("totals").len(), 1, "the gift is booked");
        assert_eq!(again.mails("dora@example.org").len(), 0, "the receipt is not sent twice");

        // Bob has the half already; ann does not.
        let half = publishing::load(&again.site.db, half).await.expect("the edition");
        assert_eq!(half.state, EditionState::Held);
        let release = format!("/desk/editions/{}/release", half.public_id);
        let log = "to=<BOB@example.org>, relay=mx.example.org, status=sent";
        desk.submit_and_follow(&desk.open(&release).await.form("/release").with("named", log).with("press", "named")).await
            .says("They get no second copy");
        let said = desk.open(&release).await;
        said.says("1 reader counted as having it already");
        let stale = desk.open(&format!("/desk/editions/{}", half.public_id)).await.form("/resume");
        desk.submit(&said.form("/release").with("press", "nobody")).await;
        let refused = desk.submit(&stale).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "who has it changed since that page was opened");
        let nobody = desk.submit(&said.form("/release").with("named", "nobody@example.org").with("press", "named")).await;
        assert!(nobody.body.contains("None of the readers who wait for a copy is named there"), "{}", nobody.body);
        desk.submit(&said.form("/release").with("named", log).with("press", "named")).await;
        // What was not locked yet is locked first, and nobody is mailed by that.
        let release = format!("/desk/editions/{}/release", tomorrow.public_id);
        desk.submit_and_follow(&desk.open(&release).await.form("/release").with("press", "lock")).await.says("Whoever you name here gets no second copy");
        again.drain().await;
        let page = desk.open(&release).await;
        let nobody = desk.submit(&page.form("/release").with("press", "up-to").with("up_to", "nobody@example.org")).await;
        assert!(nobody.body.contains("Nobody in this edition has that address"), "{}", nobody.body);
        desk.submit(&page.form("/release").with("press", "up-to").with("up_to", "ann@example.org")).await;
        for edition in [&half.public_id, &tomorrow.public_id] {
            let path = format!("/desk/editions/{edition}");
            desk.submit(&desk.open(&path).await.form("/resume")).await;
        }
        again.drain().await;
        let subjects = |to: &str| -> Vec<String> {
            again.mails(to).iter().map(|mail| mail.header("Subject").expect("it has one").clone()).collect()
        };
        assert_eq!(subjects("ann@example.org"), ["The next", "Half of it went out"]);
        assert_eq!(subjects("bob@example.org"), ["The next", "For tomorrow"]);
        for id in [half.id, tomorrow.id] {
            let audit = delivery::audit_copies(&again.site.db, id).await.expect("an audit");
            assert!(audit.holds() && audit.rows.open == 0 && audit.rows.unknown == 1, "{audit:?}");
        }
        again.finish().await;
    }

    /// A copy with the same settings, started beside the magazine or on another machine, sends nothing and asks.
    async fn a_copy_in_another_place_sends_nothing(db: TestDb) {
        let app = TestApp::start(db.clone()).await;
        app.leaves_work();
        let position = position();
        origin::arrive(&app.site, Some(&position)).await.expect("a start");
        app.readers(3).await;
        let once = schedule(&app, "Once only", DAY).await;
        let half = app.seal_edition("Held back").await;
        database::change(&app.site.db, "update edition set state = 'held', held_because = 'restored' where state = 'sending'").await;

        let copy = app.restored_from(db.restored_copy().await).await;
        copy.leaves_work();
        let elsewhere = Standing::Doubtful(Doubt::Elsewhere);
        assert_eq!(origin::arrive(&copy.site, None).await.expect("a start"), elsewhere);
        assert_eq!(origin::arrive(&copy.site, None).await.expect("a start"), elsewhere, "twice is no answer");
        copy.advance(DAY + DAY);
        copy.drain().await;
        assert_eq!(copy.sandbox.mailbox().count(), 0);
        let desk = copy.desk().await;
        desk.open("/desk").await.says("this may be a copy of the magazine");
        // Its pages do not say what they cannot know, and Send is not pressed before somebody has said what it is.
        let page = desk.open(&format!("/desk/editions/{}", once.public_id)).await;
        page.says("more of this may have gone out than stands here");
        assert!(!page.body.contains("nobody has got anything"), "{}", page.body);
        // Nor is anything else let go out, and nothing is offered that would be refused.
        let half = publishing::load(&copy.site.db, half).await.expect("the edition");
        let path = format!("/desk/editions/{}", half.public_id);
        let page = desk.open(&path).await;
        page.says("before an owner has said what it is").says("Say what this database is");
        for act in ["/resume", "/release"] {
            assert!(!page.body.contains(act), "{act}: {}", page.body);
        }
        let (version, fingerprint) = (half.version(), "");
        let seen = publishing::SeenEdition { version: &version, fingerprint };
        let resumed = publishing::resume(&copy.site, &copy.templates, &half.public_id, seen, None).await;
        assert!(matches!(resumed, Err(publishing::Error::Doubtful)), "{resumed:?}");
        let draft = copy.draft("From the copy").await;
        let pressed = publishing::press_send(&copy.site, &copy.templates, draft.id, draft.revision, None, None).await;
        let Err(publishing::Error::NotReady(problems)) = pressed else { panic!("{pressed:?}") };
        assert_eq!(problems, [publishing::Problem::Doubtful]);
        let deleted = publishing::delete_draft(&copy.site, &draft.public_id, &draft.version(), None).await;
        assert!(matches!(deleted, Err(publishing::Error::Doubtful)), "{deleted:?}");
        let page = desk.open("/desk/address").await;
        desk.submit_and_follow(&page.form("/desk/address").with("is", "moved")).await.says("The magazine lives here now");
        assert_eq!(origin::look(&copy.site).await.expect("a look"), Standing::AtHome);
        assert!(desk.open(&path).await.body.contains("/resume"), "then it can go on");
        assert_eq!(origin::arrive(&copy.site, None).await.expect("a start"), Standing::AtHome);
        // Where it came from, nothing has changed.
        assert_eq!(origin::arrive(&app.site, Some(&position)).await.expect("a start"), Standing::AtHome);
    }

    /// Whoever says on the command line that the magazine moved does not silence a process that works on the database.
    async fn a_running_process_is_not_made_a_stranger_by_a_command(app: TestApp) {
        app.leaves_work();
        let mut running = Program::serve(&app, &[]);
        wait::until("the process to work", async || {
            let living = "select id from worker where stopped_at is null";
            (!database::rows::<(i64,)>(&app.site.db, living).await.is_empty()).then_some(())
        })
        .await;
        let settings = [
            ("BASE_URL", "https://moved.example.org"),
            ("DATABASE_URL", app.database_url.as_str()),
            ("SUPPRESSION_SECRET", crate::support::app::SUPPRESSION_SECRET),
        ];
        let output = crate::command_line::broadside(&["settings", "confirm-address"], &settings);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains("a process works on this database"), "{}", text(&output.stderr));
        running.signal("TERM");
        assert!(running.ended(Duration::from_secs(60)).await.success());
        assert_eq!(origin::look(&app.site).await.expect("a look"), Standing::AtHome);
        let output = crate::command_line::broadside(&["settings", "confirm-address"], &settings);
        assert!(output.status.success(), "{}", text(&output.stderr));
        for words in ["without a redirect", "https://moved.example.org/hooks/stripe", "BOUNCE_ADDRESS"] {
            assert!(text(&output.stdout).contains(words), "{words}: {}", text(&output.stdout));
        }
        assert!(matches!(origin::look(&app.site).await.expect("a look"), Standing::Abroad(_)));
    }

    /// TRUST M6: another SECRET than the magazine was run with is told at once, by who restores and by the doctor, and not where
    /// the old one is still named; whoever lost it can say so.
    async fn another_secret_is_told_at_once(app: TestApp) {
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        let run = |arguments: &[&str], settings: &[(&str, &str)]| {
            let output = Program::run_by(&app, "exec \"$0\" \"$@\"", arguments, settings);
            text(&output.stdout) + &text(&output.stderr)
        };
        const SAID: &str = "SECRET is not the one that this magazine was run with";
        let other = ("SECRET", "another root secret, which is long enough");
        let old = format!("1:{}", crate::support::app::SECRET);
        let rotated = [("SECRET", "2:another root secret, which is long enough"), ("OLD_SECRETS", old.as_str())];
        assert!(run(&["restored"], &[other]).contains(SAID));
        assert!(run(&["doctor"], &[other]).contains(SAID));
        for well in [&[][..], &rotated] {
            for command in ["restored", "doctor"] {
                let said = run(&[command], well);
                assert!(!said.contains(SAID), "{command}: {said}");
            }
        }
        assert!(run(&["settings", "accept-secret"], &[]).contains("nothing was changed"));
        assert!(run(&["settings", "accept-secret"], &[other]).contains("holds from now on"));
        assert!(!run(&["restored"], &[other]).contains(SAID));
        assert!(run(&["restored"], &[]).contains(SAID));
    }

    /// A crash is no restore: whatever the moment, the same database beside its own file is at home.
    async fn a_database_that_was_killed_is_at_home_again(app: TestApp) {
        let position = position();
        origin::arrive(&app.site, Some(&position)).await.expect("a start");
        for round in 0..3 {
            app.subscribe_only(&format!("reader{round}@example.org")).await;
            position.keep_up(&app.site.db).await.expect("it is written");
            app.advance(Duration::from_secs(1));
            send(&app, &position).await;
            let start = origin::arrive(&app.site, Some(&position)).await.expect("a start");
            assert_eq!(start, Standing::AtHome);
        }
    }

    /// The same backup is put back twice, and each time somebody says so: the second answer counts, too.
    async fn a_backup_that_is_put_back_twice_is_settled_twice(app: TestApp) {
        app.leaves_work();
        let position = position();
        origin::arrive(&app.site, Some(&position)).await.expect("a start");
        app.subscribe_only("ann@example.org").await;
        send(&app, &position).await;
        // As if a backup stood here from before what the files tell: it knows neither their claims nor their epoch.
        for epoch in ["update origin set epoch = 'an older one'", "update origin set epoch = 'the same older one'"] {
            database::change(&app.site.db, "delete from settled_epoch").await;
            database::change(&app.site.db, "delete from worker_position").await;
            database::change(&app.site.db, epoch).await;
            let start = origin::arrive(&app.site, Some(&position)).await.expect("a start");
            assert_eq!(start, Standing::Doubtful(Doubt::Behind));
            restored(&app.site, None, None, (None, Some(&position))).await.expect("it is said");
            assert_eq!(origin::look(&app.site).await.expect("a look"), Standing::AtHome);
            assert_eq!(origin::arrive(&app.site, Some(&position)).await.expect("a start"), Standing::AtHome);
            app.subscribe_only(&format!("reader{}@example.org", epoch.len())).await;
            send(&app, &position).await;
        }
    }

    /// What tells how far the database had come is gone: on one machine alone that is a question.
    async fn a_database_whose_position_is_missing_asks(app: TestApp) {
        app.leaves_work();
        let position = position();
        origin::arrive(&app.site, Some(&position)).await.expect("a start");
        for round in 0..3 {
            app.subscribe_only(&format!("reader{round}@example.org")).await;
            send(&app, &position).await;
        }
        let other = self::position();
        let start = origin::arrive(&app.site, Some(&other)).await.expect("a start");
        let asks = app.site.db.engine() == DbEngine::Sqlite;
        let expected = if asks { Standing::Doubtful(Doubt::Elsewhere) } else { Standing::AtHome };
        assert_eq!(start, expected, "other machines of a shared database have files of their own");
    }

    /// Files of another database that was used with the same folder say nothing of this one.
    async fn files_of_another_database_are_of_no_account(db: TestDb) {
        let app = TestApp::start(db.clone()).await;
        let position = position();
        origin::arrive(&app.site, Some(&position)).await.expect("a start");
        let copy = app.restored_from(db.restored_copy().await).await;
        copy.leaves_work();
        origin::arrive(&copy.site, Some(&position)).await.expect("a start");
        let place = origin::place(&copy.site.db).await.expect("a place");
        let mut tx = copy.site.db.begin().await.expect("a transaction");
        origin::confirm(&mut tx, &copy.site, &place, None).await.expect("it is at home there");
        tx.commit().await.expect("a commit");
        copy.subscribe_only("somebody@example.org").await;
        send(&copy, &position).await;
        assert_eq!(origin::arrive(&app.site, Some(&position)).await.expect("a start"), Standing::AtHome);
        assert_eq!(origin::arrive(&copy.site, Some(&position)).await.expect("a start"), Standing::AtHome);
    }

    /// `broadside restored`, as somebody at a terminal meets it.
    async fn the_command_says_what_was_done_and_what_to_look_at(app: TestApp) {
        app.readers(2).await;
        app.leaves_work();
        let edition = schedule(&app, "For tomorrow", DAY).await;
        let output = Program::run(&app, &["restored"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        for words in ["1 editions are held back", "For tomorrow", &edition.public_id, "Olive Owner (owner)", "a gift was paid: never"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        // Nothing was ever written down beside this one.
        assert!(said.contains("NOTHING IS SENT from it, for withdrawals may be missing"), "{said}");
        let output = Program::run(&app, &["withdrawals", "go-on"]);
        assert!(text(&output.stdout).contains("Mail goes out again"), "{}", text(&output.stderr));
        let output = Program::run(&app, &["edition", "have-it", &edition.public_id, "--up-to", "reader1@example.org"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("1 readers have it already"), "{}", text(&output.stdout));
        let none = Program::run(&app, &["edition", "have-it", &edition.public_id, "--up-to", "nobody@example.org"]);
        assert_eq!(none.status.code(), Some(1));
        assert!(text(&none.stderr).contains("nobody in that edition has this address"));
        let who = HaveIt::named_in("reader2@example.org");
        assert_eq!(publishing::have_it(&app.site, &edition.public_id, &who, None).await.expect("said"), 1);
    }
}

/// A second process on a SQLite database is refused before it has changed anything: no migration, no address, no file.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_changes_nothing_before_it_is_refused() {
    let db = TestDb::empty(DbEngine::Sqlite).await.expect("SQLite is always there");
    let file = db.url.trim_start_matches("sqlite:").to_owned();
    let lock = Lock::take(format!("{file}.lock").as_ref()).expect("nobody has it");
    let tables = "select count(*) from sqlite_schema";
    for command in ["serve", "migrate", "restored"] {
        let output = crate::command_line::broadside(
            &[command],
            &[
                ("DATABASE_URL", &db.url),
                ("SMTP_URL", "smtp://127.0.0.1:1?tls=none"),
                ("LISTEN", "127.0.0.1:0"),
                ("BASE_URL", "https://second.example.org"),
            ],
        );
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = text(&output.stderr);
        assert!(said.contains("another process is working on this database"), "{command}: {said}");
        assert_eq!(database::rows::<(i64,)>(&db.db, tables).await, [(0,)], "{command}");
    }
    drop(lock);
    let output = crate::command_line::broadside(&["migrate"], &[("DATABASE_URL", &db.url)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}
