//! The SQL of articles and their topics.

pub(super) mod authors;
pub(super) mod bin;
pub(super) mod desk;
pub(super) mod feeds;
pub(super) mod pictures;
pub(super) mod public;
pub(super) mod theirs;
pub(super) mod writing;

use super::{
    feed::ParsedArticle,
    identity::link_key,
    rows::{Article, ArticleId, ArticleState, ArticleTopic, FeedId},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    email_address::folded,
    statements,
};

statements! {
    /// Published articles, newest first, from a place on; of one topic or of all.
    PUBLISHED_PAGE = "select id, slug, feed_id, title, standfirst, byline, body_html, body_markdown, canonical_url, image_url, image_alt, origin_note, word_count, state, published_at, updated_at, edited_at, notes, embargo_at, correction, corrected_at, version from article where state = 'published' and published_at <= $1 and (published_at, id) < ($2, $3) and (cast($4 as text) = '' or exists (select 1 from article_topic join topic on topic.id = article_topic.topic_id where article_topic.article_id = article.id and topic.slug = $4)) order by published_at desc, id desc limit $5";
    /// One article by its name in addresses.
    BY_SLUG = "select id, slug, feed_id, title, standfirst, byline, body_html, body_markdown, canonical_url, image_url, image_alt, origin_note, word_count, state, published_at, updated_at, edited_at, notes, embargo_at, correction, corrected_at, version from article where slug = $1";
    /// The articles of a JSON array of ids, in no order.
    BY_IDS = sqlite "select id, slug, feed_id, title, standfirst, byline, body_html, body_markdown, canonical_url, image_url, image_alt, origin_note, word_count, state, published_at, updated_at, edited_at, notes, embargo_at, correction, corrected_at, version from article where id in (select value from json_each($1))", postgres "select id, slug, feed_id, title, standfirst, byline, body_html, body_markdown, canonical_url, image_url, image_alt, origin_note, word_count, state, published_at, updated_at, edited_at, notes, embargo_at, correction, corrected_at, version from article where id in (select value::bigint from json_array_elements_text(cast($1 as json)))";
    /// The topics of the articles of a JSON array of ids.
    TOPICS_OF = sqlite "select article_topic.article_id, topic.slug, topic.name from article_topic join topic on topic.id = article_topic.topic_id where article_topic.article_id in (select value from json_each($1)) order by article_topic.place, lower(topic.name), topic.id", postgres "select article_topic.article_id, topic.slug, topic.name from article_topic join topic on topic.id = article_topic.topic_id where article_topic.article_id in (select value::bigint from json_array_elements_text(cast($1 as json))) order by article_topic.place, lower(topic.name), topic.id";
    /// Topics that have an article which readers see. SQLite is told to begin with the topic: else it goes through all articles for each.
    TOPICS = sqlite "select slug, name from topic where exists (select 1 from article_topic cross join article indexed by article_site_map_idx on article.id = article_topic.article_id
            where article_topic.topic_id = topic.id and article.state = 'published' and article.published_at <= $1) order by lower(name), id",
        postgres "select slug, name from topic where exists (select 1 from article_topic join article on article.id = article_topic.article_id where article_topic.topic_id = topic.id and article.state = 'published' and article.published_at <= $1) order by lower(name), id";
    /// What an import needs to know of the articles that are called so: a JSON array of what their sources call them. Titles, and the words of
    /// files, are those of the source where somebody wrote others here.
    KNOWN_AS = sqlite "select article.id, article.source_id, article.link_key, coalesce(json_extract(article.theirs, '$.title'), article.title) as title, article.published_at, coalesce(article.dated_there, article.published_at) as dated_there, article.slug, feed.id as feed_id, feed.url as feed_url, article.canonical_url, article.content_hash, article.archive_hash, article.edited_at, article.state, article.word_count, article.deleted_at, article.emptied_at, article.theirs_hash, case when substr(article.source_id, 1, 5) = 'file:' then coalesce(json_extract(article.theirs, '$.body_markdown'), article.body_markdown) end as words from article left join feed on feed.id = article.feed_id and feed.removed_at is null where article.source_id in (select value from json_each($1))", postgres "select article.id, article.source_id, article.link_key, coalesce(cast(article.theirs as json) ->> 'title', article.title) as title, article.published_at, coalesce(article.dated_there, article.published_at) as dated_there, article.slug, feed.id as feed_id, feed.url as feed_url, article.canonical_url, article.content_hash, article.archive_hash, article.edited_at, article.state, article.word_count, article.deleted_at, article.emptied_at, article.theirs_hash, case when substr(article.source_id, 1, 5) = 'file:' then coalesce(cast(article.theirs as json) ->> 'body_markdown', article.body_markdown) end as words from article left join feed on feed.id = article.feed_id and feed.removed_at is null where article.source_id in (select value from json_array_elements_text(cast($1 as json)))";
    /// The same of those that stand there.
    KNOWN_AT = sqlite "select article.id, article.source_id, article.link_key, coalesce(json_extract(article.theirs, '$.title'), article.title) as title, article.published_at, coalesce(article.dated_there, article.published_at) as dated_there, article.slug, feed.id as feed_id, feed.url as feed_url, article.canonical_url, article.content_hash, article.archive_hash, article.edited_at, article.state, article.word_count, article.deleted_at, article.emptied_at, article.theirs_hash, case when substr(article.source_id, 1, 5) = 'file:' then coalesce(json_extract(article.theirs, '$.body_markdown'), article.body_markdown) end as words from article left join feed on feed.id = article.feed_id and feed.removed_at is null where article.link_key in (select value from json_each($1)) and article.link_key <> '' order by article.id limit 1000", postgres "select article.id, article.source_id, article.link_key, coalesce(cast(article.theirs as json) ->> 'title', article.title) as title, article.published_at, coalesce(article.dated_there, article.published_at) as dated_there, article.slug, feed.id as feed_id, feed.url as feed_url, article.canonical_url, article.content_hash, article.archive_hash, article.edited_at, article.state, article.word_count, article.deleted_at, article.emptied_at, article.theirs_hash, case when substr(article.source_id, 1, 5) = 'file:' then coalesce(cast(article.theirs as json) ->> 'body_markdown', article.body_markdown) end as words from article left join feed on feed.id = article.feed_id and feed.removed_at is null where article.link_key in (select value from json_array_elements_text(cast($1 as json))) and article.link_key <> '' order by article.id limit 1000";
    /// The article that is called so.
    CALLED = "select id from article where source_id = $1";
    /// Adds an article, unless its slug or source is taken.
    ADD = "insert into article (slug, feed_id, source_id, title, standfirst, byline, body_html, body_markdown, canonical_url, image_url, origin_note, word_count, state, published_at, created_at, updated_at, edited_at, content_hash, search, notes, embargo_at, link_key, archive_hash, image_alt, dated_there, pictures_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25) on conflict do nothing returning id";
    /// Brings an article up to its source, unless the desk edited it meanwhile; its text stays where none is given, and what the same picture
    /// shows where the source does not say.
    FOLLOW = "update article set title = $2, standfirst = $3, byline = $4, body_html = coalesce($5, body_html), body_markdown = case when cast($5 as text) is null then body_markdown else $6 end, canonical_url = $7, image_url = $8, origin_note = $9, word_count = coalesce($10, word_count), published_at = coalesce($11, published_at), updated_at = $12, content_hash = $13, archive_hash = $14, feed_id = coalesce($15, feed_id), search = $16, link_key = $17, state = $18, image_alt = case when $19 = '' and image_url is not distinct from $8 then image_alt else $19 end, dated_there = $20, pictures_at = coalesce($21, pictures_at), version = version + 1 where id = $1 and edited_at is null and deleted_at is null";
    /// A feed has what an archive brought: it is known what it says, and nothing changes.
    SEEN_IN_FEED = "update article set content_hash = $2, feed_id = coalesce($3, feed_id) where id = $1 and deleted_at is null";
    /// Its source calls it otherwise by now.
    RENAME = "update article set source_id = $2 where id = $1 and not exists (select 1 from article other where other.source_id = $2)";
    /// What its source does not show any more, unless the desk edited it.
    WITHDRAW = "update article set state = 'withdrawn', updated_at = $2, archive_hash = $3, version = version + 1 where id = $1 and edited_at is null and deleted_at is null";
    /// Those whose link nobody has compared yet, by key.
    UNKEYED = "select id, canonical_url from article where link_key is null and id > $1 order by id limit $2";
    /// Unless it was changed since it was read.
    KEY = rows(3) "update article set link_key = v.column2 from (values {rows}) as v
        where article.id = cast(v.column1 as bigint) and coalesce(article.canonical_url, '') = v.column3";
    /// Writes what the desk typed, unless somebody changed the article since it was looked at. The first time, what its source says is kept beside it.
    /// Whoever only publishes what a feed brought, or takes it off, has changed no word of it ($22): it goes on following its feed.
    EDIT = "update article set title = $2, standfirst = $3, byline = $4, body_html = coalesce($5, body_html), body_markdown = coalesce($6, body_markdown), word_count = coalesce($7, word_count), canonical_url = $8, image_url = $9, origin_note = $10, state = $11, published_at = coalesce($12, published_at), updated_at = $13, edited_at = case when cast($22 as bigint) = 1 and feed_id is not null and archive_hash is null then edited_at else $13 end, search = $15, notes = $16, embargo_at = $17, correction = coalesce($18, correction), corrected_at = coalesce($19, corrected_at), image_alt = $20, theirs = case when edited_at is null then cast($21 as text) else theirs end, theirs_hash = case when edited_at is null then case when content_hash <> '' then content_hash else archive_hash end else theirs_hash end, version = version + 1 where id = $1 and version = $14 and deleted_at is null";
    /// What nobody folded yet, by key.
    WAITING = "select id, title, byline from article where search is null and id > $1 order by id limit $2";
    /// Unless it was changed since it was read.
    FOLD = rows(4) "update article set search = v.column2 from (values {rows}) as v
        where article.id = cast(v.column1 as bigint) and article.title = v.column3 and article.byline = v.column4";
    /// Whether there is such an article.
    IS_THERE = "select id from article where id = $1 and deleted_at is null";
    /// Finds or makes a topic; the first spelling of its name stays.
    TOPIC = "insert into topic (slug, name) values ($1, $2) on conflict (slug) do update set name = topic.name returning id";
    /// Takes an article out of all topics.
    CLEAR_TOPICS = "delete from article_topic where article_id = $1";
    /// Puts articles into topics.
    ADD_TOPICS = rows(3) "insert into article_topic (article_id, topic_id, place) values {rows}";
}

pub(super) use self::feeds::hold_feed;

/// What an import needs to know of an article that is here.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(super) struct Known {
    pub id: ArticleId,
    pub source_id: Option<String>,
    pub link_key: Option<String>,
    /// As its source says it, where somebody wrote another here.
    pub title: String,
    pub published_at: Moment,
    /// The day that its source said last, whatever day it bears here; else that.
    pub dated_there: Moment,
    pub slug: String,
    pub feed_id: Option<FeedId>,
    pub feed_url: Option<String>,
    pub canonical_url: Option<String>,
    pub content_hash: String,
    pub archive_hash: Option<String>,
    pub edited_at: Option<Moment>,
    pub state: ArticleState,
    pub word_count: i64,
    /// Since when it lies in the bin.
    pub deleted_at: Option<Moment>,
    /// Since when nothing is left of it but its names.
    pub emptied_at: Option<Moment>,
    /// What its source last said, where that is kept beside it.
    pub theirs_hash: Option<String>,
    /// The Markdown of a file, as it said it.
    pub words: Option<String>,
}

/// What becomes of an article that its source changed.
#[derive(Clone, Debug)]
pub(super) struct Followed<'a> {
    pub article: &'a ParsedArticle,
    /// Clean HTML, what it was written as, and its words; none where the text stays.
    pub body: Option<(&'a str, Option<&'a str>, i64)>,
    pub published_at: Option<Moment>,
    pub content_hash: &'a str,
    pub archive_hash: Option<&'a str>,
    pub feed_id: Option<FeedId>,
    pub state: ArticleState,
    /// When its pictures are copied here, if somebody wants that of its feed.
    pub pictures_at: Option<Moment>,
    pub now: Moment,
}

/// A row to add.
#[derive(Clone, Debug)]
pub(super) struct NewRow<'a> {
    pub feed_id: Option<FeedId>,
    pub source_id: Option<&'a str>,
    pub title: &'a str,
    pub standfirst: &'a str,
    pub byline: &'a str,
    pub body_html: &'a str,
    pub body_markdown: Option<&'a str>,
    pub canonical_url: Option<&'a str>,
    pub image_url: Option<&'a str>,
    pub image_alt: &'a str,
    pub origin_note: Option<&'a str>,
    pub word_count: i64,
    pub state: ArticleState,
    pub published_at: Moment,
    pub now: Moment,
    pub edited_at: Option<Moment>,
    pub content_hash: &'a str,
    pub archive_hash: Option<&'a str>,
    pub notes: &'a str,
    pub embargo_at: Option<Moment>,
    /// The day that its source says.
    pub dated_there: Option<Moment>,
    /// When its pictures are copied here, if somebody wants that of its feed.
    pub pictures_at: Option<Moment>,
}

/// What the desk changes; `None` in `body` leaves the body as it is.
#[derive(Clone, Debug)]
pub(super) struct Edit<'a> {
    pub title: &'a str,
    pub standfirst: &'a str,
    pub byline: &'a str,
    pub body: Option<(&'a str, &'a str, i64)>,
    pub canonical_url: Option<&'a str>,
    pub image_url: Option<&'a str>,
    pub image_alt: &'a str,
    pub origin_note: Option<&'a str>,
    pub state: ArticleState,
    pub published_at: Option<Moment>,
    pub now: Moment,
    pub notes: &'a str,
    pub embargo_at: Option<Moment>,
    /// What was put right, and when.
    pub correction: Option<(&'a str, Moment)>,
    /// All of it as it was, for whoever wants the source's version.
    pub was: &'a str,
    /// Not a word of it is another.
    pub says_the_same: bool,
}

pub(super) async fn published_page(
    db: &Db,
    now: Moment,
    before: (Moment, ArticleId),
    topic: &str,
    limit: i64,
) -> Result<Vec<Article>> {
    let articles = db.all(PUBLISHED_PAGE, (now, before.0, before.1, topic, limit)).await?;
    with_topics(db, articles).await
}

/// The next articles that nobody folded yet: key, title and byline.
pub(super) async fn waiting(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, String, String)>> {
    db.all(WAITING, (after, limit)).await
}

pub(super) async fn fold(tx: &mut Tx, articles: &[(i64, String, String)]) -> Result<u64> {
    let row = |(id, title, byline): &(i64, String, String)| {
        (*id, text_of(title, byline), title.clone(), byline.clone())
    };
    tx.many(FOLD, articles.iter().map(row)).await
}

/// What an article is found by.
fn text_of(title: &str, byline: &str) -> String {
    format!("{}\n{}", folded(title), folded(byline))
}

pub(super) async fn by_slug(db: &Db, slug: &str) -> Result<Option<Article>> {
    let found: Option<Article> = db.opt(BY_SLUG, (slug,)).await?;
    Ok(with_topics(db, found.into_iter().collect()).await?.pop())
}

pub(super) async fn by_ids(db: &Db, ids: &[ArticleId]) -> Result<Vec<Article>> {
    let articles = db.all(BY_IDS, (json(ids.iter().copied()),)).await?;
    with_topics(db, articles).await
}

async fn with_topics(db: &Db, mut articles: Vec<Article>) -> Result<Vec<Article>> {
    if articles.is_empty() {
        return Ok(articles);
    }
    let rows: Vec<(ArticleId, String, String)> =
        db.all(TOPICS_OF, (json(articles.iter().map(|article| article.id)),)).await?;
    for (id, slug, name) in rows {
        if let Some(article) = articles.iter_mut().find(|article| article.id == id) {
            article.topics.push(ArticleTopic { slug, name });
        }
    }
    Ok(articles)
}

fn json(ids: impl Iterator<Item = ArticleId>) -> String {
    let ids: Vec<String> = ids.map(|id| id.0.to_string()).collect();
    format!("[{}]", ids.join(","))
}

pub(super) async fn topics(db: &Db, now: Moment) -> Result<Vec<ArticleTopic>> {
    db.all(TOPICS, (now,)).await
}

pub(super) async fn called(db: &Db, source_id: &str) -> Result<Option<ArticleId>> {
    Ok(db.opt::<(ArticleId,)>(CALLED, (source_id,)).await?.map(|(id,)| id))
}

pub(super) async fn known_as(tx: &mut Tx, sources: &[String]) -> Result<Vec<Known>> {
    tx.all(KNOWN_AS, (serde_json::json!(sources).to_string(),)).await
}

/// The same, outside of a transaction.
pub(super) async fn known_now(db: &Db, sources: &[String]) -> Result<Vec<Known>> {
    db.all(KNOWN_AS, (serde_json::json!(sources).to_string(),)).await
}

pub(super) async fn known_at(tx: &mut Tx, links: &[&str]) -> Result<Vec<Known>> {
    tx.all(KNOWN_AT, (serde_json::json!(links).to_string(),)).await
}

/// The next articles whose link nobody has compared yet.
pub(super) async fn unkeyed(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, Option<String>)>> {
    db.all(UNKEYED, (after, limit)).await
}

pub(super) async fn key(tx: &mut Tx, articles: &[(i64, Option<String>)]) -> Result<u64> {
    let row = |(id, link): &(i64, Option<String>)| {
        (*id, link_key(link.as_deref()), link.clone().unwrap_or_default())
    };
    tx.many(KEY, articles.iter().map(row)).await
}

pub(super) async fn add(tx: &mut Tx, slug: &str, row: &NewRow<'_>) -> Result<Option<ArticleId>> {
    let added: Option<(ArticleId,)> = tx
        .opt(
            ADD,
            (
                slug,
                row.feed_id,
                row.source_id,
                row.title,
                row.standfirst,
                row.byline,
                row.body_html,
                row.body_markdown,
                row.canonical_url,
                row.image_url,
                row.origin_note,
                row.word_count,
                row.state,
                row.published_at,
                row.now,
                row.edited_at,
                row.content_hash,
                text_of(row.title, row.byline),
                row.notes,
                row.embargo_at,
                link_key(row.canonical_url),
                row.archive_hash,
                row.image_alt,
                row.dated_there,
                row.pictures_at,
            ),
        )
        .await?;
    Ok(added.map(|(id,)| id))
}

/// `false` if the desk edited it.
pub(super) async fn follow(tx: &mut Tx, id: ArticleId, to: &Followed<'_>) -> Result<bool> {
    let article = to.article;
    let changed = tx
        .exec(
            FOLLOW,
            (
                id,
                article.title.as_str(),
                article.standfirst.as_str(),
                article.byline.as_str(),
                to.body.map(|(html, _, _)| html),
                to.body.and_then(|(_, markdown, _)| markdown),
                article.canonical_url.as_deref(),
                article.image_url.as_deref(),
                article.origin_note.as_deref(),
                to.body.map(|(_, _, words)| words),
                to.published_at,
                to.now,
                to.content_hash,
                to.archive_hash,
                to.feed_id,
                text_of(&article.title, &article.byline),
                link_key(article.canonical_url.as_deref()),
                to.state,
                article.image_alt.as_str(),
                article.published_at,
                to.pictures_at,
            ),
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn seen_in_feed(
    tx: &mut Tx,
    id: ArticleId,
    hash: &str,
    feed_id: Option<FeedId>,
) -> Result<()> {
    tx.exec(SEEN_IN_FEED, (id, hash, feed_id)).await?;
    Ok(())
}

pub(super) async fn rename(tx: &mut Tx, id: ArticleId, source_id: &str) -> Result<()> {
    tx.exec(RENAME, (id, source_id)).await?;
    Ok(())
}

/// `false` if the desk edited it.
pub(super) async fn withdraw(tx: &mut Tx, id: ArticleId, hash: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(WITHDRAW, (id, now, hash)).await? > 0)
}

/// `false` if there is no such article, or it has another version by now.
pub(super) async fn edit(tx: &mut Tx, (id, version): (ArticleId, i64), edit: &Edit<'_>) -> Result<bool> {
    let changed = tx
        .exec(
            EDIT,
            (
                id,
                edit.title,
                edit.standfirst,
                edit.byline,
                edit.body.map(|(html, _, _)| html),
                edit.body.map(|(_, markdown, _)| markdown),
                edit.body.map(|(_, _, words)| words),
                edit.canonical_url,
                edit.image_url,
                edit.origin_note,
                edit.state,
                edit.published_at,
                edit.now,
                version,
                text_of(edit.title, edit.byline),
                edit.notes,
                edit.embargo_at,
                edit.correction.map(|(words, _)| words),
                edit.correction.map(|(_, at)| at),
                edit.image_alt,
                edit.was,
                i64::from(edit.says_the_same),
            ),
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn is_there(tx: &mut Tx, id: ArticleId) -> Result<bool> {
    Ok(tx.opt::<(ArticleId,)>(IS_THERE, (id,)).await?.is_some())
}

/// Puts an article into these topics (slug and name) and no others, in their order, and reads from its byline who wrote it.
pub(super) async fn set_topics(tx: &mut Tx, id: ArticleId, topics: &[(String, String)]) -> Result<()> {
    tx.exec(CLEAR_TOPICS, (id,)).await?;
    let mut rows: Vec<(ArticleId, i64, i64)> = Vec::new();
    // Two articles with the same topics meet at them in the same order.
    let mut topics: Vec<_> = topics.iter().zip(0_i64..).collect();
    topics.sort();
    for ((slug, name), place) in topics {
        let (topic,): (i64,) = tx.one(TOPIC, (slug.as_str(), name.as_str())).await?;
        rows.push((id, topic, place));
    }
    rows.sort_unstable();
    rows.dedup_by_key(|(_, topic, _)| *topic);
    tx.many(ADD_TOPICS, rows).await?;
    authors::read_byline(tx, id).await
}
