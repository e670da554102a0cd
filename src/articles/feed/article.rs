//! What a feed says of an article, settled: which address is its own, which text is the standfirst, which picture is its.

use url::Url;

use super::{
    body::Body,
    item::{Fields, Item, Kind, Written},
    parsed::ParsedArticle,
    people,
    tokens::{Entities, decode},
    words,
};
use crate::{
    articles::{cleaning::html, cleaning::tail},
    token,
};

const MOST_TOPICS: usize = 12;
const LONGEST_TOPIC: usize = 60;
const LONGEST_TITLE: usize = 300;
const LONGEST_BYLINE: usize = 200;
const LONGEST_ALT: usize = 500;
const LONGEST_ID: usize = 1_000;

/// What the articles of a feed have in common.
pub struct Context {
    pub title: String,
    pub site: Option<Url>,
    address: Option<Url>,
    /// Of what names no author of its own.
    byline: String,
}

/// An article, and what is to be said of it.
pub struct Settled {
    pub parsed: ParsedArticle,
    /// It has nothing else that it could be known by.
    pub is_named_by_its_title: bool,
}

impl Context {
    /// What the feed says of all of them.
    pub fn of(fields: &Fields, address: Option<&Url>) -> Self {
        Self {
            title: clipped(fields.title.clone(), LONGEST_TITLE),
            site: fields.site.clone(),
            address: address.cloned(),
            byline: people::byline(&fields.authors),
        }
    }

    /// # Errors
    /// Why it cannot be taken, in a sentence.
    pub fn article(&self, item: Item) -> Result<Settled, String> {
        let around = self.site.as_ref().or(self.address.as_ref());
        let base = item.link.as_ref().or(around);
        let summary = item.summary.as_ref();
        let standfirst = summary.map(|summary| plain(summary, base)).unwrap_or_default();
        let mut text = Body::new(tail::without_tail(&body_html(&item, base)), standfirst);
        let pictured = item.images.first();
        let image = pictured
            .map(|picture| picture.address.to_string())
            .or_else(|| html::first_image(&text.html))
            .or_else(|| summary.and_then(|summary| html::first_image(&sanitised(summary, base))));
        let alt = pictured.map(|picture| picture.alt.trim().to_owned()).filter(|alt| !alt.is_empty());
        // What the text says of the same picture.
        let alt = alt.or_else(|| html::alt_of(&text.html, image.as_deref()?)).unwrap_or_default();
        let byline =
            if item.authors.is_empty() { self.byline.clone() } else { people::byline(&item.authors) };
        text.take_what_the_page_shows(&byline);
        let has_title = !item.title.is_empty();
        let title = if has_title { item.title.clone() } else { html::excerpt(&text.title(), 80) };
        if title.is_empty() {
            let name = item.link.as_ref().map_or(item.id.as_str(), Url::as_str);
            let name = if name.is_empty() { "An article" } else { name };
            return Err(format!("{name} has neither a title nor a text"));
        }
        let own_id = self.source_id(&item);
        let is_named_by_its_title = own_id.is_none();
        let source_id = own_id.unwrap_or_else(|| self.named_by(&title));
        Ok(Settled {
            parsed: ParsedArticle {
                source_id: clipped(source_id, LONGEST_ID),
                title: clipped(title, LONGEST_TITLE),
                byline: clipped(byline, LONGEST_BYLINE),
                topics: topics(item.topics),
                image_url: image,
                image_alt: clipped(alt, LONGEST_ALT),
                published_at: item.date.moment(),
                placed_at: None,
                canonical_url: item.link.map(String::from),
                standfirst: text.standfirst,
                body_html: text.html,
                origin_note: text.origin_note,
                word_count: text.words,
            },
            is_named_by_its_title,
        })
    }

    /// Ids that are not addresses (a bare number) are only unique inside their site, so its host goes before them.
    fn source_id(&self, item: &Item) -> Option<String> {
        let id = item.id.trim();
        if id.is_empty() {
            return item.link.as_ref().map(|url| url.as_str().to_owned());
        }
        Some(match self.host() {
            Some(host) if !id.contains(':') => format!("{host} {id}"),
            _ => id.to_owned(),
        })
    }

    fn named_by(&self, title: &str) -> String {
        format!("{} title {}", self.host().unwrap_or_default(), &token::hash(title)[..16])
            .trim_start()
            .to_owned()
    }

    fn host(&self) -> Option<&str> {
        self.site.as_ref().or(self.address.as_ref()).and_then(Url::host_str)
    }
}

/// The body as clean HTML: the content, or else the summary.
fn body_html(item: &Item, base: Option<&Url>) -> String {
    let contents: Vec<String> = item.contents.iter().map(|content| sanitised(content, base)).collect();
    let mut html = String::new();
    for (at, content) in contents.iter().enumerate() {
        // A feed that gives a short text and the whole as two contents means the whole.
        let is_in_another =
            contents.iter().enumerate().any(|(other, whole)| other != at && whole.contains(content.as_str()));
        if !is_in_another || html.is_empty() && at + 1 == contents.len() {
            html.push_str(content);
        }
    }
    if html.is_empty() {
        item.summary.as_ref().map(|summary| sanitised(summary, base)).unwrap_or_default()
    } else {
        html
    }
}

/// A text as clean HTML, in paragraphs.
fn sanitised(written: &Written, base: Option<&Url>) -> String {
    let base = written.base.as_ref().or(base);
    let is_markup = match written.kind {
        Kind::Markup => true,
        Kind::Loose => has_tags(&written.text),
        Kind::Plain => false,
    };
    if is_markup {
        return in_paragraphs(html::sanitise(&written.text, base));
    }
    html::paragraphs(&in_letters(written)).trim().to_owned()
}

/// A text as plain words.
fn plain(written: &Written, base: Option<&Url>) -> String {
    match written.kind {
        Kind::Plain => words::of_text(&written.text),
        Kind::Loose if !has_tags(&written.text) => words::of_text(&in_letters(written)),
        Kind::Loose | Kind::Markup => html::text_of(&html::sanitise(&written.text, base)),
    }
}

fn in_letters(written: &Written) -> String {
    match written.kind {
        Kind::Plain => written.text.clone(),
        Kind::Loose | Kind::Markup => decode(&written.text, &Entities::default()).into_owned(),
    }
}

fn has_tags(text: &str) -> bool {
    text.split('<').skip(1).any(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || rest.starts_with("!--")
    })
}

/// Text without any block around it gets a paragraph.
fn in_paragraphs(clean: String) -> String {
    let has_blocks =
        ["<p", "</p>", "</div>", "</ul>", "</ol>", "</h", "</blockquote>", "</figure>", "</table>", "</pre>"];
    if clean.is_empty() || has_blocks.iter().any(|block| clean.contains(block)) {
        clean
    } else {
        format!("<p>{clean}</p>")
    }
}

fn topics(names: Vec<String>) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for name in names {
        let is_new = !topics.iter().any(|known| known.eq_ignore_ascii_case(&name));
        if is_new && !name.is_empty() && name.chars().count() <= LONGEST_TOPIC && name != "Uncategorized" {
            topics.push(name);
        }
        if topics.len() == MOST_TOPICS {
            break;
        }
    }
    topics
}

fn clipped(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].trim_end().to_owned(),
        None => text,
    }
}
