//! Quoted-printable (RFC 2045 section 6.7), with two habits of its own.
//!
//! A dot at the start of a line is written `=2E`, so no line ever needs dot-stuffing and the bytes in DATA are the bytes
//! that were signed; and `From ` at the start of a line loses its F, because some old mailboxes change that line.

/// The most that stands on a line before the `=` of a soft break.
const LONGEST_LINE: usize = 75;

/// Bytes that stand for themselves: printable ASCII but `=`, and space.
const LITERAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = byte != b'=';
        byte += 1;
    }
    table
};

/// Encodes one line after the other onto the end of a buffer; starts at the beginning of a line.
pub(super) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    column: usize,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, column: 0 }
    }

    /// Encodes text that has no line breaks of its own; a control character, should there be one, becomes an escape.
    pub(super) fn piece(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some(&first) = rest.first() {
            if self.column >= LONGEST_LINE {
                self.soft_break();
            }
            if self.column == 0 && (first == b'.' || rest.starts_with(b"From ")) {
                self.escape(first);
                rest = &rest[1..];
                continue;
            }
            let room = &rest[..rest.len().min(LONGEST_LINE - self.column)];
            let run = room.iter().position(|byte| !LITERAL[usize::from(*byte)]).unwrap_or(room.len());
            if run == 0 {
                self.escape(first);
                rest = &rest[1..];
            } else {
                self.out.extend_from_slice(&rest[..run]);
                self.column += run;
                rest = &rest[run..];
            }
        }
    }

    /// Ends a line of the text.
    pub(super) fn hard_break(&mut self) {
        // A space at the end of a line may be lost on the way (rule 3), so it is written as an escape.
        if self.column > 0 && self.out.last() == Some(&b' ') {
            self.out.pop();
            self.column -= 1;
            self.escape(b' ');
        }
        self.out.extend_from_slice(b"\r\n");
        self.column = 0;
    }

    /// Breaks the line without breaking the text.
    pub(super) fn soft_break(&mut self) {
        self.out.extend_from_slice(b"=\r\n");
        self.column = 0;
    }

    /// Whether the next byte begins a line.
    pub(super) fn at_line_start(&self) -> bool {
        self.column == 0
    }

    /// How many bytes the buffer holds.
    pub(super) fn position(&self) -> usize {
        self.out.len()
    }

    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        if self.column + 3 > LONGEST_LINE {
            self.soft_break();
        }
        let [high, low] = [byte >> 4, byte & 15].map(|half| HEX[usize::from(half)]);
        self.out.extend_from_slice(&[b'=', high, low]);
        self.column += 3;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &str) -> String {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out);
        for line in text.split('\n') {
            encoder.piece(line.as_bytes());
            encoder.hard_break();
        }
        String::from_utf8(out).expect("quoted-printable is ASCII")
    }

    /// TRUST A17: no line begins with a dot, so no body can end a message.
    #[test]
    fn a_dot_at_the_start_of_a_line_is_escaped() {
        assert_eq!(encode(".\n..x\na.b"), "=2E\r\n=2E.x\r\na.b\r\n");
        assert_eq!(encode("From here"), "=46rom here\r\n");
    }

    #[test]
    fn a_space_at_the_end_of_a_line_survives() {
        assert_eq!(encode("-- \n"), "--=20\r\n\r\n");
    }

    proptest! {
        #[test]
        fn lines_stay_short_and_decode_to_what_went_in(text in "[ -~é.F\n ]{0,400}") {
            let encoded = encode(&text);
            for line in encoded.split("\r\n") {
                prop_assert!(line.len() <= 76 && !line.starts_with('.') && !line.ends_with(' '));
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let decoded = mail_parser::decoders::quoted_printable::quoted_printable_decode(encoded.as_bytes());
            prop_assert_eq!(decoded, Some(format!("{text}\n").replace('\n', "\r\n").into_bytes()));
        }
    }
}
