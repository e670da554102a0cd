//! `/desk/fields/{field}`: one field; and what goes with it when it becomes another, or is taken away.

use axum::extract::Path;
use serde::Serialize;

use super::fields::{FIELDS, Kind, kinds, read, refuse, stands_in};
use crate::{
    subscribers::fields::{self, Field, FieldError, NewField, StandsIn, Touched},
    web::{Desk, Form, Outcome, Posted, WebError, answers::conflict, session::see_other, words::count},
};

const TEMPLATE: &str = "desk/forms/field";
const REMOVAL: &str = "desk/forms/remove_field";
const CHANGED: &str = "Somebody else changed this field since you opened it. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";
const CHANGED_MEANWHILE: &str = "Somebody else changed this field since you opened the page. Below it is as it is now. Nothing was removed.";

#[derive(Serialize)]
struct Page {
    name: String,
    label: String,
    kinds: Vec<Kind>,
    form: Form,
    /// How many answers go with it: "12 answers".
    answers: String,
    /// The forms that ask it.
    forms: Vec<String>,
    /// How often it was changed when the page was opened.
    seen: i64,
    /// Why it was not saved.
    trouble: Option<&'static str>,
    /// Answers stand in mails by now, and would not any more.
    stands_in_mails: bool,
    /// Another kind was chosen, and whoever chose it has not said yet that the answers may go.
    asks_whether_sure: bool,
}

async fn find(desk: &Desk, name: &str) -> Result<Field, WebError> {
    let known = fields::all(&desk.site().db).await?;
    known.into_iter().find(|field| field.name == name).ok_or(WebError::NotFound)
}

async fn page(desk: &Desk, field: Field, form: Form) -> Result<Page, WebError> {
    let Touched { answers, forms } = fields::touched(&desk.site().db, &field).await?;
    Ok(Page {
        kinds: kinds(form.text("kind")),
        seen: field.changes,
        trouble: None,
        stands_in_mails: field.stands_in == StandsIn::Mails,
        name: field.name,
        label: field.label,
        form,
        answers: count(answers, "answer"),
        forms,
        asks_whether_sure: false,
    })
}

/// `GET /desk/fields/{field}`
pub(crate) async fn show(desk: Desk, Path(name): Path<String>) -> Outcome {
    let field = find(&desk, &name).await?;
    let form = Form::new(FIELDS)
        .with("label", field.label.as_str())
        .with("kind", field.kind.as_str())
        .with("choices", field.choices.as_str())
        .with("stands_in", field.stands_in.as_str());
    let page = page(&desk, field, form).await?;
    desk.page(TEMPLATE, &page.label, &page).await
}

/// `POST /desk/fields/{field}`: another kind takes the answers away, and is asked about first.
pub(crate) async fn submit(desk: Desk, Path(name): Path<String>, posted: Posted) -> Outcome {
    let field = find(&desk, &name).await?;
    let mut form = posted.form(FIELDS)?;
    let seen = form.text("seen").parse().unwrap_or(-1);
    let mut asks_whether_sure = false;
    if let Some((label, kind)) = read(&mut form) {
        asks_whether_sure = kind != field.kind && !form.is_ticked("sure");
        if !asks_whether_sure {
            let choices = form.text("choices");
            let new = NewField { label: &label, kind, choices, stands_in: stands_in(&form) };
            match fields::change(desk.site(), desk.who.staff.id, (&name, seen), new).await {
                Ok(()) => return Ok(see_other("/desk/fields?done=saved")),
                Err(FieldError::Changed) => {
                    let mut page = page(&desk, find(&desk, &name).await?, form).await?;
                    page.trouble = Some(CHANGED);
                    return desk.page(TEMPLATE, &page.label, &page).await.map(conflict);
                }
                Err(error) => refuse(&mut form, error)?,
            }
        }
    }
    let mut page = page(&desk, field, form).await?;
    page.asks_whether_sure = asks_whether_sure;
    // A mistake shows nobody what somebody else saved meanwhile.
    page.seen = seen;
    desk.page_again(TEMPLATE, &page.label, &page).await
}

#[derive(Serialize)]
struct Removal {
    name: String,
    label: String,
    answers: String,
    forms: Vec<String>,
    seen: i64,
    stands_in_mails: bool,
    trouble: Option<&'static str>,
}

/// `GET /desk/fields/{field}/remove`: what goes, before it does.
pub(crate) async fn show_removal(desk: Desk, Path(name): Path<String>) -> Outcome {
    removal(&desk, &name, None).await
}

async fn removal(desk: &Desk, name: &str, trouble: Option<&'static str>) -> Outcome {
    let field = find(desk, name).await?;
    let Touched { answers, forms } = fields::touched(&desk.site().db, &field).await?;
    let page = Removal {
        answers: count(answers, "answer"),
        forms,
        seen: field.changes,
        stands_in_mails: field.stands_in == StandsIn::Mails,
        trouble,
        name: field.name,
        label: field.label,
    };
    desk.page(REMOVAL, "Remove a field", &page).await
}

/// `POST /desk/fields/{field}/remove`
pub(crate) async fn remove(desk: Desk, Path(name): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["seen"])?;
    let seen = form.text("seen").parse().unwrap_or(-1);
    match fields::remove(desk.site(), desk.who.staff.id, (&name, seen)).await {
        Ok(()) => Ok(see_other("/desk/fields?done=field-removed")),
        Err(FieldError::Changed) => removal(&desk, &name, Some(CHANGED_MEANWHILE)).await.map(conflict),
        Err(FieldError::Database(error)) => Err(error.into()),
        Err(_) => Err(WebError::NotFound),
    }
}
