//! Which instance is it that answers at the public address? Whoever asks sends a nonce, and gets back a name for it that nobody
//! but this instance, with its secret and its database, can give.

use std::{net::IpAddr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    clock::Stopwatch,
    db,
    delivery::origin,
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
pub struct Answer {
    /// The name for the nonce.
    pub name: String,
    /// Who brought the question.
    pub by: By,
}

/// Who brought a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Whoever asked: no proxy says that it brought it.
    Itself,
    /// A proxy that the settings name.
    Proxy,
    /// Something that says that it is a proxy, and the settings do not name.
    Stranger,
}

impl By {
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
pub struct Known(Arc<Mutex<Option<(Stopwatch, Here)>>>);

/// A database does not move while a process works on it.
const A_WHILE: Duration = Duration::from_secs(60);

impl Known {
    /// It, as it was a minute ago at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn here(&self, site: &Site) -> db::Result<Here> {
        let mut known = self.0.lock().await;
        if let Some((since, here)) = &*known
            && since.elapsed() < A_WHILE
        {
            return Ok(here.clone());
        }
        let here = Here::of(site).await?;
        *known = Some((Stopwatch::start(), here.clone()));
        Ok(here)
    }
}

impl Here {
    /// This instance.
    ///
    /// # Errors
    /// When the database fails.
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
