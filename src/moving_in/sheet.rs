//! The first sheet of a spreadsheet (.xlsx), as the lines of a table: numbers, days and words as people read them, of what is computed the
//! result.
//!
//! The rule: it is looked through before the library reads it, so that nothing in it makes the library hold more than a bounded part in
//! memory; the library reads on a thread of its own, where whatever it breaks on costs this file alone.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use super::{
    packed::{Archive, PackedError, Stream, pieces},
    source::{AnyPlace, TableSource},
};
use crate::heavy;

/// All that is not a sheet: the texts of all sheets, above all, which are held in memory.
const MOST_TEXTS: u64 = 64 * 1024 * 1024;
/// No cell, and no tag of a sheet, is longer.
const LONGEST_CELL: u64 = 1024 * 1024;
/// Spreadsheets have no more rows than that.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: u32 = 1_000;
/// So many bytes of lines are given on at once.
const PIECE: usize = 32 * 1024;

/// Whether an archive is a spreadsheet that can be read here.
pub(super) fn is_sheet(archive: &Archive) -> Result<bool, PackedError> {
    if archive.has("xl/workbook.bin") {
        return Err(PackedError::OldSheet);
    }
    if archive.has("content.xml") && archive.has("META-INF/manifest.xml") {
        return Err(PackedError::OpenDocument);
    }
    Ok(archive.has("xl/workbook.xml") || archive.has("[Content_Types].xml") && archive.has("_rels/.rels"))
}

/// The lines of the first sheet that can be seen, with commas and quotation marks; its name, and those of the other sheets.
pub(super) fn lines(
    source: &impl TableSource,
    archive: &Archive,
) -> io::Result<(Stream, String, Vec<String>)> {
    let anywhere = || Ok::<_, io::Error>(source.open_anywhere()?.ok_or(PackedError::Pipe)?);
    let mut texts = 0_u64;
    for one in &archive.files {
        let mut looked = Looked { size: one.size, ..Looked::default() };
        pieces(one.open(anywhere()?)?, |piece| {
            looked.look(piece)?;
            texts += if looked.is_sheet { 0 } else { piece.len() as u64 };
            if texts > MOST_TEXTS { Err(PackedError::LargeSheet) } else { Ok(()) }
        })?;
        if looked.lacks_results {
            return Err(PackedError::NoResult.into());
        }
    }
    let file = anywhere()?;
    let (sender, receiver) = sync_channel(4);
    heavy::on_its_own(move || {
        let ended = read(file, &sender);
        drop(sender.send(ended.map_or_else(Said::Broke, |()| Said::End)));
    });
    let (name, others) = match receiver.recv() {
        Ok(Said::Others(name, others)) => (name, others),
        Ok(Said::Broke(error)) => return Err(error),
        _ => return Err(PackedError::Sheet.into()),
    };
    Ok((Box::new(Lines { receiver, piece: Vec::new(), at: 0, is_over: false }), name, others))
}

/// What is seen of a part on the way through it: any of them may be the sheet, or the texts, whatever it is called. It is taken apart as the
/// library does.
#[derive(Default)]
struct Looked {
    /// Of the whole part.
    size: u64,
    place: Place,
    /// Whether it begins as XML does; known once a byte of it is.
    is_markup: Option<bool>,
    /// The beginning of the tag that it is in, and how long that is.
    tag: Vec<u8>,
    length: u64,
    /// The last bytes.
    end: [u8; 11],
    /// Since the last cell or row began.
    since: u64,
    is_sheet: bool,
    is_behind: bool,
    is_in_cell: bool,
    is_computed: bool,
    is_text: bool,
    has_value_tag: bool,
    has_value: bool,
    is_value: bool,
    lacks_results: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    Tag,
    Quoted(u8),
    Comment,
    Data,
}

/// So much of a tag is kept.
const TAG: usize = 512;

impl Looked {
    fn look(&mut self, piece: &[u8]) -> Result<(), PackedError> {
        for &byte in piece {
            if self.is_markup.is_none() && !matches!(byte, 0xef | 0xbb | 0xbf) && !byte.is_ascii_whitespace()
            {
                self.is_markup = Some(byte == b'<');
            }
            self.end.rotate_left(1);
            self.end[10] = byte;
            if self.is_markup == Some(true) {
                self.take(byte)?;
            } else if self.end.ends_with(b"sheetData") || self.end.ends_with(b"uniqueCount") {
                // A picture has no such words, and the library would look for them in anything.
                return Err(PackedError::Sheet);
            }
        }
        // Behind the rows stand links and notes, which nobody reads here.
        let most = if self.is_sheet && !self.is_behind { LONGEST_CELL } else { MOST_TEXTS };
        if self.since > most { Err(PackedError::LargeSheet) } else { Ok(()) }
    }

    fn take(&mut self, byte: u8) -> Result<(), PackedError> {
        self.since += 1;
        match (self.place, byte) {
            (Place::Text, b'<') => {
                self.place = Place::Tag;
                self.tag.clear();
                self.length = 0;
            }
            (Place::Text, _) => self.has_value |= self.is_value && !byte.is_ascii_whitespace(),
            // The shortest is <!---->.
            (Place::Comment, b'>') if self.length >= 2 && self.end.ends_with(b"-->") => {
                self.place = Place::Text;
            }
            (Place::Data, b'>') if self.end.ends_with(b"]]>") => self.place = Place::Text,
            (Place::Comment, _) => self.length += 1,
            (Place::Data, _) => self.has_value |= self.is_value && !byte.is_ascii_whitespace(),
            (Place::Tag, b'>') if !self.tag.starts_with(b"?") || self.tag.ends_with(b"?") => {
                self.place = Place::Text;
                self.tag_ends()?;
            }
            (Place::Tag, b'"' | b'\'') if !self.tag.starts_with(b"?") => {
                self.place = Place::Quoted(byte);
                self.keep(byte);
            }
            (Place::Quoted(mark), byte) if mark == byte => {
                self.place = Place::Tag;
                self.keep(byte);
            }
            (Place::Tag | Place::Quoted(_), byte) => {
                self.keep(byte);
                match self.tag.as_slice() {
                    b"!--" => (self.place, self.length) = (Place::Comment, 0),
                    b"![CDATA[" => self.place = Place::Data,
                    tag if tag.starts_with(b"!")
                        && !b"!--".starts_with(tag)
                        && !b"![CDATA[".starts_with(tag) =>
                    {
                        // No program writes a document type, and one could hide any number of tags.
                        return Err(PackedError::Sheet);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// What is longer keeps its end as well, by which a declaration is known to be over.
    fn keep(&mut self, byte: u8) {
        self.length += 1;
        if self.tag.len() < TAG {
            self.tag.push(byte);
        } else {
            self.tag[TAG - 1] = byte;
        }
    }

    fn tag_ends(&mut self) -> Result<(), PackedError> {
        let is_end = self.tag.starts_with(b"/");
        let name =
            self.tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').find(|part| !part.is_empty());
        let name = name.unwrap_or_default().rsplit(|byte| *byte == b':').next().unwrap_or_default();
        let is_whole = self.tag.ends_with(b"/");
        match (name, is_end) {
            (b"sheetData", false) => (self.is_sheet, self.is_behind, self.since) = (true, is_whole, 0),
            (b"sheetData", true) => (self.is_behind, self.since) = (true, 0),
            (b"sst", false) if !self.has_room_for_texts() => return Err(PackedError::Sheet),
            _ if !self.is_sheet || self.is_behind => {}
            // A cell ends before the next, or nothing says how long it is.
            (b"c" | b"row", false) if self.is_in_cell => return Err(PackedError::Sheet),
            (b"c", false) => {
                let text = self.tag.windows(8).any(|part| part == b" t=\"str\"");
                (self.is_computed, self.is_text, self.has_value, self.has_value_tag) =
                    (false, text, false, false);
                (self.is_in_cell, self.since) = (!is_whole, 0);
            }
            (b"c", true) => {
                let has_result = if self.is_text { self.has_value_tag } else { self.has_value };
                self.lacks_results |= self.is_computed && !has_result;
                self.is_in_cell = false;
            }
            (b"row", false) => self.since = 0,
            (b"f", false) => self.is_computed = true,
            (b"v", end) => {
                self.has_value_tag = true;
                self.is_value = !end && !is_whole;
            }
            _ => {}
        }
        Ok(())
    }

    /// The library makes room for as many texts as a file says there are: no more than it has bytes.
    fn has_room_for_texts(&self) -> bool {
        let tag = String::from_utf8_lossy(&self.tag);
        let says = |(at, name): (usize, &str)| {
            let value = tag[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
            let quote = value.chars().next().filter(|mark| matches!(mark, '"' | '\''))?;
            value[1..].split(quote).next()?.parse::<u64>().ok()
        };
        self.length < TAG as u64
            && tag
                .match_indices("uniqueCount")
                .all(|found| says(found).is_some_and(|texts| texts <= self.size))
    }
}

/// What comes from the thread that reads.
enum Said {
    /// What the sheet is called that is read, and the others.
    Others(String, Vec<String>),
    Lines(Vec<u8>),
    End,
    Broke(io::Error),
}

/// What the library could not do. It tells a file that cannot be read as that.
fn broke(error: XlsxError) -> io::Error {
    match error {
        XlsxError::Io(error) if error.get_ref().is_some() => error,
        XlsxError::Password => PackedError::OldSheet.into(),
        _ => PackedError::Sheet.into(),
    }
}

/// Nobody listens any more.
fn gone<T>(_: T) -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

fn read(file: Box<dyn AnyPlace>, to: &SyncSender<Said>) -> io::Result<()> {
    let mut book: Xlsx<_> = Xlsx::new(io::BufReader::with_capacity(PIECE, file)).map_err(broke)?;
    let is_seen = |sheet: &&calamine::Sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    };
    let sheets = book.sheets_metadata();
    let first = sheets.iter().find(is_seen).ok_or(PackedError::NoSheet)?.name.clone();
    let others = sheets.iter().filter(|sheet| sheet.name != first).take(200);
    let others =
        others.map(|sheet| format!("the sheet “{}”", sheet.name.chars().take(60).collect::<String>()));
    to.send(Said::Others(first.clone(), others.collect())).map_err(gone)?;
    let mut cells = book.worksheet_cells_reader(&first).map_err(broke)?;
    let (mut piece, mut at, mut column) = (String::new(), 0, 0);
    while let Some(cell) = cells.next_cell().map_err(broke)? {
        let (of_row, of_column) = cell.get_position();
        let words = words(cell.get_value());
        if words.is_empty() {
            continue;
        }
        // Rows and cells come in their order, or nobody knows whose is what.
        if of_row < at || of_row == at && of_column < column {
            return Err(PackedError::Sheet.into());
        }
        if of_row >= MOST_ROWS {
            return Err(PackedError::LargeSheet.into());
        }
        if of_column >= MOST_COLUMNS {
            return Err(PackedError::WideSheet.into());
        }
        while at < of_row {
            piece.push('\n');
            (at, column) = (at + 1, 0);
            if piece.len() >= PIECE {
                to.send(Said::Lines(std::mem::take(&mut piece).into_bytes())).map_err(gone)?;
            }
        }
        while column < of_column {
            piece.push(',');
            column += 1;
        }
        piece.push('"');
        for letter in words.trim().chars() {
            match letter {
                '"' => piece.push_str("\"\""),
                // A row is a line.
                letter if letter.is_control() => piece.push(' '),
                letter => piece.push(letter),
            }
        }
        piece.push('"');
        if piece.len() >= PIECE {
            to.send(Said::Lines(std::mem::take(&mut piece).into_bytes())).map_err(gone)?;
        }
    }
    to.send(Said::Lines(piece.into_bytes())).map_err(gone)
}

/// A cell, as people read it.
fn words(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(is) => is.to_string(),
        DataRef::Error(error) => error.to_string(),
        DataRef::DateTime(at) if at.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            let mut words = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) != (0, 0, 0) {
                words.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
            }
            words
        }
        DataRef::DateTime(at) => at.as_f64().to_string(),
    }
}

/// What the thread gives.
struct Lines {
    receiver: Receiver<Said>,
    piece: Vec<u8>,
    at: usize,
    is_over: bool,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.is_over {
            match self.receiver.recv() {
                Ok(Said::Lines(piece)) => (self.piece, self.at) = (piece, 0),
                Ok(Said::End) => self.is_over = true,
                Ok(Said::Others(..)) => {}
                Ok(Said::Broke(error)) => return Err(error),
                // It broke off.
                Err(_) => return Err(PackedError::Sheet.into()),
            }
        }
        let some = &self.piece[self.at..];
        let length = some.len().min(buffer.len());
        buffer[..length].copy_from_slice(&some[..length]);
        self.at += length;
        Ok(length)
    }
}
