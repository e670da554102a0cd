//! Names under which the magazine was reached before it got the one it has, and who still calls it by them.
//!
//! The rule: a name counts if it was this database's own once, so nothing grows whatever strangers write into `Host`. A call
//! is counted in memory and costs no page anything; each process writes down now and then what it counted.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::store;
pub use super::store::FormerHost;
use crate::{clock::Moment, db::Result, site::Site, words};

words! {
    /// What was called.
    pub enum Caller {
        /// A link of a mail.
        Links = "links",
        /// Any other page for readers.
        Pages = "pages",
        Desk = "desk",
        /// The payment provider's hook.
        Payments = "payments",
        /// A mail service's hook.
        Bounces = "bounces",
    }
}

/// How often something was called, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How often.
    pub number: i64,
    /// When last.
    pub last: Moment,
}

impl Calls {
    fn add(&mut self, more: Self) {
        self.number += more.number;
        self.last = self.last.max(more.last);
    }
}

type Counted = BTreeMap<String, BTreeMap<Caller, Calls>>;

/// The names, with what this process counted and nobody has written down yet. Shared by all clones of one.
#[derive(Clone, Debug, Default)]
pub struct FormerNames(Arc<Mutex<Counted>>);

/// A name that is not ours any more.
#[derive(Clone, Debug)]
pub struct Former {
    /// The name.
    pub host: String,
    /// Since when it is not.
    pub left_at: Moment,
    /// Who called it since.
    pub calls: BTreeMap<Caller, Calls>,
}

impl FormerNames {
    /// Whether it was our name once. As often as there are requests.
    #[must_use]
    pub fn knows(&self, host: &str) -> bool {
        self.counted().contains_key(host)
    }

    /// Counts a call of a name that was ours; of any other nothing is kept.
    pub fn count(&self, host: &str, caller: Caller, now: Moment) {
        if let Some(calls) = self.counted().get_mut(host) {
            calls.entry(caller).or_default().add(Calls { number: 1, last: now });
        }
    }

    /// Learns which names there are, and writes down what was counted. Nothing is written when nobody called.
    ///
    /// # Errors
    /// When the database fails; then it is written the next time.
    pub async fn keep(&self, site: &Site) -> Result<()> {
        let known =
            store::former_hosts(&site.db).await?.into_iter().map(|former| (former.host, BTreeMap::new()));
        let counted = mem::replace(&mut *self.counted(), known.collect());
        let written = write(site, &counted).await;
        if written.is_err() {
            for (host, calls) in counted {
                let mut now = self.counted();
                let Some(ours) = now.get_mut(&host) else { continue };
                calls.into_iter().for_each(|(caller, calls)| ours.entry(caller).or_default().add(calls));
            }
        }
        written
    }

    /// The names, the newest first, with who called each since, as far as it is written down or this process knows.
    pub async fn look(&self, site: &Site) -> Result<Vec<Former>> {
        let mut all = Vec::new();
        for FormerHost { host, left_at } in store::former_hosts(&site.db).await? {
            let mut calls = self.counted().get(&host).cloned().unwrap_or_default();
            for (word, number, last) in store::former_calls(&site.db, &host).await? {
                if let Some(caller) = Caller::parse(&word) {
                    calls.entry(caller).or_default().add(Calls { number, last });
                }
            }
            all.push(Former { host, left_at, calls });
        }
        Ok(all)
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(site: &Site, counted: &Counted) -> Result<()> {
    if counted.values().all(BTreeMap::is_empty) {
        return Ok(());
    }
    let mut tx = site.db.begin().await?;
    for (host, calls) in counted {
        for (caller, calls) in calls {
            store::add_calls(&mut tx, (host, caller.as_str()), calls.number, calls.last).await?;
        }
    }
    tx.commit().await
}
