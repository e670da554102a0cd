//! At rest it costs nothing: what is done while there is nothing to do is counted over two real seconds, in each state in which
//! a magazine rests, for one process on SQLite and for four on PostgreSQL.

use std::time::Duration;

use broadside::{
    db::Db,
    delivery::{self, Engine, EngineOptions, PaceRules},
    editions::EditionState,
    origin, publishing,
    relays::{self, RelayOptions},
    sandbox::{Rule, Sandbox, SandboxConfig, Stage},
    smtp::Relay,
    smtp_url::RelayLimits,
};
use tokio::{sync::watch, task::JoinHandle};

use crate::support::{TestApp, both_engines, database, scratch, wait};

/// As many as a relay usually gets: whoever wakes all of them shows.
const CONNECTIONS: usize = 20;

/// Of each worker, in two seconds: it looks for work and at the paces of domains, each about once a second.
const MOST_WAKES: u64 = 8;
/// The same, with what it takes to find out about mail services that cannot be used, more and more rarely.
const MOST_WAKES_IN_TROUBLE: u64 = 24;

/// Everything that runs in a process but for its pages; several of them on PostgreSQL.
struct Processes {
    db: Db,
    engines: Vec<Engine>,
    stop: watch::Sender<bool>,
    jobs: Vec<JoinHandle<()>>,
}

impl Processes {
    async fn start(app: &TestApp, options: impl Fn() -> EngineOptions) -> Self {
        let (stop, stopped) = watch::channel(false);
        let count = if matches!(app.site.db, Db::Postgres { .. }) { 4 } else { 1 };
        let (mut engines, mut jobs) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let engine = Engine::start(app.site.clone(), app.templates.clone(), options()).await;
            engines.push(engine.expect("it starts"));
            let of_one = app.jobs();
            jobs.push(tokio::spawn(of_one.run(stopped.clone())));
        }
        Self { db: app.site.db.clone(), engines, stop, jobs }
    }

    fn wakes(&self) -> u64 {
        self.engines.iter().map(Engine::wakes).sum()
    }

    /// Once everything is done that there was to do: of each worker, at most a beat of its heart is written, and so many times is
    /// a task of it woken.
    async fn rest(self, most_wakes: u64) {
        let (mut before, mut quiet) = (0, 0);
        wait::until("rest", async || {
            let transactions = self.db.transactions();
            quiet = if transactions == before { quiet + 1 } else { 0 };
            before = transactions;
            (quiet > 20).then_some(())
        })
        .await;
        let before = (self.db.transactions(), self.wakes());
        wait::two_seconds().await;
        let (written, woken) = (self.db.transactions() - before.0, self.wakes() - before.1);
        let workers = self.engines.len() as u64;
        println!("{workers} at rest for two seconds: {written} transactions, {woken} wake-ups");
        assert!(written <= workers, "{written} transactions of {workers} workers");
        assert!(woken <= most_wakes * workers, "{woken} wake-ups of {workers} workers");
        for engine in self.engines {
            engine.stop().await;
        }
        self.stop.send(true).expect("the jobs listen");
        for jobs in self.jobs {
            jobs.await.expect("the jobs end");
        }
    }
}

async fn rests(app: &TestApp) {
    Processes::start(app, || app.engine(CONNECTIONS)).await.rest(MOST_WAKES).await;
}

/// An edition that is being sent, of a hundred thousand copies, all taken.
async fn large(app: &TestApp) -> i64 {
    app.readers(1).await;
    let edition = app.seal_edition("To a hundred thousand").await;
    let add = "with recursive n (i) as (select 2 union all select i + 1 from n where i < 100000)
        insert into delivery (edition_id, subscriber_id, address, name, domain_key, variant_id, state, next_at, updated_at, attempt, marker, maybe_duplicate)
        select edition_id, 1000000 + i, 'taken' || i || '@example.org', '', 'example.org', variant_id, 'accepted', 0, updated_at, 1, marker, maybe_duplicate
        from delivery, n where attempt = 0";
    assert_eq!(database::change(&app.site.db, add).await, 99_999);
    let count = "insert into delivery_tally (edition_id, worker_id, state, count) select id, 0, 'accepted', 99999 from edition where sealed_at is not null";
    database::change(&app.site.db, count).await;
    database::change(&app.site.db, "update edition set sealed_count = 100000 where sealed_at is not null")
        .await;
    edition
}

async fn until_state(app: &TestApp, edition: i64, state: EditionState) {
    wait::until(&format!("an edition that is {state}"), async || {
        let edition = publishing::load(&app.site.db, edition).await.expect("the edition");
        (edition.state == state).then_some(())
    })
    .await;
}

async fn public_id(app: &TestApp, edition: i64) -> String {
    publishing::load(&app.site.db, edition).await.expect("the edition").public_id
}

/// A mail service that nobody answers for.
fn nobody(app: &TestApp) -> RelayOptions {
    let url = "smtp://127.0.0.1:1?tls=none".parse().expect("an SMTP address");
    RelayOptions::unlimited(Relay { url, ..app.relay.clone() }, CONNECTIONS)
}

async fn until_trouble(app: &TestApp) {
    wait::until("trouble with a mail service", async || {
        (!relays::troubles(&app.site.db).await.expect("the troubles").is_empty()).then_some(())
    })
    .await;
}

both_engines! {
    /// Nothing was ever sent.
    async fn an_empty_house_rests(app: TestApp) {
        rests(&app).await;
    }

    async fn a_hundred_thousand_finished_copies_rest(app: TestApp) {
        let edition = large(&app).await;
        app.send().await;
        until_state(&app, edition, EditionState::Finished).await;
        rests(&app).await;
    }

    async fn an_edition_for_tomorrow_rests(app: TestApp) {
        app.readers(3).await;
        let draft = app.draft("Tomorrow").await;
        let tomorrow = app.site.now().plus(Duration::from_secs(86_400));
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, Some(tomorrow), None);
        pressed.await.expect("nothing is in the way");
        rests(&app).await;
    }

    async fn a_paused_edition_rests(app: TestApp) {
        let edition = large(&app).await;
        let wait_again = "update delivery set state = 'queued', attempt = 0 where subscriber_id between 1000002 and 1010001";
        assert_eq!(database::change(&app.site.db, wait_again).await, 10_000);
        publishing::pause(&app.site, &public_id(&app, edition).await, None).await.expect("it was being sent");
        rests(&app).await;
        app.leaves_work();
    }

    /// One copy of a hundred thousand is tried again tomorrow.
    async fn a_copy_that_is_tried_again_later_rests(app: TestApp) {
        let edition = large(&app).await;
        let later = "update delivery set attempt = 1, next_at = updated_at + 86400000000 where state = 'queued'";
        assert_eq!(database::change(&app.site.db, later).await, 1);
        rests(&app).await;
        let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
        assert_eq!(progress.open, 1);
        app.leaves_work();
    }

    /// TRUST M20: one connection tries a mail service that does not answer, less and less often, and the others wait.
    async fn a_mail_service_that_is_down_costs_little(app: TestApp) {
        app.import_readers(300).await;
        app.seal_edition("To whom it may reach").await;
        let processes = Processes::start(&app, || EngineOptions::new(vec![nobody(&app)])).await;
        until_trouble(&app).await;
        processes.rest(MOST_WAKES_IN_TROUBLE).await;
        app.drain().await;
    }

    /// TRUST M20: and so it is where another has the work.
    async fn one_mail_service_of_two_that_is_down_costs_little(app: TestApp) {
        app.import_readers(100).await;
        let edition = app.seal_edition("By the other way").await;
        let both = || EngineOptions::new(vec![nobody(&app), RelayOptions::unlimited(app.relay.clone(), CONNECTIONS)]);
        let processes = Processes::start(&app, both).await;
        until_state(&app, edition, EditionState::Finished).await;
        processes.rest(MOST_WAKES_IN_TROUBLE).await;
    }

    /// TRUST M22: a domain that wants one message in hours leaves everybody else asleep.
    async fn a_domain_that_waits_for_hours_rests(app: TestApp) {
        app.import_readers(300).await;
        app.seal_edition("Not now").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(421, "4.7.0 Too much from you"));
        let hours = Duration::from_secs(4 * 3_600);
        let rules = PaceRules { first: hours, longest: hours, ..PaceRules::default() };
        let processes = Processes::start(&app, || EngineOptions { pace: rules, ..app.engine(CONNECTIONS) }).await;
        wait::until("a slowed domain", async || {
            (!delivery::slowed(&app.site).await.expect("the paces").is_empty()).then_some(())
        })
        .await;
        processes.rest(MOST_WAKES).await;
        app.leaves_work();
    }

    /// TRUST M28: what may be sent in a day was sent, and the rest waits for tomorrow.
    async fn a_limit_that_is_used_up_rests(app: TestApp) {
        app.readers(10).await;
        let edition = app.seal_edition("Four a day").await;
        let limited = || {
            let limits = RelayLimits { per_day: Some(4), ..RelayLimits::default() };
            let relay = RelayOptions { limits, ..RelayOptions::unlimited(app.relay.clone(), CONNECTIONS) };
            EngineOptions::new(vec![relay])
        };
        let processes = Processes::start(&app, limited).await;
        wait::until("four copies", async || {
            let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies");
            (progress.accepted == 4).then_some(())
        })
        .await;
        processes.rest(MOST_WAKES).await;
        app.drain().await;
    }

    /// Nobody takes a moment of a second's limit who has nothing to send.
    async fn a_limit_of_a_second_rests(app: TestApp) {
        app.readers(3).await;
        let edition = app.seal_edition("Five a second").await;
        let limited = || {
            let limits = RelayLimits { per_second: Some(5), ..RelayLimits::default() };
            let relay = RelayOptions { limits, ..RelayOptions::unlimited(app.relay.clone(), CONNECTIONS) };
            EngineOptions::new(vec![relay])
        };
        let processes = Processes::start(&app, limited).await;
        until_state(&app, edition, EditionState::Finished).await;
        processes.rest(MOST_WAKES).await;
    }

    /// A mail service that refuses our sign-in is asked about by one connection, and signed in at by none.
    async fn a_refused_sign_in_rests(app: TestApp) {
        app.import_readers(100).await;
        app.seal_edition("No way in").await;
        let mut config = SandboxConfig::new(scratch::folder(), app.site.clock.clone());
        config.smtp_options.credentials = Some(("lamplighter".to_owned(), "a good password".to_owned()));
        let provider = Sandbox::start(config).await.expect("it starts");
        let url = format!("smtp://lamplighter:wrong@{}?tls=none", provider.smtp_addr()).parse().expect("an address");
        let relay = RelayOptions::unlimited(Relay { url, ..app.relay.clone() }, CONNECTIONS);
        let processes = Processes::start(&app, || EngineOptions::new(vec![relay.clone()])).await;
        until_trouble(&app).await;
        processes.rest(MOST_WAKES).await;
        app.leaves_work();
    }

    /// TRUST T10: nor does a copy of the database try again and again to be given what it is not given.
    async fn a_copy_elsewhere_rests(app: TestApp) {
        app.readers(10).await;
        app.seal_edition("Not from here").await;
        app.subscribe_only("new@example.org").await;
        origin::arrive(&app.site, None).await.expect("the database is settled");
        let moved = "update origin set base_url = 'https://elsewhere.example.org/'";
        assert_eq!(database::change(&app.site.db, moved).await, 1);
        rests(&app).await;
        assert_eq!(app.sandbox.mailbox().count(), 0);
        app.leaves_work();
    }

    /// Whoever waits for work hears of every commit that leaves some, and of no other: nothing has to wait for a look.
    async fn a_commit_that_leaves_work_wakes_who_waits(app: TestApp) {
        let mut work = app.site.db.work();
        let mut was_left = || {
            let was_left = work.has_changed().expect("the database is open");
            work.mark_unchanged();
            was_left
        };
        app.readers(1).await;
        app.draft("Soon").await;
        assert!(!was_left(), "a draft is nobody's work");
        app.subscribe_only("new@example.org").await;
        assert!(was_left(), "an automatic email");
        app.send().await;
        assert!(!was_left(), "it was done");
        let edition = app.seal_edition("Now").await;
        assert!(was_left(), "an edition that goes out");
        let public_id = public_id(&app, edition).await;
        publishing::pause(&app.site, &public_id, None).await.expect("it was being sent");
        assert!(!was_left(), "a pause");
        app.resume(&public_id).await;
        assert!(was_left(), "one that goes on");
        app.drain().await;
    }
}
