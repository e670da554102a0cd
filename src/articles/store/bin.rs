//! The SQL of the bin of articles: what somebody deleted is a draft that no list shows, until it is emptied or comes back.

use super::super::{
    feeds::rows::FeedArrives,
    rows::{ArticleId, DeletedArticle, FeedId},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx, array},
    statements,
};

statements! {
    /// Into the bin, if it is as somebody saw it.
    DELETE = "update article set deleted_at = $3, deleted_state = state, state = 'draft', updated_at = $3, version = version + 1 where id = $1 and version = $2 and deleted_at is null returning title";
    /// Out of it, as it stood before.
    BRING_BACK = "update article set state = coalesce(deleted_state, 'draft'), deleted_at = null, deleted_state = null, updated_at = $2, version = version + 1 where id = $1 and deleted_at is not null and emptied_at is null returning title";
    /// All that a feed brought, into the bin with it.
    DELETE_OF_FEED = "update article set deleted_at = $2, deleted_state = state, state = 'draft', updated_at = $2, version = version + 1 where feed_id = $1 and deleted_at is null";
    /// Those that went there with it, out again.
    BRING_BACK_OF_FEED = "update article set state = coalesce(deleted_state, 'draft'), deleted_at = null, deleted_state = null, updated_at = $3, version = version + 1 where feed_id = $1 and deleted_at = $2 and emptied_at is null";
    /// How many articles of a feed are not in the bin.
    COUNT_OF_FEED = "select count(*) from article where feed_id = $1 and deleted_at is null";
    /// How many went into the bin with it.
    COUNT_WITH_FEED = "select count(*) from article where feed_id = $1 and deleted_at = $2 and emptied_at is null";
    /// The bin, the last deleted first, from a place on.
    BIN = "select id, title, byline, deleted_at from article where (deleted_at, id) < ($1, $2) and deleted_at is not null and emptied_at is null order by deleted_at desc, id desc limit $3";
    /// Which of a JSON array of ids are in the bin, or were.
    DELETED_AMONG = sqlite "select id from article where id in (select value from json_each($1)) and deleted_at is not null", postgres "select id from article where id in (select value::bigint from json_array_elements_text(cast($1 as json))) and deleted_at is not null";
    /// Since when one is in the bin.
    DELETED_AT = "select id, title, byline, deleted_at from article where id = $1 and deleted_at is not null and emptied_at is null";
    /// One that was emptied, and that no feed of before brings any more, is a new article of another.
    REVIVE = "update article set deleted_at = null, deleted_state = null, emptied_at = null, edited_at = null, body_markdown = null, content_hash = '', state = $2 where id = $1 and emptied_at is not null";
    IS_OF = "update article set feed_id = $2 where id = $1 and deleted_at is not null";
    /// What is over: nothing stays but the names by which it would come back, and the title where an edition has it.
    pub(crate) EMPTY = "update article set title = case when exists (select 1 from edition_article e where e.article_id = article.id) then title else '' end, standfirst = '', byline = '', body_html = '', body_markdown = null, image_url = null, image_alt = '', origin_note = null, notes = '', correction = '', corrected_at = null, embargo_at = null, theirs = null, theirs_hash = null, theirs_at = null, word_count = 0, content_hash = '', search = '', emptied_at = deleted_at where id in (select id from article where deleted_at < $1 and emptied_at is null order by deleted_at limit $2)";
    /// How it was saved, each time, goes with its words.
    pub(crate) REVISIONS_GO = "delete from article_revision where id in (select r.id from article a join article_revision r on r.article_id = a.id where a.deleted_at < $1 and a.emptied_at < $1 order by a.deleted_at limit $2)";
}

pub(in crate::articles) async fn delete(
    tx: &mut Tx,
    (id, version): (ArticleId, i64),
    now: Moment,
) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(DELETE, (id, version, now)).await?.map(|(title,)| title))
}

pub(in crate::articles) async fn bring_back(
    tx: &mut Tx,
    id: ArticleId,
    now: Moment,
) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(BRING_BACK, (id, now)).await?.map(|(title,)| title))
}

pub(in crate::articles) async fn delete_of_feed(tx: &mut Tx, feed: FeedId, now: Moment) -> Result<u64> {
    tx.exec(DELETE_OF_FEED, (feed, now)).await
}

pub(in crate::articles) async fn bring_back_of_feed(
    tx: &mut Tx,
    feed: FeedId,
    (removed_at, now): (Moment, Moment),
) -> Result<u64> {
    tx.exec(BRING_BACK_OF_FEED, (feed, removed_at, now)).await
}

pub(in crate::articles) async fn count_of_feed(db: &Db, feed: FeedId) -> Result<i64> {
    Ok(db.one::<(i64,)>(COUNT_OF_FEED, (feed,)).await?.0)
}

pub(in crate::articles) async fn count_with_feed(db: &Db, feed: FeedId, removed_at: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(COUNT_WITH_FEED, (feed, removed_at)).await?.0)
}

pub(in crate::articles) async fn bin(
    db: &Db,
    before: (Moment, ArticleId),
    limit: i64,
) -> Result<Vec<DeletedArticle>> {
    db.all(BIN, (before.0, before.1, limit)).await
}

pub(in crate::articles) async fn deleted_among(db: &Db, ids: &[ArticleId]) -> Result<Vec<ArticleId>> {
    let rows: Vec<(ArticleId,)> = db.all(DELETED_AMONG, (array(ids)?,)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(in crate::articles) async fn deleted(db: &Db, id: ArticleId) -> Result<Option<DeletedArticle>> {
    db.opt(DELETED_AT, (id,)).await
}

/// What was deleted stands in a feed.
pub(in crate::articles) async fn is_of(tx: &mut Tx, id: ArticleId, feed: FeedId) -> Result<()> {
    tx.exec(IS_OF, (id, feed)).await.map(drop)
}

pub(in crate::articles) async fn revive(tx: &mut Tx, id: ArticleId, arrives: FeedArrives) -> Result<()> {
    tx.exec(REVIVE, (id, arrives)).await?;
    Ok(())
}
