//! `/desk/articles/{id}/source`: what the feed or archive of an article says, where it was written otherwise here, and the way back to it.

use axum::extract::Path;
use serde::Serialize;

use super::{
    article::find,
    bin::Waiting,
    correcting,
    revisions::Field,
    texts::{compared, words_of},
};
use crate::{
    articles::{self, Article, ArticleError, ArticleState, ArticleText, SourceVersion},
    publishing::{self, Changed, EditionSummary},
    staff::Role,
    web::{Desk, Form, Outcome, Posted, WebError, answers::conflict, session::see_other},
};

const FIELDS: &[&str] = &["version", "seen", "known", "correcting", "correction"];
const TEMPLATE: &str = "desk/articles/source";

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
    /// The edition that it was mailed with, if what readers read changes.
    mailed: Option<Waiting>,
    form: Form,
    may_write: bool,
    stale: bool,
}

/// `GET /desk/articles/{id}/source`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let article = find(&desk, &id).await?;
    let page = page(&desk, &article, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, &page.heading, &page).await
}

async fn page(desk: &Desk, article: &Article, form: Form) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let said = articles::source_version(db, article).await?.ok_or(WebError::NotFound)?;
    let waiting = publishing::waiting_with(db, article.id).await?;
    let mailed = mailed_otherwise(desk, article, &said).await?;
    Ok(Page {
        heading: format!("“{}”, here and at its source", article.title),
        id: article.id.0,
        version: article.version,
        seen: seen(&said),
        when: said.at.map(|at| at.date_time(desk.zone())),
        fields: differences(&ArticleText::of(article), &said.text).await?,
        waiting: waiting.into_iter().map(Waiting::from).collect(),
        mailed: mailed.map(Waiting::from),
        may_write: desk.may(Role::WRITING),
        stale: false,
        form,
    })
}

/// The edition that an article was mailed with, if readers get to read something else than they do now.
async fn mailed_otherwise(
    desk: &Desk,
    article: &Article,
    said: &SourceVersion,
) -> Result<Option<EditionSummary>, WebError> {
    let (here, there) = (&ArticleText::of(article), &said.text);
    let is_the_same = (&here.title, &here.standfirst) == (&there.title, &there.standfirst)
        && words_of(here).await?.trim() == words_of(there).await?.trim();
    if is_the_same || article.state != ArticleState::Published {
        return Ok(None);
    }
    Ok(publishing::mailed_with(&desk.site().db, article.id).await?)
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
    let mut form = posted.form(FIELDS)?;
    let article = find(&desk, &id).await?;
    let site = desk.site();
    let version = form.text("version").parse().unwrap_or_default();
    let done = format!("/desk/articles/{id}?done=source-taken");
    let Some(said) = articles::source_version(&site.db, &article).await? else {
        // Pressed twice, or by somebody else as well.
        return Ok(see_other(&done));
    };
    if seen(&said) != form.text("seen") || article.version != version {
        return changed(&desk, &id, form).await;
    }
    let mailed = mailed_otherwise(&desk, &article, &said).await?;
    if mailed.is_none() || correcting::is_chosen(&mut form) {
        let seen = (article.id, version);
        let (correction, by) = (correcting::words(&form), Some(desk.who.staff.id));
        let taken =
            publishing::take_source_version(site, seen, said, correction, form.all("known"), by).await;
        match taken {
            Ok(()) => {
                let to = correcting::leads_to(&form, mailed.as_ref());
                return Ok(see_other(&to.unwrap_or(done)));
            }
            Err(Changed::Approved(_) | Changed::Article(ArticleError::Changed)) => {
                return changed(&desk, &id, form).await;
            }
            Err(Changed::Article(ArticleError::Invalid(errors))) => {
                for error in errors {
                    form.mistake(error.field, error.message);
                }
            }
            Err(Changed::Article(error)) => return Err(error.into()),
        }
    }
    let page = page(&desk, &article, form).await?;
    desk.page_again(TEMPLATE, &page.heading, &page).await
}

/// One of them is not as the page showed it.
async fn changed(desk: &Desk, id: &str, form: Form) -> Outcome {
    let article = find(desk, id).await?;
    let page = Page { stale: true, ..page(desk, &article, form).await? };
    desk.page(TEMPLATE, &page.heading, &page).await.map(conflict)
}
