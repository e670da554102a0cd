//! The rows of articles, topics and feeds.

use serde::{Deserialize, Serialize};

use super::html::reading_minutes;
use crate::{clock::Moment, words};

/// Which article.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx_macros::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ArticleId(pub i64);

/// Which feed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx_macros::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct FeedId(pub i64);

words! {
    /// Whether readers see an article. What is not published for certain is not shown to them.
    #[derive(Default)]
    pub enum ArticleState else Draft {
        /// Seen at the desk alone.
        #[default]
        Draft = "draft",
        /// Seen by everyone from its date of publication on.
        Published = "published",
        /// Readers saw it, and do not any more.
        Withdrawn = "withdrawn",
    }
}

/// A section of the magazine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow)]
pub struct ArticleTopic {
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
}

/// An article as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow)]
pub struct Article {
    pub id: ArticleId,
    /// Its name in addresses: readable, unique, never changed.
    pub slug: String,
    /// The feed it follows, if it came from one.
    pub feed_id: Option<FeedId>,
    /// Plain text.
    pub title: String,
    /// Plain text; may be empty.
    pub standfirst: String,
    /// Plain text; may be empty.
    pub byline: String,
    /// Clean HTML.
    pub body_html: String,
    /// What the writer typed, if it was written on the desk.
    pub body_markdown: Option<String>,
    /// Where it stands on the magazine's own site.
    pub canonical_url: Option<String>,
    /// The picture that goes with it.
    pub image_url: Option<String>,
    /// Where it was published first.
    pub origin_note: Option<String>,
    /// How long it is.
    pub word_count: i64,
    /// Whether readers see it.
    pub state: ArticleState,
    /// Since when readers see it.
    pub published_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When the desk edited it, if it did: from then on imports leave it alone.
    pub edited_at: Option<Moment>,
    /// How often it was changed: whoever changes it names the version that they saw.
    pub version: i64,
    /// Its sections, by name.
    #[sqlx(skip)]
    pub topics: Vec<ArticleTopic>,
}

impl Article {
    /// How long reading it takes, such as "10 min", at a speed in words a minute.
    #[must_use]
    pub fn reading_time(&self, words_per_minute: i64) -> String {
        format!("{} min", reading_minutes(self.word_count, words_per_minute))
    }
}

/// A feed as it stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Feed {
    pub id: FeedId,
    /// Its address.
    pub url: String,
    /// Its own name; empty until it was read once.
    pub title: String,
    /// What to ask with next time.
    pub etag: Option<String>,
    /// What to ask with next time.
    pub last_modified: Option<String>,
    /// When it was last asked.
    pub checked_at: Option<Moment>,
    /// What went wrong then, for an editor; `None` if nothing did.
    pub last_error: Option<String>,
}
