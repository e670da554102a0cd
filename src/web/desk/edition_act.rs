//! The buttons of an edition on its way: undo, pause, resume, cancel.

use axum::extract::Path;

use super::super::{Desk, Outcome, session::see_other};
use crate::digests;

/// `POST /desk/editions/{id}/undo`
pub(crate) async fn undo(desk: Desk, Path(id): Path<String>) -> Outcome {
    digests::undo(desk.site(), &id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/editions/{id}?done=undone")))
}

/// `POST /desk/editions/{id}/pause`
pub(crate) async fn pause(desk: Desk, Path(id): Path<String>) -> Outcome {
    digests::pause(desk.site(), &id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/editions/{id}?done=paused")))
}

/// `POST /desk/editions/{id}/resume`
pub(crate) async fn resume(desk: Desk, Path(id): Path<String>) -> Outcome {
    digests::resume(desk.site(), &desk.app.templates, &id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/editions/{id}?done=resumed")))
}

/// `POST /desk/editions/{id}/cancel`
pub(crate) async fn cancel(desk: Desk, Path(id): Path<String>) -> Outcome {
    digests::cancel(desk.site(), &id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/editions/{id}?done=cancelled")))
}
