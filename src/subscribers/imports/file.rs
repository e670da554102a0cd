//! The file of a list that is brought in: kept in the database, piece by piece, so that any process can go on with it.

use std::io::{self, Read, Seek, SeekFrom};

use tokio::runtime::Handle;

use crate::{
    db::{self, Db},
    moving_in::{AnyPlace, TableSource},
    site::Site,
    subscribers::store::imports as store,
};

/// The bytes of a piece; the last one may have fewer.
pub(super) const PART: usize = 128 * 1024;

/// A file that arrives.
#[derive(Debug)]
pub(super) struct Arriving {
    id: i64,
    number: i64,
    size: u64,
    rest: Vec<u8>,
}

impl Arriving {
    pub(super) fn new(id: i64) -> Self {
        Self { id, number: 0, size: 0, rest: Vec::with_capacity(PART) }
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// More of it.
    pub(super) async fn push(&mut self, site: &Site, mut bytes: &[u8]) -> db::Result<()> {
        while !bytes.is_empty() {
            let (some, more) = bytes.split_at(bytes.len().min(PART - self.rest.len()));
            self.rest.extend_from_slice(some);
            self.size += some.len() as u64;
            bytes = more;
            if self.rest.len() == PART {
                self.keep(site).await?;
            }
        }
        Ok(())
    }

    /// Keeps what is left.
    pub(super) async fn keep(&mut self, site: &Site) -> db::Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let mut tx = site.db.begin().await?;
        store::add_part(&mut tx, self.id, self.number, &self.rest, site.now()).await?;
        tx.commit().await?;
        self.number += 1;
        self.rest.clear();
        Ok(())
    }
}

/// A file that is here. It is read on a thread that may wait.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    pub(super) db: Db,
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) runtime: Handle,
}

impl Staged {
    pub(super) fn of(site: &Site, import: &super::Import) -> Self {
        let size = u64::try_from(import.size).unwrap_or_default();
        let (db, runtime) = (site.db.clone(), Handle::current());
        Self { db, id: import.id, name: import.file.clone(), size, runtime }
    }

    fn reader(&self) -> Reader {
        Reader { file: self.clone(), at: 0, part: None }
    }
}

impl TableSource for Staged {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.reader()))
    }

    fn open_anywhere(&self) -> io::Result<Option<Box<dyn AnyPlace>>> {
        Ok(Some(Box::new(self.reader())))
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Somewhere in it.
struct Reader {
    file: Staged,
    at: u64,
    /// The piece that was read last, and its number.
    part: Option<(i64, Vec<u8>)>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.file.size || buffer.is_empty() {
            return Ok(0);
        }
        let number = i64::try_from(self.at / PART as u64).map_err(io::Error::other)?;
        if self.part.as_ref().is_none_or(|(read, _)| *read != number) {
            let part = self.file.runtime.block_on(store::part(&self.file.db, self.file.id, number));
            let part = part.map_err(io::Error::other)?;
            let gone = || io::Error::new(io::ErrorKind::NotFound, "a piece of the file is gone");
            self.part = Some((number, part.ok_or_else(gone)?));
        }
        let bytes = self.part.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
        let from = usize::try_from(self.at % PART as u64).map_err(io::Error::other)?;
        let some = bytes.get(from..).unwrap_or_default();
        let length = some.len().min(buffer.len());
        buffer[..length].copy_from_slice(&some[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.file.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Takes the file away, in steps.
pub(super) async fn drop(site: &Site, id: i64) -> db::Result<()> {
    loop {
        let mut tx = site.db.begin().await?;
        let gone = store::drop_parts(&mut tx, id).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
    }
}

/// Takes its problems away, in steps.
pub(super) async fn drop_problems(site: &Site, id: i64) -> db::Result<()> {
    loop {
        let mut tx = site.db.begin().await?;
        let gone = store::drop_problems(&mut tx, id).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
    }
}

/// Why it does not go on now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stuck {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Its file cannot be read here and now.
    #[error(transparent)]
    File(#[from] io::Error),
}
