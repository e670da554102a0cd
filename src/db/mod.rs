//! One data layer over two native engines.
//!
//! The rules: a statement is a named constant written once (see [`statements!`](crate::statements!)); reads go through [`Db`],
//! every write through a [`Tx`] that a domain function opened; nothing waits for a network inside a transaction. Whatever is
//! given one of them, or a site, fails when the database fails: above, `# Errors` says what else there is to say.
//!
//! On SQLite there is ONE writer connection, so a transaction takes the write lock when it begins (`BEGIN IMMEDIATE`):
//! a deferred one that upgrades later fails with "database is locked" however long it would have waited. Readers have a
//! read-only pool of their own. A second `begin` while a transaction of the same task is open would wait for itself; and on either
//! engine nothing is asked of the pool meanwhile (`holding`).
//!
//! It calls nobody but the small types. Start reading at [`Db`] and [`Tx`]; the order of locks is in `gates.rs`, statements in `sql.rs`.

mod about;
mod again;
mod built;
mod carry;
mod copy;
mod gates;
mod holding;
mod migrations;
mod params;
mod pulse;
mod reach;
mod rows;
mod sql;
mod statement;
mod to_its_end;
mod together;

use std::{
    fs, io,
    ops::{Deref, DerefMut},
    path::Path,
    str::FromStr,
    time::Duration,
};

use futures_util::future::{BoxFuture, Either};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    ConnectOptions, Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool,
    Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};

pub use self::{
    about::DatabaseAbout,
    again::{MaybeDatabase, again},
    built::Built,
    carry::{Carried, CarryError, carry},
    copy::{Examined, examine},
    gates::Gate,
    holding::apart,
    migrations::{MigrationError, Migrations},
    params::{Params, Value},
    pulse::{PoolLook, Pulse},
    reach::{Reach, Unreachable, unreachable},
    rows::Row,
    sql::Sql,
    together::Together,
};
use self::{holding::Holds, rows::Rows, statement::Statement, to_its_end::ToItsEnd, together::Part};
use crate::{
    clock::{self, Clock, Moment},
    private,
};

/// What a data call returns.
pub type Result<T> = std::result::Result<T, sqlx::Error>;

/// A process that is frozen in the middle of a transaction, or whose machine is gone, must not hold its rows for ever: the
/// server ends such a transaction before the worker's lease is over, so that another can take its claims back. And no plan is compiled:
/// that takes a tenth of a second, for pages that are read in a few thousandths.
async fn set_up_connection(connection: &mut PgConnection) -> Result<()> {
    sqlx::query(sql::SETTINGS).execute(connection).await?;
    Ok(())
}

/// SQLite would make the file for everybody to read, and gives those beside it the same mode.
fn make_private(file: &Path) -> Result<()> {
    match private::options().write(true).create_new(true).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// The two engines, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, one writer, one machine.
    Sqlite,
    /// A server that several machines share.
    Postgres,
}

/// The open database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite: the single writer connection and the read-only pool beside it.
    Sqlite {
        /// Read-only connections.
        read: SqlitePool,
        /// The one connection that writes.
        write: SqlitePool,
        /// Who commits together.
        together: Together,
        /// What it tells this process.
        pulse: Pulse,
    },
    /// PostgreSQL: one pool for everything.
    Postgres {
        pool: PgPool,
        /// What it tells this process.
        pulse: Pulse,
        /// Whether the server is there.
        reach: Reach,
    },
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `sqlite:path` or `postgres://…`.
    pub url: String,
    /// The most connections held open, readers on SQLite.
    pub connections: u32,
    /// Whether a commit waits for the disk. Only throwaway test databases say no, and they wait longest for a slow server.
    pub durable: bool,
    /// Whether people wait for pages, so that a server that is slow counts as away (PostgreSQL).
    pub hurried: bool,
}

impl DbOptions {
    /// Durable, with eight connections, for a command that nobody reads pages of.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections: 8, durable: true, hurried: false }
    }
}

impl Db {
    /// Opens the database, and creates the file if it is SQLite and not there yet. Does not migrate.
    ///
    /// # Errors
    /// When the URL has another scheme, or the file or server cannot be reached.
    pub async fn open(options: &DbOptions) -> Result<Self> {
        match options.url.split(':').next() {
            Some("sqlite") => Self::open_sqlite(options).await,
            Some("postgres" | "postgresql") => {
                let connect = PgConnectOptions::from_str(&options.url)?
                    .application_name("broadside")
                    .disable_statement_logging();
                // The pool would knock for half a minute, and then not say why nobody opened.
                reach::ask(&connect).await?;
                let reach = Reach::new(connect.clone(), options);
                let asks = reach.clone();
                let pool = PgPoolOptions::new()
                    .max_connections(options.connections)
                    .acquire_timeout(Duration::from_secs(30))
                    .after_connect(|connection, _| Box::pin(set_up_connection(connection)))
                    // The pool's own question would wait for its answer as long as it takes.
                    .test_before_acquire(false)
                    .before_acquire(move |connection, _| {
                        let asks = asks.clone();
                        Box::pin(async move { Ok(asks.answers(connection).await) })
                    })
                    .after_release({
                        let reach = reach.clone();
                        move |_, _| {
                            // Who was asked when the server went away may never answer.
                            let is_there = reach.away().is_none();
                            Box::pin(async move { Ok(is_there) })
                        }
                    })
                    .connect_with(connect)
                    .await?;
                Ok(Self::Postgres { pool, pulse: Pulse::default(), reach })
            }
            _ => Err(sqlx::Error::Configuration("DATABASE_URL must begin with sqlite: or postgres:".into())),
        }
    }

    /// Whether the server is there, if the database is on one; what it says to us is for [`Db::open`] to find out.
    ///
    /// # Errors
    /// [`unreachable()`] knows the one for a server that is away.
    pub async fn is_there(options: &DbOptions) -> Result<()> {
        if options.url.starts_with("sqlite:") {
            return Ok(());
        }
        reach::ask(&PgConnectOptions::from_str(&options.url)?).await
    }

    async fn open_sqlite(options: &DbOptions) -> Result<Self> {
        let synchronous = if options.durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
        let connect = SqliteConnectOptions::from_str(&options.url)?;
        make_private(connect.get_filename())?;
        let connect = connect
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30))
            .statement_cache_capacity(256)
            .pragma("temp_store", "memory")
            .disable_statement_logging();
        // Asking for it takes the lock of the writer: on a connection that is opened to read inside a transaction it would wait
        // for that transaction, which waits for it. A database that is there has it.
        let is_new = fs::metadata(connect.get_filename()).map_or(true, |file| file.len() == 0);
        let connect_to_write =
            if is_new { connect.clone().auto_vacuum(SqliteAutoVacuum::Incremental) } else { connect.clone() };
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(60))
            .idle_timeout(None)
            .max_lifetime(None)
            // When the disk is full, or fails, SQLite undoes a transaction by itself. The connection then believes that it is
            // still inside one, and would never begin another: it is closed, and a new one opened.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(connect_to_write)
            .await?;
        let read = SqlitePoolOptions::new()
            .max_connections(options.connections)
            // A file does not hang up: asking first whether it is still there takes as long as a small read.
            .test_before_acquire(false)
            .connect_with(connect.pragma("query_only", "on"))
            .await?;
        Ok(Self::Sqlite { read, write, together: Together::default(), pulse: Pulse::default() })
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The clock of whoever works on it: its own where several machines share it, and this machine's otherwise.
    pub async fn clock(&self) -> Result<Clock> {
        match self.engine() {
            Engine::Sqlite => Ok(Clock::System),
            Engine::Postgres => {
                let clock = Clock::of_the_server(Clock::System);
                self.lease_time(&clock).await?;
                Ok(clock)
            }
        }
    }

    /// The time that leases are measured by: the database's where several machines share it, the clock's otherwise. The clock
    /// hears what the database says.
    pub async fn lease_time(&self, clock: &Clock) -> Result<Moment> {
        match self {
            Self::Postgres { pool, reach, .. } if !clock.is_manual() => {
                holding::asks(self.pulse().holders());
                let asked = clock::instant();
                let told = sqlx::query_scalar(sql::SERVER_TIME).fetch_one(pool);
                let theirs = Moment(reach.during(told).await?);
                clock.heard(theirs, asked);
                Ok(theirs)
            }
            _ => Ok(clock.now()),
        }
    }

    /// What tells this database from a copy of it: its file, or the server's own id and the database's.
    pub async fn place(&self) -> Result<String> {
        match self {
            Self::Sqlite { read, .. } => sqlx::query_scalar(sql::FILE).fetch_one(read).await,
            Self::Postgres { pool, reach, .. } => {
                reach.during(sqlx::query_scalar(sql::CLUSTER).fetch_one(pool)).await
            }
        }
    }

    /// Every row of a read.
    ///
    /// # Errors
    /// When the statement fails or a row does not decode.
    pub fn all<'s, 'q, T: Row>(&'s self, sql: Sql, params: impl Params<'q>) -> BoxFuture<'s, Result<Vec<T>>> {
        let rows = self.rows(Statement::new(self.engine(), sql, params));
        Box::pin(async move { rows.await?.all() })
    }

    /// The row of a read that may find none.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub fn opt<'s, 'q, T: Row>(
        &'s self,
        sql: Sql,
        params: impl Params<'q>,
    ) -> BoxFuture<'s, Result<Option<T>>> {
        let rows = self.rows(Statement::new(self.engine(), sql, params));
        Box::pin(async move { rows.await?.first() })
    }

    /// The one row of a read.
    ///
    /// # Errors
    /// As [`Db::all`], and `RowNotFound` when there is none.
    pub fn one<'s, 'q, T: Row>(&'s self, sql: Sql, params: impl Params<'q>) -> BoxFuture<'s, Result<T>> {
        let rows = self.rows(Statement::new(self.engine(), sql, params));
        Box::pin(async move { rows.await?.first()?.ok_or(sqlx::Error::RowNotFound) })
    }

    /// Every row of a read that was put together.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub fn all_built<T: Row>(&self, built: Result<Built>) -> BoxFuture<'_, Result<Vec<T>>> {
        let rows = self.rows(built.map(Built::statement));
        Box::pin(async move { rows.await?.all() })
    }

    /// What waits is compiled once, and not for each kind of row.
    fn rows(&self, statement: Result<Statement>) -> BoxFuture<'_, Result<Rows>> {
        Box::pin(async move {
            holding::asks(self.pulse().holders());
            let Statement { text, arguments, is_kept } = statement?;
            match (self, arguments) {
                (Self::Sqlite { read, .. }, Either::Left(arguments)) => Ok(Rows::Sqlite(
                    sqlx::query_with(text, arguments).persistent(is_kept).fetch_all(read).await?,
                )),
                (Self::Postgres { pool, reach, .. }, Either::Right(arguments)) => {
                    let rows = sqlx::query_with(text, arguments).persistent(is_kept).fetch_all(pool);
                    Ok(Rows::Postgres(reach.during(rows).await?))
                }
                _ => Err(other_engine()),
            }
        })
    }

    /// Begins a transaction that may write; dropping it rolls back.
    ///
    /// # Errors
    /// When no connection can be had in time.
    pub async fn begin(&self) -> Result<Tx> {
        holding::asks(self.pulse().holders());
        let begun = match self {
            Self::Sqlite { write, .. } => {
                Either::Left(Begun::Alone(write.begin_with(sql::BEGIN_TO_WRITE).await?))
            }
            Self::Postgres { pool, reach, .. } => Either::Right(begin_on(pool, reach, "begin").await?),
        };
        Ok(Tx::new(self, begun))
    }

    /// As [`Db::begin`], for what comes by the hundred at once and is short: on SQLite several of them wait for the disk together.
    /// Nothing that waits for anything else may be done in it, for all others wait as well.
    ///
    /// # Errors
    /// As [`Db::begin`].
    pub async fn begin_together(&self) -> Result<Tx> {
        holding::asks(self.pulse().holders());
        match self {
            Self::Sqlite { write, together, .. } => {
                let part = together.begin(write).await?;
                Ok(Tx::new(self, Either::Left(Begun::Together(part))))
            }
            Self::Postgres { .. } => self.begin().await,
        }
    }

    /// One write that is whole by itself, as in [`Db::begin_together`]: a server is asked once, not for a beginning and an end, too.
    /// The number of rows it touched.
    ///
    /// # Errors
    /// When the statement fails; or, if the connection was lost meanwhile, it is not known.
    pub fn exec_together<'s, 'q>(&'s self, sql: Sql, params: impl Params<'q>) -> BoxFuture<'s, Result<u64>> {
        let statement = Statement::new(self.engine(), sql, params);
        Box::pin(async move {
            match self {
                Self::Sqlite { .. } => {
                    let mut tx = self.begin_together().await?;
                    let touched = tx.touch(statement.map(|one| vec![one])).await?;
                    tx.commit().await?;
                    Ok(touched)
                }
                Self::Postgres { pool, reach, .. } => {
                    holding::asks(self.pulse().holders());
                    let Statement { text, arguments, is_kept } = statement?;
                    let (pool, Either::Right(arguments)) = (pool.clone(), arguments) else {
                        return Err(other_engine());
                    };
                    let write = async move {
                        sqlx::query_with(text, arguments).persistent(is_kept).execute(&pool).await
                    };
                    Ok(reach.during(ToItsEnd::new(write)).await?.rows_affected())
                }
            }
        })
    }

    /// Why the database cannot be reached, while it cannot; it was told already.
    #[must_use]
    pub fn away(&self) -> Option<Unreachable> {
        self.reach().and_then(Reach::away)
    }

    /// Whether the database is away now, for whoever met an error that may come of it.
    pub async fn is_away(&self) -> bool {
        match self.reach() {
            Some(reach) => reach.look().await.is_some(),
            None => false,
        }
    }

    fn reach(&self) -> Option<&Reach> {
        match self {
            Self::Sqlite { .. } => None,
            Self::Postgres { reach, .. } => Some(reach),
        }
    }

    /// Closes every connection; on SQLite this also folds the write-ahead log back into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}

/// Work that was begun is done to its end though whoever waits for it goes away: a browser that hangs up, an answer that is late.
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    ToItsEnd::new(work).await
}

/// Begins on a server; if nobody waits for it any more, it is undone once it has begun.
async fn begin_on(pool: &PgPool, reach: &Reach, sql: &'static str) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    reach.during(ToItsEnd::new(async move { pool.begin_with(sql).await })).await
}

/// Asks a server, if it is one; a file is always there.
async fn during<T>(reach: Option<Reach>, work: impl Future<Output = Result<T>>) -> Result<T> {
    match reach {
        Some(reach) => reach.during(work).await,
        None => work.await,
    }
}

/// An open transaction that may write. Dropping it without [`Tx::commit`] rolls back.
#[derive(Debug)]
pub struct Tx {
    begun: Either<Begun, Transaction<'static, Postgres>>,
    pulse: Pulse,
    reach: Option<Reach>,
    leaves_work: bool,
    _holds: Holds,
}

/// A transaction on SQLite.
#[derive(Debug)]
enum Begun {
    Alone(Transaction<'static, Sqlite>),
    Together(Part),
}

impl Deref for Begun {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Alone(tx) => tx,
            Self::Together(part) => part,
        }
    }
}

impl DerefMut for Begun {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Alone(tx) => tx,
            Self::Together(part) => part,
        }
    }
}

impl Tx {
    fn new(db: &Db, begun: Either<Begun, Transaction<'static, Postgres>>) -> Self {
        let pulse = db.count_transaction();
        Self {
            begun,
            _holds: Holds::begin(pulse.holders()),
            pulse,
            reach: db.reach().cloned(),
            leaves_work: false,
        }
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.begun {
            Either::Left(_) => Engine::Sqlite,
            Either::Right(_) => Engine::Postgres,
        }
    }

    /// The time as [`Db::lease_time`] tells it, once the transaction has begun.
    pub async fn lease_time(&mut self, clock: &Clock) -> Result<Moment> {
        match &mut self.begun {
            Either::Right(tx) if !clock.is_manual() => {
                let asked = clock::instant();
                let told = sqlx::query_scalar(sql::SERVER_TIME).fetch_one(&mut **tx);
                let theirs = Moment(during(self.reach.clone(), told).await?);
                clock.heard(theirs, asked);
                Ok(theirs)
            }
            _ => Ok(clock.now()),
        }
    }

    /// Makes everything since [`Db::begin`] last.
    ///
    /// # Errors
    /// When the commit fails: then nothing lasts, or, if the connection was lost meanwhile, it is not known.
    pub async fn commit(self) -> Result<()> {
        match self.begun {
            Either::Left(Begun::Alone(tx)) => tx.commit().await?,
            Either::Left(Begun::Together(part)) => part.commit().await?,
            Either::Right(tx) => during(self.reach, ToItsEnd::new(tx.commit())).await?,
        }
        if self.leaves_work {
            self.pulse.work_was_left();
        }
        Ok(())
    }

    /// [`Tx::commit`], and what follows once that has succeeded: both are done though whoever waits for them goes away.
    ///
    /// # Errors
    /// As [`Tx::commit`]; then nothing follows.
    pub async fn commit_then(self, then: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        to_its_end(async move {
            self.commit().await?;
            then.await;
            Ok(())
        })
        .await
    }

    /// Runs a write; the number of rows it touched.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn exec<'s, 'q>(&'s mut self, sql: Sql, params: impl Params<'q>) -> BoxFuture<'s, Result<u64>> {
        let statement = Statement::new(self.engine(), sql, params);
        self.touch(statement.map(|one| vec![one]))
    }

    /// Every row that a read or a `returning` write gives.
    ///
    /// # Errors
    /// When the statement fails or a row does not decode.
    pub fn all<'s, 'q, T: Row>(
        &'s mut self,
        sql: Sql,
        params: impl Params<'q>,
    ) -> BoxFuture<'s, Result<Vec<T>>> {
        let rows = self.rows(Statement::new(self.engine(), sql, params).map(|one| vec![one]));
        Box::pin(async move { rows.await?.all() })
    }

    /// The row of a read or `returning` write that may give none.
    ///
    /// # Errors
    /// As [`Tx::all`].
    pub fn opt<'s, 'q, T: Row>(
        &'s mut self,
        sql: Sql,
        params: impl Params<'q>,
    ) -> BoxFuture<'s, Result<Option<T>>> {
        // Not `fetch_optional`: on SQLite it stops stepping after the first row, and a `returning` write must run to its end.
        let rows = self.rows(Statement::new(self.engine(), sql, params).map(|one| vec![one]));
        Box::pin(async move { rows.await?.first() })
    }

    /// The one row of a read or `returning` write.
    ///
    /// # Errors
    /// As [`Tx::all`], and `RowNotFound` when there is none.
    pub fn one<'s, 'q, T: Row>(&'s mut self, sql: Sql, params: impl Params<'q>) -> BoxFuture<'s, Result<T>> {
        let rows = self.rows(Statement::new(self.engine(), sql, params).map(|one| vec![one]));
        Box::pin(async move { rows.await?.first()?.ok_or(sqlx::Error::RowNotFound) })
    }

    /// The rows of a statement that returns them all as one JSON array.
    ///
    /// For what is read by the thousand on a hot path: SQLite's rows come one by one from another thread, and each costs
    /// more than reading it.
    ///
    /// # Errors
    /// As [`Tx::one`], and when the array holds something else.
    pub fn array<'s, 'q, T: DeserializeOwned>(
        &'s mut self,
        sql: Sql,
        params: impl Params<'q>,
    ) -> BoxFuture<'s, Result<Vec<T>>> {
        let row = self.one::<(String,)>(sql, params);
        Box::pin(async move {
            let (json,) = row.await?;
            serde_json::from_str(&json).map_err(|error| sqlx::Error::Decode(error.into()))
        })
    }

    /// Runs one statement over many rows, in as few round trips as the engines' limits on parameters allow.
    ///
    /// The text holds `{rows}` once, where `(?, ?), (?, ?)` goes: `insert into t (a, b) values {rows}`, or
    /// `update t set a = v.column2 from (values {rows}) as v where t.id = v.column1`. It may have no other parameters.
    /// Returns the number of rows touched.
    ///
    /// # Errors
    /// When a statement fails; earlier chunks are undone with the transaction.
    pub fn many<'s, 'q, P: Params<'q>>(
        &'s mut self,
        sql: Sql,
        rows: impl IntoIterator<Item = P>,
    ) -> BoxFuture<'s, Result<u64>> {
        self.touch(Statement::split(self.engine(), sql, rows))
    }

    /// As [`Tx::many`], for a statement with `returning`: every row that comes back.
    ///
    /// # Errors
    /// As [`Tx::many`], and when a row does not decode.
    pub fn many_returning<'s, 'q, P: Params<'q>, T: Row>(
        &'s mut self,
        sql: Sql,
        rows: impl IntoIterator<Item = P>,
    ) -> BoxFuture<'s, Result<Vec<T>>> {
        let rows = self.rows(Statement::split(self.engine(), sql, rows));
        Box::pin(async move { rows.await?.all() })
    }

    /// Every row of a read that was put together.
    ///
    /// # Errors
    /// As [`Tx::all`].
    pub fn all_built<T: Row>(&mut self, built: Result<Built>) -> BoxFuture<'_, Result<Vec<T>>> {
        let rows = self.rows(built.map(|built| vec![built.statement()]));
        Box::pin(async move { rows.await?.all() })
    }

    /// What waits is compiled once, and not for each kind of row.
    fn rows(&mut self, statements: Result<Vec<Statement>>) -> BoxFuture<'_, Result<Rows>> {
        Box::pin(during(self.reach.clone(), async move {
            let mut rows = Rows::none(self.engine());
            for Statement { text, arguments, is_kept } in statements? {
                match (&mut self.begun, arguments, &mut rows) {
                    (Either::Left(tx), Either::Left(arguments), Rows::Sqlite(rows)) => {
                        rows.append(
                            &mut sqlx::query_with(text, arguments)
                                .persistent(is_kept)
                                .fetch_all(&mut **tx)
                                .await?,
                        );
                    }
                    (Either::Right(tx), Either::Right(arguments), Rows::Postgres(rows)) => {
                        rows.append(
                            &mut sqlx::query_with(text, arguments)
                                .persistent(is_kept)
                                .fetch_all(&mut **tx)
                                .await?,
                        );
                    }
                    _ => return Err(other_engine()),
                }
            }
            Ok(rows)
        }))
    }

    fn touch(&mut self, statements: Result<Vec<Statement>>) -> BoxFuture<'_, Result<u64>> {
        Box::pin(during(self.reach.clone(), async move {
            let mut touched = 0;
            for Statement { text, arguments, is_kept } in statements? {
                touched += match (&mut self.begun, arguments) {
                    (Either::Left(tx), Either::Left(arguments)) => sqlx::query_with(text, arguments)
                        .persistent(is_kept)
                        .execute(&mut **tx)
                        .await?
                        .rows_affected(),
                    (Either::Right(tx), Either::Right(arguments)) => sqlx::query_with(text, arguments)
                        .persistent(is_kept)
                        .execute(&mut **tx)
                        .await?
                        .rows_affected(),
                    _ => return Err(other_engine()),
                };
            }
            Ok(touched)
        }))
    }
}

fn other_engine() -> sqlx::Error {
    sqlx::Error::Protocol("arguments for the other engine".to_owned())
}

/// Many values as one parameter: a JSON array, which the statement takes apart. The other way round is [`Tx::array`].
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn array(values: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(values).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// Whether the error is a broken unique key. (`constraint()` names nothing on SQLite, so ask for the kind.)
#[must_use]
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|cause| cause.kind() == sqlx::error::ErrorKind::UniqueViolation)
}
