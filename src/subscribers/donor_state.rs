//! What is known of a reader's gifts, in one row: donations write it, blocks and segments read it.

use std::time::Duration;

pub use super::rows::DonorState;
use super::store;
use crate::{
    attempts,
    clock::Moment,
    db::{Db, Result, Tx},
    delivery::{self, Suppressions},
    email_address::EmailAddress,
    mail,
    site::Site,
};

/// Writes the state down for the reader whose gifts are known by that address, and have been since then; supporters who are no
/// readers have none.
///
/// A reader who moved is known by the address that they gave under, and not by gifts that somebody gave under the new one
/// before. What they give under the new one after it counts from then on, unless a monthly donation runs under the earlier.
pub async fn set_donor_state(
    tx: &mut Tx,
    site: &Site,
    (email, since): (&EmailAddress, Moment),
    state: DonorState,
    last_gift_at: Option<Moment>,
) -> Result<bool> {
    known_by(tx, site, (email, since)).await?;
    Ok(store::set_donor_state(tx, &email.key(), state, last_gift_at, site.now()).await? == 1)
}

/// Whoever moved to an address before its gifts are known is known by it, unless a monthly donation runs under the earlier.
async fn known_by(tx: &mut Tx, site: &Site, (email, since): (&EmailAddress, Moment)) -> Result<()> {
    if let Some((reader, before)) = store::moving::who_gives_as_now(tx, &email.key(), since).await? {
        let hash = Suppressions::new(site).hash(&EmailAddress::from_store(before.clone()));
        store::moving::gave(tx, reader, &hash, &before, site.now()).await?;
        delivery::letters_are_of(tx, &before, reader, mail::OF_MONEY).await?;
        store::moving::gives_as_now(tx, &email.key(), since).await?;
    }
    Ok(())
}

/// All gifts that were known by one address are known by another from now on, whose mailbox said so: they are those of whoever reads there.
/// Whoever reads elsewhere is known by none of them any more; what they give from here on counts as anybody's does.
pub async fn gave_under_another(
    tx: &mut Tx,
    site: &Site,
    (was, is): (&EmailAddress, &EmailAddress),
) -> Result<()> {
    store::set_donor_state(tx, &was.key(), DonorState::Never, None, site.now()).await?;
    attempts::note(tx, site, (GIFTS_WENT, &from_to(was, is)), WENT_LASTS).await?;
    // Their mail moved there before.
    if let Some(reader) = store::moving::who_gave_before_moving(tx, &was.key(), &is.key()).await? {
        delivery::letters_are_of(tx, &was.key(), reader, mail::OF_MONEY).await?;
        store::moving::gives_as_they_read(tx, reader).await?;
    }
    known_by(tx, site, (is, site.now())).await
}

/// Where the gifts of an address went, so that whoever reads there and moves after them is known by them: for a year.
const GIFTS_WENT: &str = "gifts went to another address";
const WENT_LASTS: Duration = Duration::from_secs(366 * 86_400);

fn from_to(was: &EmailAddress, is: &EmailAddress) -> String {
    format!("{} {}", was.key(), is.key())
}

/// A reader's mail moved from one address to another: if their gifts did before, and they gave nothing under the old one since, they are
/// known by them again. What they come to is found anew.
pub(super) async fn comes_after_gifts(
    tx: &mut Tx,
    site: &Site,
    reader: i64,
    (was, is): (&EmailAddress, &EmailAddress),
) -> Result<()> {
    if attempts::is_noted_in(tx, site, (GIFTS_WENT, &from_to(was, is))).await?
        && store::moving::gives_where_gifts_went(tx, reader).await?
    {
        store::moving::forget_donor_state(tx, reader).await?;
    }
    Ok(())
}

/// The next readers, by number, address and since when they are known, of whose gifts nothing is: behind one of them.
pub async fn without_donor_state(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, String, Moment)>> {
    store::without_donor_state(db, after, limit).await
}

/// The same of those who moved since a moment, whatever their number.
pub async fn moved_without_donor_state(db: &Db, since: Moment) -> Result<Vec<(i64, String, Moment)>> {
    store::moving::moved_without_state(db, since).await
}

/// By which address, in small letters, the gifts of a reader are known; none where they are those of another reader, who had the
/// address before.
pub async fn gives_as(db: &Db, subscriber_id: i64) -> Result<Option<String>> {
    store::moving::gives_as(db, subscriber_id).await
}

/// Under which addresses else their gifts are known that they gave before they moved.
pub async fn gave_as(db: &Db, subscriber_id: i64) -> Result<Vec<String>> {
    store::moving::gave_as(db, subscriber_id).await
}

/// As [`gave_as`], in a transaction.
pub(crate) async fn gave_as_in(tx: &mut Tx, subscriber_id: i64) -> Result<Vec<String>> {
    store::moving::gave_as_in(tx, subscriber_id).await
}

/// As [`gives_as`], in a transaction.
pub(crate) async fn gives_as_in(tx: &mut Tx, subscriber_id: i64) -> Result<Option<String>> {
    store::moving::gives_as_in(tx, subscriber_id).await
}

/// Where a reader stands; those without a row never gave.
pub async fn donor_state(db: &Db, subscriber_id: i64) -> Result<DonorState> {
    Ok(store::donor_state(db, subscriber_id).await?.unwrap_or(DonorState::Never))
}
