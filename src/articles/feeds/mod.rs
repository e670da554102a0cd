//! The feeds that articles come from, as the desk has them: brought in, asked at their time, set, paused, removed and brought back.
//!
//! The rule: one that is paused, ended or in the bin brings nothing. How a document is read is [`feed`](super::feed)'s.

mod adding;
mod looked_after;
mod polling;
pub(super) mod rows;
mod topic_map;

pub use self::{
    adding::{
        BringInFeedError, BroughtIn, LARGEST_OPML, OpmlError, add_feeds, bring_in_feed, import_bytes,
        import_source, read_opml, write_opml,
    },
    looked_after::{
        FeedsError, MOST_FEEDS, add_feed, articles_gone_with, articles_of_feed, bring_feed_back, feed_read,
        feed_reads, feeds, find_feed, go_on_with_feed, pause_feed, remove_feed, removed_feeds, set_feed,
    },
    polling::{FeedPollError, FeedsRead, Polled, poll_due, poll_feed, read_feed_now, read_feeds_now},
    topic_map::TopicMapError,
};
