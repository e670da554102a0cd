//! Notices: one automatic email each, enqueued in the transaction of the fact that causes it.
//!
//! The fact is the key: the same fact never sends twice, however often it is found again. What is stored is the template's
//! name and context; the mail is rendered when it is sent. The context may hold links that open a door, so it is blanked at
//! every end: when it was taken, failed for good, or may not be sent.

use super::store::notices as store;
pub use super::store::notices::{ClaimedNotice, FailedNotice};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    email_address::EmailAddress,
    mail::EmailTemplate,
    site::Site,
    token::Purpose,
};

/// A mail to send because something happened.
#[derive(Debug)]
pub struct NewNotice<'a, T> {
    /// The fact, such as `receipt:12`: unique for ever.
    pub key: &'a str,
    /// Name and address in the From header.
    pub from: (&'a str, &'a EmailAddress),
    /// To whom.
    pub to: &'a EmailAddress,
    /// The name in the To header; empty where it was typed by somebody who may not be the addressee.
    pub name: &'a str,
    /// What the template says.
    pub context: &'a T,
}

/// Enqueues a notice; `false` if this fact has caused one already.
///
/// # Errors
/// When the database fails, or the context cannot be written as JSON.
pub async fn enqueue<T: EmailTemplate>(tx: &mut Tx, site: &Site, notice: NewNotice<'_, T>) -> Result<bool> {
    let context =
        serde_json::to_string(notice.context).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let name = site.keys.name(Purpose::MessageId, notice.key);
    let row = store::NewRow {
        key: notice.key,
        template: T::NAME,
        context: &context,
        from_name: notice.from.0,
        from_email: notice.from.1.as_str(),
        address: notice.to.as_str(),
        name: notice.name,
        message_id: &format!("{name}@{}", site.host()),
    };
    let is_new = store::add(tx, row, site.now()).await?;
    if is_new {
        tx.leaves_work();
    }
    Ok(is_new)
}

/// Ends everything that waits since before a moment, unsent: a restored backup holds letters that went out after it was made.
/// How many of each template.
///
/// # Errors
/// When the database fails.
pub async fn end_waiting(tx: &mut Tx, before: Moment, now: Moment) -> Result<Vec<(String, i64)>> {
    let mut counts = std::collections::BTreeMap::new();
    for template in store::end_waiting(tx, before, now).await? {
        *counts.entry(template).or_default() += 1;
    }
    Ok(counts.into_iter().collect())
}

/// How many notices stand in each state.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &Db) -> Result<Vec<(String, i64)>> {
    store::counts(db).await
}

/// Automatic emails that were given up since then, the newest first: somebody waits for them.
///
/// # Errors
/// When the database fails.
pub async fn failed(db: &Db, since: Moment, limit: i64) -> Result<Vec<FailedNotice>> {
    store::failed(db, since, limit).await
}

/// The Message-IDs of all notices that were accepted, without brackets, each with whether an earlier attempt may have arrived.
///
/// # Errors
/// When the database fails.
pub async fn accepted(db: &Db) -> Result<Vec<(String, bool)>> {
    store::accepted(db).await
}
