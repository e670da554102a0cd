//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (by what its source calls it, else by where it stands), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by `html.rs`.
//!
//! It may call the settings and the small types; publishing calls it, and the web. Start reading at `import.rs`: how an article comes.

mod archives;
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

use crate::db::Sql;

pub use self::{
    archives::{
        Archive, ArchiveChoices, ArchiveError, ArchiveFirst, ArchiveKind, ArchiveLeft, ArchiveReport,
        ArchiveState, ArchiveSurvey, BringArchiveError, LARGEST_ARCHIVE, ReceivingArchive, archives,
        begin_site, bring_in_archive, bring_in_archives, find_archive, is_archive, left_of_archive,
        look_at_archive, remove_archive, stop_archive, take_archive,
    },
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
    store::FEEDS_IN_TURN,
};

pub use self::archives::store::ARCHIVES_IN_TURN;

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[store::STATEMENTS, archives::store::STATEMENTS];
/// And of its queues.
pub const QUEUES: &[&[&[Sql]]] = &[store::QUEUES, archives::store::QUEUES];

/// What this room forgets, for the one place that says when.
pub(crate) mod forgetting {
    pub(crate) use super::archives::{
        ARCHIVES_KEPT,
        store::{FORGET_LEFT as ARCHIVE_LEFT, FORGET_PARTS as ARCHIVE_PARTS, FORGET_UNFINISHED as ARCHIVES},
    };
}

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
