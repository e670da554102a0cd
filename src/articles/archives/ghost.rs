//! An export of Ghost (JSON): tables of a database, read twice, row by row.

use std::{
    collections::HashMap,
    fmt,
    io::{BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use url::Url;

use super::{
    clean, lexical,
    piece::{ArchiveError, Article, Piece, Reading, What},
    rows::ArchiveChoices as Choices,
    settle::{Raw, clipped, moment, settled, source_id, web_address},
    xml::{Bounded, is_too_long},
};
use crate::{
    articles::{cleaning::html, identity::link_key, import::There},
    clock::Moment,
};

/// What stands for the site's own address in an export.
const OWN: &str = "__GHOST_URL__";
/// A longer text is no article.
const LONGEST_POST: usize = 12 * 1024 * 1024;
/// No row is longer: whatever stands in it, no more of it is held.
const LONGEST_ROW: u64 = 40 * 1024 * 1024;
/// Of what belongs to posts so much is remembered.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const LONGEST_NAME: usize = 300;
const LONGEST_EXCERPT: usize = 2_000;
const LONGEST_ALT: usize = 500;

/// What the tables say beside the posts.
#[derive(Debug, Default)]
pub(super) struct Known {
    tags: HashMap<String, String>,
    users: HashMap<String, String>,
    post_tags: HashMap<String, Vec<(i64, String)>>,
    post_authors: HashMap<String, Vec<(i64, String)>>,
    /// The excerpt of a post, and what its picture shows.
    said: HashMap<String, (String, String)>,
    bytes: usize,
}

/// A row of any table: what of it matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    id: Text,
    name: Text,
    slug: Text,
    title: Text,
    visibility: Text,
    post_id: Text,
    tag_id: Text,
    author_id: Text,
    sort_order: Text,
    custom_excerpt: Text,
    html: Text,
    plaintext: Text,
    lexical: Text,
    feature_image: Text,
    feature_image_alt: Text,
    status: Text,
    #[serde(rename = "type")]
    kind: Text,
    page: Text,
    published_at: Text,
    canonical_url: Text,
}

/// What a field holds, as text; old exports number their rows. Of what is nested, and of what no article is as long as, nothing is kept.
#[derive(Debug, Default)]
struct Text {
    text: String,
    is_too_long: bool,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Field)
    }
}

struct Field;

impl Field {
    fn of(text: String) -> Text {
        Text { text, is_too_long: false }
    }
}

impl<'de> Visitor<'de> for Field {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field of a row")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        if text.len() > LONGEST_POST {
            return Ok(Text { text: String::new(), is_too_long: true });
        }
        Ok(Self::of(text.to_owned()))
    }

    fn visit_bool<E>(self, is_so: bool) -> Result<Text, E> {
        Ok(Self::of(if is_so { "1".to_owned() } else { String::new() }))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Self::of(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Self::of(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Self::of(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}

fn text(field: &Text) -> &str {
    &field.text
}

impl Known {
    /// What is kept of a field until the end: no more of it than any name has, and no more of all than fits.
    fn kept(&mut self, field: &Text, most: usize) -> Result<String, ArchiveError> {
        let text = clipped(field.text.clone(), most);
        self.bytes += text.len() + size_of::<String>();
        if self.bytes > MOST_BYTES { Err(ArchiveError::TooManyArticles) } else { Ok(text) }
    }
}

/// Goes through what is nested, down to the rows of tables.
struct Walk<'a, 'b> {
    table: &'a str,
    each: &'b mut dyn FnMut(&str, Row) -> Result<bool, ArchiveError>,
    went: &'b mut Result<bool, ArchiveError>,
    /// How much more may come before it is asked again, and how much a row may have.
    left: &'b AtomicU64,
    longest: u64,
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
        loop {
            self.left.store(self.longest, Relaxed);
            let Some(key) = map.next_key::<String>()? else { return Ok(()) };
            let known = TABLES.iter().find(|table| **table == key);
            let table = match (known, key.as_str()) {
                (Some(table), _) => table,
                (None, "db" | "data") => "",
                _ => {
                    // However long it is: nothing of it is held.
                    self.left.store(u64::MAX, Relaxed);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(Walk {
                table,
                each: &mut *self.each,
                went: &mut *self.went,
                left: self.left,
                longest: self.longest,
            })?;
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        if self.table.is_empty() {
            while rows
                .next_element_seed(Walk {
                    table: "",
                    each: &mut *self.each,
                    went: &mut *self.went,
                    left: self.left,
                    longest: self.longest,
                })?
                .is_some()
            {}
            return Ok(());
        }
        loop {
            self.left.store(self.longest, Relaxed);
            let Some(row) = rows.next_element::<Row>()? else { return Ok(()) };
            if matches!(self.went, Ok(true)) {
                *self.went = (self.each)(self.table, row);
            }
            if !matches!(self.went, Ok(true)) {
                return Err(serde::de::Error::custom("over"));
            }
        }
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
    each: impl FnMut(&str, Row) -> Result<bool, ArchiveError>,
) -> Result<(), ArchiveError> {
    rows_within(LONGEST_ROW, from, each)
}

fn rows_within(
    longest: u64,
    from: impl Read,
    mut each: impl FnMut(&str, Row) -> Result<bool, ArchiveError>,
) -> Result<(), ArchiveError> {
    let left = Arc::new(AtomicU64::new(longest));
    let bounded = Bounded { from, left: left.clone() };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, bounded));
    let mut went = Ok(true);
    let read =
        Walk { table: "", each: &mut each, went: &mut went, left: &left, longest }.deserialize(&mut json);
    match (went, read) {
        (Err(error), _) => Err(error),
        (Ok(false), _) | (Ok(true), Ok(())) => Ok(()),
        (Ok(true), Err(error)) => {
            let error = error.into();
            Err(if is_too_long(&error) {
                ArchiveError::LongPiece
            } else {
                ArchiveError::of_reading(&error, ArchiveError::Json)
            })
        }
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
        let place = text(&row.sort_order).parse().unwrap_or_default();
        match table {
            // Tags that begin with # are for those who write, and are seen by nobody.
            "tags" if text(&row.visibility) != "internal" && !text(&row.name).starts_with('#') => {
                let (id, name) = (known.kept(&row.id, LONGEST_NAME)?, known.kept(&row.name, LONGEST_NAME)?);
                known.tags.insert(id, name);
            }
            "users" => {
                let (id, name) = (known.kept(&row.id, LONGEST_NAME)?, known.kept(&row.name, LONGEST_NAME)?);
                known.users.insert(id, name);
            }
            "posts_tags" => {
                let (post, tag) =
                    (known.kept(&row.post_id, LONGEST_NAME)?, known.kept(&row.tag_id, LONGEST_NAME)?);
                known.post_tags.entry(post).or_default().push((place, tag));
            }
            "posts_authors" => {
                let post = known.kept(&row.post_id, LONGEST_NAME)?;
                let author = known.kept(&row.author_id, LONGEST_NAME)?;
                known.post_authors.entry(post).or_default().push((place, author));
            }
            "posts_meta"
                if !text(&row.custom_excerpt).is_empty() || !text(&row.feature_image_alt).is_empty() =>
            {
                let post = known.kept(&row.post_id, LONGEST_NAME)?;
                let excerpt = known.kept(&row.custom_excerpt, LONGEST_EXCERPT)?;
                let alt = known.kept(&row.feature_image_alt, LONGEST_ALT)?;
                known.said.insert(post, (excerpt, alt));
            }
            "posts" => {
                let link = link(&row, site.as_ref()).map(String::from);
                reading.named(&source_id(text(&row.id), site.as_ref()), &link_key(link.as_deref()))?;
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
        let title = html::plain_text(text(&row.title));
        let is_page = text(&row.kind) == "page" || text(&row.page) == "1";
        let what = if is_page && !reading.choices.pages {
            What::Left("it is a page, and pages were not asked for".to_owned())
        } else if row.html.is_too_long || row.lexical.is_too_long {
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
    let path = format!("{}/", site.path().trim_end_matches('/'));
    site.set_path(&path);
    Some(site)
}

fn is_for_members(row: &Row) -> bool {
    !matches!(text(&row.visibility), "" | "public")
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
        return web_address(&own(named, site), site);
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
    let id = text(&row.id).to_owned();
    let named = |of: &HashMap<String, Vec<(i64, String)>>, names: &HashMap<String, String>| -> Vec<String> {
        let mut ids = of.get(&id).cloned().unwrap_or_default();
        ids.sort();
        ids.iter().filter_map(|(_, id)| names.get(id).cloned()).collect()
    };
    let mut names = named(&known.post_authors, &known.users);
    if names.is_empty() {
        names.extend(known.users.get(text(&row.author_id)).cloned());
    }
    let mut topics = named(&known.post_tags, &known.tags);
    if choices.categories_only {
        // Of a post's tags Ghost shows the first as where it belongs.
        topics.truncate(1);
    }
    let there = there(row);
    let whole = text(&row.html).to_owned();
    let whole = if whole.trim().is_empty() { lexical::html(text(&row.lexical)) } else { whole };
    let whole = if whole.trim().is_empty() { html::paragraphs(text(&row.plaintext)) } else { whole };
    let (excerpt, alt) = known.said.get(&id).cloned().unwrap_or_default();
    let said_or = |own: &Text, apart: String| if own.text.is_empty() { apart } else { own.text.clone() };
    let raw = Raw {
        source_id: source_id(&id, site),
        title: html::escape(text(&row.title)),
        standfirst: html::escape(&said_or(&row.custom_excerpt, excerpt)),
        image_alt: html::escape(&said_or(&row.feature_image_alt, alt)),
        names,
        topics,
        html: own(&whole, site),
        canonical_url: link(row, site).map(String::from),
        image_url: Some(own(text(&row.feature_image), site)).filter(|address| !address.is_empty()),
        published_at: date(&row.published_at),
    };
    let said = (is_for_members(row) && text(&row.status) == "published")
        .then(|| "it is for members only there, and comes as a draft".to_owned());
    let slug = Some(text(&row.slug).to_owned()).filter(|slug| !slug.is_empty());
    Ok(Article { article: settled(raw, site)?, there, markdown: None, slug, said })
}

/// As text, or in old exports as milliseconds.
fn date(field: &Text) -> Option<Moment> {
    match text(field).parse::<i64>() {
        Ok(milliseconds) => Some(Moment(milliseconds.checked_mul(1_000)?)),
        Err(_) => moment(text(field)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Cursor};

    use super::*;

    const BOUND: u64 = 256 * 1024;

    /// What is read of a file of a beginning, something repeated and an end, where no row may be longer than the bound.
    fn read(
        beginning: &str,
        (again, length): (u8, u64),
        end: &'static str,
    ) -> Result<Vec<Row>, ArchiveError> {
        let mut found = Vec::new();
        let from = Cursor::new(beginning.as_bytes().to_vec());
        let from = from.chain(io::repeat(again).take(length)).chain(end.as_bytes());
        rows_within(BOUND, from, |_, row| {
            found.push(row);
            Ok(true)
        })?;
        Ok(found)
    }

    /// TRUST A9: whatever a field holds, no more of it is held than an article has.
    #[test]
    fn a_field_without_end_is_not_held() {
        let post = "{\"db\":[{\"data\":{\"posts\":[{\"id\":\"1\",\"html\":";
        let long = read(&format!("{post}\""), (b'x', BOUND / 2), "\",\"title\":\"T\"}]}}]}").expect("rows");
        assert_eq!(text(&long[0].title), "T");
        let longer = read(&format!("{post}\""), (b'x', 2 * BOUND), "\"}]}}]}");
        assert!(matches!(longer, Err(ArchiveError::LongPiece)), "{longer:?}");
        // Of what is nested nothing is kept, and of other tables nothing at all.
        let nested = read(&format!("{post}[0"), (b' ', BOUND / 2), ",{\"a\":[1]}],\"title\":\"T\"}]}}]}");
        let nested = nested.expect("rows");
        assert_eq!((text(&nested[0].html), text(&nested[0].title)), ("", "T"));
        let other = "{\"db\":[{\"data\":{\"settings\":[{\"value\":\"";
        let end = "\"}],\"posts\":[{\"id\":7,\"page\":true,\"title\":null}]}}]}";
        let after = read(other, (b'x', 2 * BOUND), end).expect("rows");
        assert_eq!((text(&after[0].id), text(&after[0].page), text(&after[0].title)), ("7", "1", ""));
        let field = Field.visit_str::<serde::de::value::Error>(&"x".repeat(LONGEST_POST + 1)).expect("text");
        assert!(field.is_too_long && field.text.is_empty());
        let (mut known, id) = (Known::default(), Field::of("x".repeat(1_000)));
        let kept = (0..300_000).find_map(|_| known.kept(&id, LONGEST_NAME).err());
        assert!(matches!(kept, Some(ArchiveError::TooManyArticles)), "{kept:?}");
    }
}
