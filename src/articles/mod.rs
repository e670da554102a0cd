//! Articles, their topics, and the feeds they come from.
//!
//! The rule: an article is imported once (by what its source calls it, else by where it stands), follows its source while nobody touched
//! it, and is the desk's from the first edit on. `body_html` is always clean HTML, made by `cleaning`.
//!
//! The room, by what somebody wants to know. Start reading at `import.rs`: how an article comes.
//!
//! | what | where |
//! |---|---|
//! | what a document of a feed says | `feed` |
//! | the feeds of the desk: bringing one in, asking it, its settings, pausing, removing | `feeds`, their rows `store/feeds.rs` |
//! | how anything is asked for on the web | `fetch` |
//! | what another program exported, a site, a page | `archives` |
//! | which article is which, what becomes of one that comes | `identity`, `import` |
//! | encodings, HTML made clean, text read out of it | `cleaning` |
//! | Markdown into HTML and back, what was pasted, what differs | `writing` |
//! | writing one at the desk, its versions, what is not saved, its source's version | `edit`, `revisions`, `sittings`, `theirs`, `text`, `topic_list` |
//! | pictures of other sites in a text, and in what a feed brought | `pictures`, `fed_pictures` |
//! | deleting one, and bringing it back | `bin` |
//! | who wrote it | `byline`, `authors` |
//! | finding some: for readers, at the desk, near a wrong address | `read`, `desk_look`, `near` |
//! | the rows, and the SQL | `rows`, `kept`, `store` |
//!
//! It may call the settings and the small types; publishing calls it, and the web.

mod archives;
mod authors;
mod bin;
mod byline;
mod cleaning;
mod desk_look;
mod edit;
mod fed_pictures;
mod feed;
mod feeds;
mod fetch;
mod identity;
mod import;
mod kept;
mod near;
mod pictures;
mod read;
mod revisions;
mod rows;
mod sittings;
mod slug;
mod store;
#[cfg(test)]
mod tests;
mod text;
mod theirs;
mod topic_list;
mod writing;

pub use self::{
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
    cleaning::{
        charset::ContentType,
        html::{
            READING_SPEED, excerpt, first_image, plain_text, reading_minutes, sanitise, text_of, word_count,
        },
    },
    desk_look::{DeskLook, DeskState, From as DeskFrom},
    edit::{
        ArticleError, ArticleFieldError, Body, Checked, WrittenArticle, as_markdown, compared, create,
        read_pasted, saved_as, text_to_change, update,
    },
    fed_pictures::copy_waiting_pictures,
    feed::{FeedError, NamedFeed, ParsedFeed, parse as parse_feed},
    feeds::{
        BringInFeedError, BroughtIn, FeedPollError, FeedsError, FeedsRead, LARGEST_OPML, MOST_FEEDS,
        OpmlError, Polled, TopicMapError, add_feed, add_feeds, articles_gone_with, articles_of_feed,
        bring_feed_back, bring_in_feed, feed_read, feed_reads, feeds, find_feed, go_on_with_feed,
        import_bytes, import_source, pause_feed, poll_due, poll_feed, read_feed_now, read_feeds_now,
        read_opml, remove_feed, removed_feeds,
        rows::{Feed, FeedArrives, FeedEvery, FeedRead, FeedSettings, FeedState, OtherTopics},
        set_feed, write_opml,
    },
    fetch::{FetchError, Fetcher},
    import::{ArticlesImported, import},
    kept::{KeptCopy, Revision, RevisionLine, Sitting},
    near::near,
    pictures::{CopiedPictures, ShownPicture, copy_picture, copy_pictures, picture_elsewhere, shown_picture},
    read::{
        Before, Of, Public, SITE_MAP_PART, by_id, by_ids, by_slug, desk_page, drafts_of_feeds, fold_waiting,
        key_waiting, latest, newest, page, page_of, public_authors, published_by_slug, site_map_part,
        site_map_parts, topics,
    },
    revisions::{revision, revision_before, revisions},
    rows::{Article, ArticleId, ArticleState, ArticleTopic, Author, DeletedArticle, FeedId},
    sittings::{COPY_LASTS, Piece, copy_of, new_copies, others_at, sit, throw_away},
    store::feeds::FEEDS_IN_TURN,
    text::ArticleText,
    theirs::{SourceTaken, SourceVersion, source_version, take_source_version},
    topic_list::{topics_in_a_line, topics_of_a_line},
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
    store::pictures::STATEMENTS,
    store::public::STATEMENTS,
    store::theirs::STATEMENTS,
    store::writing::STATEMENTS,
];

/// And of its queues.
pub const QUEUES: &[&[&[crate::db::Sql]]] = &[store::feeds::QUEUES, archives::store::QUEUES];

/// The sample magazine that the demo imports: an RSS feed of our own writing.
pub const SAMPLE_FEED: &[u8] = include_bytes!("../../assets/sample/feed.xml");
