//! `/desk/editions/{id}/copies/{reader}`: everything that happened to one reader's copy, with the server's own words.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    clock::Zone,
    delivery::{CopyState, LoggedAttempt},
    publishing, subscribers,
    web::{
        Desk, Outcome, WebError,
        words::editions::{attempt, outcome_of, stage, title},
    },
};

#[derive(Serialize)]
struct Page {
    title: String,
    edition: String,
    reader: String,
    address: String,
    state: CopyState,
    outcome: String,
    when: String,
    revision: i64,
    maybe_duplicate: bool,
    attempts: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    attempt: i64,
    what: String,
    stage: &'static str,
    words: String,
    when: String,
}

impl Line {
    fn new(one: LoggedAttempt, zone: &Zone) -> Self {
        Self {
            attempt: one.attempt,
            what: attempt(one.outcome).to_owned(),
            stage: stage(one.stage),
            words: one.reply,
            when: one.at.date_time(zone),
        }
    }
}

/// `GET /desk/editions/{id}/copies/{reader}`
pub(crate) async fn show(desk: Desk, Path((id, reader)): Path<(String, String)>) -> Outcome {
    let db = &desk.site().db;
    let edition = publishing::find(db, &id).await?;
    let reader = subscribers::subscriber(db, &reader).await?.ok_or(WebError::NotFound)?;
    let (copy, attempts) = publishing::log_of(db, edition.id, reader.id).await?;
    let page = Page {
        title: title(&edition.content.subject),
        edition: edition.public_id,
        reader: reader.public_id,
        outcome: outcome_of(copy.state, copy.class, copy.maybe_duplicate, copy.attempt),
        address: copy.address,
        state: copy.state,
        when: copy.updated_at.date_time(desk.zone()),
        revision: copy.revision,
        maybe_duplicate: copy.maybe_duplicate,
        attempts: attempts.into_iter().map(|one| Line::new(one, desk.zone())).collect(),
    };
    desk.looks(&page.reader, "").await?;
    desk.page("desk/editions/copy", "One reader’s copy", &page).await
}
