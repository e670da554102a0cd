//! The buttons of an edition on its way: undo, pause, resume, cancel.

use axum::extract::Path;

use super::super::{Desk, Outcome, session::see_other};
use crate::{delivery::editions, digests};

/// `POST /desk/editions/{id}/undo`
pub(crate) async fn undo(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = digests::find(&desk.site().db, &id).await?;
    digests::undo(desk.site(), edition.id, desk.who.staff.id).await?;
    Ok(see_other(&format!("/desk/editions/{id}?done=undone")))
}
