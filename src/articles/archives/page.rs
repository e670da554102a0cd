//! An article of any site, by its address: its readable text, without what stands around it.
//!
//! The guesses: what a page says of itself for machines (JSON-LD, `og:`) is right; the article is what stands in `<article>`, or in
//! `<main>`, or the paragraphs. Each page is read once, from its beginning to its end.

use serde_json::Value;
use url::Url;

use super::{
    piece::{ArchiveError, Article},
    rows::{ArchiveKind, ArchiveSurvey},
    settle::{Raw, moment, settled, web_address},
    wordpress_site::refused,
};
use crate::{
    articles::{
        cleaning::charset,
        cleaning::html,
        fetch::{Fetched, Fetcher, Validators},
        import::There,
    },
    heavy,
};

const MOST_TAGS: usize = 100_000;
/// Less is no article.
const SHORTEST: usize = 200;
/// What stands around a text also within it.
const AROUND: [&str; 12] = [
    "nav", "aside", "footer", "form", "script", "style", "noscript", "button", "svg", "template", "dialog",
    "select",
];
/// What never ends.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "source", "wbr"];

/// A tag of a page.
struct Tag<'a> {
    name: String,
    raw: &'a str,
    is_close: bool,
    begins: usize,
    ends: usize,
}

/// The tags of a page, in their order; what stands in a script is none.
fn tags(page: &str) -> Vec<Tag<'_>> {
    let (mut tags, mut at) = (Vec::new(), 0);
    let lower = page.to_ascii_lowercase();
    while let Some(found) = page[at..].find('<') {
        let begins = at + found;
        if lower[begins..].starts_with("<!--") {
            at = lower[begins..].find("-->").map_or(page.len(), |length| begins + length + 3);
            continue;
        }
        let Some(length) = page[begins..].find('>') else { break };
        let (ends, raw) = (begins + length + 1, &page[begins..=begins + length]);
        at = ends;
        let name = raw.trim_start_matches(['<', '/']);
        let name: String =
            name.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        if name.is_empty() {
            continue;
        }
        let is_close = raw.starts_with("</");
        if !is_close && matches!(name.as_str(), "script" | "style") {
            let end = format!("</{name}");
            at = lower[at..].find(&end).map_or(page.len(), |length| at + length);
        }
        tags.push(Tag { name, raw, is_close, begins, ends });
        if tags.len() == MOST_TAGS {
            break;
        }
    }
    tags
}

/// An attribute of a tag, as it is meant.
fn attribute(raw: &str, name: &str) -> Option<String> {
    let lower = raw.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(name) {
        let at = from + found;
        from = at + name.len();
        let is_whole = lower[..at].ends_with(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/'));
        let rest = raw[from..].trim_start();
        let (true, Some(value)) = (is_whole, rest.strip_prefix('=')) else { continue };
        let value = value.trim_start();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            _ => value.split(|c: char| c.is_whitespace() || c == '>').next().unwrap_or_default(),
        };
        return Some(html::plain_text(value));
    }
    None
}

/// What a page says of itself.
#[derive(Debug, Default)]
struct Said {
    title: String,
    description: String,
    names: Vec<String>,
    topics: Vec<String>,
    image: String,
    published: String,
    canonical: String,
}

fn said(page: &str, tags: &[Tag<'_>]) -> Said {
    let mut said = Said::default();
    let first = |to: &mut String, value: String| {
        if to.is_empty() {
            *to = value;
        }
    };
    for (at, tag) in tags.iter().enumerate().filter(|(_, tag)| !tag.is_close) {
        match tag.name.as_str() {
            "meta" => {
                let named =
                    attribute(tag.raw, "property").or_else(|| attribute(tag.raw, "name")).unwrap_or_default();
                let content = attribute(tag.raw, "content").unwrap_or_default();
                match named.to_ascii_lowercase().as_str() {
                    "og:title" => first(&mut said.title, content),
                    "og:description" | "description" => first(&mut said.description, content),
                    "og:image" => first(&mut said.image, content),
                    "article:published_time" => first(&mut said.published, content),
                    "article:section" | "article:tag" => said.topics.push(content),
                    "author" | "article:author" if !content.contains("://") => said.names.push(content),
                    _ => {}
                }
            }
            "link" if attribute(tag.raw, "rel").is_some_and(|rel| rel.eq_ignore_ascii_case("canonical")) => {
                first(&mut said.canonical, attribute(tag.raw, "href").unwrap_or_default());
            }
            "script"
                if attribute(tag.raw, "type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json")) =>
            {
                let end = tags.get(at + 1).map_or(page.len(), |next| next.begins);
                if let Ok(value) = serde_json::from_str::<Value>(page[tag.ends..end].trim()) {
                    linked_data(&value, 0, &mut said);
                }
            }
            _ => {}
        }
    }
    if said.title.is_empty() {
        let title = tags.windows(2).find(|pair| pair[0].name == "title" && !pair[0].is_close);
        said.title =
            title.map(|pair| html::plain_text(&page[pair[0].ends..pair[1].begins])).unwrap_or_default();
    }
    said
}

/// JSON-LD: what it says of an article in it.
fn linked_data(value: &Value, depth: usize, said: &mut Said) {
    if depth > 4 {
        return;
    }
    if let Some(all) = value.as_array() {
        return all.iter().take(50).for_each(|one| linked_data(one, depth + 1, said));
    }
    linked_data_of_graph(value, depth, said);
    let kinds = match &value["@type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.iter().any(|kind| kind.ends_with("Article") || kind.ends_with("Posting")) {
        return;
    }
    let text = |name: &str| value[name].as_str().map(html::plain_text).unwrap_or_default();
    for (to, name) in [
        (&mut said.title, "headline"),
        (&mut said.description, "description"),
        (&mut said.published, "datePublished"),
    ] {
        let found = text(name);
        if !found.is_empty() {
            *to = found;
        }
    }
    let authors = match &value["author"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let names: Vec<String> = authors
        .iter()
        .filter_map(|one| one["name"].as_str().or_else(|| one.as_str()))
        .map(html::plain_text)
        .collect();
    if !names.is_empty() {
        said.names = names;
    }
    if said.image.is_empty() {
        let image = &value["image"];
        let image = image.get(0).unwrap_or(image);
        said.image = image.as_str().or_else(|| image["url"].as_str()).unwrap_or_default().to_owned();
    }
    if said.topics.is_empty() {
        said.topics.extend(value["articleSection"].as_str().map(html::plain_text));
    }
}

fn linked_data_of_graph(value: &Value, depth: usize, said: &mut Said) {
    if let Some(graph) = value.get("@graph") {
        linked_data(graph, depth + 1, said);
    }
}

/// Where the text is: the largest `<article>`, else `<main>`, else everything.
fn region(page: &str, tags: &[Tag<'_>]) -> (usize, usize) {
    for wanted in ["article", "main"] {
        let (mut open, mut best) = (Vec::new(), None::<(usize, usize)>);
        for tag in tags.iter().filter(|tag| tag.name == wanted) {
            if !tag.is_close {
                open.push(tag.ends);
            } else if let Some(begins) = open.pop()
                && best.is_none_or(|(from, to)| to - from < tag.begins - begins)
            {
                best = Some((begins, tag.begins));
            }
        }
        if let Some((from, to)) = best
            && to - from >= SHORTEST
        {
            return (from, to);
        }
    }
    let body = tags.iter().find(|tag| tag.name == "body" && !tag.is_close).map_or(0, |tag| tag.ends);
    (body, page.len())
}

/// A part of a page without what stands around its text.
fn text(page: &str, tags: &[Tag<'_>], (from, to): (usize, usize)) -> String {
    let (mut kept, mut at) = (String::with_capacity(to - from), from);
    // What is passed over, and how often it is open within itself.
    let mut over: Option<(&str, usize)> = None;
    for tag in tags.iter().filter(|tag| tag.begins >= from && tag.begins < to) {
        if let Some((name, depth)) = &mut over {
            if tag.name == *name {
                *depth = if tag.is_close { *depth - 1 } else { *depth + 1 };
            }
            if *depth == 0 {
                over = None;
                at = tag.ends;
            }
            continue;
        }
        let is_around = AROUND.contains(&tag.name.as_str()) || tag.name == "h1";
        if is_around && !VOID.contains(&tag.name.as_str()) {
            kept.push_str(&page[at.min(tag.begins)..tag.begins]);
            at = tag.ends;
            if !tag.is_close && !tag.raw.ends_with("/>") {
                over = Some((tag.name.as_str(), 1));
            }
        }
    }
    if over.is_none() && at < to {
        kept.push_str(&page[at..to]);
    }
    kept
}

/// The article that stands at an address now.
pub(super) async fn fetched(fetcher: &Fetcher, address: &str) -> Result<Article, ArchiveError> {
    let address = fetcher.allowed(address).map_err(refused)?;
    match fetcher.fetch(&address, &Validators::default()).await.map_err(refused)? {
        Fetched::Content { bytes, content_type, address, .. } => {
            let read = move || {
                let page = charset::decode(&bytes, content_type.as_ref()).text;
                article(&page.replace('\0', ""), &address)
            };
            heavy::aside(read).await.map_err(|broke| ArchiveError::GaveUp(broke.to_string()))?
        }
        Fetched::NotModified { .. } => Err(ArchiveError::NoText),
    }
}

/// What would come of an address.
pub(super) async fn look(fetcher: &Fetcher, address: &str) -> Result<ArchiveSurvey, ArchiveError> {
    let article = fetched(fetcher, address).await?;
    Ok(ArchiveSurvey {
        kind: ArchiveKind::Page,
        published: 1,
        first: vec![article.first()],
        preview: article.article.body_html,
        ..ArchiveSurvey::default()
    })
}

/// The article of a page.
pub(super) fn article(page: &str, address: &Url) -> Result<Article, ArchiveError> {
    let tags = tags(page);
    let said = said(page, &tags);
    let found = text(page, &tags, region(page, &tags));
    // What stands elsewhere is not this page's to name: it might be an article of ours.
    let canonical = web_address(&said.canonical, Some(address))
        .filter(|canonical| canonical.host_str() == address.host_str())
        .unwrap_or_else(|| address.clone());
    let clean = html::sanitise(&found, Some(&canonical));
    if html::text_of(&clean).chars().count() < SHORTEST {
        return Err(ArchiveError::NoText);
    }
    let raw = Raw {
        source_id: canonical.to_string(),
        title: html::escape(&said.title),
        standfirst: html::escape(&said.description),
        names: said.names.iter().map(|name| html::escape(name)).collect(),
        topics: said.topics.iter().map(|topic| html::escape(topic)).collect(),
        html: clean,
        canonical_url: Some(canonical.to_string()),
        image_url: Some(said.image).filter(|image| !image.is_empty()),
        image_alt: String::new(),
        published_at: moment(&said.published),
    };
    let article = settled(raw, Some(address)).map_err(|_| ArchiveError::NoText)?;
    Ok(Article { article, there: There::Published, markdown: None, slug: None, said: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::worked;

    const PAGE: &str = "<!doctype html><html><head><title>Salt — The Gull</title><link rel=\"canonical\" href=\"/salt\">\
        <meta property=\"og:title\" content=\"Salt &amp; bread\"><meta name=description content='What a bakery&#39;s night shift knows.'>\
        <script type=\"application/ld+json\">{\"@graph\":[{\"@type\":\"WebPage\"},{\"@type\":\"NewsArticle\",\"headline\":\"Salt & bread\",\
        \"datePublished\":\"2024-03-05T14:05:05Z\",\"author\":[{\"name\":\"Ann Lee\"},{\"name\":\"Bo Ray\"}],\"image\":[\"/oven.jpg\"]}]}</script></head>\
        <body><nav><p>Home</p></nav><article><p>A teaser.</p></article><main><article><h1>Salt &amp; bread</h1><aside><p>Subscribe!<aside>x</aside></p></aside>\
        <p>The ovens go on at two, and nobody in the street is awake to hear the doors. By four there is bread on the boards, and the first of the boats has come in.</p>\
        <script>document.write('<p>no</p>')</script><p>Nobody <a href=\"/sleep\">sleeps</a> before it is done, and nobody complains of it either.</p>\
        <form><button>Join</button></form></article></main><footer>Imprint</footer></body></html>";

    #[test]
    fn a_page_gives_its_article_and_nothing_around_it() {
        let found = article(PAGE, &"https://gull.example/salt?utm_source=x".parse().expect("an address"))
            .expect("an article");
        let one = found.article;
        assert_eq!((one.title.as_str(), one.byline.as_str()), ("Salt & bread", "Ann Lee and Bo Ray"));
        assert_eq!(one.standfirst, "What a bakery's night shift knows.");
        assert_eq!(
            (one.canonical_url.as_deref(), one.image_url.as_deref()),
            (Some("https://gull.example/salt"), Some("https://gull.example/oven.jpg"))
        );
        assert_eq!(one.published_at.map(|at| at.unix_seconds()), Some(1_709_647_505));
        assert!(
            one.body_html.starts_with("<p>The ovens")
                && one.body_html.contains("href=\"https://gull.example/sleep\""),
            "{}",
            one.body_html
        );
        for around in ["Subscribe", "Home", "Imprint", "Join", "teaser", ">no<", "<h1", "<h2"] {
            assert!(!one.body_html.contains(around), "{around}: {}", one.body_html);
        }
        let address = "https://gull.example/".parse().expect("an address");
        for none in ["", "<html><body><p>Not found</p></body></html>", "plain"] {
            assert!(matches!(article(none, &address), Err(ArchiveError::NoText)), "{none}");
        }
    }

    /// TRUST A9: a page costs in proportion to its length, whatever it is made of.
    #[test]
    fn pages_built_to_exhaust_are_quick() {
        let address = "https://gull.example/".parse().expect("an address");
        for piece in [
            "<article>",
            "<aside>",
            "<meta name=x content=y>",
            "<!--",
            "<",
            "<script>",
            "<p>",
            "</article>",
            "<a b='",
        ] {
            let page = piece.repeat(1_000_000 / piece.len());
            let (_, took) = worked(|| drop(article(&page, &address)));
            assert!(took.as_millis() < 8_000, "{piece} took {took:?}");
        }
    }
}
