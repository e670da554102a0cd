//! An address is not mailed any more, and what waits for it goes to nobody.

use std::collections::HashMap;

use super::{
    ledger,
    store::{notices, suppressions as store},
    suppression::{StopReason, Suppressions, ToldStop},
};
use crate::{
    clock::Moment,
    db::{Result, Tx},
    email_address::EmailAddress,
};

impl Suppressions<'_> {
    /// Stops mail to addresses as another program told; `detail` is what staff read. What is in force stays, but that a complaint or a
    /// block takes the place of a bounce; and whoever was let go again here since then, or at any time if nobody told since when, is left
    /// alone. Which of them are stopped by it. Whoever calls has closed the gate.
    pub async fn add_as_told(self, tx: &mut Tx, told: &[ToldStop<'_>], detail: &str) -> Result<Vec<bool>> {
        let hashes: Vec<String> = told.iter().map(|one| self.hash(one.address)).collect();
        let lifted: HashMap<String, Moment> = store::lifted_among(tx, &hashes).await?.into_iter().collect();
        let in_force = self.among(tx, told.iter().map(|one| one.address)).await?;
        let now = self.0.now();
        let mut new = Vec::new();
        for ((one, hash), in_force) in told.iter().zip(&hashes).zip(in_force) {
            let let_go = lifted.get(hash).is_some_and(|at| one.since.is_none_or(|since| since <= *at));
            let is_weightier = in_force == Some(StopReason::Bounced)
                && matches!(one.reason, StopReason::Complained | StopReason::Staff);
            if let_go || in_force.is_some() && !is_weightier {
                continue;
            }
            if is_weightier {
                store::lift(tx, hash, now).await?;
            }
            let since = one.since.unwrap_or(now).min(now);
            new.push((hash.clone(), one.reason, detail, since, Some(one.reader)));
        }
        let added = store::add_told(tx, &new).await?;
        let added: Vec<bool> = hashes.iter().map(|hash| added.contains(hash)).collect();
        for (one, _) in told.iter().zip(&added).filter(|(one, added)| **added && one.is_known) {
            if matches!(one.reason, StopReason::Bounced | StopReason::Complained) {
                notices::withdraw(tx, one.address, now).await?;
            }
            ledger::withdraw_because(tx, self.0, one.reader, None, one.reason.into()).await?;
        }
        Ok(added)
    }

    /// A file said it of somebody, and what it said is taken back: as if it had not been said. Nothing that another said is. Whoever calls
    /// has closed the gate. What the addresses are kept as that are mailed again.
    pub async fn take_back(
        self,
        tx: &mut Tx,
        reader: i64,
        reason: &str,
        detail: &str,
    ) -> Result<Vec<String>> {
        store::take_back(tx, reader, reason, detail).await
    }

    /// Stops mail to an address, and withdraws whatever waits to be sent to it; the first reason stays. `detail` is what staff
    /// read. Whether it was not stopped before. It is the first thing that a transaction changes.
    pub async fn add(
        self,
        tx: &mut Tx,
        address: &EmailAddress,
        reason: StopReason,
        detail: &str,
    ) -> Result<bool> {
        self.close(tx).await?;
        let (key, now) = (address.key(), self.0.now());
        let added = store::add(tx, &self.hash(address), reason, detail, now).await?;
        // Automatic emails stop only for what the mailbox itself said (TRUST M29).
        if matches!(reason, StopReason::Bounced | StopReason::Complained) {
            notices::withdraw(tx, address, now).await?;
        }
        if let Some(reader) = store::reader(tx, &key).await? {
            store::link(tx, &[(self.hash(address), reader)]).await?;
            ledger::withdraw_because(tx, self.0, reader, None, reason.into()).await?;
        }
        Ok(added)
    }
}
