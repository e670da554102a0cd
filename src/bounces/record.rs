//! What was reported, for the desk.

use super::receive::Complaints;
pub use crate::bounces::store::bounces::Bounce;
use crate::{
    bounces::store::{
        bounces as store,
        letters::{self, FromWhom},
    },
    clock::Moment,
    db::{Db, Result, Tx},
    delivery::{self, Suppressions},
    email_address::EmailAddress,
    site::Site,
};

/// The newest reports before one, newest first.
pub async fn latest(site: &Site, before: Option<i64>, limit: i64) -> Result<Vec<Bounce>> {
    store::latest(&site.db, before.unwrap_or(i64::MAX), limit).await
}

/// What was reported of mail to one address, newest first, from a place on: after a report that came then.
pub async fn of_address(
    site: &Site,
    address: &EmailAddress,
    before: Option<(Moment, i64)>,
    limit: i64,
) -> Result<Vec<Bounce>> {
    let before = before.unwrap_or((Moment(i64::MAX), i64::MAX));
    store::of_address(&site.db, &Suppressions::new(site).hash(address), before, limit).await
}

/// When mail to the address for bounces was last taken in, of what came back lately; none if there was none.
pub async fn last_taken_in(db: &Db) -> Result<Option<Moment>> {
    store::last_mail(db).await
}

/// An edition that readers complained of.
#[derive(Clone, Copy, Debug)]
pub struct ComplainedEdition {
    /// The edition.
    pub id: i64,
    /// How many readers complained.
    pub complaints: i64,
    /// How many copies were taken by mail providers.
    pub accepted: i64,
    /// What that means.
    pub standing: Complaints,
}

/// Editions with more complaints than there always are, of the newest that anybody complained of (TRUST M28).
pub async fn editions_with_many_complaints(site: &Site, newest: i64) -> Result<Vec<ComplainedEdition>> {
    let mut found = Vec::new();
    for (id, complaints) in store::complained(&site.db, newest).await? {
        let progress = delivery::progress_of(&site.db, id).await?;
        let accepted = progress.accepted + progress.unknown;
        let standing = Complaints::of(complaints, accepted);
        if standing != Complaints::Few {
            found.push(ComplainedEdition { id, complaints, accepted, standing });
        }
    }
    Ok(found)
}

/// Somebody is forgotten, a reader or nobody (0), whose addresses are kept as these: what came back of mail to them counts on and says no
/// more whose it was; what they wrote goes.
pub async fn forget(tx: &mut Tx, site: &Site, hashes: &[String], reader: i64) -> Result<()> {
    for hash in hashes {
        store::forget_reader(tx, hash, reader).await?;
    }
    let theirs = theirs(site, letters::from_whom_in(tx).await?, hashes, reader);
    letters::forget_all(tx, &theirs).await?;
    Ok(())
}

/// The letters to us that somebody wrote, a reader or nobody (0), by any of the addresses that are kept as these.
pub async fn letters_of(site: &Site, hashes: &[String], reader: i64) -> Result<Vec<i64>> {
    Ok(theirs(site, letters::from_whom(&site.db).await?, hashes, reader))
}

fn theirs(site: &Site, all: Vec<FromWhom>, hashes: &[String], reader: i64) -> Vec<i64> {
    let is_theirs = |one: &FromWhom| {
        let from = EmailAddress::parse(&one.from_address).ok();
        let hash = from.map(|from| Suppressions::new(site).hash(&from));
        one.subscriber_id == Some(reader) || hash.is_some_and(|hash| hashes.contains(&hash))
    };
    all.into_iter().filter(is_theirs).map(|one| one.id).collect()
}
