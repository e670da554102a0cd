//! `/desk/lists/{id}/retire`: what retiring a list does, or deleting one that nobody was ever on, before it is done; and bringing one
//! back.

use axum::extract::Path;
use serde::Serialize;

use super::list::find;
use crate::{
    publishing::{self, TouchedByList},
    subscribers::{
        self, forms,
        lists::{self, List},
    },
    web::{
        Desk, Outcome, Posted, WebError,
        answers::conflict,
        session::see_other,
        words::{count, how_many},
    },
};

#[derive(Serialize)]
struct Page {
    public_id: String,
    name: String,
    version: i64,
    readers: String,
    pending: Option<String>,
    drafts: Option<String>,
    waiting: Option<String>,
    going: Option<String>,
    stopped: Option<String>,
    sent: Option<String>,
    /// The open forms that offer nothing else.
    forms: Option<String>,
    /// No other list takes sign-ups, or gets editions.
    last_open: bool,
    last: bool,
    retired: bool,
    /// Whether nobody was ever on it and no edition was begun, so that it can be deleted.
    unused: bool,
    /// It is not as it was when it was confirmed.
    stale: bool,
}

/// `GET /desk/lists/{id}/retire`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let list = find(&desk, &id).await?;
    if list.retired_at.is_some() && !lists::is_unused(&desk.site().db, list.id).await? {
        return Ok(see_other(&format!("/desk/lists/{id}")));
    }
    let page = page(&desk, list, false).await?;
    desk.page("desk/lists/retire", "Retire a list", &page).await
}

/// `POST /desk/lists/{id}/retire`: if that was asked and answered, of the list as it is.
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["version", "act"])?;
    let list = find(&desk, &id).await?;
    let seen = List { version: form.text("version").parse().unwrap_or_default(), ..list };
    if form.text("act") == "delete" {
        return match publishing::delete_list(desk.site(), &seen, Some(desk.who.staff.id)).await {
            Ok(()) => Ok(see_other("/desk/lists?done=list-deleted")),
            Err(publishing::Error::Changed) => Err(WebError::Conflict(
                "Nothing was deleted: somebody changed the list, joined it, began an edition of it or a file for it meanwhile, or it is the only one. It can be retired.".into(),
            )),
            Err(error) => Err(error.into()),
        };
    }
    match publishing::retire_list(desk.site(), &seen, Some(desk.who.staff.id)).await {
        Ok(_) => Ok(see_other("/desk/lists?done=list-retired")),
        Err(publishing::Error::Changed) => {
            let list = find(&desk, &id).await?;
            if list.retired_at.is_some() {
                return Ok(see_other("/desk/lists?done=decided"));
            }
            let page = page(&desk, list, true).await?;
            desk.page("desk/lists/retire", "Retire a list", &page).await.map(conflict)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /desk/lists/{id}/back`
pub(crate) async fn back(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let list = find(&desk, &id).await?;
    let done = match publishing::bring_list_back(desk.site(), &list, Some(desk.who.staff.id)).await {
        Ok(()) => "list-back",
        Err(publishing::Error::Changed) => "decided",
        Err(error) => return Err(error.into()),
    };
    Ok(see_other(&format!("/desk/lists?done={done}")))
}

async fn page(desk: &Desk, list: List, stale: bool) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let readers = subscribers::on_lists(db).await?.remove(&list.id).unwrap_or_default();
    let TouchedByList { pending, drafts, waiting, going, stopped, sent } =
        publishing::touched_by_list(db, &list).await?;
    let of_forms: Vec<String> =
        forms::empty_without(db, list.id).await?.into_iter().map(|(_, name)| format!("“{name}”")).collect();
    let some = |number: i64, noun: &str| (number > 0).then(|| count(number, noun));
    let others = lists::all(db).await?;
    let mut others = others.iter().filter(|one| one.id != list.id && one.is_mailed());
    let last = others.clone().next().is_none();
    Ok(Page {
        readers: how_many(readers, "reader"),
        pending: some(pending, "reader"),
        drafts: some(drafts, "draft"),
        waiting: some(waiting, "edition"),
        going: some(going, "edition"),
        stopped: some(stopped, "edition"),
        sent: some(sent, "edition"),
        forms: (!of_forms.is_empty()).then(|| of_forms.join(", ")),
        last_open: list.takes_sign_ups() && !others.any(List::takes_sign_ups),
        last,
        retired: list.retired_at.is_some(),
        unused: lists::is_unused(db, list.id).await?,
        stale,
        public_id: list.public_id,
        name: list.name,
        version: list.version,
    })
}
