//! `/desk/imports`: lists that were brought in or wait to be, and the first step: the file.

use axum::extract::{Query, Request};
use serde::{Deserialize, Serialize};

use super::in_sums::in_short;
use crate::{
    subscribers::{self, BringInError, Import, ImportState, LARGEST_FILE, Receiving},
    web::{
        Desk, Form, Outcome, WebError,
        paging::{Links, List, Place},
        session::see_other,
        upload::{self, Parts},
    },
    words::in_a_sentence,
};

const FIELDS: &[&str] = &["file"];
const TITLE: &str = "Imports";
const PAGE: usize = 20;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    before: Place,
}

#[derive(Serialize)]
struct Page {
    imports: Vec<Line>,
    pages: Links,
    form: Form,
    largest: u64,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    file: String,
    state: &'static str,
    look: &'static str,
    when: String,
    who: String,
    sums: String,
}

/// How it stands, for people, and the look of that.
pub(super) const fn standing(state: ImportState) -> (&'static str, &'static str) {
    match state {
        ImportState::Arriving => ("not here yet", "draft"),
        ImportState::Reading => ("is read", "sending"),
        ImportState::Asking => ("waits for you", "warn"),
        ImportState::Counting => ("is counted", "sending"),
        ImportState::Ready => ("waits for your press", "warn"),
        ImportState::Running => ("comes in", "sending"),
        ImportState::Done => ("done", "good"),
        ImportState::Stopped => ("stopped", "bad"),
        ImportState::Undoing => ("is taken back", "sending"),
        ImportState::Undone => ("taken back", "draft"),
    }
}

/// `GET /desk/imports`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, &look, Form::new(FIELDS)).await?;
    desk.page("desk/readers/imports", TITLE, &page).await
}

/// `POST /desk/imports`
pub(crate) async fn submit(desk: Desk, request: Request) -> Outcome {
    let Some(boundary) = upload::boundary(request.headers()) else {
        return again(&desk, "Choose a file.").await;
    };
    let site = desk.site();
    let mut parts = Parts::of(request.into_body(), &boundary);
    let Some(file) = parts.file().await? else { return again(&desk, "Choose a file.").await };
    let mut receiving = match Receiving::begin(site, Some(desk.who.staff.id), &file).await {
        Ok(receiving) => receiving,
        Err(error @ BringInError::TooMany) => return again(&desk, &in_a_sentence(&error.to_string())).await,
        Err(error) => return Err(error.into()),
    };
    match receive(&desk, &mut parts, &mut receiving).await {
        Ok(()) => match receiving.finish(site).await {
            Ok(id) => Ok(see_other(&format!("/desk/imports/{id}"))),
            Err(BringInError::Empty) => {
                receiving.give_up(site).await?;
                again(&desk, "The file is empty.").await
            }
            Err(error) => Err(error.into()),
        },
        Err(NotHere::TooLarge) => {
            receiving.give_up(site).await?;
            again(&desk, &format!("The file is larger than {} MB.", LARGEST_FILE / 1024 / 1024)).await
        }
        Err(NotHere::Broken(error)) => {
            receiving.give_up(site).await?;
            Err(error)
        }
    }
}

/// Why a file is not here.
enum NotHere {
    TooLarge,
    Broken(WebError),
}

async fn receive(desk: &Desk, parts: &mut Parts, receiving: &mut Receiving) -> Result<(), NotHere> {
    while let Some(some) = parts.bytes().await.map_err(NotHere::Broken)? {
        match receiving.push(desk.site(), &some).await {
            Ok(()) => {}
            Err(BringInError::TooLarge) => return Err(NotHere::TooLarge),
            Err(error) => return Err(NotHere::Broken(error.into())),
        }
    }
    parts.end().await.map_err(NotHere::Broken)
}

async fn again(desk: &Desk, mistake: &str) -> Outcome {
    let mut form = Form::new(FIELDS);
    form.mistake("file", mistake);
    let page = page(desk, &Look::default(), form).await?;
    desk.page_again("desk/readers/imports", TITLE, &page).await
}

async fn page(desk: &Desk, look: &Look, form: Form) -> Result<Page, WebError> {
    let list = List { path: "/desk/imports", place: "before", kept: &[] };
    let read = |most| subscribers::imports(&desk.site().db, look.before.id(), most);
    let (found, pages) = list.page(look.before, PAGE, read, |last| [last.number()]).await?;
    let mut imports = Vec::new();
    for one in found {
        imports.push(line(desk, one)?);
    }
    Ok(Page { imports, pages, form, largest: LARGEST_FILE / 1024 / 1024 })
}

fn line(desk: &Desk, one: Import) -> Result<Line, WebError> {
    let (state, look) = standing(one.state);
    let sums = match one.state {
        ImportState::Running | ImportState::Done | ImportState::Stopped => in_short(&one.report()?),
        _ => String::new(),
    };
    Ok(Line {
        when: one.created_at.date_time(desk.zone()),
        public_id: one.public_id,
        file: one.file,
        state,
        look,
        who: one.who,
        sums,
    })
}
