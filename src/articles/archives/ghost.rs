//! An export of Ghost (JSON): tables of a database, read twice, row by row.

use std::{
    collections::HashMap,
    fmt,
    io::{BufReader, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use url::Url;

use super::{
    clean, lexical,
    piece::{ArchiveError, Article, Piece, Reading, What},
    rows::ArchiveChoices as Choices,
    settle::{Raw, moment, settled, source_id, web_address},
};
use crate::{
    articles::{html, identity::link_key, import::There},
    clock::Moment,
};

/// What stands for the site's own address in an export.
const OWN: &str = "__GHOST_URL__";
/// A longer text is no article.
const LONGEST_POST: usize = 12 * 1024 * 1024;
/// Of what belongs to posts so many rows are remembered.
const MOST_ROWS: usize = 2_000_000;

/// What the tables say beside the posts.
#[derive(Debug, Default)]
pub(super) struct Known {
    tags: HashMap<String, String>,
    users: HashMap<String, String>,
    post_tags: HashMap<String, Vec<(i64, String)>>,
    post_authors: HashMap<String, Vec<(i64, String)>>,
    excerpts: HashMap<String, String>,
    rows: usize,
}

/// A row of any table: what of it matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    id: Value,
    name: Value,
    slug: Value,
    title: Value,
    visibility: Value,
    post_id: Value,
    tag_id: Value,
    author_id: Value,
    sort_order: Value,
    custom_excerpt: Value,
    html: Value,
    plaintext: Value,
    lexical: Value,
    feature_image: Value,
    status: Value,
    #[serde(rename = "type")]
    kind: Value,
    page: Value,
    published_at: Value,
    canonical_url: Value,
}

/// Text, or a number as text; old exports number their rows.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(true) => "1".to_owned(),
        _ => String::new(),
    }
}

/// Goes through what is nested, down to the rows of tables.
struct Walk<'a, 'b> {
    table: &'a str,
    each: &'b mut dyn FnMut(&str, Row) -> Result<bool, ArchiveError>,
    went: &'b mut Result<bool, ArchiveError>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

const TABLES: [&str; 6] = ["posts", "tags", "users", "posts_tags", "posts_authors", "posts_meta"];

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tables of an export")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let known = TABLES.iter().find(|table| **table == key);
            let table = match (known, key.as_str()) {
                (Some(table), _) => table,
                (None, "db" | "data") => "",
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(Walk { table, each: &mut *self.each, went: &mut *self.went })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        if self.table.is_empty() {
            while rows
                .next_element_seed(Walk { table: "", each: &mut *self.each, went: &mut *self.went })?
                .is_some()
            {}
            return Ok(());
        }
        while let Some(row) = rows.next_element::<Row>()? {
            if matches!(self.went, Ok(true)) {
                *self.went = (self.each)(self.table, row);
            }
            if !matches!(self.went, Ok(true)) {
                return Err(serde::de::Error::custom("over"));
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

fn rows(
    from: impl Read,
    mut each: impl FnMut(&str, Row) -> Result<bool, ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, from));
    let mut went = Ok(true);
    let read = Walk { table: "", each: &mut each, went: &mut went }.deserialize(&mut json);
    match (went, read) {
        (Err(error), _) => Err(error),
        (Ok(false), _) | (Ok(true), Ok(())) => Ok(()),
        (Ok(true), Err(error)) => Err(ArchiveError::of_reading(&error.into(), ArchiveError::Json)),
    }
}

/// Reads it for the first time: names, and what belongs to which post.
pub(super) fn look(
    from: impl Read,
    known: &mut Known,
    reading: &mut Reading<'_>,
) -> Result<(), ArchiveError> {
    let site = site(&reading.choices);
    rows(from, |table, row| {
        known.rows += 1;
        if known.rows > MOST_ROWS {
            return Err(ArchiveError::TooManyArticles);
        }
        let place = row.sort_order.as_i64().unwrap_or_default();
        match table {
            // Tags that begin with # are for those who write, and are seen by nobody.
            "tags" if text(&row.visibility) != "internal" && !text(&row.name).starts_with('#') => {
                known.tags.insert(text(&row.id), text(&row.name));
            }
            "users" => {
                known.users.insert(text(&row.id), text(&row.name));
            }
            "posts_tags" => {
                known.post_tags.entry(text(&row.post_id)).or_default().push((place, text(&row.tag_id)));
            }
            "posts_authors" => {
                known.post_authors.entry(text(&row.post_id)).or_default().push((place, text(&row.author_id)));
            }
            "posts_meta" if !text(&row.custom_excerpt).is_empty() => {
                known.excerpts.insert(text(&row.post_id), text(&row.custom_excerpt));
            }
            "posts" => {
                let link = link(&row, site.as_ref()).map(String::from);
                reading.named(&source_id(&text(&row.id), site.as_ref()), &link_key(link.as_deref()))?;
            }
            _ => {}
        }
        Ok(reading.goes_on())
    })
}

/// Reads it for the second time: article for article.
pub(super) fn pieces(from: impl Read, known: &Known, reading: &mut Reading<'_>) -> Result<(), ArchiveError> {
    let site = site(&reading.choices);
    rows(from, |table, row| {
        if table != "posts" {
            return Ok(true);
        }
        let title = html::plain_text(&text(&row.title));
        let is_page = text(&row.kind) == "page" || matches!(text(&row.page).as_str(), "1");
        let what = if is_page && !reading.choices.pages {
            What::Left("it is a page, and pages were not asked for".to_owned())
        } else if text(&row.html).len().max(text(&row.lexical).len()) > LONGEST_POST {
            What::Left("it is longer than 12 MB".to_owned())
        } else if !reading.is_cleaned() {
            What::Passed(there(&row))
        } else {
            match article(&row, known, &reading.choices, site.as_ref()) {
                Ok(article) => What::Article(Box::new(article)),
                Err(why) => What::Left(why),
            }
        };
        Ok(reading.piece(Piece { title, is_page, what, unknown: clean::Unknown::new() }))
    })
}

/// The site that somebody named.
fn site(choices: &Choices) -> Option<Url> {
    let mut site = web_address(&choices.site, None)?;
    if !site.path().ends_with('/') {
        let path = format!("{}/", site.path());
        site.set_path(&path);
    }
    Some(site)
}

fn is_for_members(row: &Row) -> bool {
    !matches!(text(&row.visibility).as_str(), "" | "public")
}

fn there(row: &Row) -> There {
    // What was only mailed was on no page.
    let is_shown = text(&row.status) == "published";
    if is_shown && !is_for_members(row) { There::Published } else { There::Draft }
}

/// Where readers find it: where its writer said, or where Ghost shows a post.
fn link(row: &Row, site: Option<&Url>) -> Option<Url> {
    if text(&row.status) != "published" {
        return None;
    }
    let named = text(&row.canonical_url);
    if !named.is_empty() {
        return web_address(&own(&named, site), site);
    }
    let slug = text(&row.slug);
    if slug.is_empty() { None } else { site?.join(&format!("{slug}/")).ok() }
}

/// With the site's own address where it stands for it.
fn own(text: &str, site: Option<&Url>) -> String {
    let address = site.map(|site| site.as_str().trim_end_matches('/')).unwrap_or_default();
    text.replace(OWN, address)
}

fn article(row: &Row, known: &Known, choices: &Choices, site: Option<&Url>) -> Result<Article, String> {
    let id = text(&row.id);
    let named = |of: &HashMap<String, Vec<(i64, String)>>, names: &HashMap<String, String>| -> Vec<String> {
        let mut ids = of.get(&id).cloned().unwrap_or_default();
        ids.sort();
        ids.iter().filter_map(|(_, id)| names.get(id).cloned()).collect()
    };
    let mut names = named(&known.post_authors, &known.users);
    if names.is_empty() {
        names.extend(known.users.get(&text(&row.author_id)).cloned());
    }
    let mut topics = named(&known.post_tags, &known.tags);
    if choices.categories_only {
        // Of a post's tags Ghost shows the first as where it belongs.
        topics.truncate(1);
    }
    let there = there(row);
    let whole = text(&row.html);
    let whole = if whole.trim().is_empty() { lexical::html(&text(&row.lexical)) } else { whole };
    let whole = if whole.trim().is_empty() { html::paragraphs(&text(&row.plaintext)) } else { whole };
    let excerpt = text(&row.custom_excerpt);
    let raw = Raw {
        source_id: source_id(&id, site),
        title: html::escape(&text(&row.title)),
        standfirst: html::escape(&if excerpt.is_empty() {
            known.excerpts.get(&id).cloned().unwrap_or_default()
        } else {
            excerpt
        }),
        names,
        topics,
        html: own(&whole, site),
        canonical_url: link(row, site).map(String::from),
        image_url: Some(own(&text(&row.feature_image), site)).filter(|address| !address.is_empty()),
        published_at: date(&row.published_at),
    };
    let said = (is_for_members(row) && text(&row.status) == "published")
        .then(|| "it is for members only there, and comes as a draft".to_owned());
    let slug = Some(text(&row.slug)).filter(|slug| !slug.is_empty());
    Ok(Article { article: settled(raw, site)?, there, markdown: None, slug, said })
}

/// As text, or in old exports as milliseconds.
fn date(value: &Value) -> Option<Moment> {
    match value.as_i64() {
        Some(milliseconds) => Some(Moment(milliseconds.checked_mul(1_000)?)),
        None => moment(&text(value)),
    }
}
