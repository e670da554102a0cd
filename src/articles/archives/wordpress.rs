//! An export of WordPress (WXR 1.1 and 1.2): read twice, for pictures may stand behind the posts that show them.

use std::{collections::HashMap, io::Read};

use url::Url;

use super::{
    clean::{self, Pictures},
    piece::{ArchiveError, Article, Piece, Reading, What},
    rows::ArchiveChoices as Choices,
    settle::{Raw, joined, moment, settled, source_id, web_address},
    xml::{Document, Xml, attribute},
};
use crate::articles::{identity::link_key, import::There};

/// Pictures that are remembered by their number; an archive with more shows the rest where their address stands in the text.
const MOST_PICTURES: usize = 200_000;
const MOST_AUTHORS: usize = 20_000;
const LONGEST_ADDRESS: usize = 2_000;
/// A post with more is no article.
const LONGEST_POST: usize = 12 * 1024 * 1024;
const MOST_TERMS: usize = 200;

/// What the whole of an export says before, behind and between its posts.
#[derive(Debug, Default)]
pub(super) struct Known {
    site: Option<Url>,
    /// The name that is shown, by the name that is signed in with.
    authors: HashMap<String, String>,
    pictures: Pictures,
}

/// An item as it stands there.
#[derive(Debug, Default)]
struct Item {
    title: String,
    link: String,
    guid: String,
    creator: String,
    content: String,
    excerpt: String,
    id: String,
    date_gmt: String,
    date: String,
    name: String,
    status: String,
    kind: String,
    password: String,
    file: String,
    terms: Vec<(String, String, String)>,
    key: String,
    value: String,
    thumbnail: String,
    alt: String,
    is_too_long: bool,
}

impl Item {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "title" => &mut self.title,
            "link" => &mut self.link,
            "guid" => &mut self.guid,
            "dc:creator" => &mut self.creator,
            "content:encoded" => &mut self.content,
            "excerpt:encoded" => &mut self.excerpt,
            "wp:post_id" => &mut self.id,
            "wp:post_date_gmt" => &mut self.date_gmt,
            "wp:post_date" => &mut self.date,
            "wp:post_name" => &mut self.name,
            "wp:status" => &mut self.status,
            "wp:post_type" => &mut self.kind,
            "wp:post_password" => &mut self.password,
            "wp:attachment_url" => &mut self.file,
            _ => return None,
        })
    }

    fn text(&mut self, name: &str, text: &str) {
        let is_content = matches!(name, "content:encoded" | "excerpt:encoded");
        let most = if is_content { LONGEST_POST } else { 8 * 1024 };
        let mut is_too_long = false;
        if let Some(field) = self.field(name) {
            if field.len() + text.len() <= most {
                field.push_str(text);
            } else {
                is_too_long = is_content;
            }
        } else if name == "category"
            && let Some((_, _, label)) = self.terms.last_mut()
            && label.len() < 500
        {
            label.push_str(text);
        }
        self.is_too_long |= is_too_long;
    }

    fn meta(&mut self) {
        match self.key.trim() {
            "_thumbnail_id" => self.thumbnail = std::mem::take(&mut self.value),
            "_wp_attachment_image_alt" => self.alt = std::mem::take(&mut self.value),
            _ => {}
        }
        self.key.clear();
        self.value.clear();
    }
}

/// Reads the items of an export, each when it is whole.
fn items(
    from: impl Read,
    known: &mut Known,
    mut each: impl FnMut(&mut Known, Item) -> Result<bool, ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut document = Document::of(from);
    // The names of what is open, from the channel on.
    let mut path: [String; 3] = Default::default();
    let (mut item, mut site, mut author) = (Item::default(), String::new(), (String::new(), String::new()));
    let mut is_export = false;
    loop {
        match document.next()? {
            (_, Xml::End) if is_export => return Ok(()),
            (_, Xml::End) => return Err(ArchiveError::NotKnown),
            (depth, Xml::Open(tag)) => {
                let name = tag.name().0;
                match depth {
                    1 if name != "rss" => return Err(ArchiveError::NotKnown),
                    3..=5 => {
                        path[depth - 3].clear();
                        path[depth - 3].extend(name.chars().take(40));
                    }
                    _ => {}
                }
                if depth == 3 && name == "item" {
                    item = Item::default();
                }
                if depth == 4 && name == "category" && path[0] == "item" && item.terms.len() < MOST_TERMS {
                    item.terms.push((attribute(tag, "domain"), attribute(tag, "nicename"), String::new()));
                }
            }
            (depth, Xml::Text(text)) => {
                let [first, second, third] = &path;
                match (depth, first.as_str()) {
                    (3, "wp:wxr_version") => is_export = true,
                    (3, "link" | "wp:base_blog_url") if site.len() < LONGEST_ADDRESS => site.push_str(text),
                    (4, "wp:author") => {
                        let to = match second.as_str() {
                            "wp:author_login" => &mut author.0,
                            "wp:author_display_name" => &mut author.1,
                            _ => continue,
                        };
                        if to.len() + text.len() < 1_000 {
                            to.push_str(text);
                        }
                    }
                    (4, "item") => item.text(second, text),
                    (5, "item") if second == "wp:postmeta" => {
                        let to = match third.as_str() {
                            "wp:meta_key" => &mut item.key,
                            "wp:meta_value" => &mut item.value,
                            _ => continue,
                        };
                        if to.len() + text.len() < 1_000 {
                            to.push_str(text);
                        }
                    }
                    _ => {}
                }
            }
            (3, Xml::Close) => match path[0].as_str() {
                "link" | "wp:base_blog_url" => {
                    let found = web_address(&std::mem::take(&mut site), None);
                    known.site = known.site.take().or(found);
                }
                "wp:author" => {
                    let (login, name) = std::mem::take(&mut author);
                    if known.authors.len() < MOST_AUTHORS && !name.trim().is_empty() {
                        known.authors.insert(login.trim().to_owned(), name.trim().to_owned());
                    }
                }
                "item" if !each(known, std::mem::take(&mut item))? => return Ok(()),
                _ => {}
            },
            (4, Xml::Close) if path[0] == "item" && path[1] == "wp:postmeta" => item.meta(),
            (_, Xml::Close) => {}
        }
    }
}

/// Reads it for the first time: who writes there, its pictures, and what its articles are called.
pub(super) fn look(
    from: impl Read,
    known: &mut Known,
    reading: &mut Reading<'_>,
) -> Result<(), ArchiveError> {
    items(from, known, |known, item| {
        if item.kind == "attachment" {
            let address = if item.file.is_empty() { item.guid.trim() } else { item.file.trim() };
            if let (Ok(id), true) = (item.id.trim().parse(), known.pictures.len() < MOST_PICTURES)
                && (1..LONGEST_ADDRESS).contains(&address.len())
            {
                known.pictures.insert(id, (address.to_owned(), item.alt.trim().chars().take(500).collect()));
            }
        } else if !is_text(&item) && is_somebodys(&item) {
            reading.of_another_kind(&kind(&item));
            if reading.choices.kinds.contains(&kind(&item)) {
                reading.named(&id(&item, known), &link_key(link(&item, known).as_deref()))?;
            }
        } else if is_text(&item) {
            reading.named(&id(&item, known), &link_key(link(&item, known).as_deref()))?;
        }
        Ok(reading.goes_on())
    })
}

/// Reads it for the second time: article for article.
pub(super) fn pieces(
    from: impl Read,
    known: &mut Known,
    reading: &mut Reading<'_>,
) -> Result<(), ArchiveError> {
    items(from, known, |known, item| {
        let is_asked_for = is_somebodys(&item) && reading.choices.kinds.contains(&kind(&item));
        if !is_text(&item) && !is_asked_for {
            return Ok(true);
        }
        let title = crate::articles::cleaning::html::plain_text(item.title.trim());
        let is_page = item.kind == "page";
        let there = there(&item);
        let is_cleaned = reading.is_cleaned();
        let mut unknown = clean::Unknown::new();
        let what = if is_page && !reading.choices.pages {
            What::Left("it is a page, and pages were not asked for".to_owned())
        } else if item.is_too_long {
            What::Left("it is longer than 12 MB".to_owned())
        } else if item.status.trim() == "auto-draft"
            || item.title.trim().is_empty() && item.content.trim().is_empty()
        {
            What::Left("it has neither a title nor a text".to_owned())
        } else if !is_cleaned {
            What::Passed(there)
        } else {
            match article(item, known, &reading.choices, &mut unknown) {
                Ok(article) => What::Article(Box::new(article)),
                Err(why) => What::Left(why),
            }
        };
        Ok(reading.piece(Piece { title, is_page, what, unknown }))
    })
}

/// Whether it is something to read: not a picture, a menu, or an earlier version.
fn is_text(item: &Item) -> bool {
    matches!(item.kind.as_str(), "post" | "page" | "")
}

/// What plugins and themes let people write beside posts: an event, a recipe, a review. What WordPress keeps for itself is none of it.
fn is_somebodys(item: &Item) -> bool {
    const ITS_OWN: [&str; 7] = [
        "revision",
        "attachment",
        "nav_menu_item",
        "custom_css",
        "customize_changeset",
        "oembed_cache",
        "user_request",
    ];
    let kind = item.kind.as_str();
    let has_words = item.content.trim().len() + item.title.trim().len() > 0;
    has_words && !ITS_OWN.contains(&kind) && !kind.starts_with("wp_") && !kind.starts_with("acf-")
}

fn kind(item: &Item) -> String {
    item.kind.trim().chars().take(40).collect()
}

fn there(item: &Item) -> There {
    match item.status.trim() {
        "private" | "trash" => There::Withdrawn,
        "publish" if item.password.trim().is_empty() => There::Published,
        _ => There::Draft,
    }
}

fn id(item: &Item, known: &Known) -> String {
    match item.guid.trim() {
        "" => item.link.trim().to_owned(),
        guid => source_id(guid, known.site.as_ref()),
    }
}

/// Where readers find it; a draft has an address that only its writer can open.
fn link(item: &Item, known: &Known) -> Option<String> {
    let is_shown = matches!(item.status.trim(), "publish" | "private" | "trash");
    let address = web_address(item.link.trim(), known.site.as_ref()).filter(|_| is_shown)?;
    Some(address.into())
}

fn article(
    item: Item,
    known: &Known,
    choices: &Choices,
    unknown: &mut clean::Unknown,
) -> Result<Article, String> {
    let there = there(&item);
    let picture = item.thumbnail.trim().parse().ok().and_then(|id: u64| known.pictures.get(&id));
    let term = |wanted: &str| -> Vec<String> {
        let of = item.terms.iter().filter(|(domain, ..)| domain == wanted);
        of.map(|(_, _, label)| label.trim().to_owned()).collect()
    };
    // Several authors, or guests, are terms of a widely used plugin.
    let mut names: Vec<String> = item
        .terms
        .iter()
        .filter(|(domain, ..)| domain == "author")
        .map(|(_, nicename, label)| {
            let login = nicename.strip_prefix("cap-").unwrap_or(nicename);
            known
                .authors
                .get(login)
                .or_else(|| known.authors.get(label.trim()))
                .unwrap_or(label)
                .trim()
                .to_owned()
        })
        .collect();
    if joined(&names).is_empty() {
        let login = item.creator.trim();
        names = vec![known.authors.get(login).map_or(login, String::as_str).to_owned()];
    }
    let mut topics = term("category");
    if !choices.categories_only {
        topics.extend(term("post_tag"));
    }
    let site = known.site.as_ref();
    let raw = Raw {
        source_id: id(&item, known),
        title: item.title.trim().to_owned(),
        standfirst: item.excerpt.trim().to_owned(),
        names,
        topics,
        html: clean::html(&item.content, &known.pictures, unknown),
        canonical_url: link(&item, known),
        image_url: picture.map(|(address, _)| address.clone()),
        image_alt: picture.map(|(_, alt)| alt.clone()).unwrap_or_default(),
        published_at: moment(&item.date_gmt).or_else(|| moment(&item.date)),
    };
    let article = settled(raw, site)?;
    let slug = Some(item.name.trim().to_owned()).filter(|name| !name.is_empty() && !name.contains('%'));
    let said = (!item.password.trim().is_empty() && item.status.trim() == "publish")
        .then(|| "it has a password there, and comes as a draft".to_owned());
    Ok(Article { article, there, markdown: None, slug, said })
}

/// The site that it is of, once it was looked through.
impl Known {
    /// The site that it was taken of, as far as it was read.
    pub fn site(&self) -> Option<&Url> {
        self.site.as_ref()
    }
}
