//! Footnotes in HTML, found by what leads where: a short link to a place further on, and a way back from there.

use std::collections::{HashMap, HashSet};

use super::super::{
    cleaning::html::decode,
    cleaning::scan::{Token, attribute},
};

/// What is known of the tags of a text before it is read, by their place.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Links that ask for a footnote: its number.
    pub asks: HashMap<usize, usize>,
    /// Links that lead back from one.
    pub back: HashSet<usize>,
    /// Where a footnote begins: its number.
    pub notes: HashMap<usize, usize>,
    /// Tables that hold a single column: they are no tables.
    pub layout: HashSet<usize>,
}

impl Known {
    pub(super) fn of(tokens: &[Token<'_>]) -> Self {
        let mut known = Self::default();
        known.tables(tokens);
        let names: HashSet<String> = tokens.iter().flat_map(names).collect();
        if names.is_empty() {
            return known;
        }
        // What leads where, by the name of the place.
        let mut targets: HashMap<String, usize> = HashMap::new();
        let mut ways_back: HashSet<String> = HashSet::new();
        let (mut block, mut above, mut noted) = (None, Vec::new(), HashSet::new());
        for (at, token) in tokens.iter().enumerate() {
            let Token::Open { name, raw } = token else { continue };
            if matches!(*name, "p" | "li" | "div" | "aside" | "section") {
                block = Some(at);
                let note = names_of(raw).iter().find_map(|name| targets.get(name).copied());
                if let Some(number) = note.filter(|number| noted.insert(*number)) {
                    known.notes.insert(at, number);
                }
            }
            if *name == "sup" {
                above = names_of(raw);
            }
            if *name != "a" {
                continue;
            }
            let own: Vec<String> = names_of(raw).into_iter().chain(std::mem::take(&mut above)).collect();
            let href = attribute(raw, "href").map(decode).unwrap_or_default().into_owned();
            let Some(target) = href.split_once('#').map(|(_, target)| target.to_owned()) else { continue };
            if ways_back.contains(&target) {
                known.back.insert(at);
                let number = own.iter().find_map(|name| targets.get(name).copied());
                if let Some((number, block)) = number.zip(block)
                    && noted.insert(number)
                {
                    known.notes.insert(block, number);
                }
            } else if href.starts_with('#') && names.contains(&target) && is_label(&tokens[at + 1..]) {
                let next = targets.len() + 1;
                let number = *targets.entry(target).or_insert(next);
                known.asks.insert(at, number);
                ways_back.extend(own);
            }
        }
        // Without its words, what asks for them is left as it is.
        known.asks.retain(|_, number| noted.contains(number));
        known
    }

    fn tables(&mut self, tokens: &[Token<'_>]) {
        // Where each open table began, how many cells its row has, and the most.
        let mut open: Vec<(usize, usize, usize)> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Open { name: "table", .. } => open.push((at, 0, 0)),
                Token::Open { name: "tr", .. } => {
                    if let Some(table) = open.last_mut() {
                        table.1 = 0;
                    }
                }
                Token::Open { name: "td" | "th", .. } => {
                    if let Some(table) = open.last_mut() {
                        table.1 += 1;
                        table.2 = table.2.max(table.1);
                    }
                }
                Token::Close { name: "table", .. } => {
                    if let Some((at, _, most)) = open.pop()
                        && most < 2
                    {
                        self.layout.insert(at);
                    }
                }
                _ => {}
            }
        }
    }
}

fn names(token: &Token<'_>) -> Vec<String> {
    match token {
        Token::Open { raw, .. } => names_of(raw),
        _ => Vec::new(),
    }
}

/// What a tag is called: its `id`, and its `name`.
fn names_of(raw: &str) -> Vec<String> {
    let names = ["id", "name"].into_iter().filter_map(|which| attribute(raw, which));
    names.map(|name| decode(name).into_owned()).filter(|name| !name.is_empty()).collect()
}

/// Whether what stands in a link is as short as the sign of a footnote.
fn is_label(tokens: &[Token<'_>]) -> bool {
    let mut label = String::new();
    for token in tokens.iter().take(12) {
        match token {
            Token::Text(text) => label.push_str(&decode(text)),
            Token::Close { name: "a", .. } => break,
            _ => {}
        }
        if label.len() > 40 {
            return false;
        }
    }
    let label = label.trim().trim_matches(['[', ']', '(', ')']);
    !label.is_empty() && label.chars().count() <= 3
}
