//! `/desk/topics/{id}/merge`: what merging two topics does, before it is done for good.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::topics::find;
use crate::{
    publishing,
    subscribers::{
        self,
        topics::{self, Topic},
    },
    web::{
        Desk, Outcome, Posted, WebError,
        session::see_other,
        words::{count, how_many},
    },
};

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    into: String,
}

#[derive(Serialize)]
struct Page {
    public_id: String,
    name: String,
    version: i64,
    into: String,
    into_name: String,
    readers: String,
    editions: String,
    /// Editions about either that wait for their moment: they would go to more readers then.
    waiting: Option<String>,
}

/// `GET /desk/topics/{id}/merge?into=…`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let topic = find(&desk, &id).await?;
    let into = other(&desk, &topic, &look.into).await?;
    let db = &desk.site().db;
    let readers = subscribers::with_topics(db).await?.remove(&topic.id).unwrap_or_default();
    let (editions, waiting) = topics::editions(db, topic.id).await?;
    let waiting = waiting + topics::editions(db, into.id).await?.1;
    let page = Page {
        readers: how_many(readers, "reader"),
        editions: count(editions, "edition"),
        waiting: (waiting > 0).then(|| count(waiting, "edition")),
        public_id: topic.public_id,
        name: topic.name,
        version: topic.version,
        into: into.public_id,
        into_name: into.name,
    };
    desk.page("desk/lists/merge", "Merge two topics", &page).await
}

/// `POST /desk/topics/{id}/merge`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["into", "version"])?;
    let topic = find(&desk, &id).await?;
    let into = other(&desk, &topic, form.text("into")).await?;
    let seen = Topic { version: form.text("version").parse().unwrap_or_default(), ..topic };
    if publishing::merge_topics(desk.site(), &seen, &into, Some(desk.who.staff.id)).await? {
        return Ok(see_other(&format!("/desk/topics/{}?done=topics-merged", into.public_id)));
    }
    Err(WebError::Conflict(
        "Somebody else changed one of the two topics, or an edition about one of them waits to go out. Look at them again first."
            .into(),
    ))
}

/// Another topic, of those there are.
async fn other(desk: &Desk, topic: &Topic, id: &str) -> Result<Topic, WebError> {
    let other = find(desk, id).await?;
    if other.id == topic.id || other.retired_at.is_some() {
        return Err(WebError::BadRequest("Choose another topic, one that is not retired."));
    }
    Ok(other)
}
