//! Looking readers up: for sealing, for the desk, for commands.

use std::collections::HashMap;

pub use super::rows::{Counts, Note, ReaderStanding, Subscriber, Subscription, SubscriptionState};
use super::store;
use crate::{
    clock::Moment,
    db::{Db, Result},
    email_address::EmailAddress,
    links::Name,
    site::Site,
};

/// The reader with that id in addresses of pages.
pub async fn subscriber(db: &Db, public_id: &str) -> Result<Option<Subscriber>> {
    store::by_public_id(db, public_id).await
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
