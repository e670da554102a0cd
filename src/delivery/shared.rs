//! What all tasks of one engine share.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    queue::Queue,
    store::ledger::{self as rows, Claim},
    variant::Frozen,
};
use crate::{
    db,
    mail::Templates,
    meters::Meters,
    relays::{Relays, Wakes},
    site::Site,
    tasks::Breaks,
};

/// The instance, and what the tasks know together.
pub(super) struct Shared {
    pub(super) site: Site,
    pub(super) templates: Templates,
    /// Whose claims these are.
    pub(super) worker: i64,
    pub(super) relays: Relays,
    pub(super) queue: Queue,
    pub(super) variants: Variants,
    pub(super) wakes: Wakes,
    /// Which of the tasks broke off.
    pub(super) breaks: Breaks,
    /// What became of messages.
    pub(super) meters: Meters,
}

/// Frozen bodies kept in memory, so that they are read once for many copies.
#[derive(Default)]
pub(super) struct Variants(Mutex<HashMap<i64, Arc<Frozen>>>);

/// More than any worker sends at a time.
const MOST_VARIANTS: usize = 64;

impl Variants {
    /// The inner error is about the text, and stays; the outer about the database, and may pass.
    pub(super) async fn get(&self, site: &Site, id: i64) -> db::Result<Result<Arc<Frozen>, String>> {
        if let Some(frozen) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Ok(frozen.clone()));
        }
        let (headers, body) = match rows::variant(&site.db, id).await {
            Ok(stored) => stored,
            Err(sqlx::Error::RowNotFound) => {
                return Ok(Err("its text is not in the database".to_owned()));
            }
            Err(error) => return Err(error),
        };
        let frozen = match Frozen::from_stored(site, &headers, &body) {
            Ok(frozen) => Arc::new(frozen),
            Err(why) => return Ok(Err(why)),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_VARIANTS {
            known.clear();
        }
        known.insert(id, frozen.clone());
        Ok(Ok(frozen))
    }

    /// Gives copies that were just claimed what their readers answered, where a field stands in their body: one look for all of
    /// them, and none where none does.
    pub(super) async fn answer(&self, site: &Site, claims: Vec<&mut Claim>) -> db::Result<()> {
        let mut asks: HashMap<i64, Vec<i64>> = HashMap::new();
        for claim in &claims {
            if let Entry::Vacant(new) = asks.entry(claim.variant_id) {
                // What cannot be read is found again when a copy of it is written.
                let frozen = self.get(site, claim.variant_id).await?.ok();
                new.insert(frozen.map(|frozen| frozen.asks().to_vec()).unwrap_or_default());
            }
        }
        let fields: Vec<i64> = asks.values().flatten().copied().collect();
        if fields.is_empty() {
            return Ok(());
        }
        let asking: Vec<&mut Claim> =
            claims.into_iter().filter(|claim| !asks[&claim.variant_id].is_empty()).collect();
        let readers: Vec<i64> = asking.iter().map(|claim| claim.subscriber_id).collect();
        let mut answers = rows::answers(&site.db, &readers, &fields).await?;
        for claim in asking {
            claim.answers = answers.remove(&claim.subscriber_id).unwrap_or_default();
        }
        Ok(())
    }

    /// An edition is over: nothing is kept in memory for the next one. What still is sent is read again.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
