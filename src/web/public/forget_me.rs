//! `/forget-me/{token}`: what goes and what stays when a reader is forgotten, and the button that does it. The link came to their own mailbox,
//! made for that alone; opening it changes nothing, for programs open links, too.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Outcome, Posted, answers::conflict, session::see_other},
    your_data::dead_end,
};
use crate::{
    clock::Moment,
    donations,
    dossier::{self, Farewell, HeldMonthly},
    payments::GiftRhythm,
    settings::Settings,
    site::Site,
    subscribers::SubscriberError,
};

#[derive(Serialize)]
struct Page {
    /// Whether it was done.
    gone: bool,
    /// The day before which nobody is forgotten, for the mailbox of before may take back that mail moved here.
    not_before: Option<String>,
    /// Masked.
    email: String,
    monthly: Vec<Going>,
    contact: String,
}

/// A regular donation that goes on.
#[derive(Serialize)]
pub(in crate::web) struct Going {
    amount: String,
    /// How often.
    every: String,
    /// Where it is ended.
    manage: String,
}

impl Going {
    pub(in crate::web) fn new(site: &Site, one: &HeldMonthly) -> Self {
        Self {
            amount: donations::figures(one.amount_minor, &one.currency),
            every: GiftRhythm { count: one.every_count, unit: one.every_unit }.words(),
            manage: format!("/giving/{}", donations::manage_token(site, &one.public_id)),
        }
    }
}

/// `GET /forget-me/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    match dossier::look_at_forgetting(&app.site, &token).await {
        Ok(farewell) => page(&app, farewell).await,
        Err(SubscriberError::NotBefore(until)) => not_before(&app, until).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// `POST /forget-me/{token}`
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    match dossier::forget(&app.site, &token).await {
        Ok(()) => Ok(see_other(&format!("/forget-me/{token}"))),
        Err(SubscriberError::NotBefore(until)) => not_before(&app, until).await.map(conflict),
        Err(error) => dead_end(&app, error).await,
    }
}

async fn not_before(app: &App, until: Moment) -> Outcome {
    let Settings { contact_email: contact, time_zone, .. } = Settings::load(&app.site.db).await?;
    let not_before = Some(until.date(&time_zone));
    let page = Page { gone: false, not_before, email: String::new(), monthly: Vec::new(), contact };
    app.public_page("public/forget_me", "Not yet", &page).await
}

async fn page(app: &App, farewell: Option<Farewell>) -> Outcome {
    let contact = Settings::load(&app.site.db).await?.contact_email;
    let Some(Farewell { email, monthly }) = farewell else {
        let page = Page { gone: true, not_before: None, email: String::new(), monthly: Vec::new(), contact };
        return app.public_page("public/forget_me", "You are forgotten", &page).await;
    };
    let page = Page {
        gone: false,
        not_before: None,
        email: email.masked(),
        monthly: monthly.iter().map(|one| Going::new(&app.site, one)).collect(),
        contact,
    };
    app.public_page("public/forget_me", "Shall we forget you?", &page).await
}
