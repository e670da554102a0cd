//! What the team does with one gift.

use axum::extract::Path;

use crate::{
    donations,
    web::{Desk, Outcome, Posted, WebError, session::see_other},
};

/// `POST /desk/donations/{id}/note`
pub(crate) async fn note(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(&["text"])?;
    let text = form.required("text", 1_000, "Write the note first.");
    if !form.is_valid() {
        return super::list::one_again(desk, &id, form).await;
    }
    if donations::note_on_gift(desk.site(), desk.who.staff.id, &id, &text).await? {
        Ok(see_other(&format!("/desk/donations/{id}?done=noted#notes-title")))
    } else {
        Err(WebError::NotFound)
    }
}

/// `POST /desk/donations/{id}/asking`: whoever gave is not asked for gifts any more, or may be again.
pub(crate) async fn asking(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["never"])?;
    let never = match form.text("never") {
        "yes" => true,
        "no" => false,
        _ => return Err(WebError::BadRequest("Go back, reload the page and press the button again.")),
    };
    donations::never_ask(desk.site(), desk.who.staff.id, &id, never).await?;
    Ok(see_other(&format!("/desk/donations/{id}?done=saved")))
}
