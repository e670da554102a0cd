//! Pictures of other sites that a text holds, copied to us, so that a mail depends on nobody else's.

use pulldown_cmark::{Event, Parser, Tag};
use url::Url;

use super::fetch::{FetchError, Fetched, Fetcher, Validators};
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
                done.markdown = done.markdown.replace(&one.written, &ours);
                done.copied += 1;
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

/// The pictures of a text, each once, as they stand in it.
fn named_in(markdown: &str) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let mut inside: Option<Named> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                let address = Url::parse(&dest_url).ok();
                let address = address.filter(|address| matches!(address.scheme(), "http" | "https"));
                inside = address.map(|address| Named {
                    address,
                    written: dest_url.to_string(),
                    alt: String::new(),
                });
            }
            Event::Text(text) => {
                if let Some(named) = &mut inside {
                    named.alt.push_str(&text);
                }
            }
            Event::End(pulldown_cmark::TagEnd::Image) => {
                let named =
                    inside.take().filter(|one| !found.iter().any(|known| known.written == one.written));
                found.extend(named);
            }
            _ => {}
        }
        if found.len() == MOST {
            break;
        }
    }
    found
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
}
