//! Broadside is killed, stopped and told to end in the middle of an edition, and nobody is lost.
//!
//! The program is the real one, in a process of its own, with commits that wait for the disk. The sandbox lives in the test
//! process: it survives every kill, and what it saw is compared with the ledger (`support/verify.rs`). One edition is killed
//! ten times in its course rather than ten editions once each: later kills then hit what earlier ones left behind as well.

use std::time::Duration;

use broadside::{
    db::Engine,
    delivery, editions,
    sandbox::{Rule, Stage},
};

use crate::support::{
    Program, Seed, TestApp, both_engines, database,
    program::Setting,
    verify::{Verdict, mailbox, verify},
    wait,
};

const READERS: usize = 2_000;
const KILLS: usize = 10;
const CONNECTIONS: usize = 4;
/// A worker is taken for dead after a second, so that nobody waits half a minute for its claims.
const SETTINGS: [Setting<'static>; 2] = [("WORKER_SILENCE_SECONDS", "1"), ("SMTP_CONNECTIONS", "4")];
/// So long the mail service thinks about a message: a busy machine hears of an arrival before everything has arrived.
const TAKES: Duration = Duration::from_millis(5);
/// For what needs no exact moment, and for how long something may stand still: a busy machine needs minutes for an edition that a
/// quiet one sends in seconds.
const PATIENCE: Duration = Duration::from_secs(120);

both_engines! {
    /// TRUST T1, T2, F1: `kill -9` at ten moments, each at a random count of arrivals and some fraction of a millisecond later.
    async fn ten_kills_lose_nobody_and_duplicate_only_what_was_in_doubt(app: TestApp) {
        let mut seed = Seed::get(&format!("ten kills on {:?}", app.site.db.engine()));
        app.import_readers(READERS).await;
        let edition = app.seal_edition("Killed ten times").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(TAKES));
        let mut moments: Vec<usize> = (0..KILLS).map(|_| seed.within(1..READERS * 19 / 20)).collect();
        moments.sort_unstable();
        for moment in moments {
            // An earlier kill may have come late: this one still hits a process that is sending.
            let count = moment.max(app.sandbox.mailbox().count() + seed.within(1..20));
            let program = Program::serve(&app, &SETTINGS);
            assert!(app.sandbox.mailbox().wait_for_count(count, PATIENCE).await, "never {count}: {}", program.log());
            for _ in 0..seed.within(0..20_000) {
                std::hint::spin_loop();
            }
            program.kill();
            assert!(is_open(&app, edition).await, "killed after the end");
        }
        let mut last = Program::serve(&app, &SETTINGS);
        finished(&app, edition, &last).await;
        last.signal("TERM");
        assert!(last.ended(PATIENCE).await.success(), "{}", last.log());

        let verdict = everyone_has_it(&app).await;
        println!("killed {KILLS} times: {verdict}; in doubt, by worker: {:?}", verdict.doubts);
        assert!(verdict.doubts.values().all(|doubts| *doubts <= CONNECTIONS as i64), "{:?}", verdict.doubts);
        assert!(verdict.duplicates <= KILLS * CONNECTIONS, "{verdict}");
        let audit = Program::run(&app, &["audit"]);
        assert!(audit.status.success(), "{audit:?}");
    }

    /// TRUST F32: told to end in the middle of an edition, it finishes what is on its way and leaves nothing unknown.
    async fn a_process_that_is_told_to_end_leaves_nothing_unknown(app: TestApp) {
        let mut seed = Seed::get("told to end");
        app.import_readers(READERS).await;
        let edition = app.seal_edition("Told to end").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(TAKES));
        for _ in 0..3 {
            let count = app.sandbox.mailbox().count() + seed.within(1..READERS / 20);
            let mut program = Program::serve(&app, &SETTINGS);
            assert!(app.sandbox.mailbox().wait_for_count(count, PATIENCE).await, "never {count}: {}", program.log());
            program.signal("TERM");
            assert!(program.ended(Duration::from_secs(30)).await.success(), "{}", program.log());
            assert!(is_open(&app, edition).await, "told after the end");
            let audit = delivery::audit_copies(&app.site.db, edition).await.expect("the audit");
            assert!(audit.holds() && audit.rows.unknown == 0, "{audit:?}");
            let claimed = "select count(*) from delivery where state = 'claimed' or marker or maybe_duplicate";
            assert_eq!(database::rows::<(i64,)>(&app.site.db, claimed).await, [(0,)], "all claims went back");
            verify(&app.site, &mailbox(&app.sandbox)).await.assert_agrees();
        }
        let last = Program::serve(&app, &SETTINGS);
        finished(&app, edition, &last).await;
        let verdict = everyone_has_it(&app).await;
        assert_eq!((verdict.duplicates, verdict.flagged), (0, 0), "{verdict}");
    }

    /// TRUST F14: two processes at one edition, and one reader gets one copy.
    async fn two_workers_send_nothing_twice(app: TestApp) {
        if app.site.db.engine() == Engine::Sqlite {
            // With SQLite one process does everything, and a second is told so.
            let _first = Program::serve(&app, &SETTINGS);
            wait::until("the first to work", async || (!workers(&app).await.is_empty()).then_some(())).await;
            let mut second = Program::serve(&app, &SETTINGS);
            assert!(!second.ended(PATIENCE).await.success());
            assert!(second.log().contains("with SQLite only one may"), "{}", second.log());
            return;
        }
        app.import_readers(READERS).await;
        let edition = app.seal_edition("Two workers").await;
        let patient = [("WORKER_SILENCE_SECONDS", "30")];
        let both = [Program::worker(&app, &patient), Program::worker(&app, &patient)];
        finished(&app, edition, &both[0]).await;
        let verdict = everyone_has_it(&app).await;
        assert_eq!((verdict.duplicates, verdict.flagged), (0, 0), "{verdict}");
        let shares = "select count(distinct worker_id) from delivery_attempt where outcome = 'accepted'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, shares).await, [(2,)], "both worked");
    }

    /// TRUST F15: whoever is frozen in the middle of a transaction does not hold its rows longer than a lease.
    async fn the_server_ends_the_transactions_of_sleepers(app: TestApp) {
        if app.site.db.engine() == Engine::Sqlite {
            return;
        }
        let limit = "select current_setting('idle_in_transaction_session_timeout')";
        assert_eq!(database::rows::<(String,)>(&app.site.db, limit).await, [("20s".to_owned(),)]);
    }

    /// TRUST F15: a worker that slept longer than its lease finds its claims with others, writes nothing, and lives on under another
    /// number.
    async fn a_worker_that_was_asleep_writes_nothing(app: TestApp) {
        if app.site.db.engine() == Engine::Sqlite {
            return;
        }
        app.import_readers(READERS).await;
        let edition = app.seal_edition("Asleep").await;
        let mut sleeper = Program::worker(&app, &SETTINGS);
        assert!(app.sandbox.mailbox().wait_for_count(100, PATIENCE).await, "{}", sleeper.log());
        sleeper.signal("STOP");
        let other = Program::worker(&app, &SETTINGS);
        finished(&app, edition, &other).await;
        let before = written(&app).await;
        sleeper.signal("CONT");
        wait::until("its new life", async || sleeper.log().contains("another begins").then_some(())).await;
        wait::until("its new number", async || {
            let living = "select count(*) from worker where stopped_at is null";
            (database::rows::<(i64,)>(&app.site.db, living).await == [(2,)]).then_some(())
        })
        .await;
        assert!(!sleeper.is_over(), "{}", sleeper.log());
        assert_eq!(written(&app).await, before, "it wrote into the ledger all the same");
        let verdict = everyone_has_it(&app).await;
        assert!(verdict.duplicates <= CONNECTIONS, "{verdict}");
        assert!(verdict.doubts.values().sum::<i64>() <= CONNECTIONS as i64, "{:?}", verdict.doubts);
    }
}

async fn workers(app: &TestApp) -> Vec<(i64,)> {
    database::rows(&app.site.db, "select id from worker").await
}

/// All that the ledger of deliveries holds, in a number each.
async fn written(app: &TestApp) -> Vec<(i64, i64)> {
    let all = "select cast(0 as bigint), count(*) from delivery_attempt union all select cast(1 as bigint), cast(sum(updated_at) as bigint) from delivery
        union all select worker_id, cast(sum(count * count) as bigint) from delivery_tally group by worker_id order by 1";
    database::rows(&app.site.db, all).await
}

async fn is_open(app: &TestApp, edition: i64) -> bool {
    delivery::progress_of(&app.site.db, edition).await.expect("the tallies can be read").open > 0
}

/// Waits until the edition is finished, which has to come about by itself, for as long as copies go out.
async fn finished(app: &TestApp, edition: i64, program: &Program) {
    let done = async || {
        let now = broadside::publishing::load(&app.site.db, edition).await.expect("the edition is there");
        if now.state == editions::EditionState::Finished {
            Ok(())
        } else {
            Err(app.sandbox.mailbox().count())
        }
    };
    if wait::while_it_moves(PATIENCE, done).await.is_none() {
        let progress = delivery::progress_of(&app.site.db, edition).await;
        panic!("the edition was never finished: {progress:?}\n{}", program.log());
    }
}

/// Every row accepted, every account in agreement, nobody lost.
async fn everyone_has_it(app: &TestApp) -> Verdict {
    let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
    verdict.assert_agrees();
    assert_eq!((verdict.accepted, verdict.open, verdict.lost), (verdict.rows, 0, 0), "{verdict}");
    verdict
}
