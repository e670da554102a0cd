//! The SQL of writing: versions of articles, and who is at which, with what they typed and did not save yet.

use super::super::{
    kept::{KeptCopy, Revision, RevisionLine, Sitting},
    rows::{Article, ArticleId},
    topic_list::topics_in_a_line,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// An article as it is before it is changed, its topics apart.
    TO_CHANGE = "select id, slug, feed_id, title, standfirst, byline, body_html, body_markdown, canonical_url, image_url, image_alt, origin_note, word_count, state, published_at, updated_at, edited_at, notes, embargo_at, correction, corrected_at, version from article where id = $1";
    /// The names of its topics.
    ITS_TOPICS = "select topic.name from article_topic join topic on topic.id = article_topic.topic_id where article_topic.article_id = $1 order by article_topic.place, lower(topic.name), topic.id";
    /// Keeps a version, unless it is kept.
    KEEP_REVISION = "insert into article_revision (article_id, version, staff_id, at, text) values ($1, $2, $3, $4, $5) on conflict (article_id, version) do nothing";
    /// Those that are older than the newest hundred.
    FORGET_REVISIONS = "delete from article_revision where article_id = $1 and version <= $2";
    /// The versions that are kept, the newest first.
    REVISIONS = "select r.version, s.name as by_name, r.at from article_revision r left join staff s on s.id = r.staff_id where r.article_id = $1 order by r.version desc limit 200";
    /// One of them.
    REVISION = "select r.version, s.name as by_name, r.at, r.text from article_revision r left join staff s on s.id = r.staff_id where r.article_id = $1 and r.version = $2";
    /// The one before it.
    REVISION_BEFORE = "select r.version, s.name as by_name, r.at, r.text from article_revision r left join staff s on s.id = r.staff_id where r.article_id = $1 and r.version < $2 order by r.version desc limit 1";
    /// Notes that somebody is at an article; whoever was away for long has come anew. With a text, that it was typed.
    SIT = "insert into article_sitting (staff_id, article_id, piece, opened_at, seen_at, version, text, typed_at) values ($1, $2, $3, $4, $4, $5, $6, $7)
        on conflict (staff_id, piece) do update set
            opened_at = case when article_sitting.seen_at < $8 then excluded.opened_at else article_sitting.opened_at end,
            seen_at = excluded.seen_at,
            version = case when excluded.text is null then article_sitting.version else excluded.version end,
            text = coalesce(excluded.text, article_sitting.text),
            typed_at = coalesce(excluded.typed_at, article_sitting.typed_at)";
    /// Of articles that are not there yet, nobody keeps more than twenty.
    FORGET_NEW = "delete from article_sitting where staff_id = $1 and article_id is null
        and id not in (select id from article_sitting where staff_id = $1 and article_id is null and text is not null order by seen_at desc, id desc limit 20)";
    /// What somebody typed at an article.
    COPY = "select piece, version, text, typed_at from article_sitting where staff_id = $1 and piece = $2 and text is not null";
    /// What somebody typed of articles that are not there yet, the newest first.
    NEW_COPIES = "select piece, version, text, typed_at from article_sitting where staff_id = $1 and article_id is null and text is not null order by typed_at desc, id desc limit 20";
    /// It was saved, or is not wanted.
    DROP_COPY = "update article_sitting set text = null, typed_at = null where staff_id = $1 and piece = $2";
    /// Others who are at it.
    OTHERS = "select s.name, a.opened_at, a.text is not null as has_typed from article_sitting a join staff s on s.id = a.staff_id
        where a.article_id = $1 and a.staff_id <> $2 and a.seen_at >= $3 order by a.opened_at, a.id limit 10";
    /// Nobody came back for it.
    pub FORGET_SITTINGS = "delete from article_sitting where id in (select id from article_sitting where seen_at < $1 order by seen_at limit $2)";
}

pub(in super::super) async fn to_change(tx: &mut Tx, id: ArticleId) -> Result<Option<(Article, String)>> {
    let Some(article) = tx.opt::<Article>(TO_CHANGE, (id,)).await? else { return Ok(None) };
    let topics: Vec<(String,)> = tx.all(ITS_TOPICS, (id,)).await?;
    Ok(Some((article, topics_in_a_line(topics.iter().map(|(name,)| name)))))
}

pub(in super::super) async fn keep_revision(
    tx: &mut Tx,
    (id, version): (ArticleId, i64),
    staff_id: Option<i64>,
    at: Moment,
    text: &str,
) -> Result<()> {
    tx.exec(KEEP_REVISION, (id, version, staff_id, at, text)).await?;
    Ok(())
}

pub(in super::super) async fn forget_revisions(tx: &mut Tx, id: ArticleId, up_to: i64) -> Result<()> {
    tx.exec(FORGET_REVISIONS, (id, up_to)).await?;
    Ok(())
}

pub(in super::super) async fn revisions(db: &Db, id: ArticleId) -> Result<Vec<RevisionLine>> {
    db.all(REVISIONS, (id,)).await
}

pub(in super::super) async fn revision(db: &Db, id: ArticleId, version: i64) -> Result<Option<Revision>> {
    db.opt(REVISION, (id, version)).await
}

pub(in super::super) async fn revision_before(
    db: &Db,
    id: ArticleId,
    version: i64,
) -> Result<Option<Revision>> {
    db.opt(REVISION_BEFORE, (id, version)).await
}

/// Who is at what, and since when they count as gone.
pub(in super::super) struct Seat<'a> {
    pub staff_id: i64,
    pub article: Option<ArticleId>,
    pub piece: &'a str,
    pub version: i64,
    pub now: Moment,
    pub gone: Moment,
}

pub(in super::super) async fn sit(tx: &mut Tx, seat: &Seat<'_>, text: Option<&str>) -> Result<()> {
    let Seat { staff_id, article, piece, version, now, gone } = *seat;
    let typed_at = text.map(|_| now);
    tx.exec(SIT, (staff_id, article, piece, now, version, text, typed_at, gone)).await?;
    if article.is_none() {
        tx.exec(FORGET_NEW, (staff_id,)).await?;
    }
    Ok(())
}

pub(in super::super) async fn copy(db: &Db, staff_id: i64, piece: &str) -> Result<Option<KeptCopy>> {
    db.opt(COPY, (staff_id, piece)).await
}

pub(in super::super) async fn new_copies(db: &Db, staff_id: i64) -> Result<Vec<KeptCopy>> {
    db.all(NEW_COPIES, (staff_id,)).await
}

pub(in super::super) async fn drop_copy(tx: &mut Tx, staff_id: i64, piece: &str) -> Result<()> {
    tx.exec(DROP_COPY, (staff_id, piece)).await?;
    Ok(())
}

pub(in super::super) async fn others(
    db: &Db,
    article: ArticleId,
    staff_id: i64,
    since: Moment,
) -> Result<Vec<Sitting>> {
    db.all(OTHERS, (article, staff_id, since)).await
}
