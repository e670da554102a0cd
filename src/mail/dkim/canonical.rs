//! The relaxed forms of headers and bodies (RFC 6376 section 3.4): what a server on the way may change without breaking a
//! signature. Lines end in CRLF.

/// A header field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    name: &'a [u8],
    /// With its line breaks, without the last.
    value: &'a [u8],
}

/// Headers and body; the empty line between them belongs to neither, the last header keeps its line end.
pub(super) fn split(message: &[u8]) -> (&[u8], &[u8]) {
    match message.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
        Some(at) => (&message[..at + 2], &message[at + 4..]),
        None => (message, &[]),
    }
}

/// The fields in their order. What is not a field is left out.
pub(super) fn fields(head: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::with_capacity(16);
    let mut rest = head;
    while !rest.is_empty() {
        let end = end_of_field(rest);
        let field = rest[..end].strip_suffix(b"\r\n").unwrap_or(&rest[..end]);
        if let Some(colon) = field.iter().position(|byte| *byte == b':') {
            fields.push(Field { name: field[..colon].trim_ascii_end(), value: &field[colon + 1..] });
        }
        rest = &rest[end..];
    }
    fields
}

/// Behind the line end that no space or tab follows.
fn end_of_field(rest: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = rest[from..].windows(2).position(|bytes| bytes == b"\r\n") {
        from += at + 2;
        if !rest.get(from).is_some_and(|byte| is_space(*byte)) {
            return from;
        }
    }
    rest.len()
}

impl Field<'_> {
    /// Whether it has that name.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Its value as it stands.
    #[cfg(test)]
    pub(super) fn value(&self) -> &[u8] {
        self.value
    }

    /// Appends the relaxed form with its line end: the name in small letters, runs of space as one, none at the ends.
    pub(super) fn canonical(&self, out: &mut Vec<u8>) {
        out.extend(self.name.iter().map(u8::to_ascii_lowercase));
        out.push(b':');
        let begin = out.len();
        let mut space = false;
        for &byte in self.value {
            if is_space(byte) {
                space = true;
            } else if byte != b'\r' && byte != b'\n' {
                if space && out.len() > begin {
                    out.push(b' ');
                }
                space = false;
                out.push(byte);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Feeds the relaxed form of a body: no space at the end of a line, runs of space as one, no empty lines at the end.
///
/// Nearly all of our bodies is in that form already, so long stretches are fed as they are.
pub(super) fn body(body: &[u8], mut feed: impl FnMut(&[u8])) {
    let end = body.iter().rposition(|byte| !is_space(*byte) && !matches!(byte, b'\r' | b'\n'));
    let Some(end) = end else { return };
    let body = &body[..=end];
    let mut fed = 0;
    while let Some(run) = next_change(body, fed) {
        feed(&body[fed..run]);
        let rest = &body[run..];
        let length = rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len());
        if !rest[length..].starts_with(b"\r\n") {
            feed(b" ");
        }
        fed = run + length;
    }
    feed(&body[fed..]);
    feed(b"\r\n");
}

/// How many bytes are looked at together; the compiler makes vector instructions of it.
const BLOCK: usize = 64;

/// Where the next run of space begins that is not one space within a line.
fn next_change(body: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at + BLOCK < body.len() {
        let changes = body[at..at + BLOCK]
            .iter()
            .zip(&body[at + 1..=at + BLOCK])
            .fold(false, |any, (byte, next)| any | is_changed(*byte, *next));
        if changes {
            break;
        }
        at += BLOCK;
    }
    // The last byte of a body that was cut at its end is no space, so every space has a next byte.
    body[at..].windows(2).position(|pair| is_changed(pair[0], pair[1])).map(|found| at + found)
}

/// No short cuts: branches would keep the compiler from looking at many bytes at once.
const fn is_changed(byte: u8, next: u8) -> bool {
    let space = byte == b' ';
    let before_space = (next == b' ') | (next == b'\t') | (next == b'\r');
    (byte == b'\t') | (space & before_space)
}

const fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
