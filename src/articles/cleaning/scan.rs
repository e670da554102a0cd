//! Reads clean HTML, which has one form only: lower-case tags, values in double quotes, and `<` only where a tag begins.

/// A piece of it.
#[derive(Debug)]
pub(in crate::articles) enum Token<'a> {
    Text(&'a str),
    Open { name: &'a str, raw: &'a str },
    Close { name: &'a str, raw: &'a str },
}

/// Reads clean HTML, where `<` always begins a tag.
#[derive(Debug)]
pub(in crate::articles) struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    pub(in crate::articles) fn of(clean: &'a str) -> Self {
        Self(clean)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let Some(tag) = self.0.strip_prefix('<') else {
            let (text, rest) = self.0.split_at(self.0.find('<').unwrap_or(self.0.len()));
            self.0 = rest;
            return Some(Token::Text(text));
        };
        let end = (tag_end(tag) + 2).min(self.0.len());
        let (raw, rest) = self.0.split_at(end);
        self.0 = rest;
        let name = raw.trim_matches(['<', '>', '/']);
        let name = name.split_once(|c: char| c.is_whitespace() || c == '>').map_or(name, |(name, _)| name);
        Some(if raw.starts_with("</") { Token::Close { name, raw } } else { Token::Open { name, raw } })
    }
}

/// An attribute of a clean tag, still encoded.
pub(in crate::articles) fn attribute<'a>(raw: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("=\"") {
        let (value, next) = after.split_once('"')?;
        if before.rsplit(char::is_whitespace).next() == Some(name) {
            return Some(value);
        }
        rest = next;
    }
    None
}

/// Where the tag that `rest` stands in ends; a `>` between the quotes of a value does not end it.
fn tag_end(rest: &str) -> usize {
    let (mut quote, mut before) = (None, b' ');
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    rest.len()
}
