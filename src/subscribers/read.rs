//! Looking readers up: for sealing, for the desk, for commands.

use std::collections::HashMap;

pub use super::rows::{Counts, Note, ReaderStanding, Subscriber, Subscription, SubscriptionState};
use super::store;
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    delivery::{Suppressions, stops_letter},
    email_address::EmailAddress,
    links::Name,
    site::Site,
};

/// The reader with that id in addresses of pages.
pub async fn subscriber(db: &Db, public_id: &str) -> Result<Option<Subscriber>> {
    store::by_public_id(db, public_id).await
}

/// A reader as they are from now on until the commit: nobody moves or forgets them meanwhile. What is mailed to a reader goes to the
/// address that stands there.
pub(crate) async fn held(tx: &mut Tx, id: i64) -> Result<Option<Subscriber>> {
    store::hold(tx, id).await?;
    store::by_id_in(tx, id).await
}

/// What does not go to a reader's address, whatever they chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// No edition.
    pub editions: bool,
    /// Nor any letter that they ask for.
    pub letters: bool,
}

/// What does not go to a reader, for whoever has their link: nothing of it is told of an address that somebody typed (TRUST A22).
///
/// # Errors
/// When the database fails.
pub async fn stopped(site: &Site, reader: &Subscriber) -> Result<Stopped> {
    let reason = Suppressions::new(site).reason(&reader.email).await?;
    Ok(Stopped {
        editions: reason.is_some(),
        letters: reason.is_some_and(|reason| stops_letter(reason, false)),
    })
}

/// Whom a link names.
pub async fn named(site: &Site, name: &Name<'_>) -> Result<Option<Subscriber>> {
    store::named(&site.db, name).await
}

/// The reader with that address.
pub async fn by_email(db: &Db, email: &EmailAddress) -> Result<Option<Subscriber>> {
    store::by_key(db, &email.key()).await
}

/// The readers with these addresses, in no order.
pub async fn by_emails(db: &Db, emails: &[EmailAddress]) -> Result<Vec<Subscriber>> {
    let keys: Vec<String> = emails.iter().map(EmailAddress::key).collect();
    store::by_keys(db, &keys).await
}

/// The readers with these public ids, in no order; those that are nobody's are left out.
pub async fn by_public_ids(db: &Db, public_ids: &[&str]) -> Result<Vec<Subscriber>> {
    store::by_public_ids(db, public_ids).await
}

/// When somebody last joined, confirmed or left, up to a moment.
pub async fn newest_consent(db: &Db, before: Moment) -> Result<Option<Moment>> {
    store::newest_event(db, before).await
}

/// A reader's standing with every list they ever asked for.
pub async fn subscriptions(db: &Db, subscriber_id: i64) -> Result<Vec<Subscription>> {
    store::subscriptions(db, subscriber_id).await
}

/// The same of several readers, by their ids; one who never asked for a list is not among them.
pub async fn subscriptions_of(db: &Db, subscribers: &[i64]) -> Result<HashMap<i64, Vec<Subscription>>> {
    store::subscriptions_of(db, subscribers).await
}
