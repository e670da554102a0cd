//! What the team writes down about a gift, and about who gave it.

use super::store::by_staff as rows;
pub use super::store::by_staff::GiftNote;
use crate::{
    audit_log,
    clock::Moment,
    db::{Db, Result},
    site::Site,
};

/// Notes something about a gift. False when there is no such gift.
///
/// # Errors
/// When the database fails.
pub async fn note(site: &Site, staff_id: i64, donation: &str, text: &str) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let noted = rows::note(&mut tx, donation, staff_id, text, site.now()).await?;
    if noted {
        let subject = format!("gift {donation}");
        audit_log::record(&mut tx, site, Some(staff_id), "noted something about a gift", &subject, "")
            .await?;
    }
    tx.commit().await?;
    Ok(noted)
}

/// What was noted about a gift, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn notes(db: &Db, donation_id: i64) -> Result<Vec<GiftNote>> {
    rows::notes(db, donation_id).await
}

/// Whether whoever gave something may be asked for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeverAsk {
    /// Nobody knows who gave, or they are forgotten.
    Nobody,
    MayBeAsked,
    /// Not since then.
    Since(Moment),
}

impl NeverAsk {
    /// How it stands with whoever gave.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(db: &Db, donation: &str) -> Result<Self> {
        Ok(match rows::never_asked_since(db, donation).await? {
            None => Self::Nobody,
            Some(None) => Self::MayBeAsked,
            Some(Some(since)) => Self::Since(since),
        })
    }
}

/// Whoever gave is never asked for gifts from now on; or may be asked again. False where that stands already.
///
/// # Errors
/// When the database fails.
pub async fn never_ask(site: &Site, staff_id: i64, donation: &str, never: bool) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let (changed, action) = if never {
        (rows::never_ask(&mut tx, donation, site.now()).await?, "asks a supporter for gifts no more")
    } else {
        (rows::ask_again(&mut tx, donation).await?, "may ask a supporter for gifts again")
    };
    if changed {
        audit_log::record(&mut tx, site, Some(staff_id), action, &format!("gift {donation}"), "").await?;
    }
    tx.commit().await?;
    Ok(changed)
}
