//! What reading a feed gives.

use crate::clock::Moment;

/// A feed as read, newest or oldest first as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedFeed {
    /// The feed's own name, plain text; may be empty.
    pub title: String,
    /// The site that it belongs to.
    pub site_url: Option<String>,
    /// What can be imported.
    pub articles: Vec<ParsedArticle>,
    /// Why the others cannot, a sentence each.
    pub skipped: Vec<String>,
    /// What was odd about the feed, a sentence each.
    pub notes: Vec<String>,
}

/// An article as a feed gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedArticle {
    /// What the feed calls it for good: its guid or id, or else its address. Never empty.
    pub source_id: String,
    /// Plain text, never empty.
    pub title: String,
    /// Plain text; empty if the feed gives none.
    pub standfirst: String,
    /// "A", "A and B" or "A, B and C"; may be empty.
    pub byline: String,
    /// Names of topics, each once.
    pub topics: Vec<String>,
    /// Clean HTML; empty if the feed gives no more than the standfirst.
    pub body_html: String,
    /// Where it stands on the magazine's site.
    pub canonical_url: Option<String>,
    /// The picture that goes with it.
    pub image_url: Option<String>,
    /// What it shows, for who does not see it; may be empty.
    pub image_alt: String,
    /// Where it was published first, as the article says itself.
    pub origin_note: Option<String>,
    /// When the feed says that it was published.
    pub published_at: Option<Moment>,
    /// Where the feed gives no date that can be read: the earlier one of its neighbours, so that a new article without a date
    /// stands among those that it came with, and never before all others. It is no date that the feed gave.
    pub placed_at: Option<Moment>,
    /// Words of the whole text, origin note and standfirst included where they stood in it.
    pub word_count: i64,
}
