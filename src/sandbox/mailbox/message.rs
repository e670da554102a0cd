//! A small reader of messages: headers (RFC 5322, RFC 2047), parts (RFC 2046) and their encodings (RFC 2045).
//!
//! Written apart from everything that builds mail, so that it cannot share a builder's mistake. It never fails: what it cannot
//! read it shows as it is.

use std::borrow::Cow;

use data_encoding::BASE64;

/// Deeper nesting than any honest mail has.
const DEPTH: usize = 20;

/// The headers of a message or of one of its parts, unfolded, in order.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Reads up to the first empty line.
    pub(super) fn read(raw: &[u8]) -> Self {
        Self::split(raw).0
    }

    fn split(raw: &[u8]) -> (Self, &[u8]) {
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut rest = raw;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t'])
                && let Some((_, value)) = headers.last_mut()
            {
                value.push_str(line);
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        (Self(headers), rest)
    }

    /// All of them as they were written, unfolded.
    pub(super) fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first header of that name with its encoded words decoded; empty if there is none.
    pub(super) fn text(&self, name: &str) -> String {
        self.raw(name).map(decode_words).unwrap_or_default()
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// A parameter of the Content-Type, without its quotes.
    fn parameter(&self, wanted: &str) -> Option<String> {
        let value = self.raw("content-type")?;
        let found = value.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        });
        found.filter(|value| !value.is_empty())
    }
}

/// What a mail program would show.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) headers: Headers,
    pub(super) html: Option<String>,
    pub(super) text: Option<String>,
}

impl Message {
    pub(super) fn read(raw: &[u8]) -> Self {
        let (headers, body) = Headers::split(raw);
        let mut message = Self::default();
        message.part(&headers, body, 0);
        message.headers = headers;
        message
    }

    fn part(&mut self, headers: &Headers, body: &[u8], depth: usize) {
        let kind = headers.raw("content-type").unwrap_or("text/plain");
        let kind = kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase();
        if kind.starts_with("multipart/") {
            let Some(boundary) = headers.parameter("boundary").filter(|_| depth < DEPTH) else { return };
            for part in parts(body, &boundary) {
                let (headers, body) = Headers::split(part);
                self.part(&headers, body, depth + 1);
            }
            return;
        }
        let place = match kind.as_str() {
            "text/html" => &mut self.html,
            "text/plain" => &mut self.text,
            _ => return,
        };
        if place.is_none() {
            let encoding = headers.raw("content-transfer-encoding").unwrap_or_default();
            let bytes = decode_body(body, encoding);
            *place = Some(characters(&bytes, headers.parameter("charset").as_deref().unwrap_or("utf-8")));
        }
    }
}

/// The parts between the boundary lines, without the line end that belongs to the boundary.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let mark = format!("--{boundary}");
    let (mut found, mut start, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        if let Some(rest) = content.strip_prefix(mark.as_bytes())
            && matches!(rest, b"" | b"--")
        {
            if let Some(start) = start {
                let part: &[u8] = &body[start..at];
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                found.push(part.strip_suffix(b"\r").unwrap_or(part));
            }
            start = Some(at + line.len());
            if rest == b"--" {
                return found;
            }
        }
        at += line.len();
    }
    found.extend(start.map(|start| &body[start..]));
    found
}

fn decode_body<'a>(body: &'a [u8], encoding: &str) -> Cow<'a, [u8]> {
    match encoding.to_ascii_lowercase().as_str() {
        "quoted-printable" => Cow::Owned(quoted_printable(body)),
        "base64" => {
            let dense: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            BASE64.decode(&dense).map_or(Cow::Borrowed(body), Cow::Owned)
        }
        _ => Cow::Borrowed(body),
    }
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'=' {
            out.push(*first);
            continue;
        }
        match rest {
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => rest = after,
            [high, low, after @ ..] if hex(*high).is_some() && hex(*low).is_some() => {
                out.push(hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0));
                rest = after;
            }
            _ => out.push(b'='),
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// UTF-8 and Latin-1 are enough here; anything else is read as UTF-8 with marks where it is not.
fn characters(bytes: &[u8], charset: &str) -> String {
    if charset.eq_ignore_ascii_case("iso-8859-1") {
        bytes.iter().copied().map(char::from).collect()
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Decodes `=?charset?Q?…?=` and `=?charset?B?…?=`; white space between two of them is not part of the text (RFC 2047).
fn decode_words(text: &str) -> String {
    let mut out = String::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut charset = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        let Some((name, decoded, length)) = encoded_word(from) else {
            out.push_str(&characters(&std::mem::take(&mut bytes), &charset));
            out.push_str(before);
            out.push_str("=?");
            rest = &from[2..];
            after_word = false;
            continue;
        };
        // Adjacent words are joined before decoding: some writers split a character between two of them.
        let joined = after_word && before.trim().is_empty();
        if !joined || !charset.eq_ignore_ascii_case(name) {
            out.push_str(&characters(&std::mem::take(&mut bytes), &charset));
        }
        if !joined {
            out.push_str(before);
        }
        name.clone_into(&mut charset);
        bytes.extend(decoded);
        rest = &from[length..];
        after_word = true;
    }
    out.push_str(&characters(&bytes, &charset));
    out.push_str(rest);
    out
}

/// The charset, the bytes and the length of the encoded word that the text begins with.
fn encoded_word(text: &str) -> Option<(&str, Vec<u8>, usize)> {
    // RFC 2047 allows 75 letters; without an end to look for, many that never end would each be read to the end.
    let text = &text[..text.floor_char_boundary(1_000)];
    let inner = text.strip_prefix("=?")?;
    let (charset, inner) = inner.split_once('?')?;
    let (encoding, inner) = inner.split_once('?')?;
    let (word, _) = inner.split_once("?=")?;
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + word.len() + 2;
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(word.as_bytes()).ok()?,
        "Q" | "q" => quoted_printable(word.replace('_', " ").as_bytes()),
        _ => return None,
    };
    Some((charset, bytes, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded_and_their_words_decoded() {
        let headers = Headers::read(
            b"Subject: =?utf-8?B?R3LDvMOf?=\r\n =?utf-8?Q?e_=C3?= =?utf-8?Q?=A9?= today\r\nTo: \"A, B\" <a@example.org>\r\n\r\nX: y",
        );
        assert_eq!(headers.text("subject"), "Grüße é today");
        assert_eq!(headers.text("to"), "\"A, B\" <a@example.org>");
        assert_eq!(headers.text("x"), "");
        assert_eq!(decode_words("1 =? 2 =?x?Z?y?="), "1 =? 2 =?x?Z?y?=");
    }

    #[test]
    fn the_parts_of_a_nested_message_are_found_and_decoded() {
        let raw = b"Content-Type: multipart/mixed; boundary=out\r\n\r\nignored\r\n--out\r\nContent-Type: multipart/alternative;\r\n boundary=\"in\"\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCaf=C3=A9 =\r\nau lait\r\n--in\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGk8\r\nL2I+\r\n--in--\r\n--out--\r\n";
        let message = Message::read(raw);
        assert_eq!(message.text.as_deref(), Some("Café au lait"));
        assert_eq!(message.html.as_deref(), Some("<b>hi</b>"));
    }

    #[test]
    fn broken_and_hostile_messages_are_shown_and_not_trusted() {
        let mut nested = String::new();
        for depth in 0..1_000 {
            nested
                .push_str(&format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"));
        }
        for raw in [
            nested.as_bytes(),
            b"",
            b"\xff\xfe",
            b"Content-Type: multipart/mixed\r\n\r\nx",
            b"=?",
            b"Subject",
        ] {
            Message::read(raw);
        }
    }
}
