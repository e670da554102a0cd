//! `/desk/donations/file`: the gifts that were looked for, with their receipts, taken away as a file.

use axum::extract::Query;
use futures_util::stream;
use serde::Serialize;

use super::look::Look;
use crate::{
    audit_log,
    clock::Zone,
    donations::{self, CsvOfGifts, GiftPlace, GiftSearch},
    site::Site,
    web::{Desk, Form, Outcome, Posted, answers::table},
};

const TITLE: &str = "Take gifts away as a file";
const FIELDS: &[&str] = &["q", "kind", "state", "when", "why"];
const AT_ONCE: i64 = 500;

#[derive(Serialize)]
struct Page {
    /// What they were narrowed down by; empty for all of them.
    words: String,
    search: String,
    to_gifts: String,
    form: Form,
}

fn page(look: &Look, form: Form) -> Page {
    Page {
        words: look.words(),
        search: look.q.trim().to_owned(),
        to_gifts: look.address("/desk/donations"),
        form,
    }
}

/// `GET /desk/donations/file`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let form = Form::new(FIELDS)
        .with("q", &look.q)
        .with("kind", &look.kind)
        .with("state", &look.state)
        .with("when", &look.when);
    desk.page("desk/donations/file", TITLE, &page(&look, form)).await
}

/// `POST /desk/donations/file`: whoever takes very many says why.
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let look = Look::of(&form);
    let search = look.search(&desk);
    let why = form.optional("why", 300);
    if why.is_empty() && donations::are_more_than(desk.site(), &search, audit_log::MANY).await? {
        form.mistake("why", "These are more than 1,000 gifts. Say why you take them: the log keeps it.");
    }
    if search.page(&desk.site().db, None, 1).await?.are_many {
        form.mistake(
            "why",
            "More than 300 supporters are called so, and the file would not have all of them. Go back and type more of the name or address, or choose a time instead.",
        );
    }
    if !form.is_valid() {
        return desk.page_again("desk/donations/file", TITLE, &page(&look, form)).await;
    }
    let detail: Vec<String> = [look.words(), why].into_iter().filter(|part| !part.is_empty()).collect();
    audit_log::note(desk.site(), Some(desk.who.staff.id), "exported gifts", "", &detail.join(": ")).await?;
    let reading = Reading {
        site: desk.site().clone(),
        zone: desk.zone().clone(),
        search,
        behind: None,
        is_begun: false,
        is_over: false,
    };
    Ok(table("gifts.csv", stream::try_unfold(reading, next)))
}

/// What is read for the file, and how far.
struct Reading {
    site: Site,
    zone: Zone,
    search: GiftSearch,
    behind: Option<GiftPlace>,
    is_begun: bool,
    is_over: bool,
}

/// The next piece of the file; none when all were read.
async fn next(mut reading: Reading) -> Result<Option<(Vec<u8>, Reading)>, donations::CsvOfGiftsError> {
    if reading.is_over {
        return Ok(None);
    }
    let mut csv = CsvOfGifts::new(&reading.zone);
    if !reading.is_begun {
        reading.is_begun = true;
        csv.headings()?;
    }
    let found = reading.search.page(&reading.site.db, reading.behind, AT_ONCE).await?;
    reading.is_over = found.gifts.len() < AT_ONCE as usize;
    reading.behind = found.gifts.last().map(donations::place_of);
    let moved = donations::moved_for(&reading.site, &found.gifts).await?;
    csv.lines(&found.gifts, &moved)?;
    Ok(Some((csv.bytes()?, reading)))
}
