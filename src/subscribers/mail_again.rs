//! Letting mail to a reader go again after it was stopped.

use super::{Result, read::Subscriber};
use crate::{delivery::suppression::Suppressions, site::Site, staff::audit};

/// Staff let mail to a reader go again; the log keeps who did, and what it was stopped for. `false` if it was not stopped.
///
/// Nothing that was withheld meanwhile is sent after all: the next edition is the first.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn mail_again(site: &Site, reader: &Subscriber, staff_id: i64) -> Result<bool> {
    let suppressions = Suppressions::new(site);
    let Some(stopped) = suppressions.find(&reader.email).await? else { return Ok(false) };
    let mut tx = site.db.begin().await?;
    let lifted = suppressions.lift(&mut tx, &reader.email).await?;
    if lifted {
        audit::record(&mut tx, site, Some(staff_id), "mails again", &reader.public_id, &stopped.reason)
            .await?;
    }
    tx.commit().await?;
    Ok(lifted)
}
