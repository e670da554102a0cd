//! What a magazine has written, as another program exports it, brought in whole.
//!
//! The rule: nothing is an article before somebody has seen what would come and pressed; each step writes down how far it is in its own
//! transaction, so that whoever goes on after a crash does nothing twice; what was left out is said, with the reason. Nothing is mailed by it.

mod clean;
mod file;
mod folder;
mod ghost;
mod lexical;
mod markdown;
mod page;
mod piece;
mod read;
mod rows;
mod settle;
pub(super) mod store;
mod wordpress;
mod wordpress_site;
mod work;
mod xml;
mod zipped;

use std::{io, path::Path};

pub use self::{
    piece::ArchiveError,
    rows::{
        Archive, ArchiveChoices, ArchiveFirst, ArchiveKind, ArchiveLeft, ArchiveReport, ArchiveState,
        ArchiveSurvey,
    },
    work::bring_in_archives,
};
use super::fetch::Fetcher;
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db},
    heavy,
    kept_file::ArrivingFile,
    site::Site,
    token,
};

/// A larger file is brought in in parts.
pub const LARGEST_ARCHIVE: u64 = 1024 * 1024 * 1024;
/// So many may wait to be gone on with, each with its file.
const MOST_UNFINISHED: i64 = 5;
const LONGEST_NAME: usize = 200;
/// How long a file waits for somebody to go on with it.
pub(crate) const ARCHIVES_KEPT: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// Why an archive does not come in.
#[derive(Debug, thiserror::Error)]
pub enum BringArchiveError {
    /// Too many wait already.
    #[error("{MOST_UNFINISHED} files wait to be gone on with: put some away first")]
    TooMany,
    /// More than fits.
    #[error("the file is larger than {} MB: bring it in in parts", LARGEST_ARCHIVE / 1024 / 1024)]
    TooLarge,
    /// Nothing came.
    #[error("the file is empty")]
    Empty,
    /// Somebody did something with it since it was looked at.
    #[error("somebody went on with it since the page was shown")]
    Changed,
    /// It cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// An archive whose file is on the way here.
#[derive(Debug)]
pub struct ReceivingArchive {
    id: i64,
    public_id: String,
    file: ArrivingFile,
}

impl ReceivingArchive {
    /// Begins one.
    ///
    /// # Errors
    /// [`BringArchiveError::TooMany`]; when the database fails.
    pub async fn begin(site: &Site, staff: Option<i64>, name: &str) -> Result<Self, BringArchiveError> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        let public_id = token::public_id();
        let mut tx = site.db.begin().await?;
        // Of two who begin at once both may: it is a bound, and no exact one.
        if staff.is_some() && store::unfinished(&mut tx).await? >= MOST_UNFINISHED {
            return Err(BringArchiveError::TooMany);
        }
        let id = store::begin(&mut tx, &public_id, (staff, &name), site.now()).await?;
        tx.commit().await?;
        Ok(Self { id, public_id, file: ArrivingFile::new(&file::TABLE, id) })
    }

    /// More of the file.
    ///
    /// # Errors
    /// [`BringArchiveError::TooLarge`]; when the database fails.
    pub async fn push(&mut self, site: &Site, bytes: &[u8]) -> Result<(), BringArchiveError> {
        if self.file.size() + bytes.len() as u64 > LARGEST_ARCHIVE {
            return Err(BringArchiveError::TooLarge);
        }
        Ok(self.file.push(site, bytes).await?)
    }

    async fn kept(&mut self, site: &Site) -> Result<i64, BringArchiveError> {
        if self.file.size() == 0 {
            return Err(BringArchiveError::Empty);
        }
        self.file.keep(site).await?;
        Ok(i64::try_from(self.file.size()).unwrap_or(i64::MAX))
    }

    /// It is here: its public id.
    ///
    /// # Errors
    /// [`BringArchiveError::Empty`]; when the database fails.
    pub async fn finish(&mut self, site: &Site) -> Result<String, BringArchiveError> {
        let size = self.kept(site).await?;
        let mut tx = site.db.begin().await?;
        store::arrived(&mut tx, self.id, size, site.now()).await?;
        tx.commit().await?;
        Ok(self.public_id.clone())
    }

    /// Nothing came of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up(self, site: &Site) -> db::Result<()> {
        put_away(site, self.id).await.map(drop)
    }
}

/// Begins with an address: a WordPress site, which is asked for all its posts, or one article of any site. Its public id.
///
/// # Errors
/// [`BringArchiveError::TooMany`], and [`BringArchiveError::Archive`] where the address may not be asked; when the database fails.
pub async fn begin_site(
    site: &Site,
    fetcher: &Fetcher,
    staff: i64,
    (kind, address): (ArchiveKind, &str),
) -> Result<String, BringArchiveError> {
    let address = fetcher.allowed(address).map_err(|error| ArchiveError::Site(error.to_string()))?;
    let public_id = token::public_id();
    let mut tx = site.db.begin().await?;
    if store::unfinished(&mut tx).await? >= MOST_UNFINISHED {
        return Err(BringArchiveError::TooMany);
    }
    store::begin_site(&mut tx, &public_id, (Some(staff), address.as_str()), kind, site.now()).await?;
    tx.commit().await?;
    Ok(public_id)
}

/// The one that addresses call so.
///
/// # Errors
/// When the database fails.
pub async fn find_archive(db: &Db, public_id: &str) -> db::Result<Option<Archive>> {
    store::one(db, public_id).await
}

/// The newest ones, before a number.
///
/// # Errors
/// When the database fails.
pub async fn archives(db: &Db, before: Option<i64>, limit: i64) -> db::Result<Vec<Archive>> {
    store::page(db, before.unwrap_or(i64::MAX), limit).await
}

/// What of it was left out, or came otherwise than it stands there, behind a number, a thousand at most.
///
/// # Errors
/// When the database fails.
pub async fn left_of_archive(db: &Db, archive: &Archive, after: i64) -> db::Result<Vec<ArchiveLeft>> {
    store::left(db, archive.id, after, 1_000).await
}

/// Somebody saw what would come, and chose: it is brought in from now on. `seen` is when it last changed for whoever presses.
///
/// # Errors
/// [`BringArchiveError`].
pub async fn take_archive(
    site: &Site,
    archive: &Archive,
    seen: Moment,
    choices: &ArchiveChoices,
    staff: i64,
) -> Result<(), BringArchiveError> {
    let mut tx = site.db.begin().await?;
    if !store::go(&mut tx, (archive.id, seen), &rows::written(choices)?, site.now()).await? {
        return Err(BringArchiveError::Changed);
    }
    audit_log::record(&mut tx, site, Some(staff), "began to bring articles in", "", &archive.file).await?;
    Ok(tx.commit().await?)
}

/// Stops one that runs: what came stays.
///
/// # Errors
/// [`BringArchiveError`].
pub async fn stop_archive(site: &Site, archive: &Archive, staff: i64) -> Result<(), BringArchiveError> {
    let mut tx = site.db.begin().await?;
    if !store::stop(&mut tx, archive.id, site.now()).await? {
        return Err(BringArchiveError::Changed);
    }
    audit_log::record(&mut tx, site, Some(staff), "stopped bringing articles in", "", &archive.file).await?;
    tx.commit().await?;
    Ok(file::drop(site, archive.id).await?)
}

/// Puts one away of which nothing was taken.
///
/// # Errors
/// [`BringArchiveError::Changed`] if it has begun; when the database fails.
pub async fn remove_archive(site: &Site, archive: &Archive) -> Result<(), BringArchiveError> {
    if put_away(site, archive.id).await? { Ok(()) } else { Err(BringArchiveError::Changed) }
}

async fn put_away(site: &Site, id: i64) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    if !store::put_away(&mut tx, id, site.now()).await? {
        return Ok(false);
    }
    tx.commit().await?;
    file::drop(site, id).await?;
    let mut tx = site.db.begin().await?;
    store::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether a file, or a folder, at hand is an archive, and no feed. For the command line alone.
///
/// # Errors
/// When it cannot be read.
pub async fn is_archive(path: &Path) -> io::Result<bool> {
    let path = path.to_owned();
    heavy::aside(move || Ok(path.is_dir() || read::is_one(&file::on_disk(&path))?)).await.unwrap_or(Ok(true))
}

/// Looks through a file or a folder at hand, and writes nothing. For the command line alone.
///
/// # Errors
/// [`ArchiveError`].
pub async fn look_at_archive(
    path: &Path,
    choices: &ArchiveChoices,
    now: Moment,
) -> Result<ArchiveSurvey, ArchiveError> {
    let (path, choices) = (path.to_owned(), choices.clone());
    heavy::aside(move || read::survey(&file::on_disk(&path), &choices, now))
        .await
        .unwrap_or_else(|broke| Err(ArchiveError::GaveUp(broke.to_string())))
}

/// Brings in a file or a folder at hand, by a row that says how far it is: if this process dies, another goes on. For the command line alone.
///
/// # Errors
/// [`BringArchiveError`]; where the database fails in the middle of it, it goes on by itself once it can.
pub async fn bring_in_archive(
    site: &Site,
    path: &Path,
    choices: &ArchiveChoices,
) -> Result<Archive, BringArchiveError> {
    let survey = look_at_archive(path, choices, site.now()).await?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut receiving = ReceivingArchive::begin(site, None, &name).await?;
    let mut pieces = file::sent(path);
    while let Some(piece) = pieces.recv().await {
        receiving.push(site, &piece.map_err(ArchiveError::File)?).await?;
    }
    let size = receiving.kept(site).await?;
    let mut claim = work::claimed(site.now());
    let mut tx = site.db.begin().await?;
    let said = (survey.kind, rows::written(&survey)?, rows::written(choices)?);
    store::arrived_said(&mut tx, (receiving.id, size), (site.now(), claim), (said.0, &said.1, &said.2))
        .await?;
    tx.commit().await?;
    let archive = store::by_id(&site.db, receiving.id).await?.ok_or(sqlx::Error::RowNotFound)?;
    work::take(site, None, &archive, &mut claim).await.map_err(|stuck| match stuck {
        work::Stuck::Database(error) => BringArchiveError::Database(error),
        work::Stuck::Archive(error) => BringArchiveError::Archive(error),
    })?;
    Ok(store::by_id(&site.db, receiving.id).await?.ok_or(sqlx::Error::RowNotFound)?)
}
