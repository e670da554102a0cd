//! Passwords: argon2id, hashed off the async threads, a few at a time, in memory that is kept for it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::{sync::Semaphore, task};

use crate::{network::Network, token};

/// How many may be inside, those who are being looked at among them: whoever comes beyond is told to come back in a moment,
/// so that those who are inside never wait for long.
const MOST_INSIDE: usize = 64;
/// How many of them may come from one network: more than may guess at one account, so that those are told what holds them.
const MOST_FROM_ONE_NETWORK: usize = 12;
/// How many from all that one provider rents out: half, so that whoever has half a million networks fills no more.
const MOST_FROM_ONE_PROVIDER: usize = MOST_INSIDE / 2;

/// How much work one hash is.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl PasswordCost {
    /// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    pub const STRONG: Self = Self { memory_kib: 19_456, passes: 2 };
    /// For tests and sample data only.
    pub const CHEAP: Self = Self { memory_kib: 64, passes: 1 };
}

/// More people than one machine can look at in a moment, or more from one network than its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Too many people are at the door. Try again in a few seconds.")]
pub struct Busy;

/// Where passwords are hashed: as many at once as the machine has cores, four at most, each in memory of its own that the
/// next one is given. So the memory is never more than that of so many hashes, and none of it is lost to the allocator. Cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<Room>);

struct Room {
    turns: Arc<Semaphore>,
    /// Memory that nobody uses now; never more than there are turns.
    spare: Mutex<Vec<Vec<Block>>>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    from: HashMap<Network, usize>,
    of_provider: HashMap<Network, usize>,
}

impl Inside {
    fn has_room(&self, from: Option<Network>) -> bool {
        let count = |of: &HashMap<Network, usize>, network| of.get(&network).copied().unwrap_or_default();
        self.all < MOST_INSIDE
            && from.is_none_or(|network| {
                count(&self.from, network) < MOST_FROM_ONE_NETWORK
                    && count(&self.of_provider, network.provider()) < MOST_FROM_ONE_PROVIDER
            })
    }

    fn enter(&mut self, from: Option<Network>) {
        self.all += 1;
        if let Some(network) = from {
            *self.from.entry(network).or_default() += 1;
            *self.of_provider.entry(network.provider()).or_default() += 1;
        }
    }

    fn leave(&mut self, from: Option<Network>) {
        self.all -= 1;
        if let Some(network) = from {
            one_less(&mut self.from, network);
            one_less(&mut self.of_provider, network.provider());
        }
    }
}

fn one_less(of: &mut HashMap<Network, usize>, network: Network) {
    if let Some(here) = of.get_mut(&network) {
        *here -= 1;
        if *here == 0 {
            of.remove(&network);
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl Default for Hasher {
    fn default() -> Self {
        let turns = thread::available_parallelism().map_or(1, usize::from).min(4);
        Self(Arc::new(Room {
            turns: Arc::new(Semaphore::new(turns)),
            spare: Mutex::default(),
            inside: Mutex::default(),
        }))
    }
}

impl Hasher {
    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.0.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether somebody from there would be let in now.
    #[must_use]
    pub fn has_room(&self, from: Option<Network>) -> bool {
        self.inside(|inside| inside.has_room(from))
    }

    /// Whether nobody at all would be let in now, wherever they come from.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.inside(|inside| inside.all >= MOST_INSIDE)
    }

    /// Lets somebody in, if there is room.
    ///
    /// # Errors
    /// [`Busy`] if there is none.
    pub fn enter(&self, from: Option<Network>) -> Result<Place, Busy> {
        self.inside(|inside| {
            if !inside.has_room(from) {
                return Err(Busy);
            }
            inside.enter(from);
            Ok(Place(Arc::new(Held { hasher: self.clone(), from })))
        })
    }

    fn take_memory(&self) -> Vec<Block> {
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep_memory(&self, memory: Vec<Block>) {
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

/// A place inside. It is free again once the work is done, even if nobody waits for the answer any more.
#[derive(Clone, Debug)]
pub struct Place(Arc<Held>);

#[derive(Debug)]
struct Held {
    hasher: Hasher,
    from: Option<Network>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.hasher.inside(|inside| inside.leave(self.from));
    }
}

impl Place {
    /// The hash to store, as a PHC string.
    ///
    /// # Panics
    /// If the cost is outside what argon2 takes, which no constant here is.
    pub async fn hash(&self, password: &str, cost: PasswordCost) -> String {
        let password = password.to_owned();
        self.work(move |memory| {
            let params = Params::new(cost.memory_kib, cost.passes, 1, None).expect("costs are argon2's");
            let salt = Salt::new(&token::random::<16>()).expect("16 bytes are in range");
            let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
            let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
            let settings = ParamsString::try_from(&params).expect("costs are argon2's");
            fill((algorithm, version, params), password.as_bytes(), &salt, &mut out, memory)
                .expect("a password below 4 GiB is in range");
            let hash = PasswordHash {
                algorithm: algorithm.ident(),
                version: Some(version.into()),
                params: settings,
                salt: Some(salt),
                hash: Some(Output::new(&out).expect("32 bytes are in range")),
            };
            hash.to_string()
        })
        .await
    }

    /// Whether the password belongs to the stored hash. With no hash it does the same work and says no, so that the time
    /// taken does not tell whether there is such an account (TRUST A22).
    pub async fn verify(&self, password: &str, stored: Option<&str>, cost: PasswordCost) -> bool {
        if password.len() > super::weak::LONGEST {
            return false;
        }
        let Some(stored) = stored else {
            self.hash(password, cost).await;
            return false;
        };
        let (password, stored) = (password.to_owned(), stored.to_owned());
        self.work(move |memory| belongs(password.as_bytes(), &stored, memory).unwrap_or(false)).await
    }

    /// The turn, the place and the memory go with the work, so that whoever hangs up makes room for nobody before it is done.
    async fn work<T: Send + 'static>(&self, hash: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static) -> T {
        let hasher = self.0.hasher.clone();
        let turn = hasher.0.turns.clone().acquire_owned().await.expect("nobody closes it");
        let place = self.clone();
        let done = task::spawn_blocking(move || {
            let mut memory = hasher.take_memory();
            let done = hash(&mut memory);
            hasher.keep_memory(memory);
            drop((turn, place));
            done
        });
        done.await.expect("hashing does not panic")
    }
}

/// The cost is read from the hash itself, so hashes of an older cost stay valid. None for what is no hash.
fn belongs(password: &[u8], stored: &str, memory: &mut Vec<Block>) -> Option<bool> {
    let stored = PasswordHash::new(stored).ok()?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
    let version = stored.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let params = Params::try_from(&stored).ok()?;
    let (salt, expected) = (stored.salt?, stored.hash?);
    let mut out = vec![0; expected.len()];
    fill((algorithm, version, params), password, &salt, &mut out, memory).ok()?;
    // Outputs are compared in a time that does not tell where they differ.
    Some(Output::new(&out).ok()? == expected)
}

fn fill(
    (algorithm, version, params): (Algorithm, Version, Params),
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
    memory: &mut Vec<Block>,
) -> argon2::Result<()> {
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::new());
    }
    Argon2::new(algorithm, version, params).hash_password_into_with_memory(password, salt, out, memory)
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let place = Hasher::default().enter(None).expect("room");
        let stored = place.hash("correct horse battery", PasswordCost::CHEAP).await;
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_ne!(stored, place.hash("correct horse battery", PasswordCost::CHEAP).await, "salted");
        assert!(place.verify("correct horse battery", Some(&stored), PasswordCost::CHEAP).await);
        assert!(!place.verify("correct horse batterz", Some(&stored), PasswordCost::CHEAP).await);
        assert!(!place.verify("correct horse battery", None, PasswordCost::CHEAP).await);
        assert!(!place.verify("correct horse battery", Some("not a hash"), PasswordCost::CHEAP).await);
    }

    /// Memory that was used before changes nothing, and the library's own verifier agrees.
    #[tokio::test]
    async fn a_hash_does_not_depend_on_what_its_memory_held() {
        let hasher = Hasher::default();
        let place = hasher.enter(None).expect("room");
        let costs = [PasswordCost { memory_kib: 256, passes: 2 }, PasswordCost::CHEAP];
        for cost in [costs[0], costs[1], costs[0]] {
            let stored = place.hash("a lamp for every street", cost).await;
            let theirs = Argon2::default().verify_password(b"a lamp for every street", stored.as_str());
            assert_eq!(theirs, Ok(()), "{stored}");
            assert!(place.verify("a lamp for every street", Some(&stored), cost).await);
        }
        assert_eq!(hasher.0.spare.lock().expect("not poisoned").len(), 1, "one after the other share it");
    }

    /// However many come, those inside are few, and no network takes every place.
    #[tokio::test]
    async fn the_line_is_short_and_no_network_fills_it() {
        let hasher = Hasher::default();
        let network = |provider: u8| Network::of([198, provider, 2, 1].into());
        let mut inside = Vec::new();
        for last in 1..=5 {
            let come: Vec<_> = (0..60).filter_map(|_| hasher.enter(network(last)).ok()).collect();
            assert_eq!(come.len(), MOST_FROM_ONE_NETWORK);
            assert!(!hasher.has_room(network(last)));
            inside.extend(come);
        }
        let person = hasher.enter(network(100)).expect("there is room for everybody else");
        let hashing = (0..8).map(|_| person.hash("a lamp for every street", PasswordCost::CHEAP));
        futures_util::future::join_all(hashing).await;
        let turns = hasher.0.turns.available_permits();
        assert!(hasher.0.spare.lock().expect("not poisoned").len() <= turns, "memory for each turn at most");
        inside.extend((101..150).filter_map(|last| hasher.enter(network(last)).ok()));
        assert_eq!(inside.len() + 1, MOST_INSIDE);
        assert_eq!(hasher.enter(network(200)).err(), Some(Busy));
        drop(inside);
        assert!(hasher.has_room(network(1)) && hasher.has_room(network(200)));
        drop(person);
        let left = |inside: &mut Inside| (inside.all, inside.from.len(), inside.of_provider.len());
        assert_eq!(hasher.inside(left), (0, 0, 0));
    }

    /// However many networks a provider rents out, half of the places are for everybody else.
    #[test]
    fn no_provider_fills_the_line() {
        let hasher = Hasher::default();
        let rented = |at: u16| Network::of([0x2001, 0xdb8 + at % 8, at, 0, 0, 0, 0, 1].into());
        let inside: Vec<_> = (0..1_000).filter_map(|at| hasher.enter(rented(at)).ok()).collect();
        assert_eq!(inside.len(), MOST_FROM_ONE_PROVIDER);
        assert!(!hasher.has_room(rented(2_000)) && !hasher.is_full());
        assert!(hasher.has_room(Network::of([192, 0, 2, 1].into())) && hasher.has_room(None));
    }

    /// Who hangs up in the middle makes no room for the next before the work is done.
    #[tokio::test]
    async fn a_place_is_held_until_the_work_is_done() {
        let hasher = Hasher::default();
        let place = hasher.enter(None).expect("room");
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let work = tokio::spawn({
            let place = place.clone();
            async move { place.work(move |_| wait.recv()).await }
        });
        while hasher.0.turns.available_permits()
            == thread::available_parallelism().map_or(1, usize::from).min(4)
        {
            task::yield_now().await;
        }
        work.abort();
        let ended = work.await;
        drop(place);
        assert!(ended.is_err_and(|error| error.is_cancelled()));
        assert_eq!(hasher.inside(|inside| inside.all), 1, "nobody waits for it, and it still works");
        go.send(()).expect("it works");
        while hasher.inside(|inside| inside.all) > 0 {
            task::yield_now().await;
        }
    }
}
