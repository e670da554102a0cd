//! Brings what a feed gives into the database; the same feed twice changes nothing.

use url::Url;

use super::{
    feed::{ParsedArticle, ParsedFeed},
    feed_rows::FeedArrives,
    rows::{ArticleState, FeedId},
    slug, store,
};
use crate::{
    clock::Moment,
    db::{self, Result, Tx},
    site::Site,
    token,
};

/// Keeps each transaction short, so that deliveries and sign-ups do not wait for a large import.
const ARTICLES_A_TRANSACTION: usize = 25;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticlesImported {
    /// Articles that were not known.
    pub new: u32,
    /// Articles that had changed in the feed.
    pub updated: u32,
    /// Articles that were known as they are.
    pub unchanged: u32,
    /// Articles that changed in the feed and were left alone: the desk has edited them.
    pub kept: u32,
    /// Why others were not taken, a sentence each.
    pub skipped: Vec<String>,
    /// What was odd about the feed, a sentence each.
    pub notes: Vec<String>,
}

/// What became of one article.
enum Taken {
    New,
    Updated,
    Unchanged,
    Kept,
    Skipped(String),
}

/// Imports what was read of a feed. Articles are known by their source id; what the desk edited is left as it is. A feed that
/// is removed meanwhile brings nothing more.
///
/// # Errors
/// When the database fails: then some of the articles are in, and importing again brings the rest.
pub async fn import(site: &Site, feed_id: Option<FeedId>, feed: ParsedFeed) -> Result<ArticlesImported> {
    let mut report =
        ArticlesImported { skipped: feed.skipped, notes: feed.notes, ..ArticlesImported::default() };
    for chunk in feed.articles.chunks(ARTICLES_A_TRANSACTION) {
        for outcome in db::again(|| import_chunk(site, feed_id, chunk)).await? {
            match outcome {
                Taken::New => report.new += 1,
                Taken::Updated => report.updated += 1,
                Taken::Unchanged => report.unchanged += 1,
                Taken::Kept => report.kept += 1,
                Taken::Skipped(why) => report.skipped.push(why),
            }
        }
    }
    Ok(report)
}

async fn import_chunk(site: &Site, feed_id: Option<FeedId>, chunk: &[ParsedArticle]) -> Result<Vec<Taken>> {
    let mut tx = site.db.begin().await?;
    let feed = match feed_id {
        Some(id) => match store::hold_feed(&mut tx, id).await? {
            Some((url, arrives)) => Some((id, url, arrives)),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let feed = feed.as_ref().map(|(id, url, arrives)| (*id, url.as_str(), *arrives));
    let mut outcomes = Vec::with_capacity(chunk.len());
    for article in chunk {
        outcomes.push(import_one(&mut tx, feed, article, site.now()).await?);
    }
    tx.commit().await?;
    Ok(outcomes)
}

async fn import_one(
    tx: &mut Tx,
    feed: Option<(FeedId, &str, FeedArrives)>,
    article: &ParsedArticle,
    now: Moment,
) -> Result<Taken> {
    let feed_id = feed.map(|(id, ..)| id);
    let arrives = feed.map_or(FeedArrives::Published, |(.., arrives)| arrives);
    let hash = content_hash(article);
    let Some(known) = store::find_source(tx, &article.source_id).await? else {
        return add(tx, (feed_id, arrives), article, &hash, now).await;
    };
    // Otherwise one feed could rewrite another's articles by naming their ids, also when the other was removed.
    match (feed, known.feed_id) {
        (Some((own, ..)), Some(other)) if own != other => {
            return Ok(Taken::Skipped(format!("“{}” belongs to another feed", article.title)));
        }
        (Some((_, url, _)), None) if !is_at_home(known.canonical_url.as_deref(), url) => {
            return Ok(Taken::Skipped(format!("“{}” came here from elsewhere before", article.title)));
        }
        _ => {}
    }
    if known.emptied_at.is_some() && (known.feed_id.is_none() || feed_id.is_none()) {
        // It was deleted long ago, and what brought it then is not there any more: whoever brings it now wants it.
        store::bin::revive(tx, known.id, arrives).await?;
        store::follow(tx, known.id, article, feed_id, &hash, now).await?;
        store::set_topics(tx, known.id, &topics(&article.topics)).await?;
        return Ok(Taken::New);
    }
    if known.deleted_at.is_some() {
        return Ok(Taken::Skipped(format!("“{}” was deleted here", article.title)));
    }
    if known.content_hash == hash {
        return Ok(Taken::Unchanged);
    }
    if known.edited_at.is_some() || !store::follow(tx, known.id, article, feed_id, &hash, now).await? {
        return Ok(Taken::Kept);
    }
    store::set_topics(tx, known.id, &topics(&article.topics)).await?;
    Ok(Taken::Updated)
}

/// Whether an article stands on the host that a feed comes from.
fn is_at_home(canonical_url: Option<&str>, feed_url: &str) -> bool {
    let host = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    canonical_url.and_then(host).is_some_and(|own| host(feed_url) == Some(own))
}

async fn add(
    tx: &mut Tx,
    (feed_id, arrives): (Option<FeedId>, FeedArrives),
    article: &ParsedArticle,
    hash: &str,
    now: Moment,
) -> Result<Taken> {
    let row = store::NewRow {
        feed_id,
        source_id: Some(&article.source_id),
        title: &article.title,
        standfirst: &article.standfirst,
        byline: &article.byline,
        body_html: &article.body_html,
        body_markdown: None,
        canonical_url: article.canonical_url.as_deref(),
        image_url: article.image_url.as_deref(),
        origin_note: article.origin_note.as_deref(),
        word_count: article.word_count,
        state: match arrives {
            FeedArrives::Published => ArticleState::Published,
            FeedArrives::Draft => ArticleState::Draft,
        },
        // What a feed gives is public, whatever date it bears.
        published_at: article.published_at.map_or(now, |at| at.min(now)),
        now,
        edited_at: None,
        content_hash: hash,
        notes: "",
        embargo_at: None,
    };
    for slug in slug::candidates(&slug::slug(&article.title)) {
        if let Some(id) = store::add(tx, &slug, &row).await? {
            store::set_topics(tx, id, &topics(&article.topics)).await?;
            return Ok(Taken::New);
        }
        if store::find_source(tx, &article.source_id).await?.is_some() {
            // Another import brought it since we looked.
            return Ok(Taken::Unchanged);
        }
    }
    Ok(Taken::Skipped(format!("no free address for “{}”", article.title)))
}

/// Slug and name of each topic, once each.
pub(super) fn topics(names: &[String]) -> Vec<(String, String)> {
    let mut topics: Vec<(String, String)> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let slug = match slug::slug(name) {
            slug if slug.is_empty() => format!("topic-{}", &token::hash(name)[..8]),
            slug => slug,
        };
        if !topics.iter().any(|(known, _)| *known == slug) {
            topics.push((slug, name.to_owned()));
        }
    }
    topics
}

fn content_hash(article: &ParsedArticle) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let published = article.published_at.map(|at| at.to_string()).unwrap_or_default();
    token::hash(
        &[
            article.title.clone(),
            article.standfirst.clone(),
            article.byline.clone(),
            article.topics.join("\u{1f}"),
            article.body_html.clone(),
            optional(&article.canonical_url),
            optional(&article.image_url),
            optional(&article.origin_note),
            published,
        ]
        .join("\u{1e}"),
    )
}
