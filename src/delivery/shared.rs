//! What all tasks of one engine share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use super::{queue::Queue, relays::Relays, store::ledger as rows, variant::Frozen};
use crate::{db, mail::Templates, site::Site};

/// The instance, and what the tasks know together.
pub(super) struct Shared {
    pub(super) site: Site,
    pub(super) templates: Templates,
    /// Whose claims these are.
    pub(super) worker: i64,
    pub(super) relays: Relays,
    pub(super) queue: Queue,
    pub(super) variants: Variants,
    pub(super) refusals: Refusals,
    pub(super) stop: watch::Receiver<bool>,
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
}

/// How often recipients of an edition were refused by policy. One may be about the recipient, many are about us.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<i64, u32>>);

/// After so many, the edition is stopped.
const TOO_MANY_REFUSALS: u32 = 25;

impl Refusals {
    pub(super) fn is_too_much(&self, edition: i64) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(edition).or_default();
        *count += 1;
        // Counted anew afterwards: whoever resumes in spite of it is stopped again only by as many more.
        let too_much = *count >= TOO_MANY_REFUSALS;
        if too_much {
            counts.remove(&edition);
        }
        too_much
    }
}
