//! `/desk/articles/{id}/revisions`: the versions of an article, what changed in each, and the way back to one.

use axum::extract::Path;
use serde::Serialize;

use super::{
    article::find,
    texts::{compared, words_of},
};
use crate::{
    articles::{self, WordChange},
    staff::Role,
    web::{Desk, Outcome, WebError},
};

#[derive(Serialize)]
struct Page {
    id: i64,
    heading: String,
    versions: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    version: i64,
    when: String,
    who: String,
    is_now: bool,
}

#[derive(Serialize)]
struct OnePage {
    id: i64,
    version: i64,
    heading: String,
    when: String,
    who: String,
    is_now: bool,
    may_write: bool,
    /// When the one before was saved; none if this is the first that is kept.
    before: Option<String>,
    fields: Vec<Field>,
}

/// A field that changed with a version.
#[derive(Serialize)]
pub(super) struct Field {
    label: &'static str,
    changes: Vec<WordChange>,
}

impl Field {
    /// None of one that did not change.
    pub(super) fn of(label: &'static str, changes: Vec<WordChange>) -> Option<Self> {
        let is_other = changes.iter().any(|change| change.added || change.removed);
        is_other.then_some(Self { label, changes })
    }
}

/// `GET /desk/articles/{id}/revisions`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let article = find(&desk, &id).await?;
    let all = articles::revisions(&desk.site().db, article.id).await?;
    let line = |one: articles::RevisionLine| Line {
        version: one.version,
        when: one.at.date_time(desk.zone()),
        who: who(one.by_name),
        is_now: one.version == article.version,
    };
    let page = Page {
        id: article.id.0,
        versions: all.into_iter().map(line).collect(),
        heading: format!("Versions of “{}”", article.title),
    };
    desk.page("desk/articles/revisions", &page.heading, &page).await
}

/// `GET /desk/articles/{id}/revisions/{revision}`
pub(crate) async fn show_one(desk: Desk, Path((id, revision)): Path<(String, String)>) -> Outcome {
    let article = find(&desk, &id).await?;
    let version = revision.parse().map_err(|_| WebError::NotFound)?;
    let db = &desk.site().db;
    let one = articles::revision(db, article.id, version).await?.ok_or(WebError::NotFound)?;
    let before = articles::revision_before(db, article.id, version).await?;
    let text = one.text();
    let was = before.as_ref().map(articles::Revision::text).unwrap_or_default();
    let mut fields = Vec::new();
    for (label, old, new) in [
        ("Title", &was.title, &text.title),
        ("Standfirst", &was.standfirst, &text.standfirst),
        ("Byline", &was.byline, &text.byline),
        ("Topics", &was.topics, &text.topics),
        ("Where it stands on your own site", &was.canonical_url, &text.canonical_url),
        ("Address of its picture", &was.image_url, &text.image_url),
        ("What the picture shows", &was.image_alt, &text.image_alt),
        ("Where it was first published", &was.origin_note, &text.origin_note),
        ("Notes", &was.notes, &text.notes),
    ] {
        fields.extend(Field::of(label, compared(old.clone(), new.clone()).await?));
    }
    fields.extend(Field::of("Article", compared(words_of(&was).await?, words_of(&text).await?).await?));
    let page = OnePage {
        id: article.id.0,
        version,
        heading: format!("A version of “{}”", article.title),
        when: one.at.date_time(desk.zone()),
        who: who(one.by_name),
        is_now: version == article.version,
        may_write: desk.may(Role::WRITING),
        before: before.map(|before| before.at.date_time(desk.zone())),
        fields,
    };
    desk.page("desk/articles/revision", &page.heading, &page).await
}

fn who(name: Option<String>) -> String {
    name.unwrap_or_else(|| "before anybody changed it here".to_owned())
}
