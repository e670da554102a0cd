//! `/desk/articles/bring-in`: everything a magazine has written elsewhere, brought in from a file; what was brought in before.

use axum::extract::{Query, Request};
use serde::{Deserialize, Serialize};

use crate::{
    articles::{
        self, Archive, ArchiveKind, ArchiveState, BringArchiveError, LARGEST_ARCHIVE, ReceivingArchive,
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        upload::{self, Parts},
        words::count,
    },
    words::in_a_sentence,
};

const FIELDS: &[&str] = &["file", "address", "what"];
const TITLE: &str = "Bring in what you have";
const PAGE: usize = 20;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    before: Place,
}

#[derive(Serialize)]
struct Page {
    archives: Vec<Line>,
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
    came: String,
    who: String,
    when: String,
}

/// How an archive stands, and how that looks.
pub(super) fn standing(state: ArchiveState) -> (&'static str, &'static str) {
    match state {
        ArchiveState::Arriving => ("on the way here", "sending"),
        ArchiveState::Reading => ("is looked through", "sending"),
        ArchiveState::Asking => ("waits for you", "warn"),
        ArchiveState::Running => ("is brought in", "sending"),
        ArchiveState::Done => ("brought in", "good"),
        ArchiveState::Stopped => ("stopped", "draft"),
    }
}

/// `GET /desk/articles/bring-in`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, &look, Form::new(FIELDS)).await?;
    desk.page("desk/articles/bring_in", TITLE, &page).await
}

/// `POST /desk/articles/bring-in`
pub(crate) async fn submit(desk: Desk, request: Request) -> Outcome {
    let Some(boundary) = upload::boundary(request.headers()) else {
        return again(&desk, "Choose a file.").await;
    };
    let site = desk.site();
    let mut parts = Parts::of(request.into_body(), &boundary);
    let Some(file) = parts.file().await? else { return again(&desk, "Choose a file.").await };
    let mut receiving = match ReceivingArchive::begin(site, Some(desk.who.staff.id), &file).await {
        Ok(receiving) => receiving,
        Err(error @ BringArchiveError::TooMany) => {
            return again(&desk, &in_a_sentence(&error.to_string())).await;
        }
        Err(error) => return Err(error.into()),
    };
    match receive(&desk, &mut parts, &mut receiving).await {
        Ok(()) => match receiving.finish(site).await {
            Ok(id) => Ok(see_other(&format!("/desk/articles/bring-in/{id}"))),
            Err(BringArchiveError::Empty) => {
                receiving.give_up(site).await?;
                again(&desk, "The file is empty.").await
            }
            Err(error) => Err(error.into()),
        },
        Err(NotHere::TooLarge(why)) => {
            receiving.give_up(site).await?;
            again(&desk, &in_a_sentence(&why)).await
        }
        Err(NotHere::Broken(error)) => {
            receiving.give_up(site).await?;
            Err(error)
        }
    }
}

/// `POST /desk/articles/bring-in/site`
pub(crate) async fn site(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let typed = form.required("address", 500, "Enter the address of the site.");
    if form.is_valid() {
        let address = if typed.contains("://") { typed } else { format!("https://{typed}") };
        let kind = if form.text("what") == "site" { ArchiveKind::Site } else { ArchiveKind::Page };
        let staff = desk.who.staff.id;
        match articles::begin_site(desk.site(), &desk.app.fetcher, staff, (kind, &address)).await {
            Ok(id) => return Ok(see_other(&format!("/desk/articles/bring-in/{id}"))),
            Err(BringArchiveError::Database(error)) => return Err(error.into()),
            Err(error) => form.mistake("address", in_a_sentence(&error.to_string())),
        }
    }
    let page = page(&desk, &Look::default(), form).await?;
    desk.page_again("desk/articles/bring_in", TITLE, &page).await
}

/// Why a file is not here.
enum NotHere {
    TooLarge(String),
    Broken(WebError),
}

async fn receive(desk: &Desk, parts: &mut Parts, receiving: &mut ReceivingArchive) -> Result<(), NotHere> {
    while let Some(some) = parts.bytes().await.map_err(NotHere::Broken)? {
        match receiving.push(desk.site(), &some).await {
            Ok(()) => {}
            Err(error @ BringArchiveError::TooLarge) => return Err(NotHere::TooLarge(error.to_string())),
            Err(error) => return Err(NotHere::Broken(error.into())),
        }
    }
    parts.end().await.map_err(NotHere::Broken)
}

async fn again(desk: &Desk, mistake: &str) -> Outcome {
    let mut form = Form::new(FIELDS);
    form.mistake("file", mistake);
    let page = page(desk, &Look::default(), form).await?;
    desk.page_again("desk/articles/bring_in", TITLE, &page).await
}

async fn page(desk: &Desk, look: &Look, form: Form) -> Result<Page, WebError> {
    let list = List { path: "/desk/articles/bring-in", place: "before", kept: &[] };
    let read = |most| articles::archives(&desk.site().db, look.before.id(), most);
    let (found, pages) = list.page(look.before, PAGE, read, |last| [last.number()]).await?;
    let mut archives = Vec::new();
    for one in found {
        archives.push(line(desk, one)?);
    }
    Ok(Page { archives, pages, form, largest: LARGEST_ARCHIVE / 1024 / 1024 })
}

fn line(desk: &Desk, one: Archive) -> Result<Line, WebError> {
    let (state, look) = standing(one.state);
    let report = one.report()?;
    let came = match one.state {
        ArchiveState::Running | ArchiveState::Done | ArchiveState::Stopped => {
            format!(
                "{} new, {} changed",
                count(i64::try_from(report.new).unwrap_or(i64::MAX), "article"),
                report.updated
            )
        }
        _ => String::new(),
    };
    Ok(Line {
        when: one.created_at.date_time(desk.zone()),
        public_id: one.public_id,
        file: one.file,
        state,
        look,
        who: one.who,
        came,
    })
}
