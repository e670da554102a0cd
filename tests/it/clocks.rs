//! Machines whose clocks are wrong: the database's time decides for all that share it, and whoever's clock differs says so.

use std::time::Duration;

use broadside::{
    clock::{Ahead, Clock},
    db::Engine as Database,
    delivery::{self, Engine, EngineOptions},
    doctor::{self, Grade},
    email_address::EmailAddress,
    publishing,
    relays::RelayOptions,
    site::Site,
    smtp_url::RelayLimits,
    staff::{self, Incoming, PasswordCost, Staff},
};

use crate::support::{
    Fixture as _, Program, TestApp, TestDb,
    app::{self, OWNER},
    database, wait,
};

const DAY: Duration = Duration::from_secs(86_400);
/// For what is not to happen.
const A_WHILE: Duration = Duration::from_secs(2);

/// The magazine as a process on another machine has it.
async fn on_a_machine_with(app: &TestApp, own: Clock) -> Site {
    let clock = Clock::of_the_server(own);
    app.site.db.lease_time(&clock).await.expect("the server says what time it is");
    Site { clock, ..app.site.clone() }
}

async fn owner(site: &Site) -> Staff {
    let email = EmailAddress::parse(OWNER.0).expect("an address");
    staff::by_email(&site.db, &email).await.expect("a read").expect("the owner")
}

/// Signs in at one process; whether another lets them in.
async fn is_let_in(at: &Site, then_at: &Site) -> bool {
    let incoming = Incoming::at_the_terminal(PasswordCost::CHEAP);
    let staff = owner(at).await;
    let mut tx = at.db.begin().await.expect("a transaction");
    let token = staff::open_session(&mut tx, at, &staff, &incoming).await.expect("a session");
    tx.commit().await.expect("a commit");
    staff::find_session(then_at, &token.0).await.expect("it can be asked").is_some()
}

/// A worker at a mail service that may be given four messages a day.
async fn start(app: &TestApp, site: &Site) -> Engine {
    let limits = RelayLimits { per_day: Some(4), ..RelayLimits::default() };
    let relay = RelayOptions { limits, ..RelayOptions::unlimited(app.relay.clone(), 2) };
    Engine::start(site.clone(), app.templates.clone(), EngineOptions::new(vec![relay]))
        .await
        .expect("it starts")
}

async fn accepted(app: &TestApp, edition: i64) -> i64 {
    delivery::progress_of(&app.site.db, edition).await.expect("the tallies").accepted
}

/// TRUST F20: of two processes one runs on a machine whose clock is a day ahead, or behind. Nobody is signed out, no edition is held
/// or leaves before its time, no limit is passed and no worker declared dead; and the machine is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_databases_time_decides_on_every_machine() {
    for is_ahead in [true, false] {
        let Some(db) = TestDb::migrated(Database::Postgres).await else { return };
        let app = TestApp::start(db).await;
        let right = on_a_machine_with(&app, Clock::System).await;
        // Tests begin in March 2026; the server does not.
        app.advance(right.now().since(app.site.now()));
        let own = Clock::manual(if is_ahead { right.now().plus(DAY) } else { right.now().minus(DAY) });
        let wrong = on_a_machine_with(&app, own.clone()).await;

        assert!(is_let_in(&right, &wrong).await && is_let_in(&wrong, &right).await, "nobody is signed out");
        own.advance(Duration::from_secs(3_600));
        assert!(is_let_in(&right, &wrong).await, "nor when somebody sets the clock");

        app.readers(7).await;
        let draft = app.draft("At its time").await;
        let later = right.now().plus(Duration::from_secs(7_200));
        let pressed =
            publishing::press_send(&right, &app.templates, draft.id, draft.revision, Some(later), None);
        pressed.await.expect("nothing is in the way");
        let sealed = async || publishing::seal_due(&wrong, &app.templates).await.expect("a round");
        assert_eq!(sealed().await, 0, "two hours before its time");
        database::change(&app.site.db, "update edition set send_at = send_at - 7260000000").await;
        assert_eq!(sealed().await, 1, "a minute after it");
        let held = "select count(*) from edition where state = 'held'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, held).await, [(0,)]);

        let first = start(&app, &right).await;
        wait::until("the day's four", async || (accepted(&app, draft.id).await == 4).then_some(())).await;
        let second = start(&app, &wrong).await;
        let more = async || (accepted(&app, draft.id).await > 4).then_some(());
        assert!(wait::at_most(A_WHILE, more).await.is_none(), "it is the same day on both machines");

        let said = wait::until("the wrong clock to be told", async || {
            doctor::clocks_of_workers(&right).await.into_iter().next()
        })
        .await;
        let by =
            if is_ahead { "server's differ by 24 hours; one" } else { "server's differ by 23 hours; one" };
        assert!(said.grade == Grade::Problem && said.words.contains(by), "{said}");
        let there = doctor::clocks_of_workers(&wrong).await;
        assert_eq!(there, std::slice::from_ref(&said), "the machine's own desk shows it, too");
        let found = app::doctor(&wrong, &app.relay).look_into(&wrong.db, Some(&wrong)).await;
        let told: Vec<_> =
            found.iter().filter(|one| one.words.contains("database server's differ")).collect();
        assert!(told.len() == 1 && told[0].check == said.check, "it is one thing to tell: {told:?}");
        let page = app.desk().await.open("/desk/doctor").await;
        page.says("A clock is wrong").says(&said.sentence());
        let dead = "select count(*) from worker where stopped_at is not null";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, dead).await, [(0,)], "nobody was declared dead");
        let some = "update worker set clock_ahead_us = 30000000 where clock_ahead_us <> 0";
        // Until a worker says again how it is.
        wait::until("a clock that is wrong by little", async || {
            database::change(&app.site.db, some).await;
            let all = doctor::clocks_of_workers(&right).await;
            let page = app.desk().await.open("/desk/doctor").await;
            (all.iter().all(|one| one.grade == Grade::Note) && !page.body.contains("A clock is wrong"))
                .then_some(())
        })
        .await;
        first.stop().await;
        second.stop().await;
        assert_eq!(doctor::clocks_of_workers(&right).await.len(), 0, "it is gone");
        app.leaves_work();
        app.finish().await;
    }
}

/// A worker died that was last heard of before the server's clock was set back by an hour: what it held is not stuck for that hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_of_life_that_is_yet_to_come_is_none() {
    let Some(db) = TestDb::migrated(Database::Postgres).await else { return };
    let app = TestApp::start(db).await;
    let site = on_a_machine_with(&app, Clock::System).await;
    let options = EngineOptions {
        silence: Duration::from_secs(1),
        ..EngineOptions::new(vec![RelayOptions::unlimited(app.relay.clone(), 1)])
    };
    let engine = Engine::start(site.clone(), app.templates.clone(), options).await.expect("it starts");
    let dead = "insert into worker (host, pid, base_url, started_at, heartbeat_at)
        select 'gone', 1, base_url, started_at, heartbeat_at + 3600000000 from worker limit 1";
    assert_eq!(database::change(&app.site.db, dead).await, 1);
    let gone = "select id from worker where host = 'gone' and stopped_at is not null";
    wait::until("it is declared dead", async || {
        database::rows::<(i64,)>(&app.site.db, gone).await.first().map(|_| ())
    })
    .await;
    engine.stop().await;
    app.finish().await;
}

/// On a file the machine's clock is the only one there is: at the start it is said that it stood later before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_is_told_at_the_start() {
    let Some(db) = TestDb::migrated(Database::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let ahead = Clock::System.now().plus(DAY * 2).0;
    let written = format!("update audit_log set at = {ahead}");
    assert!(database::change(&app.site.db, written.leak()).await > 0);
    let program = Program::serve(&app, &[]);
    wait::until("what it says", async || program.log().contains("which is yet to come").then_some(())).await;
    assert_eq!(app.site.clock.own_is_ahead().map(Ahead::seconds), None, "there is no other clock");
    drop(program);
    app.finish().await;
}
