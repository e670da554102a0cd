//! A body compiled once for everyone who gets it: encoded bytes, and the places where personal values go.
//!
//! Writing a copy is copying the bytes and encoding a dozen short values between them.

use mail_parser::MessageParser;

use super::{
    fields::{self, Place},
    personal::{Personal, PersonalField, SeenParts, clean_name},
    quoted_printable::Encoder,
};

/// How a value is escaped before it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Escape {
    /// In the plain text: not at all.
    Plain = 0,
    /// Between HTML tags.
    HtmlText = 1,
    /// In a quoted HTML attribute.
    HtmlAttribute = 2,
}

/// The stored number of the first field that a body asks; those of personal fields are others.
pub(super) const FIRST_ASKED: u8 = 6;

/// What stands in a place of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Own(PersonalField),
    /// What the reader answered, by its place among what the body asks.
    Asked(u8),
    /// Here a part begins that some see, by its number among [`SeenParts`].
    Begins(u8),
    /// Here it is over.
    Over,
}

/// The stored number of the beginning of the first part.
const FIRST_PART: u8 = 210;
/// The stored number of the end of any.
const OVER: u8 = 254;

impl What {
    /// By its stored number.
    pub(super) fn numbered(number: u8) -> Self {
        match PersonalField::ALL.into_iter().find(|field| field.number() == number) {
            Some(field) => Self::Own(field),
            None if number == OVER => Self::Over,
            None if number >= FIRST_PART => Self::Begins(number - FIRST_PART),
            None => Self::Asked(number.saturating_sub(FIRST_ASKED)),
        }
    }

    /// Whether it says where a part begins or is over, and nothing stands there.
    pub(super) const fn is_edge(self) -> bool {
        matches!(self, Self::Begins(_) | Self::Over)
    }

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Own(field) => field.number(),
            Self::Asked(at) => at + FIRST_ASKED,
            Self::Begins(part) => part + FIRST_PART,
            Self::Over => OVER,
        }
    }
}

/// A field that a body asks, with the words for whoever has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: i64,
    pub(super) is_day: bool,
    pub(super) otherwise: String,
}

impl Asked {
    fn place(&self) -> Place<'_> {
        Place { id: self.id, is_day: self.is_day, otherwise: &self.otherwise }
    }
}

/// A place in the body that is filled for each copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The bytes of the body that come before the value.
    pub(super) position: usize,
    pub(super) what: What,
    pub(super) escape: Escape,
}

impl Slot {
    pub(super) fn at(self, position: usize) -> Self {
        Self { position, ..self }
    }

    fn write(self, personal: &Personal<'_>, asked: &[Asked], out: &mut Vec<u8>) {
        match self.what {
            What::Own(PersonalField::Name) => self.encode(&clean_name(personal.name), out),
            What::Own(field) => self.encode(personal.get(field), out),
            What::Asked(at) => {
                if let Some(asked) = asked.get(usize::from(at)) {
                    self.encode(&fields::value(asked.place(), personal), out);
                }
            }
            What::Begins(_) | What::Over => {}
        }
    }

    fn encode(self, value: &str, out: &mut Vec<u8>) {
        let mut encoder = Encoder::new(out);
        if self.escape == Escape::Plain {
            return encoder.piece(value.as_bytes());
        }
        let mut rest = value.as_bytes();
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | 0xc2)) {
            let (before, after) = rest.split_at(at);
            encoder.piece(before);
            let (entity, length): (&[u8], _) = match after {
                [b'&', ..] => (b"&amp;", 1),
                [b'<', ..] => (b"&lt;", 1),
                [b'>', ..] => (b"&gt;", 1),
                // A space that does not break, in UTF-8.
                [0xc2, 0xa0, ..] => (b"&nbsp;", 2),
                [b'"', ..] if self.escape == Escape::HtmlAttribute => (b"&quot;", 1),
                other => (&other[..1], 1),
            };
            encoder.piece(entity);
            rest = &after[length..];
        }
        encoder.piece(rest);
    }
}

/// An encoded body and its places, in order of position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) slots: Vec<Slot>,
}

impl Body {
    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// One version of an edition, ready to be written copy by copy; stored in the database as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    subject: String,
    asked: Vec<Asked>,
    body: Body,
}

/// The bytes are not a compiled body, or of a format this program does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored body cannot be read")]
pub struct CompiledFormatError;

/// What a stored body begins with; the last byte is the format's version.
const MAGIC: [u8; 4] = *b"BSD\x01";
/// One in which fields of the team stand: those come behind the subject.
const MAGIC_WITH_FIELDS: [u8; 4] = *b"BSD\x02";
/// One with parts that are not for everybody, and perhaps fields.
const MAGIC_WITH_PARTS: [u8; 4] = *b"BSD\x03";

impl Compiled {
    pub(super) fn new(subject: String, asked: Vec<Asked>, body: Body) -> Self {
        Self { subject, asked, body }
    }

    /// The fields of the team that stand in it, each once.
    #[must_use]
    pub fn asks(&self) -> Vec<i64> {
        let mut asks: Vec<i64> = self.asked.iter().map(|asked| asked.id).collect();
        asks.sort_unstable();
        asks.dedup();
        asks.retain(|id| *id != fields::NAME);
        asks
    }

    /// The subject, the same in every copy.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Appends the body of one copy to `out`, from its `MIME-Version` header to the CRLF at the end.
    ///
    /// No line begins with a dot, so nothing is to be stuffed; the final dot of DATA is the caller's.
    pub fn write_body(&self, personal: &Personal<'_>, out: &mut Vec<u8>) {
        out.reserve(self.body.bytes.len() + self.body.slots.len() * 160);
        let (mut from, mut is_left_out) = (0, false);
        for slot in &self.body.slots {
            if !is_left_out {
                out.extend_from_slice(&self.body.bytes[from..slot.position]);
            }
            match slot.what {
                What::Begins(part) => is_left_out = !personal.parts.has(part),
                What::Over => is_left_out = false,
                _ if is_left_out => {}
                _ => slot.write(personal, &self.asked, out),
            }
            from = slot.position;
        }
        out.extend_from_slice(&self.body.bytes[from..]);
    }

    fn has_parts(&self) -> bool {
        self.body.slots.iter().any(|slot| slot.what.is_edge())
    }

    /// The HTML and the plain text of one copy, as mail programs show them; `None` if one of them is not in it.
    #[must_use]
    pub fn shown(&self, personal: &Personal<'_>) -> Option<(String, String)> {
        let mut message = Vec::new();
        self.write_body(personal, &mut message);
        let parsed = MessageParser::default().parse(&message)?;
        Some((parsed.body_html(0)?.into_owned(), parsed.body_text(0)?.into_owned()))
    }

    /// As bytes to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let magic = match (self.has_parts(), self.asked.is_empty()) {
            (true, _) => MAGIC_WITH_PARTS,
            (false, true) => MAGIC,
            (false, false) => MAGIC_WITH_FIELDS,
        };
        let mut out = magic.to_vec();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        out.extend_from_slice(&number(self.subject.len()));
        out.extend_from_slice(self.subject.as_bytes());
        if magic != MAGIC {
            out.extend_from_slice(&number(self.asked.len()));
        }
        for Asked { id, is_day, otherwise } in &self.asked {
            out.extend_from_slice(&id.to_le_bytes());
            out.push(u8::from(*is_day));
            out.extend_from_slice(&number(otherwise.len()));
            out.extend_from_slice(otherwise.as_bytes());
        }
        out.extend_from_slice(&number(self.body.slots.len()));
        for slot in &self.body.slots {
            out.extend_from_slice(&number(slot.position));
            out.extend_from_slice(&[slot.what.number(), slot.escape as u8]);
        }
        out.extend_from_slice(&self.body.bytes);
        out
    }

    /// Reads what [`Compiled::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes of another format or version, or cut short.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CompiledFormatError> {
        read(bytes).ok_or(CompiledFormatError)
    }
}

fn read(bytes: &[u8]) -> Option<Compiled> {
    let with_parts = bytes.strip_prefix(&MAGIC_WITH_PARTS);
    let with_fields = with_parts.or_else(|| bytes.strip_prefix(&MAGIC_WITH_FIELDS));
    let mut rest = with_fields.or_else(|| bytes.strip_prefix(&MAGIC))?;
    let subject = read_text(&mut rest)?;
    let mut asked = Vec::new();
    let asks = if with_fields.is_some() { read_number(&mut rest)? } else { 0 };
    for _ in 0..asks {
        let id = i64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?);
        let [is_day] = *take(&mut rest, 1)? else { return None };
        asked.push(Asked { id, is_day: is_day != 0, otherwise: read_text(&mut rest)? });
    }
    let count = read_number(&mut rest)?;
    let (mut slots, mut is_in_part) = (Vec::new(), false);
    for _ in 0..count {
        let position = read_number(&mut rest)?;
        let [what, escape] = *take(&mut rest, 2)? else { return None };
        let what = What::numbered(what);
        if matches!(what, What::Asked(at) if usize::from(at) >= asked.len()) {
            return None;
        }
        // SeenParts do not stand in one another, and each is over somewhere.
        if what.is_edge() {
            let begins = matches!(what, What::Begins(part) if part < SeenParts::MOST);
            if with_parts.is_none() || is_in_part == begins {
                return None;
            }
            is_in_part = begins;
        }
        let escape = *[Escape::Plain, Escape::HtmlText, Escape::HtmlAttribute].get(usize::from(escape))?;
        slots.push(Slot { position, what, escape });
    }
    let ordered = slots.is_sorted_by_key(|slot| slot.position);
    let inside = slots.last().is_none_or(|slot| slot.position <= rest.len());
    (ordered && inside && !is_in_part && is_fit(rest)).then(|| Compiled {
        subject,
        asked,
        body: Body { bytes: rest.to_vec(), slots },
    })
}

/// What every body is, and a damaged one may not be: seven bits, lines that end with CRLF and begin with no dot. Sent
/// otherwise, a server might take the message behind it for a part of it.
fn is_fit(body: &[u8]) -> bool {
    let lines = body.strip_suffix(b"\r\n").map(|lines| lines.split(|byte| *byte == b'\n'));
    lines.is_some_and(|lines| {
        let mut lines = lines.peekable();
        let mut all_fit = true;
        while let Some(line) = lines.next() {
            let text = if lines.peek().is_some() { line.strip_suffix(b"\r") } else { Some(line) };
            let fits = |text: &[u8]| {
                text.first() != Some(&b'.') && text.iter().all(|byte| !matches!(byte, 0 | b'\r' | 128..))
            };
            all_fit &= text.is_some_and(fits);
        }
        all_fit
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn read_text(rest: &mut &[u8]) -> Option<String> {
    let length = read_number(rest)?;
    String::from_utf8(take(rest, length)?.to_vec()).ok()
}

fn read_number(rest: &mut &[u8]) -> Option<usize> {
    let bytes = take(rest, 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
