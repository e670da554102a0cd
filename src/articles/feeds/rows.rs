//! The rows of feeds, and the words that they hold.

use std::time::Duration;

use super::super::rows::FeedId;
use crate::{clock::Moment, words};

words! {
    /// Whether a feed is asked.
    pub enum FeedState else Paused {
        /// Each time that its turn comes.
        On = "on",
        /// Not until somebody lets it go on.
        Paused = "paused",
        /// Its server says that it is gone for good (410).
        Ended = "ended",
    }
}

words! {
    /// How often a feed is asked.
    #[derive(Default)]
    pub enum FeedEvery else Hourly {
        /// Every 15 minutes.
        QuarterHour = "quarter-hour",
        /// Every hour.
        #[default]
        Hourly = "hourly",
        /// Every 6 hours.
        SixHours = "six-hours",
        /// Once a day.
        Daily = "daily",
    }
}

words! {
    /// What the new articles of a feed are. What is not known for certain is shown to no reader.
    #[derive(Default)]
    pub enum FeedArrives else Draft {
        /// Drafts, which somebody publishes.
        #[default]
        Draft = "draft",
        /// Published at once.
        Published = "published",
    }
}

words! {
    /// What becomes of the words that a feed files its articles under, where nobody said which topic they are.
    #[derive(Default)]
    pub enum OtherTopics else LeftOut {
        /// Topics of that name.
        #[default]
        Kept = "kept",
        /// Nothing.
        LeftOut = "left-out",
    }
}

impl FeedEvery {
    /// How long it is from one time to the next.
    #[must_use]
    pub const fn span(self) -> Duration {
        Duration::from_secs(match self {
            Self::QuarterHour => 15 * 60,
            Self::Hourly => 60 * 60,
            Self::SixHours => 6 * 60 * 60,
            Self::Daily => 24 * 60 * 60,
        })
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
    /// What went wrong then, in sentences for an editor; `None` if nothing did.
    pub last_error: Option<String>,
    /// Whether it is asked.
    pub state: FeedState,
    /// How often.
    pub every: FeedEvery,
    /// What its new articles are.
    pub arrives: FeedArrives,
    /// Its words and the topics that they become, as somebody typed them: one a line, with `=` between.
    pub topic_map: String,
    /// What becomes of its other words.
    pub other_topics: OtherTopics,
    /// Whether the pictures of its articles are copied here.
    pub keeps_pictures: bool,
    /// How many articles it brought in all.
    pub brought: i64,
    /// When it last brought or changed one.
    pub brought_at: Option<Moment>,
    /// Since when it lies in the bin.
    pub removed_at: Option<Moment>,
    /// How often it failed in a row.
    pub attempts: i64,
    /// When it is asked next.
    pub next_at: Moment,
    /// When it was added.
    pub created_at: Moment,
    /// How often somebody decided something about it.
    pub version: i64,
}

impl Feed {
    /// What people know it by: its own name, or its address.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.title.is_empty() { &self.url } else { &self.title }
    }

    pub(super) fn source(&self) -> FeedSource {
        FeedSource {
            id: self.id,
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            every: self.every,
            topic_map: self.topic_map.clone(),
            other_topics: self.other_topics,
            version: self.version,
        }
    }
}

/// What asking a feed needs to know of it, beside its address.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(in crate::articles) struct FeedSource {
    pub id: FeedId,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub every: FeedEvery,
    pub topic_map: String,
    pub other_topics: OtherTopics,
    /// What was decided when it was asked.
    pub version: i64,
}

/// What somebody decides about a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedSettings {
    /// How often it is asked.
    pub every: FeedEvery,
    /// What its new articles are.
    pub arrives: FeedArrives,
    /// Its words and the topics that they become: one a line, with `=` between; with nothing behind that, the word is left out.
    pub topic_map: String,
    /// What becomes of its other words.
    pub other_topics: OtherTopics,
    /// Whether the pictures of its articles are copied here, so that readers ask no other site for them.
    pub keeps_pictures: bool,
}

/// What came of asking a feed once.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct FeedRead {
    pub id: i64,
    pub at: Moment,
    /// Whether somebody pressed a button.
    pub by_hand: bool,
    /// Articles that were not known.
    pub fresh: i64,
    /// Articles that had changed.
    pub changed: i64,
    /// Articles that had changed, and were left as the desk has them.
    pub kept: i64,
    /// Articles that were known as they are.
    pub unchanged: i64,
    /// What was not taken, and what was odd: a sentence a line.
    pub notes: String,
    /// Why it failed, in sentences for an editor.
    pub error: Option<String>,
}
