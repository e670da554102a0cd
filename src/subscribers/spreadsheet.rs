//! What spreadsheets make of a CSV file: a mark of byte order at its beginning, UTF-16, semicolons or tabs instead of commas.

use std::io::{self, BufRead, BufReader, Read};

/// The text of a file in UTF-8, without a mark at its beginning. What is UTF-16 says so by its mark.
pub(super) fn text<'a>(file: impl Read + Send + 'a) -> io::Result<Box<dyn BufRead + Send + 'a>> {
    let mut file = BufReader::new(file);
    // Of a pipe the first bytes may come one by one; a file gives what it has.
    let mark = file.fill_buf()?;
    let (length, unit): (usize, Option<Order>) = match mark {
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        [0xff, 0xfe, ..] => (2, Some(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => (2, Some(u16::from_be_bytes)),
        _ => (0, None),
    };
    file.consume(length);
    Ok(match unit {
        None => Box::new(file),
        Some(unit) => Box::new(BufReader::new(Utf16 { file, unit, high: None, ready: Vec::new() })),
    })
}

/// What stands between the columns, if a line before the others says so (`sep=;`); that line is taken off.
pub(super) fn named_delimiter(text: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let line = first_line(text.fill_buf()?);
    let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = *line else { return Ok(None) };
    text.read_until(b'\n', &mut Vec::new())?;
    Ok(Some(delimiter))
}

/// The first line, without its end.
pub(super) fn first_line(beginning: &[u8]) -> &[u8] {
    beginning.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default()
}

/// What stands between the columns, judged by the first line: whichever of the three comes most often outside of quotes.
pub(super) fn delimiter(beginning: &[u8]) -> u8 {
    let (mut quoted, mut found) = (false, [(b',', 0), (b';', 0), (b'\t', 0)]);
    for byte in first_line(beginning) {
        quoted ^= *byte == b'"';
        for (sign, times) in &mut found {
            *times += usize::from(byte == sign && !quoted);
        }
    }
    // Of equals the first: a file with one column has none of them.
    found.iter().rev().max_by_key(|(_, times)| *times).map_or(b',', |(sign, _)| *sign)
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
        text(bytes).unwrap().read_to_string(&mut all).unwrap();
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
            ("\"Name; given, family, other\";email;x", b';'),
        ] {
            assert_eq!(delimiter(line.as_bytes()), sign, "{line}");
        }
    }
}
