//! Files that are sealed if there is a key.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use crate::{private, sealed_file};

/// Writes into a file that is there, sealed if there is a key.
pub(super) fn keep(from: &mut dyn Read, key: Option<&[u8]>, to: &Path) -> io::Result<()> {
    let mut from = from;
    let mut to = io::BufWriter::new(private::options().write(true).truncate(true).open(to)?);
    match key {
        Some(key) => sealed_file::seal(key, &mut from, &mut to)?,
        None => drop(io::copy(&mut from, &mut to)?),
    }
    to.flush()
}

/// Reads what [`keep`] wrote.
pub(super) fn bring(from: &Path, key: Option<&[u8]>, to: &mut dyn Write) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, to);
    match key {
        Some(key) => sealed_file::open(key, &mut from, &mut to)?,
        None => drop(io::copy(&mut from, &mut to)?),
    }
    to.flush()
}
