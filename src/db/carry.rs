//! Carries everything that a SQLite file holds into a database on a server: every row of every table, or nothing.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use super::{Db, sql};

/// Why a file was not carried over; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// Only a server takes what a file holds.
    #[error("DATABASE_URL names no database on PostgreSQL, into which the file could be copied")]
    NoServer,
    /// Somebody's magazine is there already.
    #[error(
        "the database on the server is not empty: its table {0} has rows. Nothing was changed; make an empty one"
    )]
    NotEmpty(String),
    /// A table could not be copied.
    #[error("the table {table} cannot be copied: {cause}. Nothing was changed on the server")]
    Table {
        table: String,
        /// Why.
        cause: sqlx::Error,
    },
    /// One of them did not do what it was asked.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A table that was carried over, and its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Its name.
    pub table: String,
    /// How many there are, on both sides.
    pub rows: u64,
}

/// These have rows in a database that was just made, or looked at since by a command.
const MADE_WITH_ROWS: [&str; 5] = ["numbered_link", "list", "digest", "suppression_key", "form"];

/// So much is sent at a time, in bytes of JSON.
const CHUNK: usize = 1 << 20;

/// Copies every row of a file into a database on a server, in one transaction. Nobody writes to either meanwhile. Both must have
/// the migrations of this program, and the server's nothing else. The foreign keys are taken off and put back, so that they are
/// checked. `is_home` says that the file is the magazine itself: then the copy is from now on, wherever it is first started, and
/// the file is a copy; otherwise the copy is one, too, as every backup is.
///
/// # Errors
/// [`CarryError`]; then the server's database is as it was. If its very last answer was lost, the file may be called a copy all
/// the same: better nobody is at home than both.
pub async fn carry(file: &Path, is_home: bool, to: &Db) -> Result<Vec<Carried>, CarryError> {
    let Db::Postgres { pool, .. } = to else { return Err(CarryError::NoServer) };
    let options = SqliteConnectOptions::new().filename(file).disable_statement_logging();
    let mut from = options.connect().await?;
    // One moment for all tables, and commands that take no lock wait.
    sqlx::query(sql::BEGIN_TO_WRITE).execute(&mut from).await?;
    let mut tx = pool.begin().await?;
    let tables: Vec<String> = sqlx::query_scalar(sql::SERVER_TABLES).fetch_all(&mut *tx).await?;
    for table in &tables {
        let lock = AssertSqlSafe(format!("lock table \"{table}\" in access exclusive mode"));
        sqlx::query(lock).execute(&mut *tx).await?;
        let ask = AssertSqlSafe(format!("select exists (select from \"{table}\")"));
        if !MADE_WITH_ROWS.contains(&table.as_str()) && sqlx::query_scalar(ask).fetch_one(&mut *tx).await? {
            return Err(CarryError::NotEmpty(table.clone()));
        }
    }
    let keys: Vec<(String, String)> = sqlx::query_as(sql::SERVER_KEYS).fetch_all(&mut *tx).await?;
    for (drop, _) in &keys {
        sqlx::query(AssertSqlSafe(drop.clone())).execute(&mut *tx).await?;
    }
    let mut carried = Vec::new();
    for table in tables {
        let rows = carry_table(&mut from, &mut tx, &table).await;
        carried.push(rows.map_err(|cause| CarryError::Table { table: table.clone(), cause })?);
    }
    for (_, add) in keys {
        sqlx::query(AssertSqlSafe(add)).execute(&mut *tx).await?;
    }
    go_on_numbering(&mut from, &mut tx).await?;
    if is_home {
        sqlx::query(sql::AT_HOME_ANYWHERE).execute(&mut *tx).await?;
        sqlx::query(sql::NOT_HOME_ANY_MORE).execute(&mut from).await?;
    }
    sqlx::query(sql::COMMIT).execute(&mut from).await?;
    tx.commit().await?;
    from.close().await?;
    // Plans are made by what is known of the tables, and nothing is yet.
    sqlx::query(sql::ANALYZE).execute(pool).await?;
    Ok(carried)
}

async fn carry_table(
    from: &mut SqliteConnection,
    to: &mut PgConnection,
    table: &str,
) -> Result<Carried, sqlx::Error> {
    let columns: Vec<(String, String)> =
        sqlx::query_as(sql::SERVER_COLUMNS).bind(table).fetch_all(&mut *to).await?;
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let read = columns.iter().zip(&names).map(|((_, kind), name)| match kind.as_str() {
        // JSON holds no bytes.
        "bytea" => format!("case when {name} is null then null else hex({name}) end"),
        _ => name.clone(),
    });
    let read = format!("select json_array({}) from \"{table}\"", read.collect::<Vec<_>>().join(", "));
    let written = columns.iter().enumerate().map(|(at, (_, kind))| match kind.as_str() {
        "bytea" => format!("decode(r.value ->> {at}, 'hex')"),
        kind => format!("cast(r.value ->> {at} as {kind})"),
    });
    let write = format!(
        "insert into \"{table}\" ({}) select {} from jsonb_array_elements(cast($1 as jsonb)) as r",
        names.join(", "),
        written.collect::<Vec<_>>().join(", ")
    );
    sqlx::query(AssertSqlSafe(format!("delete from \"{table}\""))).execute(&mut *to).await?;
    let (mut chunk, mut rows) = (String::new(), 0);
    let mut stream = sqlx::query_scalar::<_, String>(AssertSqlSafe(read)).fetch(from);
    loop {
        let row = stream.try_next().await?;
        let is_over = row.is_none();
        if let Some(row) = row {
            chunk.push(if chunk.is_empty() { '[' } else { ',' });
            chunk.push_str(&without_nul(row)?);
            rows += 1;
        }
        if (is_over && !chunk.is_empty()) || chunk.len() >= CHUNK {
            chunk.push(']');
            sqlx::query(AssertSqlSafe(write.clone())).bind(&chunk).execute(&mut *to).await?;
            chunk.clear();
        }
        if is_over {
            break;
        }
    }
    let count = AssertSqlSafe(format!("select count(*) from \"{table}\""));
    let there: i64 = sqlx::query_scalar(count).fetch_one(to).await?;
    if u64::try_from(there) != Ok(rows) {
        return Err(sqlx::Error::Protocol(format!("{rows} rows were read and {there} written")));
    }
    Ok(Carried { table: table.to_owned(), rows })
}

/// A text on a server holds no NUL, which SQLite may have been given.
fn without_nul(row: String) -> Result<String, sqlx::Error> {
    if !row.contains("\\u0000") {
        return Ok(row);
    }
    let broken = |error: serde_json::Error| sqlx::Error::Decode(error.into());
    let mut values: Vec<serde_json::Value> = serde_json::from_str(&row).map_err(broken)?;
    for value in &mut values {
        if let serde_json::Value::String(text) = value {
            text.retain(|letter| letter != '\0');
        }
    }
    serde_json::to_string(&values).map_err(broken)
}

/// New rows number on from where those of the file ended, rows that were deleted there included.
async fn go_on_numbering(from: &mut SqliteConnection, to: &mut PgConnection) -> Result<(), sqlx::Error> {
    let last: Vec<(String, i64)> = sqlx::query_as(sql::LAST_NUMBERS).fetch_all(from).await?;
    for (table, column) in sqlx::query_as::<_, (String, String)>(sql::NUMBERED).fetch_all(&mut *to).await? {
        let last = last.iter().find(|(name, _)| *name == table).map_or(0, |(_, last)| *last);
        let set = format!(
            "select setval(pg_get_serial_sequence('\"{table}\"', '{column}'), greatest(1, $1, (select coalesce(max(\"{column}\"), 1) from \"{table}\")))"
        );
        sqlx::query(AssertSqlSafe(set)).bind(last).execute(&mut *to).await?;
    }
    Ok(())
}
