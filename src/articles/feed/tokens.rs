//! XML as people write it, taken apart: tags, sections and the text between them.
//!
//! The rule: every byte is passed a bounded number of times, whatever stands there, and what is no markup is text: a `<` that
//! begins no tag, a comment without an end. A document type is read for the entities that it declares, and goes.

use std::{borrow::Cow, collections::HashMap};

use super::letters;
use crate::articles::cleaning::charset;

/// No name of an entity is longer, nor a number of a letter.
const LONGEST_REFERENCE: usize = 40;
/// A document may declare so many entities of its own.
const MOST_ENTITIES: usize = 200;
/// So long each, and none that names another: they cannot grow.
const LONGEST_ENTITY: usize = 200;

/// A piece of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// With references in it.
    Text(&'a str),
    /// A CDATA section: its text as it is.
    Section(&'a str),
    Start {
        name: &'a str,
        /// All that stands between the name and the end.
        attributes: &'a str,
        closes_itself: bool,
    },
    End(&'a str),
    DocType(&'a str),
}

/// Takes a document apart.
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens {
        rest: text,
        text_from: text,
        no_comment_ends: false,
        no_section_ends: false,
        no_doctype_ends: false,
    }
}

/// See [`tokens`].
pub struct Tokens<'a> {
    rest: &'a str,
    /// Where the text that was passed and not given yet begins.
    text_from: &'a str,
    /// None ends in what is left: it is not looked for again.
    no_comment_ends: bool,
    no_section_ends: bool,
    no_doctype_ends: bool,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let at = self.rest.find('<').unwrap_or(self.rest.len());
            let markup = &self.rest[at..];
            if markup.is_empty() {
                let text = std::mem::take(&mut self.text_from);
                self.rest = "";
                return (!text.is_empty()).then_some(Token::Text(text));
            }
            let Some((token, length)) = self.markup(markup) else {
                self.rest = &markup[1..];
                continue;
            };
            let before = self.text_from.len() - markup.len();
            if before > 0 {
                let text = &self.text_from[..before];
                (self.rest, self.text_from) = (markup, markup);
                return Some(Token::Text(text));
            }
            (self.rest, self.text_from) = (&markup[length..], &markup[length..]);
            if let Some(token) = token {
                return Some(token);
            }
        }
    }
}

impl<'a> Tokens<'a> {
    /// What stands at a `<`, and its length; `None` if it is text.
    fn markup(&mut self, text: &'a str) -> Option<(Option<Token<'a>>, usize)> {
        if let Some(comment) = text.strip_prefix("<!--") {
            if self.no_comment_ends {
                return None;
            }
            let end = comment.find("-->");
            self.no_comment_ends = end.is_none();
            return Some((None, 4 + end? + 3));
        }
        if let Some(section) = text.strip_prefix("<![CDATA[") {
            if self.no_section_ends {
                return None;
            }
            let end = section.find("]]>");
            self.no_section_ends = end.is_none();
            return Some((Some(Token::Section(&section[..end?])), 9 + end? + 3));
        }
        match text.as_bytes().get(1)? {
            b'?' => {
                let end = text[2..].find(['<', '>'])?;
                (text.as_bytes()[2 + end] == b'>').then_some((None, 2 + end + 1))
            }
            b'!' => {
                let is_it = text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
                if !is_it || self.no_doctype_ends {
                    return None;
                }
                let end = doctype_end(text);
                self.no_doctype_ends = end.is_none();
                let end = end?;
                Some((Some(Token::DocType(&text[9..end])), end + 1))
            }
            b'/' => {
                let inner = &text[2..];
                if !begins_name(inner) {
                    return None;
                }
                // One whose `>` is lost ends before the next.
                let end = inner.find(['<', '>']).unwrap_or(inner.len());
                let name = inner[..end].trim_ascii_end();
                let closed = usize::from(inner[end..].starts_with('>'));
                Some((Some(Token::End(name)), 2 + end + closed))
            }
            _ if begins_name(&text[1..]) => {
                let end = tag_end(text)?;
                let inner = &text[1..end];
                let closes_itself = inner.ends_with('/');
                let inner = inner.strip_suffix('/').unwrap_or(inner);
                let (name, attributes) = inner.split_at(
                    inner.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inner.len()),
                );
                Some((Some(Token::Start { name, attributes, closes_itself }), end + 1))
            }
            _ => None,
        }
    }
}

fn begins_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':')
}

/// Where a tag ends; a `>` between the quotes of a value does not end it, and a `<` outside them means that it is none.
pub fn tag_end(text: &str) -> Option<usize> {
    let (mut quote, mut before) = (None, b' ');
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'<') => return None,
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    None
}

/// Where a document type ends, with what it declares between brackets.
fn doctype_end(text: &str) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') if depth == 0 => return Some(at),
            (None, b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// What a document calls letters or words by names of its own.
#[derive(Debug, Default)]
pub struct Entities(HashMap<String, String>);

impl Entities {
    /// Reads those that stand for plain words; `None` if there are others, which could grow or read other documents.
    pub fn of(doctype: &str) -> Option<Self> {
        let mut own = HashMap::new();
        for declared in doctype.split("<!").skip(1) {
            let Some(declared) =
                declared.get(..6).filter(|word| word.eq_ignore_ascii_case("entity")).map(|_| &declared[6..])
            else {
                continue;
            };
            let (name, value) = declared.trim_start().split_once(|c: char| c.is_ascii_whitespace())?;
            let value = value.trim_start();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, _) = value[1..].split_once(quote)?;
            let grows = value.contains(['%', '<']) || value.replace("&#", "").contains('&');
            if name == "%" || grows || value.len() > LONGEST_ENTITY || own.len() == MOST_ENTITIES {
                return None;
            }
            own.insert(name.to_owned(), decode(value, &Self::default()).into_owned());
        }
        Some(Self(own))
    }

    fn find(&self, name: &str) -> Option<&str> {
        match name {
            "amp" => Some("&"),
            "lt" => Some("<"),
            "gt" => Some(">"),
            "quot" => Some("\""),
            "apos" => Some("'"),
            _ => self.0.get(name).map(String::as_str).or_else(|| letters::named(name)),
        }
    }
}

/// Puts letters in the place of references to them. What is no reference stays as it is written.
pub fn decode<'a>(text: &'a str, entities: &Entities) -> Cow<'a, str> {
    let Some(first) = text.find('&') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let after = numbered(rest, &mut out).or_else(|| {
            let head = &rest.as_bytes()[..rest.len().min(LONGEST_REFERENCE)];
            let end = head.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"._-".contains(byte))?;
            let word = (head[end] == b';').then(|| entities.find(&rest[..end])).flatten()?;
            out.push_str(word);
            Some(&rest[end + 1..])
        });
        match after {
            Some(after) => rest = after,
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads `#8217;` or `#x2019;`, and the two halves of one letter that some programs write for it. What comes after it.
fn numbered<'a>(rest: &'a str, out: &mut String) -> Option<&'a str> {
    let (number, after) = number(rest)?;
    if let 0xd800..=0xdbff = number
        && let Some((low @ 0xdc00..=0xdfff, behind)) = after.strip_prefix('&').and_then(self::number)
    {
        out.extend(char::from_u32(0x10000 + ((number - 0xd800) << 10) + (low - 0xdc00)));
        return Some(behind);
    }
    match char::from_u32(number) {
        Some(letter) => out.extend(charset::letter(letter)),
        None => out.push(char::REPLACEMENT_CHARACTER),
    }
    Some(after)
}

fn number(rest: &str) -> Option<(u32, &str)> {
    let digits = rest.strip_prefix('#')?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    let number = u32::from_str_radix(&digits[..end.min(12)], radix).unwrap_or(u32::MAX);
    Some((number, digits[end..].strip_prefix(';').unwrap_or(&digits[end..])))
}
