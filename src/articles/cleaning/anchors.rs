//! Links within an article: footnotes and their way back.
//!
//! The rule: an id stays where a link of the same article leads to it, and such a link stays where its id does. Both get a
//! beginning of their own, so that no article can call something by a name that our pages use.

use std::collections::HashSet;

use super::scan::{Token, Tokens, attribute};

/// What every id in a body begins with.
const OWN: &str = "in-";
const LONGEST: usize = 80;

/// Clean HTML with those links and ids alone that belong together.
pub(super) fn settled(clean: String) -> String {
    if !clean.contains(" id=\"") && !clean.contains(" href=\"#") {
        return clean;
    }
    let (mut ids, mut targets) = (HashSet::new(), HashSet::new());
    for token in Tokens::of(&clean) {
        let Token::Open { raw, .. } = token else { continue };
        ids.extend(attribute(raw, "id"));
        targets.extend(attribute(raw, "href").and_then(|href| href.strip_prefix('#')));
    }
    let is_safe = |id: &str| {
        !id.is_empty()
            && id.len() <= LONGEST
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let both: HashSet<String> =
        ids.intersection(&targets).filter(|id| is_safe(id)).map(|id| (*id).to_owned()).collect();
    let mut out = String::with_capacity(clean.len() + both.len() * 2 * OWN.len());
    let mut given = HashSet::new();
    for token in Tokens::of(&clean) {
        match token {
            Token::Open { raw, .. } => out.push_str(&tag(raw, &both, &mut given)),
            Token::Text(raw) | Token::Close { raw, .. } => out.push_str(raw),
        }
    }
    out
}

fn tag(raw: &str, both: &HashSet<String>, given: &mut HashSet<String>) -> String {
    let mut tag = raw.to_owned();
    if let Some(id) = attribute(raw, "id") {
        // An id is of one element: the first that bears it.
        let own =
            (both.contains(id) && given.insert(id.to_owned())).then(|| format!(" id=\"{}\"", begun(id)));
        tag = tag.replacen(&format!(" id=\"{id}\""), &own.unwrap_or_default(), 1);
    }
    if let Some(target) = attribute(raw, "href").and_then(|href| href.strip_prefix('#')) {
        let own = both.contains(target).then(|| format!(" href=\"#{}\"", begun(target)));
        tag = tag.replacen(&format!(" href=\"#{target}\""), &own.unwrap_or_default(), 1);
    }
    tag
}

fn begun(id: &str) -> String {
    if id.starts_with(OWN) { id.to_owned() } else { format!("{OWN}{id}") }
}
