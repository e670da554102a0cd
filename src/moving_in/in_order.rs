//! The rows of a file, as they are to be taken: as they stand there, or in the order of addresses as far as memory allows. So who stands side by side in the file stands side by side in every
//! index, so that a step of an import writes some pages and not a page for each row.
//!
//! The rule: the same file, by the same mapping, is in the same order each time, for an import that was killed goes on behind so many rows.

use super::{
    mapping::Mapping,
    packed::WithinFile,
    records::{Record, TableError},
    rows::{FileRow, row},
    table::Table,
};

/// So many bytes of a file are put in order at once. Whoever changes it, or what rows are ordered by, changes the number of the pass in
/// `subscribers`, too: what an earlier version began is begun anew.
const WINDOW: usize = 12 * 1024 * 1024;

/// The rows of a file.
pub struct Rows {
    table: Table,
    mapping: Mapping,
}

impl Rows {
    pub(super) const fn of(table: Table, mapping: Mapping) -> Self {
        Self { table, mapping }
    }

    /// The next one.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn read(&mut self) -> Result<Option<FileRow>, TableError> {
        Ok(self.table.next()?.map(|record| row(&record, &self.mapping)))
    }

    /// Those that are wanted, in the order of addresses.
    #[must_use]
    pub fn in_order(self, wanted: fn(&FileRow) -> bool) -> InOrder {
        InOrder { rows: self, wanted, at_once: WINDOW, window: Vec::new().into_iter() }
    }
}

/// Rows in the order of their addresses, part by part of the file.
pub struct InOrder {
    rows: Rows,
    wanted: fn(&FileRow) -> bool,
    at_once: usize,
    window: std::vec::IntoIter<Waiting>,
}

impl InOrder {
    /// Passes over so many.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn skip(&mut self, many: u64) -> Result<(), TableError> {
        for _ in 0..many {
            if self.waiting()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next one.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn read(&mut self) -> Result<Option<FileRow>, TableError> {
        let waiting = self.waiting()?;
        Ok(waiting.map(|one| row(&one.record(), &self.rows.mapping)))
    }

    fn waiting(&mut self) -> Result<Option<Waiting>, TableError> {
        if self.window.len() == 0 {
            self.window = self.fill()?.into_iter();
        }
        Ok(self.window.next())
    }

    fn fill(&mut self) -> Result<Vec<Waiting>, TableError> {
        let (mut window, mut size) = (Vec::new(), 0);
        while size < self.at_once {
            let Some(record) = self.rows.table.next()? else { break };
            let row = row(&record, &self.rows.mapping);
            if (self.wanted)(&row) {
                let key = row.entry.map(|entry| entry.email.key()).unwrap_or_default();
                let waiting = Waiting::of(key, record);
                size += waiting.size();
                window.push(waiting);
            }
        }
        // Of one address they stay in their order.
        window.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(window)
    }
}

/// A row that waits for its turn, as small as can be.
struct Waiting {
    key: Box<str>,
    line: u64,
    to: u64,
    is_too_long: bool,
    within: Option<WithinFile>,
    missing: Vec<usize>,
    /// Its cells, one behind the other, and where each ends.
    cells: Box<str>,
    ends: Box<[u32]>,
}

impl Waiting {
    fn of(key: String, record: Record) -> Self {
        let Record { line, to, is_too_long, within, missing, cells, .. } = record;
        let mut end = 0;
        let ends = cells.iter().map(|cell| {
            end += cell.len();
            // A line has a megabyte at most.
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        let ends = ends.collect();
        Self { key: key.into(), line, to, is_too_long, within, missing, cells: cells.concat().into(), ends }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.key.len() + self.cells.len() + size_of_val(&*self.ends)
    }

    fn record(self) -> Record {
        let Self { line, to, is_too_long, within, missing, cells, ends, .. } = self;
        let mut start = 0;
        let cell = |end: &u32| {
            let end = *end as usize;
            cells.get(std::mem::replace(&mut start, end)..end).unwrap_or_default().to_owned()
        };
        let cells = ends.iter().map(cell).collect();
        Record { line, to, cells, is_too_long, is_empty: false, within, missing }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ImportChoices, rows, survey},
        WINDOW,
    };

    /// The key of the address, the line, and the name.
    type Found = (String, u64, String);

    /// Those behind so many, where so many bytes are put in order at once.
    fn found(file: &[u8], at_once: usize, behind: usize) -> Vec<Found> {
        let mapping = survey(&file, &ImportChoices::default()).expect("a table").mapping;
        let mut rows = rows(&file, &mapping).expect("a table").in_order(|_| true);
        rows.at_once = at_once;
        rows.skip(behind as u64).expect("a table");
        let mut found = Vec::new();
        while let Some(row) = rows.read().expect("a table") {
            let entry = row.entry.ok();
            let key = entry.as_ref().map(|entry| entry.email.key()).unwrap_or_default();
            found.push((key, row.line, entry.map(|entry| entry.name).unwrap_or_default()));
        }
        found
    }

    /// TRUST F24: rows come in the order of addresses, and of lines where they are the same; what is no address comes first. Whoever goes on behind
    /// some of them finds exactly the others, also where not all of them are in memory at once.
    #[test]
    fn rows_come_in_the_order_of_addresses() {
        let mut file = "email,name,note\n".to_owned();
        let mut expected = Vec::new();
        for at in 0..3_000_u64 {
            let number = at * 7_919 % 1_501;
            file += &format!("R{number}@example.org,\"Reader, {at}\",\u{e9}\n");
            expected.push((format!("r{number}@example.org"), at + 2, format!("Reader, {at}")));
        }
        file += "nobody,,\n";
        expected.push((String::new(), 3_002, String::new()));
        expected.sort();
        let file = file.as_bytes();
        assert_eq!(found(file, WINDOW, 0), expected);
        let in_parts = found(file, 100_000, 0);
        assert_ne!(in_parts, expected, "it is put in order part by part");
        let mut in_order = in_parts.clone();
        in_order.sort();
        assert_eq!(in_order, expected, "each comes once");
        for behind in [1, 500, 2_999, 3_001, 4_000] {
            assert_eq!(found(file, WINDOW, behind), expected[behind.min(expected.len())..]);
            assert_eq!(found(file, 100_000, behind), in_parts[behind.min(in_parts.len())..]);
        }
    }
}
