//! Copies of a SQLite database: made while it is written to, and looked at before anybody trusts one.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{Db, Result, other_engine, sql};

impl Db {
    /// Copies the database as it is at this moment into a file that is empty or not there yet. Nobody waits meanwhile: it is
    /// read like any page. Only for SQLite.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn copy_to(&self, file: &Path) -> Result<()> {
        let Self::Sqlite { read, .. } = self else { return Err(other_engine()) };
        // A reader of the pool may not write, and may not be kept for so long.
        let mut connection = read
            .connect_options()
            .as_ref()
            .clone()
            .pragma("query_only", "off")
            .disable_statement_logging()
            .connect()
            .await?;
        let copied =
            sqlx::query(sql::COPY).bind(file.to_string_lossy().into_owned()).execute(&mut connection).await;
        connection.close().await?;
        copied.map(drop)
    }
}

/// What a file is that should be a database of ours.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What is wrong with it; nothing is, as a rule.
    pub wrong: Vec<String>,
    /// The numbers of the migrations that it has.
    pub migrations: Vec<i64>,
    /// What tells the secret by which it keeps addresses that are not mailed (`delivery::suppression_proof`).
    pub proof: Option<String>,
    /// How many those are.
    pub suppressed: i64,
}

/// Looks a file through; nothing is changed in it.
///
/// # Errors
/// When it is no database of ours at all.
pub async fn examine(file: &Path) -> Result<Examined> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let mut connection = options.disable_statement_logging().connect().await?;
    let mut wrong: Vec<String> = sqlx::query_scalar(sql::INTEGRITY).fetch_all(&mut connection).await?;
    wrong.retain(|line| line != "ok");
    let strangers: Vec<String> = sqlx::query_scalar(sql::FOREIGN_KEYS).fetch_all(&mut connection).await?;
    wrong
        .extend(strangers.into_iter().map(|table| format!("a row of {table} belongs to none that is there")));
    let migrations = sqlx::query_scalar(sql::MIGRATIONS).fetch_all(&mut connection).await?;
    let suppressed = sqlx::query_scalar(sql::SUPPRESSED).fetch_one(&mut connection).await?;
    let knows_secrets: i64 = sqlx::query_scalar(sql::KNOWS_SECRETS).fetch_one(&mut connection).await?;
    let proof = match knows_secrets {
        0 => None,
        _ => sqlx::query_scalar(sql::PROOF).fetch_optional(&mut connection).await?,
    };
    connection.close().await?;
    Ok(Examined { wrong, migrations, proof, suppressed })
}
