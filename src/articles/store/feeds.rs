//! The SQL of feeds: their queue, what came of asking them, and how they stand at the desk.

use super::super::{
    feeds::rows::{Feed, FeedArrives, FeedRead, FeedSettings, FeedState},
    fetch::Validators,
    rows::FeedId,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
};

statements! {
    /// Adds a feed, unless its address is known.
    ADD_FEED = "insert into feed (url, title, arrives, created_at) values ($1, '', $2, $3) on conflict (url) do nothing";
    /// One feed by its address.
    FEED_BY_URL = "select id, url, title, etag, last_modified, checked_at, last_error, state, every, arrives, topic_map, other_topics, keeps_pictures, brought, brought_at, removed_at, attempts, next_at, created_at, version from feed where url = $1";
    /// One feed.
    FEED = "select id, url, title, etag, last_modified, checked_at, last_error, state, every, arrives, topic_map, other_topics, keeps_pictures, brought, brought_at, removed_at, attempts, next_at, created_at, version from feed where id = $1";
    /// Feeds in the order in which they were added, from a place on.
    FEEDS = "select id, url, title, etag, last_modified, checked_at, last_error, state, every, arrives, topic_map, other_topics, keeps_pictures, brought, brought_at, removed_at, attempts, next_at, created_at, version from feed where id > $1 and removed_at is null order by id limit $2";
    /// Those that lie in the bin, the last that were put there first.
    FEEDS_REMOVED = "select id, url, title, etag, last_modified, checked_at, last_error, state, every, arrives, topic_map, other_topics, keeps_pictures, brought, brought_at, removed_at, attempts, next_at, created_at, version from feed where removed_at is not null order by removed_at desc, id limit $1";
    /// Those that somebody wants read now: whoever waits longest first, and not what was asked within the last moment ($1).
    FEEDS_TO_READ = "select id, url, title, etag, last_modified, checked_at, last_error, state, every, arrives, topic_map, other_topics, keeps_pictures, brought, brought_at, removed_at, attempts, next_at, created_at, version from feed where state = 'on' and removed_at is null and coalesce(checked_at, 0) <= $1 order by coalesce(checked_at, 0), id limit $2";
    /// How many there are that are not in the bin.
    COUNT_FEEDS = "select count(*) from feed where removed_at is null";
    /// Where it comes from, how its articles arrive and whether their pictures are copied here, held until the commit; none of one that is not on.
    HOLD_FEED = sqlite "select url, arrives, keeps_pictures from feed where id = $1 and state = 'on' and removed_at is null", postgres "select url, arrives, keeps_pictures from feed where id = $1 and state = 'on' and removed_at is null for share";
    /// Its row, held until the commit.
    TAKE_FEED = "update feed set state = state where id = $1 returning url, state, removed_at";
    /// A feed brought a document that was imported. If somebody decided something about it since it was asked, it is read whole again.
    FEED_READ = "update feed set title = $2, etag = case when version = $5 then $3 end, last_modified = case when version = $5 then $4 end where id = $1";
    /// It has moved for good, unless another has that address.
    FEED_MOVED = "update feed set url = $2 where id = $1 and not exists (select 1 from feed other where other.url = $2)";
    /// A feed was asked, and answered; its next turn.
    FEED_WELL = "update feed set checked_at = $2, last_error = null, attempts = 0, next_at = case when version = $6 then $3 else next_at end, brought = brought + cast($4 as bigint), brought_at = coalesce($5, brought_at) where id = $1";
    /// A feed was asked, and it failed.
    FEED_FAILED = "update feed set checked_at = $2, last_error = $3 where id = $1";
    /// It is gone for good, as its server says.
    FEED_ENDED = "update feed set state = 'ended', checked_at = $2, last_error = $3 where id = $1 and state = 'on'";
    /// What somebody decided about it. What it gives is read whole the next time, for its words may become other topics. If somebody wants its
    /// pictures here by now, or does not any more, its articles are told so, the first before all others.
    FEED_SETTINGS = "update feed set every = $2, arrives = $3, topic_map = $4, other_topics = $5, pictures_after = case when keeps_pictures = $7 then pictures_after else 0 end, keeps_pictures = $7, etag = null, last_modified = null, next_at = case when next_at > $6 then $6 else next_at end, version = version + 1 where id = $1 and removed_at is null";
    /// Nothing of it comes in until somebody says so.
    PAUSE_FEED = "update feed set state = 'paused' where id = $1 and state = 'on' and removed_at is null";
    /// It is asked again, now, and for all that it has: what came while it was paused was not taken.
    GO_ON_FEED = "update feed set state = 'on', last_error = null, attempts = 0, etag = null, last_modified = null, next_at = $2, version = version + 1 where id = $1 and state <> 'on' and removed_at is null";
    /// Into the bin.
    REMOVE_FEED = "update feed set removed_at = $2 where id = $1 and removed_at is null returning url";
    /// Out of it; its next turn is now, and it is asked for all that it has.
    BRING_FEED_BACK = "update feed set removed_at = null, attempts = 0, etag = null, last_modified = null, next_at = $2, version = version + 1 where id = $1 and removed_at is not null";
    /// Out of the bin for good; what it brought belongs to no feed.
    pub(crate) FEEDS_GO = "delete from feed where id in (select id from feed where removed_at < $1 order by removed_at limit $2)";
    /// What came of asking it.
    ADD_READ = "insert into feed_read (feed_id, at, by_hand, fresh, changed, kept, unchanged, notes, error) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id";
    /// The last times, the newest first.
    READS = "select id, at, by_hand, fresh, changed, kept, unchanged, notes, error from feed_read where feed_id = $1 order by id desc limit $2";
    /// One of them.
    READ = "select id, at, by_hand, fresh, changed, kept, unchanged, notes, error from feed_read where feed_id = $1 and id = $2";
    /// What is long ago.
    pub(crate) READS_GO = "delete from feed_read where id in (select id from feed_read where at < $1 order by at limit $2)";
}

queue! {
    /// What is asked now and then, for ever.
    pub FEEDS_IN_TURN = FEEDS {
        table: "feed", key: "url", since: "coalesce(checked_at, created_at)",
        also: ", id, etag, last_modified, every, topic_map, other_topics, version",
        open: "state = 'on' and removed_at is null",
        again: "next_at = $2", from: "last_error is not null and state = 'on' and removed_at is null",
    }
}

/// What becomes of a row of [`HOLD_FEED`].
pub(in crate::articles) async fn hold_feed(
    tx: &mut Tx,
    id: FeedId,
) -> Result<Option<(String, FeedArrives, bool)>> {
    tx.opt(HOLD_FEED, (id,)).await
}

/// Address, state and since when it is in the bin, of a feed that nobody else changes until the commit.
pub(in crate::articles) async fn take_feed(
    tx: &mut Tx,
    id: FeedId,
) -> Result<Option<(String, FeedState, Option<Moment>)>> {
    tx.opt(TAKE_FEED, (id,)).await
}

/// The feed of that address, and whether it was not known.
pub(in crate::articles) async fn add_feed(
    tx: &mut Tx,
    (url, arrives): (&str, FeedArrives),
    now: Moment,
) -> Result<(Feed, bool)> {
    let added = tx.exec(ADD_FEED, (url, arrives, now)).await? > 0;
    Ok((tx.one(FEED_BY_URL, (url,)).await?, added))
}

pub(in crate::articles) async fn feed_by_url(db: &Db, url: &str) -> Result<Option<Feed>> {
    db.opt(FEED_BY_URL, (url,)).await
}

/// The address of the feed that was put into the bin; none if there was none.
pub(in crate::articles) async fn remove_feed(tx: &mut Tx, id: FeedId, now: Moment) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(REMOVE_FEED, (id, now)).await?.map(|(url,)| url))
}

pub(in crate::articles) async fn bring_feed_back(tx: &mut Tx, id: FeedId, now: Moment) -> Result<bool> {
    Ok(tx.exec(BRING_FEED_BACK, (id, now)).await? > 0)
}

pub(in crate::articles) async fn feed(db: &Db, id: FeedId) -> Result<Option<Feed>> {
    db.opt(FEED, (id,)).await
}

pub(in crate::articles) async fn feeds(db: &Db, after: i64, limit: i64) -> Result<Vec<Feed>> {
    db.all(FEEDS, (after, limit)).await
}

pub(in crate::articles) async fn feeds_removed(db: &Db, limit: i64) -> Result<Vec<Feed>> {
    db.all(FEEDS_REMOVED, (limit,)).await
}

pub(in crate::articles) async fn feeds_to_read(db: &Db, before: Moment, limit: i64) -> Result<Vec<Feed>> {
    db.all(FEEDS_TO_READ, (before, limit)).await
}

pub(in crate::articles) async fn count_feeds(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(COUNT_FEEDS, ()).await?.0)
}

pub(in crate::articles) async fn feed_read(
    tx: &mut Tx,
    (id, version): (FeedId, i64),
    title: &str,
    validators: &Validators,
) -> Result<()> {
    let (etag, last_modified) = (validators.etag.as_deref(), validators.last_modified.as_deref());
    tx.exec(FEED_READ, (id, title, etag, last_modified, version)).await?;
    Ok(())
}

pub(in crate::articles) async fn feed_moved(tx: &mut Tx, id: FeedId, url: &str) -> Result<bool> {
    Ok(tx.exec(FEED_MOVED, (id, url)).await? > 0)
}

/// It answered: when its next turn is, how many articles are new, and whether anything came.
pub(in crate::articles) async fn feed_well(
    tx: &mut Tx,
    (id, version): (FeedId, i64),
    (now, next): (Moment, Moment),
    (new, came): (i64, bool),
) -> Result<()> {
    tx.exec(FEED_WELL, (id, now, next, new, came.then_some(now), version)).await?;
    Ok(())
}

pub(in crate::articles) async fn feed_failed(
    tx: &mut Tx,
    id: FeedId,
    error: &str,
    now: Moment,
) -> Result<()> {
    tx.exec(FEED_FAILED, (id, now, error)).await?;
    Ok(())
}

pub(in crate::articles) async fn feed_ended(tx: &mut Tx, id: FeedId, error: &str, now: Moment) -> Result<()> {
    tx.exec(FEED_ENDED, (id, now, error)).await?;
    Ok(())
}

pub(in crate::articles) async fn set_feed(
    tx: &mut Tx,
    id: FeedId,
    set: &FeedSettings,
    next: Moment,
) -> Result<bool> {
    let FeedSettings { every, arrives, topic_map, other_topics, keeps_pictures } = set;
    let changed = tx
        .exec(FEED_SETTINGS, (id, *every, *arrives, topic_map.as_str(), *other_topics, next, *keeps_pictures))
        .await?;
    Ok(changed > 0)
}

pub(in crate::articles) async fn pause_feed(tx: &mut Tx, id: FeedId) -> Result<bool> {
    Ok(tx.exec(PAUSE_FEED, (id,)).await? > 0)
}

pub(in crate::articles) async fn go_on_feed(tx: &mut Tx, id: FeedId, now: Moment) -> Result<bool> {
    Ok(tx.exec(GO_ON_FEED, (id, now)).await? > 0)
}

pub(in crate::articles) async fn add_read(tx: &mut Tx, feed: FeedId, read: &FeedRead) -> Result<i64> {
    let (id,): (i64,) = tx
        .one(
            ADD_READ,
            (
                feed,
                read.at,
                read.by_hand,
                read.fresh,
                read.changed,
                read.kept,
                read.unchanged,
                read.notes.as_str(),
                read.error.as_deref(),
            ),
        )
        .await?;
    Ok(id)
}

pub(in crate::articles) async fn reads(db: &Db, feed: FeedId, limit: i64) -> Result<Vec<FeedRead>> {
    db.all(READS, (feed, limit)).await
}

pub(in crate::articles) async fn read(db: &Db, feed: FeedId, id: i64) -> Result<Option<FeedRead>> {
    db.opt(READ, (feed, id)).await
}
