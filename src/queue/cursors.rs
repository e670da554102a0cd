//! How far something has come that is read or done in pieces: a word for each name, which its own room alone knows.

use super::store;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
};

/// What was written down last; none before the first time.
pub async fn read(db: &Db, name: &str) -> Result<Option<String>> {
    store::cursor(db, name).await
}

/// The same, as the transaction sees it.
pub async fn read_in(tx: &mut Tx, name: &str) -> Result<Option<String>> {
    store::cursor_in(tx, name).await
}

/// Writes down how far it has come.
pub async fn set(tx: &mut Tx, name: &str, value: &str, now: Moment) -> Result<()> {
    store::set_cursor(tx, name, value, now).await
}

/// There is nothing to go on with.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<()> {
    store::drop_cursor(tx, name).await
}
