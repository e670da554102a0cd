//! Statements with their arguments, as one engine takes them.

use futures_util::future::Either;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr, postgres::PgArguments, sqlite::SqliteArguments};

use super::{Engine, Params, Result, Sql};

/// How many rows stand in one statement, and the rest below the smallest: few lengths, which come again and stay prepared. The
/// largest is below SQLite's limit of 32,766 parameters and PostgreSQL's of 65,535, with up to twenty columns.
const ROWS_A_STATEMENT: [usize; 5] = [500, 256, 128, 64, 32];

/// A statement that can be run.
pub(super) struct Statement {
    pub(super) text: SqlStr,
    /// Owned: they are encoded before the first await, so that a future holds no borrowed parameters.
    pub(super) arguments: Either<SqliteArguments, PgArguments>,
    /// Whether a connection keeps it prepared.
    pub(super) is_kept: bool,
}

impl Statement {
    pub(super) fn new<'q>(engine: Engine, sql: Sql, params: impl Params<'q>) -> Result<Self> {
        Ok(match engine {
            Engine::Sqlite => Self {
                text: sql.sqlite.into_sql_str(),
                arguments: Either::Left(params.sqlite()?),
                is_kept: true,
            },
            Engine::Postgres => Self {
                text: sql.postgres.into_sql_str(),
                arguments: Either::Right(params.postgres()?),
                is_kept: true,
            },
        })
    }

    /// One over as many rows as fit, and more for the others.
    pub(super) fn split<'q, P: Params<'q>>(
        engine: Engine,
        sql: Sql,
        rows: impl IntoIterator<Item = P>,
    ) -> Result<Vec<Self>> {
        let rows: Vec<P> = rows.into_iter().collect();
        let mut rows = rows.into_iter();
        let mut statements = Vec::new();
        while rows.len() > 0 {
            let count = ROWS_A_STATEMENT.into_iter().find(|size| *size <= rows.len()).unwrap_or(rows.len());
            let some = rows.by_ref().take(count);
            let arguments = match engine {
                Engine::Sqlite => {
                    let mut arguments = SqliteArguments::default();
                    for row in some {
                        row.add_sqlite(&mut arguments)?;
                    }
                    Either::Left(arguments)
                }
                Engine::Postgres => {
                    let mut arguments = PgArguments::default();
                    for row in some {
                        row.add_postgres(&mut arguments)?;
                    }
                    Either::Right(arguments)
                }
            };
            let text = AssertSqlSafe(sql.with_rows(engine, count, P::COLUMNS)).into_sql_str();
            statements.push(Self { text, arguments, is_kept: true });
        }
        Ok(statements)
    }
}
