//! Names of authors, out of the many ways of writing an author down.

use super::words;

const MOST_NAMES: usize = 20;
/// No name is longer.
const LONGEST_NAME: usize = 150;

/// The name in `ann@example.org (Ann Lee)`, `Ann Lee <ann@example.org>` or `By Ann Lee`. An address alone is no name: whoever
/// wrote it down for programs did not mean it for readers.
pub fn name(written: &str) -> Option<String> {
    let written = written.trim();
    // What is longer than any name and address is no author.
    if written.len() > 8 * LONGEST_NAME {
        return None;
    }
    let plain = words::of_markup(&without_address(written));
    let plain = without_address(&plain);
    let plain = unquoted(plain.trim());
    let plain = match plain.get(..3) {
        Some(by) if by.eq_ignore_ascii_case("by ") => &plain[3..],
        _ => plain,
    };
    let plain = plain.trim();
    let is_name = !plain.is_empty()
        && plain.chars().count() <= LONGEST_NAME
        && !is_address(plain)
        && !plain.starts_with("http://")
        && !plain.starts_with("https://")
        && plain.chars().any(char::is_alphanumeric);
    is_name.then(|| plain.to_owned())
}

/// "A", "A and B" or "A, B and C".
pub fn byline(authors: &[String]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in authors {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
        if names.len() == MOST_NAMES {
            break;
        }
    }
    match names.pop() {
        Some(last) if names.is_empty() => last.to_owned(),
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}

/// Whether a word is the address of a mailbox.
fn is_address(word: &str) -> bool {
    let word = word.trim_matches(['<', '>', '(', ')', '[', ']']);
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    word.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !word.contains(char::is_whitespace)
    })
}

fn without_address(written: &str) -> String {
    let mut words: Vec<&str> = written.split_whitespace().filter(|word| !is_address(word)).collect();
    // `<mailto: x>` and what else was in two parts.
    words.retain(|word| !matches!(*word, "<>" | "()" | "-" | "<" | ">"));
    words.join(" ")
}

fn unquoted(name: &str) -> &str {
    let pairs = [('(', ')'), ('"', '"'), ('[', ']')];
    let inner = pairs.iter().find_map(|(open, close)| name.strip_prefix(*open)?.strip_suffix(*close));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written_and_an_address_is_none() {
        for (written, found) in [
            ("ann@example.org (Ann Lee)", Some("Ann Lee")),
            ("Ann Lee (ann@example.org)", Some("Ann Lee")),
            ("Ann Lee <ann@example.org>", Some("Ann Lee")),
            ("Ann Lee &lt;ann@example.org&gt;", Some("Ann Lee")),
            ("By Ann &amp; <b>Bob</b>", Some("Ann & Bob")),
            ("Lee, Ann", Some("Lee, Ann")),
            ("(Ann Lee)", Some("Ann Lee")),
            ("Ann Lee (Tern)", Some("Ann Lee (Tern)")),
            ("ann@example.org", None),
            ("\u{2014}a@example.org", None),
            ("https://example.org/ann", None),
            ("", None),
        ] {
            assert_eq!(name(written).as_deref(), found, "{written}");
        }
        let names: Vec<String> = ["A", "B", "A", "C"].map(str::to_owned).to_vec();
        assert_eq!(byline(&names), "A, B and C");
    }
}
