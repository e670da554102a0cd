//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (its feed's own id is unique), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by `html.rs`.
//!
//! It may call the settings and the small types; publishing calls it, and the web. Start reading at `import.rs`: how an article comes.

mod desk_look;
mod edit;
mod feed;
mod feeds;
mod fetch;
mod guard;
mod html;
mod import;
mod kept;
mod read;
mod revisions;
mod rows;
mod sittings;
mod slug;
mod store;
mod tame;
#[cfg(test)]
mod tests;
mod text;
mod writing;

pub use self::{
    desk_look::{DeskLook, DeskState},
    edit::{
        ArticleError, ArticleFieldError, Body, Checked, WrittenArticle, as_markdown, compared, create,
        read_pasted, text_to_change, update,
    },
    feed::{FeedError, parse as parse_feed},
    feeds::{
        FeedPollError, Polled, add_feed, feeds, find_feed, import_bytes, import_source, poll_due, poll_feed,
        remove_feed,
    },
    fetch::{FetchError, Fetcher},
    html::{READING_SPEED, excerpt, first_image, plain_text, reading_minutes, sanitise, text_of, word_count},
    import::{ArticlesImported, import},
    kept::{KeptCopy, Revision, RevisionLine, Sitting},
    read::{
        Before, by_id, by_ids, by_slug, desk_page, fold_waiting, latest, page, published_by_slug, topics,
    },
    revisions::{revision, revision_before, revisions},
    rows::{Article, ArticleId, ArticleState, ArticleTopic, Feed, FeedId},
    sittings::{COPY_LASTS, Piece, copy_of, new_copies, others_at, sit, throw_away},
    store::{
        FEEDS_IN_TURN, QUEUES, STATEMENTS,
        desk::STATEMENTS as DESK_STATEMENTS,
        writing::{FORGET_SITTINGS, STATEMENTS as WRITING_STATEMENTS},
    },
    text::ArticleText,
    writing::{LARGEST_PASTE, WordChange, html_to_markdown, markdown_to_html, pasted_to_markdown},
};

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
