//! `/subscribe` and `/subscribe/{form}`: forms, on a page of their own or in a frame of another site, and the answer that is the same
//! for every address.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::{
    super::{
        App, Form, Outcome, Posted, WebError,
        answers::too_many,
        elsewhere::{FromElsewhere, HeldBy},
        session::see_other,
        words,
    },
    ask::{ASKED, Ask, At, FIELDS, Held, Typed, page_of, posted_names, read, saw_the_words},
    caller::Caller,
    told::{InAddress, Told},
};
use crate::{
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{
        self, AtTheForm, Crowd, Goes, NewSubscription, SubscriberError,
        forms::{self, Shown, SignUpForm},
        lists::{self, OptIn},
        machines,
    },
};

const TITLE: &str = "Subscribe";
const ON_OUR_PAGES: At<'static> = At { slug: forms::MAIN, embedded: false };

#[derive(Serialize)]
struct Page {
    form: Form,
    ask: Ask,
    /// Why nothing was done, though nothing is wrong with the form.
    trouble: Option<String>,
    embedded: bool,
}

/// `GET /subscribe`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    first(&app, ON_OUR_PAGES).await
}

/// `GET /subscribe/{form}`
pub(crate) async fn show_one(State(app): State<App>, Path(slug): Path<String>) -> Outcome {
    first(&app, At { slug: &slug, embedded: false }).await
}

/// `GET /subscribe/{form}/embedded`: for a frame on one of the sites that the owner named.
pub(crate) async fn show_embedded(State(app): State<App>, Path(slug): Path<String>) -> Outcome {
    first(&app, At { slug: &slug, embedded: true }).await
}

async fn first(app: &App, at: At<'_>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let shown = find(app, &settings, at).await?;
    let ask = Ask::first(app, &shown, at, "subscribe");
    let page = Page { form: Form::new(FIELDS), ask, trouble: None, embedded: at.embedded };
    held_by(&shown.form, at, app.public_page("public/subscribe", TITLE, &page).await)
}

async fn find(app: &App, settings: &Settings, at: At<'_>) -> Result<Shown, WebError> {
    forms::shown(&app.site.db, settings, at.slug).await?.ok_or(WebError::NotFound)
}

/// A page in a frame may be shown by the sites of its form, and by nobody else.
fn held_by(form: &SignUpForm, at: At<'_>, page: Outcome) -> Outcome {
    // A failure has a page too.
    let mut page = page.unwrap_or_else(WebError::into_response);
    if at.embedded {
        page.extensions_mut().insert(HeldBy::sites(form));
    }
    Ok(page)
}

#[derive(Serialize)]
struct Press<'a> {
    held: Held<'a>,
    embedded: bool,
}

#[derive(Serialize)]
struct Meant<'a> {
    held: Held<'a>,
    meant: EmailAddress,
    embedded: bool,
}

#[derive(Serialize)]
struct Work<'a> {
    held: Held<'a>,
    challenge: String,
    bits: u32,
    embedded: bool,
}

/// `POST /subscribe`
pub(crate) async fn submit(State(app): State<App>, caller: Caller, posted: Posted) -> Outcome {
    take(&app, caller, ON_OUR_PAGES, (posted, false)).await
}

/// `POST /subscribe/{form}`: from our own page; or from that of a site which the owner named, and then it is asked once more.
pub(crate) async fn submit_one(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    elsewhere: Option<Extension<FromElsewhere>>,
    posted: Posted,
) -> Outcome {
    take(&app, caller, At { slug: &slug, embedded: false }, (posted, elsewhere.is_some())).await
}

/// `POST /subscribe/{form}/embedded`
pub(crate) async fn submit_embedded(
    State(app): State<App>,
    caller: Caller,
    Path(slug): Path<String>,
    posted: Posted,
) -> Outcome {
    take(&app, caller, At { slug: &slug, embedded: true }, (posted, false)).await
}

async fn take(app: &App, caller: Caller, at: At<'_>, (posted, elsewhere): (Posted, bool)) -> Outcome {
    let here = app.rush.enter(caller.trace().ip);
    let read = match here.is_rush() {
        true => app.rush.shown(&app.site.db, at.slug).await?.ok_or(WebError::NotFound)?,
        false => {
            let settings = Settings::load(&app.site.db).await?;
            let shown = find(app, &settings, at).await?;
            Arc::new((settings, shown))
        }
    };
    let (settings, shown) = &*read;
    let page = match posted.form_with(FIELDS, ASKED, posted_names(shown)) {
        Ok(form) => answer(app, (settings, &caller, &here), (shown, at), (form, elsewhere)).await,
        Err(error) => Err(error),
    };
    held_by(&shown.form, at, page)
}

async fn answer(
    app: &App,
    (settings, caller, here): (&Settings, &Caller, &AtTheForm<'_>),
    (shown, at): (&Shown, At<'_>),
    (mut form, elsewhere): (Form, bool),
) -> Outcome {
    if !form.text("website").is_empty() {
        let typed = EmailAddress::parse(form.text("email")).ok();
        return Ok(sent_to(app, at, typed.as_ref(), Goes::Now));
    }
    if shown.lists.is_empty() {
        return Err(WebError::BadRequest("There is nothing to subscribe to by this form at the moment."));
    }
    let saw_the_words = saw_the_words(&form, shown);
    if form.is_ticked("anew") {
        // All but the address is still there.
        form.blank("email");
        form.blank("use");
        if !saw_the_words {
            form.blank("consent");
        }
        return again(app, (shown, at), form).await;
    }
    let Typed { email, name, lists, answers } = read(&mut form, shown);
    let (Some(email), true) = (email, form.is_valid()) else {
        if !saw_the_words {
            // The page comes back with words that they did not tick.
            form.blank("consent");
        }
        return again(app, (shown, at), form).await;
    };
    let embedded = at.embedded;
    let held = || Held::new(app, (shown, at), &form, (&email, &name, &lists));
    // A hint comes before any refusal.
    if let Some(meant) = email.meant().filter(|_| form.text("use").is_empty()) {
        let page = Meant { held: held(), meant, embedded };
        return app.public_page("public/subscribe_meant", TITLE, &page).await;
    }
    if elsewhere || !saw_the_words || !has_taken_its_time(app, &form) {
        let held = held().with_the_words(&form, shown);
        return app.public_page("public/subscribe_press", TITLE, &Press { held, embedded }).await;
    }
    let page = if at.slug == forms::MAIN { page_of(&form) } else { at.slug };
    let new = NewSubscription {
        email: &email,
        name: &name,
        lists: &lists,
        answers: &answers.write(),
        wording: &shown.wording,
        by: shown.form.by(page),
        trace: caller.trace(),
        crowd: crowd(app, &form),
        lookout: app.lookout.as_ref(),
    };
    let taken = match here.is_rush() {
        true => app.rush.take_down(&app.site, settings, new).await,
        false => subscribers::subscribe(&app.site, settings, new).await,
    };
    match taken {
        Ok(goes) => Ok(sent_to(app, at, Some(&email), goes)),
        Err(SubscriberError::NotFound) => Err(WebError::BadRequest("That list is not there to be joined.")),
        Err(SubscriberError::Unwanted(why)) => {
            form.mistake("email", why);
            again(app, (shown, at), form).await
        }
        Err(SubscriberError::Crowded) => {
            let challenge = machines::challenge(&app.site);
            let work = Work { held: held(), challenge, bits: machines::BITS, embedded };
            let page = app.public_page("public/subscribe_work", TITLE, &work).await?;
            Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response())
        }
        Err(SubscriberError::TooMany(wait)) => {
            let trouble = Some(format!(
                "Nothing was sent: more people than usual are subscribing just now. Please try again in {}.",
                words::wait(wait)
            ));
            let ask = Ask::again(app, shown, at, &form);
            let page = Page { form, ask, trouble, embedded };
            let page = app.public_page("public/subscribe", TITLE, &page).await?;
            Ok(too_many(wait, page))
        }
        Err(error) => Err(error.into()),
    }
}

async fn again(app: &App, (shown, at): (&Shown, At<'_>), form: Form) -> Outcome {
    let ask = Ask::again(app, shown, at, &form);
    let page = Page { form, ask, trouble: None, embedded: at.embedded };
    app.public_page_again("public/subscribe", TITLE, &page).await
}

/// Whether a form has been here for as long as people take, by its own word that it bears our mark. One without may come from
/// anywhere, and one that is sooner from a browser which fills addresses in: neither is lost, and neither counts before it was
/// pressed on a page of ours. In the sandbox nobody outside is mailed.
fn has_taken_its_time(app: &App, form: &Form) -> bool {
    app.sandbox.is_some()
        || machines::age(&app.site, form.text("made")).is_some_and(|age| age >= app.quickest_form)
}

/// What the browser says that was asked for some work; in the sandbox nobody is, since nobody outside is mailed.
fn crowd<'a>(app: &App, form: &'a Form) -> Crowd<'a> {
    match (form.text("challenge"), form.text("answer")) {
        _ if app.sandbox.is_some() => Crowd::Nobody,
        _ if form.is_ticked("later") => Crowd::Waits,
        ("", _) | (_, "") => Crowd::Unasked,
        (challenge, answer) => Crowd::Worked(challenge, answer),
    }
}

#[derive(Serialize)]
struct Sent {
    /// What was typed; empty if that is not known any more.
    to: String,
    contact: String,
    later: bool,
    /// Whether there is a list for which the form alone is enough.
    at_once: bool,
    /// The form, to check what was typed.
    again: String,
    embedded: bool,
}

fn sent_path(at: At<'_>) -> String {
    if at.embedded { format!("{}/sent", at.path()) } else { "/subscribe/sent".to_owned() }
}

/// The same for every address (TRUST A22).
fn sent_to(app: &App, at: At<'_>, typed: Option<&EmailAddress>, goes: Goes) -> Response {
    let path = sent_path(at);
    match typed {
        Some(email) => {
            Told::Mailed { to: email.to_string(), later: goes == Goes::Later }.at(&app.site, &path, "")
        }
        None => see_other(&path),
    }
}

/// `GET /subscribe/sent`: true of every address, and so of none in particular.
pub(crate) async fn sent(State(app): State<App>, told: InAddress) -> Outcome {
    tell_sent(&app, ON_OUR_PAGES, &told).await
}

/// `GET /subscribe/{form}/embedded/sent`
pub(crate) async fn sent_embedded(
    State(app): State<App>,
    Path(slug): Path<String>,
    told: InAddress,
) -> Outcome {
    let at = At { slug: &slug, embedded: true };
    let form = forms::named(&app.site.db, &slug).await?.ok_or(WebError::NotFound)?;
    held_by(&form, at, tell_sent(&app, at, &told).await)
}

async fn tell_sent(app: &App, at: At<'_>, told: &InAddress) -> Outcome {
    let contact = Settings::load(&app.site.db).await?.contact_email;
    let (to, later) = match told.read(&app.site, &sent_path(at)) {
        Some(Told::Mailed { to, later }) => (to, later),
        _ => (String::new(), false),
    };
    let at_once = lists::open(&app.site.db).await?.iter().any(|list| list.opt_in == OptIn::Single);
    let title = if later { "Your mail comes later" } else { "Check your mail" };
    let sent = Sent { to, contact, later, at_once, again: at.path(), embedded: at.embedded };
    app.public_page("public/subscribe_sent", title, &sent).await
}
