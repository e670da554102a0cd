//! A copy of an edition for whoever writes it, to look at in a real mail program.
//!
//! It is an automatic email to one member of the team, not a delivery: it stands in no tally, and its subject says that it
//! is a test. Nothing in it can act for a reader: the links to leave and to choose lead to a page that says so.

use super::{Edition, Result, issue, send::record};
use crate::{delivery::notices, mail::Templates, settings::Settings, site::Site, staff::accounts::Staff};

/// Enqueues a test copy of the newest revision to the member's own address. Asked for twice within a second, it comes once.
///
/// # Errors
/// [`Error::Mail`](super::Error::Mail) when the mail cannot be made.
pub async fn send_test_copy(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
    to: &Staff,
) -> Result<()> {
    // What cannot be rendered is said at once, not found in a log later.
    issue::preview(site, templates, settings, edition).await?;
    let links = issue::SampleLinks::new(site, edition);
    let context = issue::test_copy(site, settings, edition, &links, &to.name).await?;
    let key = format!(
        "test-copy:{}:{}:{}:{}",
        edition.id,
        edition.revision,
        to.public_id,
        site.now().unix_seconds()
    );
    let letterhead = settings.letterhead(site);
    let mut tx = site.db.begin().await?;
    if notices::tell(&mut tx, site, &letterhead, (&to.name, &to.email), &key, &context).await? {
        record(&mut tx, site, Some(to.id), "sent a test copy", edition, "").await?;
    }
    tx.commit().await?;
    Ok(())
}
