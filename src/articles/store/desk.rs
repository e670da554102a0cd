//! The SQL of the list at the desk: the numbers of a page of articles, found by an index; the articles themselves are read by number.

use super::super::{
    desk_look::{DeskLook, DeskState, From},
    rows::ArticleId,
};
use crate::{
    clock::Moment,
    db::{Db, Result},
    statements,
};

statements! {
    /// Every article, newest first, from a place on.
    DESK_ALL = sqlite "select id from article where deleted_at is null and (published_at, id) < ($1, $2) and ($3 = '' or instr(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5",
        postgres "select id from article where deleted_at is null and (published_at, id) < ($1, $2) and ($3 = '' or strpos(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5";
    /// Those that stand so, and are published after a moment.
    DESK_OF_STATE = sqlite "select id from article where deleted_at is null and state = $6 and published_at > $7 and (published_at, id) < ($1, $2)
            and ($3 = '' or instr(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5",
        postgres "select id from article where deleted_at is null and state = $6 and published_at > $7 and (published_at, id) < ($1, $2)
            and ($3 = '' or strpos(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5";
    /// Those of one feed, in any state or one.
    DESK_OF_FEED = sqlite "select id from article where deleted_at is null and feed_id = $8 and ($6 = '' or state = $6) and published_at > $7 and (published_at, id) < ($1, $2)
            and ($3 = '' or instr(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5",
        postgres "select id from article where deleted_at is null and feed_id = $8 and ($6 = '' or state = $6) and published_at > $7 and (published_at, id) < ($1, $2)
            and ($3 = '' or strpos(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5";
    /// Those that any feed brought.
    DESK_FED = sqlite "select id from article where deleted_at is null and feed_id is not null and (published_at, id) < ($1, $2) and ($3 = '' or instr(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5",
        postgres "select id from article where deleted_at is null and feed_id is not null and (published_at, id) < ($1, $2) and ($3 = '' or strpos(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5";
    /// Those of them that stand so, and are published after a moment.
    DESK_FED_OF_STATE = sqlite "select id from article where deleted_at is null and feed_id is not null and state = $6 and published_at > $7 and (published_at, id) < ($1, $2)
            and ($3 = '' or instr(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5",
        postgres "select id from article where deleted_at is null and feed_id is not null and state = $6 and published_at > $7 and (published_at, id) < ($1, $2)
            and ($3 = '' or strpos(coalesce(search, lower(title || ' ' || byline)), $3) > 0)
            and ($4 = '' or exists (select 1 from article_topic x join topic t on t.id = x.topic_id where x.article_id = article.id and t.slug = $4))
        order by published_at desc, id desc limit $5";
    /// How many drafts feeds brought.
    DRAFTS_OF_FEEDS = "select count(*) from article where state = 'draft' and feed_id is not null and deleted_at is null";
}

/// How many drafts feeds brought.
pub(in super::super) async fn drafts_of_feeds(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(DRAFTS_OF_FEEDS, ()).await?.0)
}

/// The numbers of a page of articles, newest first.
pub(in super::super) async fn numbers(
    db: &Db,
    look: &DeskLook<'_>,
    search: &str,
    before: (Moment, ArticleId),
    (now, most): (Moment, i64),
) -> Result<Vec<ArticleId>> {
    let (mut at, mut id) = before;
    let mut after = Moment(i64::MIN);
    match look.state {
        Some(DeskState::Scheduled) => after = now,
        // What is published by now.
        Some(DeskState::Published) if at > now => (at, id) = (now, ArticleId(i64::MAX)),
        _ => {}
    }
    let state = look.state.map_or("", DeskState::stored);
    let numbers: Vec<(ArticleId,)> = match (look.from, state) {
        (From::Feed(feed), _) => {
            db.all(DESK_OF_FEED, (at, id, search, look.topic, most, state, after, feed)).await?
        }
        (From::Feeds, "") => db.all(DESK_FED, (at, id, search, look.topic, most)).await?,
        (From::Feeds, _) => {
            db.all(DESK_FED_OF_STATE, (at, id, search, look.topic, most, state, after)).await?
        }
        (From::Anywhere, "") => db.all(DESK_ALL, (at, id, search, look.topic, most)).await?,
        (From::Anywhere, _) => {
            db.all(DESK_OF_STATE, (at, id, search, look.topic, most, state, after)).await?
        }
    };
    Ok(numbers.into_iter().map(|(id,)| id).collect())
}
