//! A copy of an edition for whoever writes it, to look at in a real mail program.
//!
//! It is an automatic email to one member of the team, not a delivery: it stands in no tally, and its subject says that it
//! is a test. Nothing in it can act for a reader: the links to leave and to choose lead to a page that says so.

use super::{
    Edition, Error, Result,
    issue::{self, SampleLinks, SeenAs},
};
use crate::{
    delivery,
    editions::{self, Deed, MovedBy},
    heavy,
    mail::{Templates, TestCopy},
    settings::Settings,
    site::Site,
    staff::Staff,
};

/// Enqueues a test copy of the newest revision to the member's own address. Asked for twice within a second, it comes once.
///
/// # Errors
/// [`Error::Mail`] when the mail cannot be made.
pub async fn send_test_copy(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
    to: &Staff,
) -> Result<()> {
    // What cannot be rendered is said at once, not found in a log later.
    issue::preview(site, templates, settings, edition, SeenAs::Team).await?;
    let digest = issue::test_copy(site, settings, edition).await?;
    let key = format!(
        "test-copy:{}:{}:{}:{}",
        edition.id,
        edition.revision,
        to.public_id,
        site.now().unix_seconds()
    );
    let links = SampleLinks::load(site, edition).await?;
    let (own, letterhead) = (site.clone(), settings.letterhead(site));
    let (name, email) = (to.name.clone(), to.email.clone());
    // A whole edition, not a few lines: away from the threads that serve, and from the transaction.
    let written = heavy::aside(move || {
        let personal = links.personal(&name);
        let context = TestCopy { digest: digest.filled(&personal), personal };
        delivery::write_letter(&own, &letterhead, (&name, &email), &key, &context)
    });
    let letter = written.await.map_err(|_| Error::Strange)??;
    let mut tx = site.db.begin().await?;
    if delivery::enqueue(&mut tx, &letter).await? {
        let by = MovedBy::staff(Some(to.id));
        editions::record(&mut tx, site, &edition.public_id, Deed::SentTestCopy, by).await?;
    }
    tx.commit().await?;
    Ok(())
}
