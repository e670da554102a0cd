//! Pictures are kept, described, found and given back.

use tokio::sync::Semaphore;

use super::{
    read::{self, UnreadablePicture, WIDTHS},
    store::{self, Row, SizeRow},
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db},
    heavy,
    site::Site,
    token,
};

/// The longest description.
const LONGEST_ALT: usize = 500;
const LONGEST_LINE: usize = 300;
const LONGEST_NAME: usize = 120;
/// One is decoded at a time, for it may take some hundred MB.
static ONE: Semaphore = Semaphore::const_new(1);

/// Why a picture is not kept, or not changed. The words are for an editor.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadablePicture),
    /// What was said of it cannot be; why.
    #[error("{0}")]
    Invalid(&'static str),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A picture, with the sizes that there are of it, the smallest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub id: i64,
    /// What it is called in addresses.
    pub public_id: String,
    /// What its file was called.
    pub file: String,
    pub about: AboutPicture,
    pub created_at: Moment,
    /// Whether it is not offered any more.
    pub is_put_away: bool,
    pub sizes: Vec<PictureFile>,
}

/// What is said of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AboutPicture {
    /// What it shows, for who does not see it.
    pub alt: String,
    /// It only adorns, so nothing is said of it.
    pub is_decorative: bool,
    pub caption: String,
    /// Who made it.
    pub credit: String,
}

/// One size of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFile {
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// Bytes.
    pub size: i64,
    /// Below the site's address.
    pub path: String,
}

/// What became of a file that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPicture {
    pub picture: Picture,
    /// Whether it was there before.
    pub was_known: bool,
}

impl Picture {
    fn new(row: Row, sizes: &[SizeRow]) -> Self {
        let of_it = sizes.iter().filter(|size| size.picture_id == row.id);
        Self {
            sizes: of_it.map(|size| PictureFile::new(&row.public_id, size)).collect(),
            id: row.id,
            public_id: row.public_id,
            file: row.file,
            about: AboutPicture {
                alt: row.alt,
                is_decorative: row.is_decorative != 0,
                caption: row.caption,
                credit: row.credit,
            },
            created_at: row.created_at,
            is_put_away: row.put_away_at.is_some(),
        }
    }

    /// The size that a text holds: a mail's on a screen with twice the pixels, or the largest that there is.
    #[must_use]
    pub fn in_text(&self) -> Option<&PictureFile> {
        let wanted = i64::from(WIDTHS[1]);
        self.sizes.iter().find(|size| size.width >= wanted).or(self.sizes.last())
    }

    /// The smallest size, for a list.
    #[must_use]
    pub fn in_list(&self) -> Option<&PictureFile> {
        self.sizes.first()
    }

    /// What stands below it: its caption, and who made it.
    #[must_use]
    pub fn below(&self) -> String {
        let below = [self.about.caption.as_str(), self.about.credit.as_str()];
        below.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// How it stands in a text, in Markdown, by its whole address.
    #[must_use]
    pub fn markdown(&self, site: &Site) -> String {
        let plain = |text: &str| escaped(text, &['[', ']']);
        let address = self.in_text().map(|size| site.url(&size.path)).unwrap_or_default();
        let alt = if self.about.is_decorative { String::new() } else { plain(&self.about.alt) };
        let below = escaped(&self.below(), &['"']);
        // What stands in the place of a title is the caption of a picture that stands alone.
        if below.is_empty() {
            format!("![{alt}]({address})")
        } else {
            format!("![{alt}]({address} \"{below}\")")
        }
    }
}

/// The same as Markdown reads it in a place that ends with one of these (CommonMark 0.31, 2.4).
fn escaped(text: &str, ends: &[char]) -> String {
    let mut out = String::new();
    for one in text.chars() {
        if one == '\\' || ends.contains(&one) {
            out.push('\\');
        }
        out.push(if one == '\n' { ' ' } else { one });
    }
    out
}

impl PictureFile {
    fn new(public_id: &str, row: &SizeRow) -> Self {
        let ending = match row.media_type.as_str() {
            "image/png" => "png",
            "image/gif" => "gif",
            _ => "jpg",
        };
        Self {
            width: row.width,
            height: row.height,
            size: row.size,
            path: format!("/pictures/{public_id}-{}.{ending}", row.width),
        }
    }
}

/// Keeps a picture that somebody brought, or that was copied from an address; one that is there is offered again.
///
/// # Errors
/// [`PictureError`].
pub async fn keep(
    site: &Site,
    staff_id: Option<i64>,
    (file, source_url): (&str, Option<&str>),
    bytes: Vec<u8>,
) -> Result<KeptPicture, PictureError> {
    let public_id = token::content_name(&bytes);
    if store::named(&site.db, &public_id).await?.is_some() {
        // What the team put away comes back by the team alone, and by no stranger who shows the same.
        if staff_id.is_some() {
            let mut tx = site.db.begin().await?;
            store::offer(&mut tx, &public_id).await?;
            tx.commit().await?;
        }
        return Ok(KeptPicture { picture: whole(&site.db, &public_id).await?, was_known: true });
    }
    let one = ONE.acquire().await;
    let read = move || {
        // Held by the work, not by who waits for it: hanging up makes no place for another.
        let _one = one;
        read::sizes(&bytes)
    };
    let sizes = heavy::aside(read).await.map_err(|cause| {
        tracing::warn!(%cause, "a picture cannot be read");
        UnreadablePicture::Damaged
    })??;
    let name: String = file.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let mut tx = site.db.begin().await?;
    let added = store::add(&mut tx, (&public_id, &name, source_url), (staff_id, site.now())).await?;
    if let Some(id) = added {
        for size in &sizes {
            store::add_size(&mut tx, id, size).await?;
        }
    }
    tx.commit().await?;
    Ok(KeptPicture { picture: whole(&site.db, &public_id).await?, was_known: added.is_none() })
}

async fn whole(db: &Db, public_id: &str) -> db::Result<Picture> {
    about(db, public_id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// The picture of that name.
///
/// # Errors
/// When the database fails.
pub async fn about(db: &Db, public_id: &str) -> db::Result<Option<Picture>> {
    let Some(row) = store::named(db, public_id).await? else { return Ok(None) };
    let sizes = store::sizes_of(db, &[row.id]).await?;
    Ok(Some(Picture::new(row, &sizes)))
}

/// The picture that was copied from an address, if it was.
///
/// # Errors
/// When the database fails.
pub async fn copied_from(db: &Db, source_url: &str) -> db::Result<Option<Picture>> {
    match store::copied(db, source_url).await? {
        Some(public_id) => about(db, &public_id).await,
        None => Ok(None),
    }
}

/// The newest pictures that are offered, from a place on.
///
/// # Errors
/// When the database fails.
pub async fn latest(db: &Db, before: Option<i64>, limit: i64) -> db::Result<Vec<Picture>> {
    let rows = store::latest(db, before.unwrap_or(i64::MAX), limit).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let sizes = store::sizes_of(db, &ids).await?;
    Ok(rows.into_iter().map(|row| Picture::new(row, &sizes)).collect())
}

/// Says of a picture what it shows; `false` if there is none of that name.
///
/// # Errors
/// [`PictureError::Invalid`]; [`PictureError::Database`].
pub async fn describe(site: &Site, public_id: &str, said: &AboutPicture) -> Result<bool, PictureError> {
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let [alt, caption, credit] = [&said.alt, &said.caption, &said.credit].map(|text| line(text));
    let longer = |text: &str, most: usize| text.chars().count() > most;
    if longer(&alt, LONGEST_ALT) {
        return Err(PictureError::Invalid("Please describe it in at most 500 characters."));
    }
    if longer(&caption, LONGEST_LINE) || longer(&credit, LONGEST_LINE) {
        return Err(PictureError::Invalid("Please keep caption and credit under 300 characters each."));
    }
    let alt = if said.is_decorative { String::new() } else { alt };
    let mut tx = site.db.begin().await?;
    let there = store::describe(&mut tx, public_id, (&alt, said.is_decorative, &caption, &credit)).await?;
    tx.commit().await?;
    Ok(there > 0)
}

/// Offers a picture no more. Texts and mails that hold it go on showing it.
///
/// # Errors
/// When the database fails.
pub async fn put_away(site: &Site, staff_id: i64, public_id: &str) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let was_offered = store::put_away(&mut tx, public_id, site.now()).await? > 0;
    if was_offered {
        audit_log::record(&mut tx, site, Some(staff_id), "put a picture away", public_id, "").await?;
    }
    tx.commit().await?;
    Ok(was_offered)
}

/// The picture that stands at a path below the site's address, in any of its sizes.
///
/// # Errors
/// When the database fails.
pub async fn at(db: &Db, path: &str) -> db::Result<Option<Picture>> {
    match path.strip_prefix("/pictures/").and_then(|file| file.rsplit_once('-')) {
        Some((public_id, _)) => about(db, public_id).await,
        None => Ok(None),
    }
}

/// What stands at an address of a picture: its media type and its bytes. The ending of the address is for people.
///
/// # Errors
/// When the database fails.
pub async fn served(db: &Db, file: &str) -> db::Result<Option<(String, Vec<u8>)>> {
    let named = file.rsplit_once('.').and_then(|(name, _)| name.rsplit_once('-'));
    let Some((public_id, width)) = named else { return Ok(None) };
    match width.parse() {
        Ok(width) => store::served(db, public_id, width).await,
        Err(_) => Ok(None),
    }
}
