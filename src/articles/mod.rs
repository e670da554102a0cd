//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (its feed's own id is unique), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by `html.rs`.
//!
//! It may call the settings and the small types; publishing calls it, and the web. Start reading at `import.rs`: how an article comes.

mod authors;
mod byline;
mod charset;
mod edit;
mod feed;
mod feeds;
mod fetch;
mod guard;
mod html;
mod import;
mod mistaken;
mod near;
mod read;
mod rows;
mod slug;
mod store;
mod tame;
#[cfg(test)]
mod tests;

pub use self::{
    authors::{
        AuthorDescription, AuthorError, AuthorWrote, author_by_id, author_by_slug, author_named,
        authors_page, describe_author, merge_authors, other_spellings, pages_of_authors, part_authors,
        read_waiting_bylines,
    },
    byline::{SignedName, signed},
    charset::ContentType,
    edit::{ArticleError, ArticleFieldError, Body, Checked, WrittenArticle, create, update},
    feed::parse as parse_feed,
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
    mistaken::FeedError,
    near::near,
    read::{
        Before, Of, Public, SITE_MAP_PART, by_id, by_ids, by_slug, desk_page, fold_waiting, latest, newest,
        page, page_of, public_authors, published_by_slug, site_map_part, site_map_parts, topics,
    },
    rows::{Article, ArticleId, ArticleState, ArticleTopic, Author, Feed, FeedId},
    store::{ALL_STATEMENTS as STATEMENTS, FEEDS_IN_TURN, QUEUES},
};

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
