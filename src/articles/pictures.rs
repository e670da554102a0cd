//! Pictures of other sites that a text holds, copied to us, so that a mail depends on nobody else's.

use url::Url;

use super::{
    Article,
    fetch::{FetchError, Fetched, Fetcher, Validators},
    writing::{picture_at, places},
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
pub(super) struct Named {
    pub address: Url,
    /// As it was written.
    pub written: String,
    pub alt: String,
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
        match copy(site, fetcher, Some(staff_id), one).await {
            Ok(picture) => {
                let ours = picture.in_text().map(|size| site.url(&size.path)).unwrap_or_default();
                let (text, written) = (done.markdown.clone(), one.written.clone());
                let put = heavy::aside(move || picture_at(&text, &written, &ours)).await;
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
pub(super) enum NotCopied {
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

pub(super) async fn copy(
    site: &Site,
    fetcher: &Fetcher,
    staff_id: Option<i64>,
    named: &Named,
) -> std::result::Result<Picture, NotCopied> {
    if let Some(known) = pictures::copied_from(&site.db, named.address.as_str()).await? {
        return Ok(known);
    }
    let Fetched::Content { bytes, .. } = fetcher.fetch(&named.address, &Validators::default()).await? else {
        return Err(FetchError::Status { status: 304, after: None }.into());
    };
    let file = named.address.path_segments().and_then(Iterator::last).unwrap_or_default();
    let from = (file, Some(named.address.as_str()), named.alt.as_str());
    Ok(keep_described(site, staff_id, from, bytes).await?)
}

/// Keeps a picture that came with a text: its file's name, where it was copied from, and what the text says that it shows, unless somebody said it.
///
/// # Errors
/// [`PictureError`].
pub(super) async fn keep_described(
    site: &Site,
    staff_id: Option<i64>,
    (file, source_url, alt): (&str, Option<&str>, &str),
    bytes: Vec<u8>,
) -> std::result::Result<Picture, PictureError> {
    let kept = pictures::keep(site, staff_id, (file, source_url), bytes).await?;
    let is_ours_to_describe = staff_id.is_some() || !kept.was_known;
    let kept = kept.picture;
    if is_ours_to_describe && kept.about.alt.is_empty() && !alt.is_empty() && !kept.about.is_decorative {
        let said = AboutPicture { alt: alt.to_owned(), ..kept.about.clone() };
        // What is too long to be said of it stays in the text alone.
        match pictures::describe(site, &kept.public_id, &said).await {
            Ok(_) | Err(PictureError::Invalid(_) | PictureError::Unreadable(_)) => {}
            Err(error @ PictureError::Database(_)) => return Err(error),
        }
    }
    Ok(kept)
}

/// The picture of an article, as mails and pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPicture {
    /// Where it is.
    pub url: String,
    /// Its caption and who made it, where it is one of ours.
    pub below: String,
}

/// The picture of an article, from here where it is kept or was copied; elsewhere over https alone: mail programs leave out what does not come so,
/// and our pages do.
///
/// # Errors
/// When the database fails.
pub async fn shown_picture(site: &Site, article: &Article) -> Result<Option<ShownPicture>> {
    let Some(address) = address_of(article) else { return Ok(None) };
    let ours = if address.origin() == site.base_url.origin() {
        pictures::at(&site.db, address.path()).await?
    } else {
        pictures::copied_from(&site.db, address.as_str()).await?
    };
    if let Some((picture, size)) = ours.as_ref().and_then(|picture| Some((picture, picture.in_text()?))) {
        return Ok(Some(ShownPicture { url: site.url(&size.path), below: picture.below() }));
    }
    let elsewhere = article.image_url.clone().filter(|_| address.scheme() == "https");
    Ok(elsewhere.map(|url| ShownPicture { url, below: String::new() }))
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
    match copy(site, fetcher, Some(staff_id), &named).await {
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
    for place in places(markdown).into_iter().filter(|place| place.is_picture) {
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
