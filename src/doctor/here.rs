//! Which instance is it that answers at the public address? Whoever asks sends a nonce, and gets back a name for it that nobody
//! but this instance, with its secret and its database, can give.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    clock::Stopwatch,
    db, origin,
    site::Site,
    token::{Keys, Purpose},
};

/// Where an instance answers; a nonce stands behind it.
pub const PATH: &str = "/here/";

/// What tells this instance from a copy of it.
#[derive(Clone, Debug)]
pub struct Here {
    keys: Arc<Keys>,
    place: String,
}

/// What an instance says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HereAnswer {
    /// The name for the nonce.
    pub name: String,
    /// Who brought the question.
    pub by: BroughtBy,
}

/// Who brought a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BroughtBy {
    /// Whoever asked: no proxy says that it brought it.
    Itself,
    /// A proxy that the settings name.
    Proxy,
    /// Something that says that it is a proxy, and the settings do not name.
    Stranger,
}

impl BroughtBy {
    /// Judged by who is at the other end of the connection, and whether they named whom they bring.
    #[must_use]
    pub fn of(peer: IpAddr, names_somebody: bool, trusted: &[IpAddr]) -> Self {
        match (names_somebody, trusted.contains(&peer)) {
            (false, _) => Self::Itself,
            (true, true) => Self::Proxy,
            (true, false) => Self::Stranger,
        }
    }
}

/// This instance, for strangers who ask: the database is asked once in a while, however often they do. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct KnownHere(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    known: RwLock<Option<(Stopwatch, Here)>>,
    /// One asks the database, and meanwhile the others have what was known before.
    asking: Mutex<()>,
}

/// A database does not move while a process works on it.
const A_WHILE: Duration = Duration::from_secs(60);

impl KnownHere {
    /// It, as it was a minute ago; longer ago while the database is asked for it.
    pub async fn here(&self, site: &Site) -> db::Result<Here> {
        let _one = match (self.0.asking.try_lock(), self.last()) {
            (Err(_), Some((_, here))) => return Ok(here),
            (Ok(one), _) => one,
            (Err(_), None) => self.0.asking.lock().await,
        };
        if let Some((since, here)) = self.last()
            && since.elapsed() < A_WHILE
        {
            return Ok(here);
        }
        let here = Here::of(site).await?;
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) =
            Some((Stopwatch::start(), here.clone()));
        Ok(here)
    }

    fn last(&self) -> Option<(Stopwatch, Here)> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Here {
    /// This instance.
    pub async fn of(site: &Site) -> db::Result<Self> {
        Ok(Self { keys: site.keys.clone(), place: origin::place(&site.db).await? })
    }

    /// Its name for a nonce.
    #[must_use]
    pub fn name(&self, nonce: &str) -> String {
        self.keys.name(Purpose::Here, &self.words(nonce))
    }

    /// Whether a name for a nonce is that of this instance.
    #[must_use]
    pub fn is(&self, nonce: &str, name: &str) -> bool {
        self.keys.knows_name(Purpose::Here, &self.words(nonce), name)
    }

    fn words(&self, nonce: &str) -> String {
        format!("{nonce} {}", self.place)
    }
}
