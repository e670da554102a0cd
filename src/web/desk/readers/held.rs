//! What is held about a reader, for an owner to give to them: all of it as a file. Who took it away and why stands in the log.

use axum::extract::Path;

use super::reader::{self, HELD, find};
use crate::{
    dossier,
    web::{Desk, Form, Outcome, Posted, public::your_data::download},
};

/// `POST /desk/readers/{id}/held`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form: Form = posted.form(HELD)?;
    let why = form.required("held_why", 300, "Say why: the team may ask later.");
    if !form.is_valid() {
        return reader::again(&desk, reader, reader::Forms { held: form, ..Default::default() }).await;
    }
    dossier::taken_away(desk.site(), &reader, desk.who.staff.id, &why).await?;
    let whose = dossier::of_address(desk.site(), reader.email).await?;
    download(&desk.app, whose).await
}
