//! Tasks of the engine that break off where nobody foresaw it: what they had in hand goes back by what is known of it, they
//! begin again, and everybody else has theirs meanwhile.

use std::time::Duration;

use broadside::{
    delivery::{self, Ended, Engine, EngineError, EngineOptions, take_back_from_the_dead},
    editions::{EditionState, UnknownPolicy},
    publishing,
    relays::RelayOptions,
    sandbox::{Rule, Stage},
    site::Site,
    tasks::{Breaks, Task},
};

use crate::support::{
    TestApp, both_engines, database,
    trap::{self, At, Times},
    verify::{mailbox, verify},
    wait,
};

const READERS: usize = 60;
const POISON: &str = "reader7@example.org";
const CONNECTIONS: usize = 3;
/// More than it takes until what was in hand is tried again.
const LATER: Duration = Duration::from_secs(61);
const ALWAYS: usize = usize::MAX;

/// Sends what is due over a connection that breaks off at one reader's copy.
async fn send(app: &TestApp, at: At, times: &Times) -> Breaks {
    let relay = trap::relay(&app.relay, at, POISON, times);
    let options = EngineOptions::new(vec![RelayOptions::unlimited(relay, CONNECTIONS)]);
    let breaks = options.breaks.clone();
    Engine::run_until_idle(app.site.clone(), app.templates.clone(), options).await.expect("it ends well");
    breaks
}

/// State, reason and number of the copies.
async fn states(app: &TestApp) -> Vec<(String, String, i64)> {
    let rows = "select state, coalesce(class, ''), count(*) from delivery group by 1, 2 order by 1, 2";
    database::rows(&app.site.db, rows).await
}

fn state(state: &str, class: &str, count: usize) -> (String, String, i64) {
    (state.to_owned(), class.to_owned(), count as i64)
}

async fn is_finished(app: &TestApp, edition: i64) -> bool {
    let edition = publishing::load(&app.site.db, edition).await.expect("the edition is there");
    edition.state == EditionState::Finished
}

fn is_told(breaks: &Breaks, task: Task) -> bool {
    breaks.untold().iter().any(|(told, words)| *told == task && !words.contains('@'))
}

/// The same magazine for one process whose task breaks off when it asks the database, once the first copy has arrived.
fn trapped(app: &TestApp, task: &'static [&'static str], times: &Times) -> Site {
    let mailbox = app.sandbox.mailbox().clone();
    let db = trap::database(&app.site.db, task, times, move || mailbox.count() > 0);
    Site { db, ..app.site.clone() }
}

const WRITER: &[&str] = &["delivery::writer"];

both_engines! {
    /// TRUST F28: a sender breaks off at one copy, each time, before its body. That copy is set aside the third time; nobody else's
    /// is, nobody waits for it, and nobody gets two.
    async fn a_copy_that_senders_break_off_at_is_set_aside_alone(app: TestApp) {
        app.import_readers(READERS).await;
        let edition = app.seal_edition("Poison").await;
        let times = Times::new(ALWAYS);
        let breaks = send(&app, At::Envelope, &times).await;
        assert!(is_told(&breaks, Task::Send));
        let taken = app.sandbox.mailbox().count();
        assert!(taken >= READERS - 2, "{taken} copies arrived: others waited for one");
        for _ in 0..2 {
            assert!(!is_finished(&app, edition).await);
            app.advance(LATER);
            send(&app, At::Envelope, &times).await;
        }
        assert_eq!(states(&app).await, [state("accepted", "", READERS - 1), state("failed", "broke off", 1)]);
        assert!(is_finished(&app, edition).await);
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().duplicates, verdict.lost), (0, 0), "{verdict}");

        let public_id = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/editions/{public_id}")).await;
        page.says("the program broke off three times while it sent it").says("The program said: the program broke off: a conversation");
        // Once whatever it was is mended, it is sent like any other.
        let form = page.form("/retry");
        desk.submit_and_follow(&form).await;
        app.send().await;
        assert_eq!(states(&app).await, [state("accepted", "", READERS)]);
    }

    /// TRUST F28: whose worker dies while it tries such a copy alone, does not make others wait with it: it stays alone.
    async fn a_copy_that_broke_off_stays_alone_when_its_worker_dies(app: TestApp) {
        app.import_readers(READERS).await;
        let edition = app.seal_edition("Alone").await;
        send(&app, At::Envelope, &Times::new(1)).await;
        let alone = async || {
            let alone = "select subscriber_id from delivery where state = 'queued' and broke_off order by 1";
            database::rows::<(i64,)>(&app.site.db, alone).await
        };
        let before = alone().await;
        assert!(!before.is_empty(), "it broke off");
        for sql in [
            "update delivery set state = 'claimed', claimed_by = 999, attempt = attempt + 1 where state = 'queued' and broke_off",
            "insert into delivery_tally (edition_id, worker_id, state, count) select edition_id, 999, 'queued', -count(*) from delivery where claimed_by = 999 group by 1
                union all select edition_id, 999, 'claimed', count(*) from delivery where claimed_by = 999 group by 1",
            "insert into worker (id, host, pid, base_url, started_at, heartbeat_at, stopped_at)
                select 999, 'gone', 1, base_url, max(started_at), max(heartbeat_at), max(heartbeat_at) from worker group by base_url",
        ] {
            database::change(&app.site.db, sql).await;
        }
        take_back_from_the_dead(&app.site, None).await.expect("its claims are taken back");
        assert_eq!(alone().await, before);
        app.advance(LATER);
        app.send().await;
        assert_eq!(states(&app).await, [state("accepted", "", READERS)]);
        assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());
    }

    /// TRUST F28: an automatic email that a server put off twice is not given up because a sender breaks off at it once.
    async fn an_automatic_email_is_not_given_up_at_the_first_break(app: TestApp) {
        app.subscribe_only(POISON).await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to(POISON).times(2).reply(450, "4.2.1 The mailbox is busy"));
        for _ in 0..2 {
            app.send().await;
            app.advance(Duration::from_secs(86_400));
        }
        assert_eq!(script.reached(Stage::Rcpt), 2);
        send(&app, At::Envelope, &Times::new(1)).await;
        let state = "select state, class from notice";
        let states: Vec<(String, String)> = database::rows(&app.site.db, state).await;
        assert_eq!(states, [("queued".to_owned(), "broke off".to_owned())]);
        app.advance(LATER);
        app.send().await;
        assert_eq!(app.mails(POISON).len(), 1);
    }

    /// TRUST F28, "never guess": a sender that breaks off after the server took the copy leaves it in doubt, as a dead worker
    /// does: it is sent again and flagged, three times at most, or left to staff at once, as the edition says.
    async fn a_copy_that_may_have_been_taken_stays_in_doubt(app: TestApp) {
        app.import_readers(READERS).await;
        for (policy, arrivals) in [(UnknownPolicy::Resend, 3), (UnknownPolicy::Hold, 4)] {
            let edition = app.seal_edition("In doubt").await;
            if policy == UnknownPolicy::Hold {
                let hold = "update edition set unknown_policy = 'hold' where state = 'sending' or state = 'sealed'";
                assert_eq!(database::change(&app.site.db, hold).await, 1);
            }
            let times = Times::new(ALWAYS);
            for _ in 0..3 {
                assert!(is_told(&send(&app, At::Answer, &times).await, Task::Send) || policy == UnknownPolicy::Hold);
                app.advance(LATER);
            }
            assert!(is_finished(&app, edition).await);
            assert_eq!(app.sandbox.mailbox().to(POISON).len(), arrivals);
        }
        let doubtful = 2;
        assert_eq!(states(&app).await, [state("accepted", "", 2 * READERS - doubtful), state("unknown", "broke off", doubtful)]);
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().duplicates, verdict.lost), (2, 0), "{verdict}");
    }

    /// TRUST F28: the writer breaks off with results in hand: they end as by kill -9, in doubt, and it goes on.
    async fn a_writer_that_breaks_off_leaves_its_results_in_doubt_and_goes_on(app: TestApp) {
        app.import_readers(READERS).await;
        let edition = app.seal_edition("A writer").await;
        let site = trapped(&app, WRITER, &Times::new(1));
        let options = app.engine(1);
        let breaks = options.breaks.clone();
        Engine::run_until_idle(site, app.templates.clone(), options).await.expect("it goes on");
        assert!(is_told(&breaks, Task::Record));
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().flagged, verdict.open), (1, 1), "{verdict}");
        app.advance(LATER);
        app.send().await;
        assert!(is_finished(&app, edition).await);
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.lost), (READERS, 0), "{verdict}");
        assert_eq!(verdict.duplicates, 1, "{verdict}");
    }

    /// A writer that cannot go on ends its worker, which says why; what it held is sent by the next one.
    async fn a_writer_that_cannot_go_on_ends_its_worker(app: TestApp) {
        app.import_readers(READERS).await;
        let edition = app.seal_edition("No writer").await;
        let site = trapped(&app, WRITER, &Times::new(ALWAYS));
        let ended = Engine::run_until_idle(site, app.templates.clone(), app.engine(1)).await;
        let Err(EngineError::Ended(Ended::WriterBroke(why))) = ended else { panic!("{ended:?}") };
        assert!(why.contains("a database that nobody foresaw"), "{why}");
        let held = "select count(*) from delivery where state = 'claimed'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, held).await, [(0,)]);
        app.send().await;
        assert!(is_finished(&app, edition).await);
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.lost), (READERS, 0), "{verdict}");
        assert_eq!(verdict.duplicates, 1, "{verdict}");
    }

    /// Whichever other task of the engine breaks off, it goes on: everybody gets one copy, and it is told.
    async fn every_other_task_begins_again(app: TestApp) {
        const TASKS: [(Task, &[&str]); 3] =
            [(Task::Feed, &["engine", "::feed"]), (Task::SharePaces, &["::share_paces"]), (Task::Beat, &["engine", "::beat"])];
        app.import_readers(READERS).await;
        for (task, names) in TASKS {
            let edition = app.seal_edition("A task").await;
            let options = EngineOptions { silence: Duration::from_secs(2), ..app.engine(CONNECTIONS) };
            let breaks = options.breaks.clone();
            let engine = Engine::start(trapped(&app, names, &Times::new(1)), app.templates.clone(), options);
            let engine = engine.await.expect("it starts");
            wait::until(&format!("{task:?} to break off and everybody to have a copy"), async || {
                (is_told(&breaks, task) && is_finished(&app, edition).await).then_some(())
            })
            .await;
            engine.stop().await;
        }
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.flagged), (TASKS.len() * READERS, 0), "{verdict}");
    }
}
