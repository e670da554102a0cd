//! Documents that are taken for feeds and are none: what an editor pasted.

use url::Url;

use super::links::{self, NamedFeed};

/// Why a document could not be read as a feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Too large, or built to exhaust its reader.
    #[error("the feed is refused: {0}")]
    Refused(&'static str),
    /// Not RSS, Atom or JSON Feed, or broken.
    #[error("this is not a feed we can read: {0}")]
    NotAFeed(String),
    /// A web page.
    #[error("this is a web page, not a feed{}", its_feed(.feeds))]
    WebPage {
        /// The feeds that it names.
        feeds: Vec<NamedFeed>,
    },
    /// A list of feeds.
    #[error(
        "this is a list of feeds (OPML), not a feed: import it as a list, or use the address of one feed in it"
    )]
    Opml,
    /// What search engines are given.
    #[error(
        "this is a sitemap, which lists a site’s pages without their texts: look for the address of its feed"
    )]
    Sitemap,
    /// Our reader met what nobody foresaw.
    #[error(
        "something in the feed is written so strangely that our reader had to stop: nothing of it was taken"
    )]
    GaveUp,
}

fn its_feed(feeds: &[NamedFeed]) -> String {
    feeds.first().map(|feed| format!("; its feed seems to be at {}", feed.url)).unwrap_or_default()
}

/// What a document is, if it is one that people take for a feed. `first` is the name of its first element, in lower case.
pub(super) fn mistaken(text: &str, first: Option<&str>, address: Option<&Url>) -> Option<FeedError> {
    let begins_as_page = || {
        let start = text.trim_start();
        start.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype html"))
    };
    let page = || Some(FeedError::WebPage { feeds: links::of_page(text, address) });
    match first {
        Some("opml") => Some(FeedError::Opml),
        Some("urlset" | "sitemapindex") => Some(FeedError::Sitemap),
        Some("html" | "head" | "body" | "title" | "meta" | "script" | "div" | "p" | "h1") => page(),
        _ if begins_as_page() => page(),
        _ => None,
    }
}
