//! `/subscribe`: the form, and the answer that is the same for every address.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::IntoResponse as _,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{App, Form, Outcome, Posted, WebError, answers::too_many, session::see_other, words},
    caller::Caller,
};
use crate::{
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{
        self, Crowd, Goes, NewSubscription, SubscriberError, consent,
        lists::{self, List, OptIn},
        machines,
    },
};

/// `website` is no question: people do not see it, and programs that fill in every field give themselves away. `made` says when the
/// form was made, and `use` which of two addresses was meant; `challenge`, `answer` and `later` are for a crowd.
const FIELDS: &[&str] =
    &["email", "name", "list", "consent", "from", "website", "made", "use", "challenge", "answer", "later"];
const TITLE: &str = "Subscribe";

/// What a form that asks for an address needs, on whatever page it stands.
#[derive(Debug, Serialize)]
pub(super) struct Ask {
    /// Whether there is a list to join.
    open: bool,
    /// Which page it is, for the proof of consent.
    from: &'static str,
    /// When it was made, for us alone to read.
    made: String,
    /// The words beside the box.
    wording: String,
    /// What is sent, in a sentence; may be empty.
    description: String,
    lists: Vec<Choice>,
    /// Whether there is a choice of lists.
    several: bool,
    /// Whether there is a list for which the form alone may be enough.
    at_once: bool,
}

#[derive(Debug, Serialize)]
struct Choice {
    id: i64,
    name: String,
    description: String,
    /// Whether it is always asked for by a mail, where others may not be.
    asks: bool,
    chosen: bool,
}

impl Ask {
    pub(super) async fn new(app: &App, settings: &Settings, from: &'static str) -> Result<Self, WebError> {
        let made = machines::stamp(&app.site);
        Ok(Self::with_lists(&public_lists(app).await?, settings, (from, made), &[]))
    }

    /// The form that was sent, once more.
    fn again(app: &App, lists: &[List], settings: &Settings, form: &Form) -> Self {
        let made = Some(form.text("made")).filter(|made| machines::age(&app.site, made).is_some());
        let made = made.map_or_else(|| machines::stamp(&app.site), str::to_owned);
        Self::with_lists(lists, settings, (page_of(form), made), form.all("list"))
    }

    fn with_lists(
        lists: &[List],
        settings: &Settings,
        (from, made): (&'static str, String),
        chosen: &[String],
    ) -> Self {
        let first = lists.first().map(|list| list.id);
        let is_chosen = |id: i64| match chosen {
            [] => first == Some(id),
            chosen => chosen.contains(&id.to_string()),
        };
        let at_once = lists.iter().any(|list| list.opt_in == OptIn::Single);
        Self {
            open: !lists.is_empty(),
            from,
            made,
            wording: consent::wording(&settings.magazine_name),
            description: lists.first().map(|list| list.description.clone()).unwrap_or_default(),
            several: lists.len() > 1,
            at_once,
            lists: lists
                .iter()
                .map(|list| Choice {
                    id: list.id,
                    name: list.name.clone(),
                    description: list.description.clone(),
                    asks: list.opt_in == OptIn::Double && at_once,
                    chosen: is_chosen(list.id),
                })
                .collect(),
        }
    }
}

async fn public_lists(app: &App) -> Result<Vec<List>, WebError> {
    Ok(lists::open(&app.site.db).await?)
}

#[derive(Serialize)]
struct Page {
    form: Form,
    ask: Ask,
    /// Why nothing was done, though nothing is wrong with the form.
    trouble: Option<String>,
}

/// `GET /subscribe`
pub(crate) async fn show(State(app): State<App>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let ask = Ask::new(&app, &settings, "subscribe").await?;
    let page = Page { form: Form::new(FIELDS), ask, trouble: None };
    app.public_page("public/subscribe", TITLE, &page).await
}

/// A sign-up that waits for one more press, or for some work of the browser.
#[derive(Serialize)]
struct Held<'a> {
    email: &'a EmailAddress,
    name: &'a str,
    lists: &'a [i64],
    from: &'static str,
    made: &'a str,
}

#[derive(Serialize)]
struct Meant<'a> {
    held: Held<'a>,
    meant: EmailAddress,
}

#[derive(Serialize)]
struct Work<'a> {
    held: Held<'a>,
    challenge: String,
    bits: u32,
}

/// `POST /subscribe`
pub(crate) async fn submit(State(app): State<App>, caller: Caller, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let quick = machines::age(&app.site, form.text("made")).is_some_and(|age| age < app.quickest_form);
    if quick || !form.text("website").is_empty() {
        return Ok(see_other("/subscribe/sent"));
    }
    let settings = Settings::load(&app.site.db).await?;
    let lists = public_lists(&app).await?;
    let (email, name, ids) = read(&mut form, &lists);
    // A hint comes before any refusal.
    let meant = email.as_ref().and_then(EmailAddress::meant).filter(|_| form.text("use").is_empty());
    if let (Some(email), None, true) = (&email, &meant, form.is_valid())
        && let Some(why) = subscribers::unwanted(&settings, app.lookout.as_ref(), email).await
    {
        form.mistake("email", why);
    }
    let (Some(email), true) = (email, form.is_valid()) else {
        let ask = Ask::again(&app, &lists, &settings, &form);
        return app.public_page_again("public/subscribe", TITLE, &Page { form, ask, trouble: None }).await;
    };
    let held =
        Held { email: &email, name: &name, lists: &ids, from: page_of(&form), made: form.text("made") };
    if let Some(meant) = meant {
        return app.public_page("public/subscribe_meant", TITLE, &Meant { held, meant }).await;
    }
    let new = NewSubscription {
        email: &email,
        name: &name,
        lists: &ids,
        wording: &consent::wording(&settings.magazine_name),
        form: page_of(&form),
        trace: caller.trace(),
        crowd: crowd(&app, &form),
    };
    match subscribers::subscribe(&app.site, &settings, new).await {
        Ok(Goes::Now) => Ok(see_other("/subscribe/sent")),
        Ok(Goes::Later) => Ok(see_other("/subscribe/sent?later=yes")),
        Err(SubscriberError::NotFound) => Err(WebError::BadRequest("That list is not there to be joined.")),
        Err(SubscriberError::Crowded) => {
            let work = Work { held, challenge: machines::challenge(&app.site), bits: machines::BITS };
            let page = app.public_page("public/subscribe_work", TITLE, &work).await?;
            Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response())
        }
        Err(SubscriberError::TooMany(wait)) => {
            let trouble = Some(format!(
                "Nothing was sent: more people than usual are subscribing just now. Please try again in {}.",
                words::wait(wait)
            ));
            let ask = Ask::again(&app, &lists, &settings, &form);
            let page = Page { form, ask, trouble };
            let page = app.public_page("public/subscribe", TITLE, &page).await?;
            Ok(too_many(wait, page))
        }
        Err(error) => Err(error.into()),
    }
}

/// Address, name and lists, with the mistakes noted.
fn read(form: &mut Form, lists: &[List]) -> (Option<EmailAddress>, String, Vec<i64>) {
    let chosen = if form.text("use").is_empty() { "email" } else { "use" };
    let email = form.parse(chosen, EmailAddress::parse);
    let name = form.optional("name", 100);
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use letters alone.");
    }
    if !form.is_ticked("consent") {
        form.mistake("consent", "Tick the box, so that we know you want our mail.");
    }
    let ids: Vec<i64> = match lists {
        // Where there is no choice, nobody is asked.
        [only] => vec![only.id],
        _ => form.all("list").iter().filter_map(|id| id.parse().ok()).collect(),
    };
    if ids.is_empty() && !lists.is_empty() {
        form.mistake("list", "Choose at least one.");
    }
    (email, name, ids)
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

/// The page the form stood on, out of those that have one.
fn page_of(form: &Form) -> &'static str {
    match form.text("from") {
        "home" => "home",
        "article" => "article",
        _ => "subscribe",
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    later: String,
}

#[derive(Serialize)]
struct Sent {
    contact: String,
    later: bool,
    /// Whether there is a list for which the form alone is enough.
    at_once: bool,
}

/// `GET /subscribe/sent`: true of every address, and so of none in particular.
pub(crate) async fn sent(State(app): State<App>, Query(asked): Query<Asked>) -> Outcome {
    let contact = Settings::load(&app.site.db).await?.contact_email;
    let later = asked.later == "yes";
    let at_once = public_lists(&app).await?.iter().any(|list| list.opt_in == OptIn::Single);
    let title = if later { "Your mail comes later" } else { "Check your mail" };
    app.public_page("public/subscribe_sent", title, &Sent { contact, later, at_once }).await
}
