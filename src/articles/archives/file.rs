//! The file of an archive: kept in the database, piece by piece, so that any process can go on with it; or at hand, on a disk.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{runtime::Handle, sync::mpsc};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    piece::{MOST_FILES, Opens},
    rows::Archive,
    store,
};
use crate::{
    db::{self, Db},
    heavy,
    moving_in::AnyPlace,
    site::Site,
};

/// The bytes of a piece; the last one may have fewer.
const PART: usize = 128 * 1024;
/// A file of Markdown that is longer is left out.
const LONGEST_TEXT: u64 = 5 * 1024 * 1024;

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

/// One that is here, for a thread that may wait.
pub(super) fn kept(site: &Site, archive: &Archive) -> Opens {
    let (db, runtime) = (site.db.clone(), Handle::current());
    let (id, size) = (archive.id, u64::try_from(archive.size).unwrap_or_default());
    Arc::new(move || -> io::Result<Box<dyn AnyPlace>> {
        let (db, runtime) = (db.clone(), runtime.clone());
        Ok(Box::new(Kept { db, runtime, id, size, at: 0, part: None }))
    })
}

/// Somewhere in one that is here.
struct Kept {
    db: Db,
    runtime: Handle,
    id: i64,
    size: u64,
    at: u64,
    /// The piece that was read last, and its number.
    part: Option<(i64, Vec<u8>)>,
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let number = i64::try_from(self.at / PART as u64).map_err(io::Error::other)?;
        if self.part.as_ref().is_none_or(|(read, _)| *read != number) {
            let part =
                self.runtime.block_on(store::part(&self.db, self.id, number)).map_err(io::Error::other)?;
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

impl Seek for Kept {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
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

/// A file on a disk; a folder is what it is packed.
pub(super) fn on_disk(path: &Path) -> Opens {
    let path = path.to_owned();
    Arc::new(move || -> io::Result<Box<dyn AnyPlace>> {
        if path.is_dir() {
            let mut packed = Vec::new();
            pack(&path, &mut packed)?;
            return Ok(Box::new(io::Cursor::new(packed)));
        }
        Ok(Box::new(File::open(&path)?))
    })
}

/// A file on a disk, or a folder that is packed on the way, as it comes.
pub(super) fn sent(path: &Path) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(4);
    let path = path.to_owned();
    let read = move |to: &mpsc::Sender<io::Result<Vec<u8>>>| {
        let mut send = |bytes: Vec<u8>| to.blocking_send(Ok(bytes)).is_ok();
        let went = if path.is_dir() {
            pack(&path, &mut Sent(&mut send))
        } else {
            File::open(&path)
                .and_then(|mut file| io::copy(&mut file, &mut Sent(&mut send)))
                .map(std::mem::drop)
        };
        if let Err(error) = went {
            std::mem::drop(to.blocking_send(Err(error)));
        }
    };
    heavy::beside(sender, read, |ended| ended.map(|()| Vec::new()).map_err(io::Error::other));
    receiver
}

struct Sent<'a>(&'a mut dyn FnMut(Vec<u8>) -> bool);

impl Write for Sent<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match (self.0)(bytes.to_vec()) {
            true => Ok(bytes.len()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The Markdown files of a folder, and of those in it, as a ZIP.
fn pack(folder: &Path, to: &mut impl Write) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(to);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut files = Vec::new();
    texts(folder, 0, &mut files)?;
    files.sort();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        zip.start_file(name, options).map_err(io::Error::other)?;
        io::copy(&mut File::open(&file)?.take(LONGEST_TEXT + 1), &mut zip)?;
    }
    zip.finish().map_err(io::Error::other)?;
    Ok(())
}

/// No link is followed out of the folder.
fn texts(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < 16 {
            texts(&path, depth + 1, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "md" || end == "markdown") {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            return Err(io::Error::other(format!("it has more than {} files", MOST_FILES)));
        }
    }
    Ok(())
}
