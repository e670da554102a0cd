//! The file of an archive: kept in the database, piece by piece, so that any process can go on with it; or at hand, on a disk.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::mpsc;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    LARGEST_ARCHIVE, folder,
    piece::{MOST_FILES, Opens},
    rows::Archive,
    store,
};
use crate::{
    db, heavy,
    kept_file::{self, FileTable, KeptFile},
    moving_in::AnyPlace,
    pictures::LARGEST_PICTURE,
    site::Site,
};

/// Where it lies.
pub(super) const TABLE: FileTable =
    FileTable { add: store::ADD_PART, piece: store::PART, take_away: store::DROP_PARTS };
/// So much of a folder is packed: the largest archive, less what a ZIP says of it.
const MOST_PACKED: u64 = LARGEST_ARCHIVE - 64 * 1024 * 1024;
/// A file of Markdown that is longer is left out.
const LONGEST_TEXT: u64 = 5 * 1024 * 1024;

/// One that is here, for a thread that may wait.
pub(super) fn kept(site: &Site, archive: &Archive) -> Opens {
    let file = KeptFile::of(site, &TABLE, (archive.id, archive.size));
    Arc::new(move || -> io::Result<Box<dyn AnyPlace>> { Ok(Box::new(file.open())) })
}

/// Takes the file away, in steps.
pub(super) async fn drop(site: &Site, id: i64) -> db::Result<()> {
    kept_file::take_away(site, &TABLE, id).await
}

/// A file on a disk; a folder is what it is packed.
pub(super) fn on_disk(path: &Path) -> Opens {
    let path = path.to_owned();
    Arc::new(move || -> io::Result<Box<dyn AnyPlace>> {
        if path.is_dir() {
            let mut packed = Vec::new();
            pack(&path, &mut packed, Pictures::Names)?;
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
            pack(&path, &mut Sent(&mut send), Pictures::Whole)
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

/// What is packed of the pictures of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pictures {
    /// That they are there.
    Names,
    Whole,
}

/// The Markdown files of a folder and of those in it, and then its pictures, as a ZIP.
fn pack(folder: &Path, to: &mut impl Write, wanted: Pictures) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(to);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let (mut texts, mut pictures) = (Vec::new(), Vec::new());
    found(folder, 0, (&mut texts, &mut pictures))?;
    texts.sort();
    pictures.sort();
    let (mut all, as_it_is) = (0, SimpleFileOptions::default().compression_method(CompressionMethod::Stored));
    let name = |file: &Path| file.strip_prefix(folder).unwrap_or(file).to_string_lossy().replace('\\', "/");
    for file in texts {
        zip.start_file(name(&file), options).map_err(io::Error::other)?;
        all += io::copy(&mut File::open(&file)?.take(LONGEST_TEXT + 1), &mut zip)?;
    }
    for file in pictures {
        let size = file.metadata()?.len();
        // What is left out is named by the article that shows it.
        if size > LARGEST_PICTURE as u64 || all + size > MOST_PACKED {
            continue;
        }
        all += size;
        zip.start_file(name(&file), as_it_is).map_err(io::Error::other)?;
        if wanted == Pictures::Whole {
            io::copy(&mut File::open(&file)?.take(size), &mut zip)?;
        }
    }
    zip.finish().map_err(io::Error::other)?;
    Ok(())
}

/// No link is followed out of the folder.
fn found(
    folder: &Path,
    depth: usize,
    (files, pictures): (&mut Vec<PathBuf>, &mut Vec<PathBuf>),
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() && depth < 16 {
            found(&path, depth + 1, (files, pictures))?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "md" || end == "markdown") {
            files.push(path);
        } else if kind.is_file() && is_picture(&path) {
            pictures.push(path);
        }
        if files.len() + pictures.len() > MOST_FILES {
            return Err(io::Error::other(format!("it has more than {} files", MOST_FILES)));
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    folder::PICTURES.iter().any(|end| name.ends_with(end))
}
