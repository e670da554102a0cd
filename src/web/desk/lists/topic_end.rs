//! `/desk/topics/{id}/retire`: what retiring a topic does, or deleting one that nobody uses, before it is done; and bringing one back.

use axum::extract::Path;
use serde::Serialize;

use super::topics::find;
use crate::{
    publishing,
    subscribers::{self, HowMany, topics},
    web::{
        Desk, Outcome, Posted, WebError,
        session::see_other,
        words::{count, how_many},
    },
};

#[derive(Serialize)]
struct Page {
    public_id: String,
    name: String,
    readers: String,
    /// Readers who chose nothing else that there is.
    only_this: Option<String>,
    editions: String,
    /// Whether nothing hangs on it, so that it can be deleted.
    unused: bool,
    retired: bool,
}

/// `GET /desk/topics/{id}/retire`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let topic = find(&desk, &id).await?;
    let db = &desk.site().db;
    let readers = subscribers::with_topics(db).await?.remove(&topic.id).unwrap_or_default();
    let only_this = subscribers::with_topic_alone(db, topic.id).await?;
    let (editions, _) = topics::editions(db, topic.id).await?;
    let page = Page {
        readers: how_many(readers, "reader"),
        only_this: (!only_this.is_nobody()).then(|| how_many(only_this, "reader")),
        editions: count(editions, "edition"),
        unused: readers == HowMany::Are(0) && editions == 0,
        retired: topic.retired_at.is_some(),
        public_id: topic.public_id,
        name: topic.name,
    };
    desk.page("desk/lists/topic_end", "Retire a topic", &page).await
}

/// `POST /desk/topics/{id}/retire`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["act"])?;
    let topic = find(&desk, &id).await?;
    let (site, who) = (desk.site(), Some(desk.who.staff.id));
    let done = match form.text("act") {
        "delete" if publishing::delete_topic(site, &topic, who).await? => "topic-deleted",
        "retire" if publishing::retire_topic(site, &topic, who).await? => "topic-retired",
        "retire" => "decided",
        "delete" => {
            return Err(WebError::Conflict(
                "Somebody chose it meanwhile, or an edition is about it. It can be retired.".into(),
            ));
        }
        _ => return Err(WebError::BadRequest("Say whether it is retired or deleted.")),
    };
    Ok(see_other(&format!("/desk/topics?done={done}")))
}

/// `POST /desk/topics/{id}/back`
pub(crate) async fn back(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let topic = find(&desk, &id).await?;
    if publishing::bring_topic_back(desk.site(), &topic, Some(desk.who.staff.id)).await? {
        return Ok(see_other("/desk/topics?done=topic-back"));
    }
    Err(WebError::Conflict(
        "It is back already, or another topic has its name. Rename that one first.".into(),
    ))
}
