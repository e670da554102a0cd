//! `/desk/editions/{id}/correct`: another version for everyone whose copy of a stopped edition has not left; and beginning
//! a correction for exactly those who have it.

use axum::extract::Path;
use serde::Serialize;

use super::{
    blocks::{self, Row},
    parts::{EditionView, FieldLine, field_lines, note_field_mistakes},
};
use crate::{
    delivery,
    editions::EditionState,
    publishing::{self, Content, Edition, Placed},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        desk::moved::Moved,
        session::see_other,
        words::editions::{have_and_have_not, title},
    },
};

const FIELDS: &[&str] = &[
    "based_on",
    "subject",
    "preview_text",
    "intro",
    "block",
    "whom",
    "look",
    "headline",
    "says",
    "words",
    "label",
    "link",
    "without",
];
const TITLE: &str = "Correct the edition";

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    /// Who has it and who has not.
    standing: String,
    form: Form,
    rows: Vec<Row>,
    /// What may stand in its words.
    fields: Vec<FieldLine>,
    trouble: Option<&'static str>,
    /// Somebody else's version, to be looked at beside one's own.
    theirs: Option<i64>,
}

/// What somebody wrote, and the places of the blocks that they ticked to be left out.
struct Written {
    content: Content,
    without: Vec<usize>,
}

/// `GET /desk/editions/{id}/correct`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    if edition.state != EditionState::Paused {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    let content = &edition.content;
    let form = Form::new(FIELDS)
        .with("subject", &content.subject)
        .with("preview_text", &content.preview_text)
        .with("intro", &content.intro_markdown);
    let written = Written { content: content.clone(), without: Vec::new() };
    let page = page(&desk, &edition, form, (&written, &[]), None).await?;
    desk.page("desk/editions/correct", TITLE, &page).await
}

/// `POST /desk/editions/{id}/correct`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let again = || WebError::BadRequest("Open the edition again and try once more.");
    let based_on = form.text("based_on").parse().map_err(|_| again())?;
    let rows = blocks::read(&form)?;
    let edition = publishing::find(&desk.site().db, &id).await?;
    blocks::check_there(&desk, &edition, &rows).await?;
    // By their places, which the page that comes back counts anew.
    let without: Vec<usize> =
        (0..rows.len()).filter(|at| form.all("without").contains(&rows[*at].0)).collect();
    let blocks = rows.into_iter().map(|(_, block)| block).collect();
    let content = Content {
        subject: form.required("subject", 1_000, "Write a subject: the rest cannot go out without one."),
        preview_text: form.text("preview_text").to_owned(),
        intro_markdown: form.raw("intro").to_owned(),
        blocks,
        topic_ids: Vec::new(),
        rhythm: None,
        only_segment: None,
        except_segment: None,
    };
    let written = Written { content: content.clone(), without: without.clone() };
    let kept = |(at, block): (usize, Placed)| (!without.contains(&at)).then_some(block);
    let sent = content.blocks.iter().cloned().enumerate().filter_map(kept).collect();
    // What goes to those who wait is put right before it is saved.
    let mut wrong = note_field_mistakes(&desk, &mut form, &content).await?;
    wrong.retain(|(at, _)| !without.contains(at));
    if let Some((_, first)) = wrong.first() {
        form.mistake("block", first);
    }
    if !form.is_valid() {
        let page = page(&desk, &edition, form, (&written, &wrong), None).await?;
        return desk.page_again("desk/editions/correct", TITLE, &page).await;
    }
    let who = Some(desk.who.staff.id);
    let content = Content { blocks: sent, ..content };
    match publishing::save_correction(desk.site(), edition.id, based_on, content, who).await {
        Ok(_) => Ok(see_other(&format!("/desk/editions/{id}?done=corrected"))),
        Err(error @ (publishing::Error::Changed | publishing::Error::Locked)) => {
            let trouble = if matches!(error, publishing::Error::Changed) {
                "Somebody else corrected this edition while you were writing. Your words are below, not saved yet. \
                 Saving now puts them in the place of the other version."
            } else {
                "The edition went on while you were writing, so it cannot be corrected. Your words are below, not saved. \
                 If it is paused again, they can be."
            };
            let edition = publishing::find(&desk.site().db, &id).await?;
            let page = page(&desk, &edition, form, (&written, &[]), Some(trouble)).await?;
            desk.page("desk/editions/correct", TITLE, &page).await.map(conflict)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /desk/editions/{id}/correction`: a draft that goes to those who got one version.
pub(crate) async fn begin(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["revision"])?;
    let revision = form.text("revision").parse().map_err(|_| WebError::NotFound)?;
    let draft = publishing::begin_correction(desk.site(), &id, revision, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/editions/{draft}")))
}

async fn page(
    desk: &Desk,
    edition: &Edition,
    form: Form,
    (written, wrong): (&Written, &[(usize, String)]),
    trouble: Option<&'static str>,
) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let mut rows = blocks::rows(desk, &written.content, wrong, &Moved::default()).await?;
    for (at, row) in rows.iter_mut().enumerate() {
        row.is_left_out = written.without.contains(&at);
    }
    Ok(Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(edition, desk.zone()),
        standing: have_and_have_not(delivery::progress_of(db, edition.id).await?),
        form,
        rows,
        fields: field_lines(desk).await?,
        theirs: trouble.map(|_| edition.revision),
        trouble,
    })
}
