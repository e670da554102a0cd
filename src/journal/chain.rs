//! The lines of a journal: numbered, each with a hash over itself and the hash of the line before.
//!
//! The rule: whoever reads takes what is whole and names what is not. A piece at the end that no line break ends was never
//! promised to anybody; what stands between whole lines and does not hold was changed, or something is missing there.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

use crate::{clock::Moment, token};

/// What the first line begins with; the number is that of the format.
const TITLE: &str = "broadside-withdrawals-1";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which one it is, from 1 on.
    pub number: u64,
    /// When it happened.
    pub at: Moment,
    /// What happened, in words without a line break.
    pub text: String,
    /// Over this line and all before it.
    pub hash: String,
}

/// The first line: which journal it is, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its own name.
    pub id: String,
    /// What tells the magazine from others.
    pub magazine: String,
    /// When it was begun.
    pub since: Moment,
    /// Over this line.
    pub hash: String,
}

/// Where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The number of the last entry before it.
    pub after: u64,
    /// When that was.
    pub since: Moment,
    /// The moment of the next entry; none if none follows.
    pub until: Option<Moment>,
}

/// Up to where a journal is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The number of the last entry; 0 before the first.
    pub number: u64,
    /// The newest moment up to there: what takes something back may be dated at that.
    pub at: Moment,
    pub hash: String,
    /// So many bytes are whole lines.
    pub bytes: u64,
}

/// What was found in a journal that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Its last entry.
    pub end: End,
    /// Where it does not hold.
    pub breaks: Vec<Break>,
    /// Bytes of a line at its end that was not written to its end.
    pub torn: u64,
}

impl Head {
    /// The head of a journal that begins now.
    #[must_use]
    pub fn new(id: String, magazine: &str, since: Moment) -> Self {
        let hash = token::hash(&head_text(&id, magazine, since));
        Self { id, magazine: magazine.to_owned(), since, hash }
    }

    /// Its line.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}\n", head_text(&self.id, &self.magazine, self.since), self.hash)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.strip_prefix(TITLE)?.strip_prefix(' ')?.split(' ');
        let (id, magazine, since, hash) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let head = Self::new(id.to_owned(), magazine, moment(since)?);
        (head.hash == hash && words.next().is_none()).then_some(head)
    }

    /// Where entries begin.
    #[must_use]
    pub fn end(&self) -> End {
        End { number: 0, at: self.since, hash: self.hash.clone(), bytes: self.line().len() as u64 }
    }
}

impl Entry {
    /// The entry behind `before`.
    #[must_use]
    pub fn after(before: &End, at: Moment, text: &str) -> Self {
        let number = before.number + 1;
        let hash = entry_hash(&before.hash, number, at, text);
        Self { number, at, text: text.to_owned(), hash }
    }

    /// Its line.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {} {} {}\n", self.number, self.at.timestamp(), self.text, self.hash)
    }

    fn parse(line: &str) -> Option<Self> {
        let (number, rest) = line.strip_suffix('\n')?.split_once(' ')?;
        let (at, rest) = rest.split_once(' ')?;
        let (text, hash) = rest.rsplit_once(' ')?;
        let (number, at) = (number.parse().ok()?, moment(at)?);
        Some(Self { number, at, text: text.to_owned(), hash: hash.to_owned() })
    }

    fn follows(&self, before: &End) -> bool {
        self.number == before.number + 1
            && self.hash == entry_hash(&before.hash, self.number, self.at, &self.text)
    }
}

impl End {
    /// Where the journal ends with that entry behind it.
    #[must_use]
    pub fn with(&self, entry: &Entry, bytes: usize) -> Self {
        Self {
            number: entry.number,
            at: self.at.max(entry.at),
            hash: entry.hash.clone(),
            bytes: self.bytes + bytes as u64,
        }
    }

    const fn breaks_until(&self, until: Option<Moment>) -> Break {
        Break { after: self.number, since: self.at, until }
    }
}

fn head_text(id: &str, magazine: &str, since: Moment) -> String {
    format!("{TITLE} {id} {magazine} {}", since.timestamp())
}

fn entry_hash(before: &str, number: u64, at: Moment, text: &str) -> String {
    token::hash(&format!("{before} {number} {} {text}", at.timestamp()))
}

fn moment(word: &str) -> Option<Moment> {
    word.parse::<jiff::Timestamp>().ok().map(Moment::from)
}

/// The head of a journal; none if this is not the beginning of one.
///
/// # Errors
/// When it cannot be read.
pub fn read_head(from: &mut impl BufRead) -> io::Result<Option<Head>> {
    // A head is short; whatever else has its name may have no line break at all.
    let mut line = Vec::new();
    io::Read::take(from, 1_000).read_until(b'\n', &mut line)?;
    Ok(std::str::from_utf8(&line).ok().and_then(Head::parse))
}

/// Whether the first line of a file is one that was not written to its end.
#[must_use]
pub fn is_half_a_head(line: &[u8]) -> bool {
    let title = TITLE.as_bytes();
    !line.ends_with(b"\n") && (line.starts_with(title) || title.starts_with(line))
}

/// Reads on to the end from `end`, and hands over each entry that is there, also behind a place that does not hold.
///
/// # Errors
/// When it cannot be read.
pub fn walk(from: &mut impl BufRead, end: End, mut each: impl FnMut(Entry)) -> io::Result<Walked> {
    let mut walked = Walked { end, breaks: Vec::new(), torn: 0 };
    // What is no entry since the last one, and whether all of it may be a line that was not written to its end.
    let (mut passed, mut is_torn) = (0, true);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = from.read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let entry = std::str::from_utf8(&line).ok().and_then(Entry::parse);
        let Some(entry) = entry.filter(|entry| entry.number > walked.end.number) else {
            passed += read;
            is_torn &= !line.ends_with(b"\n") || line.contains(&0);
            continue;
        };
        if passed > 0 || !entry.follows(&walked.end) {
            walked.breaks.push(walked.end.breaks_until(Some(entry.at)));
        }
        walked.end = walked.end.with(&entry, passed + read);
        (passed, is_torn) = (0, true);
        each(entry);
    }
    if passed > 0 && is_torn {
        walked.torn = passed as u64;
    } else if passed > 0 {
        walked.breaks.push(walked.end.breaks_until(None));
        walked.end.bytes += passed as u64;
    }
    Ok(walked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(entries: u64) -> (String, Vec<String>) {
        let head = Head::new("abc".to_owned(), "magazine", Moment(5));
        let mut end = head.end();
        let lines = (1..=entries).map(|number| {
            let entry = Entry::after(&end, Moment(i64::try_from(number).unwrap() * 1_000_000), "left a b");
            end = end.with(&entry, entry.line().len());
            entry.line()
        });
        (head.line(), lines.collect())
    }

    fn read(text: &str) -> (Vec<u64>, Walked) {
        let mut from = text.as_bytes();
        let head = read_head(&mut from).unwrap().unwrap();
        let mut numbers = Vec::new();
        let walked = walk(&mut from, head.end(), |entry| numbers.push(entry.number)).unwrap();
        (numbers, walked)
    }

    /// What takes something back is dated at that: the end is no older for it.
    #[test]
    fn the_end_is_as_new_as_the_newest_line() {
        let head = Head::new("abc".to_owned(), "magazine", Moment(5));
        let first = Entry::after(&head.end(), Moment(9), "left a b");
        let end = head.end().with(&first, 1);
        let second = Entry::after(&end, Moment(7), "back a b");
        assert_eq!(end.with(&second, 1).at, Moment(9));
    }

    #[test]
    fn a_whole_journal_is_whole_and_its_torn_end_is_known() {
        let (head, lines) = journal(3);
        let whole = format!("{head}{}", lines.concat());
        let (numbers, walked) = read(&whole);
        assert_eq!((numbers, walked.breaks.len(), walked.torn), (vec![1, 2, 3], 0, 0));
        assert_eq!(walked.end.bytes, whole.len() as u64);
        for torn in ["4 2026-03", "4 2026-03-03T09:00:00Z left a b 123", "\0\0\0\n"] {
            let (numbers, walked) = read(&format!("{whole}{torn}"));
            assert_eq!(
                (numbers.len(), walked.breaks.len(), walked.torn),
                (3, 0, torn.len() as u64),
                "{torn:?}"
            );
            assert_eq!(walked.end.bytes, whole.len() as u64);
        }
    }

    #[test]
    fn what_was_changed_or_taken_out_is_named_with_its_moments() {
        let (head, lines) = journal(5);
        let named = |lines: &[String]| {
            let (numbers, walked) = read(&format!("{head}{}", lines.concat()));
            let seconds = |at: Moment| at.unix_seconds();
            let breaks =
                walked.breaks.iter().map(|one| (one.after, seconds(one.since), one.until.map(seconds)));
            (numbers, breaks.collect::<Vec<_>>())
        };
        let mut without = lines.clone();
        without.remove(2);
        assert_eq!(named(&without), (vec![1, 2, 4, 5], vec![(2, 2, Some(4))]));
        let mut changed = lines.clone();
        changed[1] = changed[1].replace("left a b", "left a c");
        assert_eq!(named(&changed), (vec![1, 2, 3, 4, 5], vec![(1, 1, Some(2))]));
        let mut spoilt = lines.clone();
        spoilt[3] = "something else\n".to_owned();
        assert_eq!(named(&spoilt), (vec![1, 2, 3, 5], vec![(3, 3, Some(5))]));
        let mut last = lines.clone();
        last[4] = "something else\n".to_owned();
        assert_eq!(named(&last), (vec![1, 2, 3, 4], vec![(4, 4, None)]));
        let twice = [&lines[..3], &lines[1..]].concat();
        assert_eq!(named(&twice).0, [1, 2, 3, 4, 5]);
        assert_eq!(named(&twice).1.len(), 1);
    }

    #[test]
    fn what_is_no_journal_has_no_head() {
        let (head, _) = journal(0);
        for other in ["", "SQLite format 3\0", &head[..head.len() - 1], &head.replace("magazine", "another")]
        {
            assert_eq!(read_head(&mut other.as_bytes()).unwrap(), None, "{other:?}");
        }
    }
}
