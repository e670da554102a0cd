//! `/sample-link`: where the links of previews and test copies lead that would act for a reader in a real one.

use axum::extract::State;
use serde::Serialize;

use super::super::{App, Outcome};

#[derive(Serialize)]
struct Page {}

/// `GET /sample-link`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    app.public_page("public/sample_link", "This is a sample link", &Page {}).await
}
