//! The machine under a worker fails: its database cannot be read or holds what cannot be sent, its clock jumps, files run
//! short.

use std::{sync::atomic::Ordering, time::Duration};

use broadside::{
    clock::Clock,
    db::Db,
    delivery::{self, Engine},
    editions::EditionState,
    publishing,
    sandbox::{Rule, Stage},
};

use reqwest::Method;

use crate::support::{
    Program, Seed, TestApp, both_engines, database, program,
    verify::{mailbox, verify},
    wait,
};

const HOUR: Duration = Duration::from_secs(3600);

both_engines! {
    /// TRUST T1, F17, F18: a database that cannot be read says nothing about the copies it holds. They wait, none of their
    /// attempts is used up, and they leave once it can be read again.
    async fn while_texts_cannot_be_read_copies_wait_unharmed(app: TestApp) {
        app.import_readers(30).await;
        app.seal_edition("Out of reach").await;
        database::change(&app.site.db, "alter table variant rename to variant_out_of_reach").await;
        app.send().await;
        assert_eq!(states(&app).await, [("queued".to_owned(), String::new(), 0, 30)]);
        assert_eq!(database::rows::<(i64,)>(&app.site.db, "select count(*) from delivery_attempt").await, [(0,)]);

        database::change(&app.site.db, "alter table variant_out_of_reach rename to variant").await;
        app.advance(Duration::from_secs(11));
        app.send().await;
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.duplicates), (30, 0), "{verdict}");
    }

    /// TRUST F21, listmonk's silent skip: a copy that cannot be written is failed, with the reason, and everybody else has
    /// theirs.
    async fn a_copy_that_cannot_be_written_fails_alone_and_says_why(app: TestApp) {
        app.import_readers(30).await;
        app.seal_edition("One is broken").await;
        let broken = "insert into variant (edition_id, revision, key, headers, body, created_at)
            select edition_id, revision, 'broken', '{', body, created_at from variant";
        database::change(&app.site.db, broken).await;
        let poison = "update delivery set variant_id = (select id from variant where key = 'broken')
            where address = 'reader7@example.org'";
        assert_eq!(database::change(&app.site.db, poison).await, 1);
        app.send().await;
        let expected = [("accepted".to_owned(), String::new(), 1, 29), ("failed".to_owned(), "render".to_owned(), 1, 1)];
        assert_eq!(states(&app).await, expected);
        let why = database::rows::<(String, String)>(
            &app.site.db,
            "select outcome, reply from delivery_attempt where stage = 'render'",
        );
        let why = why.await;
        assert!(why.len() == 1 && why[0].0 == "failed" && !why[0].1.is_empty(), "{why:?}");
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!(verdict.assert_agrees().accepted, 29, "{verdict}");
    }

    /// TRUST F21, F28: whatever stands in the database in place of a text, each such copy fails alone, or says what it says;
    /// the process lives, and everybody else has theirs.
    async fn damaged_texts_hurt_nobody_else(app: TestApp) {
        const DAMAGED: usize = 60;
        let mut seed = Seed::get("damaged texts");
        app.import_readers(DAMAGED + 20).await;
        app.seal_edition("Damaged").await;
        let (good,) = database::rows::<(Vec<u8>,)>(&app.site.db, "select body from variant").await.remove(0);
        for number in 1..=DAMAGED {
            let mut body = good.clone();
            match seed.within(0..3) {
                0 => body.truncate(seed.within(0..good.len())),
                1 => (0..8).for_each(|_| body[seed.within(0..good.len())] = seed.within(0..256) as u8),
                // Where lengths and places stand.
                _ => (0..3).for_each(|_| body[seed.within(0..good.len().min(200))] = seed.within(0..256) as u8),
            }
            damage(&app, number, body).await;
        }
        app.send().await;
        let states = states(&app).await;
        let accepted: i64 = states.iter().filter(|row| row.0 == "accepted").map(|row| row.3).sum();
        let rendered = |row: &&(String, String, i64, i64)| row.0 == "failed" && row.1 == "render";
        let failed: i64 = states.iter().filter(rendered).map(|row| row.3).sum();
        assert!(accepted >= 20 && failed > 0 && accepted + failed == DAMAGED as i64 + 20, "{states:?}");
        verify(&app.site, &mailbox(&app.sandbox)).await.assert_agrees();
    }

    /// TRUST F20: a clock that is put back an hour holds nobody's first copy up, makes no retry early and locks nothing twice;
    /// one that jumps three days ahead makes one attempt of all that were missed.
    async fn a_jumping_clock_makes_no_storm(app: TestApp) {
        app.import_readers(20).await;
        let edition = app.seal_edition("Out of time").await;
        for number in 1..=10 {
            let greylisted = Rule::at(Stage::Rcpt).to(&format!("reader{number}@example.org"));
            app.sandbox.smtp_script().add(greylisted.reply(451, "4.3.0 not now"));
        }
        put_back(&app, HOUR);
        app.send().await;
        assert_eq!(waiting(&app).await, (10, 1, 1), "the first copies leave whatever the clock says");
        app.advance(Duration::from_secs(4 * 60));
        put_back(&app, HOUR);
        assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("a look"), 0);
        app.send().await;
        assert_eq!(waiting(&app).await, (10, 1, 1), "nothing is tried early");
        app.advance(72 * HOUR);
        app.send().await;
        app.send().await;
        assert_eq!(waiting(&app).await, (10, 2, 2), "three days are one attempt");
        app.sandbox.smtp_script().clear();
        app.advance(HOUR);
        app.drain().await;
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!((progress.accepted, progress.open), (20, 0));
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!(verdict.assert_agrees().duplicates, 0, "{verdict}");
    }

    /// TRUST F15: a worker that was declared dead, and has not heard of it yet, claims nothing: nobody would take it back.
    async fn a_worker_that_was_declared_dead_claims_nothing(app: TestApp) {
        app.import_readers(50).await;
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(2)).await.expect("it starts");
        assert_eq!(database::change(&app.site.db, "update worker set stopped_at = heartbeat_at where stopped_at is null").await, 1);
        let edition = app.seal_edition("For the living").await;
        // It is told of work, and looks for it once a second.
        let claimed = wait::at_most(Duration::from_secs(2), async || {
            let untouched = "select count(*) from delivery where state = 'queued' and attempt = 0";
            (database::rows::<(i64,)>(&app.site.db, untouched).await != [(50,)]).then_some(())
        });
        assert!(claimed.await.is_none(), "it claimed after its end");
        app.send().await;
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!((progress.accepted, progress.open), (50, 0));
        engine.stop().await;
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!(verdict.assert_agrees().duplicates, 0, "{verdict}");
    }

    /// TRUST F31: with far fewer open files than it would like to have connections, the real program goes on with those that it
    /// gets, and nobody is lost.
    async fn few_open_files_slow_it_down_and_cost_nothing(app: TestApp) {
        app.import_readers(500).await;
        let edition = app.seal_edition("Few files").await;
        let public_id = publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
        publishing::pause(&app.site, &public_id, None).await.expect("it was going out");
        let listen = program::address_of_its_own();
        let settings = [("LISTEN", listen.to_string()), ("SMTP_CONNECTIONS", "100".to_owned())];
        let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
        let program = Program::serve_by(&app, "ulimit -n 64 && exec \"$0\" \"$@\"", &settings);
        // Whoever listens may not be ready to answer, and this is not about starting.
        let page = format!("http://{listen}/subscribe");
        wait::until("a page", async || app.visitor().request(Method::GET, &page).send().await.ok()).await;
        let mut crowd = Vec::new();
        for _ in 0..100 {
            crowd.push(tokio::net::TcpStream::connect(listen).await.expect("it listens"));
        }
        app.resume(&public_id).await;
        let done = wait::at_most(Duration::from_secs(60), async || {
            let edition = publishing::load(&app.site.db, edition).await.expect("the edition is there");
            (edition.state == EditionState::Finished).then_some(())
        });
        assert!(done.await.is_some(), "{:?}\n{}", delivery::progress_of(&app.site.db, edition).await, program.log());
        // The door does not spin, nor fill the log.
        assert!(program.log().matches("no more connections can be taken").count() <= 1, "{}", program.log());
        assert!(program.log().contains("Too many open files"), "it had all it wanted: {}", program.log());
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.duplicates, verdict.flagged), (500, 0, 0), "{verdict}");
    }
}

/// Gives one reader's copy another text.
async fn damage(app: &TestApp, number: usize, body: Vec<u8>) {
    let key = format!("damaged {number}");
    let add = "insert into variant (edition_id, revision, key, headers, body, created_at)
        select edition_id, revision, $1, headers, $2, created_at from variant order by id limit 1";
    let point = "update delivery set variant_id = (select id from variant where key = $1) where address = $2";
    let address = format!("reader{number}@example.org");
    match &app.site.db {
        Db::Sqlite { write, .. } => {
            sqlx::query(add).bind(&key).bind(body).execute(write).await.expect(add);
            sqlx::query(point).bind(&key).bind(address).execute(write).await.expect(point);
        }
        Db::Postgres { pool, .. } => {
            sqlx::query(add).bind(&key).bind(body).execute(pool).await.expect(add);
            sqlx::query(point).bind(&key).bind(address).execute(pool).await.expect(point);
        }
    }
}

fn put_back(app: &TestApp, span: Duration) {
    let Clock::Manual(at) = &app.site.clock else { panic!("tests have a clock of their own") };
    at.fetch_sub(span.as_micros() as i64, Ordering::SeqCst);
}

/// How many copies wait for another try, with the fewest and the most attempts among them.
async fn waiting(app: &TestApp) -> (i64, i64, i64) {
    let sql = "select count(*), cast(min(attempt) as bigint), cast(max(attempt) as bigint) from delivery where state = 'queued'";
    database::rows(&app.site.db, sql).await[0]
}

/// How many copies have which state, class and number of attempts.
async fn states(app: &TestApp) -> Vec<(String, String, i64, i64)> {
    let sql = "select state, coalesce(class, ''), cast(attempt as bigint), count(*) from delivery group by 1, 2, 3 order by 1";
    database::rows(&app.site.db, sql).await
}
