//! `/desk/sign-in/{token}`: by a link from a mail, once. Opening it changes nothing, since mail scanners open links.

use axum::extract::{Path, State};
use serde::Serialize;

use super::door;
use crate::{
    staff::{self, Incoming},
    web::{
        App, Outcome,
        session::{see_other, with_cookie},
    },
};

#[derive(Serialize)]
struct Page {
    name: String,
}

/// `GET /desk/sign-in/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    let staff = staff::whose_sign_in_link(&app.site, &token).await?;
    door(&app, "desk/sign_in_link", "Sign in", &Page { name: staff.name }).await
}

/// `POST /desk/sign-in/{token}`
pub(crate) async fn submit(State(app): State<App>, incoming: Incoming, Path(token): Path<String>) -> Outcome {
    let session = staff::sign_in_by_link(&app.site, &incoming, &token).await?;
    Ok(with_cookie(&app.site, &session, see_other("/desk")))
}
