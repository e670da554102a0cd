//! Pictures of other sites that a text holds, copied to us, so that a mail depends on nobody else's.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use url::Url;

use super::{
    Article,
    fetch::{FetchError, Fetched, Fetcher, Validators},
    writing::markdown_parser,
};
use crate::{
    db::Result,
    heavy,
    pictures::{self, AboutPicture, Picture, PictureError},
    site::Site,
};

/// So many are copied by one press: each may take as long as its site.
const AT_ONCE: usize = 10;
/// More than that no text holds.
const MOST: usize = 500;
const NOT_PUT: &str = "its place in the text is not plain; write its address anew";

/// What became of the pictures of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedPictures {
    /// The text, with the addresses of ours.
    pub markdown: String,
    /// How many are ours now.
    pub copied: usize,
    /// Those that are not, and why, a sentence each.
    pub left: Vec<String>,
    /// How many are still to be copied: more than are copied by one press.
    pub more: usize,
}

/// A picture as a text names it.
struct Named {
    address: Url,
    /// As it was written.
    written: String,
    alt: String,
}

/// Copies the pictures of other sites that a text holds. What its writer said of each stays said.
///
/// # Errors
/// When the database fails; what was copied until then is kept.
pub async fn copy_pictures(
    site: &Site,
    fetcher: &Fetcher,
    staff_id: i64,
    markdown: &str,
) -> Result<CopiedPictures> {
    let text = markdown.to_owned();
    let named = heavy::aside(move || named_in(&text)).await.unwrap_or_default();
    let foreign: Vec<Named> =
        named.into_iter().filter(|one| one.address.origin() != site.base_url.origin()).collect();
    let mut done = CopiedPictures {
        markdown: markdown.to_owned(),
        more: foreign.len().saturating_sub(AT_ONCE),
        ..CopiedPictures::default()
    };
    for one in foreign.iter().take(AT_ONCE) {
        match copy(site, fetcher, staff_id, one).await {
            Ok(picture) => {
                let ours = picture.in_text().map(|size| site.url(&size.path)).unwrap_or_default();
                let (text, written) = (done.markdown.clone(), one.written.clone());
                let put = heavy::aside(move || with_another(&text, &written, &ours)).await;
                match put.ok().flatten() {
                    Some(text) => {
                        done.markdown = text;
                        done.copied += 1;
                    }
                    None => done.left.push(format!("{}: {NOT_PUT}", one.address)),
                }
            }
            Err(NotCopied::Database(error)) => return Err(error),
            Err(why) => done.left.push(format!("{}: {why}", one.address)),
        }
    }
    Ok(done)
}

/// Why a picture was not copied.
#[derive(Debug, thiserror::Error)]
enum NotCopied {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Picture(PictureError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<PictureError> for NotCopied {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Database(error) => Self::Database(error),
            other => Self::Picture(other),
        }
    }
}

async fn copy(
    site: &Site,
    fetcher: &Fetcher,
    staff_id: i64,
    named: &Named,
) -> std::result::Result<Picture, NotCopied> {
    if let Some(known) = pictures::copied_from(&site.db, named.address.as_str()).await? {
        return Ok(known);
    }
    let Fetched::Content { bytes, .. } = fetcher.fetch(&named.address, &Validators::default()).await? else {
        return Err(FetchError::Status { status: 304, after: None }.into());
    };
    let file = named.address.path_segments().and_then(Iterator::last).unwrap_or_default();
    let kept =
        pictures::keep(site, Some(staff_id), (file, Some(named.address.as_str())), bytes).await?.picture;
    if kept.about.alt.is_empty() && !named.alt.is_empty() && !kept.about.is_decorative {
        let said = AboutPicture { alt: named.alt.clone(), ..kept.about.clone() };
        // What is too long to be said of it stays in the text alone.
        match pictures::describe(site, &kept.public_id, &said).await {
            Ok(_) | Err(PictureError::Invalid(_) | PictureError::Unreadable(_)) => {}
            Err(PictureError::Database(error)) => return Err(error.into()),
        }
    }
    Ok(kept)
}

/// Where a mail shows the picture of an article from: from here, where it was copied; mail programs leave out what does not come over https.
///
/// # Errors
/// When the database fails.
pub async fn picture_for_mail(site: &Site, article: &Article) -> Result<Option<String>> {
    let Some(address) = address_of(article) else { return Ok(None) };
    let copied = pictures::copied_from(&site.db, address.as_str()).await?;
    let ours = copied.as_ref().and_then(Picture::in_text).map(|size| site.url(&size.path));
    Ok(ours.or_else(|| article.image_url.clone().filter(|_| address.scheme() == "https")))
}

/// The address on another site from which mails would show the picture of an article.
///
/// # Errors
/// When the database fails.
pub async fn picture_elsewhere(site: &Site, article: &Article) -> Result<Option<Url>> {
    let elsewhere = address_of(article).filter(|address| address.origin() != site.base_url.origin());
    let Some(address) = elsewhere else { return Ok(None) };
    let is_ours = pictures::copied_from(&site.db, address.as_str()).await?.is_some();
    Ok((!is_ours).then_some(address))
}

/// Copies the picture of an article, so that mails show it from here. The article stays as it is, and follows its source. Whether it could be had.
///
/// # Errors
/// When the database fails.
pub async fn copy_picture(site: &Site, fetcher: &Fetcher, staff_id: i64, article: &Article) -> Result<bool> {
    let Some(address) = picture_elsewhere(site, article).await? else { return Ok(true) };
    let named = Named { written: address.to_string(), address, alt: article.image_alt.clone() };
    match copy(site, fetcher, staff_id, &named).await {
        Ok(_) => Ok(true),
        Err(NotCopied::Database(error)) => Err(error),
        Err(why) => {
            tracing::info!(%why, article = article.id.0, "the picture of an article was not copied");
            Ok(false)
        }
    }
}

fn address_of(article: &Article) -> Option<Url> {
    let address = Url::parse(article.image_url.as_deref()?).ok()?;
    matches!(address.scheme(), "http" | "https").then_some(address)
}

/// The pictures of a text, each once, as they stand in it.
fn named_in(markdown: &str) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    for place in places(markdown) {
        let address = Url::parse(&place.written).ok();
        let Some(address) = address.filter(|address| matches!(address.scheme(), "http" | "https")) else {
            continue;
        };
        if found.len() < MOST && !found.iter().any(|known| known.written == place.written) {
            found.push(Named { address, written: place.written, alt: place.alt });
        }
    }
    found
}

/// A picture in a text.
struct Place {
    /// Its address, as it is read.
    written: String,
    alt: String,
    title: String,
    /// All of it.
    whole: Range<usize>,
    /// Where what is said of it ends, at the latest before the bracket that closes it.
    said: usize,
    kind: LinkType,
}

/// Of pictures within each other so many are looked at: each holds all that is said within it.
const DEEPEST: usize = 10;

/// Every picture of a text, in the order in which they begin.
fn places(markdown: &str) -> Vec<Place> {
    let (mut begun, mut found): (Vec<Option<Place>>, Vec<Place>) = (Vec::new(), Vec::new());
    for (event, range) in markdown_parser(markdown).into_offset_iter() {
        // Its own end is no part of what is said of it.
        let open = begun.len().saturating_sub(usize::from(event == Event::End(TagEnd::Image)));
        for place in begun[..open.min(DEEPEST)].iter_mut().flatten() {
            place.said = place.said.max(range.end.min(place.whole.end));
            if let Event::Text(text) | Event::Code(text) = &event {
                place.alt.push_str(text);
            }
        }
        match event {
            Event::Start(Tag::Image { link_type, dest_url, title, .. }) => {
                begun.push((begun.len() < DEEPEST).then(|| Place {
                    written: dest_url.to_string(),
                    alt: String::new(),
                    title: title.to_string(),
                    said: range.start + "![".len(),
                    whole: range,
                    kind: link_type,
                }));
            }
            Event::End(TagEnd::Image) => found.extend(begun.pop().flatten()),
            _ => {}
        }
    }
    found.sort_by_key(|place| place.whole.start);
    found
}

/// A text in which each picture at one address is at another, and nothing else is changed; none where that cannot be done.
fn with_another(markdown: &str, written: &str, ours: &str) -> Option<String> {
    let before = places(markdown);
    let mut text = markdown.to_owned();
    // From the end on, so that what comes before stays where it was; of one within another the address comes first.
    let mut there: Vec<&Place> = before.iter().filter(|place| place.written == written).collect();
    there.sort_by_key(|place| std::cmp::Reverse(place.said));
    for place in there {
        let (range, words) = put(&text, place, ours)?;
        text.replace_range(range, &words);
    }
    let expected = before.iter().map(|place| {
        let address = if place.written == written { ours } else { &place.written };
        (address, &place.alt, &place.title)
    });
    let after = places(&text);
    after.iter().map(|place| (place.written.as_str(), &place.alt, &place.title)).eq(expected).then_some(text)
}

/// What is written where, so that a picture is at another address.
fn put(text: &str, place: &Place, ours: &str) -> Option<(Range<usize>, String)> {
    let close = place.said + text.get(place.said..)?.find(']')?;
    if place.kind != LinkType::Inline {
        // The empty brackets of `![name][]` are not told as a part of it.
        let is_open = place.kind == LinkType::Collapsed && text[place.whole.end..].starts_with("[]");
        let end = place.whole.end + if is_open { "[]".len() } else { 0 };
        // What names it may name a link, too, and stays: the picture says its address itself from now on.
        let title = match place.title.as_str() {
            "" => String::new(),
            title => format!(" \"{}\"", title.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        return Some((close..end, format!("]({ours}{title})")));
    }
    let behind = text.get(close..)?.strip_prefix("](")?;
    let begin = close + "](".len();
    // Its address may stand in the next line, also of a quotation.
    let gap = behind.find(|c: char| !c.is_whitespace() && c != '>')?;
    let begin = begin + gap;
    let rest = &text[begin..];
    let end = if let Some(within) = rest.strip_prefix('<') { 2 + angled(within)? } else { bare(rest)? };
    Some((begin..begin + end, ours.to_owned()))
}

/// Where an address ends that stands between angle brackets.
fn angled(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|c| {
        let ends = c == '>' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })
}

/// Where one ends that stands for itself: at a space, or at the bracket that closes what none of its own opened.
fn bare(text: &str) -> Option<usize> {
    let (mut is_escaped, mut open) = (false, 0_u32);
    text.find(|c: char| {
        let counts = !is_escaped;
        is_escaped = c == '\\' && counts;
        match c {
            ')' if counts && open == 0 => return true,
            ')' if counts => open -= 1,
            '(' if counts => open += 1,
            _ => {}
        }
        c.is_ascii_whitespace()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_of_a_text_are_found_with_what_is_said_of_them() {
        let text = "One ![two *boats*](https://a.example/b.jpg \"x\") and [![c](http://a.example/c.png)](/d), ![](data:x), ![e](/e.jpg)\n\n![again](https://a.example/b.jpg) `![no](https://a.example/f.jpg)`";
        let found: Vec<_> = named_in(text).into_iter().map(|one| (one.written, one.alt)).collect();
        let named = |address: &str, alt: &str| (address.to_owned(), alt.to_owned());
        assert_eq!(
            found,
            [named("https://a.example/b.jpg", "two boats"), named("http://a.example/c.png", "c")]
        );
    }

    /// What stands within thousands of pictures is held ten times, and no more.
    #[test]
    fn pictures_within_pictures_cost_what_their_text_does() {
        let text = format!("{}{}{}", "![".repeat(2_000), "words ".repeat(20_000), "](a)".repeat(2_000));
        let held: usize = places(&text).iter().map(|place| place.alt.len()).sum();
        assert!(held <= DEEPEST * text.len(), "{held}");
        assert!(places(&text).len() <= DEEPEST);
    }

    #[test]
    fn only_addresses_of_pictures_change() {
        const HERE: &str = "https://a.example/b.jpg";
        const OURS: &str = "https://ours.example/p/1.jpg";
        for (text, becomes) in [
            // The address of another begins so.
            ("![a](HERE) ![b](HERE?w=2&h=3) ![c](HERE)", "![a](OURS) ![b](HERE?w=2&h=3) ![c](OURS)"),
            ("![HERE](HERE \"at HERE\") HERE", "![HERE](OURS \"at HERE\") HERE"),
            // Written otherwise, the same.
            ("![a](<HERE>)", "![a](OURS)"),
            ("![a](  <HERE>  'x' )", "![a](  OURS  'x' )"),
            ("![a](https://a.example/b&#46;jpg)", "![a](OURS)"),
            (r"![a](https://a.example/b\.jpg)", "![a](OURS)"),
            // A link around it leads where it led.
            ("[![a](HERE)](HERE)", "[![a](OURS)](HERE)"),
            ("[x](HERE) ![a *b* `]` \\] c](HERE)", "[x](HERE) ![a *b* `]` \\] c](OURS)"),
            // Code is no picture.
            ("`![a](HERE)` ![a](HERE)", "`![a](HERE)` ![a](OURS)"),
            (
                "```\n![a](HERE)\n```\n\n    ![a](HERE)\n\n![a](HERE)",
                "```\n![a](HERE)\n```\n\n    ![a](HERE)\n\n![a](OURS)",
            ),
            // What a definition names, a link may be named by, too.
            (
                "![one][p] and [two][p]\n\n[p]: HERE \"A \\\"title\\\"\"",
                "![one](OURS \"A \\\"title\\\"\") and [two][p]\n\n[p]: HERE \"A \\\"title\\\"\"",
            ),
            ("![p][] ![p]\n\n[p]: HERE", "![p](OURS) ![p](OURS)\n\n[p]: HERE"),
            // In quotations, lists, tables and notes.
            ("> ![a](HERE)\n> ![b](\n> HERE)", "> ![a](OURS)\n> ![b](\n> OURS)"),
            (
                "- ![](HERE)\n\n| a |\n|---|\n| ![t](HERE) |\n\nx[^1]\n\n[^1]: ![n](HERE)",
                "- ![](OURS)\n\n| a |\n|---|\n| ![t](OURS) |\n\nx[^1]\n\n[^1]: ![n](OURS)",
            ),
            ("![out ![in](HERE)](HERE)", "![out ![in](OURS)](OURS)"),
            ("![a](HERE\n\"x\") **![b](HERE)**é", "![a](OURS\n\"x\") **![b](OURS)**é"),
        ] {
            let filled = |text: &str| text.replace("HERE", HERE).replace("OURS", OURS);
            let put = with_another(&filled(text), HERE, OURS);
            assert_eq!(put.as_deref(), Some(filled(becomes).as_str()), "{text}");
        }
        for (text, written) in [
            ("![a](https://a.example/x?a=1&amp;b=2)", "https://a.example/x?a=1&b=2"),
            ("![a](https://a.example/x_(1).jpg)", "https://a.example/x_(1).jpg"),
            (r"![a](https://a.example/x\).jpg)", "https://a.example/x).jpg"),
            (r"![a](<https://a.example/x\> y.jpg>)", "https://a.example/x> y.jpg"),
        ] {
            assert_eq!(with_another(text, written, OURS), Some(format!("![a]({OURS})")), "{text}");
        }
    }
}
