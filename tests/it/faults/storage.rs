//! The database fails under a worker that goes on living: locked by somebody else, restarted, cut off in the middle of a
//! commit, or out of room. What was sent stays known, so not one copy is ever in doubt.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::Command,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use broadside::{
    db::Engine as DbEngine,
    delivery::{self, Engine},
    editions::EditionState,
    publishing,
    sandbox::{Rule, Stage},
    site::Site,
};
use reqwest::{Method, header::CONTENT_TYPE};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, sqlite::SqliteConnectOptions};

use crate::support::{
    Fixture as _, Program, Seed, TestApp, TestDb, database, environment,
    postgres::Cluster,
    program,
    proxy::{Proxy, Target},
    scratch,
    verify::{mailbox, verify},
    wait,
};

const CONNECTIONS: usize = 4;
/// For what needs no exact moment.
const PATIENCE: Duration = Duration::from_secs(60);

/// TRUST F16: while another program holds SQLite's lock nothing new leaves, no outcome is lost, and it goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_sqlite_holds_sending_up_and_costs_nothing() {
    database::run(DbEngine::Sqlite, async |app: TestApp| {
        app.import_readers(300).await;
        let edition = app.seal_edition("Locked").await;
        // As the engine would meet it after half a minute.
        database::change(&app.site.db, "pragma busy_timeout = 100").await;
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(CONNECTIONS)).await;
        assert!(app.sandbox.mailbox().wait_for_count(50, PATIENCE).await);
        let options: SqliteConnectOptions = app.database_url.parse().expect("an address of SQLite");
        let mut other =
            options.busy_timeout(PATIENCE).connect().await.expect("a second program opens the file");
        other.execute("begin immediate").await.expect("its turn comes");
        stands_still(&app, edition).await;
        other.execute("commit").await.expect("a commit");
        finished(&app, edition).await;
        engine.expect("the engine starts").stop().await;
        other.close().await.expect("it closes");
        everybody_has_it_once(&app).await;
    })
    .await;
}

/// TRUST F18: a database that may not grow takes no results; nothing new leaves until it may, and then all goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_sqlite_holds_sending_up_and_costs_nothing() {
    database::run(DbEngine::Sqlite, async |app: TestApp| {
        app.import_readers(3_000).await;
        let edition = app.seal_edition("No room").await;
        // So that it is not over before there is no room.
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(20)));
        let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(CONNECTIONS)).await;
        assert!(app.sandbox.mailbox().wait_for_count(50, PATIENCE).await);
        // SQLite takes the smallest size that holds what is there already. It is said again and again, for a connection in whose
        // hands a transaction was undone is replaced by one that has not heard of it.
        let full = wait::at_most(PATIENCE, async || {
            database::change(&app.site.db, "pragma max_page_count = 1").await;
            None::<()>
        });
        tokio::select! {
            () = stands_still(&app, edition) => {}
            _ = full => panic!("it never stood still"),
        }
        database::change(&app.site.db, "pragma max_page_count = 1000000").await;
        finished(&app, edition).await;
        engine.expect("the engine starts").stop().await;
        everybody_has_it_once(&app).await;
    })
    .await;
}

/// TRUST F18: the disk is full: the same for the real program on a file system of its own, whose pages say 5xx meanwhile and
/// not "done".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_holds_everything_up_and_costs_nothing() {
    let Some(disk) = small_disk() else { return };
    let app = TestApp::start(TestDb::in_folder(&disk).await).await;
    app.import_readers(3_000).await;
    let edition = app.seal_edition("Disk full").await;
    let marks = app.marks_of_the_form().await;
    let listen = program::address_of_its_own().to_string();
    let program = Program::serve(&app, &[("LISTEN", &listen)]);
    assert!(app.sandbox.mailbox().wait_for_count(50, PATIENCE).await, "{}", program.log());
    let ballast = disk.join("ballast");
    fill(&ballast);
    stands_still(&app, edition).await;
    let asked = app.visitor();
    let request = asked.request(Method::POST, &format!("http://{listen}/subscribe"));
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = asked.send(request.body(format!("email=late%40example.org&consent=yes&{marks}"))).await;
    assert!(answer.status.is_server_error(), "{}: {}", answer.status, answer.text());
    fs::remove_file(&ballast).expect("room again");
    finished(&app, edition).await;
    program.signal("TERM");
    let mut program = program;
    assert!(program.ended(PATIENCE).await.success(), "{}", program.log());
    everybody_has_it_once(&app).await;
    app.site.db.close().await;
}

/// TRUST F17: PostgreSQL is restarted under a worker, politely and not: it goes on by itself, and nothing was in doubt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_of_postgres_cost_nothing() {
    let Some(cluster) = tokio::task::block_in_place(Cluster::get)
        .and_then(|_| tokio::task::block_in_place(Cluster::of_its_own))
    else {
        return;
    };
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    let mut seed = Seed::get("restarts");
    app.import_readers(600).await;
    let edition = app.seal_edition("Restarted").await;
    let engine = Engine::start(app.site.clone(), app.templates.clone(), app.engine(CONNECTIONS)).await;
    for mode in ["immediate", "fast", "immediate"] {
        let count = app.sandbox.mailbox().count() + seed.within(10..80);
        assert!(app.sandbox.mailbox().wait_for_count(count, PATIENCE).await, "never {count}");
        tokio::task::block_in_place(|| cluster.restart(mode));
    }
    finished(&app, edition).await;
    engine.expect("the engine starts").stop().await;
    everybody_has_it_once(&app).await;
    app.site.db.close().await;
}

/// TRUST F17: the answer to a commit is lost on its way, again and again: whether it was made is found out, and neither a
/// claim nor an outcome hangs in the air.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_to_commits_cost_nothing() {
    let Some(cluster) = tokio::task::block_in_place(Cluster::get)
        .and_then(|_| tokio::task::block_in_place(Cluster::of_its_own))
    else {
        return;
    };
    let app = TestApp::start(TestDb::on(&cluster).await).await;
    app.import_readers(800).await;
    app.subscribe("ann@example.com").await;
    let edition = app.seal_edition("Answers lost").await;
    let wire = LossyCommits::new(Seed::get("lost answers"));
    let lossy = std::sync::Arc::new(wire);
    let filter = lossy.clone();
    let proxy =
        Proxy::filtered(Target::Unix(cluster.socket()), Box::new(move |said| filter.pass(said))).await;
    let url = format!("postgres://broadside@{}/test?sslmode=disable", proxy.address);
    let site = Site { db: database::open(&url).await, ..app.site.clone() };
    // Small batches, so that answers to claims are lost as well.
    let options = broadside::delivery::EngineOptions { batch: 20, ..app.engine(CONNECTIONS) };
    let engine = Engine::start(site, app.templates.clone(), options).await.expect("the engine starts");
    lossy.armed.store(true, Ordering::SeqCst);
    app.subscribe_only("bea@example.com").await;
    finished(&app, edition).await;
    wait::until("the automatic email", async || {
        let waiting = "select count(*) from notice where state <> 'accepted'";
        (database::rows::<(i64,)>(&app.site.db, waiting).await == [(0,)]).then_some(())
    })
    .await;
    lossy.armed.store(false, Ordering::SeqCst);
    engine.stop().await;
    let lost = lossy.lost.load(Ordering::SeqCst);
    println!("{lost} answers to commits were lost");
    assert!(lost > 10, "only {lost} answers were lost");
    everybody_has_it_once(&app).await;
    app.site.db.close().await;
}

/// Loses one answer to a commit in eight, drawn from a seed.
struct LossyCommits {
    armed: AtomicBool,
    lost: AtomicUsize,
    seed: Mutex<Seed>,
}

impl LossyCommits {
    fn new(seed: Seed) -> Self {
        Self { armed: AtomicBool::new(false), lost: AtomicUsize::new(0), seed: Mutex::new(seed) }
    }

    fn pass(&self, said: &[u8]) -> Option<Vec<u8>> {
        // The message CommandComplete: its kind, its length, the tag.
        const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
        let is_answer = said.windows(COMMITTED.len()).any(|window| window == COMMITTED);
        let drawn = || self.seed.lock().unwrap_or_else(PoisonError::into_inner).once_in(8);
        if self.armed.load(Ordering::SeqCst) && is_answer && drawn() {
            self.lost.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        Some(said.to_vec())
    }
}

/// Waits until nothing more arrives but what each connection may have begun; the edition must be open still.
async fn stands_still(app: &TestApp, edition: i64) {
    let last = std::cell::Cell::new((usize::MAX, broadside::clock::Stopwatch::start()));
    wait::until("a moment without arrivals", async || {
        let count = app.sandbox.mailbox().count();
        let (before, since) = last.get();
        if count != before {
            last.set((count, broadside::clock::Stopwatch::start()));
        }
        (count == before && since.elapsed() > Duration::from_secs(1)).then_some(())
    })
    .await;
    let progress = delivery::progress_of(&app.site.db, edition).await.expect("the tallies can be read");
    assert!(progress.open > CONNECTIONS as i64, "it went on to the end: {progress:?}");
}

/// Waits until the edition is finished, which has to come about by itself. The clock goes on meanwhile: what could not be
/// read waits ten seconds.
async fn finished(app: &TestApp, edition: i64) {
    let done = wait::at_most(PATIENCE, async || {
        app.advance(Duration::from_millis(500));
        let edition = publishing::load(&app.site.db, edition).await.ok()?;
        (edition.state == EditionState::Finished).then_some(())
    });
    if done.await.is_none() {
        let progress = delivery::progress_of(&app.site.db, edition).await;
        panic!("the edition was never finished: {progress:?}");
    }
}

async fn everybody_has_it_once(app: &TestApp) {
    let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
    verdict.assert_agrees();
    assert_eq!(
        (verdict.accepted, verdict.open, verdict.duplicates, verdict.flagged),
        (verdict.rows, 0, 0, 0),
        "{verdict}"
    );
    assert!(verdict.doubts.is_empty(), "{:?}", verdict.doubts);
}

/// A file system of 24 MB in memory; it goes with the process. Only root may make one.
fn small_disk() -> Option<std::path::PathBuf> {
    static GUARDS: Mutex<Vec<scratch::Guard>> = Mutex::new(Vec::new());
    let folder = scratch::new_folder("disk", None);
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(&folder).status();
    if !mounted.is_ok_and(|status| status.success()) {
        fs::remove_dir(&folder).expect("our own folder");
        if Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n") {
            environment::skip("a full disk", "no file system can be mounted");
        } else {
            println!("skipped: a full disk, because only root may mount one");
        }
        return None;
    }
    let guard = scratch::guard("cat >/dev/null; umount -l \"$1\"; rmdir \"$1\"", &folder, &[], None);
    GUARDS.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
    Some(folder)
}

/// Writes until there is no room.
fn fill(file: &Path) {
    let mut file = fs::File::create(file).expect("room for a name");
    let mut size = 1 << 20;
    while size > 0 {
        if file.write_all(&vec![0; size]).is_err() {
            size /= 2;
        }
    }
}
