//! What the source of an article says, where somebody wrote it otherwise here: kept beside it, shown, and taken when somebody wants it.
//!
//! The rule: what was written here stays until somebody says otherwise. Who takes the source's version has what was written here among the
//! versions, and from then on the article follows its source again.

use super::{
    Article, ArticleId,
    edit::{self, ArticleError, Body},
    import, revisions,
    store::{self, theirs as rows},
    text::ArticleText,
    topic_list::topics_of_a_line,
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    site::Site,
};

/// What a source says of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceVersion {
    pub text: ArticleText,
    /// Since when it says something else than when somebody first wrote here; none where it says the same as then.
    pub at: Option<Moment>,
}

/// What the source of an article says, if the article was written otherwise here.
pub async fn source_version(db: &Db, article: &Article) -> Result<Option<SourceVersion>> {
    if article.edited_at.is_none() {
        return Ok(None);
    }
    let found = rows::theirs(db, article.id).await?;
    Ok(found.map(|(text, at)| {
        let text = ArticleText::from_json(&text);
        let is_same_picture = Some(text.image_url.as_str()) == article.image_url.as_deref();
        // No source knows our notes, nor do feeds say what a picture shows.
        let image_alt = match is_same_picture && text.image_alt.is_empty() {
            true => article.image_alt.clone(),
            false => text.image_alt.clone(),
        };
        SourceVersion { text: ArticleText { notes: article.notes.clone(), image_alt, ..text }, at }
    }))
}

/// What a source says, ready to take the place of what was written here.
#[derive(Clone, Debug)]
pub struct SourceTaken {
    said: SourceVersion,
    body: Body,
    correction: Option<String>,
}

impl SourceVersion {
    /// Reads its text, and what readers are told was put right, if anything; before a transaction, for it may take a while.
    ///
    /// # Errors
    /// [`ArticleError::Invalid`] when it cannot be read, or the correction says nothing.
    pub async fn ready(self, correction: Option<&str>) -> std::result::Result<SourceTaken, ArticleError> {
        let correction = correction.map(edit::put_right).transpose();
        let correction = correction.map_err(|error| ArticleError::Invalid(vec![error]))?;
        let html = self.text.body_html.clone();
        let body = match (html, &self.text.body_markdown) {
            (Some(html), _) => Body::of_clean(html),
            (None, Some(markdown)) => {
                Body::read(markdown).await.map_err(|error| ArticleError::Invalid(vec![error]))?
            }
            (None, None) => Body::default(),
        };
        Ok(SourceTaken { said: self, body, correction })
    }
}

/// Puts what its source says in the place of an article that somebody saw in a version, in the caller's transaction: the article follows its
/// source again. An edition may have been approved with it: the desk goes through
/// [`publishing::take_source_version`](crate::publishing::take_source_version), which asks.
///
/// # Errors
/// [`ArticleError::Changed`] when it is another version by now, or its source says something else.
pub async fn take_source_version(
    tx: &mut Tx,
    site: &Site,
    (id, version): (ArticleId, i64),
    taken: &SourceTaken,
    staff_id: Option<i64>,
) -> std::result::Result<(), ArticleError> {
    let now = site.now();
    let SourceTaken { said: SourceVersion { text, at }, body, correction } = taken;
    let words = (body.html.as_str(), body.words);
    if !rows::take(tx, (id, version), (text, words, *at), correction.as_deref(), now).await? {
        let there = store::is_there(tx, id).await?;
        return Err(if there { ArticleError::Changed } else { ArticleError::NotFound });
    }
    store::set_topics(tx, id, &import::topics(&topics_of_a_line(&text.topics))).await?;
    Ok(revisions::keep(tx, (id, version + 1), staff_id, now, text).await?)
}
