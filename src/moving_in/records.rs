//! The lines of a file, one by one, whatever ends them.
//!
//! A quotation mark that is never closed swallows what comes after it: it is told with the line it stands in, and nothing is
//! taken from the file.

use std::io::{self, BufRead as _, BufReader, Read};

use super::{
    encoding,
    packed::{PackedError, WithinFile},
};

/// More than that is no line of a list of readers.
const LONGEST: usize = 1024 * 1024;
/// A table with more columns is none.
const MOST_COLUMNS: usize = 1_000;

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It has no headings, or none that is understood.
    #[error(
        "the file has no column called email (or E-Mail, Mail, Email address); its first line must name the columns. It names: {0}"
    )]
    NoEmailColumn(String),
    /// The first line is a reader.
    #[error("the first line of the file must name the columns, such as: email,name")]
    NoHeadings,
    /// A quotation mark is not closed again.
    #[error(
        "the quotation mark that is opened in line {line} is never closed, so lines {line} to {to} are one cell. Put the mark right and try again"
    )]
    Unclosed {
        /// Where it is opened.
        line: u64,
        /// The last line that it swallowed.
        to: u64,
    },
    /// The headings go on for ever.
    #[error("the first line of the file has more than {MOST_COLUMNS} columns")]
    TooManyColumns,
    /// Somebody chose a column that is not there.
    #[error("the file has no column {0}")]
    NoSuchColumn(String),
    /// Two columns are to be the same.
    #[error("two columns are to be {0}: choose one")]
    Twice(&'static str),
    /// It is packed in a way that is not read.
    #[error(transparent)]
    Packed(#[from] PackedError),
    /// Of one of several tables in an archive.
    #[error("in {0}: {1}")]
    Within(String, Box<TableError>),
    /// The file cannot be read.
    #[error(transparent)]
    File(io::Error),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<PackedError>() {
            Ok(packed) => Self::Packed(packed),
            Err(error) => Self::File(error),
        }
    }
}

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it begins, from 1.
    pub line: u64,
    /// Where it ends.
    pub to: u64,
    pub cells: Vec<String>,
    /// It is too long to be read, and its cells are not here.
    pub is_too_long: bool,
    /// Nothing stands in it, as in the empty rows of a spreadsheet.
    pub is_empty: bool,
    /// Where it stands in an archive.
    pub within: Option<WithinFile>,
    /// Columns of its table, by their places, before which it ends: a line of a text that is cut off, or from which something is missing.
    pub missing: Vec<usize>,
}

/// All of them, in their order.
pub(super) struct Records {
    text: BufReader<Box<dyn Read + Send>>,
    delimiter: u8,
    /// A backslash before a quotation mark keeps it one.
    is_escaped: bool,
    /// Each cell stands in quotation marks, as we put them there.
    is_ours: bool,
    /// The line that comes next.
    line: u64,
}

#[derive(PartialEq, Eq)]
enum Place {
    /// Before anything of a cell.
    Start,
    Plain,
    Quoted,
    /// Behind a mark that may close.
    Closed,
}

impl Records {
    /// Of a file, from its beginning.
    pub fn of(file: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut text = encoding::text(file)?;
        let named = encoding::named_delimiter(&mut text)?;
        let delimiter = match named {
            Some(delimiter) => delimiter,
            None => encoding::delimiter(text.fill_buf()?),
        };
        Ok(Self { text, delimiter, is_escaped: false, is_ours: false, line: 1 + u64::from(named.is_some()) })
    }

    /// Of a sheet.
    pub fn of_sheet(lines: Box<dyn Read + Send>) -> Self {
        let text = BufReader::new(lines);
        Self { text, delimiter: b',', is_escaped: false, is_ours: true, line: 1 }
    }

    /// Whether a line that ends before its last column lacks something: a spreadsheet keeps no empty cells.
    pub const fn are_whole(&self) -> bool {
        !self.is_ours
    }

    /// Whether a backslash before a quotation mark keeps it one.
    pub const fn set_escaped(&mut self, is_escaped: bool) {
        self.is_escaped = is_escaped && !self.is_ours;
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.text.fill_buf()?.first().copied())
    }

    fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        self.text.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// What stands in the middle of a cell up to the next sign that may mean something; how much that is.
    fn take_plain(&mut self, place: &Place, cell: &mut Vec<u8>) -> io::Result<usize> {
        let delimiter = self.delimiter;
        let some = self.text.fill_buf()?;
        let means = |byte: &u8| match place {
            Place::Plain => matches!(byte, b'\r' | b'\n') || *byte == delimiter,
            Place::Quoted => matches!(byte, b'"' | b'\\' | b'\r' | b'\n'),
            Place::Start | Place::Closed => true,
        };
        let length = some.iter().position(means).unwrap_or(some.len());
        cell.extend_from_slice(&some[..length]);
        self.text.consume(length);
        Ok(length)
    }

    /// The rest of the end of a line whose first byte was taken.
    fn end_line(&mut self, byte: u8) -> io::Result<()> {
        if byte == b'\r' && self.peek()? == Some(b'\n') {
            self.text.consume(1);
        }
        self.line += 1;
        Ok(())
    }

    /// The next line that is not empty.
    ///
    /// # Errors
    /// [`TableError::Unclosed`]; when the file cannot be read.
    pub fn next(&mut self) -> Result<Option<Record>, TableError> {
        loop {
            match self.one()? {
                Some(record) if record.is_empty => {}
                record => return Ok(record),
            }
        }
    }

    fn one(&mut self) -> Result<Option<Record>, TableError> {
        let line = self.line;
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let (mut cells, mut cell, mut place) = (Vec::new(), Vec::new(), Place::Start);
        let (mut length, mut opened, mut after, mut is_too_long) = (0_usize, line, 0_usize, false);
        let mut is_empty = true;
        loop {
            if !is_too_long {
                length += self.take_plain(&place, &mut cell)?;
            }
            let Some(byte) = self.take()? else {
                if place == Place::Quoted {
                    let to = if cell.last() == Some(&b'\n') { self.line - 1 } else { self.line };
                    return Err(TableError::Unclosed { line: opened, to: to.max(opened) });
                }
                cells.push(told(&mut cell, &place));
                return Ok(Some(Record {
                    line,
                    to: self.line,
                    cells,
                    is_too_long,
                    is_empty,
                    within: None,
                    missing: Vec::new(),
                }));
            };
            length += 1;
            if length > LONGEST || cells.len() >= MOST_COLUMNS {
                if place == Place::Quoted {
                    return Err(TableError::Unclosed { line: opened, to: self.line });
                }
                (is_too_long, is_empty) = (true, false);
                cell.clear();
            }
            if place == Place::Quoted {
                match byte {
                    b'\\' if self.is_escaped && self.peek()? == Some(b'"') => {
                        self.text.consume(1);
                        cell.push(b'"');
                    }
                    b'"' if self.peek()? == Some(b'"') => {
                        self.text.consume(1);
                        cell.push(b'"');
                    }
                    b'"' => (place, after) = (Place::Closed, 0),
                    b'\r' | b'\n' => {
                        self.end_line(byte)?;
                        cell.push(b'\n');
                    }
                    byte => cell.push(byte),
                }
                continue;
            }
            match byte {
                b'\r' | b'\n' => {
                    let to = self.line;
                    self.end_line(byte)?;
                    cells.push(told(&mut cell, &place));
                    return Ok(Some(Record {
                        line,
                        to,
                        cells,
                        is_too_long,
                        is_empty,
                        within: None,
                        missing: Vec::new(),
                    }));
                }
                byte if byte == self.delimiter => {
                    if !is_too_long {
                        cells.push(told(&mut cell, &place));
                    }
                    place = Place::Start;
                }
                b' ' if place == Place::Closed => after += 1,
                byte if place == Place::Closed => {
                    // What follows belongs to it, as in `"Lee, Ann" <ann@example.org>`.
                    cell.resize(cell.len() + after, b' ');
                    cell.push(byte);
                    place = Place::Plain;
                }
                b' ' if place == Place::Start => {}
                b'"' if place == Place::Start => {
                    (place, opened, is_empty) = (Place::Quoted, self.line, false);
                }
                byte if !is_too_long => {
                    cell.push(byte);
                    (place, is_empty) = (Place::Plain, false);
                }
                _ => {}
            }
        }
    }
}

fn told(cell: &mut Vec<u8>, place: &Place) -> String {
    let words = encoding::words(std::mem::take(cell));
    match place {
        Place::Closed => words,
        _ => words.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>, TableError> {
        let mut records = Records::of(Box::new(io::Cursor::new(text.to_owned().into_bytes())))?;
        let mut all = Vec::new();
        while let Some(record) = records.next()? {
            all.push((record.line, record.cells));
        }
        Ok(all)
    }

    fn rows(rows: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
        rows.iter()
            .map(|(line, cells)| (*line, cells.iter().map(|&cell| cell.to_owned()).collect()))
            .collect()
    }

    /// TRUST A29: whatever ends the lines, and whatever stands between the columns.
    #[test]
    fn lines_end_as_they_like() {
        for end in ["\n", "\r\n", "\r"] {
            let text =
                ["email , name", "a@example.org, Ann ", "", "b@example.org,\"Bob", "Lee\"", "c@example.org"]
                    .join(end);
            let seen = read(&text).expect("it is in order");
            assert_eq!(
                seen,
                rows(&[
                    (1, &["email", "name"]),
                    (2, &["a@example.org", "Ann"]),
                    (4, &["b@example.org", "Bob\nLee"]),
                    (6, &["c@example.org"])
                ]),
                "{end:?}"
            );
        }
        assert_eq!(read("sep=;\na;b\n1;2").expect("in order"), rows(&[(2, &["a", "b"]), (3, &["1", "2"])]));
    }

    #[test]
    fn quotation_marks_are_taken_as_they_were_meant() {
        let text = "a,b\n\"Lee, \"\"Ann\"\" \",5\" pipe\n \"x\" , \"He said \"no\" twice\"\n";
        assert_eq!(
            read(text).expect("in order"),
            rows(&[
                (1, &["a", "b"]),
                (2, &["Lee, \"Ann\" ", "5\" pipe"]),
                (3, &["x", "He said no\" twice\""])
            ])
        );
    }

    /// TRUST A29: a mark that is never closed is told with its line and what it swallowed, at the end of the file or before.
    #[test]
    fn an_unclosed_mark_is_told_with_its_line() {
        let error = read("email,name\n\"a@example.org,Ann\nb@example.org,Bob\nc@example.org,Cy\n")
            .expect_err("no end");
        assert!(matches!(error, TableError::Unclosed { line: 2, to: 4 }), "{error:?}");
        let long = format!("email\n\"a@example.org\n{}", "b@example.org\n".repeat(100_000));
        assert!(matches!(read(&long).expect_err("no end"), TableError::Unclosed { line: 2, .. }));
    }

    /// TRUST A29: a line of ten megabytes, and one of a million columns, is left out; what comes after it is read.
    #[test]
    fn a_line_without_end_is_left_out() {
        for long in ["x".repeat(10_000_000), "x,".repeat(1_000_000)] {
            let mut records = Records::of(Box::new(io::Cursor::new(
                format!("email\n{long}\na@example.org\n").into_bytes(),
            )))
            .expect("a file");
            assert_eq!(records.next().expect("a line").expect("a line").cells, ["email"]);
            assert!(records.next().expect("a line").expect("a line").is_too_long);
            assert_eq!(records.next().expect("a line").expect("a line").cells, ["a@example.org"]);
        }
    }
}
