//! Mail as it arrived, taken apart.

use mail_parser::{Message, MessageParser};

/// One mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Every byte, as it came over the wire.
    pub raw: Vec<u8>,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Mail {
    /// Takes a message apart; it must have a text and an HTML part.
    pub fn new(raw: Vec<u8>) -> Self {
        let parsed: Message<'_> = MessageParser::default().parse(&raw).expect("a message");
        let subject = parsed.subject().expect("a subject").to_owned();
        let text = parsed.body_text(0).expect("a text part").into_owned();
        let html = parsed.body_html(0).expect("an HTML part").into_owned();
        Self { subject, text, html, raw }
    }

    /// A header as it stands in the message, its lines joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.raw).replace("\r\n ", " ").replace("\r\n\t", " ");
        let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
        head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The first address in the text part that holds `part`.
    #[track_caller]
    pub fn link(&self, part: &str) -> String {
        let found = self.text.split_whitespace().find(|word| word.starts_with("http") && word.contains(part));
        found.unwrap_or_else(|| panic!("no link holds {part} in: {}", self.text)).to_owned()
    }
}
