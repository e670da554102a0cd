//! A file that lies in the database piece by piece, so that any process can go on with it: how it arrives, how it is read, how it goes.
//!
//! The rule: whose file it is says in which table it lies, by three statements of its own store; a table has a row for each piece, by the
//! number of what it belongs to and its own. Reading waits for the database, so it is done on a thread that may wait.

use std::io::{self, Read, Seek, SeekFrom};

use tokio::runtime::Handle;

use crate::{
    db::{self, Db, Sql},
    site::Site,
};

/// The bytes of a piece; the last one may have fewer.
pub const PIECE: usize = 128 * 1024;

/// Where files of one kind lie.
#[derive(Debug)]
pub struct FileTable {
    /// Adds a piece: whose it is, its number, its bytes, and when.
    pub add: Sql,
    /// The bytes of a piece: whose it is, and its number.
    pub piece: Sql,
    /// Takes some of the pieces away: whose they are.
    pub take_away: Sql,
}

/// A file that arrives.
#[derive(Debug)]
pub struct ArrivingFile {
    table: &'static FileTable,
    id: i64,
    number: i64,
    size: u64,
    rest: Vec<u8>,
}

impl ArrivingFile {
    /// Nothing of it is here yet; `id` is what it belongs to.
    #[must_use]
    pub fn new(table: &'static FileTable, id: i64) -> Self {
        Self { table, id, number: 0, size: 0, rest: Vec::with_capacity(PIECE) }
    }

    /// How many bytes came.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// More of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push(&mut self, site: &Site, mut bytes: &[u8]) -> db::Result<()> {
        while !bytes.is_empty() {
            let (some, more) = bytes.split_at(bytes.len().min(PIECE - self.rest.len()));
            self.rest.extend_from_slice(some);
            self.size += some.len() as u64;
            bytes = more;
            if self.rest.len() == PIECE {
                self.keep(site).await?;
            }
        }
        Ok(())
    }

    /// Keeps what is left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(&mut self, site: &Site) -> db::Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let mut tx = site.db.begin().await?;
        tx.exec(self.table.add, (self.id, self.number, self.rest.as_slice(), site.now())).await?;
        tx.commit().await?;
        self.number += 1;
        self.rest.clear();
        Ok(())
    }
}

/// A file that is here. A clone is a handle on the same one.
#[derive(Clone, Debug)]
pub struct KeptFile {
    db: Db,
    table: &'static FileTable,
    id: i64,
    size: u64,
    runtime: Handle,
}

impl KeptFile {
    /// The file of that number, of so many bytes; called where there is a runtime, read where there is none.
    #[must_use]
    pub fn of(site: &Site, table: &'static FileTable, (id, size): (i64, i64)) -> Self {
        let size = u64::try_from(size).unwrap_or_default();
        Self { db: site.db.clone(), table, id, size, runtime: Handle::current() }
    }

    /// Its beginning.
    #[must_use]
    pub fn open(&self) -> KeptFileReader {
        KeptFileReader { file: self.clone(), at: 0, piece: None }
    }
}

/// Somewhere in a file that is here.
#[derive(Debug)]
pub struct KeptFileReader {
    file: KeptFile,
    at: u64,
    /// The piece that was read last, and its number.
    piece: Option<(i64, Vec<u8>)>,
}

impl KeptFileReader {
    fn piece(&mut self) -> io::Result<&[u8]> {
        let number = i64::try_from(self.at / PIECE as u64).map_err(io::Error::other)?;
        if self.piece.as_ref().is_none_or(|(read, _)| *read != number) {
            let KeptFile { db, table, id, runtime, .. } = &self.file;
            let found = runtime.block_on(db.opt::<(Vec<u8>,)>(table.piece, (*id, number)));
            let found = found.map_err(|error| io::Error::other(NotNow(error)))?;
            let gone = || io::Error::new(io::ErrorKind::NotFound, "a piece of the file is gone");
            self.piece = Some((number, found.ok_or_else(gone)?.0));
        }
        Ok(self.piece.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default())
    }
}

impl Read for KeptFileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.file.size || buffer.is_empty() {
            return Ok(0);
        }
        let from = usize::try_from(self.at % PIECE as u64).map_err(io::Error::other)?;
        let some = self.piece()?.get(from..).unwrap_or_default();
        let length = some.len().min(buffer.len());
        buffer[..length].copy_from_slice(&some[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for KeptFileReader {
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

/// The database did not give a piece.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NotNow(sqlx::Error);

/// Whether a file could not be read for the database's sake alone, so that nothing is said of the file.
#[must_use]
pub fn is_of_the_database(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<NotNow>())
}

/// Takes a file away, in steps.
///
/// # Errors
/// When the database fails; what went is gone.
pub async fn take_away(site: &Site, table: &FileTable, id: i64) -> db::Result<()> {
    loop {
        let mut tx = site.db.begin().await?;
        let gone = tx.exec(table.take_away, (id,)).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
    }
}
