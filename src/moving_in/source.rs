//! Where a list comes from: a file on a disk, in the database, in memory.

use std::io::{self, Read, Seek};

/// A file in which one can go back.
pub trait AnyPlace: Read + Seek + Send {}

impl<T: Read + Seek + Send> AnyPlace for T {}

/// A file that can be read from its beginning as often as needed.
pub trait TableSource: Sync {
    /// From its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;

    /// The same, for going back and forth in it, as archives and spreadsheets are read; none where that cannot be.
    ///
    /// # Errors
    /// When it cannot be read.
    fn open_anywhere(&self) -> io::Result<Option<Box<dyn AnyPlace>>> {
        Ok(None)
    }

    /// What it is called; may be empty.
    fn name(&self) -> String {
        String::new()
    }
}

impl TableSource for &[u8] {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.to_vec())))
    }

    fn open_anywhere(&self) -> io::Result<Option<Box<dyn AnyPlace>>> {
        Ok(Some(Box::new(io::Cursor::new(self.to_vec()))))
    }
}
