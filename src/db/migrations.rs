//! The schema's history: the same numbers and names for both engines, applied in order, never edited once landed.

use sqlx::{
    migrate::{MigrateError, Migrator},
    postgres::PgPoolOptions,
};

use super::Db;

static SQLITE: Migrator = sqlx_macros::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx_macros::migrate!("migrations/postgres");

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was written by a newer program.
    #[error(
        "the database has migration {0}, which this program does not know: it was made by a newer Broadside. Start that one, or restore a backup."
    )]
    Newer(i64),
    /// A migration failed; nothing of it was kept.
    #[error(transparent)]
    Failed(MigrateError),
}

/// Brings a database up to this program's schema.
#[derive(Debug)]
pub struct Migrations;

impl Migrations {
    /// Applies what is missing, each migration in a transaction of its own; refuses a database that is newer.
    ///
    /// # Errors
    /// [`MigrationError`]; the migrations before the failing one stay applied.
    pub async fn apply(db: &Db) -> Result<(), MigrationError> {
        let done = match db {
            Db::Sqlite { write, .. } => SQLITE.run(write).await,
            // On a connection of its own, closed afterwards: a run that fails leaves its advisory lock held, and the next
            // one would wait for it for ever.
            Db::Postgres { pool, .. } => {
                let options = pool.connect_options().as_ref().clone();
                let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
                let done = POSTGRES.run(&own).await;
                own.close().await;
                done
            }
        };
        done.map_err(|error| match error {
            MigrateError::VersionMissing(version) => MigrationError::Newer(version),
            other => MigrationError::Failed(other),
        })
    }

    /// How many migrations the database has.
    pub async fn applied(db: &Db) -> Result<usize, sqlx::Error> {
        let (is_there, count) = match db {
            Db::Sqlite { .. } => (
                "select count(*) from sqlite_schema where name = '_sqlx_migrations'",
                "select count(*) from _sqlx_migrations",
            ),
            Db::Postgres { .. } => {
                ("select count(to_regclass('_sqlx_migrations'))", "select count(*) from _sqlx_migrations")
            }
        };
        let ask = async |text: &'static str| -> Result<i64, sqlx::Error> {
            match db {
                Db::Sqlite { read, .. } => sqlx::query_scalar(text).fetch_one(read).await,
                Db::Postgres { pool, .. } => sqlx::query_scalar(text).fetch_one(pool).await,
            }
        };
        let known = if ask(is_there).await? == 0 { 0 } else { ask(count).await? };
        Ok(usize::try_from(known).unwrap_or_default())
    }

    /// The number of every migration, the same on both engines.
    #[must_use]
    pub fn numbers() -> Vec<i64> {
        SQLITE.iter().map(|one| one.version).collect()
    }

    /// Number and name of every migration, for SQLite and for PostgreSQL.
    #[must_use]
    pub fn names() -> (Vec<String>, Vec<String>) {
        let names = |migrator: &Migrator| {
            migrator.iter().map(|one| format!("{:04} {}", one.version, one.description)).collect()
        };
        (names(&SQLITE), names(&POSTGRES))
    }
}
