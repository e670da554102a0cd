//! Databases for tests: migrated once into a template, copied for each test.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use broadside::{
    clock::{Clock, Moment},
    db::{Db, DbOptions, Engine, Migrations, Row},
    journal::Journal,
    site::Site,
    token::{self, Keys, RootSecret},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::timeout;

use super::{postgres::Cluster, scratch};

/// The secrets of every instance of a test, as the settings of a process of its own would name them.
pub const SECRET: &str = "the root secret of an instance in a test";
pub const SUPPRESSION_SECRET: &str = "the suppression secret of an instance in a test";

/// Writes a test for both engines: `async fn a_sentence(db: TestDb) { … }` becomes `a_sentence::sqlite` and
/// `a_sentence::postgres`. The parameter is anything that is a [`Fixture`].
macro_rules! both_engines {
    ($($(#[$doc:meta])* async fn $name:ident($param:ident: $fixture:ty) $body:block)*) => {
        $(
            $(#[$doc])*
            mod $name {
                use super::*;

                async fn behaviour($param: $fixture) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    crate::support::database::run(broadside::db::Engine::Sqlite, behaviour).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    crate::support::database::run(broadside::db::Engine::Postgres, behaviour).await;
                }
            }
        )*
    };
}
pub(crate) use both_engines;

/// What a test of [`both_engines!`] may ask for.
pub trait Fixture: Clone + Send + Sized {
    /// Builds it on a migrated database of its own.
    fn start(db: TestDb) -> impl Future<Output = Self> + Send;

    /// Checks, after a test that passed, that nothing was left behind.
    fn finish(self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// A migrated database that one test has for itself.
#[derive(Clone, Debug)]
pub struct TestDb {
    pub db: Db,
    /// What `DATABASE_URL` would be.
    pub url: String,
    name: String,
}

impl Fixture for TestDb {
    async fn start(db: TestDb) -> Self {
        db
    }
}

/// Runs one test on one engine; a PostgreSQL half passes without running where there is no server.
pub async fn run<F: Fixture, R: Future<Output = ()>>(engine: Engine, behaviour: impl FnOnce(F) -> R) {
    let Some(db) = TestDb::migrated(engine).await else { return };
    let fixture = F::start(db.clone()).await;
    // Only a test that waits for something that never comes takes this long, on however busy a machine.
    timeout(Duration::from_secs(600), behaviour(fixture.clone())).await.expect("the test ends");
    fixture.finish().await;
    db.drop().await;
}

impl TestDb {
    /// A database with the whole schema; `None` where the engine is not there.
    pub async fn migrated(engine: Engine) -> Option<Self> {
        Self::copy(engine, true).await
    }

    /// A database with nothing in it; `None` where the engine is not there.
    pub async fn empty(engine: Engine) -> Option<Self> {
        Self::copy(engine, false).await
    }

    /// A house on it, at an address and a moment: what every other way to stand one up begins with.
    pub fn site(&self, base_url: &str, now: Moment) -> Site {
        let root = RootSecret { id: 1, secret: SECRET.as_bytes().to_vec() };
        Site {
            db: self.db.clone(),
            clock: Clock::manual(now),
            keys: Arc::new(Keys::new(&root, &[], SUPPRESSION_SECRET.as_bytes())),
            base_url: base_url.parse().expect("an address"),
            bounce_address: None,
            journal: Journal::default(),
        }
    }

    /// A SQLite database with the whole schema in a folder of the test's choice.
    pub async fn in_folder(folder: &Path) -> Self {
        let file = folder.join("test.db");
        fs::copy(tokio::task::block_in_place(sqlite_template), &file).expect("the template can be copied");
        let url = format!("sqlite:{}", file.display());
        Self { db: open(&url).await, url, name: String::new() }
    }

    /// A database with the whole schema on a cluster of the test's own, where a commit is one: it waits for its log.
    pub async fn on(cluster: &Cluster) -> Self {
        administer(cluster, "alter role broadside set synchronous_commit = on").await;
        administer(cluster, "create database test template template0").await;
        let url = cluster.url("test");
        let db = open(&url).await;
        Migrations::apply(&db).await.expect("the migrations apply");
        Self { db, url, name: "test".to_owned() }
    }

    async fn copy(engine: Engine, migrated: bool) -> Option<Self> {
        let name = format!("test_{}", token::public_id());
        let url = match engine {
            Engine::Sqlite => {
                let file = scratch::folder().join("test.db");
                if migrated {
                    let template = tokio::task::block_in_place(sqlite_template);
                    fs::copy(template, &file).expect("the template can be copied");
                }
                format!("sqlite:{}", file.display())
            }
            Engine::Postgres => {
                let cluster = tokio::task::block_in_place(Cluster::get)?;
                let template = if migrated {
                    tokio::task::block_in_place(|| postgres_template(cluster))
                } else {
                    "template0"
                };
                administer(cluster, &format!("create database {name} template {template}")).await;
                cluster.url(&name)
            }
        };
        Some(Self { db: open(&url).await, url, name })
    }

    /// The database as it is now, restored in a place of its own from a backup.
    pub async fn restored_copy(&self) -> Self {
        let copy = Self::empty(self.db.engine()).await.expect("the engine is there");
        match &self.db {
            Db::Sqlite { write, .. } => {
                copy.db.close().await;
                let file = copy.url.trim_start_matches("sqlite:");
                fs::remove_file(file).expect("our own file");
                sqlx::query("vacuum into $1").bind(file).execute(write).await.expect("a backup");
            }
            Db::Postgres { .. } => {
                let cluster = tokio::task::block_in_place(Cluster::get).expect("it runs");
                tokio::task::block_in_place(|| cluster.back_up(&self.url, &copy.url));
                copy.db.close().await;
            }
        }
        Self { db: open(&copy.url).await, ..copy }
    }

    /// Another handle on the same database, as a second process would have.
    pub async fn open_again(&self) -> Db {
        open(&self.url).await
    }

    /// The folder of a SQLite database is deleted with the process; a PostgreSQL database would fill the disk before that.
    async fn drop(self) {
        self.db.close().await;
        if let (Engine::Postgres, Some(cluster)) = (self.db.engine(), Cluster::get()) {
            administer(cluster, &format!("drop database {} with (force)", self.name)).await;
        }
    }
}

/// All rows of a look behind the domains' backs.
pub async fn rows<T: Row>(db: &Db, sql: &'static str) -> Vec<T> {
    match db {
        Db::Sqlite { read, .. } => sqlx::query_as(sql).fetch_all(read).await,
        Db::Postgres { pool, .. } => sqlx::query_as(sql).fetch_all(pool).await,
    }
    .expect(sql)
}

/// A change behind the domains' backs; how many rows it changed.
pub async fn change(db: &Db, sql: &'static str) -> u64 {
    match db {
        Db::Sqlite { write, .. } => sqlx::query(sql).execute(write).await.expect(sql).rows_affected(),
        Db::Postgres { pool, .. } => sqlx::query(sql).execute(pool).await.expect(sql).rows_affected(),
    }
}

/// Another handle on a database.
pub async fn open(url: &str) -> Db {
    let options = DbOptions { url: url.to_owned(), connections: 4, durable: false, hurried: false };
    Db::open(&options).await.expect("the test database opens")
}

async fn administer(cluster: &Cluster, statement: &str) {
    let mut connection =
        PgConnection::connect(&cluster.url("postgres")).await.expect("the cluster takes connections");
    connection.execute(AssertSqlSafe(statement.to_owned())).await.expect(statement);
    connection.close().await.expect("a connection closes");
}

fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let file = scratch::folder().join("template.db");
        migrate(&format!("sqlite:{}", file.display()));
        file
    })
}

fn postgres_template(cluster: &Cluster) -> &'static str {
    static TEMPLATE: OnceLock<&str> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        on_a_runtime(administer(cluster, "create database migrated template template0"));
        migrate(&cluster.url("migrated"));
        "migrated"
    })
}

fn migrate(url: &str) {
    on_a_runtime(async {
        let db = open(url).await;
        Migrations::apply(&db).await.expect("the migrations apply");
        db.close().await;
    });
}

/// The templates outlive the runtime of the test that happens to come first, so they are made on one of their own.
fn on_a_runtime(work: impl Future<Output = ()> + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(work);
        });
        thread.join().expect("the template is made");
    });
}
