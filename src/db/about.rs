//! What a database says of itself.

use super::{Db, Result, sql};
use crate::clock::{Clock, Moment};

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The version of the server, or of the library that reads the file.
    pub version: String,
    /// The server's clock and that of this machine, read at the same time; none for a file.
    pub clocks: Option<(Moment, Moment)>,
    /// Why we may not do there what we have to, and what to do about it.
    pub forbidden: Option<String>,
}

impl Db {
    /// Asks it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn about(&self) -> Result<About> {
        match self {
            Self::Sqlite { read, .. } => {
                let version = sqlx::query_scalar(sql::LIBRARY).fetch_one(read).await?;
                Ok(About { version, clocks: None, forbidden: None })
            }
            Self::Postgres { pool, reach, .. } => {
                let (version, forbidden) = reach.during(sqlx::query_as(sql::SERVER).fetch_one(pool)).await?;
                let before = Clock::System.now();
                let theirs =
                    Moment(reach.during(sqlx::query_scalar(sql::SERVER_TIME).fetch_one(pool)).await?);
                // Half of the way there and back.
                let ours = before.plus(Clock::System.now().since(before) / 2);
                Ok(About { version, clocks: Some((theirs, ours)), forbidden })
            }
        }
    }
}
