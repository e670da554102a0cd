//! `/sample-link`: where the links of shared pages, previews and test copies lead that act for a reader in their own mail.

use axum::extract::State;
use serde::Serialize;

use super::super::{App, Outcome};

#[derive(Serialize)]
struct Page {}

/// `GET /sample-link`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    app.public_page("public/sample_link", "A link for readers", &Page {}).await
}
