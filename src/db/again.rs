//! Work that is done again when the database asks for it.

use std::time::Duration;

/// An error that may be the database's own.
pub trait MaybeDatabase {
    /// The database's, if it is.
    fn database(&self) -> Option<&sqlx::Error>;
}

impl MaybeDatabase for sqlx::Error {
    fn database(&self) -> Option<&sqlx::Error> {
        Some(self)
    }
}

/// So often is it begun before its error is believed.
const TIMES: u32 = 5;

/// Does what one transaction does, and does it again from its beginning when the server made that give way to another, for
/// then nothing of it lasts.
///
/// Everybody takes locks in one order, so that this does not happen; it is for what nobody thought of.
///
/// # Errors
/// Those of the work.
pub async fn again<T, E, F>(work: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: MaybeDatabase,
{
    let mut time = 1;
    loop {
        match work().await {
            Err(error) if time < TIMES && error.database().is_some_and(gave_way) => {
                tracing::warn!(time, "a transaction gave way to another and is done again");
                tokio::time::sleep(Duration::from_millis(20) * time).await;
                time += 1;
            }
            done => return done,
        }
    }
}

/// A circle of waiting that the server broke, or a state that it could not serialize; on SQLite, somebody else's lock.
fn gave_way(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40P01" | "40001" | "5" | "6"))
}
