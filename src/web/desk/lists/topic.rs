//! `/desk/topics/{id}`: what a topic is called, which lists offer it, and what becomes of it.

use axum::extract::Path;
use serde::Serialize;

use super::topics::{ListLine, find, lists_of, read};
use crate::{
    publishing,
    subscribers::{
        self, HowMany,
        topics::{self, Topic},
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        session::see_other,
        words::{count, how_many},
    },
};

const FIELDS: &[&str] = &["version", "name", "description", "list"];
const TEMPLATE: &str = "desk/lists/topic";
const CHANGED: &str = "Somebody else changed this topic since you opened the page, or made another of that name. What you typed is \
    below, not saved yet. Saving now puts it in the place of the other version.";

#[derive(Serialize)]
struct Page {
    public_id: String,
    /// As it is saved.
    name: String,
    retired: bool,
    form: Form,
    lists: Vec<ListLine>,
    /// How many readers chose it.
    readers: String,
    /// How many editions are about it.
    editions: String,
    /// Whether nothing hangs on it, so that it can be deleted.
    unused: bool,
    /// What it can be merged into.
    others: Vec<Other>,
    trouble: Option<&'static str>,
}

#[derive(Serialize)]
struct Other {
    public_id: String,
    name: String,
}

/// `GET /desk/topics/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let topic = find(&desk, &id).await?;
    let form = Form::new(FIELDS)
        .with("version", topic.version.to_string())
        .with("name", &topic.name)
        .with("description", &topic.description);
    let offering = topics::offering(&desk.site().db, topic.id).await?;
    let form = offering.iter().fold(form, |form, list| form.with("list", list.to_string()));
    let page = page(&desk, topic, form, None).await?;
    desk.page(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/topics/{id}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let topic = find(&desk, &id).await?;
    let (name, description) = read(&mut form);
    if !form.is_valid() {
        let page = page(&desk, topic, form, None).await?;
        return desk.page_again(TEMPLATE, &page.name, &page).await;
    }
    let on = lists_of(&desk, &form).await?;
    let seen = Topic { version: form.text("version").parse().unwrap_or_default(), ..topic };
    let who = Some(desk.who.staff.id);
    if publishing::change_topic(desk.site(), &seen, (&name, &description), &on, who).await? {
        return Ok(see_other(&format!("/desk/topics/{id}?done=saved")));
    }
    let topic = find(&desk, &id).await?;
    let form = form.holding("version", topic.version.to_string());
    let page = page(&desk, topic, form, Some(CHANGED)).await?;
    desk.page(TEMPLATE, &page.name, &page).await.map(conflict)
}

async fn page(
    desk: &Desk,
    topic: Topic,
    form: Form,
    trouble: Option<&'static str>,
) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let readers = subscribers::with_topics(db).await?.remove(&topic.id).unwrap_or_default();
    let (editions, _) = topics::editions(db, topic.id).await?;
    let others = topics::all(db).await?;
    let others = others.into_iter().filter(|one| one.id != topic.id && one.retired_at.is_none());
    Ok(Page {
        lists: ListLine::all(desk, form.all("list")).await?,
        readers: how_many(readers, "reader"),
        editions: count(editions, "edition"),
        unused: readers == HowMany::Are(0) && editions == 0,
        others: others.map(|one| Other { public_id: one.public_id, name: one.name }).collect(),
        trouble,
        form,
        retired: topic.retired_at.is_some(),
        public_id: topic.public_id,
        name: topic.name,
    })
}
