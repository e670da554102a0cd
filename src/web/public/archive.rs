//! `/archive`: the editions that went out, and each of them as it was mailed, addressed to nobody.

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse},
};
use serde::Serialize;

use super::super::{App, Outcome};
use crate::{
    clock::Zone,
    publishing::{self, EditionSummary},
    settings::Settings,
};

/// How many editions the page lists.
const MOST: i64 = 200;

#[derive(Serialize)]
struct Page {
    editions: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    path: String,
    subject: String,
    preview_text: String,
    digest: String,
    date: String,
}

impl Line {
    fn new(edition: EditionSummary, zone: &Zone) -> Self {
        Self {
            path: format!("/archive/{}", edition.public_id),
            subject: edition.subject,
            preview_text: edition.preview_text,
            digest: edition.digest_name,
            date: edition.sealed_at.map(|at| at.date(zone)).unwrap_or_default(),
        }
    }
}

/// `GET /archive`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let editions = publishing::archive(&app.site.db, MOST).await?;
    let page = Page {
        editions: editions.into_iter().map(|edition| Line::new(edition, &settings.time_zone)).collect(),
    };
    app.public_page("public/archive", "Archive", &page).await
}

/// `GET /archive/{id}`
pub(crate) async fn show_one(State(app): State<App>, Path(public_id): Path<String>) -> Outcome {
    Ok(Html(publishing::in_archive(&app.site, &public_id).await?).into_response())
}
