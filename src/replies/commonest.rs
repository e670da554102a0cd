//! What is said most often, of much that was said.

use std::collections::HashMap;

use super::scan::without_addresses;

/// The words that stand most often among some, without addresses.
#[must_use]
pub fn commonest(replies: Vec<String>) -> String {
    let mut counted: HashMap<String, (usize, String)> = HashMap::new();
    for reply in replies {
        counted.entry(alike(&reply)).or_insert_with(|| (0, without_addresses(&reply))).0 += 1;
    }
    let most = counted.into_values().max_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1)));
    most.map(|(_, words)| words).unwrap_or_default()
}

/// What a server says to any copy: without addresses, and without words that hold a figure, which name the copy.
pub fn alike(reply: &str) -> String {
    let words = without_addresses(reply);
    let same = words.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    same.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_words_are_told_without_addresses() {
        let replies = ["550 no <ann@example.org> 17", "550 no <bo@example.org> 18", "552 full"];
        let most = commonest(replies.iter().map(|&reply| reply.to_owned()).collect());
        assert!(most.starts_with("550 no <…>"), "{most}");
    }
}
