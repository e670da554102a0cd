//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (by what its source calls it, else by where it stands), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by `html.rs`.
//!
//! It may call the settings and the small types; publishing calls it, and the web. Start reading at `import.rs`: how an article comes.

mod edit;
mod feed;
mod feeds;
mod fetch;
mod guard;
mod html;
mod identity;
mod import;
mod read;
mod rows;
mod slug;
mod store;
mod tame;
#[cfg(test)]
mod tests;

pub use self::{
    edit::{ArticleError, ArticleFieldError, Body, Checked, WrittenArticle, create, update},
    feed::{FeedError, parse as parse_feed},
    feeds::{
        FeedPollError, Polled, add_feed, feeds, find_feed, import_bytes, import_source, poll_due, poll_feed,
        remove_feed,
    },
    fetch::{FetchError, Fetcher},
    html::{
        READING_SPEED, excerpt, first_image, markdown_to_html, plain_text, reading_minutes, sanitise,
        text_of, word_count,
    },
    import::{ArticlesImported, import},
    read::{
        Before, by_id, by_ids, by_slug, desk_page, fold_waiting, key_waiting, latest, page,
        published_by_slug, topics,
    },
    rows::{Article, ArticleId, ArticleState, ArticleTopic, Feed, FeedId},
    store::{FEEDS_IN_TURN, QUEUES, STATEMENTS},
};

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
