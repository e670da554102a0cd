//! Which feeds an ordinary page names, and which a list of them (OPML): tags alone are looked at, one after the other, and nothing is built
//! of them.

use quick_xml::{escape, events::attributes::Attributes};
use serde::Serialize;
use url::Url;

use super::super::cleaning::{charset, html};

/// The head of a page is looked through so far.
const HEAD: usize = 512 * 1024;
/// A page that names more has a feed for everything.
const MOST_ON_A_PAGE: usize = 20;
/// A list of more is no magazine's.
pub(in super::super) const MOST_ON_A_LIST: usize = 500;
const LONGEST_NAME: usize = 200;
const LONGEST_ADDRESS: usize = 2_000;

/// A feed that a page or a list names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedFeed {
    /// What it is called there; may be empty.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// The feeds that a page names (`<link rel="alternate">`): the first is the one of the whole site; those of comments stand last.
pub(super) fn of_page(page: &str, address: Option<&Url>) -> Vec<NamedFeed> {
    let mut base = address.cloned();
    let (mut feeds, mut of_comments): (Vec<NamedFeed>, Vec<NamedFeed>) = (Vec::new(), Vec::new());
    for (name, raw) in tags(&page[..page.floor_char_boundary(HEAD)]) {
        if name.eq_ignore_ascii_case("base") {
            base = value(name, raw, "href").and_then(|href| against(&href, address)).or(base);
        }
        if !name.eq_ignore_ascii_case("link") {
            continue;
        }
        let relation = value(name, raw, "rel").unwrap_or_default();
        let is = |word: &str| relation.split_whitespace().any(|one| one.eq_ignore_ascii_case(word));
        let Some(href) = value(name, raw, "href").filter(|href| !href.is_empty()) else { continue };
        let kind = value(name, raw, "type").unwrap_or_default().to_ascii_lowercase();
        let of_feed = ["rss+xml", "atom+xml", "rdf+xml", "feed+json"].iter().any(|end| kind.ends_with(end));
        let of_json = kind == "application/json" && href.contains("feed");
        if !(is("alternate") && (of_feed || of_json) || is("feed")) {
            continue;
        }
        let Some(url) = against(&href, base.as_ref()) else { continue };
        let Some(feed) = named(value(name, raw, "title").unwrap_or_default(), &url) else { continue };
        if feeds.iter().chain(&of_comments).any(|known| known.url == feed.url) {
            continue;
        }
        let says = format!("{} {}", feed.name, feed.url).to_lowercase();
        if says.contains("comment") { of_comments.push(feed) } else { feeds.push(feed) }
    }
    feeds.extend(of_comments);
    feeds.truncate(MOST_ON_A_PAGE);
    feeds
}

fn against(href: &str, base: Option<&Url>) -> Option<Url> {
    match base {
        Some(base) => base.join(href).ok(),
        None => Url::parse(href).ok(),
    }
}

/// The feeds that an OPML document names, each once, and how many more there are than are taken.
pub(in super::super) fn of_list(document: &[u8]) -> (Vec<NamedFeed>, usize) {
    let text = charset::decode(document, None).text;
    let (mut feeds, mut more): (Vec<NamedFeed>, usize) = (Vec::new(), 0);
    let mut seen = std::collections::HashSet::new();
    for (name, raw) in tags(&text) {
        if !name.eq_ignore_ascii_case("outline") {
            continue;
        }
        let Some(url) = value(name, raw, "xmlUrl").and_then(|url| Url::parse(&url).ok()) else { continue };
        let title =
            value(name, raw, "title").filter(|title| !title.is_empty()).or_else(|| value(name, raw, "text"));
        let Some(feed) = named(title.unwrap_or_default(), &url) else { continue };
        if !seen.insert(feed.url.clone()) {
            continue;
        }
        if feeds.len() == MOST_ON_A_LIST { more += 1 } else { feeds.push(feed) }
    }
    (feeds, more)
}

fn named(name: String, url: &Url) -> Option<NamedFeed> {
    let fits = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= LONGEST_ADDRESS;
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    fits.then(|| NamedFeed { name, url: url.to_string() })
}

fn value(name: &str, raw: &str, wanted: &str) -> Option<String> {
    let mut attributes = Attributes::html(raw, name.len());
    let mut found =
        attributes.with_checks(false).flatten().filter(|one| one.key.as_ref().eq_ignore_ascii_case(wanted));
    found.next().map(|one| match escape::unescape(&one.value) {
        Ok(value) => value.trim().to_owned(),
        // XML knows five names of letters, and addresses hold what looks like one.
        Err(_) if matches!(wanted, "title" | "text") => html::plain_text(&one.value),
        Err(_) => one.value.trim().to_owned(),
    })
}

/// The tags of a document: the name, and all that stands between the brackets; a bracket between quotes does not end it.
fn tags(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->")?.1;
                continue;
            }
            let raw = &rest[..end_of_tag(rest)];
            rest = &rest[raw.len()..];
            let raw = raw.trim_end_matches('/');
            let name = &raw[..raw.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(raw.len())];
            if !name.is_empty() {
                return Some((name, raw));
            }
        }
    })
}

fn end_of_tag(rest: &str) -> usize {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            // Between quotes a bracket is no end, unless the quote never ends.
            (None, b'"' | b'\'') => quote = rest[at + 1..].contains(char::from(byte)).then_some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<(String, String)> {
        let address = Url::parse("https://harbour.example/a/b").expect("a URL");
        of_page(page, Some(&address)).into_iter().map(|feed| (feed.name, feed.url)).collect()
    }

    #[test]
    fn a_page_names_its_feeds_and_comments_stand_last() {
        let page = "<!doctype html><head><!-- <link rel='alternate' type='application/rss+xml' href='/old'> -->\
            <link rel=alternate type=application/rss+xml title='Harbour &raquo; Comments Feed' href=/comments/feed>\
            <LINK HREF='/feed?a=1&amp;b=2' TITLE=\"Harbour > news\" TYPE='application/atom+xml' REL='home Alternate'/>\
            <link rel=alternate type=text/html href=/fr><link rel=stylesheet href=x.css>\
            <link rel=alternate type=application/rss+xml href='javascript:x'>";
        assert_eq!(
            found(page),
            [
                ("Harbour > news".to_owned(), "https://harbour.example/feed?a=1&b=2".to_owned()),
                ("Harbour » Comments Feed".to_owned(), "https://harbour.example/comments/feed".to_owned())
            ]
        );
    }

    #[test]
    fn a_feed_is_found_however_a_page_writes_it() {
        for (page, feed) in [
            (
                "<link rel=alternate type=application/rss+xml href=/feed>",
                Some("https://harbour.example/feed"),
            ),
            ("<link rel=feed href=/a.xml>", Some("https://harbour.example/a.xml")),
            (
                "<base href='/blog/'><link rel='alternate' type='application/feed+json' href='f.json'/>",
                Some("https://harbour.example/blog/f.json"),
            ),
            (
                "<link rel=alternate type=application/json href=/feed.json>",
                Some("https://harbour.example/feed.json"),
            ),
            ("<link rel=alternate type=application/json href=/wp-json/wp/v2/pages/2>", None),
            (
                "<link rel=alternate hreflang=de href=/de><link rel=stylesheet type=text/css href=/feed.css>",
                None,
            ),
            ("<link rel=alternate type=application/rss+xml", None),
            ("<link rel='alternate type=x", None),
            ("<p>Nothing here", None),
        ] {
            assert_eq!(found(page).first().map(|(_, url)| url.as_str()), feed, "{page}");
        }
        let page = "<link rel=alternate type=application/rss+xml href=/a><link rel=alternate type=application/rss+xml href=https://b.example/b>";
        let nowhere: Vec<String> = of_page(page, None).into_iter().map(|feed| feed.url).collect();
        assert_eq!(nowhere, ["https://b.example/b"], "of a page of which no address is known, what is whole");
    }

    #[test]
    fn a_list_gives_each_feed_once() {
        let list = "<?xml version='1.0'?><opml version='2.0'><body><outline text='Rivers'>\
            <outline type='rss' text='Tide &amp; sand' xmlUrl='https://tide.example/feed'/>\
            <outline type='rss' text='Again' xmlUrl='https://tide.example/feed'/>\
            <outline text='bad' xmlUrl='file:///etc/passwd'/></outline></body></opml>";
        let feed = NamedFeed { name: "Tide & sand".to_owned(), url: "https://tide.example/feed".to_owned() };
        assert_eq!(of_list(list.as_bytes()), (vec![feed], 0));
        let many: String = (0..600).map(|n| format!("<outline xmlUrl='https://x.example/{n}'/>")).collect();
        let (feeds, more) = of_list(many.as_bytes());
        assert_eq!((feeds.len(), more), (500, 100));
    }
}
