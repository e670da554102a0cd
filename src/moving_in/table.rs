//! A table, however it comes: as a text, packed, as several tables in one archive, as a sheet.
//!
//! Of several tables each column is what its heading says in whichever of them it stands; one column more says which table a line is
//! from, for that may say how people stand: Mailchimp's `unsubscribed_….csv`.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::Arc,
};

use super::{
    headings::{self, Guess, OF_TABLE},
    packed::{Archive, Gunzipped, Kind, Packed, PackedError, Stream, kind},
    records::{Record, Records, TableError},
    sheet,
    source::TableSource,
};

/// So many lines are looked at for headings below a title.
const TITLES: usize = 5;

/// A file, as one table.
pub(super) struct Table {
    /// What it is called, or the table in it.
    pub name: String,
    pub headings: Vec<String>,
    /// What is in the file and is not read.
    pub others: Vec<String>,
    /// Its first line is a reader; its columns are called by their numbers.
    pub is_headless: bool,
    /// The file in an archive that it is.
    within: Option<Arc<str>>,
    lines: Lines,
}

enum Lines {
    /// Lines that were read ahead, and the others.
    One(VecDeque<Record>, Records),
    Several(Several),
}

impl Table {
    /// Up to its first line below the headings.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn open(source: &impl TableSource) -> Result<Self, TableError> {
        let (kind, file) = kind(source.open()?)?;
        match kind {
            Kind::Text => Self::one(source.name(), Records::of(file)?, Vec::new()),
            Kind::Gzip => {
                let name = source.name();
                let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
                let records = Records::of(plain(&name, Box::new(Gunzipped::of(file)))?)?;
                Self::one(name, records, Vec::new())
            }
            Kind::Old => Err(PackedError::OldSheet.into()),
            Kind::Zip => Self::archive(source),
        }
    }

    fn archive(source: &impl TableSource) -> Result<Self, TableError> {
        let file = source.open_anywhere()?.ok_or(PackedError::Pipe)?;
        let archive = Archive::of(file)?;
        if sheet::is_sheet(&archive)? {
            let (lines, sheet, others) = sheet::lines(source, &archive)?;
            // What the file is called, unless it says nothing and the sheet does.
            let says = |name: &str| headings::of_file_name(name).is_some();
            let name = Some(sheet).filter(|sheet| says(sheet) && !says(&source.name()));
            return Self::one(name.unwrap_or_else(|| source.name()), Records::of_sheet(lines), others);
        }
        let (found, mut others) = archive.tables()?;
        let mut tables = Vec::new();
        for packed in found {
            match One::open(source, packed).map_err(|error| of(&packed.name(), error))? {
                Some(table) => tables.push(table),
                None => others.push(format!("{} (empty)", packed.name())),
            }
        }
        // An archive may have tables that are of no readers.
        let is_of_readers =
            |one: &One| one.headings.iter().any(|heading| headings::guess(heading) == Guess::Email);
        if tables.iter().any(is_of_readers) {
            others.extend(tables.extract_if(.., |one| !is_of_readers(one)).map(|one| one.name.to_string()));
        }
        match tables.len() {
            0 => Err(TableError::Empty),
            1 => {
                let One { name, headings, records, .. } = tables.remove(0);
                let lines = Lines::One(VecDeque::new(), records);
                let within = Some(name.clone());
                Ok(Self { name: name.to_string(), headings, others, is_headless: false, within, lines })
            }
            _ => Ok(Several::of(source.name(), tables, others)),
        }
    }

    fn one(name: String, mut records: Records, others: Vec<String>) -> Result<Self, TableError> {
        let first = records.next()?.ok_or(TableError::Empty)?;
        if first.is_too_long {
            return Err(TableError::TooManyColumns);
        }
        let mut held = VecDeque::from([first]);
        if !names_addresses(&held[0]) {
            below_a_title(&mut held, &mut records)?;
        }
        let first = held.pop_front().ok_or(TableError::Empty)?;
        let (is_known, is_headless) =
            (names_addresses(&first), first.cells.iter().any(|cell| is_address(cell)));
        let is_headless = is_headless && !is_known;
        let heading = |(at, cell): (usize, &String)| match is_headless || !is_known && cell.trim().is_empty()
        {
            true => format!("Column {}", at + 1),
            false => cell.clone(),
        };
        let headings = first.cells.iter().enumerate().map(heading).collect();
        if is_headless {
            held.push_front(first);
        }
        let lines = Lines::One(held, records);
        Ok(Self { name, headings, others, is_headless, within: None, lines })
    }

    /// Whether a backslash before a quotation mark keeps it one.
    pub fn set_escaped(&mut self, is_escaped: bool) {
        match &mut self.lines {
            Lines::One(_, records) => records.set_escaped(is_escaped),
            Lines::Several(several) => {
                several.tables.iter_mut().for_each(|one| one.records.set_escaped(is_escaped));
            }
        }
    }

    /// The next line that is not empty.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn next(&mut self) -> Result<Option<Record>, TableError> {
        match &mut self.lines {
            Lines::One(held, records) => {
                let next = match held.pop_front() {
                    Some(one) => Some(one),
                    None => records.next().map_err(|error| match &self.within {
                        Some(name) => of(name, error),
                        None => error,
                    })?,
                };
                Ok(next.map(|mut record| {
                    if record.cells.len() < self.headings.len() && records.are_whole() {
                        record.missing = (record.cells.len()..self.headings.len()).collect();
                    }
                    record.within = self.within.clone().map(|name| (name, record.line));
                    record
                }))
            }
            Lines::Several(several) => several.next(),
        }
    }
}

/// Whether one of its cells is a heading of addresses, and none is an address.
fn names_addresses(record: &Record) -> bool {
    let is_heading = |cell: &String| headings::guess(cell.trim()) == Guess::Email;
    record.cells.iter().any(is_heading) && !record.cells.iter().any(|cell| is_address(cell))
}

/// Whether there seems to be an address in a cell.
fn is_address(cell: &str) -> bool {
    cell.split_once('@').is_some_and(|(who, at)| !who.trim().is_empty() && at.contains('.'))
}

/// A title, or a day, may stand above the headings: what is above the line that names the addresses is none of the table.
fn below_a_title(held: &mut VecDeque<Record>, records: &mut Records) -> Result<(), TableError> {
    let filled = |record: &Record| record.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    if filled(&held[0]) > 2 || held[0].cells.iter().any(|cell| is_address(cell)) {
        return Ok(());
    }
    while held.len() < TITLES {
        let Some(record) = records.next()? else { break };
        let is_it = names_addresses(&record);
        held.push_back(record);
        if is_it {
            held.drain(..held.len() - 1);
            break;
        }
    }
    Ok(())
}

/// What was unpacked is no archive again.
fn plain(name: &str, stream: Stream) -> Result<Stream, TableError> {
    match kind(stream)? {
        (Kind::Text, stream) => Ok(stream),
        _ => Err(PackedError::Nested(name.to_owned()).into()),
    }
}

fn first(records: &mut Records) -> Result<Option<Vec<String>>, TableError> {
    let Some(header) = records.next()? else { return Ok(None) };
    if header.is_too_long { Err(TableError::TooManyColumns) } else { Ok(Some(header.cells)) }
}

/// What is wrong with a table in an archive is told with its name.
fn of(name: &str, error: TableError) -> TableError {
    match error {
        TableError::File(_) | TableError::Packed(_) => error,
        error => TableError::Within(name.to_owned(), Box::new(error)),
    }
}

/// A table in an archive.
struct One {
    name: Arc<str>,
    headings: Vec<String>,
    records: Records,
    /// Where its columns are among all of them.
    columns: Vec<usize>,
    /// What the first column says of each of its lines.
    says: String,
}

impl One {
    fn open(source: &impl TableSource, packed: &Packed) -> Result<Option<Self>, TableError> {
        let file = source.open_anywhere()?.ok_or(PackedError::Pipe).map_err(io::Error::from)?;
        let name = packed.name();
        let mut records = Records::of(plain(&name, packed.open(file)?)?)?;
        let Some(headings) = first(&mut records)? else { return Ok(None) };
        let says = says(&name);
        Ok(Some(Self { name: name.into(), headings, records, columns: Vec::new(), says }))
    }
}

/// What the name of a table says of the people in it: of Mailchimp's how they stand.
fn says(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let word = stem.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    match word.as_str() {
        "subscribed" | "unsubscribed" | "cleaned" | "nonsubscribed" => word,
        _ => stem.chars().take(80).collect(),
    }
}

/// One table behind the other.
struct Several {
    tables: Vec<One>,
    at: usize,
    width: usize,
    /// Lines of the tables before, and how far it is in this one.
    before: u64,
    to: u64,
}

impl Several {
    fn of(name: String, mut tables: Vec<One>, others: Vec<String>) -> Table {
        let mut headings = vec![OF_TABLE.to_owned()];
        // Where a heading stands in a table twice, each is its own.
        let mut places: HashMap<(String, usize), usize> = HashMap::new();
        for one in &mut tables {
            let mut times: HashMap<&str, usize> = HashMap::new();
            for heading in &one.headings {
                let time = times.entry(heading).or_default();
                let place = *places.entry((heading.clone(), *time)).or_insert_with(|| {
                    headings.push(heading.clone());
                    headings.len() - 1
                });
                *time += 1;
                one.columns.push(place);
            }
        }
        let several = Self { tables, at: 0, width: headings.len(), before: 0, to: 0 };
        let lines = Lines::Several(several);
        Table { name, headings, others, is_headless: false, within: None, lines }
    }

    fn next(&mut self) -> Result<Option<Record>, TableError> {
        while let Some(one) = self.tables.get_mut(self.at) {
            let Some(record) = one.records.next().map_err(|error| of(&one.name, error))? else {
                self.before += self.to + 1;
                (self.at, self.to) = (self.at + 1, 0);
                continue;
            };
            self.to = record.to;
            let mut cells = vec![String::new(); self.width];
            cells[0].clone_from(&one.says);
            let missing = one.columns.get(record.cells.len()..).unwrap_or_default().to_vec();
            for (cell, place) in record.cells.into_iter().zip(&one.columns) {
                cells[*place] = cell;
            }
            let within = Some((one.name.clone(), record.line));
            let (line, to) = (self.before + record.line, self.before + record.to);
            return Ok(Some(Record { line, to, cells, within, missing, ..record }));
        }
        Ok(None)
    }
}
