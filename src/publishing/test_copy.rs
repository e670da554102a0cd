//! A copy of an edition for whoever writes it, to look at in a real mail program, and for the mailboxes that the team keeps for that.
//!
//! It is an automatic email, not a delivery: it stands in no tally, and its subject says that it
//! is a test. Nothing in it can act for a reader: the links to leave and to choose lead to a page that says so. Whoever asks for very
//! many is asked to wait: what goes to other mailboxes is mail that nobody asked for.

use super::{
    Edition, Error, Result,
    issue::{self, SampleLinks},
    test_addresses,
};
use crate::{
    attempts::{Attempt, Limit, Refusal},
    delivery::{self, Suppressions},
    editions::{self, Deed, MovedBy},
    email_address::EmailAddress,
    heavy,
    mail::{Templates, TestCopy},
    settings::Settings,
    site::Site,
    staff::Staff,
};

/// How often one member of the team has test copies sent.
const BY_ONE: Limit = Limit::in_a_quarter_of_an_hour("test copies", 15);
/// How often the team has some sent to other mailboxes than their own.
const TO_OTHERS: Limit = Limit::in_a_quarter_of_an_hour("test copies to others", 10);

/// Enqueues a test copy of the newest revision to the member's own address, and to those of the kept addresses that were `ticked`.
/// Asked for twice within a second, each comes once. Says to how many of the ticked ones none goes: mail there is stopped, or somebody
/// took them away.
///
/// # Errors
/// [`Error::Mail`] when the mail cannot be made; [`Error::TooManyTests`].
pub async fn send_test_copies(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
    to: &Staff,
    ticked: &[i64],
) -> Result<usize> {
    // What cannot be rendered is said at once, not found in a log later.
    issue::preview(site, templates, settings, edition).await?;
    let mut kept = test_addresses::test_addresses(site).await?;
    kept.retain(|one| ticked.contains(&one.id) && one.stopped.is_none() && one.email.key() != to.email.key());
    count(site, to, !kept.is_empty()).await?;
    let digest = issue::test_copy(site, settings, edition).await?;
    let key = |whose: &str| {
        format!("test-copy:{}:{}:{whose}:{}", edition.id, edition.revision, site.now().unix_seconds())
    };
    let mut mailboxes = vec![(to.name.clone(), to.email.clone(), key(&to.public_id))];
    mailboxes.extend(
        kept.into_iter().map(|one| (String::new(), one.email, key(&format!("{}:{}", to.public_id, one.id)))),
    );
    let links = SampleLinks::load(site, edition).await?.greeting(&to.name);
    let (own, letterhead) = (site.clone(), settings.letterhead(site));
    // A whole edition, not a few lines: away from the threads that serve, and from the transaction.
    let written = heavy::aside(move || {
        let personal = links.personal();
        let context = TestCopy { digest: digest.filled(&personal), personal };
        let write = |(name, email, key): (String, EmailAddress, String)| {
            let letter = delivery::write_letter(&own, &letterhead, (&name, &email), &key, &context)?;
            Ok::<_, Error>((email, letter))
        };
        mailboxes.into_iter().map(write).collect::<Result<Vec<_>>>()
    });
    let letters = written.await.map_err(|_| Error::Strange)??;
    let mut tx = site.db.begin().await?;
    let (mut new, mut others) = (false, 0);
    for (email, letter) in &letters {
        let is_own = *email == to.email;
        if !is_own && Suppressions::new(site).reason_in(&mut tx, email).await?.is_some() {
            continue;
        }
        new |= delivery::enqueue(&mut tx, letter).await?;
        others += usize::from(!is_own);
    }
    if new {
        let detail = if others == 0 { String::new() } else { format!("to {others} kept addresses, too") };
        let by = MovedBy { staff_id: Some(to.id), detail: &detail };
        editions::record(&mut tx, site, &edition.public_id, Deed::SentTestCopy, by).await?;
    }
    tx.commit().await?;
    Ok(ticked.len().saturating_sub(others))
}

async fn count(site: &Site, by: &Staff, to_others: bool) -> Result<()> {
    let mut limits = vec![BY_ONE.on(&by.public_id)];
    limits.extend(to_others.then(|| TO_OTHERS.on("everybody")));
    match Attempt::begin(site, &limits).await {
        Ok(_stays_counted) => Ok(()),
        Err(Refusal::TooMany(wait)) => Err(Error::TooManyTests(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}
