//! A ZIP with an export, or with Markdown files, in it (TRUST A9).
//!
//! The rule: nothing is unpacked but as a stream, of which no more comes than it says, and that is bounded. No path that a ZIP names is ever
//! opened.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::piece::{ArchiveError, MOST_FILES};
use crate::moving_in::AnyPlace;

/// What is unpacked of all of it, at most.
const MOST_UNPACKED: u64 = 2 * 1024 * 1024 * 1024;
/// Nothing that people write shrinks to less than that part of itself, once it is longer than [`SMALL`].
const MOST_RATIO: u64 = 200;
const SMALL: u64 = 4 * 1024 * 1024;
/// So much may be read to learn what is in it.
const CONTENTS: u64 = 12 * 1024 * 1024;

/// A ZIP that was looked at.
pub(super) struct Zip {
    zip: ZipArchive<Bounded>,
    files: Vec<(usize, String, u64)>,
    places: HashMap<usize, usize>,
}

impl Zip {
    /// Looks what there is, without unpacking any of it.
    pub fn of(file: Box<dyn AnyPlace>) -> Result<Self, ArchiveError> {
        let left = Arc::new(AtomicU64::new(CONTENTS));
        let mut zip = ZipArchive::new(Bounded { file, left: left.clone() }).map_err(why)?;
        if zip.len() > MOST_FILES {
            return Err(ArchiveError::TooManyFiles);
        }
        let (mut files, mut whole) = (Vec::new(), 0_u64);
        left.store(u64::MAX, Relaxed);
        for at in 0..zip.len() {
            let one = zip.by_index_raw(at).map_err(why)?;
            if one.is_dir() {
                continue;
            }
            if one.encrypted() {
                return Err(ArchiveError::Password);
            }
            let (packed, size) = (one.compressed_size(), one.size());
            whole = whole.saturating_add(size);
            if whole > MOST_UNPACKED || size > SMALL && size / MOST_RATIO > packed {
                return Err(ArchiveError::Bomb);
            }
            if !matches!(one.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                continue;
            }
            let name: String = one.name().map(|name| name.chars().take(500).collect()).unwrap_or_default();
            let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
            if !name.starts_with("__MACOSX/") && !last.starts_with('.') {
                files.push((at, name, size));
            }
        }
        files.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
        let places = files.iter().enumerate().map(|(place, (at, ..))| (*at, place)).collect();
        Ok(Self { zip, files, places })
    }

    /// Those whose names end so.
    pub fn named(&self, ends: &[&str]) -> Vec<usize> {
        let is_one = |name: &str| ends.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
        self.files.iter().filter(|(_, name, _)| is_one(name)).map(|(at, ..)| *at).collect()
    }

    /// What a file is called there, and its size.
    pub fn file(&self, at: usize) -> (&str, u64) {
        let found = self.places.get(&at).and_then(|place| self.files.get(*place));
        found.map(|(_, name, size)| (name.as_str(), *size)).unwrap_or_default()
    }

    /// A file of it, from its beginning: no more of it than it says.
    pub fn open(&mut self, at: usize) -> Result<impl Read + '_, ArchiveError> {
        let (_, size) = self.file(at);
        Ok(self.zip.by_index(at).map_err(why)?.take(size))
    }
}

fn why(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()) => {
            ArchiveError::TooManyFiles
        }
        ZipError::Io(error) => ArchiveError::of_reading(&error, ArchiveError::BrokenZip),
        ZipError::InvalidPassword => ArchiveError::Password,
        _ => ArchiveError::BrokenZip,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too much is said of what is in it")]
struct TooMuch;

/// Reads no more than it may.
struct Bounded {
    file: Box<dyn AnyPlace>,
    left: Arc<AtomicU64>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Relaxed);
        if left == 0 {
            return Err(io::Error::other(TooMuch));
        }
        let length = self.file.read(buffer)?;
        if left != u64::MAX {
            self.left.store(left.saturating_sub(length as u64), Relaxed);
        }
        Ok(length)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
