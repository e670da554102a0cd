//! `/desk/articles/{id}/source`: what the feed or archive of an article says, where it was written otherwise here, and the way back to it.

use axum::extract::Path;
use serde::Serialize;

use super::{
    article::find,
    bin::Waiting,
    revisions::Field,
    texts::{compared, words_of},
};
use crate::{
    articles::{self, Article, ArticleError, ArticleText, SourceVersion},
    publishing::{self, Changed},
    staff::Role,
    web::{Desk, Outcome, Posted, WebError, answers::conflict, session::see_other},
};

#[derive(Serialize)]
struct Page {
    heading: String,
    id: i64,
    version: i64,
    /// What the page shows, to be named when it is taken; empty where its source says the same as before.
    seen: String,
    /// Since when its source says that.
    when: Option<String>,
    fields: Vec<Field>,
    /// Editions that go out with it as it was approved.
    waiting: Vec<Waiting>,
    may_write: bool,
    stale: bool,
}

/// `GET /desk/articles/{id}/source`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let article = find(&desk, &id).await?;
    page(&desk, &article, false).await
}

async fn page(desk: &Desk, article: &Article, stale: bool) -> Outcome {
    let db = &desk.site().db;
    let Some(said) = articles::source_version(db, article).await? else { return Err(WebError::NotFound) };
    let waiting = publishing::waiting_with(db, article.id).await?;
    let page = Page {
        heading: format!("“{}”, there and here", article.title),
        id: article.id.0,
        version: article.version,
        seen: seen(&said),
        when: said.at.map(|at| at.date_time(desk.zone())),
        fields: differences(&ArticleText::of(article), &said.text).await?,
        waiting: waiting.into_iter().map(Waiting::from).collect(),
        may_write: desk.may(Role::WRITING),
        stale,
    };
    desk.page("desk/articles/source", &page.heading, &page).await
}

fn seen(said: &SourceVersion) -> String {
    said.at.map(|at| at.0.to_string()).unwrap_or_default()
}

async fn differences(ours: &ArticleText, theirs: &ArticleText) -> Result<Vec<Field>, WebError> {
    let mut fields = Vec::new();
    for (label, here, there) in [
        ("Title", &ours.title, &theirs.title),
        ("Standfirst", &ours.standfirst, &theirs.standfirst),
        ("Byline", &ours.byline, &theirs.byline),
        ("Topics", &ours.topics, &theirs.topics),
        ("Where it stands on your own site", &ours.canonical_url, &theirs.canonical_url),
        ("Address of its picture", &ours.image_url, &theirs.image_url),
        ("What the picture shows", &ours.image_alt, &theirs.image_alt),
        ("Where it was first published", &ours.origin_note, &theirs.origin_note),
    ] {
        fields.extend(Field::of(label, compared(here.clone(), there.clone()).await?));
    }
    fields.extend(Field::of("Article", compared(words_of(ours).await?, words_of(theirs).await?).await?));
    Ok(fields)
}

/// `POST /desk/articles/{id}/source`: it is taken, if both are still as the page showed them.
pub(crate) async fn take(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version", "seen", "known"])?;
    let article = find(&desk, &id).await?;
    let site = desk.site();
    let version = form.text("version").parse().unwrap_or_default();
    let done = see_other(&format!("/desk/articles/{id}?done=source-taken"));
    let Some(said) = articles::source_version(&site.db, &article).await? else {
        // Pressed twice, or by somebody else as well.
        return Ok(done);
    };
    if seen(&said) != form.text("seen") {
        return page(&desk, &article, true).await.map(conflict);
    }
    let (by, known) = (Some(desk.who.staff.id), form.all("known"));
    match publishing::take_source_version(site, (article.id, version), said, known, by).await {
        Ok(()) => Ok(done),
        Err(Changed::Approved(_) | Changed::Article(ArticleError::Changed)) => {
            let article = find(&desk, &id).await?;
            page(&desk, &article, true).await.map(conflict)
        }
        Err(Changed::Article(error)) => Err(error.into()),
    }
}
