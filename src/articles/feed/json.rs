//! JSON Feed, versions 1 and 1.1: what is of another type than the format says is read as what it can only mean.

use serde_json::Value;
use url::Url;

use super::{
    dates,
    item::{Date, Fields, Item, Kind, Picture, Written, web_address},
    people, words,
    xml::MOST_ARTICLES,
};
use crate::articles::cleaning::charset;

/// Of topics and names of one article.
const MOST_OF_A_KIND: usize = 50;

/// Reads a document; `None` if it is no feed.
///
/// # Errors
/// Where its JSON is broken, in words.
pub fn read(text: &str, address: Option<&Url>) -> Result<Option<Fields>, String> {
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => serde_json::from_str(&mended(text)).map_err(|_| error.to_string())?,
    };
    let Some(items) = document.get("items").and_then(Value::as_array) else { return Ok(None) };
    let is_feed = document.get("version").map(words_of).is_some_and(|version| version.contains("jsonfeed"))
        || items.iter().any(|item| item.get("content_html").or(item.get("content_text")).is_some());
    if !is_feed {
        return Ok(None);
    }
    let site = document.get("home_page_url").map(words_of).and_then(|url| web_address(&url, address));
    let around = site.clone().or_else(|| address.cloned());
    Ok(Some(Fields {
        title: document.get("title").map(title_of).unwrap_or_default(),
        site,
        authors: authors(&document),
        items: items.iter().take(MOST_ARTICLES).map(|one| item(one, around.as_ref())).collect(),
        beyond: items.len().saturating_sub(MOST_ARTICLES),
        cut_off: false,
    }))
}

fn item(item: &Value, around: Option<&Url>) -> Item {
    let text = |name: &str| item.get(name).map(words_of).unwrap_or_default();
    let id = text("id").trim().to_owned();
    let link = ["url", "external_url"].iter().find_map(|name| web_address(&text(name), around));
    let link = link.or_else(|| web_address(&id, None));
    let base = link.clone().or_else(|| around.cloned());
    let written = |name: &str, kind| {
        let text = text(name);
        (!text.trim().is_empty()).then_some(Written { kind, text, base: None })
    };
    let dates: Vec<String> = ["date_published", "date_modified"].iter().map(|name| text(name)).collect();
    let date = match dates.iter().find_map(|date| dates::read(date)) {
        Some(moment) => Date::At(moment),
        None if dates.iter().all(|date| date.trim().is_empty()) => Date::None,
        None => Date::Unreadable,
    };
    let tags = item.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Item {
        title: item.get("title").map(title_of).unwrap_or_default(),
        authors: authors(item),
        topics: tags.iter().take(MOST_OF_A_KIND).map(title_of).collect(),
        date,
        summary: written("summary", Kind::Plain),
        contents: written("content_html", Kind::Markup)
            .or_else(|| written("content_text", Kind::Plain))
            .into_iter()
            .collect(),
        images: ["image", "banner_image"]
            .iter()
            .filter_map(|name| web_address(&text(name), base.as_ref()))
            .map(|address| Picture { address, alt: String::new() })
            .collect(),
        id,
        link,
    }
}

/// The format says that a title is plain text, so its tags are words; that a program wrote `&#8217;` is no word.
fn title_of(value: &Value) -> String {
    words::of_text_with_references(&words_of(value))
}

fn authors(of: &Value) -> Vec<String> {
    let named = |author: &Value| people::name(&words_of(author.get("name").unwrap_or(author)));
    let many = of.get("authors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let many: Vec<String> = many.iter().take(MOST_OF_A_KIND).filter_map(named).collect();
    if many.is_empty() { of.get("author").and_then(named).into_iter().collect() } else { many }
}

/// A text, or the number or truth that stands where one should.
fn words_of(value: &Value) -> String {
    match value {
        Value::String(text) => charset::letters(text).into_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// JSON as it was meant: line ends within its texts, half letters, and commas before an end.
fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut is_in_text = false;
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        match one {
            '"' => {
                is_in_text = !is_in_text;
                out.push('"');
            }
            '\\' if is_in_text => escaped(&mut rest, &mut out),
            '\n' if is_in_text => out.push_str("\\n"),
            '\t' if is_in_text => out.push_str("\\t"),
            _ if is_in_text && one.is_control() => {}
            ']' | '}' if !is_in_text => {
                let end = out.trim_end().len();
                if out[..end].ends_with(',') {
                    out.truncate(end - 1);
                }
                out.push(one);
            }
            _ => out.push(one),
        }
    }
    out
}

/// What stands behind a backslash; half of a letter becomes the sign for one that is lost.
fn escaped(rest: &mut std::str::Chars<'_>, out: &mut String) {
    let text = rest.as_str();
    let half = |text: &str| {
        let digits = text.strip_prefix('u')?.get(..4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    match half(text) {
        Some(0xd800..=0xdbff)
            if text.get(5..6) == Some("\\")
                && matches!(text.get(6..).and_then(half), Some(0xdc00..=0xdfff)) =>
        {
            out.push('\\');
            out.push_str(&text[..11]);
            *rest = text[11..].chars();
        }
        Some(0xd800..=0xdfff) => {
            out.push_str("\\ufffd");
            *rest = text[5..].chars();
        }
        Some(_) => {
            out.push('\\');
            out.push_str(&text[..5]);
            *rest = text[5..].chars();
        }
        None => match rest.next() {
            Some(sign @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => out.extend(['\\', sign]),
            // A backslash that means itself.
            Some(other) => out.extend(["\\\\".to_owned(), other.to_string()]),
            None => out.push_str("\\\\"),
        },
    }
}
