//! A whole run drawn from one seed: misbehaving servers, dying workers, lost database connections, pauses, readers who leave.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    time::Duration,
};

use broadside::{
    db::Engine as DbEngine,
    delivery::{Engine, EngineOptions},
    editions::EditionState,
    email_address::EmailAddress,
    publishing::{self, Block, Edition, Placed, Readers, Whom},
    sandbox::{Sandbox, SandboxConfig, SmtpOptions},
    segments::{self, Condition, SegmentTree},
    smtp::{Relay, Timeouts},
    subscribers::{self, Basis},
};
use futures_util::FutureExt as _;

use super::{
    fate::{End, Fate, for_anybody},
    workers::{Mortal, options},
};
use crate::support::{
    Seed, TestApp, database, environment,
    mail::Mail,
    scratch,
    verify::{Verdict, mailbox, verify},
    wait,
};

/// Every reader's domain is one of these.
const DOMAINS: [&str; 5] =
    ["example.org", "example.com", "a.example.test", "b.example.test", "c.example.test"];
/// The longest gap between two attempts, and a little more.
const LATER: Duration = Duration::from_secs(15 * 3600);
/// What a dead worker holds does not move, so waiting for more comes to an end.
const A_WHILE: Duration = Duration::from_millis(400);
/// For what needs no exact moment.
const PATIENCE: Duration = Duration::from_secs(20);

// TRUST T1, T2, M19, M20, F1, F5, F7 to F13, F17, F25, F27: whatever a server answers or does not, each copy comes to the end
// that its fate demands, and to no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_storm_nobody_is_lost_sqlite() {
    storms(DbEngine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_storm_nobody_is_lost_postgres() {
    storms(DbEngine::Postgres).await;
}

/// Runs one seed after the other, and reports; fails in the end if one of them did.
async fn storms(engine: DbEngine) {
    let first = Seed::get(&format!("storms on {engine:?}")).number();
    let runs = environment::variable("BROADSIDE_FAULT_SEEDS")
        .map_or(20, |number| number.parse().expect("BROADSIDE_FAULT_SEEDS is a number"));
    let (mut report, mut failed) = (Report::default(), Vec::new());
    for seed in (0..runs).map(|number| first.wrapping_add(number)) {
        let run = database::run(engine, async |app: TestApp| {
            report.add(&Storm::draw(app, Seed::new(seed)).run().await);
        });
        if std::panic::AssertUnwindSafe(run).catch_unwind().await.is_err() {
            failed.push(seed);
        }
    }
    println!("{engine:?}: {runs} runs, {}, {} seeds failed {failed:?}", report.text(), failed.len());
    assert!(
        failed.is_empty(),
        "run one again with BROADSIDE_FAULT_SEEDS=1 and BROADSIDE_SEED= one of {failed:?}"
    );
}

/// Sums over all runs.
#[derive(Default)]
struct Report {
    copies: usize,
    accepted: usize,
    lost: usize,
    duplicates: usize,
    doubts: i64,
    actions: BTreeMap<&'static str, usize>,
}

impl Report {
    fn add(&mut self, (verdict, actions): &(Verdict, Vec<&'static str>)) {
        self.copies += verdict.rows;
        self.accepted += verdict.accepted;
        self.lost += verdict.lost;
        self.duplicates += verdict.duplicates;
        self.doubts += verdict.doubts.values().sum::<i64>();
        for action in actions {
            *self.actions.entry(action).or_default() += 1;
        }
    }

    fn text(&self) -> String {
        let Self { copies, accepted, lost, duplicates, doubts, actions } = self;
        let mut text = format!(
            "{copies} copies, {accepted} accepted, {lost} lost, {duplicates} duplicated, all inside the window ({doubts} doubts)"
        );
        actions
            .iter()
            .for_each(|(action, times)| write!(text, ", {times} times {action}").expect("a string"));
        text
    }
}

/// One run.
struct Storm {
    app: TestApp,
    seed: Seed,
    sandbox: Sandbox,
    options: EngineOptions,
    workers: usize,
    fates: HashMap<String, Fate>,
    hold: bool,
    edition: i64,
    public_id: String,
    gone: Vec<String>,
    /// Nothing but the script puts a copy in doubt: no worker dies, and no time limit is short.
    exact: bool,
}

struct Drawn {
    app: TestApp,
    seed: Seed,
}

impl Storm {
    fn draw(app: TestApp, seed: Seed) -> Drawn {
        Drawn { app, seed }
    }
}

impl Drawn {
    async fn run(self) -> (Verdict, Vec<&'static str>) {
        let Self { app, mut seed } = self;
        let readers = import(&app, 20 + seed.within(0..60)).await;
        let draft = in_two_versions(&app).await;
        app.seal_draft(&draft).await;
        let (edition, public_id) = (draft.id, draft.public_id);
        let hold = seed.once_in(4);
        if hold {
            assert_eq!(database::change(&app.site.db, "update edition set unknown_policy = 'hold'").await, 1);
        }
        let smtp_options = SmtpOptions { pipelining: !seed.once_in(4), ..SmtpOptions::default() };
        let config =
            SandboxConfig { smtp_options, ..SandboxConfig::new(scratch::folder(), app.site.clock.clone()) };
        let sandbox = Sandbox::start(config).await.expect("the sandbox starts");
        let silent = seed.once_in(5);
        let fates = fates(&mut seed, &readers, silent);
        fates.iter().for_each(|(reader, fate)| sandbox.smtp_script().add(fate.rule(reader)));
        for _ in 0..seed.within(0..4) {
            sandbox.smtp_script().add(for_anybody(&mut seed));
        }
        let limit = if silent { Duration::from_secs(1) } else { PATIENCE };
        let relay = Relay {
            url: format!("smtp://{}?tls=none", sandbox.smtp_addr()).parse().expect("an SMTP address"),
            timeouts: Timeouts { connect: PATIENCE, command: limit, data: limit, block: limit, dot: limit },
            messages_per_connection: u32::try_from(1 + seed.within(0..40)).expect("a small number"),
            ..app.relay.clone()
        };
        let batch = i64::try_from(2 + seed.within(0..100)).expect("a small number");
        let options = EngineOptions { batch, ..options(relay, 1 + seed.within(0..6)) };
        let workers = if app.site.db.engine() == DbEngine::Sqlite { 1 } else { 1 + seed.within(0..3) };
        let (gone, exact) = (Vec::new(), !silent);
        let storm =
            Storm { app, seed, sandbox, options, workers, fates, hold, edition, public_id, gone, exact };
        storm.blow().await
    }
}

impl Storm {
    async fn blow(mut self) -> (Verdict, Vec<&'static str>) {
        let mut actions = Vec::new();
        for _ in 0..self.seed.within(0..5) {
            actions.push(self.act().await);
            verify(&self.app.site, &mailbox(&self.sandbox)).await.assert_agrees();
            // Long enough for whoever died to be found silent.
            self.app.advance(self.options.silence * 2);
        }
        self.calm().await;
        let verdict = verify(&self.app.site, &mailbox(&self.sandbox)).await;
        assert_eq!(verdict.assert_agrees().open, 0, "{verdict}");
        self.compare_with_fates().await;
        self.sandbox.stop().await;
        (verdict, actions)
    }

    /// Lets workers send up to some moment, and then something happens. Afterwards no worker is there.
    async fn act(&mut self) -> &'static str {
        let mut workers: Vec<Mortal> =
            (0..self.workers).map(|_| Mortal::start(&self.app, self.options.clone())).collect();
        self.moment().await;
        let action = match self.seed.within(0..6) {
            0 => "stopped",
            1 => {
                self.exact = false;
                workers.drain(..).for_each(Mortal::die);
                "died"
            }
            2 => {
                self.exact = false;
                workers.remove(0).die();
                self.moment().await;
                "died alone"
            }
            3 => {
                self.pause(&mut workers).await;
                "paused"
            }
            4 => {
                self.leave().await;
                self.moment().await;
                "left"
            }
            _ if self.app.site.db.engine() == DbEngine::Sqlite => "stopped",
            _ => {
                let cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
                database::rows::<(bool,)>(&self.app.site.db, cut).await;
                self.moment().await;
                "cut off from the database"
            }
        };
        workers.into_iter().for_each(Mortal::stop);
        action
    }

    /// Waits until a few more messages have arrived, or nothing more will for now.
    async fn moment(&mut self) {
        let count = self.sandbox.mailbox().count() + self.seed.within(1..12);
        let arrived = self.sandbox.mailbox().wait_for_count(count, A_WHILE);
        let idle = wait::at_most(A_WHILE, async || self.is_idle().await.then_some(()));
        tokio::select! {
            _ = arrived => {}
            _ = idle => {}
        }
        for _ in 0..self.seed.within(0..20_000) {
            std::hint::spin_loop();
        }
    }

    async fn is_idle(&self) -> bool {
        let open = "select state, next_at from delivery where state in ('queued', 'claimed')";
        let open = database::rows::<(String, i64)>(&self.app.site.db, open).await;
        open.iter().all(|(state, next_at)| state == "queued" && *next_at > self.app.site.now().0)
    }

    /// TRUST F27: after a pause nothing leaves but what each connection had begun.
    async fn pause(&mut self, workers: &mut Vec<Mortal>) {
        let site = &self.app.site;
        if publishing::pause(site, &self.public_id, None).await.is_err() {
            // It was finished already.
            return;
        }
        let before = self.sandbox.mailbox().count();
        workers.drain(..).for_each(Mortal::stop);
        let most = self.workers * self.options.relays[0].connections;
        let after = self.sandbox.mailbox().count();
        assert!(after - before <= most, "{} messages left during the pause", after - before);
        self.app.resume(&self.public_id).await;
    }

    /// TRUST F25: readers leave while their copies are on the way.
    async fn leave(&mut self) {
        let list = self.app.list().await;
        for _ in 0..3 {
            let number = self.seed.within(1..20);
            let reader = reader(number);
            let address = EmailAddress::parse(&reader).expect("an address");
            let known = subscribers::by_email(&self.app.site.db, &address).await.expect("a read");
            let id = known.expect("the reader is there").id;
            subscribers::leave_by_staff(&self.app.site, id, list, "a test").await.expect("anybody may leave");
            self.gone.push(reader);
        }
    }

    /// Sends and lets time pass until every copy has come to an end.
    async fn calm(&self) {
        for _ in 0..60 {
            let site = self.app.site.clone();
            let sent = Engine::run_until_idle(site, self.app.templates.clone(), self.options.clone()).await;
            sent.expect("the engine starts");
            let edition =
                publishing::load(&self.app.site.db, self.edition).await.expect("the edition is there");
            if edition.state == EditionState::Finished {
                return;
            }
            self.app.advance(LATER);
        }
        panic!("the edition was never finished");
    }

    /// Every copy at an address is whole, and the version for its reader.
    fn check_versions(&self, address: &str) {
        let is_apart = address.ends_with(&format!("@{APART}"));
        for received in self.sandbox.mailbox().to(address) {
            let mail =
                Mail::new(self.sandbox.mailbox().raw(received.seq).expect("the sandbox keeps its mail"));
            for part in [&mail.text, &mail.html] {
                assert!(
                    part.contains("Good morning.") && part.contains("/unsubscribe/"),
                    "{address}: {part}"
                );
                assert_eq!(
                    (part.contains(FOR_SOME), part.contains(FOR_OTHERS)),
                    (is_apart, !is_apart),
                    "{address}"
                );
            }
        }
    }

    async fn compare_with_fates(&self) {
        let db = &self.app.site.db;
        let rows = "select subscriber_id, address, state, coalesce(class, '') from delivery";
        let rows = database::rows::<(i64, String, String, String)>(db, rows).await;
        let unknown = "select subscriber_id, count(*) from delivery_attempt where outcome = 'unknown' group by subscriber_id";
        let unknown: HashMap<i64, i64> = database::rows(db, unknown).await.into_iter().collect();
        for (id, address, state, class) in rows {
            let doubts = unknown.get(&id).copied().unwrap_or(0);
            let copies = self.sandbox.mailbox().to(&address).len();
            let fate = self.fates.get(&address);
            let what = fate.map_or("nothing special", |fate| fate.what);
            let said = format!("{address} ({what}): {state} {class}, {copies} copies, {doubts} doubts");
            if self.gone.contains(&address) && state == "suppressed" {
                continue;
            }
            if state == "unknown" && doubts >= 3 {
                // In doubt too often: staff decide.
                assert!(copies as i64 <= doubts, "{said}");
                continue;
            }
            if self.hold && doubts > 0 {
                assert!(state == "unknown" && copies <= 1, "held for staff: {said}");
                continue;
            }
            let expected = match fate.map_or(End::Accepted, |fate| fate.ends) {
                End::Failed(expected) => {
                    assert!(state == "failed" && class == expected, "{said}");
                    assert_eq!(copies, 0, "{said}");
                    0
                }
                End::Accepted => {
                    assert_eq!(state, "accepted", "{said}");
                    0
                }
                End::Doubted(times) => {
                    assert!(state == "accepted" && doubts >= i64::from(times), "{said}");
                    i64::from(times)
                }
                // What was handed to the network before it was cut off may have gone all the way.
                End::CutOff => {
                    assert!(state == "accepted", "{said}");
                    doubts
                }
            };
            assert!(copies as i64 <= 1 + doubts, "{said}");
            self.check_versions(&address);
            assert!(!self.exact || doubts == expected, "{said}");
        }
    }
}

/// Who some blocks are for; the others are for all but them.
const APART: &str = "example.com";
const FOR_SOME: &str = "Only for some of you.";
const FOR_OTHERS: &str = "Not for some of you.";

/// A draft of which some readers get another version than the others.
async fn in_two_versions(app: &TestApp) -> Edition {
    let draft = app.draft("In a storm").await;
    let tree = SegmentTree::Is(Condition::Domain { domain: APART.to_owned() });
    let id = segments::create(&app.site, None, "Some", tree).await.expect("made");
    let some = segments::find(&app.site.db, &id).await.expect("a read").expect("it is there").id;
    let words = |words: &str, whom| Placed { block: Block::Words(words.to_owned()), whom };
    let mut content = draft.content.clone();
    content.blocks.insert(0, words(FOR_SOME, Whom::Only(Readers::Segment(some))));
    content.blocks.push(words(FOR_OTHERS, Whom::But(Readers::Segment(some))));
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
    publishing::load(&app.site.db, draft.id).await.expect("the draft")
}

fn reader(number: usize) -> String {
    format!("reader{number}@{}", DOMAINS[number % DOMAINS.len()])
}

async fn import(app: &TestApp, count: usize) -> Vec<String> {
    let readers: Vec<String> = (1..=count).map(reader).collect();
    let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
    let file = format!("email\n{}\n", readers.join("\n"));
    let report = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await;
    assert_eq!(report.expect("the file is in order").added, count as u64);
    readers
}

fn fates(seed: &mut Seed, readers: &[String], silent: bool) -> HashMap<String, Fate> {
    let mut fates = HashMap::new();
    for reader in readers {
        if seed.once_in(3) {
            fates.insert(reader.clone(), Fate::draw(seed));
        }
    }
    if silent {
        let unlucky = readers[seed.within(0..readers.len())].clone();
        fates.insert(unlucky, Fate::silent(seed));
    }
    fates
}
