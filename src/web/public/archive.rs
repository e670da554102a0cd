//! `/archive`: the editions that went out, and each of them as it was mailed, addressed to nobody.

use axum::{
    extract::{Path, Query, State},
    response::{Html, IntoResponse},
};
use serde::{Deserialize, Serialize};

use super::super::{
    App, Outcome,
    paging::{Links, List, Place},
};
use crate::{
    clock::{Moment, Zone},
    publishing::{self, EditionSummary},
    settings::Settings,
};

/// How many editions a page lists.
const PAGE: usize = 50;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// By moment of sealing and key.
    #[serde(default)]
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    editions: Vec<Line>,
    pages: Links,
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
pub(crate) async fn show(State(app): State<App>, Query(asked): Query<Asked>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let list = List { path: "/archive", place: "before", kept: &[] };
    let before = asked.before.0.map(|[at, id]| (Moment(at), id));
    let read = |most| publishing::archive(&app.site.db, before, most);
    // What is in the archive was sealed.
    let key = |last: &EditionSummary| [last.sealed_at.map_or(0, |at| at.0), last.id];
    let (editions, pages) = list.page(asked.before, PAGE, read, key).await?;
    let page = Page {
        pages,
        editions: editions.into_iter().map(|edition| Line::new(edition, &settings.time_zone)).collect(),
    };
    app.public_page("public/archive", "Archive", &page).await
}

/// `GET /archive/{id}`
pub(crate) async fn show_one(State(app): State<App>, Path(public_id): Path<String>) -> Outcome {
    Ok(Html(publishing::in_archive(&app.site, &public_id).await?).into_response())
}
