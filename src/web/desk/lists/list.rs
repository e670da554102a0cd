//! `/desk/lists`: every list in the order that readers see, and making one.

use axum::extract::{Path, Query};
use serde::Serialize;

use crate::{
    publishing,
    subscribers::{
        self, Visibility,
        lists::{self, List, OptIn},
    },
    web::{Desk, Form, Outcome, Posted, WebError, desk::moved::Moved, session::see_other, words::how_many},
};

const FIELDS: &[&str] = &["name", "slug", "visibility"];
const TITLE: &str = "Lists";

#[derive(Serialize)]
struct Page {
    form: Form,
    lists: Vec<Line>,
    /// Where the one is now that was moved.
    moved: Option<String>,
    retired: Vec<Line>,
    /// Why nobody can join anything, if nobody can.
    nothing_open: Option<&'static str>,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    name: String,
    description: String,
    pills: Vec<Pill>,
    readers: String,
    /// It was moved: which of its buttons goes on with that.
    focus: &'static str,
}

/// What is to be known of a list at a look.
#[derive(Serialize)]
pub(super) struct Pill {
    label: &'static str,
    look: &'static str,
}

impl Pill {
    pub(super) fn of(list: &List) -> Vec<Self> {
        let pill = |label, look| Self { label, look };
        let seen = if list.visibility == Visibility::Public { "Public" } else { "Private" };
        let mut pills = vec![pill(seen, "")];
        if list.retired_at.is_some() {
            pills.push(pill("Retired", "warn"));
        } else if list.closed_at.is_some() {
            pills.push(pill("Closed", "warn"));
        }
        if list.opt_in == OptIn::Single {
            pills.push(pill("Joined without a mail that asks", ""));
        }
        pills
    }
}

/// `GET /desk/lists`
pub(crate) async fn show(desk: Desk, Query(moved): Query<Moved>) -> Outcome {
    let page = page(&desk, Form::new(FIELDS), &moved).await?;
    desk.page("desk/lists/list", TITLE, &page).await
}

/// `POST /desk/lists`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let name = form.required("name", 100, "Say what readers call it.");
    let slug = form.parse("slug", lists::slug);
    let seen_by = form.parse("visibility", |word| Visibility::parse(word).ok_or("Say who sees it."));
    if let (Some(slug), Some(seen_by), true) = (slug, seen_by, form.is_valid()) {
        let new = (slug.as_str(), name.as_str(), seen_by);
        let made = publishing::make_list(desk.site(), new, Some(desk.who.staff.id)).await?;
        if let Some(public_id) = made {
            return Ok(see_other(&format!("/desk/lists/{public_id}?done=list-made")));
        }
        form.mistake("slug", "Another list has that short name.");
    }
    let page = page(&desk, form, &Moved::default()).await?;
    desk.page_again("desk/lists/list", TITLE, &page).await
}

/// `POST /desk/lists/{id}/move`
pub(crate) async fn shift(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["to"])?;
    let by = step(&form)?;
    let list = find(&desk, &id).await?;
    publishing::shift_list(desk.site(), &list, by, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/lists?moved={id}&to={}", form.text("to"))))
}

/// One place up or down.
pub(super) fn step(form: &Form) -> Result<isize, WebError> {
    match form.text("to") {
        "up" => Ok(-1),
        "down" => Ok(1),
        _ => Err(WebError::BadRequest("Say whether it goes up or down.")),
    }
}

pub(super) async fn find(desk: &Desk, id: &str) -> Result<List, WebError> {
    lists::by_public_id(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

async fn page(desk: &Desk, form: Form, moved: &Moved) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let (all, figures) = (lists::all(db).await?, subscribers::on_lists(db).await?);
    let readers = |id: i64| figures.get(&id).copied().unwrap_or_default();
    let nothing_open = match &*all {
        all if all.iter().any(List::takes_sign_ups) => None,
        all if all.iter().any(List::is_mailed) => Some(
            "No list is open and public, so nobody can subscribe by themselves: the form on your site says that there is nothing to subscribe to.",
        ),
        _ => Some(
            "Every list is retired, so nobody can subscribe and no edition can be begun. Bring a list back, or make one.",
        ),
    };
    let (live, retired): (Vec<List>, Vec<List>) = all.into_iter().partition(List::is_mailed);
    let of = live.len();
    let is_moved = |(_, list): &(usize, &List)| !moved.focus(&list.public_id, (0, of)).is_empty();
    let told = live.iter().enumerate().find(is_moved).map(|(at, list)| Moved::told(&list.name, (at, of)));
    let line = |(at, list): (usize, List)| Line {
        focus: moved.focus(&list.public_id, (at, of)),
        pills: Pill::of(&list),
        readers: how_many(readers(list.id), "reader"),
        public_id: list.public_id,
        name: list.name,
        description: list.description,
    };
    Ok(Page {
        form,
        lists: live.into_iter().enumerate().map(line).collect(),
        moved: told,
        retired: retired.into_iter().enumerate().map(line).collect(),
        nothing_open,
    })
}
