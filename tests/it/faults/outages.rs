//! The database is away for a while, with one process or several at work on it: each comes back, goes on, and has no other
//! declared dead; what was sent stays known.

use std::time::Duration;

use broadside::{
    editions::EditionState,
    publishing,
    sandbox::{Rule, Stage},
};

use crate::support::{
    Fixture as _, Program, Seed, TestApp, TestDb, database, environment,
    postgres::Cluster,
    verify::{mailbox, verify},
    wait,
};

/// After so long a worker is taken for dead.
const SILENCE: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(90);
const READERS: usize = 400;

/// TRUST F15, F17: outages of any length, in any phase of an edition, with one to four processes, some of them frozen meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_dies_of_an_outage() {
    if tokio::task::block_in_place(Cluster::get).is_none() {
        return;
    }
    let first = Seed::get("outages").number();
    let runs: u64 =
        environment::variable("BROADSIDE_FAULT_SEEDS").map_or(2, |number| number.parse().expect("a number"));
    for (number, processes) in (0..runs).zip([3, 1, 4, 2].into_iter().cycle()) {
        outage(Seed::new(first.wrapping_add(number)), processes).await;
    }
}

async fn outage(mut seed: Seed, processes: usize) {
    let cluster = tokio::task::block_in_place(Cluster::of_its_own).expect("it was there a moment ago");
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    app.import_readers(READERS).await;
    let edition = app.seal_edition("Through an outage").await;
    // So that it lasts.
    app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(60)));
    let silence = SILENCE.to_string();
    let settings = [("WORKER_SILENCE_SECONDS", silence.as_str()), ("SMTP_CONNECTIONS", "4")];
    let start = |number: usize| {
        if number == 0 { Program::serve(&app, &settings) } else { Program::worker(&app, &settings) }
    };
    let mut all: Vec<Program> = (0..processes).map(start).collect();
    let mut any_frozen = false;
    for _ in 0..2 {
        let phase = seed.within(0..READERS);
        let reached = async || (app.sandbox.mailbox().count() >= phase).then_some(());
        wait::at_most(PATIENCE, reached).await.unwrap_or_else(|| panic!("never {phase}: {}", all[0].log()));
        let frozen = (processes > 1 && seed.once_in(3)).then(|| seed.within(0..processes));
        any_frozen |= frozen.is_some();
        let away = Duration::from_millis(seed.within(100..(SILENCE as usize * 2_500)) as u64);
        println!("{processes} processes, away for {away:?} at {phase}, frozen: {frozen:?}");
        let mode = if seed.once_in(2) { "fast" } else { "immediate" };
        if let Some(frozen) = frozen {
            all[frozen].signal("STOP");
        }
        tokio::task::block_in_place(|| cluster.stop(mode));
        // The length of the outage is what is tried here.
        wait::at_most(away, async || None::<()>).await;
        tokio::task::block_in_place(|| cluster.start_again());
        if let Some(frozen) = frozen {
            // Longer than it takes the others to notice.
            wait::at_most(Duration::from_secs(SILENCE * 2), async || None::<()>).await;
            all[frozen].signal("CONT");
        }
    }
    wait::at_most(PATIENCE, async || {
        let state = publishing::load(&app.site.db, edition).await.ok()?.state;
        (state == EditionState::Finished).then_some(())
    })
    .await
    .unwrap_or_else(|| panic!("it is not finished: {}", all[0].log()));
    for program in &mut all {
        assert!(!program.is_over(), "it ended: {}", program.log());
        if !any_frozen {
            assert!(!program.log().contains("declared dead"), "{}", program.log());
        }
    }
    let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
    verdict.assert_agrees();
    let doubts: i64 = verdict.doubts.values().sum();
    let window = if any_frozen { 2 * 4 } else { 0 };
    assert!(doubts <= window && verdict.duplicates <= window as usize, "{verdict}: {doubts} doubts");
    // A life that broke off in the outage is found silent by those that came after it.
    let alive = "select count(*) from worker where stopped_at is null";
    wait::at_most(PATIENCE, async || {
        (database::rows::<(i64,)>(&app.site.db, alive).await == [(processes as i64,)]).then_some(())
    })
    .await
    .unwrap_or_else(|| panic!("not as many are alive as there are: {}", all[0].log()));
    for mut program in all {
        program.signal("TERM");
        assert!(program.ended(Duration::from_secs(30)).await.success(), "{}", program.log());
    }
    assert_eq!(database::rows::<(i64,)>(&app.site.db, alive).await, [(0,)], "they signed off");
    app.site.db.close().await;
}
