//! Copies of one edition that come back for good in a number that cannot be true.
//!
//! The rule that must hold: one failure for good stops mail to its reader at once, but when an implausible share of an
//! edition does, over many domains or at one large provider, something is wrong with us and not with the readers: then none
//! of them is stopped until somebody has looked, and those that were stopped by the first of these failures are mailed again
//! (TRUST M23). Whatever stops mail to a reader is among them: failures for good, one too many of those that pass, and reports
//! that name no copy. Readers are counted, not reports. Whoever counts is inside the gate of suppressions, so of two reports
//! at once the second sees the first.

pub use super::store::returned::Mass;
use super::{
    ledger,
    states::MassState,
    store::{
        domains::{self, OfProvider},
        progress,
        returned::{self as store, Counted},
    },
    suppression::{StopReason, Suppressions},
};
use crate::{
    db::{Db, Gate, Result, Tx},
    email_address::EmailAddress,
    replies::commonest,
    site::Site,
};

/// So many failures, if they are so much of the copies that came to an end, in percent.
const MANY: (i64, i64) = (20, 10);
/// Of a smaller edition, so many, if they are so much of it.
const MANY_OF_FEW: (i64, i64) = (5, 50);
/// Fewer domains may be one provider's matter, unless the edition has no more …
const DOMAINS: i64 = 5;
/// … or the provider has so much of its readers, in percent, and so many of its copies failed, which are so much of those that
/// came to an end, in percent. A company that closed is smaller.
const SHARE_OF_ONE: i64 = 1;
const MANY_OF_ONE: (i64, i64) = (20, 50);
/// What takes a while to count is counted with every so many failures: one provider's share, and what we gave up.
const EVERY: i64 = 5;

/// What somebody says of such failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The mailboxes are really gone, of what was seen: the reports up to this one.
    Gone {
        /// [`Mass::up_to`].
        up_to: i64,
    },
    /// It was about us: the readers stay.
    Kept,
}

/// What a failure is that would stop mail to its reader, among all those of its edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// One of a number that can be true: it counts.
    Counts,
    /// One of too many: it waits until somebody has looked.
    Held,
    /// Somebody has looked, and said that such failures are about us.
    AboutUs,
}

/// What a failure that stops mail to its reader does, seen among all those of its edition; the reader as their address is kept.
pub(crate) async fn weigh(
    tx: &mut Tx,
    site: &Site,
    edition: i64,
    (reader, domain): (&str, &str),
) -> Result<Weighed> {
    let now = site.now();
    let mut counted = store::counted(tx, edition).await?.unwrap_or_else(|| Counted::none(now));
    match counted.state {
        MassState::Held => return Ok(Weighed::Held),
        MassState::Kept => return Ok(Weighed::AboutUs),
        MassState::Gone => return Ok(Weighed::Counts),
        MassState::Few if store::is_counted(tx, edition, reader).await? => return Ok(Weighed::Counts),
        MassState::Few => counted.add(domain, DOMAINS),
    }
    domains::came_back(tx, edition, domain).await?;
    let is_counted_out = counted.failures % EVERY == 0;
    let given_up = if is_counted_out { store::given_up(tx, edition).await? } else { 0 };
    let ended = store::ended(tx, edition).await? - given_up;
    let held = is_implausible(counted.failures, ended)
        && is_widespread(tx, edition, counted.domains()).await?
        // The provider's domains may be many, and this is asked while others wait.
        || counted.failures >= MANY_OF_ONE.0
            && is_counted_out
            && is_one_providers(tx, edition, domain, ended).await?;
    store::count(tx, edition, &counted, held).await?;
    if !held {
        return Ok(Weighed::Counts);
    }
    tracing::error!(
        edition,
        failures = counted.failures,
        "too many copies came back for good; nobody is stopped until somebody has looked"
    );
    store::let_go_again(tx, edition, counted.since).await?;
    store::hold_all(tx, edition).await?;
    Ok(Weighed::Held)
}

/// The edition was stopped for more refusals than can be true: what they mean for its readers, and what those that come mean,
/// is for somebody to say, however few they are of all its copies. It is the first thing that a transaction changes.
pub(super) async fn hold(tx: &mut Tx, site: &Site, edition: i64) -> Result<()> {
    Suppressions::new(site).close(tx).await?;
    let counted = store::counted(tx, edition).await?.unwrap_or_else(|| Counted::none(site.now()));
    if counted.state == MassState::Few {
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
    Ok(domains >= DOMAINS || domains >= domains::count(tx, edition, DOMAINS).await?)
}

/// Whether they are too many of the copies that the domain's provider takes.
async fn is_one_providers(tx: &mut Tx, edition: i64, domain: &str, ended: i64) -> Result<bool> {
    let provider = domains::provider(tx, domain).await?;
    let one = domains::of_provider(tx, edition, &provider).await?;
    Ok(is_too_much_of_one(one, ended, progress::sealed(tx, edition).await?))
}

/// How many of a provider's copies came to an end is not written down: as much of them as of all.
const fn is_too_much_of_one(one: OfProvider, ended: i64, sealed: i64) -> bool {
    let OfProvider { copies, came_back } = one;
    copies * 100 >= SHARE_OF_ONE * sealed
        && came_back >= MANY_OF_ONE.0
        && came_back * 100 * sealed >= MANY_OF_ONE.1 * copies * ended
}

/// The editions whose failures wait for somebody's judgement, the newest first.
pub async fn waiting(db: &Db) -> Result<Vec<Mass>> {
    store::waiting(db).await
}

/// The words that stand most often among them.
pub async fn words(db: &Db, edition: i64) -> Result<String> {
    Ok(commonest(store::words(db, edition).await?))
}

/// Editions of which nobody was told yet that their failures wait.
pub async fn untold(db: &Db) -> Result<Vec<i64>> {
    store::untold(db).await
}

/// Takes it upon the caller to tell people, in this transaction; `false` if somebody else did, or it is decided.
pub async fn tell(tx: &mut Tx, edition: i64) -> Result<bool> {
    store::told(tx, edition).await
}

/// Decides what the failures of an edition mean, and those that are still to come. Readers are given up only for what was seen:
/// what came since goes on waiting, and nothing is decided of what is still to come. How many readers that are; `None` if
/// somebody else decided before. It is the first thing that a transaction changes.
pub async fn decide(tx: &mut Tx, site: &Site, edition: i64, decision: Decision) -> Result<Option<i64>> {
    Suppressions::new(site).close(tx).await?;
    let Decision::Gone { up_to } = decision else {
        let decided = store::kept(tx, edition).await?;
        store::keep_all(tx, edition).await?;
        return Ok(decided.then_some(0));
    };
    let since = store::since(tx, edition, up_to).await?;
    Ok(store::gone(tx, edition, up_to, since == 0).await?.then_some(since))
}

/// Copies of these readers are tried again, in this transaction: what came back of them waits for nobody's decision any more.
pub async fn tried_again(tx: &mut Tx, edition: i64, subscribers: &[i64]) -> Result<u64> {
    store::tried_again(tx, edition, subscribers).await
}

/// Editions whose failures somebody said to be real, and whose readers are not all stopped yet.
pub async fn unfinished(db: &Db) -> Result<Vec<i64>> {
    store::unfinished(db).await
}

/// Stops mail to the next readers whose mailboxes are said to be gone, by so many reports at most. Returns how many there were.
pub async fn stop_some(tx: &mut Tx, site: &Site, edition: i64, limit: i64) -> Result<usize> {
    let suppressions = Suppressions::new(site);
    suppressions.close(tx).await?;
    // Copies of many readers are withdrawn, in an order of their own.
    tx.close(Gate::Copies).await?;
    let some = store::held(tx, edition, limit).await?;
    for one in &some {
        let address = one.address.as_deref().and_then(|address| EmailAddress::parse(address).ok());
        match address.filter(|address| suppressions.hash(address) == one.address_hash) {
            Some(address) => drop(suppressions.add(tx, &address, StopReason::Bounced, &one.words).await?),
            // The copy is forgotten, or the report named another address of its reader; what that is kept as is known.
            None => suppressions.add_hash(tx, &one.address_hash, StopReason::Bounced, &one.words).await?,
        }
        if let Some(subscriber) = one.subscriber_id {
            ledger::withdraw_because(tx, site, subscriber, None, StopReason::Bounced.into()).await?;
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

    #[test]
    fn one_provider_is_enough_if_it_is_large() {
        let one = |came_back, copies| OfProvider { copies, came_back };
        assert!(
            is_too_much_of_one(one(20, 40), 1_000, 1_000) && !is_too_much_of_one(one(20, 41), 1_000, 1_000)
        );
        assert!(
            !is_too_much_of_one(one(19, 19), 1_000, 1_000) && !is_too_much_of_one(one(20, 20), 2_001, 2_001)
        );
        assert!(is_too_much_of_one(one(200, 4_000), 1_000, 10_000), "a tenth of it has come to an end");
    }
}
