//! Reads RSS (0.9 to 2.0, and RDF), Atom and JSON Feed into articles.
//!
//! The rule: what leaves here is safe and settled. Titles, standfirsts and bylines are plain text, bodies are clean HTML,
//! addresses are absolute http or https. Feeds differ in where they put things, so this file holds the guesses: which text is
//! the standfirst, which paragraph repeats what the page shows anyway.

use std::borrow::Cow;

use feed_rs::model::{Entry, Feed, Link, MediaObject, Person};
use url::Url;

use super::{
    charset::{self, ContentType},
    guard,
    html::{self, Paragraph},
    mistaken::{FeedError, mistaken},
};
use crate::clock::Moment;

/// Longest standfirst made from the start of a body, in characters.
const STANDFIRST: usize = 300;
/// Longest standfirst that an editor wrote, in characters.
const OWN_STANDFIRST: usize = 600;
const MOST_ARTICLES: usize = 2_000;
const MOST_TOPICS: usize = 12;
const MOST_NAMES: usize = 20;

/// A feed as read, newest or oldest first as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedFeed {
    /// The feed's own name, plain text; may be empty.
    pub title: String,
    /// The site that it belongs to.
    pub site_url: Option<String>,
    /// What can be imported.
    pub articles: Vec<ParsedArticle>,
    /// Why the others cannot, a sentence each.
    pub skipped: Vec<String>,
    /// What was odd about the feed, a sentence each.
    pub notes: Vec<String>,
}

/// An article as a feed gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedArticle {
    /// What the feed calls it for good: its guid or id, or else its address. Never empty.
    pub source_id: String,
    /// Plain text, never empty.
    pub title: String,
    /// Plain text; empty if the feed gives none.
    pub standfirst: String,
    /// "A", "A and B" or "A, B and C"; may be empty.
    pub byline: String,
    /// Names of topics, each once.
    pub topics: Vec<String>,
    /// Clean HTML; empty if the feed gives no more than the standfirst.
    pub body_html: String,
    /// Where it stands on the magazine's site.
    pub canonical_url: Option<String>,
    /// The picture that goes with it.
    pub image_url: Option<String>,
    /// Where it was published first, as the article says itself.
    pub origin_note: Option<String>,
    pub published_at: Option<Moment>,
    /// Words of the whole text, origin note and standfirst included where they stood in it.
    pub word_count: i64,
}

/// Reads a feed that came from `address`, which relative links are resolved against.
///
/// feed-rs cuts author names at byte positions and unwraps numbers: a strange feed can make it panic, so this goes through
/// [`heavy`](crate::heavy).
///
/// # Errors
/// [`FeedError`]; a single bad article is skipped and named, it does not spoil the others.
pub fn parse(
    bytes: &[u8],
    address: Option<&Url>,
    content_type: Option<&ContentType>,
) -> Result<ParsedFeed, FeedError> {
    if bytes.len() > guard::MOST_BYTES {
        return Err(FeedError::Refused("it is larger than 10 MB"));
    }
    let decoded = charset::decode(bytes, content_type);
    if let Some(error) = mistaken(&decoded.text, first_element(&decoded.text).as_deref(), address) {
        return Err(error);
    }
    let text = undeclared(&decoded.text).as_bytes();
    if let Some(why) = guard::objection(text) {
        return Err(FeedError::Refused(why));
    }
    let feed = read(&modernised(text), address)?;
    let context = Context::of(&feed, address);
    let (mut articles, mut skipped) = (Vec::new(), Vec::new());
    let total = feed.entries.len();
    for entry in feed.entries.into_iter().take(MOST_ARTICLES) {
        match context.article(entry) {
            Ok(article) => articles.push(article),
            Err(why) => skipped.push(why),
        }
    }
    if total > MOST_ARTICLES {
        skipped
            .push(format!("{} more articles: a feed is read up to {MOST_ARTICLES}", total - MOST_ARTICLES));
    }
    let mut notes = Vec::new();
    if total == 0 {
        notes.push("The feed holds no articles yet.".to_owned());
    }
    if decoded.mended {
        notes.push(
            "Some letters of the feed were not in the encoding that it names, and were guessed.".to_owned(),
        );
    }
    Ok(ParsedFeed {
        title: context.title,
        site_url: context.site.map(String::from),
        articles,
        skipped,
        notes,
    })
}

/// The document without its XML declaration: it is UTF-8 by now, whatever that says.
fn undeclared(text: &str) -> &str {
    let start = text.trim_start();
    if !start.starts_with("<?xml") {
        return text;
    }
    start.split_once("?>").map_or(text, |(_, rest)| rest)
}

/// The name of the first element, in lower case.
fn first_element(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = &rest[rest.find('<')? + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'));
            return Some(
                rest[..end.unwrap_or(rest.len())].chars().take(40).collect::<String>().to_ascii_lowercase(),
            );
        }
    }
}

fn read(bytes: &[u8], address: Option<&Url>) -> Result<Feed, FeedError> {
    let parser = feed_rs::parser::Builder::new()
        .base_uri(address.map(Url::as_str))
        // Ours is stricter, and would only be done twice.
        .sanitize_content(false)
        // None made up: the default mixes in the title, so that a corrected title would make a new article.
        .id_generator(|_, _, _| String::new())
        .build();
    parser.parse(bytes).map_err(|error| FeedError::NotAFeed(error.to_string()))
}

/// Old dialects that feed-rs does not know by name are the ones it knows, under other version numbers.
fn modernised(bytes: &[u8]) -> Cow<'_, [u8]> {
    const RSS_0_90: &[u8] = b"http://my.netscape.com/rdf/simple/0.9/";
    const RSS_1_0: &[u8] = b"http://purl.org/rss/1.0/";
    let find = |hay: &[u8], needle: &[u8]| hay.windows(needle.len()).position(|window| window == needle);
    let head = &bytes[..bytes.len().min(4096)];
    let spliced =
        |from: usize, to: usize, new: &[u8]| Cow::Owned([&bytes[..from], new, &bytes[to..]].concat());
    if let Some(at) = find(head, RSS_0_90) {
        return spliced(at, at + RSS_0_90.len(), RSS_1_0);
    }
    let Some(start) = find(head, b"<rss") else { return Cow::Borrowed(bytes) };
    let end = head[start..].iter().position(|byte| *byte == b'>').map_or(head.len(), |at| start + at);
    let Some(version) = find(&head[start..end], b"version=").map(|at| start + at + 8) else {
        return spliced(start + 4, start + 4, b" version=\"2.0\"");
    };
    let known: [&[u8]; 3] = [b"2.0", b"0.91", b"0.92"];
    let value = &head[(version + 1).min(end)..end];
    let Some(length) = value.iter().position(|byte| matches!(byte, b'"' | b'\'')) else {
        return Cow::Borrowed(bytes);
    };
    if known.contains(&&value[..length]) {
        return Cow::Borrowed(bytes);
    }
    spliced(version + 1, version + 1 + length, b"2.0")
}

/// What the articles of a feed have in common.
struct Context {
    title: String,
    site: Option<Url>,
    address: Option<Url>,
    /// Of what names no author of its own.
    byline: String,
}

impl Context {
    fn of(feed: &Feed, address: Option<&Url>) -> Self {
        Self {
            title: feed
                .title
                .as_ref()
                .map(|title| html::plain_text(&title.content).replace('\0', ""))
                .unwrap_or_default(),
            site: page_link(&feed.links, address),
            address: address.cloned(),
            byline: byline(&feed.authors),
        }
    }

    fn article(&self, entry: Entry) -> Result<ParsedArticle, String> {
        let around = self.site.as_ref().or(self.address.as_ref());
        let canonical = page_link(&entry.links, around).or_else(|| web_address(&entry.id, None));
        let title = entry.title.as_ref().map(|title| html::plain_text(&title.content)).unwrap_or_default();
        let source_id = self.source_id(&entry, canonical.as_ref());
        let Some(source_id) = source_id else {
            return Err(format!("“{title}” has neither an id nor an address"));
        };
        let base = base_of(&entry).or_else(|| canonical.clone()).or_else(|| around.cloned());
        let summary = entry.summary.as_ref().map(|summary| summary.content.trim()).unwrap_or_default();
        let mut text = Body::new(body_html(&entry, base.as_ref()), html::plain_text(summary));
        let first_image = html::first_image(&text.html);
        let byline = if entry.authors.is_empty() { self.byline.clone() } else { byline(&entry.authors) };
        text.take_what_the_page_shows(&byline);
        let title = if title.is_empty() { html::excerpt(&text.standfirst, 80) } else { title };
        if title.is_empty() {
            return Err(format!("{source_id} has neither a title nor a text"));
        }
        let image_url = image(&entry.media, base.as_ref())
            .or(first_image)
            .or_else(|| html::first_image(&html::sanitise(summary, base.as_ref())));
        let published = entry.published.or(entry.updated);
        // JSON can name a NUL, which is no text, and PostgreSQL takes none.
        let plain = |text: String| if text.contains('\0') { text.replace('\0', "") } else { text };
        Ok(ParsedArticle {
            source_id: plain(source_id),
            title: plain(clipped(title, 300)),
            byline: plain(clipped(byline, 200)),
            topics: topics(&entry).into_iter().map(plain).collect(),
            canonical_url: canonical.map(String::from),
            image_url,
            published_at: published.map(|at| Moment(at.timestamp_micros())),
            standfirst: plain(text.standfirst),
            body_html: plain(text.html),
            origin_note: text.origin_note.map(plain),
            word_count: text.words,
        })
    }

    /// Ids that are not addresses (a bare number) are only unique inside their site, so its host goes before them.
    fn source_id(&self, entry: &Entry, canonical: Option<&Url>) -> Option<String> {
        let id = entry.id.trim();
        if id.is_empty() {
            return canonical.map(|url| url.as_str().to_owned());
        }
        let host = self.site.as_ref().or(self.address.as_ref()).and_then(Url::host_str);
        Some(match host {
            Some(host) if !id.contains(':') => format!("{host} {id}"),
            _ => id.to_owned(),
        })
    }
}

/// Clean HTML without what the page shows by itself, and what that was.
pub(super) fn settled(html: String, summary: String, byline: &str) -> Settled {
    let mut text = Body::new(html, summary);
    text.take_what_the_page_shows(byline);
    let Body { html, standfirst, origin_note, words } = text;
    Settled { html, standfirst, origin_note, words }
}

/// A text as [`settled`] leaves it.
pub(super) struct Settled {
    pub html: String,
    pub standfirst: String,
    pub origin_note: Option<String>,
    pub words: i64,
}

/// A body on its way: what the page shows by itself is taken out of it, and the rest settled.
struct Body {
    html: String,
    standfirst: String,
    origin_note: Option<String>,
    words: i64,
}

impl Body {
    fn new(html: String, summary: String) -> Self {
        let words = html::word_count(&html::text_of(&html));
        Self { html, standfirst: summary, origin_note: None, words }
    }

    fn take_what_the_page_shows(&mut self, byline: &str) {
        self.take_byline(byline);
        self.take_origin_note();
        self.take_standfirst();
        self.settle_standfirst();
    }

    /// "By Ann Lee" as the first or last paragraph stands in the byline, and is no part of the text.
    fn take_byline(&mut self, byline: &str) {
        let wanted = plain_letters(&format!("by {byline}"));
        let ends = [Paragraph::first_of(&self.html), Paragraph::last_of(&self.html)];
        let found = ends.into_iter().flatten().find(|end| plain_letters(&end.text()) == wanted);
        if let Some((words, html)) =
            found.map(|end| (html::word_count(&end.text()), end.removed_from(&self.html)))
            && !byline.is_empty()
        {
            self.words -= words;
            self.html = html;
        }
    }

    fn take_origin_note(&mut self) {
        let Some(paragraph) = Paragraph::first_of(&self.html) else { return };
        let text = paragraph.text();
        if paragraph.is_wholly_in(&["em", "i"]) && says_its_origin(&text) {
            self.html = paragraph.removed_from(&self.html);
            self.origin_note = Some(text);
        }
    }

    fn take_standfirst(&mut self) {
        let Some(paragraph) = Paragraph::first_of(&self.html) else { return };
        if !paragraph.is_wholly_in(&["strong", "b"]) {
            return;
        }
        let text = paragraph.text();
        let is_it = plain_letters(&text) == plain_letters(&self.standfirst);
        if is_it || (self.standfirst.is_empty() && (40..=OWN_STANDFIRST).contains(&text.chars().count())) {
            self.html = paragraph.removed_from(&self.html);
            self.standfirst = text;
        }
    }

    fn settle_standfirst(&mut self) {
        let summary = without_tail(&self.standfirst).to_owned();
        let text = html::text_of(&self.html);
        let begins_with_it =
            !summary.is_empty() && plain_letters(&text).starts_with(&plain_letters(&summary));
        self.standfirst = if !begins_with_it {
            html::excerpt(&self.standfirst, OWN_STANDFIRST)
        } else if text.chars().count() <= STANDFIRST {
            // The whole article is as short as a standfirst: shown once, as the standfirst.
            self.html.clear();
            text
        } else {
            html::excerpt(&text, STANDFIRST.min(summary.chars().count().max(80)))
        };
        if self.words == 0 {
            self.words = html::word_count(&self.standfirst);
        }
    }
}

/// The body as clean HTML: the content, or else the summary if it has markup or is long.
fn body_html(entry: &Entry, base: Option<&Url>) -> String {
    let content =
        entry.content.as_ref().and_then(|content| Some((content.body.as_deref()?, &content.content_type)));
    if let Some((body, kind)) = content.filter(|(body, _)| !body.trim().is_empty()) {
        // Feeds call HTML plain text more often than they write plain text with tags in it.
        return if kind.subty() == "plain" && !body.contains("</") {
            html::paragraphs(body)
        } else {
            html::sanitise(body, base)
        };
    }
    entry
        .summary
        .as_ref()
        .map(|summary| html::sanitise(&summary.content, base))
        .map(in_paragraphs)
        .unwrap_or_default()
}

/// Text without any block around it gets a paragraph.
fn in_paragraphs(clean: String) -> String {
    if clean.is_empty() || clean.starts_with("<p") || clean.contains("</p>") || clean.contains("</div>") {
        clean
    } else {
        format!("<p>{clean}</p>")
    }
}

/// What xml:base says of this entry.
fn base_of(entry: &Entry) -> Option<Url> {
    let from_content =
        entry.content.as_ref().and_then(|content| content.src.as_ref()).map(|link| link.href.as_str());
    entry.base.as_deref().or(from_content).and_then(|base| web_address(base, None))
}

/// The page that an entry or feed stands for.
fn page_link(links: &[Link], base: Option<&Url>) -> Option<Url> {
    let is_page = |link: &&Link| {
        let relation = link.rel.as_deref().unwrap_or("alternate");
        let kind = link.media_type.as_deref().unwrap_or("text/html");
        link.target.is_none() && relation == "alternate" && kind.contains("html")
    };
    links.iter().filter(is_page).find_map(|link| web_address(&link.href, base))
}

fn web_address(address: &str, base: Option<&Url>) -> Option<Url> {
    let address = address.trim();
    let url = match base {
        Some(base) => base.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    (!address.is_empty() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

fn image(media: &[MediaObject], base: Option<&Url>) -> Option<String> {
    let looks_like_one = |url: &Url| {
        let path = url.path().to_ascii_lowercase();
        [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"].iter().any(|end| path.ends_with(end))
    };
    let content = media.iter().flat_map(|object| &object.content).find_map(|content| {
        let url = content.url.as_ref().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let is_image = match &content.content_type {
            Some(kind) => kind.ty() == "image",
            None => looks_like_one(url),
        };
        is_image.then(|| url.as_str().to_owned())
    });
    content.or_else(|| {
        let mut thumbnails = media.iter().flat_map(|object| &object.thumbnails);
        thumbnails.find_map(|thumbnail| web_address(&thumbnail.image.uri, base)).map(String::from)
    })
}

fn byline(authors: &[Person]) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in authors.iter().filter_map(|person| person.name.as_deref()) {
        let name = html::plain_text(name);
        // Of `address (Name)`, feed-rs leaves the brackets.
        let name = name.strip_prefix('(').and_then(|name| name.strip_suffix(')')).unwrap_or(&name);
        let name = name.trim().strip_prefix("By ").unwrap_or(name.trim());
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        if names.len() == MOST_NAMES {
            break;
        }
    }
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}

fn topics(entry: &Entry) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for category in &entry.categories {
        let name = html::plain_text(category.label.as_deref().unwrap_or(&category.term));
        let is_new = !topics.iter().any(|known| known.eq_ignore_ascii_case(&name));
        if is_new && !name.is_empty() && name.chars().count() <= 60 && name != "Uncategorized" {
            topics.push(name);
        }
        if topics.len() == MOST_TOPICS {
            break;
        }
    }
    topics
}

/// Whether a paragraph in italics says where the article appeared first.
fn says_its_origin(text: &str) -> bool {
    let text = text.to_lowercase();
    let opens = ["this ", "originally ", "first ", "reprinted ", "republished ", "an earlier version "];
    let says = ["published", "appeared", "printed", "broadcast"];
    text.chars().count() <= 300
        && opens.iter().any(|word| text.starts_with(word))
        && says.iter().any(|word| text.contains(word))
}

/// A summary without what programs hang on to its end.
fn without_tail(summary: &str) -> &str {
    let summary = summary
        .split_once(" appeared first on ")
        .map_or(summary, |(start, _)| start.rsplit_once("The post ").map_or(start, |(start, _)| start));
    let mut summary = summary.trim_end();
    for tail in ["Read more", "Continue reading", "[…]", "[...]", "…", "..."] {
        summary = summary.strip_suffix(tail).unwrap_or(summary).trim_end();
    }
    summary
}

/// Letters and figures alone, in lower case, for comparing what may differ in quotes and spaces.
fn plain_letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn clipped(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].trim_end().to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;

    fn rss(item: &str) -> String {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' \
             xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/'><channel>\
             <title>The Gull</title><link>https://gull.example/</link>{item}</channel></rss>"
        )
    }

    fn one(feed: &str) -> ParsedArticle {
        let mut feed = parse(feed.as_bytes(), None, None).expect("a feed");
        assert_eq!((feed.articles.len(), feed.skipped.as_slice()), (1, [].as_slice()));
        feed.articles.remove(0)
    }

    #[test]
    fn an_article_keeps_what_an_editor_would_keep() {
        let article = one(&rss(
            "<item><title>Salt &amp;amp; Bread</title><link>/salt</link><guid isPermaLink='false'>77</guid>\
             <dc:creator>Ann Lee</dc:creator><dc:creator>Bo Ray</dc:creator><category>Food</category><category>food</category>\
             <category>Work</category><pubDate>Tue, 03 Mar 2026 14:05:05 GMT</pubDate>\
             <description><![CDATA[<p>What a bakery&#8217;s night shift knows.</p>]]></description>\
             <content:encoded><![CDATA[<p><em>First published in <a href='/old'>The Tern</a>, 2019.</em></p>\
             <p><strong>What a bakery's night shift knows.</strong></p><p>The ovens go on at two.</p>\
             <p><img src='oven.jpg'></p><p>By Ann Lee and Bo Ray</p>]]></content:encoded></item>",
        ));
        assert_eq!(
            article,
            ParsedArticle {
                source_id: "gull.example 77".to_owned(),
                title: "Salt & Bread".to_owned(),
                standfirst: "What a bakery's night shift knows.".to_owned(),
                byline: "Ann Lee and Bo Ray".to_owned(),
                topics: vec!["Food".to_owned(), "Work".to_owned()],
                body_html: "<p>The ovens go on at two.</p><p><img src=\"https://gull.example/oven.jpg\"></p>"
                    .to_owned(),
                canonical_url: Some("https://gull.example/salt".to_owned()),
                image_url: Some("https://gull.example/oven.jpg".to_owned()),
                origin_note: Some("First published in The Tern, 2019.".to_owned()),
                published_at: Some(Moment::from_unix_seconds(1_772_546_705)),
                word_count: 18,
            }
        );
    }

    #[test]
    fn a_summary_that_is_the_start_of_the_body_is_cut_at_a_sentence() {
        let text =
            format!("The tide came in. {}", "Nobody on the quay had seen it so high before. ".repeat(12));
        let article = one(&rss(&format!(
            "<item><title>Tide</title><link>/tide</link><description>{text}</description></item>"
        )));
        assert!(
            article.standfirst.starts_with("The tide came in. Nobody") && article.standfirst.len() <= 300
        );
        assert!(article.standfirst.ends_with("before."));
        assert!(article.body_html.starts_with("<p>The tide came in. Nobody"));
        let short =
            one(&rss("<item><title>T</title><link>/t</link><description>One line.</description></item>"));
        assert_eq!(
            (short.standfirst.as_str(), short.body_html.as_str(), short.word_count),
            ("One line.", "", 2)
        );
    }

    #[test]
    fn italics_that_say_nothing_of_an_origin_stay() {
        let article = one(&rss(
            "<item><title>T</title><link>/t</link><description>S.</description><content:encoded><![CDATA[<p><em>This is a \
             letter.</em></p><p>Dear reader</p>]]></content:encoded></item>",
        ));
        assert_eq!(article.origin_note, None);
        assert_eq!(article.body_html, "<p><em>This is a letter.</em></p><p>Dear reader</p>");
    }

    #[test]
    fn every_dialect_is_read() {
        let old = |version: &str| {
            format!(
                "<rss{version}><channel><title>G</title><link>https://g.example/</link><item><title>T</title><link>https://g.example/t</link></item></channel></rss>"
            )
        };
        let rdf = |namespace: &str| {
            format!(
                "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='{namespace}'><channel><title>G</title><link>https://g.example/</link></channel><item><title>T</title><link>https://g.example/t</link></item></r:RDF>"
            )
        };
        for feed in [
            old(" version='0.91'"),
            old(" version=\"0.93\""),
            old(" version='2.0.1'"),
            old(""),
            rdf("http://purl.org/rss/1.0/"),
            rdf("http://my.netscape.com/rdf/simple/0.9/"),
            "<feed xmlns='http://www.w3.org/2005/Atom'><title>G</title><link href='https://g.example/'/><entry><title type='html'>T</title><link rel='alternate' href='t'/><link rel='enclosure' href='/x.mp3'/></entry></feed>".to_owned(),
            r#"{"version":"https://jsonfeed.org/version/1.1","title":"G","home_page_url":"https://g.example/","items":[{"url":"https://g.example/t","title":"T"}]}"#.to_owned(),
        ] {
            let article = one(&feed);
            assert_eq!((article.title.as_str(), article.source_id.as_str()), ("T", "https://g.example/t"), "{feed}");
        }
    }

    #[test]
    fn latin_1_is_read_by_its_declaration() {
        let feed = rss("<item><title>Caf\u{e9}</title><link>/c</link></item>").replace("UTF-8", "ISO-8859-1");
        let latin: Vec<u8> = feed.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
        assert_eq!(parse(&latin, None, None).expect("a feed").articles[0].title, "Caf\u{e9}");
    }

    #[test]
    fn an_article_without_id_and_address_is_skipped_by_name_and_the_others_stay() {
        let feed = parse(
            rss("<item><title>Lost</title></item><item><title>T</title><guid>1</guid></item>").as_bytes(),
            None,
            None,
        );
        let feed = feed.expect("a feed");
        assert_eq!(feed.skipped, ["“Lost” has neither an id nor an address"]);
        assert_eq!(feed.articles.len(), 1);
    }

    /// TRUST A4: a feed's titles and names cannot carry markup.
    #[test]
    fn titles_and_names_are_plain_text() {
        let article = one(&rss(
            "<item><title>&lt;script&gt;alert(1)&lt;/script&gt;Hi &lt;b&gt;there&lt;/b&gt;</title><link>javascript:alert(1)</link>\
             <guid>x:1</guid><dc:creator>&lt;img src=x onerror=alert(1)&gt;Ann</dc:creator>\
             <media:content url='javascript:alert(1)' type='image/png'/></item>",
        ));
        assert_eq!((article.title.as_str(), article.byline.as_str()), ("Hi there", "Ann"));
        assert_eq!((article.canonical_url, article.image_url), (None, None));
    }

    /// TRUST A9: entities are neither expanded nor fetched, and a hostile feed ends in an error within a second.
    #[test]
    fn hostile_feeds_end_in_an_error_quickly() {
        let laughs = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><rss version='2.0'><channel><title>&b;</title></channel></rss>";
        let deep = format!("<rss version='2.0'><channel>{}", "<x>".repeat(1_000_000));
        let wide = format!("<rss version='2.0' {}><channel/></rss>", "a='' ".repeat(1_000_000));
        let json = format!("{{\"version\":{}", "[".repeat(100_000));
        for hostile in [laughs, &deep, &wide, &json, "", "<html><p>Not found</p></html>", "{}"] {
            let watch = Stopwatch::start();
            let outcome = parse(hostile.as_bytes(), None, None);
            assert!(outcome.is_err(), "{:.60} gave {outcome:?}", hostile);
            assert!(watch.elapsed().as_millis() < 1_000, "{:.60} took {:?}", hostile, watch.elapsed());
        }
    }
}
