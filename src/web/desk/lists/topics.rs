//! `/desk/topics`: every topic in the order that readers see, and making one.

use axum::extract::{Path, Query};
use serde::Serialize;

use super::list::step;
use crate::{
    publishing,
    subscribers::{
        self, lists,
        topics::{self, Topic},
    },
    web::{Desk, Form, Outcome, Posted, WebError, desk::moved::Moved, session::see_other, words::how_many},
};

const FIELDS: &[&str] = &["name", "description", "list"];
const TITLE: &str = "Topics";

#[derive(Serialize)]
struct Page {
    form: Form,
    topics: Vec<Line>,
    /// Where the one is now that was moved.
    moved: Option<String>,
    retired: Vec<Line>,
    lists: Vec<ListLine>,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    name: String,
    description: String,
    readers: String,
    /// The lists that offer it, as a phrase; empty if none does.
    lists: String,
    /// It was moved: which of its buttons goes on with that.
    focus: &'static str,
}

/// A list that may offer a topic.
#[derive(Serialize)]
pub(super) struct ListLine {
    id: i64,
    name: String,
    ticked: bool,
}

impl ListLine {
    pub(super) async fn all(desk: &Desk, ticked: &[String]) -> Result<Vec<Self>, WebError> {
        let lists = lists::mailed(&desk.site().db).await?;
        let line = |list: lists::List| Self {
            id: list.id,
            ticked: ticked.contains(&list.id.to_string()),
            name: list.name,
        };
        Ok(lists.into_iter().map(line).collect())
    }
}

/// `GET /desk/topics`
pub(crate) async fn show(desk: Desk, Query(moved): Query<Moved>) -> Outcome {
    let all = lists::mailed(&desk.site().db).await?;
    // With one list there is no choice.
    let form = match &*all {
        [only] => Form::new(FIELDS).with("list", only.id.to_string()),
        _ => Form::new(FIELDS),
    };
    let page = page(&desk, form, &moved).await?;
    desk.page("desk/lists/topics", TITLE, &page).await
}

/// `POST /desk/topics`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let (name, description) = read(&mut form);
    if form.is_valid() {
        let on = lists_of(&desk, &form).await?;
        let made = publishing::make_topic(desk.site(), (&name, &description), &on, Some(desk.who.staff.id));
        if made.await? {
            return Ok(see_other("/desk/topics?done=topic-made"));
        }
        form.mistake("name", "There is a topic of that name.");
    }
    let page = page(&desk, form, &Moved::default()).await?;
    desk.page_again("desk/lists/topics", TITLE, &page).await
}

/// `POST /desk/topics/{id}/move`
pub(crate) async fn shift(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["to"])?;
    let by = step(&form)?;
    let topic = find(&desk, &id).await?;
    publishing::shift_topic(desk.site(), &topic, by, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/topics?moved={id}&to={}", form.text("to"))))
}

/// Name and description, with the mistakes noted.
pub(super) fn read(form: &mut Form) -> (String, String) {
    let name = form.required("name", 60, "Give it a name.");
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use one line of text.");
    }
    (name, form.optional("description", 300))
}

/// The ticked lists, out of those there are.
pub(super) async fn lists_of(desk: &Desk, form: &Form) -> Result<Vec<i64>, WebError> {
    let ticked = form.all("list");
    let all = lists::all(&desk.site().db).await?;
    Ok(all.iter().map(|list| list.id).filter(|id| ticked.contains(&id.to_string())).collect())
}

pub(super) async fn find(desk: &Desk, id: &str) -> Result<Topic, WebError> {
    topics::by_public_id(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

async fn page(desk: &Desk, form: Form, moved: &Moved) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let (all, readers, offered) =
        (topics::all(db).await?, subscribers::with_topics(db).await?, topics::offered(db).await?);
    let lists = lists::mailed(db).await?;
    let offering = |topic: &Topic| {
        let offers = |list: &&lists::List| offered.get(&list.id).is_some_and(|all| all.contains(topic));
        lists.iter().filter(offers).map(|list| list.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (live, retired): (Vec<Topic>, Vec<Topic>) =
        all.into_iter().partition(|topic| topic.retired_at.is_none());
    let of = live.len();
    let is_moved = |(_, topic): &(usize, &Topic)| !moved.focus(&topic.public_id, (0, of)).is_empty();
    let told = live.iter().enumerate().find(is_moved).map(|(at, topic)| Moved::told(&topic.name, (at, of)));
    let line = |(at, topic): (usize, Topic)| Line {
        focus: moved.focus(&topic.public_id, (at, of)),
        lists: offering(&topic),
        readers: how_many(readers.get(&topic.id).copied().unwrap_or_default(), "reader"),
        public_id: topic.public_id,
        name: topic.name,
        description: topic.description,
    };
    Ok(Page {
        lists: ListLine::all(desk, form.all("list")).await?,
        form,
        topics: live.into_iter().enumerate().map(line).collect(),
        moved: told,
        retired: retired.into_iter().enumerate().map(line).collect(),
    })
}
