//! What the words that a feed files its articles under become here: topics of other names, or nothing.

use std::collections::HashMap;

use super::{super::topic_list::topics_of_a_line, rows::OtherTopics};
use crate::email_address::folded;

/// The most lines it may have.
const MOST_LINES: usize = 200;
/// The longest word or topic, in characters.
const LONGEST: usize = 60;

/// Why it cannot be read, for who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicMapError {
    /// Too many lines.
    #[error("please keep it to {MOST_LINES} lines")]
    TooMany,
    /// A line that says nothing.
    #[error(
        "line {0} cannot be read: write the feed’s word, then = and your topic, such as: tenants = Housing"
    )]
    Line(usize),
    /// A word or topic that is too long.
    #[error("line {0} is too long: please keep words and topics under {LONGEST} characters")]
    TooLong(usize),
}

/// The words, folded, and the topics that each becomes; none where it is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TopicMap(HashMap<String, Vec<String>>);

impl TopicMap {
    /// Reads lines such as `tenants = Housing`; empty ones say nothing. Several topics stand between commas.
    pub(super) fn parse(text: &str) -> Result<Self, TopicMapError> {
        if text.lines().count() > MOST_LINES {
            return Err(TopicMapError::TooMany);
        }
        let mut map = HashMap::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (word, topics) = line.split_once('=').ok_or(TopicMapError::Line(at + 1))?;
            let topics = topics_of_a_line(topics);
            if word.trim().is_empty() {
                return Err(TopicMapError::Line(at + 1));
            }
            if topics.iter().map(String::as_str).chain([word.trim()]).any(|one| one.chars().count() > LONGEST)
            {
                return Err(TopicMapError::TooLong(at + 1));
            }
            map.insert(folded(word.trim()), topics);
        }
        Ok(Self(map))
    }

    /// The topics of an article that its feed files under these words.
    pub(super) fn topics(&self, words: &[String], others: OtherTopics) -> Vec<String> {
        let mut topics: Vec<String> = Vec::new();
        for word in words {
            let becomes = match (self.0.get(&folded(word.trim())), others) {
                (Some(topics), _) => topics.clone(),
                (None, OtherTopics::Kept) => vec![word.clone()],
                (None, OtherTopics::LeftOut) => Vec::new(),
            };
            for topic in becomes {
                if !topics.contains(&topic) {
                    topics.push(topic);
                }
            }
        }
        topics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_topics_are_left_out_or_stay() {
        let map = TopicMap::parse(
            "tenants = Housing\n\nuncategorized =\nRiver news=Rivers, Water \nbaking = \"Bread, and salt\"\n",
        )
        .expect("a map");
        let words =
            ["Tenants", "Uncategorized", "river news", "Lamps", "Baking", "housing law"].map(str::to_owned);
        assert_eq!(
            map.topics(&words, OtherTopics::Kept),
            ["Housing", "Rivers", "Water", "Lamps", "Bread, and salt", "housing law"]
        );
        assert_eq!(
            map.topics(&words, OtherTopics::LeftOut),
            ["Housing", "Rivers", "Water", "Bread, and salt"]
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        assert_eq!(TopicMap::parse("a = B\nno sign"), Err(TopicMapError::Line(2)));
        assert_eq!(TopicMap::parse("= B"), Err(TopicMapError::Line(1)));
        assert_eq!(TopicMap::parse(&format!("a = {}", "x".repeat(61))), Err(TopicMapError::TooLong(1)));
        assert_eq!(TopicMap::parse(&"a = b\n".repeat(201)), Err(TopicMapError::TooMany));
    }
}
