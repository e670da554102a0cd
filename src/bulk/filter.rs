//! To whom something is done, as it was looked for on the page of readers; frozen as a row keeps it.

use serde::{Deserialize, Serialize};

use crate::{
    db::{self, Tx},
    site::Site,
    subscribers::{self, Order, ReaderStanding, Wanted},
};

/// Which readers; what is empty is left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderFilter {
    /// Any part of name, address or public id.
    #[serde(default)]
    pub search: String,
    #[serde(default)]
    pub list: Option<i64>,
    #[serde(default)]
    pub topic: Option<i64>,
    /// How they stand: a word of [`ReaderStanding`]; may be empty.
    #[serde(default)]
    pub standing: String,
}

impl ReaderFilter {
    /// As a row keeps it.
    ///
    /// # Errors
    /// Never, in truth.
    pub(super) fn written(&self) -> db::Result<String> {
        serde_json::to_string(self).map_err(|error| sqlx::Error::Encode(error.into()))
    }

    pub(super) fn read(text: &str) -> db::Result<Self> {
        serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            search: &self.search,
            list: self.list,
            topic: self.topic,
            standing: ReaderStanding::parse(&self.standing),
            order: Order::Newest,
        }
    }

    /// Whether it leaves anybody out.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        *self != Self::default()
    }

    /// The numbers of those readers, the newest first, before one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ids(&self, site: &Site, before: i64, limit: i64) -> db::Result<Vec<i64>> {
        subscribers::ids(site, self.wanted(), before, limit).await
    }

    /// Those of these readers who are meant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn among(&self, site: &Site, readers: &[i64]) -> db::Result<Vec<i64>> {
        subscribers::among(site, self.wanted(), readers).await
    }

    /// Those of these readers, who are held, who are still meant.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn still(&self, tx: &mut Tx, site: &Site, readers: &[i64]) -> db::Result<Vec<i64>> {
        subscribers::still_among(tx, site, self.wanted(), readers).await
    }
}
