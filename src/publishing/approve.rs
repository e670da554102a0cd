//! What was approved, and what changes beside it: an article of an edition that waits for its moment.
//!
//! The rule: readers get what was frozen when Send was pressed. So whoever changes such an article is asked first, and the
//! page of the edition says what changed without being asked, by a feed or in the settings.

use super::{
    Edition, EditionSummary, Error, Result,
    issue::{self, Issue},
    store,
};
use crate::{
    articles::{self, Article, ArticleError, ArticleId, FeedId, SourceVersion, WrittenArticle},
    db::{self, Db, MaybeDatabase, Tx},
    delivery,
    editions::EditionState,
    segments::{self, NotApproved},
    settings::Settings,
    site::Site,
};

/// Why an article was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Changed {
    /// It is in these editions, which go out as they were approved: whoever changes it has to say that they know.
    #[error("the article is in an edition that waits for its moment")]
    Approved(Vec<EditionSummary>),
    /// The articles room's reason.
    #[error(transparent)]
    Article(#[from] ArticleError),
}

impl MaybeDatabase for Changed {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Article(error) = self { error.database() } else { None }
    }
}

impl From<sqlx::Error> for Changed {
    fn from(error: sqlx::Error) -> Self {
        Self::Article(error.into())
    }
}

/// Editions that were approved with this article in them and wait for their moment.
pub async fn waiting_with(db: &Db, article: ArticleId) -> db::Result<Vec<EditionSummary>> {
    store::waiting_with(db, article).await
}

/// The edition that last went out with this article in it: whoever changes the article may want to tell those who got it.
pub async fn mailed_with(db: &Db, article: ArticleId) -> db::Result<Option<EditionSummary>> {
    store::mailed_with(db, article).await
}

/// Changes an article whose `version` somebody saw. `known` names the editions, by their public ids, that they were told go
/// out with the article as it was approved.
///
/// # Errors
/// [`Changed::Approved`] with the editions that they were not told of, and the articles room's.
pub async fn change_article(
    site: &Site,
    (id, version): (ArticleId, i64),
    written: &WrittenArticle,
    known: &[String],
) -> std::result::Result<Article, Changed> {
    let checked = written.checked(site.now()).await?;
    db::again(async || {
        let mut tx = site.db.begin().await?;
        articles::update(&mut tx, site, (id, version), &checked).await?;
        // Read behind the change, which holds the article: whoever presses Send now finds the new version, or is found here.
        let waiting = store::waiting_with_in(&mut tx, id).await?;
        if waiting.iter().any(|edition| !known.contains(&edition.public_id)) {
            return Err(Changed::Approved(waiting));
        }
        Ok(tx.commit().await?)
    })
    .await?;
    Ok(articles::by_id(&site.db, id).await?.ok_or(ArticleError::NotFound)?)
}

/// Puts an article into the bin, in the `version` that somebody saw; `known` as in [`change_article`].
///
/// # Errors
/// As [`change_article`].
pub async fn delete_article(
    site: &Site,
    (id, version): (ArticleId, i64),
    known: &[String],
    staff_id: Option<i64>,
) -> std::result::Result<(), Changed> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        articles::delete_article(&mut tx, site, (id, version), staff_id).await?;
        let waiting = store::waiting_with_in(&mut tx, id).await?;
        if waiting.iter().any(|edition| !known.contains(&edition.public_id)) {
            return Err(Changed::Approved(waiting));
        }
        Ok(tx.commit().await?)
    })
    .await
}

/// Puts what its source says in the place of an article that was written otherwise here, with what readers are told was put right, if
/// anything; `known` as in [`change_article`].
///
/// # Errors
/// As [`change_article`].
pub async fn take_source_version(
    site: &Site,
    (id, version): (ArticleId, i64),
    said: SourceVersion,
    correction: Option<&str>,
    known: &[String],
    staff_id: Option<i64>,
) -> std::result::Result<(), Changed> {
    let taken = said.ready(correction).await?;
    db::again(async || {
        let mut tx = site.db.begin().await?;
        articles::take_source_version(&mut tx, site, (id, version), &taken, staff_id).await?;
        let waiting = store::waiting_with_in(&mut tx, id).await?;
        if waiting.iter().any(|edition| !known.contains(&edition.public_id)) {
            return Err(Changed::Approved(waiting));
        }
        Ok(tx.commit().await?)
    })
    .await
}

/// Approved editions that wait for their moment with an article of a feed in them.
pub async fn waiting_with_feed(db: &Db, feed: FeedId) -> db::Result<Vec<EditionSummary>> {
    store::waiting_with_feed(db, feed).await
}

/// Puts a feed into the bin, alone or with what it brought; `known` as in [`change_article`], for what goes with it. Whether it was not there
/// yet.
///
/// # Errors
/// [`Changed::Approved`], and the database's.
pub async fn remove_feed(
    site: &Site,
    (feed, with_articles): (FeedId, bool),
    known: &[String],
    staff_id: Option<i64>,
) -> std::result::Result<bool, Changed> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        let was_there = articles::remove_feed(&mut tx, site, feed, with_articles, staff_id).await?;
        if with_articles {
            let waiting = store::waiting_with_feed_in(&mut tx, feed).await?;
            if waiting.iter().any(|edition| !known.contains(&edition.public_id)) {
                return Err(Changed::Approved(waiting));
            }
        }
        tx.commit().await?;
        Ok(was_there)
    })
    .await
}

/// In the transaction that approves an edition: refuses it if an article is not as it was read, and notes the versions.
pub(super) async fn approve_articles(tx: &mut Tx, edition: &Edition, issue: &Issue) -> Result<()> {
    let held = store::hold_articles(tx, edition.id, edition.revision).await?;
    if issue.articles.iter().any(|article| !held.contains(&(article.id, article.version))) {
        return Err(Error::NotAsSeen);
    }
    Ok(store::approve_articles(tx, edition.id, edition.revision).await?)
}

/// In the transaction that approves an edition: refuses it if a topic of it was merged since it was read, for then it would go to more
/// readers than were counted; from here to the commit none is.
pub(super) async fn hold_topics(tx: &mut Tx, edition: &Edition) -> Result<()> {
    let held = store::hold_topics(tx, edition.id).await?;
    if edition.content.topic_ids.iter().any(|topic| !held.contains(topic))
        || held.len() != edition.content.topic_ids.len()
    {
        return Err(Error::NotAsSeen);
    }
    Ok(())
}

/// The same of the segments that it goes by: what they ask is written down with it, and nobody saves one until the commit.
pub(super) async fn approve_segments(tx: &mut Tx, edition: &Edition, issue: &Issue) -> Result<()> {
    match segments::approve(tx, edition.id, &issue.segments.in_full()).await {
        Ok(()) => Ok(()),
        Err(NotApproved::NotAsSeen) => Err(Error::NotAsSeen),
        Err(NotApproved::Database(error)) => Err(error.into()),
        Err(error @ NotApproved::Tree(..)) => Err(Error::Segment(error.to_string())),
    }
}

/// The same of the rhythm that it is for: whoever schedules it holds its list, and what that offers stays so until the edition's moment.
pub(super) async fn hold_rhythm(tx: &mut Tx, edition: &Edition) -> Result<()> {
    let seen = (edition.content.rhythm, edition.list_rhythms.clone());
    match store::rhythm(tx, edition.id).await? {
        Some(now) if edition.content.rhythm.is_none() || now == seen => Ok(()),
        _ => Err(Error::NotAsSeen),
    }
}

/// For an edition that waits for its moment, in a sentence, what its mail would show otherwise if Send were pressed now.
pub async fn changed_since_send(
    site: &Site,
    settings: &Settings,
    edition: &Edition,
) -> Result<Option<String>> {
    let waits = matches!(edition.state, EditionState::Scheduled | EditionState::Held);
    if !waits || edition.sealed_at.is_some() {
        return Ok(None);
    }
    let changed = store::changed_articles(&site.db, edition.id, edition.revision).await?;
    let titles: Vec<String> = changed.into_iter().map(|(_, title)| format!("“{title}”")).collect();
    if let [_, others @ ..] = titles.as_slice() {
        let number =
            if others.is_empty() { "1 article".to_owned() } else { format!("{} articles", titles.len()) };
        return Ok(Some(format!("{number} changed since Send was pressed: {}.", titles.join(", "))));
    }
    let approved = delivery::fingerprint_of(&site.db, edition.id, edition.revision).await?;
    let Some(approved) = approved.filter(|approved| issue::is_comparable(approved)) else { return Ok(None) };
    let is_as_approved = Issue::load(site, settings, edition).await?.fingerprint() == approved;
    Ok((!is_as_approved).then(|| "Settings that it shows changed since Send was pressed.".to_owned()))
}
