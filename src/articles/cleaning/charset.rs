//! Bytes made text: which encoding a document that came from elsewhere is in, and what to do when it is not in that.
//!
//! The rule: what the document shows beyond doubt (a byte order mark) comes first, then what the server said of it (RFC 7303
//! section 3.2), then what it says itself, then UTF-8. A wrong byte costs itself alone: in text that is UTF-8 otherwise, it is
//! read as Windows-1252, which is what it was before somebody joined two texts.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Where a document may say its encoding.
pub(in crate::articles) const HEAD: usize = 1024;

/// What a server says of a document's kind: its Content-Type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentType {
    /// The media type without its parameters, in lower case: `text/xml`. Empty if it says none.
    pub essence: String,
    /// Its `charset`, as written.
    pub charset: Option<String>,
}

impl ContentType {
    /// Reads the header; whatever it holds, there is something to be made of it.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']).trim();
            (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
        });
        Self { essence, charset }
    }
}

/// A document as text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::articles) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// Whether there were bytes that mean nothing in its encoding.
    pub mended: bool,
}

/// Reads a document: XML, JSON or HTML.
pub(in crate::articles) fn decode<'a>(bytes: &'a [u8], content_type: Option<&ContentType>) -> Decoded<'a> {
    if let Some(wide) = utf_32(bytes) {
        return wide;
    }
    let (encoding, bytes) = encoding(bytes, content_type);
    if encoding == UTF_8 {
        return match str::from_utf8(bytes) {
            Ok(text) => Decoded { text: text.into(), mended: false },
            Err(_) => Decoded { text: mended(bytes).into(), mended: true },
        };
    }
    let (text, mended) = encoding.decode_without_bom_handling(bytes);
    Decoded { text, mended }
}

/// The encoding of a document whose beginning is known, and how many bytes its mark has.
pub(in crate::articles) fn encoding_of(beginning: &[u8]) -> (&'static Encoding, usize) {
    let (encoding, rest) = encoding(beginning, None);
    (encoding, beginning.len() - rest.len())
}

/// What wrong bytes in a text mean.
pub(in crate::articles) fn wrong_bytes(bytes: &[u8]) -> Cow<'_, str> {
    WINDOWS_1252.decode_without_bom_handling(bytes).0
}

/// The encoding, and the document behind its mark.
fn encoding<'a>(bytes: &'a [u8], content_type: Option<&ContentType>) -> (&'static Encoding, &'a [u8]) {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return (encoding, &bytes[length..]);
    }
    match bytes {
        [b'<' | b'{' | b'[' | b' ' | b'\n' | b'\r', 0, ..] => return (UTF_16LE, bytes),
        [0, b'<' | b'{' | b'[' | b' ' | b'\n' | b'\r', ..] => return (UTF_16BE, bytes),
        _ => {}
    }
    // Two bytes a letter are told by the bytes themselves: whoever names them otherwise is wrong.
    let known = |label: &str| {
        let found = Encoding::for_label(label.as_bytes())
            .or_else(|| Encoding::for_label(label.replace('_', "-").as_bytes()));
        found.filter(|one| one.is_ascii_compatible())
    };
    let served = content_type.and_then(|kind| kind.charset.as_deref());
    let own = declared(&bytes[..bytes.len().min(HEAD)]);
    let named = [served.and_then(known), own.and_then(known)];
    let says_ascii = |own: Option<&str>| own.is_some_and(|own| own.to_ascii_lowercase().contains("ascii"));
    let whole = || str::from_utf8(bytes).is_ok_and(|text| !text.is_ascii());
    let encoding = match named {
        // What many servers say of everything they serve: text that is UTF-8 from end to end is so by no accident.
        [Some(one), own] if one == WINDOWS_1252 && own.is_none_or(|own| own == UTF_8) && whole() => UTF_8,
        [None, Some(one)] if one == WINDOWS_1252 && says_ascii(own) && whole() => UTF_8,
        [Some(served), Some(own)] if served == UTF_8 && str::from_utf8(bytes).is_err() => own,
        [Some(one), _] | [None, Some(one)] => one,
        [None, None] => UTF_8,
    };
    (encoding, bytes)
}

/// A letter as it was meant: a control character of the range that Windows fills with letters is one of those; any other goes.
pub(in crate::articles) fn letter(letter: char) -> Option<char> {
    match letter {
        '\t' | '\n' | '\r' => Some(letter),
        '\u{80}'..='\u{9f}' => {
            let byte = [u8::try_from(u32::from(letter)).ok()?];
            let meant = WINDOWS_1252.decode_without_bom_handling(&byte).0.chars().next()?;
            (!meant.is_control()).then_some(meant)
        }
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => None,
        _ => (!letter.is_control()).then_some(letter),
    }
}

/// A text with its letters as they were meant, and its lines ended in one way.
pub(in crate::articles) fn letters(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| c == '\r' || letter(c) != Some(c);
    let Some(first) = text.find(is_odd) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = text[first..].chars().peekable();
    while let Some(one) = rest.next() {
        match one {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            _ => out.extend(letter(one)),
        }
    }
    Cow::Owned(out)
}

/// What an XML declaration, or the head of a web page, says.
fn declared(head: &[u8]) -> Option<&str> {
    let start = head.trim_ascii_start();
    let (scope, word): (&[u8], &[u8]) = if start.starts_with(b"<?xml") {
        let end = start.iter().position(|byte| *byte == b'>').unwrap_or(start.len());
        (&start[..end], b"encoding")
    } else if start.first() == Some(&b'<') {
        (start, b"charset")
    } else {
        return None;
    };
    let at = scope.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word))?;
    let rest = scope[at + word.len()..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let ends = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_.:+".contains(byte));
    str::from_utf8(&rest[..rest.iter().position(ends).unwrap_or(rest.len())]).ok()
}

/// UTF-8 with other bytes in it.
fn mended(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(&wrong_bytes(chunk.invalid()));
        }
    }
    text
}

/// Four bytes a letter, which the web does not know and old programs write.
fn utf_32(bytes: &[u8]) -> Option<Decoded<'static>> {
    let from: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [b'<' | b'{', 0, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, b'<' | b'{', ..] => u32::from_be_bytes,
        _ => return None,
    };
    let letters = bytes.chunks_exact(4).map(|four| match four {
        [a, b, c, d] => from([*a, *b, *c, *d]),
        _ => 0xfffd,
    });
    let text: String = letters
        .filter(|letter| *letter != 0xfeff)
        .map(|letter| char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(Decoded { mended: text.contains(char::REPLACEMENT_CHARACTER), text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], header: &str) -> String {
        let kind = ContentType::parse(header);
        decode(bytes, (!header.is_empty()).then_some(&kind)).text.into_owned()
    }

    #[test]
    fn a_content_type_is_read_however_it_is_written() {
        for (header, essence, charset) in [
            ("text/xml", "text/xml", None),
            ("Text/XML; Charset=ISO-8859-1", "text/xml", Some("ISO-8859-1")),
            ("application/rss+xml;charset=\"utf-8\"", "application/rss+xml", Some("utf-8")),
            ("text/html; boundary=x; charset = 'koi8-r' ; y", "text/html", Some("koi8-r")),
            ("text/xml; charset=", "text/xml", None),
            (";;", "", None),
        ] {
            let read = ContentType::parse(header);
            assert_eq!((read.essence.as_str(), read.charset.as_deref()), (essence, charset), "{header}");
        }
    }

    /// RFC 7303 section 3.2, its example of each kind in section 8, and what servers make of it.
    #[test]
    fn the_mark_counts_before_the_server_and_the_server_before_the_document() {
        let says = |name: &str, letter: &[u8]| {
            [b"<?xml version='1.0' encoding='", name.as_bytes(), b"'?><a>", letter, b"</a>"].concat()
        };
        for (bytes, header, letter) in [
            (says("utf-8", b"\xe9"), "text/xml; charset=iso-8859-1", "é"),
            (says("iso-8859-1", "é".as_bytes()), "text/xml; charset=utf-8", "é"),
            (says("iso-8859-1", b"\xe9"), "application/xml", "é"),
            (says("koi8-r", b"\xc1"), "", "а"),
            (says("shift_jis", b"\x82\xa0"), "", "あ"),
            (
                [b"\xef\xbb\xbf".as_slice(), &says("iso-8859-1", "é".as_bytes())].concat(),
                "text/xml; charset=iso-8859-1",
                "é",
            ),
            // A server that calls everything Latin-1, and one that calls Latin-1 UTF-8.
            (says("utf-8", "é".as_bytes()), "text/xml; charset=iso-8859-1", "é"),
            (says("iso-8859-1", b"\xe9"), "text/xml; charset=utf-8", "é"),
            (says("us-ascii", "é".as_bytes()), "", "é"),
            (says("utf-16", "é".as_bytes()), "text/xml; charset=utf-16", "é"),
            (says("no such thing", "é".as_bytes()), "text/xml; charset=none", "é"),
            (says("utf-8", b"\x93\xc3\xa9\x94"), "", "“é”"),
            (b"<meta charset=windows-1252><a>\x80</a>".to_vec(), "text/html", "€"),
        ] {
            assert!(
                read(&bytes, header).ends_with(&format!("<a>{letter}</a>")),
                "{header}: {}",
                read(&bytes, header)
            );
        }
    }

    #[test]
    fn two_and_four_bytes_a_letter_are_read_with_and_without_their_mark() {
        let text = "<?xml version='1.0' encoding='utf-16'?><a>é</a>";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let four: Vec<u8> = text.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect();
        for bytes in [
            [b"\xff\xfe".as_slice(), &le].concat(),
            [b"\xfe\xff".as_slice(), &be].concat(),
            le.clone(),
            be,
            [b"\0\0\xfe\xff".as_slice(), &four].concat(),
            four,
        ] {
            assert_eq!(read(&bytes, "text/xml"), text);
        }
        assert!(decode(&le[..le.len() - 1], None).mended);
    }
}
