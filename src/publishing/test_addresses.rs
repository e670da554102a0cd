//! Mailboxes that test copies go to beside that of whoever asks for one: at the large providers, and of colleagues.
//!
//! They are the team's, few, and no readers for it: nothing but test copies goes there, and none where mail is stopped.

use std::time::Duration;

use super::{Error, Result, store};
use crate::{
    attempts::{Attempt, Limit, Refusal},
    audit_log,
    clock::Moment,
    db::{self, Tx},
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    site::Site,
};

/// So many are kept.
pub const MOST_TEST_ADDRESSES: i64 = 10;
/// So many are added in a day.
const KEPT_IN_A_DAY: Limit = Limit::within("addresses for test copies", 20, Duration::from_secs(86_400));

/// A mailbox for test copies.
#[derive(Clone, Debug)]
pub struct TestAddress {
    pub id: i64,
    pub email: EmailAddress,
    /// Who of the team keeps it; none for somebody who is gone.
    pub added_by: Option<String>,
    pub added_at: Moment,
    /// Why nothing goes there.
    pub stopped: Option<StopReason>,
}

/// All of them, in the order in which they came.
pub async fn test_addresses(site: &Site) -> db::Result<Vec<TestAddress>> {
    let rows = store::test_addresses(&site.db).await?;
    let stopped = Suppressions::new(site).among_now(rows.iter().map(|row| &row.email)).await?;
    let kept = rows.into_iter().zip(stopped).map(|(row, stopped)| TestAddress {
        id: row.id,
        email: row.email,
        added_by: row.added_by,
        added_at: row.added_at,
        stopped,
    });
    Ok(kept.collect())
}

/// Keeps one more; one that is kept already stays as it is.
///
/// # Errors
/// [`Error::EnoughAddresses`] when there are as many as there may be; [`Error::TooManyTests`] when very many came and went today: whole
/// editions go there, and nobody there asked for them.
pub async fn keep_test_address(site: &Site, email: &EmailAddress, staff_id: i64) -> Result<()> {
    let kept = store::test_addresses(&site.db).await?;
    if kept.iter().any(|one| one.email.key() == email.key()) {
        return Ok(());
    }
    match Attempt::begin(site, &[KEPT_IN_A_DAY.on("everybody")]).await {
        Ok(_stays_counted) => {}
        Err(Refusal::TooMany(wait)) => return Err(Error::TooManyTests(wait)),
        Err(Refusal::Database(error)) => return Err(error.into()),
    }
    let mut tx = site.db.begin().await?;
    if !store::keep_test_address(&mut tx, email, staff_id, (MOST_TEST_ADDRESSES, site.now())).await? {
        return Err(Error::EnoughAddresses);
    }
    let what = "keeps an address for test copies";
    audit_log::record(&mut tx, site, Some(staff_id), what, "", &email.masked()).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes one away; one that is gone already stays gone.
///
/// # Errors
/// When the database fails.
pub async fn drop_test_address(site: &Site, id: i64, staff_id: i64) -> Result<()> {
    let mut tx = site.db.begin().await?;
    if let Some(email) = store::drop_test_address(&mut tx, id).await? {
        let what = "took away an address for test copies";
        audit_log::record(&mut tx, site, Some(staff_id), what, "", &email.masked()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The owner of an address is forgotten: no test copies go there any more.
///
/// # Errors
/// When the database fails.
pub async fn forget_test_address(tx: &mut Tx, email: &EmailAddress) -> db::Result<()> {
    store::forget_test_address(tx, &email.key()).await
}
