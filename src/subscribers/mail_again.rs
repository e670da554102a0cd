//! Letting mail to a reader go again after it was stopped.

use super::{Result, SubscriberError, read::Subscriber};
use crate::{
    audit_log,
    delivery::Suppressions,
    site::Site,
    withdrawals::{self, Withdrawal},
};

/// Staff let mail to a reader go again; the log keeps who did and why, and what it was stopped for. `seen` is the suppression
/// that they were shown: one that came after it stays. `false` if it is not in force any more.
///
/// Nothing that was withheld meanwhile is sent after all: the next edition is the first.
///
/// # Errors
/// [`SubscriberError::Changed`] when another suppression is in force; when the database fails, and then nothing was changed.
pub async fn mail_again(
    site: &Site,
    reader: &Subscriber,
    seen: i64,
    why: &str,
    staff_id: i64,
) -> Result<bool> {
    let suppressions = Suppressions::new(site);
    let Some(stopped) = suppressions.find(&reader.email).await? else { return Ok(false) };
    if stopped.id != seen {
        return Err(SubscriberError::Changed);
    }
    let before = site.now();
    let mut tx = site.db.begin().await?;
    let lifted = suppressions.lift_one(&mut tx, seen).await?;
    if lifted {
        let detail =
            if why.is_empty() { stopped.reason.to_string() } else { format!("{}: {why}", stopped.reason) };
        audit_log::record(&mut tx, site, Some(staff_id), "mails again", &reader.public_id, &detail).await?;
    }
    let back = lifted.then(|| Withdrawal::Lifted { hash: suppressions.hash(&reader.email) });
    withdrawals::commit(tx, site, back.into_iter().collect(), before).await?;
    Ok(lifted)
}
