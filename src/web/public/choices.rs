//! `/choices`: for who lost the link to their choices. An address is typed, and the answer is the same for every one.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::{
    super::{App, Form, Outcome, Posted, answers::too_many, session::see_other, words},
    caller::Caller,
    told::{InAddress, Told},
};
use crate::{
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{self, Crowd, SubscriberError, machines},
};

/// `website` is no question, as on the form to subscribe; `use` says which of two addresses was meant; `challenge` and `answer` are for
/// a crowd.
const FIELDS: &[&str] = &["email", "use", "website", "challenge", "answer"];
const TITLE: &str = "Choose what you get";
const SENT: &str = "/choices/sent";

#[derive(Serialize)]
struct Page {
    form: Form,
    /// Why nothing was done, though nothing is wrong with the form.
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Work {
    email: EmailAddress,
    challenge: String,
    bits: u32,
    contact: String,
}

#[derive(Serialize)]
struct Meant {
    email: EmailAddress,
    meant: EmailAddress,
}

#[derive(Serialize)]
struct Sent {
    /// What was typed; empty if that is not known any more.
    to: String,
    contact: String,
}

/// `GET /choices`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    app.public_page("public/choices", TITLE, &Page { form: Form::new(FIELDS), trouble: None }).await
}

/// `POST /choices`
pub(crate) async fn submit(State(app): State<App>, caller: Caller, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    if !form.text("website").is_empty() {
        return Ok(sent_to(&app, EmailAddress::parse(form.text("email")).ok().as_ref()));
    }
    let typed = if form.text("use").is_empty() { "email" } else { "use" };
    let email = match EmailAddress::parse(form.text(typed)) {
        Ok(email) => email,
        Err(error) => {
            form.mistake("email", error);
            return app.public_page_again("public/choices", TITLE, &Page { form, trouble: None }).await;
        }
    };
    if let Some(meant) = email.meant().filter(|_| typed == "email") {
        return app.public_page("public/choices_meant", TITLE, &Meant { email, meant }).await;
    }
    let settings = Settings::load(&app.site.db).await?;
    let crowd = crowd(&app, &form);
    match subscribers::ask_for_link(&app.site, &settings, (&email, caller.trace().ip), crowd).await {
        Ok(()) => Ok(sent_to(&app, Some(&email))),
        Err(SubscriberError::Crowded) => {
            let challenge = machines::challenge(&app.site);
            let contact = settings.contact_email;
            let work = Work { email, challenge, bits: machines::BITS, contact };
            let page = app.public_page("public/choices_work", TITLE, &work).await?;
            Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response())
        }
        Err(SubscriberError::TooMany(wait)) => {
            let trouble = Some(format!(
                "Nothing was sent: more people than usual ask for it just now. Please try again in {}. The link is also at the end of every edition that we mail you.",
                words::wait(wait)
            ));
            let page = app.public_page("public/choices", TITLE, &Page { form, trouble }).await?;
            Ok(too_many(wait, page))
        }
        Err(error) => Err(error.into()),
    }
}

/// The same for every address (TRUST A22).
fn sent_to(app: &App, typed: Option<&EmailAddress>) -> Response {
    match typed {
        Some(email) => Told::Mailed { to: email.to_string(), later: false }.at(&app.site, SENT, ""),
        None => see_other(SENT),
    }
}

/// What the browser says that was asked for some work; in the sandbox nobody is, since nobody outside is mailed.
fn crowd<'a>(app: &App, form: &'a Form) -> Crowd<'a> {
    match (form.text("challenge"), form.text("answer")) {
        _ if app.sandbox.is_some() => Crowd::Nobody,
        ("", _) | (_, "") => Crowd::Unasked,
        (challenge, answer) => Crowd::Worked(challenge, answer),
    }
}

/// `GET /choices/sent`: true of every address, and so of none in particular.
pub(crate) async fn sent(State(app): State<App>, told: InAddress) -> Outcome {
    let contact = Settings::load(&app.site.db).await?.contact_email;
    let to = match told.read(&app.site, SENT) {
        Some(Told::Mailed { to, .. }) => to,
        _ => String::new(),
    };
    app.public_page("public/choices_sent", "Check your mail", &Sent { to, contact }).await
}
