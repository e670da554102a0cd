//! `/desk/fields/{field}`: one field; and what goes with it when it becomes another, or is taken away.

use axum::extract::Path;
use serde::Serialize;

use super::fields::{FIELDS, Kind, kinds, read, refuse};
use crate::{
    subscribers::fields::{self, Field, NewField, Touched},
    web::{Desk, Form, Outcome, Posted, WebError, session::see_other, words::count},
};

const TEMPLATE: &str = "desk/forms/field";

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
        .with("choices", field.choices.as_str());
    let page = page(&desk, field, form).await?;
    desk.page(TEMPLATE, &page.label, &page).await
}

/// `POST /desk/fields/{field}`: another kind takes the answers away, and is asked about first.
pub(crate) async fn submit(desk: Desk, Path(name): Path<String>, posted: Posted) -> Outcome {
    let field = find(&desk, &name).await?;
    let mut form = posted.form(FIELDS)?;
    let mut asks_whether_sure = false;
    if let Some((label, kind)) = read(&mut form) {
        asks_whether_sure = kind != field.kind && !form.is_ticked("sure");
        if !asks_whether_sure {
            let new = NewField { label: &label, kind, choices: form.text("choices") };
            match fields::change(desk.site(), desk.who.staff.id, &name, new).await {
                Ok(()) => return Ok(see_other("/desk/fields?done=saved")),
                Err(error) => refuse(&mut form, error)?,
            }
        }
    }
    let mut page = page(&desk, field, form).await?;
    page.asks_whether_sure = asks_whether_sure;
    desk.page_again(TEMPLATE, &page.label, &page).await
}

#[derive(Serialize)]
struct Removal {
    name: String,
    label: String,
    answers: String,
    forms: Vec<String>,
}

/// `GET /desk/fields/{field}/remove`: what goes, before it does.
pub(crate) async fn show_removal(desk: Desk, Path(name): Path<String>) -> Outcome {
    let field = find(&desk, &name).await?;
    let Touched { answers, forms } = fields::touched(&desk.site().db, &field).await?;
    let page = Removal { name, label: field.label, answers: count(answers, "answer"), forms };
    desk.page("desk/forms/remove_field", "Remove a field", &page).await
}

/// `POST /desk/fields/{field}/remove`
pub(crate) async fn remove(desk: Desk, Path(name): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let mut nothing = Form::new(&[]);
    match fields::remove(desk.site(), desk.who.staff.id, &name).await {
        Ok(()) => Ok(see_other("/desk/fields?done=field-removed")),
        Err(error) => {
            refuse(&mut nothing, error)?;
            Err(WebError::NotFound)
        }
    }
}
