//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (its feed's own id is unique), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by [`html::sanitise`].

mod edit;
mod feeds;
mod import;
mod read;
mod slug;
mod store;
mod tame;
#[cfg(test)]
mod tests;

pub mod feed;
pub mod fetch;
mod guard;
pub mod html;

use serde::{Deserialize, Serialize};

pub use self::{
    edit::{ArticleError, Body, Checked, FieldError, Written, create, update},
    feeds::{
        Feed, PollError, Polled, add_feed, ask_again, feeds, find_feed, import_bytes, import_source,
        poll_due, poll_feed, remove_feed,
    },
    html::{READING_SPEED, reading_minutes},
    import::{ImportReport, import},
    read::{
        Before, by_id, by_ids, by_slug, desk_page, fold_waiting, latest, page, published_by_slug, topics,
    },
    store::{FEEDS_IN_TURN, QUEUES, STATEMENTS},
};
use crate::{clock::Moment, words};

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");

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
    }
}

/// A section of the magazine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow)]
pub struct Topic {
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
    pub topics: Vec<Topic>,
}

impl Article {
    /// How long reading it takes, such as "10 min", at a speed in words a minute.
    #[must_use]
    pub fn reading_time(&self, words_per_minute: i64) -> String {
        format!("{} min", reading_minutes(self.word_count, words_per_minute))
    }
}
