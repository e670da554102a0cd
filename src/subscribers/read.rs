//! Looking readers up: for sealing, for the desk, for commands.

use serde::Serialize;

use super::store;
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    email_address::EmailAddress,
};

/// A reader.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct Subscriber {
    /// The id inside the house.
    pub id: i64,
    /// The id in addresses of pages.
    pub public_id: String,
    /// Where their mail goes.
    pub email: EmailAddress,
    /// How they are addressed; may be empty.
    pub name: String,
    /// Since when they are known.
    pub created_at: Moment,
}

/// A reader's standing with one list.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct Subscription {
    /// The list.
    pub list_id: i64,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// `public` or `private`.
    pub visibility: String,
    /// `pending`, `confirmed` or `left`.
    pub state: String,
    /// When they last asked.
    pub asked_at: Moment,
    /// When they confirmed.
    pub confirmed_at: Option<Moment>,
    /// When they left.
    pub left_at: Option<Moment>,
    /// When a confirmation was last sent.
    pub confirmation_sent_at: Option<Moment>,
}

/// One member of an audience.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Recipient {
    /// Who.
    pub subscriber_id: i64,
    /// Where.
    pub email: EmailAddress,
    /// The name; may be empty.
    pub name: String,
}

/// How many readers there are.
#[derive(Clone, Copy, Debug, Serialize, sqlx::FromRow)]
pub struct Counts {
    /// Every address on record.
    pub known: i64,
    /// Those who get at least one list.
    pub confirmed: i64,
    /// Those who asked and have not confirmed.
    pub pending: i64,
}

/// The next members of a list's audience, in order of id, after `after`.
///
/// # Errors
/// When the database fails.
pub async fn audience(tx: &mut Tx, list_id: i64, after: i64, limit: i64) -> Result<Vec<Recipient>> {
    store::audience(tx, list_id, after, limit).await
}

/// How many a list would reach now.
///
/// # Errors
/// When the database fails.
pub async fn audience_size(db: &Db, list_id: i64) -> Result<i64> {
    store::audience_size(db, list_id).await
}

/// Readers whose address or name holds `search`, newest first, before the id `before`.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &Db, search: &str, before: Option<i64>, limit: i64) -> Result<Vec<Subscriber>> {
    let (address, name) = (db::contains(&search.to_lowercase()), db::contains(search));
    store::page(db, (&address, &name), before.unwrap_or(i64::MAX), limit).await
}

/// How many readers there are.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &Db) -> Result<Counts> {
    store::counts(db).await
}

/// The reader with that id in addresses of pages.
///
/// # Errors
/// When the database fails.
pub async fn subscriber(db: &Db, public_id: &str) -> Result<Option<Subscriber>> {
    store::by_public_id(db, public_id).await
}

/// The reader with that address.
///
/// # Errors
/// When the database fails.
pub async fn by_email(db: &Db, email: &EmailAddress) -> Result<Option<Subscriber>> {
    store::by_key(db, &email.key()).await
}

/// When somebody last joined, confirmed or left, up to a moment.
///
/// # Errors
/// When the database fails.
pub async fn newest_consent(db: &Db, before: Moment) -> Result<Option<Moment>> {
    store::newest_event(db, before).await
}

/// A reader's standing with every list they ever asked for.
///
/// # Errors
/// When the database fails.
pub async fn subscriptions(db: &Db, subscriber_id: i64) -> Result<Vec<Subscription>> {
    store::subscriptions(db, subscriber_id).await
}
