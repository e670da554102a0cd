//! A supporter is forgotten as far as the books allow: receipt, amount and day stay, and nothing says whose they were.

use super::store;
use crate::db::{Db, Result, Tx};

/// Forgets the supporter of an address. While a monthly donation of theirs goes on, it keeps the address that it is written to, and this
/// is who they are, for [`forget_donor`] once it is over. A payment that is not decided yet keeps its address by itself, and loses it if
/// nobody pays.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, email_key: &str) -> Result<Option<i64>> {
    store::adopt::forget_old(tx, email_key).await?;
    let Some(donor) = store::donors::donor_of(tx, email_key).await? else { return Ok(None) };
    Ok((!store::donors::forget_donor(tx, donor).await?).then_some(donor))
}

/// The public id of the supporter of an address.
///
/// # Errors
/// When the database fails.
pub async fn supporter(db: &Db, email_key: &str) -> Result<Option<String>> {
    store::donors::donor_name(db, email_key).await
}

/// The address of a supporter by their public id; none if they are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn supporter_named(tx: &mut Tx, public_id: &str) -> Result<Option<String>> {
    store::donors::donor_address_in(tx, public_id).await
}

/// The same outside of a transaction.
///
/// # Errors
/// When the database fails.
pub async fn supporter_address(db: &Db, public_id: &str) -> Result<Option<String>> {
    store::donors::donor_address(db, public_id).await
}

/// The same of a supporter who was kept; `false` while a monthly donation of theirs goes on.
///
/// # Errors
/// When the database fails.
pub async fn forget_donor(tx: &mut Tx, donor: i64) -> Result<bool> {
    store::donors::forget_donor(tx, donor).await
}
