//! Bringing a feed in: the address is tried before it is kept, an ordinary page leads to its feed, and lists of feeds come and go as OPML.
//!
//! The rule: what cannot be read at the first try is not kept, and whoever typed it hears what to do.

use url::Url;

use super::{
    super::{
        cleaning::{charset::ContentType, guard, html::escape},
        feed::{FeedError, NamedFeed, ParsedFeed, links},
        fetch::{self, FetchError, Fetched, Fetcher, Validators},
        import::{self, ArticlesImported},
        rows::FeedId,
        store::feeds as store,
    },
    looked_after::{self, FeedsError},
    polling::{self, Answer, FeedPollError, Polled},
    rows::{Feed, FeedArrives, FeedSource},
};
use crate::{audit_log, db, heavy, site::Site, words};

/// A list of feeds is no longer than this, in bytes.
pub const LARGEST_OPML: usize = 1024 * 1024;

/// What came of bringing a feed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BroughtIn {
    /// It was read, and is asked from now on; with the line of its history that says what came.
    New(FeedId, ArticlesImported, Option<i64>),
    /// It was known: it is this one, which may lie in the bin.
    Known(FeedId),
    /// The page names several.
    Choice(Vec<NamedFeed>),
}

/// Why a feed was not brought in.
#[derive(Debug, thiserror::Error)]
pub enum BringInFeedError {
    /// It is an ordinary page, and names no feed.
    #[error(
        "that is a web page, and it does not say where its feed is. Most sites have one, often at /feed or /rss.xml: try its address"
    )]
    NoFeedThere,
    /// The page names its feed, and that cannot be read.
    #[error("the page says that its feed is at {address}, and that cannot be read: {why}")]
    NamedThere { address: Url, why: FeedPollError },
    /// What the page names as its feed is none.
    #[error("the page says that its feed is at {0}, and that is a web page, too")]
    NoFeedNamed(Url),
    /// There are too many feeds.
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    /// It cannot be read.
    #[error(transparent)]
    Poll(#[from] FeedPollError),
}

impl BringInFeedError {
    /// In a sentence, for an editor.
    #[must_use]
    pub fn in_words(&self) -> String {
        words::in_a_sentence(&self.to_string())
    }
}

impl From<sqlx::Error> for BringInFeedError {
    fn from(error: sqlx::Error) -> Self {
        Self::Poll(error.into())
    }
}

impl From<FetchError> for BringInFeedError {
    fn from(error: FetchError) -> Self {
        Self::Poll(error.into())
    }
}

/// Brings in the feed of an address that somebody typed, with or without `https://`, of a feed or of a page that names its feed. It is
/// read once, and kept if that works; its articles arrive as somebody chose.
///
/// # Errors
/// [`BringInFeedError`]; then nothing is kept.
pub async fn bring_in_feed(
    site: &Site,
    fetcher: &Fetcher,
    typed: &str,
    (arrives, staff_id): (FeedArrives, Option<i64>),
) -> Result<BroughtIn, BringInFeedError> {
    let (address, other) = addresses(typed);
    let url = fetcher.allowed(&address)?;
    let there = match look(site, fetcher, &url).await {
        // Nobody said that it has to be https.
        Err(BringInFeedError::Poll(FeedPollError::Fetch(
            FetchError::Refused
            | FetchError::TimedOut
            | FetchError::Certificate(_)
            | FetchError::Unreachable(_),
        ))) if other.is_some() => {
            let other = fetcher.allowed(other.as_deref().unwrap_or_default())?;
            look(site, fetcher, &other).await?
        }
        there => there?,
    };
    match there {
        There::Known(id) => Ok(BroughtIn::Known(id)),
        There::Feed(url, answer) => keep(site, &url, *answer, (arrives, staff_id)).await,
        There::Page(feeds) => match feeds.as_slice() {
            [] => Err(BringInFeedError::NoFeedThere),
            [one] => match named(site, fetcher, &one.url).await? {
                There::Known(id) => Ok(BroughtIn::Known(id)),
                There::Feed(url, answer) => keep(site, &url, *answer, (arrives, staff_id)).await,
                There::Page(_) => Err(BringInFeedError::NoFeedNamed(fetcher.allowed(&one.url)?)),
            },
            _ => Ok(BroughtIn::Choice(feeds)),
        },
    }
}

/// What was typed as an address, and the one without encryption where nobody said which it is.
fn addresses(typed: &str) -> (String, Option<String>) {
    let typed = typed.trim();
    // Some sites write their feeds so, and some programs took that.
    let typed = typed.strip_prefix("feed:").map_or(typed, |rest| rest.trim_start_matches("//"));
    if typed.contains("://") {
        return (typed.to_owned(), None);
    }
    (format!("https://{typed}"), Some(format!("http://{typed}")))
}

/// What is at an address.
enum There {
    Known(FeedId),
    /// A feed, where it stays, and what it gave.
    Feed(Url, Box<Answer>),
    Page(Vec<NamedFeed>),
}

/// What is where a page says that its feed is: it is that address which fails, and not the one that somebody typed.
async fn named(site: &Site, fetcher: &Fetcher, address: &str) -> Result<There, BringInFeedError> {
    let url = fetcher.allowed(address)?;
    match look(site, fetcher, &url).await {
        Err(BringInFeedError::Poll(why @ (FeedPollError::Fetch(_) | FeedPollError::Feed(_)))) => {
            Err(BringInFeedError::NamedThere { address: url, why })
        }
        there => there,
    }
}

async fn look(site: &Site, fetcher: &Fetcher, url: &Url) -> Result<There, BringInFeedError> {
    if let Some(known) = store::feed_by_url(&site.db, url.as_str()).await? {
        return Ok(There::Known(known.id));
    }
    let fetched = fetcher.fetch(url, &Validators::default()).await?;
    let Fetched::Content { bytes, content_type, validators, address, moved } = fetched else {
        return Err(FetchError::Unreachable("it answers what nobody asked".to_owned()).into());
    };
    match read(bytes, address, content_type).await? {
        Err(feeds) => Ok(There::Page(feeds)),
        Ok(parsed) => {
            let stays = moved.unwrap_or_else(|| url.clone());
            if let Some(known) = store::feed_by_url(&site.db, stays.as_str()).await? {
                return Ok(There::Known(known.id));
            }
            let answer = Answer::Read { parsed: Box::new(parsed), validators, moved: None };
            Ok(There::Feed(stays, Box::new(answer)))
        }
    }
}

/// The feed, or the feeds that the page names.
async fn read(
    bytes: Vec<u8>,
    address: Url,
    content_type: Option<ContentType>,
) -> Result<Result<ParsedFeed, Vec<NamedFeed>>, BringInFeedError> {
    match polling::parse(bytes, Some(address), content_type).await {
        Ok(parsed) => Ok(Ok(parsed)),
        Err(FeedError::WebPage { feeds }) => Ok(Err(feeds)),
        Err(error) => Err(FeedPollError::Feed(error).into()),
    }
}

async fn keep(
    site: &Site,
    url: &Url,
    answer: Answer,
    (arrives, staff_id): (FeedArrives, Option<i64>),
) -> Result<BroughtIn, BringInFeedError> {
    if store::count_feeds(&site.db).await? >= looked_after::MOST_FEEDS {
        return Err(FeedsError::TooMany.into());
    }
    let mut tx = site.db.begin().await?;
    let (feed, added) = store::add_feed(&mut tx, (url.as_str(), arrives), site.now()).await?;
    if !added {
        return Ok(BroughtIn::Known(feed.id));
    }
    audit_log::record(&mut tx, site, staff_id, "added a feed", &feed.url, "").await?;
    tx.commit().await?;
    let source: FeedSource = feed.source();
    match polling::keep(site, &source, Ok(answer), true).await? {
        (Polled::Imported(report), line) => Ok(BroughtIn::New(feed.id, report, line)),
        (Polled::NotModified, line) => Ok(BroughtIn::New(feed.id, ArticlesImported::default(), line)),
    }
}

/// Imports from an address, which becomes a feed that is polled from now on and whose articles arrive so, or from a file, whose articles are
/// published. For the command line alone.
///
/// # Errors
/// [`BringInFeedError`].
pub async fn import_source(
    site: &Site,
    fetcher: &Fetcher,
    source: &str,
    arrives: FeedArrives,
) -> Result<ArticlesImported, BringInFeedError> {
    if !source.starts_with("http://") && !source.starts_with("https://") {
        let bytes = fetch::read_file(std::path::Path::new(source)).await?;
        return Ok(import_bytes(site, bytes).await?);
    }
    let mut address = source.to_owned();
    // A page that names several feeds has its own first.
    for _ in 0..2 {
        match bring_in_feed(site, fetcher, &address, (arrives, None)).await? {
            BroughtIn::New(_, report, _) => return Ok(report),
            BroughtIn::Known(id) => {
                let Some(feed) = store::feed(&site.db, id).await? else { break };
                return match polling::poll_feed(site, fetcher, &feed).await? {
                    Polled::Imported(report) => Ok(report),
                    Polled::NotModified => Ok(ArticlesImported::default()),
                };
            }
            BroughtIn::Choice(feeds) => match feeds.into_iter().next() {
                Some(first) => address = first.url,
                None => break,
            },
        }
    }
    Err(BringInFeedError::NoFeedThere)
}

/// Imports a document at hand, which no address is known of.
///
/// # Errors
/// [`FeedPollError::Feed`] and [`FeedPollError::Database`].
pub async fn import_bytes(site: &Site, bytes: Vec<u8>) -> Result<ArticlesImported, FeedPollError> {
    let parsed = polling::parse(bytes, None, None).await?;
    Ok(import::import(site, None, parsed).await?)
}

/// Why a list of feeds is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// Built to exhaust whoever reads it.
    #[error("this file is not read: {0}")]
    Refused(&'static str),
    /// There is no feed in it.
    #[error("there is no feed in this file. A list of feeds is an OPML file, as feed readers save it")]
    Empty,
    /// Our reader met what nobody foresaw.
    #[error("this file cannot be read")]
    GaveUp,
}

/// The feeds that an OPML document names, and how many more it has than are taken at once.
///
/// # Errors
/// [`OpmlError`].
pub async fn read_opml(document: Vec<u8>) -> Result<(Vec<NamedFeed>, usize), OpmlError> {
    if document.len() > guard::MOST_BYTES {
        return Err(OpmlError::Refused("it is larger than 10 MB"));
    }
    let read = heavy::aside(move || Ok(links::of_list(&document)));
    let (feeds, more) = read.await.unwrap_or(Err(OpmlError::GaveUp))?;
    if feeds.is_empty() { Err(OpmlError::Empty) } else { Ok((feeds, more)) }
}

/// Adds the feeds of a list, which are read at their turn, within minutes, and whose articles arrive so; how many were not known. An address that may not be asked is
/// left out.
///
/// # Errors
/// [`FeedsError::TooMany`], or the database's.
pub async fn add_feeds(
    site: &Site,
    fetcher: &Fetcher,
    urls: &[String],
    (arrives, staff_id): (FeedArrives, Option<i64>),
) -> Result<usize, FeedsError> {
    let mut added = 0;
    for url in urls.iter().take(links::MOST_ON_A_LIST) {
        match looked_after::add_feed(site, fetcher, url, arrives).await {
            Ok((_, is_new)) => added += usize::from(is_new),
            Err(FeedsError::Address(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if added > 0 {
        let mut tx = site.db.begin().await?;
        audit_log::record(&mut tx, site, staff_id, "added feeds", &format!("{added} of a list"), "").await?;
        tx.commit().await?;
    }
    Ok(added)
}

/// All feeds as an OPML document (OPML 2.0), for other programs.
///
/// # Errors
/// When the database fails.
pub async fn write_opml(site: &Site, magazine: &str) -> db::Result<String> {
    const CHUNK: i64 = 500;
    let mut outlines = String::new();
    let mut after = None;
    loop {
        let some = looked_after::feeds(&site.db, after, CHUNK).await?;
        let Some(last) = some.last() else { break };
        after = Some(last.id.0);
        some.iter().for_each(|feed| outlines.push_str(&outline(feed)));
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n<head><title>{}</title></head>\n<body>\n{outlines}</body>\n</opml>\n",
        escape(&format!("Feeds of {magazine}"))
    ))
}

fn outline(feed: &Feed) -> String {
    format!(
        "<outline type=\"rss\" text=\"{name}\" title=\"{name}\" xmlUrl=\"{url}\"/>\n",
        name = escape(feed.name()),
        url = escape(&feed.url)
    )
}
