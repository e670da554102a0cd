//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (its feed's own id is unique), follows its feed while nobody touched it, and is the
//! desk's from the first edit on. `body_html` is always clean HTML, made by `html.rs`.
//!
//! It may call the settings and the small types; publishing calls it, and the web. Start reading at `import.rs`: how an article comes.

mod adding;
mod anchors;
mod archives;
mod authors;
mod bin;
mod byline;
mod charset;
mod desk_look;
mod edit;
mod feed;
mod feed_links;
mod feed_rows;
mod feeds;
mod fetch;
mod guard;
mod html;
mod identity;
mod import;
mod kept;
mod late;
mod mistaken;
mod near;
mod pictures;
mod polling;
mod read;
mod revisions;
mod rows;
mod scan;
mod sittings;
mod slug;
mod store;
mod tail;
mod tame;
#[cfg(test)]
mod tests;
mod text;
mod theirs;
mod topic_map;
mod writing;

pub use self::{
    adding::{
        BringInFeedError, BroughtIn, LARGEST_OPML, OpmlError, add_feeds, bring_in_feed, import_bytes,
        import_source, read_opml, write_opml,
    },
    archives::{
        Archive, ArchiveChoices, ArchiveError, ArchiveFirst, ArchiveKind, ArchiveLeft, ArchiveReport,
        ArchiveState, ArchiveSurvey, BringArchiveError, LARGEST_ARCHIVE, ReceivingArchive, archives,
        begin_site, bring_in_archive, bring_in_archives, find_archive, is_archive, left_of_archive,
        look_at_archive, remove_archive, stop_archive, store::ARCHIVES_IN_TURN, take_archive,
    },
    authors::{
        AuthorDescription, AuthorError, AuthorWrote, author_by_id, author_by_slug, author_named,
        authors_page, describe_author, merge_authors, other_spellings, pages_of_authors, part_authors,
        read_waiting_bylines,
    },
    bin::{
        BIN_LASTS, bin_page, bring_back as bring_article_back, delete as delete_article, deleted_among,
        find_deleted,
    },
    byline::{SignedName, signed},
    charset::ContentType,
    desk_look::{DeskLook, DeskState},
    edit::{
        ArticleError, ArticleFieldError, Body, Checked, WrittenArticle, as_markdown, compared, create,
        read_pasted, saved_as, text_to_change, update,
    },
    feed::{ParsedFeed, parse as parse_feed},
    feed_links::NamedFeed,
    feed_rows::{Feed, FeedArrives, FeedEvery, FeedRead, FeedSettings, FeedState, OtherTopics},
    feeds::{
        FeedsError, MOST_FEEDS, add_feed, articles_gone_with, articles_of_feed, bring_feed_back, feed_read,
        feed_reads, feeds, find_feed, go_on_with_feed, pause_feed, remove_feed, removed_feeds, set_feed,
    },
    fetch::{FetchError, Fetcher},
    html::{READING_SPEED, excerpt, first_image, plain_text, reading_minutes, sanitise, text_of, word_count},
    import::{ArticlesImported, import},
    kept::{KeptCopy, Revision, RevisionLine, Sitting},
    mistaken::FeedError,
    near::near,
    pictures::{CopiedPictures, copy_pictures},
    polling::{FeedPollError, FeedsRead, Polled, poll_due, poll_feed, read_feed_now, read_feeds_now},
    read::{
        Before, Of, Public, SITE_MAP_PART, by_id, by_ids, by_slug, desk_page, fold_waiting, key_waiting,
        latest, newest, page, page_of, public_authors, published_by_slug, site_map_part, site_map_parts,
        topics,
    },
    revisions::{revision, revision_before, revisions},
    rows::{Article, ArticleId, ArticleState, ArticleTopic, Author, DeletedArticle, FeedId},
    sittings::{COPY_LASTS, Piece, copy_of, new_copies, others_at, sit, throw_away},
    store::feeds::FEEDS_IN_TURN,
    text::ArticleText,
    theirs::{SourceTaken, SourceVersion, source_version, take_source_version},
    topic_map::TopicMapError,
    writing::{LARGEST_PASTE, WordChange, html_to_markdown, markdown_to_html, pasted_to_markdown},
};

/// What goes after a while, for the rules of retention.
pub(crate) mod forgetting {
    pub(crate) use super::archives::{
        ARCHIVES_KEPT,
        store::{FORGET_LEFT as ARCHIVE_LEFT, FORGET_PARTS as ARCHIVE_PARTS, FORGET_UNFINISHED as ARCHIVES},
    };
    pub(crate) use super::store::{
        bin::{EMPTY, REVISIONS_GO},
        feeds::{FEEDS_GO, READS_GO},
        writing::FORGET_SITTINGS,
    };
}

/// Every statement of this room, for the check that prepares them on both engines.
pub const STATEMENTS: &[&[crate::db::Sql]] = &[
    store::STATEMENTS,
    archives::store::STATEMENTS,
    store::authors::STATEMENTS,
    store::bin::STATEMENTS,
    store::desk::STATEMENTS,
    store::feeds::STATEMENTS,
    store::public::STATEMENTS,
    store::theirs::STATEMENTS,
    store::writing::STATEMENTS,
];

/// And of its queues.
pub const QUEUES: &[&[&[crate::db::Sql]]] = &[store::feeds::QUEUES, archives::store::QUEUES];

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
