//! Reads RSS (0.9 to 2.0, and RDF), Atom and JSON Feed into articles.
//!
//! The rule: one bad article never spoils a feed, and nothing is silent: what was not taken, or was odd, is said in a sentence.
//! What leaves here is safe and settled. Titles, standfirsts and bylines are plain text, bodies are clean HTML, addresses are
//! absolute http or https. Start reading at [`parse`]: bytes become text (`charset`), a tree (`tokens`, `tree`) or JSON, fields
//! (`xml`, `json`), and articles (`article`). docs/decisions/0023-feeds-by-our-own-reader.md tells why the reader is our own.

mod article;
mod body;
mod dates;
mod item;
mod json;
mod letters;
pub(super) mod links;
mod mistaken;
mod names;
mod parsed;
mod people;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;
mod words;
mod xml;

use url::Url;

pub(super) use self::body::Body;
use self::{article::Context, item::Fields, mistaken::mistaken, tree::Tree};
pub use self::{
    links::NamedFeed,
    mistaken::FeedError,
    parsed::{ParsedArticle, ParsedFeed},
};
use super::cleaning::{
    charset::{self, ContentType},
    guard,
};
use crate::clock::Moment;

/// Reads a feed that came from `address` and was said to be of `content_type`.
///
/// It reads what strangers wrote, so it goes through [`heavy`](crate::heavy).
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
    let text = charset::letters(&decoded.text);
    let fields = fields(&text, address)?;
    let mut notes = notes(&fields);
    if decoded.mended {
        notes.push(
            "Some letters of the feed were not in the encoding that it names, and were guessed.".to_owned(),
        );
    }
    let context = Context::of(&fields, address);
    let (mut articles, mut skipped) = (Vec::new(), Vec::new());
    let mut without_id = 0;
    for item in fields.items {
        match context.article(item) {
            Ok(article) => {
                without_id += usize::from(article.is_named_by_its_title);
                articles.push(article.parsed);
            }
            Err(why) => skipped.push(why),
        }
    }
    if without_id > 0 {
        notes.push(format!(
            "{} neither an id nor an address, and {} known by {} title: if that changes in the feed, it comes as a new article.",
            counted(without_id, "article has", "articles have"),
            if without_id == 1 { "is" } else { "are" },
            if without_id == 1 { "its" } else { "their" },
        ));
    }
    place(&mut articles);
    Ok(ParsedFeed {
        title: context.title,
        site_url: context.site.map(String::from),
        articles,
        skipped,
        notes,
    })
}

fn fields(text: &str, address: Option<&Url>) -> Result<Fields, FeedError> {
    let start = text.trim_start();
    if start.is_empty() {
        return Err(FeedError::NotAFeed("the document is empty".to_owned()));
    }
    if start.starts_with(['{', '[']) {
        if let Some(why) = guard::json_objection(text.as_bytes()) {
            return Err(FeedError::Refused(why));
        }
        return match json::read(text, address) {
            Ok(Some(fields)) => Ok(fields),
            Ok(None) => Err(FeedError::NotAFeed("it is JSON, but no JSON Feed".to_owned())),
            Err(error) => Err(FeedError::NotAFeed(format!("its JSON is broken: {error}"))),
        };
    }
    let first = first_element(text);
    if let Some(error) = mistaken(text, first.as_deref(), address) {
        return Err(error);
    }
    let tree = Tree::read(text, address).map_err(FeedError::Refused)?;
    xml::read(&tree, address).ok_or_else(|| {
        FeedError::NotAFeed(match first {
            Some(first) => format!("its first tag is “{first}”, which is neither RSS nor Atom"),
            None => "there is no tag in it".to_owned(),
        })
    })
}

/// The name of the first element, in lower case and without a prefix.
fn first_element(text: &str) -> Option<String> {
    tokens::tokens(text).find_map(|token| match token {
        tokens::Token::Start { name, .. } => {
            let name = name.rsplit(':').next().unwrap_or(name);
            Some(name.chars().take(40).collect::<String>().to_ascii_lowercase())
        }
        _ => None,
    })
}

fn notes(fields: &Fields) -> Vec<String> {
    let mut notes = Vec::new();
    if fields.items.is_empty() && !fields.cut_off {
        notes.push("The feed holds no articles yet.".to_owned());
    }
    if fields.cut_off {
        notes.push("The feed breaks off in the middle of an article, which was left out.".to_owned());
    }
    if fields.beyond > 0 {
        notes.push(format!("{} more: a feed is read up to {}.", fields.beyond, xml::MOST_ARTICLES));
    }
    let unreadable = fields.items.iter().filter(|item| item.date == item::Date::Unreadable).count();
    if unreadable > 0 {
        notes.push(format!(
            "{} a date that cannot be read: new ones are put beside those that they came with.",
            counted(unreadable, "article has", "articles have")
        ));
    }
    notes
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Gives articles without a date the earlier one of their neighbours' dates.
fn place(articles: &mut [ParsedArticle]) {
    let dates: Vec<Option<Moment>> = articles.iter().map(|article| article.published_at).collect();
    let mut after: Vec<Option<Moment>> = dates.clone();
    for at in (1..after.len()).rev() {
        after[at - 1] = after[at - 1].or(after[at]);
    }
    let mut before = None;
    for ((article, own), next) in articles.iter_mut().zip(dates).zip(after) {
        before = own.or(before);
        article.placed_at = match own {
            Some(_) => None,
            None => [before, next].into_iter().flatten().min(),
        };
    }
}
