//! `/desk/readers/export`: the readers that were looked for, taken away as a file.

use axum::extract::Query;
use futures_util::stream;
use serde::Serialize;

use super::many::{Meant, Whom};
use crate::{
    audit_log,
    bulk::ReaderFilter,
    site::Site,
    subscribers::{CsvError, Export, ExportLines},
    web::{Desk, Form, Outcome, Posted, WebError, answers::table, session::see_other},
};

const TITLE: &str = "Take readers away as a file";
/// The first five say whom, as the page of readers does.
const FIELDS: &[&str] = &["q", "list", "topic", "state", "segment", "lines", "why"];
/// So many readers are asked at once whether there are more than may leave without a word.
const AT_ONCE: i64 = 500;

#[derive(Serialize)]
struct Page {
    whom: String,
    search: String,
    to_readers: String,
    is_everybody: bool,
    of_readers: bool,
    form: Form,
}

fn page(whom: &Whom, meant: &Meant, form: Form) -> Page {
    Page {
        whom: meant.words.clone(),
        search: whom.q.trim().to_owned(),
        to_readers: whom.address("/desk/readers"),
        is_everybody: !meant.filter.is_narrowed(),
        of_readers: form.text("lines") == ExportLines::Readers.as_str(),
        form,
    }
}

/// `GET /desk/readers/export`
pub(crate) async fn show(desk: Desk, Query(whom): Query<Whom>) -> Outcome {
    let Some(meant) = whom.meant(&desk).await? else { return Ok(see_other("/desk/readers")) };
    let form = whom.fill(Form::new(FIELDS));
    desk.page("desk/readers/export", TITLE, &page(&whom, &meant, form)).await
}

/// `POST /desk/readers/export`: whoever takes very many says why.
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let whom = Whom::of(&form);
    let Some(meant) = whom.meant(&desk).await? else { return Ok(see_other("/desk/readers")) };
    let lines = match form.text("lines") {
        "" => Some(ExportLines::default()),
        _ => form.parse("lines", |word| ExportLines::parse(word).ok_or("Choose what a line is.")),
    };
    let why = form.optional("why", 300);
    if why.is_empty() && are_many(desk.site(), &meant.filter).await? {
        form.mistake("why", "These are more than 1,000 readers. Say why you take them: the log keeps it.");
    }
    let (Some(lines), true) = (lines, form.is_valid()) else {
        return desk.page_again("desk/readers/export", TITLE, &page(&whom, &meant, form)).await;
    };
    let detail = if why.is_empty() { meant.words.clone() } else { format!("{}: {why}", meant.words) };
    audit_log::note(desk.site(), Some(desk.who.staff.id), "exported readers", "", &detail).await?;
    let export = Export::begin(desk.site(), lines).await?;
    let reading = Reading { site: desk.site().clone(), filter: meant.filter, export, is_begun: false };
    Ok(table("readers.csv", stream::try_unfold(reading, next)))
}

/// Whether they are more than may leave without a word.
async fn are_many(site: &Site, filter: &ReaderFilter) -> Result<bool, WebError> {
    let most = usize::try_from(audit_log::MANY).unwrap_or(usize::MAX);
    let (mut before, mut seen) = (i64::MAX, 0);
    loop {
        let page = filter.page(site, before, AT_ONCE).await?;
        seen += page.readers.len();
        match page.last {
            Some(last) if seen <= most => before = last,
            _ => return Ok(seen > most),
        }
    }
}

/// What is read for the file, and how far.
struct Reading {
    site: Site,
    filter: ReaderFilter,
    export: Export,
    is_begun: bool,
}

/// The next piece of the file; none when all were read.
async fn next(mut reading: Reading) -> Result<Option<(Vec<u8>, Reading)>, CsvError> {
    if !reading.is_begun {
        reading.is_begun = true;
        return Ok(Some((reading.export.headings()?, reading)));
    }
    let Some(mut ahead) = reading.export.ahead(&reading.site).await? else { return Ok(None) };
    if reading.filter.is_narrowed() {
        let meant = reading.filter.among(&reading.site, &ahead.ids()).await?;
        ahead = ahead.only(&meant);
    }
    let lines = reading.export.lines_of(&reading.site, &ahead).await?;
    Ok(Some((lines, reading)))
}
