//! Patience: a domain that asks for it is slowed as long as it asks, and has its mail soon after it is free again. And what was
//! claimed of an edition that is stopped is left alone.

use std::time::Duration;

use broadside::{
    clock::Stopwatch,
    delivery::{self, Engine, EngineOptions, PaceRules},
    editions::{self, MovedBy},
    publishing,
    sandbox::{Rule, Stage},
    subscribers::{self, Basis},
};

use crate::support::{Program, Seed, TestApp, app::OWNER, both_engines, database, wait};

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

/// The domain is tried again and again, however long it refuses.
const STEADY: PaceRules = PaceRules { longest: Duration::from_millis(50), ..RULES };

/// A process starts while other tests run.
const LONG_START: Duration = Duration::from_secs(90);

const HOUR: Duration = Duration::from_secs(3_600);

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

/// Lets so many hours have passed in which the domain was asked again and again, and took nothing.
async fn refused_for(app: &TestApp, hours: u32) {
    refused_again(app).await;
    for _ in 0..hours {
        let earlier = "update domain_pace set refused_since = refused_since - 3600000000, patient_since = patient_since - 3600000000";
        database::change(&app.site.db, earlier).await;
        database::change(&app.site.db, "update edition set going_since = going_since - 3600000000").await;
    }
}

/// Waits until the domain was asked after this moment, and it is known that it refused.
async fn refused_again(app: &TestApp) {
    app.advance(Duration::from_secs(10));
    let now = app.site.now();
    wait::until("another refusal", async || {
        let slowed = delivery::slowed(&app.site).await.expect("the paces");
        slowed.iter().any(|one| one.refusing && one.slowed_at >= now).then_some(())
    })
    .await;
}

async fn public_id(app: &TestApp, edition: i64) -> String {
    publishing::load(&app.site.db, edition).await.expect("the edition").public_id
}

async fn wait_for_lane(app: &TestApp, edition: i64, copies: i64) {
    wait::until("copies that wait for their domain", async || {
        let waiting = delivery::waiting_lanes(&app.site, edition, 1).await.expect("a count");
        waiting.first().is_some_and(|one| one.in_lane && one.copies >= copies).then_some(())
    })
    .await;
}

async fn move_edition(app: &TestApp, edition: i64, goes_on: bool) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    if goes_on {
        editions::resume(&mut tx, &app.site, edition, MovedBy::default()).await.expect("it is paused");
    } else {
        editions::pause(&mut tx, &app.site, edition, MovedBy::default()).await.expect("it is sending");
    }
    tx.commit().await.expect("it is moved");
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
        let slowed = delivery::slowed(&app.site).await.expect("the paces");
        assert!(slowed.iter().all(|one| one.refusing && one.domain_key == "slow.example.org"), "{slowed:?}");
        engine.stop().await;
        assert_eq!(count(&app, "slow.example.org", |(state, .., tries)| state == "queued" && *tries == 0).await, 60);
        assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());

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

    /// TRUST T1: a domain that takes nothing at all. Owners hear of it in time, and once; the page says who waits and until when; and
    /// when our patience is at its end, all that waits there ends at once, with the words of the domain, though nearly all of it
    /// was never tried. An edition that goes out since yesterday goes on.
    async fn a_domain_that_takes_nothing_is_given_up_as_one(app: TestApp) {
        readers_at(&app, "slow.example.org", 2_300).await;
        let old = app.seal_edition("Throttled for ever").await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, "4.7.1 <reader@slow.example.org>: not from you"));
        let workers = if app.site.db.engine() == broadside::db::Engine::Postgres { 2 } else { 1 };
        let mut engines = Vec::new();
        for _ in 0..workers {
            engines.push(start(&app, 2, STEADY).await);
        }
        wait_for_lane(&app, old, 2_200).await;
        refused_for(&app, 20).await;
        assert_eq!(publishing::tell_of_refusals(&app.site).await.expect("a round"), 0, "it is not long yet");

        refused_for(&app, 5).await;
        app.advance(HOUR / 2);
        let young = app.seal_edition("Only since now").await;
        wait_for_lane(&app, young, 2_200).await;
        assert_eq!(publishing::tell_of_refusals(&app.site).await.expect("a round"), 1);
        assert_eq!(publishing::tell_of_refusals(&app.site).await.expect("a round"), 0, "once");
        let letter = wait::until("a letter", async || app.mails(OWNER.0).into_iter().next()).await;
        assert!(letter.subject.ends_with("Throttled for ever"), "{}", letter.subject);
        for said in ["slow.example.org has taken nothing since 2 March 2026", "readers wait for it", "451 4.7.1 <…>: not from you", "6 March 2026"] {
            assert!(letter.text.contains(said), "{said:?} in {}", letter.text);
        }
        let desk = app.desk().await;
        desk.open("/desk").await.says("“Throttled for ever” does not reach slow.example.org");
        let page = desk.open(&format!("/desk/editions/{}", public_id(&app, old).await)).await;
        page.says("slow.example.org has taken nothing since 2 March 2026").says("and says: 451 4.7.1 <…>: not from you.");
        page.says("copies wait for it. What it has not taken by 6 March 2026");

        refused_for(&app, 72).await;
        wait::until("the end of the old edition", async || {
            let progress = delivery::progress_of(&app.site.db, old).await.expect("the tallies");
            (progress.failed == 2_300).then_some(())
        })
        .await;
        for engine in engines {
            engine.stop().await;
        }
        for edition in [old, young] {
            assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());
        }
        let progress = delivery::progress_of(&app.site.db, young).await.expect("the tallies");
        assert_eq!((progress.failed, progress.open), (0, 2_300), "it waits for its own four days");
        let said: Vec<(String, i64)> = database::rows(&app.site.db, "select a.reply, count(distinct a.subscriber_id) from delivery_attempt a
            join delivery d on d.edition_id = a.edition_id and d.subscriber_id = a.subscriber_id
            where d.state = 'failed' and d.class = 'exhausted' and a.outcome = 'given up' group by a.reply").await;
        assert!(said.len() == 1 && said[0].0 == "451 4.7.1 <…>: not from you" && said[0].1 > 2_200, "{said:?}");
        app.leaves_work();
    }

    /// TRUST T1, F1: `kill -9` while copies are given up. Each is given up once, and the ledger adds up.
    async fn kills_in_the_midst_of_giving_up_change_nothing(app: TestApp) {
        let mut seed = Seed::get("giving up");
        readers_at(&app, "slow.example.org", 6_000).await;
        let edition = app.seal_edition("Given up").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        let settings = [("WORKER_SILENCE_SECONDS", "1"), ("SMTP_CONNECTIONS", "2")];
        let program = Program::serve(&app, &settings);
        wait_for_lane(&app, edition, 5_900).await;
        refused_for(&app, 90).await;
        program.kill();
        database::change(&app.site.db, "update domain_pace set patient_since = patient_since - 36000000000").await;
        database::change(&app.site.db, "update edition set going_since = going_since - 36000000000").await;
        let failed = async || in_state(&app, "slow.example.org", "failed").await;
        for _ in 0..3 {
            let before = failed().await;
            let program = Program::serve(&app, &settings);
            let more = wait::at_most(LONG_START, async || (failed().await > before).then_some(())).await;
            more.unwrap_or_else(|| panic!("nothing more is given up: {}", program.log()));
            for _ in 0..seed.within(0..200_000) {
                std::hint::spin_loop();
            }
            program.kill();
            assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());
            if failed().await > 5_000 {
                break;
            }
        }
        let _last = Program::serve(&app, &settings);
        wait::until("the end of the edition", async || (failed().await == 6_000).then_some(())).await;
        assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());
        let twice: Vec<(i64,)> = database::rows(&app.site.db, "select subscriber_id from delivery_attempt where outcome = 'given up'
            group by subscriber_id having count(*) > 1").await;
        assert!(twice.is_empty(), "{twice:?}");
    }

    /// A domain that takes one message now and then is not given up: its time begins anew with each.
    async fn a_success_begins_the_patience_anew(app: TestApp) {
        readers_at(&app, "slow.example.org", 60).await;
        let edition = app.seal_edition("Now and then").await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        let engine = start(&app, 2, STEADY).await;
        wait_for_lane(&app, edition, 40).await;
        refused_for(&app, 80).await;
        script.clear();
        for number in 4..=60 {
            script.add(Rule::at(Stage::Rcpt).to(&format!("reader{number}@slow.example.org")).reply(451, THROTTLED));
        }
        app.advance(HOUR / 60);
        wait::until("a copy that was taken", async || {
            (in_state(&app, "slow.example.org", "accepted").await > 0).then_some(())
        })
        .await;
        wait::until("that it refuses again, and since when", async || {
            let since: Vec<(Option<i64>,)> = database::rows(&app.site.db, "select refused_since from domain_pace where refusing").await;
            since.first().and_then(|(since,)| *since).filter(|since| *since > app.site.now().minus(HOUR).0)
        })
        .await;
        refused_for(&app, 80).await;
        refused_again(&app).await;
        assert_eq!(in_state(&app, "slow.example.org", "failed").await, 0);
        engine.stop().await;
        app.leaves_work();
    }

    /// The time for which an edition is paused, or for which nothing can be sent, is no patience: neither of the domain nor of
    /// a copy that was refused before.
    async fn a_pause_uses_up_no_patience(app: TestApp) {
        readers_at(&app, "slow.example.org", 60).await;
        let (paused, other) = (app.seal_edition("Paused").await, app.seal_edition("Goes on").await);
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        let engine = start(&app, 2, STEADY).await;
        wait_for_lane(&app, paused, 40).await;
        wait_for_lane(&app, other, 40).await;
        refused_for(&app, 90).await;
        move_edition(&app, paused, false).await;
        refused_for(&app, 100).await;
        wait::until("the end of the other", async || {
            (delivery::progress_of(&app.site.db, other).await.expect("the tallies").failed == 60).then_some(())
        })
        .await;
        move_edition(&app, paused, true).await;
        refused_again(&app).await;
        assert_eq!(delivery::progress_of(&app.site.db, paused).await.expect("the tallies").failed, 0);
        engine.stop().await;
        app.leaves_work();
    }

    /// The same while nobody can send: for some hours, and then for a week.
    async fn an_outage_uses_up_no_patience(app: TestApp) {
        readers_at(&app, "slow.example.org", 60).await;
        let edition = app.seal_edition("Nobody asks").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        let failed = async || delivery::progress_of(&app.site.db, edition).await.expect("the tallies").failed;
        let engine = start(&app, 2, STEADY).await;
        wait_for_lane(&app, edition, 40).await;
        refused_for(&app, 90).await;
        engine.stop().await;
        app.advance(5 * HOUR);
        let engine = start(&app, 2, STEADY).await;
        refused_again(&app).await;
        refused_for(&app, 3).await;
        refused_again(&app).await;
        assert_eq!(failed().await, 0, "it was asked for less than four days");
        engine.stop().await;
        app.advance(170 * HOUR);
        let engine = start(&app, 2, STEADY).await;
        refused_again(&app).await;
        refused_again(&app).await;
        assert_eq!(failed().await, 0);
        engine.stop().await;
        assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());
        app.leaves_work();
    }

    /// The same of one copy alone, which nobody else waits with; and a pause at any moment is no try.
    async fn a_pause_uses_up_no_patience_of_a_copy(app: TestApp) {
        app.reader("ann@slow.example.org").await;
        let edition = app.seal_edition("Refused on Friday").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(451, THROTTLED));
        let exhausted = async || count(&app, "slow.example.org", |(_, class, ..)| class == "exhausted").await;
        app.send().await;
        for round in 0..3 {
            for _ in 0..24 {
                app.advance(HOUR);
                database::change(&app.site.db, "delete from domain_pace").await;
                app.send().await;
            }
            if round < 2 {
                move_edition(&app, edition, false).await;
                app.advance(5 * 24 * HOUR);
                move_edition(&app, edition, true).await;
            }
            app.send().await;
            assert_eq!(exhausted().await, 0, "in three days of asking, whatever lies between them");
        }
        app.leaves_work();
    }

    /// A domain is slowed before it is known whose it is: what waits for it waits for its provider from then on.
    async fn what_waits_joins_the_lane_of_the_provider(app: TestApp) {
        readers_at(&app, "slow.example.org", 60).await;
        let edition = app.seal_edition("Whose is it?").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        let engine = start(&app, 2, STEADY).await;
        wait_for_lane(&app, edition, 40).await;
        database::change(&app.site.db, "update recipient_domain set provider = 'provider.example' where name = 'slow.example.org'").await;
        wait::until("one lane for all of them", async || {
            app.advance(Duration::from_secs(1));
            let waiting = delivery::waiting_lanes(&app.site, edition, 9).await.expect("a count");
            matches!(&*waiting, [one] if one.in_lane && one.domain_key == "provider.example" && one.copies >= 50).then_some(())
        })
        .await;
        engine.stop().await;
        app.leaves_work();
    }

    /// The parts that the page names are those of the whole: copies that wait for their domain, tried or not, those that
    /// wait for another try, and the others.
    async fn the_page_says_how_many_wait_for_whom(app: TestApp) {
        readers_at(&app, "slow.example.org", 1_300).await;
        readers_at(&app, "full.example.org", 3).await;
        let edition = app.seal_edition("Some wait").await;
        let script = app.sandbox.smtp_script();
        script.add(Rule::at(Stage::Rcpt).to_domain("slow.example.org").reply(451, THROTTLED));
        script.add(Rule::at(Stage::Rcpt).to_domain("full.example.org").reply(452, "4.2.2 Mailbox full"));
        let engine = start(&app, 2, NEVER).await;
        wait_for_lane(&app, edition, 1_290).await;
        wait::until("three that are tried again", async || {
            (count(&app, "full.example.org", |(state, .., tries)| state == "queued" && *tries == 1).await == 3).then_some(())
        })
        .await;
        wait::until("that it is known", async || {
            (!delivery::slowed(&app.site).await.expect("the paces").is_empty()).then_some(())
        })
        .await;
        let waits = count(&app, "slow.example.org", |(_, _, lane, _)| !lane.is_empty()).await;
        let page = app.desk().await.open(&format!("/desk/editions/{}", public_id(&app, edition).await)).await;
        page.says(&format!("takes nothing just now; it is tried every 60 minutes. {},{:03} copies wait for it.", waits / 1_000, waits % 1_000));
        page.says("3 copies to full.example.org wait for another try");
        match 1_300 - waits {
            0 => {}
            1 => drop(page.says("The other copy is on its way or next in line.")),
            others => drop(page.says(&format!("The other {others} copies are on their way or next in line."))),
        }
        engine.stop().await;
        app.leaves_work();
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
        assert!(delivery::slowed(&app.site).await.expect("the paces").is_empty());
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
                let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
                (progress.accepted > 20).then_some(())
            })
            .await;
            let claimed = in_state(&app, "example.org", "claimed").await;
            assert!(claimed > 500, "{claimed} copies are claimed");
            let mut tx = app.site.db.begin().await.expect("a transaction");
            if cancelled {
                let cancelled = editions::cancel(&mut tx, &app.site, edition, MovedBy::default()).await.expect("it is sending");
                delivery::cancel_open_copies(&mut tx, &app.site, cancelled).await.expect("its copies end");
            } else {
                editions::pause(&mut tx, &app.site, edition, MovedBy::default()).await.expect("it is sending");
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
            assert!(delivery::audit_copies(&app.site.db, edition).await.expect("a count").holds());
            let tried = count(&app, "example.org", |(state, .., tries)| state == "queued" && *tries > 0).await;
            assert_eq!(tried, 0, "to be held back is no try");

            script.clear();
            if !cancelled {
                let mut tx = app.site.db.begin().await.expect("a transaction");
                editions::resume(&mut tx, &app.site, edition, MovedBy::default()).await.expect("it is paused");
                tx.commit().await.expect("it goes on");
                app.drain().await;
                let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
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
        editions::pause(&mut tx, &app.site, edition, MovedBy::default()).await.expect("it is sending");
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
