//! What a page says that is not there: what may have been meant, and where to go on.

use serde::Serialize;

use super::story::Story;
use crate::{
    articles::{self, Of},
    db,
    settings::Settings,
    web::App,
};

/// So much of each is offered.
const MOST: usize = 5;

/// Ways on for whoever came to an address where nothing is.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct Lost {
    /// What may have been meant.
    near: Vec<Story>,
    newest: Vec<Story>,
}

/// Whether at that route somebody may be helped who finds nothing. Whoever holds a dead link of their own is told nothing beside.
pub(in crate::web) fn is_of_articles(route: &str) -> bool {
    matches!(
        route,
        "(no route)" | "/articles/{slug}" | "/topics/{slug}" | "/authors/{slug}" | "/archive/{id}"
    )
}

/// What to offer at an address.
pub(in crate::web) async fn help(app: &App, path: &str) -> db::Result<Lost> {
    let settings = Settings::load(&app.site.db).await?;
    let asked = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let near = articles::near(&app.site, asked, MOST).await?;
    let newest = articles::page_of(&app.site, Of::All, None, MOST as i64).await?;
    let newest =
        newest.into_iter().filter(|one| !near.iter().any(|other| other.id == one.id)).collect::<Vec<_>>();
    let stories = |articles: Vec<articles::Article>| {
        articles.into_iter().map(|one| Story::new(one, &settings)).collect()
    };
    Ok(Lost { newest: stories(newest), near: stories(near) })
}
