//! What an engine says of itself to whoever asks: from memory, so that it answers while the database does not.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use super::{queue::InFlight, shared::Shared};
use crate::{clock::Stopwatch, relays::RelayLook};

/// A way to ask. Cheap to clone; all clones of one know the same.
#[derive(Clone, Debug, Default)]
pub struct Vitals(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    lives: u64,
    shared: Weak<Shared>,
    in_flight: Weak<InFlight>,
    sign: Option<Stopwatch>,
}

/// How an engine is.
#[derive(Clone, Debug)]
pub struct Look {
    /// How many workers it has been, one after the other; this one included.
    pub lives: u64,
    /// Whether one of them is there now.
    pub is_alive: bool,
    /// How long ago it last looked for work, and could.
    pub silent_for: Duration,
    /// Messages that it holds: those that wait in memory, and those on their way.
    pub in_hand: usize,
    /// Those of them that wait in memory.
    pub queued: usize,
    /// Its mail services.
    pub relays: Vec<RelayLook>,
}

impl Vitals {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, shared: &Arc<Shared>, in_flight: &Arc<InFlight>) {
        let mut known = self.known();
        let lives = known.lives + 1;
        let (shared, in_flight) = (Arc::downgrade(shared), Arc::downgrade(in_flight));
        *known = Known { lives, shared, in_flight, sign: Some(Stopwatch::start()) };
    }

    /// It looked for work.
    pub(super) fn sign(&self) {
        self.known().sign = Some(Stopwatch::start());
    }

    /// How it is now.
    #[must_use]
    pub fn look(&self) -> Look {
        let known = self.known();
        let shared = known.shared.upgrade();
        Look {
            lives: known.lives,
            is_alive: shared.is_some(),
            silent_for: known.sign.map(Stopwatch::elapsed).unwrap_or_default(),
            in_hand: known.in_flight.upgrade().map_or(0, |in_flight| in_flight.len()),
            queued: shared.as_ref().map_or(0, |shared| shared.queue.len()),
            relays: shared.map(|shared| shared.relays.look()).unwrap_or_default(),
        }
    }
}

impl Look {
    /// What it waits for, in a few words.
    #[must_use]
    pub fn waits_for(&self) -> String {
        let names = |those: fn(&RelayLook) -> bool| {
            let names: Vec<&str> =
                self.relays.iter().filter(|one| those(one)).map(|one| one.relay.as_str()).collect();
            names.join(", ")
        };
        if !self.is_alive {
            "its next life begins soon".to_owned()
        } else if self.in_hand == 0 {
            "work: none is due".to_owned()
        } else if self.relays.iter().all(|one| one.rests) {
            format!("a mail service that can be used; not now: {}", names(|one| one.rests))
        } else if self.relays.iter().all(|one| one.rests || one.is_spent) {
            format!("a mail service that may be given more; used up: {}", names(|one| one.is_spent))
        } else {
            "answers of mail services".to_owned()
        }
    }
}
