//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (its feed's own id is unique), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by [`html::sanitise`].

mod edit;
mod feeds;
mod import;
mod read;
mod rows;
mod slug;
mod store;
mod tame;
#[cfg(test)]
mod tests;

pub mod feed;
pub mod fetch;
mod guard;
pub mod html;

pub use self::{
    edit::{ArticleError, Body, Checked, FieldError, Written, create, update},
    feeds::{
        PollError, Polled, add_feed, feeds, find_feed, import_bytes, import_source, poll_due, poll_feed,
        remove_feed,
    },
    html::{READING_SPEED, reading_minutes},
    import::{ImportReport, import},
    read::{
        Before, by_id, by_ids, by_slug, desk_page, fold_waiting, latest, page, published_by_slug, topics,
    },
    rows::{Article, ArticleId, ArticleState, Feed, FeedId, Topic},
    store::{FEEDS_IN_TURN, QUEUES, STATEMENTS},
};

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
