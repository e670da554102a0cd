//! Lists as Word writes them: paragraphs, each with the level of its item and with its sign in a span of its own.

use super::{
    super::cleaning::html::decode,
    super::cleaning::scan::{Token, attribute},
    style::{Look, is_number, word_level},
};

/// An item of a list that Word wrote as a paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WordItem {
    pub level: usize,
    pub ordered: bool,
}

impl WordItem {
    /// What the paragraph is that begins there; `tokens` are those behind it.
    pub(super) fn of(raw: &str, tokens: &[Token<'_>]) -> Option<Self> {
        let level = word_level(&decode(attribute(raw, "style")?))?;
        Some(Self { level, ordered: is_number(&sign(tokens)) })
    }
}

/// What stands in the span that shows an item's sign.
fn sign(tokens: &[Token<'_>]) -> String {
    let (mut depth, mut sign) = (0_usize, String::new());
    // It stands at the beginning.
    for token in tokens.iter().take(40) {
        match token {
            Token::Open { name: "span", raw } => {
                let is_sign = attribute(raw, "style").is_some_and(|style| Look::of(&decode(style)).gone);
                depth += usize::from(depth > 0 || is_sign);
            }
            Token::Close { name: "span", .. } if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return sign;
                }
            }
            Token::Close { name: "p", .. } => break,
            Token::Text(text) if depth > 0 => sign.push_str(&decode(text)),
            _ => {}
        }
    }
    sign
}
