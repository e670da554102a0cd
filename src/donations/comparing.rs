//! The comparison with the provider's lists as a job: begun by the clock at night or by somebody at the desk, one at a time.

use std::{pin::pin, time::Duration};

pub use super::store::reconcile::{COMPARISONS, Mends, Underway};
use super::{
    apply::ProviderPollError,
    reconcile::{A_DAY, NIGHTLY, keep, reconcile},
    store::reconcile as rows,
};
use crate::{
    clock::{self, Moment},
    db::{self, Db},
    payments::PaymentProvider,
    queue::{self, Came, Due, Queue, Work, Worked},
    settings::Settings,
    site::Site,
};

/// So often it says that it is still at it.
const STILL: Duration = Duration::from_secs(60);
/// A million gifts take the provider's own lists an hour; what takes longer than this does not come to its end.
const LONGEST: Duration = Duration::from_secs(3 * 3_600);

/// Somebody wants the books compared now, and what is missing here fetched, if they say so. Nothing more is begun where a comparison is
/// under way; one that did not work does not wait for its turn any longer.
///
/// # Errors
/// When the database fails.
pub async fn ask_to_compare(site: &Site, mends: Mends) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    rows::ask(&mut tx, mends, site.now()).await?;
    rows::hurry(&mut tx, site.now()).await?;
    tx.commit().await
}

/// The comparison that waits or is under way.
///
/// # Errors
/// When the database fails.
pub async fn comparison_underway(db: &Db) -> db::Result<Option<Underway>> {
    rows::underway(db).await
}

/// Asks for a comparison once a night, and compares if somebody or the night asked for it.
///
/// # Errors
/// When the database fails. What the provider does not answer is tried again by the rules.
pub async fn compare_due(site: &Site, provider: &dyn PaymentProvider) -> db::Result<Worked> {
    if is_time(site).await? {
        let mut tx = site.db.begin().await?;
        rows::ask(&mut tx, Mends::No, site.now()).await?;
        tx.commit().await?;
    }
    queue::work(site, &Comparing(provider)).await
}

/// Whether it is night, and nobody compared since the one before.
async fn is_time(site: &Site) -> db::Result<bool> {
    let now = site.now();
    if rows::last_at(&site.db).await?.is_some_and(|at| now.since(at) < A_DAY) {
        return Ok(false);
    }
    let zone = Settings::load(&site.db).await?.time_zone;
    Ok((2..6).contains(&now.hour(&zone)))
}

struct Comparing<'a>(&'a dyn PaymentProvider);

impl Work for Comparing<'_> {
    type What = rows::Wanted;

    fn queue(&self) -> &'static Queue {
        &COMPARISONS
    }

    async fn work(&self, site: &Site, due: &Due<rows::Wanted>) -> db::Result<Came> {
        let (now, begun) = (site.now(), clock::instant());
        let mut claim = due.next_at;
        let span = (now.minus(NIGHTLY), now);
        let mut compared = pin!(async {
            if due.what.mends == Mends::Yes {
                reconcile(site, self.0, span, true).await?;
            }
            reconcile(site, self.0, span, false).await
        });
        let found = loop {
            if let Ok(found) = tokio::time::timeout(STILL, &mut compared).await {
                break found;
            }
            match renewed(site, claim).await? {
                Some(until) => claim = until,
                // Somebody else has it.
                None => return Ok(Came::Done),
            }
            if begun.elapsed() > LONGEST {
                return later(site, self, (due, claim), "it did not come to its end within three hours")
                    .await;
            }
        };
        match found {
            Ok(found) => {
                let mut tx = site.db.begin().await?;
                if rows::end(&mut tx, claim, due.what.mends).await? {
                    keep(&mut tx, &found).await?;
                    tx.commit().await?;
                }
                Ok(Came::Done)
            }
            Err(ProviderPollError::Provider(error)) => {
                later(site, self, (due, claim), &error.for_the_record()).await
            }
            Err(ProviderPollError::Database(error)) => Err(error),
        }
    }
}

/// The claim from then on; none if it is another's.
async fn renewed(site: &Site, claim: Moment) -> db::Result<Option<Moment>> {
    let until = queue::renewed(claim, site.now(), COMPARISONS.rules.lease);
    let mut tx = site.db.begin().await?;
    let is_ours = rows::renew(&mut tx, claim, until).await?;
    tx.commit().await?;
    Ok(is_ours.then_some(until))
}

/// It did not work, by the claim that we have now.
async fn later(
    site: &Site,
    work: &Comparing<'_>,
    (due, claim): (&Due<rows::Wanted>, Moment),
    why: &str,
) -> db::Result<Came> {
    queue::note(site, work, &due.held_until(claim), Came::Later(why.to_owned())).await?;
    Ok(Came::Done)
}
