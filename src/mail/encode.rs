//! Words in headers: folding, and encoded-words for what is not plain ASCII (RFC 2047).
//!
//! An encoder of our own: an address never follows an encoded-word beyond the 76th column, and text that looks like an
//! encoded-word is encoded, so that no reader's program decodes what nobody encoded.

/// The longest line that holds an encoded-word (RFC 2047 section 2), and ours for everything that can be folded.
const LONGEST_LINE: usize = 76;

/// What stands around the Base64 of an encoded-word.
const WRAPPING: usize = "=?utf-8?B?".len() + "?=".len();

/// The longest encoded-word.
const LONGEST_WORD: usize = 75;

/// Writes header values and keeps count of the column.
pub(super) struct HeaderLine<'a> {
    out: &'a mut Vec<u8>,
    column: usize,
}

impl<'a> HeaderLine<'a> {
    /// Begins a header: its name, a colon, and the space comes with the first word.
    pub(super) fn begin(name: &str, out: &'a mut Vec<u8>) -> Self {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        Self { out, column: name.len() + 1 }
    }

    /// Writes a word after a space, on a new line if it does not fit on this one.
    pub(super) fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > LONGEST_LINE && self.column > 1 && !self.out.ends_with(b":") {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.out.push(b' ');
        self.out.extend_from_slice(word.as_bytes());
        self.column += 1 + word.len();
    }

    /// Free text, such as a subject.
    pub(super) fn text(&mut self, text: &str) {
        if !is_plain(text) {
            return self.encoded_words(text);
        }
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            self.word(word);
        }
    }

    /// A display name before an address (RFC 5322 `phrase`): bare, quoted, or encoded; never encoded inside quotes.
    pub(super) fn phrase(&mut self, name: &str) {
        if !is_plain(name) {
            return self.encoded_words(name);
        }
        let bare =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\'' | '!' | '+' | '/');
        if name.chars().all(bare) {
            return self.text(name);
        }
        if name.len() > LONGEST_LINE - 20 {
            // A quoted-string is folded only at spaces that then may not stay; encoded-words are folded anywhere.
            return self.encoded_words(name);
        }
        let mut quoted = String::from("\"");
        for c in name.chars() {
            if matches!(c, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push('"');
        self.word(&quoted);
    }

    /// Ends the header.
    pub(super) fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// `text` as encoded-words, each a whole number of characters, as each must be decodable alone.
    fn encoded_words(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let mut room = self.room();
            if room < 4 {
                self.out.extend_from_slice(b"\r\n");
                self.column = 0;
                room = self.room();
            }
            let mut end = rest.len().min(room);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (now, later) = rest.split_at(end);
            self.word(&format!("=?utf-8?B?{}?=", data_encoding::BASE64.encode(now.as_bytes())));
            rest = later;
        }
    }

    /// How many bytes of text fit into an encoded-word on what is left of this line.
    fn room(&self) -> usize {
        let line = LONGEST_LINE.saturating_sub(self.column + 1).min(LONGEST_WORD);
        line.saturating_sub(WRAPPING) / 4 * 3
    }
}

/// Text that may stand in a header as it is: printable ASCII in words that can be folded, and nothing that looks like
/// an encoded-word.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() < LONGEST_LINE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(write: impl FnOnce(&mut HeaderLine<'_>)) -> String {
        let mut out = Vec::new();
        let mut line = HeaderLine::begin("Subject", &mut out);
        write(&mut line);
        line.end();
        String::from_utf8(out).expect("headers are ASCII")
    }

    #[test]
    fn names_are_bare_quoted_or_encoded() {
        assert_eq!(header(|line| line.phrase("Ada Okafor")), "Subject: Ada Okafor\r\n");
        assert_eq!(header(|line| line.phrase("Okafor, \"Ada\"")), "Subject: \"Okafor, \\\"Ada\\\"\"\r\n");
        assert_eq!(header(|line| line.phrase("Zoë")), "Subject: =?utf-8?B?Wm/Dqw==?=\r\n");
    }

    #[test]
    fn text_that_looks_encoded_is_encoded() {
        let encoded = header(|line| line.text("=?utf-8?Q?hello?="));
        assert!(!encoded.contains("hello"), "{encoded}");
    }

    proptest! {
        /// TRUST M16: no encoded-word beyond 75 characters, no line with one beyond 76, and each decodes alone.
        #[test]
        fn any_text_is_folded_and_comes_back(text in "[ -~é日🎈]{1,300}") {
            let encoded = header(|line| line.text(&text));
            for line in encoded.split("\r\n") {
                prop_assert!(line.len() <= 76, "{}", line);
            }
            for word in encoded.split_ascii_whitespace().filter(|word| word.starts_with("=?")) {
                prop_assert!(word.len() <= 75);
            }
            let message = format!("{encoded}\r\n");
            let parsed = mail_parser::MessageParser::default().parse(message.as_bytes()).expect("a message");
            let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(parsed.subject().unwrap_or_default()), words(&text));
        }
    }
}
