//! How many there are, for whoever watches: of copies, editions and automatic emails.
//!
//! The rule: asking costs as much with a hundred readers as with a million. Tallies are added up, and no copy is counted.

use super::store::figures as store;
use crate::db::{Db, Result};

/// States, each with how many are in it.
pub type ByState = Vec<(String, i64)>;

/// How many there are.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFigures {
    /// Copies of all editions.
    pub copies: ByState,
    /// Copies of those that are not over yet.
    pub open_copies: ByState,
    pub editions: ByState,
    /// Automatic emails that wait, or are on their way.
    pub notices_waiting: i64,
}

/// Reads all of it.
pub async fn read(db: &Db) -> Result<DeliveryFigures> {
    Ok(DeliveryFigures {
        copies: store::copies(db).await?,
        open_copies: store::open_copies(db).await?,
        editions: store::editions(db).await?,
        notices_waiting: store::notices_waiting(db).await?,
    })
}
