//! The rows of articles and topics.

use serde::{Deserialize, Serialize};

use super::cleaning::html::reading_minutes;
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
        /// The same, and its writer has done with it.
        Ready = "ready",
        /// Seen by everyone from its date of publication on.
        Published = "published",
        /// Taken off the site.
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

/// Somebody who wrote articles, or another spelling of their name.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Author {
    pub id: i64,
    /// Their name in addresses.
    pub slug: String,
    /// Their name for people.
    pub name: String,
    /// Plain text; may be empty.
    pub bio: String,
    /// An address; may be empty.
    pub picture_url: String,
    /// Addresses of theirs, a line each.
    pub links: String,
    /// When the desk last described them.
    pub changed_at: Moment,
    /// The slug of whoever stands for this spelling, if somebody else does.
    pub merged_into: Option<String>,
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
    /// What it shows, for who does not see it; empty of one that only adorns.
    pub image_alt: String,
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
    /// For the team alone.
    #[serde(skip)]
    pub notes: String,
    /// It is not published before.
    pub embargo_at: Option<Moment>,
    /// What was put right after it was published; readers see it below the text.
    pub correction: String,
    /// When that was.
    pub corrected_at: Option<Moment>,
    /// How often it was changed: whoever changes it names the version that they saw.
    pub version: i64,
    /// Its sections, in the order in which its writer or its source named them.
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

/// An article in the bin.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct DeletedArticle {
    pub id: ArticleId,
    /// Its title.
    pub title: String,
    /// Who wrote it; may be empty.
    pub byline: String,
    /// Since when it is there.
    pub deleted_at: Moment,
}
