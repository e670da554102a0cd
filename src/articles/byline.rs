//! Who a byline names: "By Ann Lee, Ben Ode and Cy Wu" is three people.

use crate::email_address::folded;

/// So many are told apart in one byline; the words behind them stand as they are.
const MOST: usize = 12;
/// A longer name is none.
const LONGEST: usize = 100;

/// A name in a byline, and the words before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedName<'a> {
    /// What stands between this name and the one before it.
    pub before: &'a str,
    /// The name; empty for what is left behind the last one.
    pub name: &'a str,
}

/// The names of a byline in their order, with what stands between them: all parts together are the byline.
#[must_use]
pub fn signed(byline: &str) -> Vec<SignedName<'_>> {
    let mut parts: Vec<SignedName<'_>> = Vec::new();
    let (mut before, mut rest) = byline.split_at(prefix(byline));
    while !rest.is_empty() {
        let (end, next) = if parts.len() < MOST { name_end(rest) } else { (0, rest.len()) };
        let name = &rest[..end];
        if name.chars().any(char::is_alphabetic) && name.chars().count() <= LONGEST {
            parts.push(SignedName { before, name });
            before = &rest[end..next];
        } else {
            // It is no name: it belongs to the words.
            let from = byline.len() - rest.len() - before.len();
            before = &byline[from..byline.len() - rest.len() + next];
        }
        rest = &rest[next..];
    }
    if !before.is_empty() {
        parts.push(SignedName { before, name: "" });
    }
    parts
}

/// The names of a byline, each with its spelling, once each.
pub(super) fn names(byline: &str) -> Vec<(String, &str)> {
    let mut names: Vec<(String, &str)> = Vec::new();
    for part in signed(byline).into_iter().filter(|part| !part.name.is_empty()) {
        let spelling = spelling(part.name);
        if !spelling.is_empty() && !names.iter().any(|(known, _)| *known == spelling) {
            names.push((spelling, part.name));
        }
    }
    names
}

/// How a name is recognised, however it is written.
pub(super) fn spelling(name: &str) -> String {
    folded(name)
        .split(|c: char| c.is_whitespace() || c == '.')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The length of the "By " that a byline may begin with.
fn prefix(byline: &str) -> usize {
    let starts = byline
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("by ") || start.eq_ignore_ascii_case("by:"));
    if starts { byline.len() - byline[3..].trim_start().len() } else { 0 }
}

/// Where the name that a text begins with ends, and where the next one begins.
fn name_end(text: &str) -> (usize, usize) {
    let mut at = 0;
    while let Some(found) = text[at..].find([',', ';', '&', ' ']) {
        let end = at + found;
        match parting(&text[end..]) {
            0 => at = end + 1,
            length => return (end, end + length),
        }
    }
    (text.len(), text.len())
}

/// How long the words are, at the beginning of a text, that part one name from the next.
fn parting(text: &str) -> usize {
    const WORDS: [&str; 4] = ["and ", "& ", "und ", "et "];
    /// What stands behind a comma and is a part of the name before it.
    const AFTER: [&str; 10] = ["jr", "sr", "phd", "md", "ii", "iii", "iv", "esq", "obe", "frs"];
    let spaces = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let sign = usize::from(text.starts_with([',', ';', '&']));
    let mut length = sign + spaces(&text[sign..]);
    if sign == 0 && length == 0 {
        return 0;
    }
    let rest = &text[length..];
    if text.starts_with(',') {
        let word: String =
            rest.chars().take_while(|c| !matches!(c, ',' | ' ' | ';')).filter(|c| *c != '.').collect();
        if AFTER.contains(&word.to_lowercase().as_str()) {
            return 0;
        }
    }
    let word = WORDS
        .iter()
        .find(|word| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
    match (word, sign) {
        (Some(word), _) => {
            length += word.len();
            length + spaces(&text[length..])
        }
        (None, 0) => 0,
        (None, _) => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(byline: &str) -> Vec<&str> {
        signed(byline).into_iter().map(|part| part.name).filter(|name| !name.is_empty()).collect()
    }

    #[test]
    fn a_byline_names_its_people() {
        assert_eq!(of("Ann Lee"), ["Ann Lee"]);
        assert_eq!(of("By Ann Lee, Ben Ode and Cy Wu"), ["Ann Lee", "Ben Ode", "Cy Wu"]);
        assert_eq!(of("Ann Lee, Ben Ode, and Cy Wu"), ["Ann Lee", "Ben Ode", "Cy Wu"]);
        assert_eq!(of("Ann Lee & Ben Ode; Cy Wu"), ["Ann Lee", "Ben Ode", "Cy Wu"]);
        assert_eq!(of("Anna Berg und Bert Horn"), ["Anna Berg", "Bert Horn"]);
        assert_eq!(of("Martin King, Jr. and Ann Lee, PhD"), ["Martin King, Jr.", "Ann Lee, PhD"]);
        assert_eq!(of("Fernand Anderson"), ["Fernand Anderson"], "a word within a name parts nothing");
        assert_eq!(of("Byron Land"), ["Byron Land"]);
        assert_eq!(of("张伟、李娜"), ["张伟、李娜"]);
        assert_eq!(of(", , and "), [""; 0]);
        assert_eq!(of(""), [""; 0]);
    }

    #[test]
    fn the_parts_together_are_the_byline() {
        let many = (0..40).map(|n| format!("Person {n}")).collect::<Vec<_>>().join(", ");
        assert_eq!(of(&many).len(), MOST);
        let odd = [
            "By Ann Lee, Ben Ode and Cy Wu",
            "Ann, 17 and 18, Ben",
            "and and and",
            " ,, Ann",
            "Ann,",
            "By ",
            "é, à & ö",
            &many,
        ];
        for byline in odd {
            let whole: String = signed(byline).iter().map(|part| [part.before, part.name].concat()).collect();
            assert_eq!(whole, byline);
        }
    }

    #[test]
    fn spellings_meet() {
        assert_eq!(spelling("ANN  LEE"), spelling("Ann Lee"));
        assert_eq!(spelling("J. R. Ödegård"), spelling("J.R. Odegard"));
        assert_ne!(spelling("Ann Lee"), spelling("Ann Leigh"));
        assert_eq!(names("Ann Lee and ann lee").len(), 1);
    }
}
