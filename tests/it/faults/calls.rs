//! The real program is killed at one system call after the other (TRUST F2), and its disk refuses to keep what it was given
//! (F19). It takes minutes and needs strace, so it runs only when it is asked for: `scripts/kill-at-every-call`.

use std::time::Duration;

use broadside::{db::Engine, delivery, editions::EditionState, publishing};

use crate::support::{
    Program, TestApp, database, environment,
    program::Setting,
    verify::{mailbox, verify},
    wait,
};

const READERS: usize = 60;
const SETTINGS: [Setting<'static>; 2] = [("WORKER_SILENCE_SECONDS", "1"), ("SMTP_CONNECTIONS", "4")];
const PATIENCE: Duration = Duration::from_secs(60);

/// How many calls of each kind are tried, if at all.
fn asked_for() -> Option<usize> {
    let most = environment::variable("BROADSIDE_KILL_AT_CALLS")?;
    Some(most.parse().expect("BROADSIDE_KILL_AT_CALLS is a number"))
}

/// TRUST F2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_system_call_sqlite() {
    for call in ["pwrite64", "fsync", "sendto", "recvfrom", "write"] {
        killed_at(Engine::Sqlite, call).await;
    }
}

/// TRUST F2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_system_call_postgres() {
    for call in ["sendto", "recvfrom", "write"] {
        killed_at(Engine::Postgres, call).await;
    }
}

async fn killed_at(engine: Engine, call: &'static str) {
    let Some(most) = asked_for() else { return };
    // With -D the program is our child, and strace looks on from beside it. Each part has to end in the time that one test has.
    for first in (1..=most).step_by(30) {
        let mut went_on = false;
        database::run(engine, async |app: TestApp| {
            app.import_readers(READERS).await;
            let mut edition = app.seal_edition("Killed at a call").await;
            let mut kills = 0;
            for number in first..(first + 30).min(most + 1) {
                if is_finished(&app, edition).await {
                    edition = app.seal_edition("And another").await;
                }
                let line = format!(
                    "exec strace -D -f -o /dev/null -e trace={call} -e inject={call}:signal=SIGKILL:when={number} \"$0\" \"$@\""
                );
                let mut program = Program::serve_by(&app, &line, &SETTINGS);
                let over = wait::at_most(PATIENCE, async || {
                    (program.is_over() || is_finished(&app, edition).await).then_some(())
                });
                assert!(over.await.is_some(), "{call} {number}: {}", program.log());
                kills += usize::from(program.is_over());
                program.kill();
                verify(&app.site, &mailbox(&app.sandbox)).await.assert_agrees();
            }
            let last = Program::serve(&app, &SETTINGS);
            finished(&app, edition, &last).await;
            drop(last);
            let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
            verdict.assert_agrees();
            // What was in doubt three times is left to staff.
            let held = "select count(*) from delivery where state = 'unknown' and class = 'worker died'";
            let held = database::rows::<(i64,)>(&app.site.db, held).await[0].0 as usize;
            assert_eq!((verdict.accepted + held, verdict.open, verdict.lost), (verdict.rows, 0, 0), "{verdict}");
            assert!(verdict.doubts.values().all(|doubts| *doubts <= 4), "{:?}", verdict.doubts);
            println!("{engine:?}, killed at {call} {first} and on: {kills} kills, {verdict}, {} doubts, {held} held for staff", verdict.doubts.values().sum::<i64>());
            assert!(kills > 0 || first > 1, "{call} is never called");
            went_on = kills > 0;
        })
        .await;
        if !went_on {
            // No thread calls it so often in a whole edition.
            return;
        }
    }
}

/// TRUST F19: for a while the disk says EIO whenever it is to keep something. Nothing new is sent meanwhile, it is said in the
/// log, and afterwards everybody gets one copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_for_a_while_costs_nothing() {
    if asked_for().is_none() {
        return;
    }
    database::run(Engine::Sqlite, async |app: TestApp| {
        app.import_readers(READERS * 5).await;
        let edition = app.seal_edition("Input/output error").await;
        let line = "exec strace -D -f -o /dev/null -e trace=fsync -e inject=fsync:error=EIO:when=20..30 \"$0\" \"$@\"";
        let program = Program::serve_by(&app, line, &SETTINGS);
        finished(&app, edition, &program).await;
        assert!(program.log().contains("the database did not take results"), "no error was met: {}", program.log());
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        verdict.assert_agrees();
        assert_eq!((verdict.accepted, verdict.duplicates, verdict.flagged), (verdict.rows, 0, 0), "{verdict}");
        println!("EIO at fsync: {verdict}");
    })
    .await;
}

async fn is_finished(app: &TestApp, edition: i64) -> bool {
    let edition = publishing::load(&app.site.db, edition).await.expect("the edition is there");
    edition.state == EditionState::Finished
}

async fn finished(app: &TestApp, edition: i64, program: &Program) {
    let done = wait::at_most(PATIENCE, async || is_finished(app, edition).await.then_some(()));
    if done.await.is_none() {
        let progress = delivery::progress_of(&app.site.db, edition).await;
        panic!("the edition was never finished: {progress:?}\n{}", program.log());
    }
}
