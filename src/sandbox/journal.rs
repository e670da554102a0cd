//! Files that only grow. What stands in them survives the death of the process, at any moment.
//!
//! The rule: a line is handed to the operating system before anybody is told that it happened. There is no fsync, because
//! the sandbox must outlive a killed process, not a machine without power.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::private;

/// A file of JSON values, one a line.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// Opens the file, and gives what stands in it to `each`, in order.
    ///
    /// A last line without its end was never acknowledged: it is cut off, so that the next one does not join it.
    pub(super) fn open<T: DeserializeOwned>(path: &Path, mut each: impl FnMut(T)) -> io::Result<Self> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            each(serde_json::from_slice(line).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
            })?);
        }
        let mut file = private::options().create(true).truncate(false).write(true).open(path)?;
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file })
    }

    /// Appends one value as one line.
    pub(super) fn append(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

/// A file of raw bytes: each piece is found again by its offset and length.
#[derive(Debug)]
pub(super) struct RawFile {
    write: File,
    end: u64,
}

impl RawFile {
    /// Opens the file for appending.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut write = private::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let end = write.seek(SeekFrom::End(0))?;
        Ok(Self { write, end })
    }

    /// Appends the bytes and tells where they begin.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let start = self.end;
        self.write.seek(SeekFrom::Start(start))?;
        self.write.write_all(bytes)?;
        self.end = start + bytes.len() as u64;
        Ok(start)
    }

    /// The `length` bytes that begin at `offset`.
    pub(super) fn read(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.write.seek(SeekFrom::Start(offset))?;
        self.write.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::tests::Scratch;

    #[test]
    fn a_line_cut_off_by_a_kill_is_forgotten_and_the_next_one_stands_alone() {
        let scratch = Scratch::new();
        let path = scratch.path().join("journal");
        fs::write(&path, b"1\n2\n3").unwrap();
        let mut seen: Vec<i64> = Vec::new();
        let mut journal = Journal::open(&path, |n| seen.push(n)).unwrap();
        assert_eq!(seen, [1, 2]);
        journal.append(&4).unwrap();
        let mut again: Vec<i64> = Vec::new();
        Journal::open(&path, |n| again.push(n)).unwrap();
        assert_eq!(again, [1, 2, 4]);
    }

    #[test]
    fn raw_bytes_come_back_as_they_were() {
        let scratch = Scratch::new();
        let path = scratch.path().join("raw");
        let mut raw = RawFile::open(&path).unwrap();
        raw.append(b"first").unwrap();
        let at = raw.append(b"\0\r\n\xff").unwrap();
        let mut raw = RawFile::open(&path).unwrap();
        assert_eq!(raw.read(at, 4).unwrap(), b"\0\r\n\xff");
        assert_eq!(raw.append(b"x").unwrap(), 9);
    }
}
