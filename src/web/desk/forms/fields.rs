//! `/desk/fields`: what the team asks readers beside address and name.

use serde::Serialize;

use crate::{
    mail::fields_written,
    subscribers::fields::{self, Field, FieldError, FieldKind, NewField, StandsIn},
    web::{Desk, Form, Outcome, Posted, WebError, session::see_other, words::readers::field_kind},
};

pub(super) const FIELDS: &[&str] = &["label", "kind", "choices", "stands_in", "sure", "seen"];
const TITLE: &str = "Fields";
const TEMPLATE: &str = "desk/forms/fields";

#[derive(Serialize)]
struct Page {
    fields: Vec<Line>,
    kinds: Vec<Kind>,
    form: Form,
}

#[derive(Serialize)]
struct Line {
    name: String,
    label: String,
    kind: &'static str,
    choices: Vec<String>,
    /// How it is written into an edition; none where it stands in no mail.
    written: Option<String>,
}

/// A kind of answer, to choose.
#[derive(Serialize)]
pub(super) struct Kind {
    kind: &'static str,
    says: &'static str,
    chosen: bool,
}

pub(super) fn kinds(chosen: &str) -> Vec<Kind> {
    let kind = |kind: FieldKind| Kind {
        kind: kind.as_str(),
        says: field_kind(kind),
        chosen: kind.as_str() == chosen,
    };
    FieldKind::ALL.into_iter().map(kind).collect()
}

/// Question and kind as they were typed, with the mistakes noted.
pub(super) fn read(form: &mut Form) -> Option<(String, FieldKind)> {
    let label = form.required("label", fields::LONGEST_LABEL, "Write the question, such as: First name.");
    if label.chars().any(char::is_control) {
        form.mistake("label", "Write it in one line.");
    }
    let kind = form.parse("kind", |kind| FieldKind::parse(kind).ok_or("Choose what an answer is."))?;
    form.is_valid().then_some((label, kind))
}

/// Where answers are to stand.
pub(super) fn stands_in(form: &Form) -> StandsIn {
    StandsIn::parse(form.text("stands_in")).unwrap_or_default()
}

/// What was refused, at the field of the form that can put it right.
pub(super) fn refuse(form: &mut Form, error: FieldError) -> Result<(), WebError> {
    match error {
        FieldError::Database(error) => return Err(error.into()),
        FieldError::NotFound | FieldError::Changed => return Err(WebError::NotFound),
        FieldError::Choices => form.mistake("choices", error),
        FieldError::TooMany => form.mistake("label", error),
    }
    Ok(())
}

/// `GET /desk/fields`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let page = page(&desk, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `POST /desk/fields`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    if let Some((label, kind)) = read(&mut form) {
        let choices = form.text("choices");
        let new = NewField { label: &label, kind, choices, stands_in: stands_in(&form) };
        match fields::add(desk.site(), desk.who.staff.id, new).await {
            Ok(_) => return Ok(see_other("/desk/fields?done=field-made")),
            Err(error) => refuse(&mut form, error)?,
        }
    }
    let page = page(&desk, form).await?;
    desk.page_again(TEMPLATE, TITLE, &page).await
}

async fn page(desk: &Desk, form: Form) -> Result<Page, WebError> {
    let line = |field: Field| Line {
        choices: field.choices().map(str::to_owned).collect(),
        written: (field.stands_in == StandsIn::Mails).then(|| fields_written(&field.name)),
        kind: field_kind(field.kind),
        name: field.name,
        label: field.label,
    };
    let fields = fields::all(&desk.site().db).await?.into_iter().map(line).collect();
    Ok(Page { fields, kinds: kinds(form.text("kind")), form })
}
