//! `/subscribe`: the form, and the answer that is the same for every address.

use axum::extract::State;
use serde::Serialize;

use super::{
    super::{App, Form, Outcome, Posted, WebError, answers::too_many, session::see_other, words},
    caller::Caller,
};
use crate::{
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{
        self, NewSubscription, SubscriberError, consent,
        lists::{self, List},
    },
};

/// `website` is no question: people do not see it, and programs that fill in every field give themselves away.
const FIELDS: &[&str] = &["email", "name", "list", "consent", "from", "website"];
const TITLE: &str = "Subscribe";

/// What a form that asks for an address needs, on whatever page it stands.
#[derive(Debug, Serialize)]
pub(super) struct Ask {
    /// Whether there is a list to join.
    open: bool,
    /// Which page it is, for the proof of consent.
    from: &'static str,
    /// The words beside the box.
    wording: String,
    /// What is sent, in a sentence; may be empty.
    description: String,
    lists: Vec<Choice>,
    /// Whether there is a choice of lists.
    several: bool,
}

#[derive(Debug, Serialize)]
struct Choice {
    id: i64,
    name: String,
    description: String,
    chosen: bool,
}

impl Ask {
    pub(super) async fn new(app: &App, settings: &Settings, from: &'static str) -> Result<Self, WebError> {
        Ok(Self::with_lists(&public_lists(app).await?, settings, from, &[]))
    }

    fn with_lists(lists: &[List], settings: &Settings, from: &'static str, chosen: &[String]) -> Self {
        let first = lists.first().map(|list| list.id);
        let is_chosen = |id: i64| match chosen {
            [] => first == Some(id),
            chosen => chosen.contains(&id.to_string()),
        };
        Self {
            open: !lists.is_empty(),
            from,
            wording: consent::wording(&settings.magazine_name),
            description: lists.first().map(|list| list.description.clone()).unwrap_or_default(),
            several: lists.len() > 1,
            lists: lists
                .iter()
                .map(|list| Choice {
                    id: list.id,
                    name: list.name.clone(),
                    description: list.description.clone(),
                    chosen: is_chosen(list.id),
                })
                .collect(),
        }
    }
}

async fn public_lists(app: &App) -> Result<Vec<List>, WebError> {
    let all = lists::all(&app.site.db).await?;
    Ok(all.into_iter().filter(List::is_public).collect())
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

/// `POST /subscribe`
pub(crate) async fn submit(State(app): State<App>, caller: Caller, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    if !form.text("website").is_empty() {
        return Ok(see_other("/subscribe/sent"));
    }
    let settings = Settings::load(&app.site.db).await?;
    let lists = public_lists(&app).await?;
    let email = form.parse("email", EmailAddress::parse);
    let name = form.optional("name", 100);
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use letters alone.");
    }
    if !form.is_ticked("consent") {
        form.mistake("consent", "Tick the box, so that we know you want our mail.");
    }
    let chosen = match lists.as_slice() {
        // Where there is no choice, nobody is asked.
        [only] => vec![only.id],
        _ => form.all("list").iter().filter_map(|id| id.parse().ok()).collect(),
    };
    if chosen.is_empty() && !lists.is_empty() {
        form.mistake("list", "Choose at least one.");
    }
    let (Some(email), true) = (email, form.is_valid()) else {
        let ask = Ask::with_lists(&lists, &settings, page_of(&form), form.all("list"));
        return app.public_page_again("public/subscribe", TITLE, &Page { form, ask, trouble: None }).await;
    };
    let new = NewSubscription {
        email: &email,
        name: &name,
        lists: &chosen,
        wording: &consent::wording(&settings.magazine_name),
        form: page_of(&form),
        trace: caller.trace(),
    };
    match subscribers::subscribe(&app.site, &settings, new).await {
        Ok(()) => Ok(see_other("/subscribe/sent")),
        Err(SubscriberError::NotFound) => Err(WebError::BadRequest("That list is not there to be joined.")),
        Err(SubscriberError::TooMany(wait)) => {
            let trouble = Some(format!(
                "Nothing was sent: more people than usual are subscribing just now. Please try again in {}.",
                words::wait(wait)
            ));
            let ask = Ask::with_lists(&lists, &settings, page_of(&form), form.all("list"));
            let page = Page { form, ask, trouble };
            let page = app.public_page("public/subscribe", TITLE, &page).await?;
            Ok(too_many(wait, page))
        }
        Err(error) => Err(error.into()),
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

#[derive(Serialize)]
struct Sent {
    contact: String,
}

/// `GET /subscribe/sent`: true of every address, and so of none in particular.
pub(crate) async fn sent(State(app): State<App>) -> Outcome {
    let contact = Settings::load(&app.site.db).await?.contact_email;
    app.public_page("public/subscribe_sent", "Check your mail", &Sent { contact }).await
}
