//! The parts of a message that came from outside, within bounds (TRUST A28).
//!
//! The rule that must hold: whatever arrives, time and memory are bounded by constants of this file. Nothing here calls
//! itself, so that no depth of nesting meets the end of the stack; only leaves are decoded, with mail-parser's decoders.

use mail_parser::decoders::{
    base64::base64_decode, charsets::map::charset_decoder, quoted_printable::quoted_printable_decode,
};

/// So much of a message is looked at; what a report says stands before the message that it returns.
pub const READ: usize = 1024 * 1024;
const MOST_PARTS: usize = 100;
const DEEPEST: usize = 12;
const MOST_HEADERS: usize = 300;
const LONGEST_VALUE: usize = 8 * 1024;

/// The header of a message or of a part of it.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first field of that name, unfolded.
    pub fn get<'a>(&'a self, name: &str) -> Option<&'a str> {
        let named = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Every field of that name, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let named = self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the fields that `text` begins with; returns how many bytes they took, with the empty line after them.
    pub fn read(bytes: &[u8]) -> (Self, usize) {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut at = 0;
        for (start, line) in lines(bytes) {
            at = start + line.len();
            let text = trim_end(line);
            if text.is_empty() {
                return (Self(fields), at);
            }
            // Some servers forget to indent a parameter that they put on a line of its own.
            let parameter = start > 0 && text.starts_with(b"boundary=");
            if text[0] == b' ' || text[0] == b'\t' || parameter {
                if let Some((_, value)) = fields.last_mut()
                    && value.len() < LONGEST_VALUE
                {
                    value.push(' ');
                    value.push_str(text_of(text).trim());
                }
                continue;
            }
            let Some(colon) = text.iter().position(|byte| *byte == b':') else {
                // The line that mbox files put before a message, and the like.
                if start == 0 {
                    continue;
                }
                return (Self(fields), start);
            };
            if fields.len() < MOST_HEADERS {
                let name = String::from_utf8_lossy(&text[..colon]).trim().to_owned();
                let value = &text[colon + 1..];
                let value = &value[..value.len().min(LONGEST_VALUE)];
                fields.push((name, text_of(value).trim().to_owned()));
            }
        }
        (Self(fields), at)
    }
}

/// A NUL is no text, and PostgreSQL takes none.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', " ")
}

/// A leaf of the tree, decoded.
#[derive(Clone, Debug)]
pub struct Part {
    /// Type and subtype, in lower case.
    pub kind: String,
    /// The part's text, or what it looks like as text.
    pub text: String,
}

/// A message, taken apart.
#[derive(Clone, Debug)]
pub struct Message {
    /// The message's own header.
    pub headers: Headers,
    /// Its leaves, in their order. A message within it is a leaf whose text begins with its header.
    pub parts: Vec<Part>,
}

impl Message {
    /// Takes a message apart, as far as the bounds go.
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(READ)];
        let (headers, body) = Headers::read(bytes);
        let mut parts = Vec::new();
        let mut open = vec![(headers.clone(), &bytes[body..], 0)];
        while let Some((headers, body, depth)) = open.pop() {
            if parts.len() + open.len() >= MOST_PARTS {
                break;
            }
            let kind = Kind::of(&headers);
            match &kind.boundary {
                Some(boundary) if depth < DEEPEST => {
                    let most = MOST_PARTS - parts.len() - open.len();
                    let pieces = split(body, boundary, most);
                    if pieces.is_empty() {
                        parts.push(leaf("text/plain".to_owned(), &kind, &headers, body));
                    }
                    for piece in pieces.into_iter().rev() {
                        let (headers, start) = Headers::read(piece);
                        open.push((headers, &piece[start..], depth + 1));
                    }
                }
                _ => parts.push(leaf(kind.name.clone(), &kind, &headers, body)),
            }
        }
        Self { headers, parts }
    }

    /// The first leaf of one of these types.
    pub fn part(&self, kinds: &[&str]) -> Option<&Part> {
        self.parts.iter().find(|part| kinds.contains(&part.kind.as_str()))
    }
}

/// What Content-Type says.
struct Kind {
    name: String,
    boundary: Option<Vec<u8>>,
    charset: Option<String>,
}

impl Kind {
    fn of(headers: &Headers) -> Self {
        let value = headers.get("content-type").unwrap_or_default();
        let name = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let boundary = parameter(value, "boundary").map(String::into_bytes);
        let boundary = boundary.filter(|one| !one.is_empty() && name.starts_with("multipart/"));
        let readable = name.contains('/') && (boundary.is_some() || !name.starts_with("multipart/"));
        let name = if readable { name } else { "text/plain".to_owned() };
        Self { name, boundary, charset: parameter(value, "charset") }
    }
}

/// A parameter of a structured field (RFC 2045 section 5.1); one that is given in pieces is put together (RFC 2231 section 3).
pub fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value;
    let mut pieces: Option<String> = None;
    while let Some(at) = rest.find(';') {
        rest = rest[at + 1..].trim_start();
        let Some((name, after)) = rest.split_once('=') else { continue };
        let (name, piece) =
            name.trim().split_once('*').map_or((name.trim(), None), |(name, n)| (name, Some(n)));
        if !name.eq_ignore_ascii_case(wanted) {
            continue;
        }
        let after = after.trim_start();
        let value = match after.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => after.split(';').next().unwrap_or_default().trim(),
        };
        match piece {
            None => return Some(value.to_owned()),
            // With its charset and language in front; which escapes are in it nobody needs to know here.
            Some("" | "0*") => {
                pieces.get_or_insert_default().push_str(value.rsplit('\'').next().unwrap_or_default());
            }
            Some(_) => pieces.get_or_insert_default().push_str(value),
        }
    }
    pieces
}

/// The pieces between lines that begin with `--boundary`.
fn split<'a>(body: &'a [u8], boundary: &[u8], most: usize) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut start = None;
    for (at, line) in lines(body) {
        let Some(after) = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary)) else {
            continue;
        };
        // Another boundary may begin with ours.
        let after = trim_end(after);
        let last = after == b"--";
        if !last && !after.is_empty() {
            continue;
        }
        if let Some(start) = start {
            pieces.push(&body[start..at]);
        }
        start = Some(at + line.len());
        if last || pieces.len() >= most {
            return pieces;
        }
    }
    if let Some(start) = start {
        pieces.push(&body[start..]);
    }
    pieces
}

fn leaf(kind: String, head: &Kind, headers: &Headers, body: &[u8]) -> Part {
    let encoding = headers.get("content-transfer-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    let textual = ["text/", "message/", "application/json"].iter().any(|start| kind.starts_with(start));
    if !textual {
        return Part { kind, text: String::new() };
    }
    let decoded = match encoding.as_str() {
        "quoted-printable" => quoted_printable_decode(body),
        "base64" => base64_decode(body),
        _ => None,
    };
    let bytes = decoded.as_deref().unwrap_or(body);
    // Escape sequences of ISO 2022 are plain ASCII to whoever does not know them, and many servers name no charset.
    let shifted = bytes.windows(2).any(|two| two == b"\x1b$");
    let charset = if shifted { Some("iso-2022-jp") } else { head.charset.as_deref() };
    let decoder = charset.and_then(|charset| charset_decoder(charset.as_bytes()));
    let text = match (std::str::from_utf8(bytes), decoder) {
        (Ok(_), Some(decode)) if shifted => decode(bytes),
        (Ok(text), _) => text.to_owned(),
        (Err(_), Some(decode)) => decode(bytes),
        (Err(_), None) => String::from_utf8_lossy(bytes).into_owned(),
    };
    let text = if kind == "text/html" { mail_parser::decoders::html::html_to_text(&text) } else { text };
    Part { kind, text: text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', " ") }
}

/// A header's value with its encoded words (RFC 2047) decoded.
pub fn decoded(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("=?") {
        out.push_str(&rest[..at]);
        let word = &rest[at + 1..];
        // `?charset?encoding?text?=`: the end is the fourth question mark.
        let end = word.match_indices('?').nth(3).map(|(end, _)| end + 2);
        let Some(end) = end.filter(|end| word.is_char_boundary(*end) && *end <= word.len()) else { break };
        match mail_parser::parsers::MessageStream::new(&word.as_bytes()[..end]).decode_rfc2047() {
            Some(text) => out.push_str(&text),
            None => out.push_str(&rest[at..at + 1 + end]),
        }
        rest = word[end..].trim_start();
    }
    (out + rest).replace('\0', " ")
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    bytes.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}
