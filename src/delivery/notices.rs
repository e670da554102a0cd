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
    settings::Letterhead,
    site::Site,
    token::Purpose,
};

/// Tells somebody something by mail, under the magazine's letterhead; `false` if this fact was told already.
///
/// `fact`, such as `receipt:12`, is unique for ever. The name stands in the To header; it is empty where it was typed by somebody
/// who may not be the addressee.
///
/// # Errors
/// When the database fails, or the context cannot be written as JSON.
pub async fn tell<T: EmailTemplate>(
    tx: &mut Tx,
    site: &Site,
    letterhead: &Letterhead,
    (name, to): (&str, &EmailAddress),
    fact: &str,
    context: &T,
) -> Result<bool> {
    let context = serde_json::to_string(context).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let message_id = format!("{}@{}", site.keys.name(Purpose::MessageId, fact), site.host());
    let row = store::NewRow {
        key: fact,
        template: T::NAME,
        context: &context,
        from_name: &letterhead.from_name,
        from_email: letterhead.from.as_str(),
        address: to.as_str(),
        name,
        message_id: &message_id,
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
