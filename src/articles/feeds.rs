//! The feeds that articles come from: adding one, and asking them again.

use std::path::Path;

use url::Url;

use super::{
    charset::ContentType,
    feed::{self, ParsedFeed},
    fetch::{self, FetchError, Fetched, Fetcher, Validators},
    import::{self, ArticlesImported},
    mistaken::FeedError,
    rows::{Feed, FeedId},
    store::{self, FEEDS_IN_TURN},
};
use crate::{
    audit_log,
    db::{self, Db},
    heavy,
    queue::{self, Came, Due, Queue, Work},
    site::Site,
};

/// What asking a feed brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// It has not changed.
    NotModified,
    /// It was read and imported.
    Imported(ArticlesImported),
}

/// Why asking a feed failed.
#[derive(Debug, thiserror::Error)]
pub enum FeedPollError {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Adds a feed, or finds it if its address is known. It is asked at the next poll.
///
/// # Errors
/// [`FeedPollError::Fetch`] when the address may not be asked, or the database's.
pub async fn add_feed(site: &Site, fetcher: &Fetcher, address: &str) -> Result<Feed, FeedPollError> {
    let url = fetcher.allowed(address)?;
    let mut tx = site.db.begin().await?;
    let feed = store::add_feed(&mut tx, url.as_str(), site.now()).await?;
    tx.commit().await?;
    Ok(feed)
}

/// Removes a feed: it is not asked again. What it brought stays. Whether there was one.
pub async fn remove_feed(site: &Site, id: FeedId, staff_id: Option<i64>) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(url) = store::remove_feed(&mut tx, id).await? else { return Ok(false) };
    audit_log::record(&mut tx, site, staff_id, "removed a feed", &url, "").await?;
    tx.commit().await?;
    Ok(true)
}

/// One feed.
pub async fn find_feed(db: &Db, id: FeedId) -> db::Result<Option<Feed>> {
    store::feed(db, id).await
}

/// Feeds in the order in which they were added, after one of them.
pub async fn feeds(db: &Db, after: Option<i64>, limit: i64) -> db::Result<Vec<Feed>> {
    store::feeds(db, after.unwrap_or(0), limit).await
}

/// Asks a feed whether it changed, and imports it if so. What went wrong is kept with the feed.
///
/// # Errors
/// [`FeedPollError`].
pub async fn poll_feed(site: &Site, fetcher: &Fetcher, feed: &Feed) -> Result<Polled, FeedPollError> {
    let polled = poll(site, fetcher, feed).await;
    if matches!(polled, Ok(Polled::Imported(_)) | Err(FeedPollError::Database(_))) {
        return polled;
    }
    let mut tx = site.db.begin().await?;
    match &polled {
        Ok(_) => store::feed_well(&mut tx, feed.id, site.now()).await?,
        Err(error) => store::feed_failed(&mut tx, feed.id, &error.to_string(), site.now()).await?,
    }
    tx.commit().await?;
    polled
}

/// Polls the feeds whose turn has come.
///
/// # Errors
/// When the database fails; a feed's own trouble stands with it.
pub async fn poll_due(site: &Site, fetcher: &Fetcher) -> db::Result<queue::Worked> {
    queue::work(site, &InTurn(fetcher)).await
}

/// Feeds, each when its turn has come.
struct InTurn<'a>(&'a Fetcher);

#[derive(sqlx_macros::FromRow)]
struct Which {
    id: FeedId,
}

impl Work for InTurn<'_> {
    type What = Which;

    fn queue(&self) -> &'static Queue {
        &FEEDS_IN_TURN
    }

    async fn work(&self, site: &Site, due: &Due<Which>) -> db::Result<Came> {
        // Somebody may have removed it meanwhile.
        let Some(feed) = store::feed(&site.db, due.what.id).await? else { return Ok(Came::Done) };
        match poll_feed(site, self.0, &feed).await {
            Ok(_) => Ok(Came::Done),
            Err(FeedPollError::Database(error)) => Err(error),
            Err(error) => Ok(Came::Later(error.to_string())),
        }
    }
}

/// Imports from an address, which becomes a feed that is polled from now on, or from a file. For the command line alone.
///
/// # Errors
/// [`FeedPollError`].
pub async fn import_source(
    site: &Site,
    fetcher: &Fetcher,
    source: &str,
) -> Result<ArticlesImported, FeedPollError> {
    if source.starts_with("http://") || source.starts_with("https://") {
        let feed = add_feed(site, fetcher, source).await?;
        return match poll_feed(site, fetcher, &feed).await? {
            Polled::Imported(report) => Ok(report),
            Polled::NotModified => Ok(ArticlesImported::default()),
        };
    }
    import_bytes(site, fetch::read_file(Path::new(source)).await?).await
}

/// Imports a document at hand, which no address is known of.
///
/// # Errors
/// [`FeedPollError::Feed`] and [`FeedPollError::Database`].
pub async fn import_bytes(site: &Site, bytes: Vec<u8>) -> Result<ArticlesImported, FeedPollError> {
    let parsed = parse(bytes, None, None).await?;
    Ok(import::import(site, None, parsed).await?)
}

async fn poll(site: &Site, fetcher: &Fetcher, feed: &Feed) -> Result<Polled, FeedPollError> {
    let known = Validators { etag: feed.etag.clone(), last_modified: feed.last_modified.clone() };
    match fetcher.fetch(&fetcher.allowed(&feed.url)?, &known).await? {
        Fetched::NotModified => Ok(Polled::NotModified),
        Fetched::Content { bytes, content_type, validators, address } => {
            let parsed = parse(bytes, Some(address), content_type).await?;
            let title = parsed.title.clone();
            let report = import::import(site, Some(feed.id), parsed).await?;
            // After the import: if that failed, the next poll must not be told that nothing changed.
            let mut tx = site.db.begin().await?;
            store::feed_read(&mut tx, feed.id, &title, &validators, site.now()).await?;
            tx.commit().await?;
            Ok(Polled::Imported(report))
        }
    }
}

async fn parse(
    bytes: Vec<u8>,
    address: Option<Url>,
    content_type: Option<ContentType>,
) -> Result<ParsedFeed, FeedError> {
    let named = address.as_ref().map_or("a file", Url::as_str).to_owned();
    let read = move || feed::parse(&bytes, address.as_ref(), content_type.as_ref());
    heavy::aside(read).await.unwrap_or_else(|cause| {
        tracing::warn!(feed = named, %cause, "a feed made its parser stop");
        Err(FeedError::GaveUp)
    })
}
