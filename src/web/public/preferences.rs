//! `/preferences/{token}`: a reader's own page. The link came to their mailbox, and that is all the proof it takes.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Form, Outcome, Posted, WebError},
    caller::Caller,
    dead_link,
};
use crate::{
    settings::Settings,
    subscribers::{self, Preferences, SubscriberError, TopicChoices, TopicsTicked, Weeks},
};

const FIELDS: &[&str] = &["name", "list", "topics_of", "topic", "press"];
const TITLE: &str = "Your choices";

#[derive(Serialize)]
struct Page {
    /// Masked: enough to recognise one's own, and nothing for whoever was handed the link.
    email: String,
    /// The words over the lists.
    wording: &'static str,
    #[serde(flatten)]
    preferences: Preferences,
    form: Form,
    /// What they can choose of each list.
    topics: Vec<TopicChoices>,
    saved: bool,
    /// Whether they began or ended a pause just now.
    paused: bool,
    went_on: bool,
    /// The day on which mail comes again, if they rest from it.
    rests_until: Option<String>,
    /// For how long they may rest.
    pauses: Vec<Pause>,
    /// Whether they get anything at all.
    on_some: bool,
}

/// A length of a pause.
#[derive(Serialize)]
struct Pause {
    weeks: &'static str,
    until: String,
}

/// What was done just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Nothing,
    Saved,
    Paused,
    WentOn,
}

/// `GET /preferences/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    match subscribers::look_at_preferences(&app.site, &token).await {
        Ok(preferences) => page(&app, &token, preferences, None, Done::Nothing).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// `POST /preferences/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let press = form.text("press");
    if let Some(weeks) = press.strip_prefix("pause-").and_then(Weeks::parse) {
        let paused = subscribers::pause(&app.site, &token, weeks).await.map(|_| ());
        return after(&app, &token, paused, Done::Paused).await;
    }
    if press == "go-on" {
        let went_on = subscribers::go_on(&app.site, &token).await.map(|_| ());
        return after(&app, &token, went_on, Done::WentOn).await;
    }
    let name = form.optional("name", 100);
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use letters alone.");
    }
    if !form.is_valid() {
        return match subscribers::look_at_preferences(&app.site, &token).await {
            Ok(preferences) => page(&app, &token, preferences, Some(form), Done::Nothing).await,
            Err(error) => dead_end(&app, error).await,
        };
    }
    let joined: Vec<i64> = match form.text("press") {
        "leave-all" => Vec::new(),
        _ => form.all("list").iter().filter_map(|id| id.parse().ok()).collect(),
    };
    let topics = topics(&form);
    let saved =
        subscribers::save_preferences(&app.site, &token, &name, &joined, &topics, caller.trace()).await;
    match saved {
        Ok(preferences) => page(&app, &token, preferences, None, Done::Saved).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// The page as it is after a pause was begun or ended.
async fn after(app: &App, token: &str, changed: subscribers::Result<()>, done: Done) -> Outcome {
    if let Err(error) = changed {
        return dead_end(app, error).await;
    }
    match subscribers::look_at_preferences(&app.site, token).await {
        Ok(preferences) => page(app, token, preferences, None, done).await,
        Err(error) => dead_end(app, error).await,
    }
}

/// The lists that topics were shown of, and what was ticked: `list.topic`.
fn topics(form: &Form) -> TopicsTicked {
    let pair = |text: &String| {
        let (list, topic) = text.split_once('.')?;
        Some((list.parse().ok()?, topic.parse().ok()?))
    };
    let shown = form.all("topics_of").iter().filter_map(|id| id.parse().ok());
    TopicsTicked { shown: shown.collect(), ticked: form.all("topic").iter().filter_map(pair).collect() }
}

async fn page(
    app: &App,
    token: &str,
    preferences: Preferences,
    mistaken: Option<Form>,
    done: Done,
) -> Outcome {
    let zone = Settings::load(&app.site.db).await?.time_zone;
    let on_any = preferences.lists.iter().any(|list| list.joined);
    let pause =
        |weeks: Weeks| Pause { weeks: weeks.as_str(), until: weeks.end(&zone, app.site.now()).date(&zone) };
    let again = mistaken.is_some();
    let page = Page {
        email: preferences.reader.email.masked(),
        wording: subscribers::consent::PREFERENCES_WORDING,
        on_some: preferences.lists.iter().any(|list| list.joined && !list.retired),
        rests_until: preferences.rests_until.map(|until| until.date(&zone)),
        pauses: if on_any { Weeks::ALL.map(pause).into() } else { Vec::new() },
        form: mistaken.unwrap_or_else(|| Form::new(FIELDS).with("name", preferences.reader.name.clone())),
        preferences,
        topics: subscribers::topic_choices(&app.site, token).await?,
        saved: done == Done::Saved,
        paused: done == Done::Paused,
        went_on: done == Done::WentOn,
    };
    if again {
        return app.public_page_again("public/preferences", TITLE, &page).await;
    }
    app.public_page("public/preferences", TITLE, &page).await
}

async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        error => Err(WebError::from(error)),
    }
}
