//! To whom something is done, as it was looked for on the page of readers; frozen as a row keeps it.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    db::{self, Tx},
    segments::{self, SegmentCount, SegmentPage, SegmentTree, Sifter},
    site::Site,
    subscribers::{self, Order, ReaderStanding, Wanted},
};

/// Up to so many who are found by an index are counted one by one.
const EXACT: i64 = 5_000;
/// So often one looks on for a page of them.
const TRIES: usize = 4;

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
    /// A segment as it was when somebody looked at it, with those that it takes in.
    #[serde(default)]
    pub segment: Option<SegmentTree>,
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

    /// The numbers of those readers, the newest first, before one. Of a segment fewer than fit may come though more follow: the next page
    /// begins behind the last who was looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(&self, site: &Site, before: i64, limit: i64) -> db::Result<SegmentPage> {
        let Some(tree) = &self.segment else {
            let readers = subscribers::ids(site, self.wanted(), before, limit).await?;
            return Ok(SegmentPage { last: readers.last().copied(), readers });
        };
        let page = segments::newest(site, tree, before, limit).await?;
        let mut readers = subscribers::among(site, self.wanted(), &page.readers).await?;
        readers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(SegmentPage { readers, ..page })
    }

    /// The same for a page: as many as fit, where they are found soon; and before whom the next page begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn some(&self, site: &Site, mut before: i64, most: i64) -> db::Result<(Vec<i64>, Option<i64>)> {
        let mut found = Vec::new();
        for _ in 0..TRIES {
            let page = self.page(site, before, most - found.len() as i64).await?;
            found.extend(page.readers);
            match page.last {
                None => return Ok((found, None)),
                Some(last) => before = last,
            }
            if found.len() as i64 >= most {
                break;
            }
        }
        Ok((found, Some(before)))
    }

    /// How many they are, for a page, within a fraction of a second: exactly where they are few, or all were looked at in that time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, site: &Site) -> db::Result<SegmentCount> {
        if self.search.is_empty() && self.segment.is_none() {
            let few = subscribers::ids(site, self.wanted(), i64::MAX, EXACT + 1).await?;
            if few.len() as i64 <= EXACT {
                return Ok(SegmentCount { about: false, n: few.len() as i64 });
            }
        }
        let sifter = self.sifter(site).await?;
        let (wanted, sifter) = (self.wanted(), sifter.as_ref());
        let among = move |readers: Vec<i64>| -> BoxFuture<'_, db::Result<i64>> {
            Box::pin(async move {
                let found = subscribers::among(site, wanted, &readers).await?;
                Ok(match sifter {
                    Some(sifter) => sifter.among(&site.db, &found).await?.len() as i64,
                    None => found.len() as i64,
                })
            })
        };
        segments::count_each(&site.db, among).await
    }

    /// Those of these readers who are meant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn among(&self, site: &Site, readers: &[i64]) -> db::Result<Vec<i64>> {
        let readers = subscribers::among(site, self.wanted(), readers).await?;
        match self.sifter(site).await? {
            Some(sifter) => sifter.among(&site.db, &readers).await,
            None => Ok(readers),
        }
    }

    /// What a segment asks of readers, for [`ReaderFilter::still`].
    pub(super) async fn sifter(&self, site: &Site) -> db::Result<Option<Sifter>> {
        match &self.segment {
            Some(tree) => segments::sift(site, tree).await.map(Some),
            None => Ok(None),
        }
    }

    /// Those of these readers, who are held, who are still meant.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn still(
        &self,
        tx: &mut Tx,
        site: &Site,
        (readers, sifter): (&[i64], Option<&Sifter>),
    ) -> db::Result<Vec<i64>> {
        let readers = subscribers::still_among(tx, site, self.wanted(), readers).await?;
        match sifter {
            Some(sifter) => sifter.among_in(tx, &readers).await,
            None => Ok(readers),
        }
    }
}
