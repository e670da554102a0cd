//! Addresses that are not mailed, kept as keyed hashes so that they outlive the reader's erasure.
//!
//! Whoever adds one has withdrawn every open copy to the address when they commit; whoever gives copies out by this list is
//! inside the gate of suppressions, so that the two never pass each other. The last look is the marker's, just before a body.

use std::{collections::HashMap, time::Duration};

use super::store::suppressions as store;
pub use super::{
    states::StopReason,
    store::suppressions::{Blocked, InForce},
};
use crate::{
    clock::Moment,
    db::{Gate, Result, Tx},
    email_address::EmailAddress,
    site::Site,
    token::{Keys, Purpose},
};

/// After so long nobody with a lower number comes any more.
const SETTLED: Duration = Duration::from_secs(60);

/// By which secret addresses are kept that are not mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptBy {
    /// By that of the settings, or by none yet.
    This,
    /// By another.
    Another {
        /// How many addresses would not be known.
        lost: i64,
    },
}

/// What tells a secret from another one in the database: as if it were the hash of an address, which an empty one never is.
#[must_use]
pub fn proof(keys: &Keys) -> String {
    keys.name(Purpose::Suppression, "")
}

/// An address that another program does not mail.
#[derive(Clone, Debug)]
pub struct ToldStop<'a> {
    pub address: &'a EmailAddress,
    /// Who has it.
    pub reader: i64,
    /// Whether they were there before, so that something may wait for them.
    pub is_known: bool,
    pub reason: StopReason,
    /// Since when, if that was told.
    pub since: Option<Moment>,
}

/// The suppressions of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Suppressions<'a>(pub(super) &'a Site);

impl<'a> Suppressions<'a> {
    /// Those of this instance.
    #[must_use]
    pub const fn new(site: &'a Site) -> Self {
        Self(site)
    }

    /// What an address is kept as.
    #[must_use]
    pub fn hash(self, address: &EmailAddress) -> String {
        self.0.keys.name(Purpose::Suppression, &address.key())
    }

    /// How many addresses would not be known, because they are kept by another secret than that of the settings. Changes nothing.
    pub async fn unknown_by_this_secret(self) -> Result<i64> {
        match store::proof(&self.0.db).await? {
            Some(known) if known != self.proof() => store::everybody(&self.0.db).await,
            _ => Ok(0),
        }
    }

    /// What tells whether the secret of the settings is the one that addresses are kept by. A database that knows none, or keeps
    /// no address yet, takes it when `may_settle`: that is for who runs the magazine, not for who asks it something.
    pub async fn secret(self, may_settle: bool) -> Result<KeptBy> {
        let proof = self.proof();
        let known = store::proof(&self.0.db).await?;
        if known.as_ref() == Some(&proof) {
            return Ok(KeptBy::This);
        }
        let lost = store::everybody(&self.0.db).await?;
        if known.is_some() && lost > 0 || !may_settle {
            return Ok(if known.is_some() { KeptBy::Another { lost } } else { KeptBy::This });
        }
        let mut tx = self.0.db.begin().await?;
        match known {
            None => store::prove_first(&mut tx, &proof).await?,
            Some(_) => self.accept_secret(&mut tx).await?,
        }
        tx.commit().await?;
        // Another process may have been first.
        let known = store::proof(&self.0.db).await?;
        Ok(if known == Some(proof) { KeptBy::This } else { KeptBy::Another { lost } })
    }

    /// From now on addresses are kept by the secret of the settings. Those that were kept by another are not known any more.
    pub async fn accept_secret(self, tx: &mut Tx) -> Result<()> {
        store::prove(tx, &self.proof()).await
    }

    fn proof(self) -> String {
        proof(&self.0.keys)
    }

    /// Finds out whose the addresses are that are not mailed, of readers who are new since the last time, so that those who are
    /// stopped can be counted. Who is mailed does not hang on it.
    ///
    /// # Errors
    /// When the database fails; the next time goes on from there.
    pub async fn find_readers(self) -> Result<()> {
        const CHUNK: i64 = 500;
        let now = self.0.now();
        let settled = now.minus(SETTLED);
        while let Some(after) = store::looked_up_to(&self.0.db).await? {
            let mut readers = store::next_readers(&self.0.db, after, CHUNK).await?;
            // From the first of the last minute on they wait: where several write at once, one with a lower number may still come.
            // A clock that was ahead would hold up all that follow until its time has come.
            let waits = |at: Moment| at > settled && at <= now;
            readers.truncate(readers.iter().position(|(.., at)| waits(*at)).unwrap_or(readers.len()));
            let Some((last, ..)) = readers.last() else { break };
            let mut tx = self.0.db.begin().await?;
            let reasons = self.among(&mut tx, readers.iter().map(|(_, address, _)| address)).await?;
            let stopped = readers.iter().zip(reasons).filter(|(_, reason)| reason.is_some());
            let stopped = stopped.map(|((reader, address, _), _)| (*reader, address));
            self.link(&mut tx, stopped).await?;
            // Of several processes one goes on; the other looks where it is by now.
            if store::look_on(&mut tx, after, *last).await? {
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// New readers have these addresses: where mail to one is stopped, it is known at once whose it is, for the counts. Of an address that
    /// is stopped at this very moment, [`Suppressions::find_readers`] finds it out.
    pub async fn link<'b>(
        self,
        tx: &mut Tx,
        readers: impl Iterator<Item = (i64, &'b EmailAddress)>,
    ) -> Result<()> {
        let mut rows: Vec<(String, i64)> =
            readers.map(|(reader, address)| (self.hash(address), reader)).collect();
        // Whoever holds several takes them in the same order.
        rows.sort_unstable();
        store::link(tx, &rows).await.map(drop)
    }

    /// As [`Suppressions::add`], for an address of which only this is left; its reader's copies are the caller's.
    pub(super) async fn add_hash(
        self,
        tx: &mut Tx,
        hash: &str,
        reason: StopReason,
        detail: &str,
    ) -> Result<()> {
        store::add(tx, hash, reason, detail, self.0.now()).await?;
        Ok(())
    }

    /// As the journal beside the database says, which has no more of an address than its hash: unless mail to it was let go again
    /// since `at`. A weightier reason takes the place of a bounce, and a block that of any other. Copies that wait for its
    /// reader go to nobody at their marker.
    pub async fn add_as_written(
        self,
        tx: &mut Tx,
        hash: &str,
        reason: StopReason,
        detail: &str,
        at: Moment,
    ) -> Result<bool> {
        self.close(tx).await?;
        let in_force = store::reason_in(tx, hash).await?;
        let gives_way = match in_force {
            None => false,
            Some(now) if now == reason || now == StopReason::Staff => return Ok(false),
            Some(StopReason::Complained) if reason == StopReason::Bounced => return Ok(false),
            Some(_) => true,
        };
        if store::lifted_since(tx, hash, at).await? {
            return Ok(false);
        }
        if gives_way {
            store::lift(tx, hash, self.0.now()).await?;
        }
        self.add_hash(tx, hash, reason, detail).await?;
        store::look_at_all(tx).await?;
        Ok(true)
    }

    /// Keeps out who gives copies out by this list, until the commit: for who looks before they add.
    pub(crate) async fn close(self, tx: &mut Tx) -> Result<()> {
        tx.close(Gate::Suppressions).await
    }

    /// The owner of an address is forgotten: what stops mail to it stays in force, and no word of whose it was. Whoever calls has closed
    /// the gate.
    pub(crate) async fn forget(self, tx: &mut Tx, hash: &str) -> Result<u64> {
        store::forget(tx, hash).await
    }

    /// A reader has another address: what stops the old one stays with it, and is no longer theirs.
    pub(crate) async fn leave_behind(self, tx: &mut Tx, reader: i64) -> Result<()> {
        store::unlink_reader(tx, reader).await.map(drop)
    }

    /// Lets mail to an address go again.
    pub async fn lift(self, tx: &mut Tx, address: &EmailAddress) -> Result<bool> {
        self.close(tx).await?;
        store::lift(tx, &self.hash(address), self.0.now()).await
    }

    /// Lifts the suppression that somebody looked at, and none that came after it.
    pub async fn lift_one(self, tx: &mut Tx, id: i64) -> Result<bool> {
        self.close(tx).await?;
        store::lift_one(tx, id, self.0.now()).await
    }

    /// Why an address is not mailed, if it is not.
    pub async fn reason(self, address: &EmailAddress) -> Result<Option<StopReason>> {
        store::reason(&self.0.db, &self.hash(address)).await
    }

    /// Why an address is not mailed and since when, if it is not: the reason, what staff read, the moment.
    pub async fn find(self, address: &EmailAddress) -> Result<Option<InForce>> {
        store::find(&self.0.db, &self.hash(address)).await
    }

    /// Stops mail to an address for as long as staff say, in the place of whatever stopped it before. `false` if they had said
    /// so already. The address is kept masked, so that it can be recognised.
    pub async fn block(self, tx: &mut Tx, address: &EmailAddress, why: &str) -> Result<bool> {
        self.close(tx).await?;
        if self.is_blocked(tx, address).await? {
            return Ok(false);
        }
        self.lift(tx, address).await?;
        let added = self.add(tx, address, StopReason::Staff, why).await?;
        store::recognise(tx, &self.hash(address), &address.masked()).await?;
        Ok(added)
    }

    /// Whether staff blocked an address.
    pub async fn is_blocked(self, tx: &mut Tx, address: &EmailAddress) -> Result<bool> {
        Ok(self.reason_in(tx, address).await? == Some(StopReason::Staff))
    }

    /// What staff blocked, the newest first, before the id `before`.
    pub async fn blocked(self, before: i64, limit: i64) -> Result<Vec<Blocked>> {
        store::blocked(&self.0.db, before, limit).await
    }

    /// One that staff blocked, if it still is.
    pub async fn block_in(self, tx: &mut Tx, id: i64) -> Result<Option<Blocked>> {
        store::block(tx, id).await
    }

    /// How many addresses were stopped up to a moment and still are, and when the last of them was.
    pub async fn count(self, before: Moment) -> Result<(i64, Option<Moment>)> {
        store::count(&self.0.db, before).await
    }

    /// As [`Suppressions::reason`], for many addresses, in their order: for who is inside the gate of suppressions.
    pub async fn among<'b>(
        self,
        tx: &mut Tx,
        addresses: impl Iterator<Item = &'b EmailAddress>,
    ) -> Result<Vec<Option<StopReason>>> {
        let hashes: Vec<String> = addresses.map(|address| self.hash(address)).collect();
        Ok(in_order(&hashes, store::among(tx, &hashes).await?))
    }

    /// The same of what addresses are kept as: those that are stopped.
    pub async fn among_hashes(self, tx: &mut Tx, hashes: &[&str]) -> Result<HashMap<String, StopReason>> {
        Ok(store::among(tx, hashes).await?.into_iter().collect())
    }

    /// As [`Suppressions::among`] for who only looks: what it says may be over a moment later.
    pub async fn among_now<'b>(
        self,
        addresses: impl Iterator<Item = &'b EmailAddress>,
    ) -> Result<Vec<Option<StopReason>>> {
        let hashes: Vec<String> = addresses.map(|address| self.hash(address)).collect();
        Ok(in_order(&hashes, store::among_now(&self.0.db, &hashes).await?))
    }

    /// The same with since when each is stopped.
    pub async fn since_among<'b>(
        self,
        addresses: impl Iterator<Item = &'b EmailAddress>,
    ) -> Result<Vec<Option<(StopReason, Moment)>>> {
        let hashes: Vec<String> = addresses.map(|address| self.hash(address)).collect();
        let found = store::since_among(&self.0.db, &hashes).await?;
        let mut found: HashMap<String, (StopReason, Moment)> =
            found.into_iter().map(|(hash, reason, at)| (hash, (reason, at))).collect();
        Ok(hashes.iter().map(|hash| found.remove(hash)).collect())
    }

    /// Whether even an automatic email to an address is stopped: the mailbox itself does not want mail (TRUST M29), or staff
    /// blocked it and `asks` says that the email asks whether it may be mailed.
    pub async fn stops_letter(self, tx: &mut Tx, address: &EmailAddress, asks: bool) -> Result<bool> {
        Ok(self.reason_in(tx, address).await?.is_some_and(|reason| stops_letter(reason, asks)))
    }

    /// The same as [`Suppressions::reason`], as the transaction sees it.
    pub async fn reason_in(self, tx: &mut Tx, address: &EmailAddress) -> Result<Option<StopReason>> {
        store::reason_in(tx, &self.hash(address)).await
    }
}

fn in_order(hashes: &[String], found: Vec<(String, StopReason)>) -> Vec<Option<StopReason>> {
    let mut reasons: HashMap<String, StopReason> = found.into_iter().collect();
    hashes.iter().map(|hash| reasons.remove(hash)).collect()
}

/// Whether a suppression for this reason stops an automatic email, and one that asks whether an address may be mailed.
pub(crate) fn stops_letter(reason: StopReason, asks: bool) -> bool {
    matches!(reason, StopReason::Bounced | StopReason::Complained) || asks && reason == StopReason::Staff
}
