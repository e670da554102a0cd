//! What people do with the keys that sign our mail, written down with the deed (TRUST L10).

use crate::{
    audit_log,
    dkim::{self, DkimError, DkimKey, Result},
    mail::Algorithm,
    site::Site,
};

/// Makes a key that waits to be switched on.
///
/// # Errors
/// Those of [`dkim::create`].
pub async fn make(
    site: &Site,
    by: Option<i64>,
    domain: &str,
    algorithm: Algorithm,
    selector: Option<&str>,
) -> Result<DkimKey> {
    // It takes long enough to keep others from writing.
    let made = dkim::generate(site, domain, algorithm, selector).await?;
    let mut tx = site.db.begin().await?;
    let key = dkim::add(&mut tx, made).await?;
    audit_log::record(&mut tx, site, by, "made a DKIM key", &key.dns_name(), "").await?;
    tx.commit().await?;
    Ok(key)
}

/// Lets a key sign from now on, in place of the one that somebody saw it take over from: empty for none, and `None` from whoever
/// takes it as it is. The selector of that one, if there is one.
///
/// # Errors
/// [`DkimError::Changed`] when it would take over from another one, and those of [`dkim::activate`].
pub async fn switch_on(
    site: &Site,
    by: Option<i64>,
    key: &DkimKey,
    seen: Option<&str>,
) -> Result<Option<String>> {
    let mut tx = site.db.begin().await?;
    let replaced = dkim::activate_in(&mut tx, site, key).await?;
    if seen.is_some_and(|seen| replaced.as_deref().unwrap_or_default() != seen) {
        return Err(DkimError::Changed);
    }
    audit_log::record(&mut tx, site, by, "switched a DKIM key on", &key.dns_name(), "").await?;
    tx.commit().await?;
    Ok(replaced)
}

/// Lets a key sign no more; or drops one that waits.
///
/// # Errors
/// Those of [`dkim::retire`].
pub async fn retire(site: &Site, by: Option<i64>, key: &DkimKey) -> Result<()> {
    let mut tx = site.db.begin().await?;
    dkim::retire_in(&mut tx, site, key).await?;
    audit_log::record(&mut tx, site, by, "retired a DKIM key", &key.dns_name(), "").await?;
    tx.commit().await?;
    Ok(())
}
