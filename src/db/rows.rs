//! Rows of either engine, and what is made of them.

use sqlx::{FromRow, postgres::PgRow, sqlite::SqliteRow};

use super::{Engine, Result};

/// A struct that both engines decode: derive `sqlx::FromRow`.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{}

/// As they came.
pub(super) enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    pub(super) fn none(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(Vec::new()),
            Engine::Postgres => Self::Postgres(Vec::new()),
        }
    }

    // A loop for each engine: adapters would be compiled anew for each kind of row.
    pub(super) fn all<T: Row>(self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        match &self {
            Self::Sqlite(rows) => {
                all.reserve_exact(rows.len());
                for row in rows {
                    all.push(T::from_row(row)?);
                }
            }
            Self::Postgres(rows) => {
                all.reserve_exact(rows.len());
                for row in rows {
                    all.push(T::from_row(row)?);
                }
            }
        }
        Ok(all)
    }

    pub(super) fn first<T: Row>(self) -> Result<Option<T>> {
        match self {
            Self::Sqlite(rows) => rows.first().map(T::from_row).transpose(),
            Self::Postgres(rows) => rows.first().map(T::from_row).transpose(),
        }
    }
}
