//! `/desk/feeds/{id}/remove`: what removing a feed does, before it is done.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    articles::{self, FeedId},
    web::{Desk, Outcome, Posted, session::see_other},
};

#[derive(Serialize)]
struct Page {
    id: i64,
    title: String,
    url: String,
}

/// `GET /desk/feeds/{id}/remove`
pub(crate) async fn show(desk: Desk, Path(id): Path<i64>) -> Outcome {
    let Some(feed) = articles::find_feed(&desk.site().db, FeedId(id)).await? else {
        return Ok(see_other("/desk/articles"));
    };
    let title = if feed.title.is_empty() { feed.url.clone() } else { feed.title };
    desk.page("desk/articles/remove_feed", "Remove a feed", &Page { id, title, url: feed.url }).await
}

/// `POST /desk/feeds/{id}/remove`
pub(crate) async fn submit(desk: Desk, Path(id): Path<i64>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    articles::remove_feed(desk.site(), FeedId(id), Some(desk.who.staff.id)).await?;
    Ok(see_other("/desk/articles?done=feed-removed"))
}
