//! Taking over an account that other programs used before us: their supporters, standing gifts and past gifts become ours.
//!
//! The rules that must hold:
//! - nobody is charged, mailed or receipted for what is taken over, and nothing is changed at the provider;
//! - nothing but what was found is written before somebody saw the sums and chose;
//! - each step is one transaction that also says how far it is: killed anywhere it goes on, and done again it changes nothing;
//! - what is not chosen stays foreign, in a table of its own.
//!
//! What changed while somebody looked at the sums is read once more: standing gifts before they are taken, what was paid at the end; so nothing
//! falls between what was there before and the news that come from then on. Then everything that was taken is followed as its news would have
//! it: what it cost, what went back, how often it is given and by which card.

mod follow;
mod look;
mod sums;
mod take;

use std::time::Duration;

pub use self::sums::{OldBundle, OldSums};
pub use super::store::adopt::{ADOPTIONS_IN_TURN, Adoption, AdoptionState, AdoptionStep, OldFate, OldKind};
use super::{apply::ProviderPollError, store::adopt as rows};
use crate::{
    audit_log,
    clock::{self, Moment},
    db::{self, Db, Tx},
    payments::PaymentProvider,
    queue::{self, Came, Due, Queue, Work, Worked},
    site::Site,
};

/// So far back at most.
pub const MOST_YEARS: u32 = 20;
/// Whoever gave so lately gives still, whatever was asked for.
const LEAST: Duration = Duration::from_secs(60 * 86_400);
const YEAR: Duration = Duration::from_secs(31_557_600);
/// So long after the look it can be chosen: then whose it is goes.
pub const LASTS: Duration = Duration::from_secs(14 * 86_400);
/// So long it goes on at a time.
const A_TURN: Duration = Duration::from_secs(240);
const LEASE: Duration = queue::ADOPTIONS.lease;

/// Why nothing is taken over.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// One is not done yet.
    #[error("taking over goes on already: wait until it is done, or stop it")]
    GoesOn,
    /// It is not at the point where one can choose.
    #[error("there is nothing to choose from at the moment: look first")]
    NotReady,
    /// Nothing was chosen that is there.
    #[error("nothing was chosen that is there")]
    NothingChosen,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptChoice {
    All,
    /// Bundles, by their short names.
    Bundles(Vec<String>),
}

/// Begins to look what is there, of so many years.
///
/// # Errors
/// [`AdoptError::GoesOn`]; when the database fails.
pub async fn begin(site: &Site, staff: Option<i64>, years: u32) -> Result<(), AdoptError> {
    let now = site.now();
    let back = YEAR.saturating_mul(years.min(MOST_YEARS)).max(LEAST);
    let mut tx = site.db.begin().await?;
    let unfinished = |state| matches!(state, AdoptionState::Looking | AdoptionState::Taking);
    if rows::newest_in(&mut tx).await?.is_some_and(|one| unfinished(one.state)) {
        return Err(AdoptError::GoesOn);
    }
    // One that was looked at and not pressed is not pressed any more.
    rows::stop_all(&mut tx, now).await?;
    rows::begin(&mut tx, staff, now.minus(back), now).await?;
    tx.commit().await?;
    Ok(())
}

/// How it stands; none where nobody ever began.
///
/// # Errors
/// When the database fails.
pub async fn standing(db: &Db) -> db::Result<Option<Adoption>> {
    rows::newest(db).await
}

/// Takes over what is chosen, from now on by itself.
///
/// # Errors
/// [`AdoptError`].
pub async fn take(site: &Site, chosen: &AdoptChoice, staff: Option<i64>) -> Result<(), AdoptError> {
    let mut tx = site.db.begin().await?;
    let ready = rows::newest_in(&mut tx)
        .await?
        .filter(|one| one.state == AdoptionState::Ready && site.now().since(one.changed_at) < LASTS);
    let Some(ready) = ready else { return Err(AdoptError::NotReady) };
    let number = match chosen {
        AdoptChoice::All => rows::choose_all(&mut tx).await?,
        AdoptChoice::Bundles(names) => {
            rows::choose_none(&mut tx).await?;
            let mut number = 0;
            for name in names {
                number += u64::from(rows::choose(&mut tx, name).await?);
            }
            number
        }
    };
    if number == 0 {
        return Err(AdoptError::NothingChosen);
    }
    if !rows::press(&mut tx, ready.id, site.now()).await? {
        return Err(AdoptError::NotReady);
    }
    let subject = site.url("/desk/donations/adopt");
    audit_log::record(&mut tx, site, staff, "took over gifts of another program", "", &subject).await?;
    tx.commit().await?;
    Ok(())
}

/// Stops it where it is: what was taken over stays. False when there was nothing to stop.
///
/// # Errors
/// When the database fails.
pub async fn stop(site: &Site) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let stopped = rows::stop_all(&mut tx, site.now()).await? > 0;
    tx.commit().await?;
    Ok(stopped)
}

/// The same in a restored database, in its transaction.
pub async fn stop_in(tx: &mut Tx, now: Moment) -> db::Result<()> {
    rows::stop_all(tx, now).await.map(drop)
}

/// What was found, by what can be chosen.
///
/// # Errors
/// When the database fails.
pub async fn sums(db: &Db) -> db::Result<OldSums> {
    Ok(OldSums::of(rows::sums(db).await?))
}

/// Goes on with it, if it waits for that.
///
/// # Errors
/// When the database fails; it goes on where it was at its next turn.
pub async fn go_on(site: &Site, provider: &dyn PaymentProvider) -> db::Result<Worked> {
    queue::work(site, &InTurn(provider)).await
}

struct InTurn<'a>(&'a dyn PaymentProvider);

/// Which one.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
struct Which {
    id: i64,
}

impl Work for InTurn<'_> {
    type What = Which;

    fn queue(&self) -> &'static Queue {
        &ADOPTIONS_IN_TURN
    }

    async fn work(&self, site: &Site, due: &Due<Which>) -> db::Result<Came> {
        let mut claim = due.next_at;
        let begun = clock::instant();
        loop {
            // Years of gifts are gone through in turns: whoever watches the jobs sees that each comes to an end.
            if begun.elapsed() > A_TURN {
                queue::let_go(site, self.queue(), &due.held_until(claim)).await?;
                return Ok(Came::Done);
            }
            let Some(one) = rows::one(&site.db, due.what.id).await? else { return Ok(Came::Done) };
            if one.next_at != claim {
                // Somebody else has it, or stopped it.
                return Ok(Came::Done);
            }
            match step(site, self.0, &one).await {
                Ok(Some(next)) => claim = next,
                Ok(None) => return Ok(Came::Done),
                // Each step took the claim anew: who says that it did not work names the last.
                Err(ProviderPollError::Provider(error)) => {
                    let later = Came::Later(error.for_the_record());
                    queue::note(site, self, &due.held_until(claim), later).await?;
                    return Ok(Came::Done);
                }
                Err(ProviderPollError::Database(error)) => return Err(error),
            }
        }
    }
}

/// One step; the claim from then on, none when it is at an end or another's.
async fn step(
    site: &Site,
    provider: &dyn PaymentProvider,
    one: &Adoption,
) -> Result<Option<Moment>, ProviderPollError> {
    use AdoptionState::{Done, Looking, Ready, Taking};
    match (one.state, one.step) {
        (Looking, AdoptionStep::Subscriptions) => {
            look::subscriptions(site, provider, one, (Looking, AdoptionStep::Invoices)).await
        }
        (Looking, AdoptionStep::Invoices) => {
            look::invoices(site, provider, one, one.since, (Looking, AdoptionStep::Payments)).await
        }
        (Looking, _) => look::payments(site, provider, one, one.since, (Ready, AdoptionStep::Taking)).await,
        (Taking, AdoptionStep::LateSubscriptions) => {
            look::subscriptions(site, provider, one, (Taking, AdoptionStep::Taking)).await
        }
        (Taking, AdoptionStep::LateInvoices) => {
            let since = one.created_at.minus(look::LATE);
            look::invoices(site, provider, one, since, (Taking, AdoptionStep::LatePayments)).await
        }
        (Taking, AdoptionStep::LatePayments) => {
            let since = one.created_at.minus(look::LATE);
            look::payments(site, provider, one, since, (Taking, AdoptionStep::TakingLate)).await
        }
        (Taking, AdoptionStep::TakingLate) => {
            Ok(take::some(site, one, (Taking, AdoptionStep::Following)).await?)
        }
        (Taking, AdoptionStep::Following) => {
            follow::some(site, provider, one, (Done, AdoptionStep::Following)).await
        }
        (Taking, _) => Ok(take::some(site, one, (Taking, AdoptionStep::LateInvoices)).await?),
        _ => Ok(None),
    }
}

/// Says how far it is, in the transaction of what was done; the new claim. None, and nothing may be committed, if it is another's.
async fn moved(
    tx: &mut Tx,
    site: &Site,
    one: &Adoption,
    to: (AdoptionState, AdoptionStep, &str),
) -> db::Result<Option<Moment>> {
    let until = queue::renewed(one.next_at, site.now(), LEASE);
    let moved = rows::move_on(tx, (one.id, one.next_at), to, (until, site.now())).await?;
    Ok(moved.then_some(until))
}
