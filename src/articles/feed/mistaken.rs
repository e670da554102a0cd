//! Documents that are taken for feeds and are none: what an editor pasted, and where the feed may be.

use quick_xml::{escape, events::attributes::Attributes};
use url::Url;

/// The head of a web page is looked through for its feed so far.
const HEAD: usize = 512 * 1024;

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
    #[error("this is a web page, not a feed{}", its_feed(.feed.as_ref()))]
    WebPage {
        /// Where it says that its feed is.
        feed: Option<Url>,
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

fn its_feed(feed: Option<&Url>) -> String {
    feed.map(|url| format!("; its feed seems to be at {url}")).unwrap_or_default()
}

/// What a document is, if it is one that people take for a feed. `first` is the name of its first element, in lower case.
pub(super) fn mistaken(text: &str, first: Option<&str>, address: Option<&Url>) -> Option<FeedError> {
    let begins_as_page = || {
        let start = text.trim_start();
        start.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype html"))
    };
    match first {
        Some("opml") => Some(FeedError::Opml),
        Some("urlset" | "sitemapindex") => Some(FeedError::Sitemap),
        Some("html" | "head" | "body" | "title" | "meta" | "script" | "div" | "p" | "h1") => {
            Some(FeedError::WebPage { feed: feed_of(text, address) })
        }
        _ if begins_as_page() => Some(FeedError::WebPage { feed: feed_of(text, address) }),
        _ => None,
    }
}

/// Where a web page says that its feed is. The first it names is the one of the whole site; those of comments count last.
pub(super) fn feed_of(page: &str, address: Option<&Url>) -> Option<Url> {
    let mut base = address.cloned();
    let mut of_comments = None;
    for (name, raw) in tags(&page[..page.floor_char_boundary(HEAD)]) {
        let value = |wanted: &str| {
            let mut all = Attributes::html(raw, name.len());
            let found =
                all.with_checks(false).flatten().find(|one| one.key.as_ref().eq_ignore_ascii_case(wanted));
            found.map(|one| match escape::unescape(&one.value) {
                Ok(value) => value.trim().to_owned(),
                Err(_) => one.value.trim().to_owned(),
            })
        };
        if name.eq_ignore_ascii_case("base") {
            base = value("href").and_then(|href| against(&href, address)).or(base);
        }
        if !name.eq_ignore_ascii_case("link") {
            continue;
        }
        let is_one =
            |list: &str, word: &str| list.split_whitespace().any(|one| one.eq_ignore_ascii_case(word));
        let relation = value("rel").unwrap_or_default();
        let kind = value("type").unwrap_or_default().to_ascii_lowercase();
        let of_feed = ["rss+xml", "atom+xml", "rdf+xml", "feed+json"].iter().any(|end| kind.ends_with(end));
        let of_json = kind == "application/json" && value("href").is_some_and(|href| href.contains("feed"));
        if !(is_one(&relation, "alternate") && (of_feed || of_json) || is_one(&relation, "feed")) {
            continue;
        }
        let Some(url) = value("href").and_then(|href| against(&href, base.as_ref())) else { continue };
        let says = format!("{} {url}", value("title").unwrap_or_default()).to_lowercase();
        if !says.contains("comments") {
            return Some(url);
        }
        of_comments = of_comments.or(Some(url));
    }
    of_comments
}

fn against(href: &str, base: Option<&Url>) -> Option<Url> {
    let url = match base {
        Some(base) => base.join(href).ok()?,
        None => Url::parse(href).ok()?,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The tags of a page: the name, and all that stands between the brackets.
fn tags(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = page;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->")?.1;
                continue;
            }
            let raw = &rest[..rest.find('>')?];
            let name = &raw[..raw.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(raw.len())];
            rest = &rest[raw.len()..];
            if !name.is_empty() {
                return Some((name, raw));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Option<String> {
        feed_of(page, Url::parse("https://gull.example/a/b").ok().as_ref()).map(String::from)
    }

    #[test]
    fn a_page_tells_where_its_feed_is() {
        for (page, feed) in [
            ("<link rel=alternate type=application/rss+xml href=/feed>", Some("https://gull.example/feed")),
            (
                "<!-- <link rel='alternate' type='application/rss+xml' href='/old'> --><LINK HREF='https://x.example/f?a=1&amp;b' \
                 TYPE='application/atom+xml' REL='home Alternate'>",
                Some("https://x.example/f?a=1&b"),
            ),
            (
                "<base href='/blog/'><link rel='alternate' type='application/rss+xml' title='Gull » Comments Feed' href='c'>\
                 <link rel='alternate' type='application/feed+json' href='f.json'/>",
                Some("https://gull.example/blog/f.json"),
            ),
            (
                "<link rel=alternate type=application/rss+xml href=/comments/feed>",
                Some("https://gull.example/comments/feed"),
            ),
            (
                "<link rel=alternate hreflang=de href=/de><link rel=stylesheet type=text/css href=/feed.css>",
                None,
            ),
            ("<link rel=alternate type=application/rss+xml href='javascript:x'>", None),
            ("<link rel=alternate type=application/rss+xml", None),
        ] {
            assert_eq!(found(page).as_deref(), feed, "{page}");
        }
    }
}
