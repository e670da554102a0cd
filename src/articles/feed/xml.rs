//! RSS in all its versions, RDF and Atom: which element says what.
//!
//! The formats are read by one table. What differs (where an address stands, what a text is by default) is told by the elements
//! themselves; feeds mix the formats.

use data_encoding::BASE64;
use url::Url;

use super::{
    dates,
    item::{Date, Fields, Item, Kind, Picture, Written, web_address},
    names::Space::{self, Atom, Content, Dc, Feedburner, Itunes, Media, Other, Plain, Terms, Xhtml},
    people,
    tree::{Node, Tree},
    words,
};

/// So many articles of a feed are read.
pub const MOST_ARTICLES: usize = 1_000;
/// So many texts, pictures and names of one article.
const MOST_OF_A_KIND: usize = 50;
/// Articles are not looked for deeper.
const DEEPEST_ARTICLE: usize = 5;

/// Reads a document; `None` if it is no feed.
pub fn read(tree: &Tree, address: Option<&Url>) -> Option<Fields> {
    let root = root(tree.document())?;
    let format = if root.name() == "feed" { Format::Atom } else { Format::Rss };
    let mut articles = Vec::new();
    find_articles(root, 0, &mut articles);
    let about = if root.name() == "channel" || format == Format::Atom {
        root
    } else {
        root.child(Plain, "channel").unwrap_or(root)
    };
    let picked = Picked { format, around: address };
    let site = page_link(about, |node| node.base().or(address));
    let mut fields = Fields {
        title: picked.title(about),
        authors: picked.authors(about, true),
        site,
        ..Fields::default()
    };
    if let Some(cut) = tree.cut_off {
        let before = articles.len();
        articles.retain(|node| node.id != cut);
        fields.cut_off = articles.len() < before;
    }
    fields.beyond = articles.len().saturating_sub(MOST_ARTICLES);
    let picked = Picked { around: fields.site.as_ref().or(address), ..picked };
    let items = articles.into_iter().take(MOST_ARTICLES).map(|node| picked.item(node)).collect();
    fields.items = items;
    Some(fields)
}

/// The element that is the feed; what a broken program printed before it does no harm.
fn root(document: Node<'_>) -> Option<Node<'_>> {
    let is_root = |node: &Node<'_>| match node.name() {
        "rss" | "rdf" | "feed" => node.space() != Other,
        "channel" => node.space() == Plain,
        _ => false,
    };
    document
        .children()
        .find(is_root)
        .or_else(|| document.children().flat_map(Node::children).find(is_root))
        .or_else(|| {
            // Articles without anything around them.
            let holds_article =
                |node: &Node<'_>| node.child(Plain, "item").is_some() || node.child(Plain, "entry").is_some();
            document.children().find(holds_article)
        })
}

fn find_articles<'t>(node: Node<'t>, depth: usize, found: &mut Vec<Node<'t>>) {
    for child in node.children() {
        if child.space() == Plain && matches!(child.name(), "item" | "entry") {
            found.push(child);
        } else if depth < DEEPEST_ARTICLE
            && !matches!(child.name(), "image" | "textinput" | "description" | "content")
        {
            find_articles(child, depth + 1, found);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Rss,
    Atom,
}

#[derive(Clone, Copy)]
struct Picked<'a> {
    format: Format,
    /// What an article's address stands against.
    around: Option<&'a Url>,
}

impl Picked<'_> {
    fn item(self, node: Node<'_>) -> Item {
        let id =
            node.children().filter(|child| child.space() == Plain && matches!(child.name(), "guid" | "id"));
        let guid = id.into_iter().find(|child| !child.text().trim().is_empty());
        let about = node.attribute("about").unwrap_or_default();
        let id = guid.map(|guid| guid.text().trim().to_owned()).unwrap_or_else(|| about.to_owned());
        let link = self.link(node, guid, about);
        let base = node.base().or(link.as_ref()).or(self.around).cloned();
        Item {
            title: self.title(node),
            authors: self.authors(node, false),
            topics: topics(node),
            date: date(node),
            summary: self.summary(node),
            contents: self.contents(node),
            images: images(node, base.as_ref()),
            id,
            link,
        }
    }

    fn link(self, node: Node<'_>, guid: Option<Node<'_>>, about: &str) -> Option<Url> {
        let base = |node: Node<'_>| node.base().cloned().or_else(|| self.around.cloned());
        let original =
            node.children().find(|child| child.space() == Feedburner && child.name() == "origlink");
        let original = original.and_then(|link| web_address(&link.text(), None));
        let permanent = || {
            let guid = guid.filter(|guid| {
                guid.name() == "id"
                    || !guid.attribute("ispermalink").is_some_and(|says| says.eq_ignore_ascii_case("false"))
            })?;
            let text = guid.text();
            // An id that is an address, of its own site where it begins at its root.
            web_address(&text, None).or_else(|| {
                web_address(text.trim(), base(guid).as_ref()).filter(|_| text.trim().starts_with('/'))
            })
        };
        original
            .or_else(|| page_link(node, |link| link.base().or(self.around)))
            .or_else(permanent)
            .or_else(|| web_address(about, base(node).as_ref()))
    }

    fn title(self, node: Node<'_>) -> String {
        let of = |space, name: &str| {
            let all = node.children().filter(move |child| child.is(space, name));
            all.take(MOST_OF_A_KIND).map(|child| self.words(child)).find(|title| !title.is_empty())
        };
        let title = of(Plain, "title").or_else(|| of(Atom, "title")).or_else(|| of(Dc, "title"));
        title.or_else(|| of(Itunes, "title")).or_else(|| of(Media, "title")).unwrap_or_default()
    }

    fn words(self, node: Node<'_>) -> String {
        let written = self.written(node);
        match written.kind {
            Kind::Plain => words::of_text(&written.text),
            Kind::Markup | Kind::Loose => words::of_markup(&written.text),
        }
    }

    /// A text, and what it is by the element's own word, or else by its format's.
    fn written(self, node: Node<'_>) -> Written {
        let kind = node.attribute("type").unwrap_or_default().to_ascii_lowercase();
        let mode = node.attribute("mode").unwrap_or_default().to_ascii_lowercase();
        let is_xhtml = matches!(kind.as_str(), "xhtml" | "application/xhtml+xml");
        let inner = match node.only_element() {
            Some(div) if div.name() == "div" => div,
            _ => node,
        };
        let is_atom = self.format == Format::Atom || node.space() == Atom;
        let base = inner.base().cloned();
        if mode == "base64" || is_atom && mode.is_empty() && !is_of_text(&kind) {
            let bare: Vec<u8> = node.text().bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let is_readable = !["image/", "audio/", "video/"].iter().any(|start| kind.starts_with(start));
            let read = BASE64
                .decode(&bare)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .filter(|_| is_readable);
            let kind = if matches!(kind.as_str(), "" | "text/plain") { Kind::Plain } else { Kind::Loose };
            return Written { kind, text: read.unwrap_or_default(), base };
        }
        if node.has_elements() {
            // Words stand beside tags that are real: they are words, unless the text calls itself markup.
            let is_escaped = !is_xhtml && (!is_atom || kind.contains("html"));
            return Written { kind: Kind::Markup, text: inner.markup(is_escaped && mode != "xml"), base };
        }
        let text = node.text();
        let kind = match kind.as_str() {
            _ if is_xhtml => {
                return Written { kind: Kind::Markup, text: node.markup(mode == "escaped"), base };
            }
            "html" | "text/html" => Kind::Markup,
            "" if is_atom && mode == "escaped" => Kind::Loose,
            "text" | "text/plain" | "" if is_atom => Kind::Plain,
            "text" | "text/plain" => Kind::Plain,
            _ => Kind::Loose,
        };
        Written { kind, text, base }
    }

    /// A text of more than a line. Feeds call HTML plain text more often than they write plain text with tags in it.
    fn long(self, node: Node<'_>) -> Written {
        let written = self.written(node);
        let has_ends = written.text.contains("</") || written.text.contains("/>");
        Written {
            kind: if written.kind == Kind::Plain && has_ends { Kind::Loose } else { written.kind },
            ..written
        }
    }

    fn authors(self, node: Node<'_>, of_feed: bool) -> Vec<String> {
        let of = |space, names: &[&str]| -> Vec<String> {
            let all = node.children().filter(|child| child.space() == space && names.contains(&child.name()));
            all.take(MOST_OF_A_KIND).filter_map(author).collect()
        };
        let found = [
            of(Plain, &["author"]),
            of(Dc, &["creator", "author"]),
            of(Atom, &["author"]),
            of(Itunes, &["author"]),
        ];
        let found = found.into_iter().find(|names| !names.is_empty()).unwrap_or_default();
        if !found.is_empty() || of_feed {
            return found;
        }
        // An article that another feed passes on has that feed's authors.
        node.child(Plain, "source").map(|source| self.authors(source, true)).unwrap_or_default()
    }

    fn summary(self, node: Node<'_>) -> Option<Written> {
        let of = |space, name: &str| {
            let all = node.children().filter(move |child| child.is(space, name));
            all.take(MOST_OF_A_KIND).map(|child| self.long(child)).find(|written| !written.is_empty())
        };
        let own = of(Plain, "description").or_else(|| of(Plain, "summary")).or_else(|| of(Plain, "abstract"));
        own.or_else(|| of(Atom, "summary"))
            .or_else(|| of(Dc, "description"))
            .or_else(|| of(Terms, "abstract"))
            .or_else(|| of(Itunes, "summary"))
            .or_else(|| of(Media, "description"))
            .or_else(|| {
                node.child(Media, "group")
                    .and_then(|group| group.child(Media, "description"))
                    .map(|one| self.long(one))
            })
    }

    fn contents(self, node: Node<'_>) -> Vec<Written> {
        let is_content = |child: &Node<'_>| {
            matches!(
                (child.space(), child.name()),
                (Content, "encoded")
                    | (Plain | Atom, "content" | "fullitem")
                    | (Xhtml, "body")
                    | (Plain, "body" | "content_encoded")
            )
        };
        let mut contents: Vec<Written> = Vec::new();
        for child in node.children().filter(is_content).take(MOST_OF_A_KIND) {
            let written = match (child.space(), child.name()) {
                (Xhtml, _) | (_, "body") => {
                    Written { kind: Kind::Markup, text: child.markup(false), base: child.base().cloned() }
                }
                (Content, _) => {
                    let written = self.long(child);
                    Written { kind: Kind::Loose, ..written }
                }
                _ => self.long(child),
            };
            if !written.is_empty() && !contents.iter().any(|known| known.text.trim() == written.text.trim()) {
                contents.push(written);
            }
        }
        contents
    }
}

/// Whether a type of Atom is one of text, and not a picture in letters. What is no media type is a mistake.
fn is_of_text(kind: &str) -> bool {
    !kind.contains('/') || kind.starts_with("text/") || kind.ends_with("xml")
}

/// The page that an article or feed stands for.
fn page_link<'t>(node: Node<'t>, base: impl Fn(Node<'t>) -> Option<&'t Url>) -> Option<Url> {
    let links =
        || node.children().filter(|child| matches!(child.space(), Plain | Atom) && child.name() == "link");
    let address = |link: Node<'t>| {
        let text = link.text();
        let written = link.attribute("href").unwrap_or(&text);
        web_address(written, base(link))
    };
    let is_page =
        |link: &Node<'_>| link.attribute("rel").is_none_or(|rel| rel.eq_ignore_ascii_case("alternate"));
    let is_html = |link: &Node<'_>| {
        link.attribute("type")
            .is_none_or(|kind| kind.is_empty() || kind.to_ascii_lowercase().contains("html"))
    };
    let plain =
        links().filter(|link| link.space() == Plain && is_page(link) && is_html(link)).find_map(address);
    plain
        .or_else(|| links().filter(|link| is_page(link) && is_html(link)).find_map(address))
        .or_else(|| links().filter(is_page).find_map(address))
        .or_else(|| node.attribute("href").and_then(|href| web_address(href, base(node))))
}

fn author(node: Node<'_>) -> Option<String> {
    let named = node.children().find(|child| child.name() == "name" && child.space() != Other);
    match named {
        Some(name) => people::name(&name.text()),
        None if node.has_elements() => None,
        None => people::name(&node.text()),
    }
}

fn topics(node: Node<'_>) -> Vec<String> {
    let is_topic = |child: &Node<'_>| {
        matches!((child.space(), child.name()), (Plain | Atom, "category") | (Dc, "subject"))
    };
    let named = |child: Node<'_>| {
        let text = child.text();
        let name = child.attribute("label").or_else(|| child.attribute("term"));
        words::of_markup(name.filter(|name| !name.is_empty()).unwrap_or(&text))
    };
    node.children().filter(is_topic).take(MOST_OF_A_KIND).map(named).collect()
}

/// When it was published, or else when it was changed last.
fn date(node: Node<'_>) -> Date {
    const PLACES: [(Space, &str); 15] = [
        (Plain, "pubdate"),
        (Plain, "published"),
        (Plain, "issued"),
        (Atom, "published"),
        (Dc, "date"),
        (Terms, "issued"),
        (Terms, "date"),
        (Terms, "created"),
        (Plain, "created"),
        (Plain, "updated"),
        (Plain, "modified"),
        (Plain, "lastmod"),
        (Atom, "updated"),
        (Terms, "modified"),
        (Plain, "date"),
    ];
    let mut date = Date::None;
    for (space, name) in PLACES {
        for child in node.children().filter(|child| child.is(space, name)).take(MOST_OF_A_KIND) {
            let written = child.text();
            match dates::read(&written) {
                Some(moment) => return Date::At(moment),
                None if written.trim().is_empty() => {}
                None => date = Date::Unreadable,
            }
        }
    }
    if date == Date::None && node.attribute("lastmod").is_some() {
        return node.attribute("lastmod").and_then(dates::read).map_or(Date::Unreadable, Date::At);
    }
    date
}

/// Pictures that go with an article, the one for it first.
fn images(node: Node<'_>, base: Option<&Url>) -> Vec<Picture> {
    let (mut whole, mut small) = (Vec::new(), Vec::new());
    let groups = node.children().filter(|child| child.is(Media, "group")).flat_map(Node::children);
    let inner = node.children().filter(|child| child.is(Media, "content")).flat_map(Node::children);
    for child in node.children().chain(groups).chain(inner).take(4 * MOST_OF_A_KIND) {
        let url = child.attribute("url").or_else(|| child.attribute("href"));
        let url = url.and_then(|url| web_address(url, base));
        let alt = child.child(Media, "description").map(|said| words::of_markup(&said.text()));
        let pictured =
            |url: Option<Url>| url.map(|address| Picture { address, alt: alt.unwrap_or_default() });
        let kind = child.attribute("type").unwrap_or_default().to_ascii_lowercase();
        let medium = child.attribute("medium").unwrap_or_default();
        let is_image = kind.starts_with("image/")
            || medium.eq_ignore_ascii_case("image")
            || kind.is_empty() && medium.is_empty() && url.as_ref().is_some_and(looks_like_one);
        match (child.space(), child.name()) {
            (Media, "content") | (Plain, "enclosure") if is_image => whole.extend(pictured(url)),
            (Plain | Atom, "link") if is_image && child.attribute("rel") == Some("enclosure") => {
                whole.extend(pictured(url));
            }
            (Media, "thumbnail") => {
                small.extend(pictured(url.or_else(|| web_address(&child.text(), base))));
            }
            (Itunes, "image") => small.extend(pictured(url)),
            (Plain, "image") => {
                let inner = child.child(Plain, "url").unwrap_or(child);
                small.extend(pictured(web_address(&inner.text(), base)));
            }
            _ => {}
        }
    }
    whole.extend(small);
    whole
}

fn looks_like_one(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"].iter().any(|end| path.ends_with(end))
}
