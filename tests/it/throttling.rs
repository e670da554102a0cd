//! Patience: a domain that asks for it is slowed as long as it asks, and has its mail soon after it is free again. And what was
//! claimed of an edition that is stopped is left alone.

use std::time::Duration;

use broadside::{
    clock::Stopwatch,
    delivery::{
        editions,
        engine::{Engine, EngineOptions},
        pace::{self, PaceRules},
    },
    sandbox::{Rule, Stage},
    subscribers::{self, Basis},
};

use crate::support::{TestApp, both_engines, database, wait};

/// A second is as long as twenty are otherwise.
const RULES: PaceRules = PaceRules {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(15),
    free: Duration::from_millis(2),
};
/// Nothing that waits for its domain has its turn within a test.
const NEVER: PaceRules =
    PaceRules { first: Duration::from_secs(3_600), longest: Duration::from_secs(3_600), ..RULES };

const THROTTLED: &str = "4.7.1 Too many messages from you, try again later";

/// So many readers at a domain.
async fn readers_at(app: &TestApp, domain: &str, count: usize) {
    let rows: String = (1..=count).map(|n| format!("reader{n}@{domain},Reader {n}\n")).collect();
    let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
    let file = format!("email,name\n{rows}");
    let report = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await;
    assert_eq!(report.expect("the file is in order").added, count as u64);
}

async fn start(app: &TestApp, connections: usize, pace: PaceRules) -> Engine {
    let options = EngineOptions { pace, ..app.engine(connections) };
    Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts")
}

/// A copy as the ledger has it: its state, why, the lane in which it waits, and how many tries count.
type Copy = (String, String, String, i64);

/// How many copies to a domain fit.
async fn count(app: &TestApp, domain: &str, fits: impl Fn(&Copy) -> bool) -> usize {
    const ALL: &str =
        "select domain_key, state, coalesce(class, ''), lane, attempt - earlier_attempts from delivery";
    let all: Vec<(String, String, String, String, i64)> = database::rows(&app.site.db, ALL).await;
    let copies = all.into_iter().filter(|(of, ..)| of == domain);
    copies.map(|(_, state, class, lane, tries)| (state, class, lane, tries)).filter(fits).count()
}

async fn in_state(app: &TestApp, domain: &str, wanted: &str) -> usize {
    count(app, domain, |(state, ..)| state == wanted).await
}

/// Lets the clock run with the time that really passes until so many copies to a domain were taken. How long that took.
async fn until_taken(app: &TestApp, domain: &str, copies: usize) -> Duration {
    let watch = Stopwatch::start();
    let begun = app.site.now();
    wait::until(&format!("{copies} copies that {domain} took"), async || {
        app.advance(watch.elapsed().saturating_sub(app.site.now().since(begun)));
        (in_state(app, domain, "accepted").await >= copies).then_some(())
    })
    .await;
    watch.elapsed()
}

both_engines! {
    /// TRUST M22: one of two providers takes nothing for a while. The other has all its copies meanwhile, those of the first
    /// wait where they cost nothing and count as no attempt, and leave as soon as it takes them.
    async fn what_waited_for_a_domain_leaves_when_it_is_free(app: TestApp) {
        readers_at(&app, "slow.example.org", 300).await;
        readers_at(&app, "quick.example.org", 100).await;
        app.seal_edition("Without a word").await;
        let engine = start(&app, 4, RULES).await;
        let at_best = until_taken(&app, "slow.example.org", 300).await;
        engine.stop().await;
        app.drain().await;

        app.seal_edition("Throttled").await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        let watch = Stopwatch::start();
        let engine = start(&app, 4, RULES).await;
        until_taken(&app, "quick.example.org", 200).await;
        assert_eq!(in_state(&app, "slow.example.org", "accepted").await, 300, "the first provider takes none meanwhile");
        let claimed = in_state(&app, "slow.example.org", "claimed").await;
        assert!(claimed <= 20, "{claimed} copies are claimed whose turn is not near");
        wait::until("a hundred times the first wait", async || (watch.elapsed() > RULES.first * 100).then_some(())).await;
        script.clear();
        let allowed = watch.elapsed() + at_best;
        until_taken(&app, "slow.example.org", 600).await;
        let took = watch.elapsed();
        // The law is measured on a virtual clock, within 1.2; this machine may be busy with other tests.
        assert!(took < allowed * 2, "{took:?}, and the server would have taken all within {allowed:?}");
        engine.stop().await;
        assert_eq!(count(&app, "slow.example.org", |(.., tries)| *tries != 1).await, 0, "it cost no attempt");
        let refused: Vec<(i64,)> =
            database::rows(&app.site.db, "select count(*) from delivery_attempt where outcome = 'retry'").await;
        assert!(refused[0].0 < 60, "the server had to say no {} times", refused[0].0);
        app.drain().await;
    }

    /// TRUST M22, F9: a worker that is gone leaves the copies of a slowed domain where they wait, and no attempt counts.
    async fn copies_in_a_lane_outlive_their_worker(app: TestApp) {
        readers_at(&app, "slow.example.org", 60).await;
        let edition = app.seal_edition("Throttled").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(421, THROTTLED));
        let engine = start(&app, 2, NEVER).await;
        wait::until("copies that wait for their domain", async || {
            (count(&app, "slow.example.org", |(_, _, lane, _)| lane == "slow.example.org").await >= 50).then_some(())
        })
        .await;
        let slowed = pace::slowed(&app.site).await.expect("the paces");
        assert!(slowed.iter().all(|one| one.refusing && one.domain_key == "slow.example.org"), "{slowed:?}");
        engine.stop().await;
        assert_eq!(count(&app, "slow.example.org", |(state, .., tries)| state == "queued" && *tries == 0).await, 60);
        assert!(editions::audit(&app.site.db, edition).await.expect("a count").holds());

        app.sandbox.smtp_script().clear();
        // Nothing was learned for long: all go.
        app.advance(Duration::from_secs(7 * 3_600));
        app.drain().await;
        assert_eq!(in_state(&app, "slow.example.org", "accepted").await, 60);
    }

    /// RFC 5321 section 4.5.4.1: for days a server asks for patience, and then the copy is given up.
    async fn patience_has_an_end(app: TestApp) {
        app.reader("ann@slow.example.org").await;
        app.seal_edition("Throttled for ever").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(451, THROTTLED));
        let mut tries = 0;
        for _ in 0..24 * 6 {
            app.advance(Duration::from_secs(3_600));
            // A day of a clock that a test moves is no time for the lane: it forgets between two tries.
            database::change(&app.site.db, "delete from domain_pace").await;
            app.send().await;
            tries += 1;
            if count(&app, "slow.example.org", |(_, class, ..)| class == "exhausted").await == 1 {
                break;
            }
        }
        assert!((24 * 4..=24 * 5).contains(&tries), "given up after {tries} hours");
    }

    /// TRUST M22: a server that greylists asks each copy to come again. Its domain is not slowed for that, which would help
    /// nobody; and the copy waits its minutes.
    async fn greylisting_is_a_matter_of_each_copy(app: TestApp) {
        readers_at(&app, "grey.example.org", 20).await;
        app.seal_edition("Grey").await;
        let script = app.sandbox.smtp_script();
        for number in 1..=20 {
            let rule = Rule::at(Stage::Rcpt).to(&format!("reader{number}@grey.example.org")).times(1);
            script.add(rule.reply(451, "4.7.1 Greylisting in action, please come back later"));
        }
        app.send().await;
        assert!(pace::slowed(&app.site).await.expect("the paces").is_empty());
        assert_eq!(count(&app, "grey.example.org", |(state, .., tries)| state == "queued" && *tries == 1).await, 20, "each was tried once");
        app.send().await;
        assert_eq!(in_state(&app, "grey.example.org", "accepted").await, 0, "they wait");
        app.advance(Duration::from_secs(5 * 60));
        app.drain().await;
        assert_eq!(in_state(&app, "grey.example.org", "accepted").await, 20);
    }

    /// TRUST T3: of an edition that is stopped nothing more is begun. The copies that were claimed go back without a
    /// conversation; each connection may have begun one when it happened.
    async fn claimed_copies_of_a_stopped_edition_open_no_conversation(app: TestApp) {
        const CONNECTIONS: u64 = 4;
        app.import_readers(1_100).await;
        let script = app.sandbox.smtp_script();
        for cancelled in [false, true] {
            script.add(Rule::at(Stage::Rcpt).delay(Duration::from_millis(10)));
            let edition = app.seal_edition("Stopped").await;
            let engine = start(&app, CONNECTIONS as usize, RULES).await;
            wait::until("copies that were taken", async || {
                let progress = editions::progress(&app.site.db, edition).await.expect("the tallies");
                (progress.accepted > 20).then_some(())
            })
            .await;
            let claimed = in_state(&app, "example.org", "claimed").await;
            assert!(claimed > 500, "{claimed} copies are claimed");
            let mut tx = app.site.db.begin().await.expect("a transaction");
            if cancelled {
                editions::cancel(&mut tx, &app.site, edition).await.expect("it is sending");
            } else {
                editions::pause(&mut tx, &app.site, edition).await.expect("it is sending");
            }
            tx.commit().await.expect("it is stopped");
            let (begun, connected) = (script.reached(Stage::Mail), script.reached(Stage::Connect));
            wait::until("claims that went back", async || {
                (in_state(&app, "example.org", "claimed").await == 0).then_some(())
            })
            .await;
            engine.stop().await;
            let more = script.reached(Stage::Mail) - begun;
            assert!(more <= CONNECTIONS, "{more} conversations after the edition was stopped");
            let more = script.reached(Stage::Connect) - connected;
            assert!(more <= CONNECTIONS, "{more} connections after the edition was stopped");
            assert!(editions::audit(&app.site.db, edition).await.expect("a count").holds());

            script.clear();
            if !cancelled {
                let mut tx = app.site.db.begin().await.expect("a transaction");
                editions::resume(&mut tx, &app.site, edition).await.expect("it is paused");
                tx.commit().await.expect("it goes on");
                app.drain().await;
                let progress = editions::progress(&app.site.db, edition).await.expect("the tallies");
                assert_eq!((progress.accepted, progress.open), (1_100, 0));
            }
        }
    }

    /// The same for copies that wait for the turn of a slowed domain: they do not stay claimed until it comes.
    async fn a_stopped_edition_does_not_wait_for_a_slowed_domain(app: TestApp) {
        readers_at(&app, "slow.example.org", 60).await;
        let edition = app.seal_edition("Stopped").await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).reply(421, THROTTLED));
        let engine = start(&app, 2, NEVER).await;
        wait::until("copies that wait for their domain", async || {
            (count(&app, "slow.example.org", |(_, _, lane, _)| !lane.is_empty()).await >= 50).then_some(())
        })
        .await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        editions::pause(&mut tx, &app.site, edition).await.expect("it is sending");
        tx.commit().await.expect("it is paused");
        let begun = script.reached(Stage::Mail);
        wait::until("claims that went back", async || {
            (in_state(&app, "slow.example.org", "claimed").await == 0).then_some(())
        })
        .await;
        engine.stop().await;
        let more = script.reached(Stage::Mail) - begun;
        assert!(more <= 2, "{more} conversations after the edition was stopped");
        app.leaves_work();
    }
}
