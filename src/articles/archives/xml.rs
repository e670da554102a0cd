//! Reads long XML piece by piece, with memory that does not grow with it (TRUST A9).
//!
//! Entities that a document declares are never made anything of; what is not text becomes a sign that says so.

use std::{
    io::{self, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use encoding_rs::{Decoder, UTF_8};
use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::piece::{ArchiveError, LONGEST_PIECE};
use crate::articles::cleaning::charset;

const DEEPEST: usize = 64;

/// What comes next.
#[derive(Debug)]
pub(super) enum Xml<'a> {
    Open(&'a BytesStart<'static>),
    Text(&'a str),
    Close,
    End,
}

/// A document that is read.
pub(super) struct Document<R: Read> {
    reader: Reader<BufReader<Bounded<Lossy<R>>>>,
    left: Arc<AtomicU64>,
    buffer: Vec<u8>,
    tag: BytesStart<'static>,
    text: String,
    depth: usize,
    /// An element without content is about to be closed.
    closes: bool,
}

impl<R: Read> Document<R> {
    /// At the beginning of a document.
    pub fn of(from: R) -> Self {
        let left = Arc::new(AtomicU64::new(LONGEST_PIECE));
        let bounded = Bounded { from: Lossy::of(from), left: left.clone() };
        let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, bounded));
        let config = reader.config_mut();
        config.allow_dangling_amp = true;
        config.allow_unmatched_ends = true;
        config.check_end_names = false;
        let (buffer, text) = (Vec::new(), String::new());
        Self { reader, left, buffer, tag: BytesStart::new(""), text, depth: 0, closes: false }
    }

    /// What comes next, and how deep it stands: of a tag, the tag itself counted.
    pub fn next(&mut self) -> Result<(usize, Xml<'_>), ArchiveError> {
        if self.closes {
            self.closes = false;
            self.depth -= 1;
            return Ok((self.depth + 1, Xml::Close));
        }
        loop {
            self.buffer.clear();
            if self.buffer.capacity() > 4 * 1024 * 1024 {
                self.buffer = Vec::new();
            }
            self.left.store(LONGEST_PIECE, Relaxed);
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) => return Err(why(&error)),
                Err(error) => return Err(ArchiveError::Broken(error.to_string())),
            };
            self.text.clear();
            match event {
                Event::Start(tag) => {
                    self.tag = tag.into_owned();
                    return self.opened(false);
                }
                Event::Empty(tag) => {
                    self.tag = tag.into_owned();
                    return self.opened(true);
                }
                Event::End(_) => {
                    let depth = self.depth;
                    self.depth = self.depth.saturating_sub(1);
                    return Ok((depth, Xml::Close));
                }
                Event::Text(text) => self.text.push_str(&text),
                Event::CData(text) => self.text.push_str(&text),
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(letter)) => self.text.push(letter),
                    _ => match resolve_predefined_entity(&name) {
                        Some(text) => self.text.push_str(text),
                        None => {
                            self.text.push('&');
                            self.text.push_str(&name);
                            self.text.push(';');
                        }
                    },
                },
                Event::DocType(text) if text.to_ascii_lowercase().contains("<!entity") => {
                    return Err(ArchiveError::Entities);
                }
                Event::Eof if self.depth > 0 => {
                    return Err(ArchiveError::Broken("it ends in the middle".to_owned()));
                }
                Event::Eof => return Ok((0, Xml::End)),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => continue,
            }
            if !self.text.is_empty() {
                return Ok((self.depth, Xml::Text(&self.text)));
            }
        }
    }

    fn opened(&mut self, is_empty: bool) -> Result<(usize, Xml<'_>), ArchiveError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ArchiveError::Deep);
        }
        self.closes = is_empty;
        Ok((self.depth, Xml::Open(&self.tag)))
    }
}

fn why(error: &io::Error) -> ArchiveError {
    if is_too_long(error) {
        return ArchiveError::LongPiece;
    }
    ArchiveError::of_reading(error, ArchiveError::Broken(error.to_string()))
}

/// Whether more came than may be held.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooLong>())
}

/// An attribute of a tag; empty where it has none of that name.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let mut attributes = tag.attributes();
    let found = attributes.with_checks(false).flatten().take(20).find(|one| one.key.0 == name);
    found.map(|one| one.value.replace("&quot;", "\"").replace("&amp;", "&")).unwrap_or_default()
}

/// No more than it may until it is told that it may again.
pub(super) struct Bounded<R> {
    pub from: R,
    pub left: Arc<AtomicU64>,
}

#[derive(Debug, thiserror::Error)]
#[error("a piece is too long")]
struct TooLong;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Relaxed);
        if left == 0 {
            return Err(io::Error::other(TooLong));
        }
        let length = self.from.read(buffer)?;
        self.left.store(left.saturating_sub(length as u64), Relaxed);
        Ok(length)
    }
}

/// Text in UTF-8, in whatever encoding it comes; signs that no text has are left out.
struct Lossy<R> {
    from: R,
    came: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    is_over: bool,
    is_begun: bool,
    /// Of a document that is not in UTF-8.
    decoder: Option<Decoder>,
}

impl<R: Read> Lossy<R> {
    fn of(from: R) -> Self {
        let (came, text) = (Vec::new(), Vec::new());
        Self { from, came, text, at: 0, is_over: false, is_begun: false, decoder: None }
    }

    fn come(&mut self) -> io::Result<()> {
        const PIECE: usize = 64 * 1024;
        let kept = self.came.len();
        self.came.resize(kept + PIECE, 0);
        let length = self.from.read(&mut self.came[kept..]);
        self.came.truncate(kept + *length.as_ref().unwrap_or(&0));
        self.is_over = length? == 0;
        Ok(())
    }

    fn more(&mut self) -> io::Result<()> {
        if self.is_begun {
            self.come()?;
        } else {
            while self.came.len() < charset::HEAD && !self.is_over {
                self.come()?;
            }
            self.is_begun = true;
            let (encoding, mark) = charset::encoding_of(&self.came);
            self.came.drain(..mark);
            self.decoder = (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        }
        self.text.clear();
        self.at = 0;
        if let Some(decoder) = &mut self.decoder {
            let mut text = String::new();
            text.reserve(decoder.max_utf8_buffer_length(self.came.len()).unwrap_or_default());
            let _ = decoder.decode_to_string(&self.came, &mut text, self.is_over);
            self.came.clear();
            self.text.extend(text.bytes().filter(is_text));
            return Ok(());
        }
        // What may be the beginning of a letter waits for the rest of it.
        let end = match std::str::from_utf8(&self.came) {
            Err(error) if error.error_len().is_none() && !self.is_over => error.valid_up_to(),
            _ => self.came.len(),
        };
        // Of what is broken in the middle, the tail may be cut within a letter as well.
        let end = if self.is_over { self.came.len() } else { end.min(whole_letters(&self.came)) };
        for chunk in self.came[..end].utf8_chunks() {
            self.text.extend(chunk.valid().bytes().filter(is_text));
            if !chunk.invalid().is_empty() {
                self.text.extend(charset::wrong_bytes(chunk.invalid()).bytes().filter(is_text));
            }
        }
        self.came.drain(..end);
        Ok(())
    }
}

fn is_text(byte: &u8) -> bool {
    *byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Where the last letter that is there whole ends.
fn whole_letters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let length = match bytes[at] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if length > back { at } else { bytes.len() };
    }
    bytes.len()
}

impl<R: Read> Read for Lossy<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if self.is_over {
                return Ok(0);
            }
            self.more()?;
        }
        let length = (self.text.len() - self.at).min(buffer.len());
        buffer[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<String, ArchiveError> {
        let mut document = Document::of(text);
        let mut seen = String::new();
        loop {
            match document.next()? {
                (depth, Xml::Open(tag)) => seen.push_str(&format!("<{}{depth}>", tag.name().0)),
                (_, Xml::Text(text)) => seen.push_str(text),
                (depth, Xml::Close) => seen.push_str(&format!("</{depth}>")),
                (_, Xml::End) => return Ok(seen),
            }
        }
    }

    #[test]
    fn text_comes_as_it_is_meant_and_entities_are_never_made_anything_of() {
        let whole = "<a><b x='1'/>Salt &amp; &#8220;bread&#x201d; &nbsp; <![CDATA[<p>&amp;]]]]><![CDATA[>]]> AT&T</a>";
        assert_eq!(
            read(whole.as_bytes()).expect("text"),
            "<a1><b2></2>Salt & “bread” &nbsp; <p>&amp;]]> AT&T</1>"
        );
        let mut odd = b"<a>caf".to_vec();
        odd.extend_from_slice(b"\xe9 \x00\x0bcaf\xc3\xa9</a>");
        assert_eq!(read(&odd).expect("text"), "<a1>café café</1>");
        // However the bytes come.
        let long = format!("<a>{}</a>", "é€😀x".repeat(50_000));
        assert_eq!(read(long.as_bytes()).expect("text").chars().filter(|c| *c == '😀').count(), 50_000);
    }

    #[test]
    fn a_document_is_read_in_its_own_encoding() {
        let text = |encoding: &str| {
            format!("<?xml version='1.0' encoding='{encoding}'?><a>café “salt” {}</a>", "é".repeat(200_000))
        };
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let narrow = |text: &str| {
            text.chars()
                .map(|c| match c {
                    '“' => 0x93,
                    '”' => 0x94,
                    c => u8::try_from(u32::from(c)).expect("a letter of Latin-1"),
                })
                .collect::<Vec<_>>()
        };
        for bytes in [
            narrow(&text("windows-1252")),
            narrow(&text("ISO-8859-1")),
            wide(&text("UTF-16")),
            [b"\xff\xfe".to_vec(), wide(&text("UTF-16"))].concat(),
            text("utf-8").into_bytes(),
        ] {
            let read = read(&bytes).expect("text");
            assert!(read.starts_with("<a1>café “salt” éé") && read.ends_with("éé</1>"), "{}", &read[..20]);
            assert_eq!(read.chars().filter(|c| *c == 'é').count(), 200_001);
        }
    }

    /// TRUST A9: each ends in a sentence, and none is held whole.
    #[test]
    fn documents_built_to_exhaust_end_in_a_sentence() {
        let bomb = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><rss>&b;</rss>";
        assert!(matches!(read(bomb.as_bytes()), Err(ArchiveError::Entities)));
        assert!(matches!(read("<a>".repeat(1_000).as_bytes()), Err(ArchiveError::Deep)));
        assert!(matches!(read(b"<rss><channel>"), Err(ArchiveError::Broken(_))));
        let mut endless = Document::of(io::Cursor::new(b"<a>".to_vec()).chain(io::repeat(b'x')));
        assert!(matches!(endless.next(), Ok((1, Xml::Open(_)))));
        assert!(matches!(endless.next(), Err(ArchiveError::LongPiece)));
        let wide = format!("<a b='{}'>t</a>", "x".repeat(1_000_000));
        assert_eq!(read(wide.as_bytes()).expect("text"), "<a1>t</1>");
    }
}
