//! An article of an archive, made what an article of a feed is: plain titles, clean text, whole addresses.

use url::Url;

use super::super::{
    cleaning::html,
    feed::{Body, ParsedArticle},
};
use crate::{clock::Moment, token};

const LONGEST_TITLE: usize = 300;
const LONGEST_BYLINE: usize = 200;
const LONGEST_TOPIC: usize = 60;
const LONGEST_ALT: usize = 500;
const MOST_TOPICS: usize = 12;
const MOST_NAMES: usize = 20;

/// What an archive says of an article.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    pub source_id: String,
    /// May hold entities and tags.
    pub title: String,
    /// May hold tags.
    pub standfirst: String,
    pub names: Vec<String>,
    pub topics: Vec<String>,
    /// Not clean yet.
    pub html: String,
    pub canonical_url: Option<String>,
    pub image_url: Option<String>,
    /// What that shows.
    pub image_alt: String,
    pub published_at: Option<Moment>,
}

/// Settles it; `base` is what its links are relative to. Why not, if there is nothing to show.
pub(super) fn settled(raw: Raw, base: Option<&Url>) -> Result<ParsedArticle, String> {
    let title = clipped(html::plain_text(&raw.title), LONGEST_TITLE);
    let canonical_url = raw.canonical_url.as_deref().and_then(|url| web_address(url, base));
    let base = canonical_url.as_ref().or(base);
    let byline = clipped(joined(&raw.names), LONGEST_BYLINE);
    let clean = html::sanitise(&raw.html, base);
    let image_url = raw.image_url.as_deref().and_then(|url| web_address(url, base)).map(String::from);
    let image_alt = image_url.as_ref().map(|_| clipped(html::plain_text(&raw.image_alt), LONGEST_ALT));
    let image_alt = image_alt.unwrap_or_default();
    let image_url = image_url.or_else(|| html::first_image(&clean));
    let mut text = Body::new(clean, html::plain_text(&raw.standfirst));
    text.take_what_the_page_shows(&byline);
    let title = if title.is_empty() { html::excerpt(&text.standfirst, 80) } else { title };
    let title = if title.is_empty() { html::excerpt(&html::text_of(&text.html), 80) } else { title };
    if title.is_empty() {
        return Err("it has neither a title nor a text".to_owned());
    }
    if raw.source_id.trim().is_empty() {
        return Err("it has neither an id nor an address".to_owned());
    }
    // JSON can name a NUL, which is no text, and PostgreSQL takes none.
    let plain = |text: String| if text.contains('\0') { text.replace('\0', "") } else { text };
    Ok(ParsedArticle {
        source_id: id(plain(raw.source_id)),
        title: plain(title),
        standfirst: plain(text.standfirst),
        byline: plain(byline),
        topics: topics(&raw.topics).into_iter().map(plain).collect(),
        body_html: plain(text.html),
        placed_at: None,
        canonical_url: canonical_url.map(String::from),
        image_alt: plain(image_alt),
        image_url,
        origin_note: text.origin_note,
        published_at: raw.published_at,
        word_count: text.words,
    })
}

/// What is longer than any id is known by a hash: an index has an end.
fn id(source_id: String) -> String {
    const LONGEST: usize = 1_000;
    if source_id.len() > LONGEST { format!("sha256:{}", token::hash(&source_id)) } else { source_id }
}

/// An address on the web, whole.
pub(super) fn web_address(address: &str, base: Option<&Url>) -> Option<Url> {
    let address = address.trim();
    let url = match base {
        Some(base) => base.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    (!address.is_empty() && matches!(url.scheme(), "http" | "https")).then_some(url)
}

/// "A", "A and B" or "A, B and C".
pub(super) fn joined(names: &[String]) -> String {
    let mut known: Vec<String> = Vec::new();
    for name in names.iter().take(MOST_NAMES) {
        let name = html::plain_text(name);
        if !name.is_empty() && !known.contains(&name) {
            known.push(name);
        }
    }
    match known.pop() {
        Some(last) if known.is_empty() => last,
        Some(last) => format!("{} and {last}", known.join(", ")),
        None => String::new(),
    }
}

fn topics(names: &[String]) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for name in names {
        let name = html::plain_text(name);
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

pub(super) fn clipped(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].trim_end().to_owned(),
        None => text,
    }
}

/// What its source calls an article, as its feed does: an id that is no address is only one of its site.
pub(super) fn source_id(id: &str, site: Option<&Url>) -> String {
    let id = id.trim();
    match site.and_then(Url::host_str) {
        Some(host) if !id.is_empty() && !id.contains(':') => format!("{host} {id}"),
        _ => id.to_owned(),
    }
}

/// A moment as programs write it: `2024-03-05 14:05:05`, with `T`, with a zone or without one (then UTC), or a day alone.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let text = text.trim().trim_matches(['"', '\'']);
    if text.is_empty() || text.starts_with("0000") {
        return None;
    }
    if let Some(at) = Moment::from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(at);
    }
    if let Ok(zoned) =
        jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S %z", text).and_then(|parsed| parsed.to_timestamp())
    {
        return Some(Moment(zoned.as_microsecond()));
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok().or_else(|| {
        let day: jiff::civil::Date = text.parse().ok()?;
        Some(day.at(0, 0, 0, 0))
    })?;
    (1..=9_998).contains(&civil.year()).then_some(())?;
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Moment(at.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_programs_write_them() {
        let at = Moment::from_unix_seconds(1_709_647_505);
        for written in [
            "2024-03-05 14:05:05",
            "2024-03-05T14:05:05",
            "2024-03-05T14:05:05Z",
            "2024-03-05T14:05:05.000Z",
            "2024-03-05T15:05:05+01:00",
            "2024-03-05 15:05:05 +0100",
            "\"2024-03-05 14:05:05\"",
        ] {
            assert_eq!(moment(written), Some(at), "{written}");
        }
        assert_eq!(moment("2024-03-05"), Moment::from_rfc3339("2024-03-05T00:00:00Z"));
        for none in ["", "0000-00-00 00:00:00", "soon", "2024-02-31"] {
            assert_eq!(moment(none), None, "{none}");
        }
    }

    #[test]
    fn what_has_nothing_to_show_is_said() {
        let raw =
            Raw { source_id: "x:1".to_owned(), html: "<p>Salt and bread.</p>".to_owned(), ..Raw::default() };
        assert_eq!(settled(raw.clone(), None).expect("an article").title, "Salt and bread.");
        assert!(settled(Raw { html: String::new(), ..raw.clone() }, None).is_err());
        assert!(settled(Raw { source_id: String::new(), ..raw }, None).is_err());
    }
}
