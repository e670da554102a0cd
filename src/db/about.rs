//! What a database says of itself.

use super::{Db, Result, sql};

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseAbout {
    /// The version of the server, or of the library that reads the file.
    pub version: String,
    /// Why we may not do there what we have to, and what to do about it.
    pub forbidden: Option<String>,
}

impl Db {
    /// Asks it.
    pub async fn about(&self) -> Result<DatabaseAbout> {
        match self {
            Self::Sqlite { read, .. } => {
                let version = sqlx::query_scalar(sql::LIBRARY).fetch_one(read).await?;
                Ok(DatabaseAbout { version, forbidden: None })
            }
            Self::Postgres { pool, reach, .. } => {
                let (version, forbidden) = reach.during(sqlx::query_as(sql::SERVER).fetch_one(pool)).await?;
                Ok(DatabaseAbout { version, forbidden })
            }
        }
    }

    /// Whether PostgreSQL's own program is filling the database just now: one whose caller was killed takes a moment to end.
    pub async fn is_being_filled(&self) -> Result<bool> {
        match self {
            Self::Sqlite { .. } => Ok(false),
            Self::Postgres { pool, reach, .. } => {
                reach.during(sqlx::query_scalar(sql::BEING_FILLED).fetch_one(pool)).await
            }
        }
    }
}
