//! Who was forgotten: a keyed hash of the address, beside whatever else stops mail to it. No file and nobody of the team brings them back; they
//! come back by confirming what was asked for their address.

use std::{collections::HashSet, time::Duration};

use super::{
    read::Subscriber,
    store::{self, forgotten as rows, moving},
};
use crate::{
    clock::Moment,
    db::{Db, Gate, Result, Tx},
    delivery::Suppressions,
    email_address::EmailAddress,
    site::Site,
};

/// For so long somebody may ask why they were mailed who was forgotten since.
pub(crate) const PROOF_LASTS: Duration = Duration::from_secs(3 * 366 * 86_400);

/// Holds a reader with all that hangs from them until the commit, and says who they are now; none if they are gone. Whoever calls has closed
/// the gate of suppressions: who brings people in by a file or by hand is inside it.
pub async fn hold(tx: &mut Tx, public_id: &str) -> Result<Option<Subscriber>> {
    let Some(reader) = store::by_public_id_in(tx, public_id).await? else { return Ok(None) };
    store::hold(tx, reader.id).await?;
    rows::hold_lists(tx, reader.id).await?;
    rows::hold_whole(tx, reader.id).await
}

/// The same of whoever has an address.
pub async fn hold_at(tx: &mut Tx, email: &EmailAddress) -> Result<Option<Subscriber>> {
    match store::by_key_in(tx, &email.key()).await? {
        Some(reader) => hold(tx, &reader.public_id).await,
        None => Ok(None),
    }
}

/// Takes away a reader who is held, and all that hangs from them. What they agreed to stays as proof for whoever gives the address; `donor` is
/// who they are as a supporter, where that goes on.
///
/// # Errors
/// When the database fails.
pub async fn forget(
    tx: &mut Tx,
    reader: &Subscriber,
    hash: &str,
    at: Moment,
    donor: Option<i64>,
) -> Result<()> {
    rows::keep_consent(tx, reader.id, hash, at).await?;
    rows::drop_reader(tx, reader.id).await?;
    rows::forgotten(tx, hash, at, donor).await?;
    Ok(())
}

/// An address is forgotten at a moment, whoever had it: a former one of a reader, or of somebody who was none.
///
/// # Errors
/// When the database fails.
pub async fn forget_address(tx: &mut Tx, hash: &str, at: Moment, donor: Option<i64>) -> Result<()> {
    rows::forgotten(tx, hash, at, donor).await?;
    Ok(())
}

/// Notes that an address was forgotten at a moment; `false` if that is known, or its owner came back since.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Tx, hash: &str, at: Moment) -> Result<bool> {
    rows::forgotten_then(tx, hash, at).await
}

/// Supporters who are to be forgotten once nothing of theirs goes on: each with the hash of the address, after one.
///
/// # Errors
/// When the database fails.
pub async fn supporters(db: &Db, after: i64) -> Result<Vec<(String, i64)>> {
    rows::supporters(db, after).await
}

/// A gift is booked that was paid at a moment. Where its giver was forgotten since, as after a restore, they are so once more as a supporter,
/// by the next round of [`supporters`].
///
/// # Errors
/// When the database fails.
pub async fn gave_before(
    tx: &mut Tx,
    site: &Site,
    email: &EmailAddress,
    (donor, paid): (i64, Moment),
) -> Result<()> {
    rows::gave_before(tx, &Suppressions::new(site).hash(email), donor, paid).await?;
    Ok(())
}

/// One of them is forgotten.
///
/// # Errors
/// When the database fails.
pub async fn supporter_is_gone(tx: &mut Tx, hash: &str) -> Result<u64> {
    rows::supporter_is_gone(tx, hash).await
}

/// Inside from now on, so that nobody is forgotten until the commit: for who brings people in. Before any row is held.
pub(super) async fn enter(tx: &mut Tx) -> Result<()> {
    tx.enter(Gate::Suppressions).await
}

/// Whether the owner of an address was forgotten, and has not come back.
pub async fn is_forgotten(tx: &mut Tx, site: &Site, email: &EmailAddress) -> Result<bool> {
    rows::is_forgotten(tx, &Suppressions::new(site).hash(email)).await
}

/// Those of many hashes.
pub(super) async fn among(tx: &mut Tx, hashes: &[&str]) -> Result<HashSet<String>> {
    Ok(rows::among(tx, hashes).await?.into_iter().collect())
}

/// The owner of an address is back, or there for the first time: they proved that the mailbox is theirs, so it is nobody's former one.
pub(super) async fn returned(tx: &mut Tx, site: &Site, email: &EmailAddress) -> Result<()> {
    let hash = Suppressions::new(site).hash(email);
    rows::returned(tx, &hash, site.now()).await?;
    taken(tx, &[&hash]).await
}

/// Addresses, as what they are kept as, are readers' by now, and nobody's former ones.
pub(super) async fn taken(tx: &mut Tx, hashes: &[&str]) -> Result<()> {
    moving::taken(tx, hashes).await?;
    Ok(())
}
