//! The feeds that articles come from, looked after: added, paused, changed, put into the bin and brought back.
//!
//! The rule: a feed that is paused, ended or in the bin brings nothing, also what is on its way at that moment.

use super::{
    super::{
        bin::BIN_LASTS,
        fetch::{FetchError, Fetcher},
        rows::FeedId,
        store::{bin, feeds as store},
    },
    rows::{Feed, FeedArrives, FeedRead, FeedSettings},
    topic_map::{TopicMap, TopicMapError},
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db, Tx},
    site::Site,
};

/// More than so many feeds are no magazine's.
pub const MOST_FEEDS: i64 = 2_000;

/// Why a feed was not added, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// There are too many.
    #[error("there are {MOST_FEEDS} feeds, and no more can be added: remove some first")]
    TooMany,
    /// Its address may not be asked.
    #[error(transparent)]
    Address(#[from] FetchError),
    /// A line of the topics cannot be read.
    #[error(transparent)]
    Topics(#[from] TopicMapError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Adds a feed, or finds it if its address is known; it is asked at its turn, which is now. Whether it was added.
///
/// # Errors
/// [`FeedsError`].
pub async fn add_feed(
    site: &Site,
    fetcher: &Fetcher,
    address: &str,
    arrives: FeedArrives,
) -> Result<(Feed, bool), FeedsError> {
    let url = fetcher.allowed(address)?;
    if let Some(known) = store::feed_by_url(&site.db, url.as_str()).await? {
        return Ok((known, false));
    }
    if store::count_feeds(&site.db).await? >= MOST_FEEDS {
        return Err(FeedsError::TooMany);
    }
    let mut tx = site.db.begin().await?;
    let added = store::add_feed(&mut tx, (url.as_str(), arrives), site.now()).await?;
    tx.commit().await?;
    Ok(added)
}

/// One feed.
pub async fn find_feed(db: &Db, id: FeedId) -> db::Result<Option<Feed>> {
    store::feed(db, id).await
}

/// Feeds in the order in which they were added, after one of them; not those in the bin.
pub async fn feeds(db: &Db, after: Option<i64>, limit: i64) -> db::Result<Vec<Feed>> {
    store::feeds(db, after.unwrap_or(0), limit).await
}

/// Feeds in the bin, the last that were put there first.
pub async fn removed_feeds(db: &Db, limit: i64) -> db::Result<Vec<Feed>> {
    store::feeds_removed(db, limit).await
}

/// The last times that it was asked and something came of it, the newest first.
pub async fn feed_reads(db: &Db, id: FeedId, limit: i64) -> db::Result<Vec<FeedRead>> {
    store::reads(db, id, limit).await
}

/// What came of asking it at one of those times.
pub async fn feed_read(db: &Db, id: FeedId, read: i64) -> db::Result<Option<FeedRead>> {
    store::read(db, id, read).await
}

/// How many articles go with it, if they do.
pub async fn articles_of_feed(db: &Db, id: FeedId) -> db::Result<i64> {
    bin::count_of_feed(db, id).await
}

/// How many articles went into the bin with it.
pub async fn articles_gone_with(db: &Db, feed: &Feed) -> db::Result<i64> {
    match feed.removed_at {
        Some(at) => bin::count_with_feed(db, feed.id, at).await,
        None => Ok(0),
    }
}

/// Changes how often it is asked, how its articles arrive and what its words become. Whether there is such a feed.
///
/// # Errors
/// [`FeedsError::Topics`], or the database's.
pub async fn set_feed(
    site: &Site,
    id: FeedId,
    set: &FeedSettings,
    staff_id: Option<i64>,
) -> Result<bool, FeedsError> {
    TopicMap::parse(&set.topic_map)?;
    let mut tx = site.db.begin().await?;
    let Some((url, ..)) = store::take_feed(&mut tx, id).await? else { return Ok(false) };
    let next = site.now().plus(set.every.span());
    let changed = store::set_feed(&mut tx, id, set, next).await?;
    audit_log::record(&mut tx, site, staff_id, "changed a feed", &url, set.every.as_str()).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Nothing of it comes in until somebody says so. Whether it was on.
pub async fn pause_feed(site: &Site, id: FeedId, staff_id: Option<i64>) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some((url, ..)) = store::take_feed(&mut tx, id).await? else { return Ok(false) };
    let paused = store::pause_feed(&mut tx, id).await?;
    if paused {
        audit_log::record(&mut tx, site, staff_id, "paused a feed", &url, "").await?;
    }
    tx.commit().await?;
    Ok(paused)
}

/// It is asked again, from now on: one that was paused, and one of which its server said that it is gone. Whether it was either.
pub async fn go_on_with_feed(site: &Site, id: FeedId, staff_id: Option<i64>) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some((url, ..)) = store::take_feed(&mut tx, id).await? else { return Ok(false) };
    let goes_on = store::go_on_feed(&mut tx, id, site.now()).await?;
    if goes_on {
        audit_log::record(&mut tx, site, staff_id, "let a feed go on", &url, "").await?;
    }
    tx.commit().await?;
    Ok(goes_on)
}

/// Puts a feed into the bin, in the caller's transaction: it is not asked again. What it brought stays, or goes there too. Whether it was not
/// there yet. An edition may have been approved with what it brought: the desk goes through
/// [`publishing::remove_feed`](crate::publishing::remove_feed), which asks.
pub async fn remove_feed(
    tx: &mut Tx,
    site: &Site,
    id: FeedId,
    with_articles: bool,
    staff_id: Option<i64>,
) -> db::Result<bool> {
    let now = site.now();
    let Some(url) = store::remove_feed(tx, id, now).await? else { return Ok(false) };
    let detail = if with_articles {
        format!("with {} articles", bin::delete_of_feed(tx, id, now).await?)
    } else {
        String::new()
    };
    audit_log::record(tx, site, staff_id, "removed a feed", &url, &detail).await?;
    Ok(true)
}

/// Brings a feed back out of the bin, with the articles that went there with it; it stands as it did, and is asked now if it is on.
/// Whether it was there.
pub async fn bring_feed_back(site: &Site, id: FeedId, staff_id: Option<i64>) -> db::Result<bool> {
    db::again(|| back(site, id, staff_id)).await
}

async fn back(site: &Site, id: FeedId, staff_id: Option<i64>) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some((url, _, Some(removed_at))) = store::take_feed(&mut tx, id).await? else { return Ok(false) };
    let now = site.now();
    store::bring_feed_back(&mut tx, id, now).await?;
    bin::bring_back_of_feed(&mut tx, id, (removed_at, now)).await?;
    audit_log::record(&mut tx, site, staff_id, "brought a feed back", &url, "").await?;
    tx.commit().await?;
    Ok(true)
}

impl Feed {
    /// Until when it can be brought back, if it is in the bin.
    #[must_use]
    pub fn back_until(&self) -> Option<Moment> {
        self.removed_at.map(|at| at.plus(BIN_LASTS))
    }
}
