//! The button that follows every link of a draft, and the page that says where one leads nowhere.

use serde::Serialize;

use crate::{
    articles::FetchError,
    publishing::{self, Edition},
    web::{
        Desk, Outcome,
        words::{count, editions::title},
    },
};

#[derive(Serialize)]
struct Page {
    title: String,
    public_id: String,
    /// How many lead somewhere; none where none does.
    good: Option<String>,
    broken: Vec<Line>,
    /// Those that were too many to be followed.
    skipped: Option<String>,
}

#[derive(Serialize)]
struct Line {
    url: String,
    text: String,
    why: String,
}

/// Follows them, and says what came of it.
pub(super) async fn page(desk: &Desk, edition: &Edition) -> Outcome {
    let followed = publishing::follow_links(desk.site(), &desk.settings, &desk.app.fetcher, edition).await?;
    let good = followed.iter().filter(|link| matches!(link.found, Some(Ok(())))).count() as i64;
    let skipped = followed.iter().filter(|link| link.found.is_none()).count() as i64;
    let line = |link: publishing::Link| match link.found {
        Some(Err(error)) => Some(Line { url: link.url, text: link.text, why: why(&error) }),
        _ => None,
    };
    let page = Page {
        title: title(&edition.content.subject),
        public_id: edition.public_id.clone(),
        good: (good > 0).then(|| count(good, "link")),
        broken: followed.into_iter().filter_map(line).collect(),
        skipped: (skipped > 0).then(|| count(skipped, "link")),
    };
    desk.page("desk/editions/links", "Where its links lead", &page).await
}

/// Of feeds, which are what is fetched elsewhere, some of this is said otherwise.
fn why(error: &FetchError) -> String {
    let why = match error {
        FetchError::Gone => "it is gone for good, as the site says (410)".to_owned(),
        FetchError::Redirects => {
            "the site sends visitors from one address to the next, and they never arrive".to_owned()
        }
        FetchError::Status { status: 401 | 403, .. } => "the site does not let us in".to_owned(),
        other => other.to_string(),
    };
    if why.ends_with('?') { why } else { why + "." }
}
