//! Copies of one edition that come back for good in a number that cannot be true.
//!
//! The rule that must hold: one failure for good stops mail to its reader at once, but when an implausible share of an
//! edition does, over many domains, something is wrong with us and not with the readers: then none of them is stopped
//! until somebody has looked, and those that were stopped by the first of these failures are mailed again (TRUST M23).
//! Whoever counts is inside the gate of suppressions, so of two reports at once the second sees the first.

use super::receive::Effect;
pub use crate::delivery::store::mass::Mass;
use crate::{
    db::{Db, Gate, Result, Tx},
    delivery::{
        breaker::commonest,
        ledger,
        store::{
            breaker,
            mass::{self as store, Counted},
        },
        suppression::{Reason, Suppressions},
    },
    email_address::EmailAddress,
    site::Site,
};

/// So many failures, if they are so much of the copies that came to an end, in percent.
const MANY: (i64, i64) = (20, 10);
/// Of a smaller edition, so many, if they are so much of it.
const MANY_OF_FEW: (i64, i64) = (5, 50);
/// Fewer domains may be one provider's matter, unless the edition has no more.
const DOMAINS: i64 = 5;

/// What somebody says of such failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The mailboxes are really gone.
    Gone,
    /// It was about us: the readers stay.
    Kept,
}

impl Decision {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Kept => "kept",
        }
    }
}

/// What a failure for good does to its reader, seen among all those of its edition.
pub(super) async fn weigh(tx: &mut Tx, site: &Site, edition: i64, domain: &str) -> Result<Effect> {
    let now = site.now();
    let mut counted = store::counted(tx, edition).await?.unwrap_or_else(|| Counted::none(now));
    match counted.state.as_str() {
        "held" => return Ok(Effect::Held),
        "kept" => return Ok(Effect::Policy),
        "gone" => return Ok(Effect::Bounced),
        _ => counted.add(domain, DOMAINS),
    }
    let held = is_implausible(counted.failures, store::ended(tx, edition).await?)
        && is_widespread(tx, edition, counted.domains()).await?;
    store::count(tx, edition, &counted, held).await?;
    if !held {
        return Ok(Effect::Bounced);
    }
    tracing::error!(
        edition,
        failures = counted.failures,
        "too many copies came back for good; nobody is stopped until somebody has looked"
    );
    store::let_go_again(tx, edition, counted.since).await?;
    store::hold_all(tx, edition).await?;
    Ok(Effect::Held)
}

/// The edition was stopped for more refusals than can be true: what they mean for its readers, and what those that come mean,
/// is for somebody to say, however few they are of all its copies. It is the first thing that a transaction changes.
///
/// # Errors
/// When the database fails.
pub(in crate::delivery) async fn hold(tx: &mut Tx, site: &Site, edition: i64) -> Result<()> {
    Suppressions::new(site).close(tx).await?;
    let counted = store::counted(tx, edition).await?.unwrap_or_else(|| Counted::none(site.now()));
    if counted.state == "few" {
        store::count(tx, edition, &counted, true).await?;
        store::let_go_again(tx, edition, counted.since).await?;
        store::hold_all(tx, edition).await?;
    }
    Ok(())
}

const fn is_implausible(failures: i64, ended: i64) -> bool {
    failures >= MANY.0 && failures * 100 >= MANY.1 * ended
        || failures >= MANY_OF_FEW.0 && failures * 100 >= MANY_OF_FEW.1 * ended
}

async fn is_widespread(tx: &mut Tx, edition: i64, domains: i64) -> Result<bool> {
    Ok(domains >= DOMAINS || domains >= breaker::domains(tx, edition, DOMAINS).await?)
}

/// The editions whose failures wait for somebody's judgement, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &Db) -> Result<Vec<Mass>> {
    store::waiting(db).await
}

/// The words that stand most often among them.
///
/// # Errors
/// When the database fails.
pub async fn words(db: &Db, edition: i64) -> Result<String> {
    Ok(commonest(store::words(db, edition).await?))
}

/// Editions of which nobody was told yet that their failures wait.
///
/// # Errors
/// When the database fails.
pub async fn untold(db: &Db) -> Result<Vec<i64>> {
    store::untold(db).await
}

/// Takes it upon the caller to tell people, in this transaction; `false` if somebody else did, or it is decided.
///
/// # Errors
/// When the database fails.
pub async fn tell(tx: &mut Tx, edition: i64) -> Result<bool> {
    store::told(tx, edition).await
}

/// Decides what the failures of an edition mean, and those that are still to come; `false` if somebody else did. It is the
/// first thing that a transaction changes.
///
/// # Errors
/// When the database fails.
pub async fn decide(tx: &mut Tx, site: &Site, edition: i64, decision: Decision) -> Result<bool> {
    Suppressions::new(site).close(tx).await?;
    if !store::decide(tx, edition, decision.as_str()).await? {
        return Ok(false);
    }
    if decision == Decision::Kept {
        store::keep_all(tx, edition).await?;
    }
    Ok(true)
}

/// Editions whose failures somebody said to be real, and whose readers are not all stopped yet.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(db: &Db) -> Result<Vec<i64>> {
    store::unfinished(db).await
}

/// Stops mail to the next readers whose mailboxes are said to be gone, at most so many. Returns how many there were.
///
/// # Errors
/// When the database fails.
pub async fn stop_some(tx: &mut Tx, site: &Site, edition: i64, limit: i64) -> Result<usize> {
    let suppressions = Suppressions::new(site);
    suppressions.close(tx).await?;
    // Copies of many readers are withdrawn, in an order of their own.
    tx.close(Gate::Copies).await?;
    let some = store::held(tx, edition, limit).await?;
    for one in &some {
        match one.address.as_deref().map(EmailAddress::parse) {
            Some(Ok(address)) => drop(suppressions.add(tx, &address, Reason::Bounced, &one.words).await?),
            // The copy is forgotten; what its address is kept as is not.
            _ => suppressions.add_hash(tx, &one.address_hash, Reason::Bounced, &one.words).await?,
        }
        if let Some(subscriber) = one.subscriber_id {
            ledger::withdraw_because(tx, site, subscriber, None, Reason::Bounced.as_str()).await?;
        }
        store::stopped(tx, one.id).await?;
    }
    Ok(some.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_failures_are_ordinary_and_many_are_not() {
        assert!(!is_implausible(1, 1) && !is_implausible(4, 4) && !is_implausible(19, 1_000));
        assert!(is_implausible(5, 10) && !is_implausible(5, 11));
        assert!(is_implausible(20, 200) && !is_implausible(20, 201) && is_implausible(100, 1_000));
    }
}
