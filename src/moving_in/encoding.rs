//! What spreadsheets make of a CSV file: a mark of byte order at its beginning, UTF-16 with or without one, Windows-1252,
//! semicolons, tabs or bars instead of commas.

use std::io::{self, BufRead, BufReader, Read};

/// The text of a file without a mark at its beginning; what is UTF-16 becomes UTF-8, and each cell is read by [`words`].
pub(super) fn text(file: Box<dyn Read + Send>) -> io::Result<BufReader<Box<dyn Read + Send>>> {
    let mut file = BufReader::with_capacity(BUFFER, file);
    // Of a pipe the first bytes may come one by one; a file gives what it has.
    let mark = file.fill_buf()?;
    let (length, unit): (usize, Option<Order>) = match mark {
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        [0xff, 0xfe, ..] => (2, Some(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => (2, Some(u16::from_be_bytes)),
        // The headings are letters: of each unit of UTF-16 without a mark one byte is nothing.
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (0, Some(u16::from_le_bytes)),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => (0, Some(u16::from_be_bytes)),
        _ => (0, None),
    };
    file.consume(length);
    Ok(match unit {
        None => file,
        Some(unit) => {
            let decoded = Utf16 { file, unit, high: None, ready: Vec::new() };
            BufReader::with_capacity(BUFFER, Box::new(decoded))
        }
    })
}

/// So much is read at once.
const BUFFER: usize = 64 * 1024;

/// What stands between the columns, if a line before the others says so (`sep=;`); that line is taken off.
pub(super) fn named_delimiter(text: &mut impl BufRead) -> io::Result<Option<u8>> {
    let beginning = text.fill_buf()?;
    let line = first_line(beginning);
    let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = *line else { return Ok(None) };
    let end = match beginning.get(line.len()..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([_, ..]) => 1,
        _ => 0,
    };
    let length = line.len() + end;
    text.consume(length);
    Ok(Some(delimiter))
}

/// The first line, without its end.
fn first_line(beginning: &[u8]) -> &[u8] {
    beginning.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default()
}

/// What stands between the columns, judged by the first line: whichever of the four comes most often outside of quotes.
pub(super) fn delimiter(beginning: &[u8]) -> u8 {
    let (mut quoted, mut found) = (false, [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)]);
    for byte in first_line(beginning) {
        quoted ^= *byte == b'"';
        for (sign, times) in &mut found {
            *times += usize::from(byte == sign && !quoted);
        }
    }
    // Of equals the first: a file with one column has none of them.
    found.iter().rev().max_by_key(|(_, times)| *times).map_or(b',', |(sign, _)| *sign)
}

/// A cell as people read it: UTF-8, or what older spreadsheets write (Windows-1252). No text of the one is also the other, but for
/// plain letters and for what nobody writes.
pub(super) fn words(cell: Vec<u8>) -> String {
    String::from_utf8(cell).unwrap_or_else(|error| error.into_bytes().into_iter().map(of_windows).collect())
}

/// A byte of Windows-1252.
fn of_windows(byte: u8) -> char {
    const SIGNS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => SIGNS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// How two bytes are one unit of UTF-16.
type Order = fn([u8; 2]) -> u16;

/// UTF-16, read as UTF-8. Half a character becomes a sign that says so.
struct Utf16<R> {
    file: R,
    unit: Order,
    /// The first half of a character that takes two units.
    high: Option<u16>,
    ready: Vec<u8>,
}

impl<R: Read> Utf16<R> {
    /// Reads one more unit; `false` at the end.
    fn next(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 2];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                if self.high.take().is_some() {
                    self.push(char::REPLACEMENT_CHARACTER);
                }
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let unit = (self.unit)(bytes);
        let is_high = (0xd800..0xdc00).contains(&unit);
        let units = self.high.take().into_iter().chain((!is_high).then_some(unit));
        for decoded in char::decode_utf16(units).collect::<Vec<_>>() {
            self.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.high = is_high.then_some(unit);
        Ok(true)
    }

    fn push(&mut self, c: char) {
        self.ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.len() < buffer.len() && self.next()? {}
        let length = self.ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.ready[..length]);
        self.ready.drain(..length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut all = String::new();
        text(Box::new(io::Cursor::new(bytes.to_vec()))).unwrap().read_to_string(&mut all).unwrap();
        all
    }

    #[test]
    fn every_mark_of_byte_order_is_understood() {
        let words = "E-Mail;Name\nann@example.org;Zoë 🕯\n";
        let units = |order: fn(u16) -> [u8; 2]| words.encode_utf16().flat_map(order).collect::<Vec<_>>();
        assert_eq!(read(words.as_bytes()), words);
        assert_eq!(read(&[b"\xef\xbb\xbf", words.as_bytes()].concat()), words);
        assert_eq!(read(&[b"\xff\xfe", units(u16::to_le_bytes).as_slice()].concat()), words);
        assert_eq!(read(&[b"\xfe\xff", units(u16::to_be_bytes).as_slice()].concat()), words);
        assert_eq!(read(&units(u16::to_le_bytes)), words, "without a mark");
        assert_eq!(read(&units(u16::to_be_bytes)), words, "without a mark");
        assert_eq!(read(b"\xff\xfea\0\x3d\xd8"), "a\u{fffd}", "cut off in the middle");
        assert_eq!(read(b"\xff\xfe\x3d\xd8a\0"), "\u{fffd}a", "half a character");
    }

    #[test]
    fn columns_are_told_by_the_first_line() {
        for (line, sign) in [
            ("email", b','),
            ("email,name\na;b;c;d@example.org", b','),
            ("E-Mail;Name", b';'),
            ("E-Mail\tName\tOrt", b'\t'),
            ("E-Mail|Name|Ort", b'|'),
            ("\"Name; given, family, other\";email;x", b';'),
        ] {
            assert_eq!(delimiter(line.as_bytes()), sign, "{line}");
        }
    }

    #[test]
    fn old_letters_are_read_where_it_is_no_utf_8() {
        assert_eq!(words(b"Zo\xeb \x96 \x80".to_vec()), "Zoë – €");
        assert_eq!(words("Zoë – €".into()), "Zoë – €");
    }
}
