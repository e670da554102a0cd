//! What a list comes packed in: gzip, or a ZIP with several tables.
//!
//! The rule: nothing is unpacked but as a stream, of which no more comes than its sizes say, and its sizes are bounded. No path that an
//! archive names is ever opened; an archive within an archive is not read. Whatever is wrong with one ends in a sentence.

use std::{
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    sync::Arc,
};

use flate2::{
    Crc,
    read::{DeflateDecoder, MultiGzDecoder},
};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::source::AnyPlace;

/// No more than that is unpacked of a file, in bytes.
pub(super) const MOST_UNPACKED: u64 = 1024 * 1024 * 1024;
/// Nothing that people write shrinks to less than that part of itself, once it is longer than [`SMALL`].
const MOST_RATIO: u64 = 200;
const SMALL: u64 = 8 * 1024 * 1024;
const MOST_FILES: usize = 1_000;
/// Each is open while the others are read.
const MOST_TABLES: usize = 20;
/// So much may be read of an archive to learn what is in it.
const CONTENTS: u64 = 4 * 1024 * 1024;
const BEGINNING: u64 = 64 * 1024;
const MB: u64 = 1024 * 1024;

/// Why what a list is packed in is not read, in words for whoever packed it.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    #[error(
        "the file is an archive that is broken, or did not arrive whole: pack it again, or bring in the tables in it one by one"
    )]
    Broken,
    #[error("what is in the file is longer than {} MB: bring it in in parts", MOST_UNPACKED / MB)]
    TooLarge,
    #[error(
        "the file unpacks to more than {MOST_RATIO} times its size, which no list of readers does: bring in the tables in it unpacked"
    )]
    TooDense,
    #[error(
        "the archive has more than {MOST_FILES} files in it: pack only the tables, or bring them in one by one"
    )]
    TooManyFiles,
    #[error("the archive has more than {MOST_TABLES} tables in it: bring them in one by one")]
    TooManyTables,
    #[error("the archive has no table in it whose name ends in .csv, .tsv or .txt")]
    NoTable,
    #[error("the archive needs a password: unpack it, and bring in the tables in it")]
    Password,
    #[error("the archive is packed in a way that is not read here: unpack it, and bring in the tables in it")]
    Method,
    #[error("{0} is an archive within an archive: unpack it, and bring in what is in it")]
    Nested(String),
    #[error("the archive cannot be read from a pipe: bring it in as a file")]
    Pipe,
    #[error(
        "this is a spreadsheet in an old or binary form, or one with a password: save it as .xlsx without a password, or as CSV"
    )]
    OldSheet,
    #[error("this is a spreadsheet in the form of OpenDocument: save it as .xlsx, or as CSV")]
    OpenDocument,
    #[error("the spreadsheet cannot be read: save it again as .xlsx, or as CSV")]
    Sheet,
    #[error(
        "beside the list there is {0} in the file, which seems to name people who are not to be mailed and would not be read: save it as a file of its own and bring it in, and this one without it"
    )]
    Beside(String),
    #[error("the spreadsheet has no sheet that can be seen with rows in it")]
    NoSheet,
    #[error("the spreadsheet is too large to be read as one, or holds a cell that is: save it as CSV")]
    LargeSheet,
    #[error("the spreadsheet has more than 1,000 columns: take out what is not needed, or save it as CSV")]
    WideSheet,
    #[error(
        "the spreadsheet has cells that are computed and hold no result: open it in your spreadsheet program, save it, and bring it in again"
    )]
    NoResult,
}

impl From<PackedError> for io::Error {
    fn from(error: PackedError) -> Self {
        Self::other(error)
    }
}

impl From<ZipError> for PackedError {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::InvalidPassword => Self::Password,
            ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => Self::Method,
            _ => Self::Broken,
        }
    }
}

/// A file, or something in one, from its beginning.
pub(super) type Stream = Box<dyn Read + Send>;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Gzip,
    Zip,
    /// An older form of spreadsheets, or one with a password.
    Old,
}

/// What a file is, and the file from its beginning.
pub(super) fn kind(mut file: Stream) -> io::Result<(Kind, Stream)> {
    let mut first = Vec::new();
    // What stands between the columns is judged by the first line: it is read whole, however the bytes come.
    file.by_ref().take(BEGINNING).read_to_end(&mut first)?;
    let kind = match first.as_slice() {
        [0x1f, 0x8b, 8, ..] => Kind::Gzip,
        // Of an empty archive there is the end alone.
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Kind::Zip,
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Kind::Old,
        _ => Kind::Text,
    };
    Ok((kind, Box::new(io::Cursor::new(first).chain(file))))
}

/// What reads of something packed tell when it is broken; a file that cannot be read stays that.
fn broken(error: io::Error) -> io::Error {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | UnexpectedEof => PackedError::Broken.into(),
        _ => error,
    }
}

/// How much was read.
struct Counted {
    file: Stream,
    read: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.read += length as u64;
        Ok(length)
    }
}

/// Of a file that is packed by itself.
pub(super) struct Gunzipped {
    packed: MultiGzDecoder<Counted>,
    came: u64,
}

impl Gunzipped {
    /// From its beginning.
    pub fn of(file: Stream) -> Self {
        Self { packed: MultiGzDecoder::new(Counted { file, read: 0 }), came: 0 }
    }
}

impl Read for Gunzipped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.packed.read(buffer).map_err(broken)?;
        self.came += length as u64;
        if self.came > MOST_UNPACKED {
            return Err(PackedError::TooLarge.into());
        }
        if self.came > SMALL && self.came / MOST_RATIO > self.packed.get_ref().read {
            return Err(PackedError::TooDense.into());
        }
        Ok(length)
    }
}

/// Something in an archive: never more, and never otherwise, than the archive says.
struct Unpacked {
    from: Stream,
    left: u64,
    sum: Crc,
    expected: u32,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer).map_err(broken)?;
        self.sum.update(&buffer[..length]);
        let left = self.left.checked_sub(length as u64).ok_or(PackedError::Broken)?;
        self.left = left;
        if length == 0 && !buffer.is_empty() && (left > 0 || self.sum.sum() != self.expected) {
            return Err(PackedError::Broken.into());
        }
        Ok(length)
    }
}

/// Reads no more than it may.
struct Bounded {
    file: Box<dyn AnyPlace>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(PackedError::TooManyFiles.into());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let length = self.file.read(&mut buffer[..most])?;
        self.left -= length as u64;
        Ok(length)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// What is in an archive.
pub(super) struct Archive {
    pub files: Vec<Packed>,
}

/// A file in it.
#[derive(Clone)]
pub(super) struct Packed {
    /// As the archive names it: for looking at, never for opening.
    pub path: String,
    begins: u64,
    packed: u64,
    pub size: u64,
    sum: u32,
    is_deflated: bool,
}

impl Archive {
    /// Looks what there is, without unpacking any of it.
    pub fn of(file: Box<dyn AnyPlace>) -> io::Result<Self> {
        let mut zip = ZipArchive::new(Bounded { file, left: CONTENTS }).map_err(why)?;
        if zip.len() > MOST_FILES {
            return Err(PackedError::TooManyFiles.into());
        }
        let mut files = Vec::new();
        let mut whole = 0_u64;
        for at in 0..zip.len() {
            let one = zip.by_index_raw(at).map_err(why)?;
            if one.is_dir() {
                continue;
            }
            if one.encrypted() {
                return Err(PackedError::Password.into());
            }
            let is_deflated = match one.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                _ => return Err(PackedError::Method.into()),
            };
            let (packed, size) = (one.compressed_size(), one.size());
            whole = whole.saturating_add(size);
            if whole > MOST_UNPACKED {
                return Err(PackedError::TooLarge.into());
            }
            if size > SMALL && size / MOST_RATIO > packed {
                return Err(PackedError::TooDense.into());
            }
            let path = one.name().map(|name| name.chars().take(200).collect()).unwrap_or_default();
            let begins = one.data_start().ok_or(PackedError::Broken)?;
            files.push(Packed { path, begins, packed, size, sum: one.crc32(), is_deflated });
        }
        Ok(Self { files })
    }

    /// Whether there is a file of that name in it.
    pub fn has(&self, path: &str) -> bool {
        self.files.iter().any(|one| one.path.eq_ignore_ascii_case(path))
    }

    /// The tables among them, and what else there is.
    pub fn tables(&self) -> Result<(Vec<&Packed>, Vec<String>), PackedError> {
        let seen = self.files.iter().filter(|one| !one.is_of_a_system());
        let (mut tables, mut others): (Vec<&Packed>, Vec<&Packed>) =
            seen.partition(|one| one.ends_in(&[".csv", ".tsv"]));
        if tables.is_empty() {
            (tables, others) = others.into_iter().partition(|one| one.ends_in(&[".txt"]));
        }
        if tables.is_empty() {
            let nested =
                others.iter().find(|one| one.ends_in(&[".zip", ".gz", ".xlsx", ".xls", ".tgz", ".7z"]));
            return Err(nested.map_or(PackedError::NoTable, |one| PackedError::Nested(one.name())));
        }
        if tables.len() > MOST_TABLES {
            return Err(PackedError::TooManyTables);
        }
        Ok((tables, others.iter().map(|one| one.name()).collect()))
    }
}

/// What an archive could not be read for: a file that cannot be read stays that.
fn why(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => broken(error),
        error => PackedError::from(error).into(),
    }
}

impl Packed {
    /// Without its folders.
    pub fn name(&self) -> String {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        name.chars().filter(|c| !c.is_control()).collect()
    }

    /// What an operating system adds by itself.
    fn is_of_a_system(&self) -> bool {
        self.path.starts_with("__MACOSX/") || self.name().starts_with('.') || self.name() == "Thumbs.db"
    }

    fn ends_in(&self, ends: &[&str]) -> bool {
        let name = self.name().to_lowercase();
        ends.iter().any(|end| name.ends_with(end))
    }

    /// It, from its beginning.
    pub fn open(&self, mut file: Box<dyn AnyPlace>) -> io::Result<Stream> {
        file.seek(SeekFrom::Start(self.begins))?;
        let packed = file.take(self.packed);
        let from: Stream =
            if self.is_deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
        Ok(Box::new(Unpacked { from, left: self.size, sum: Crc::new(), expected: self.sum }))
    }
}

/// Where a line stands that came out of an archive: the file, and the line in it.
pub type WithinFile = (Arc<str>, u64);

/// Reads to the end, in pieces.
pub(super) fn pieces(
    stream: Stream,
    mut each: impl FnMut(&[u8]) -> Result<(), PackedError>,
) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    loop {
        let piece = stream.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        each(piece)?;
        let length = piece.len();
        stream.consume(length);
    }
}
