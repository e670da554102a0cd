//! `/preferences/{token}`: a reader's own page. The link came to their mailbox, and that is all the proof it takes.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Form, Outcome, Posted, WebError},
    caller::Caller,
    dead_link,
};
use crate::subscribers::{self, Preferences, SubscriberError, TopicChoices, TopicsTicked};

const FIELDS: &[&str] = &["name", "list", "topics_of", "topic", "press"];
const TITLE: &str = "Your choices";

#[derive(Serialize)]
struct Page {
    /// Masked: enough to recognise one's own, and nothing for whoever was handed the link.
    email: String,
    /// The address of the page.
    here: String,
    /// The words over the lists.
    wording: &'static str,
    #[serde(flatten)]
    preferences: Preferences,
    form: Form,
    /// What they can choose of each list.
    topics: Vec<TopicChoices>,
    saved: bool,
    /// Whether they get anything at all.
    on_some: bool,
}

/// `GET /preferences/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    match subscribers::look_at_preferences(&app.site, &token).await {
        Ok(preferences) => page(&app, &token, preferences, None, false).await,
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
    let name = form.optional("name", 100);
    if name.chars().any(char::is_control) {
        form.mistake("name", "Use letters alone.");
    }
    if !form.is_valid() {
        return match subscribers::look_at_preferences(&app.site, &token).await {
            Ok(preferences) => page(&app, &token, preferences, Some(form), false).await,
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
        Ok(preferences) => page(&app, &token, preferences, None, true).await,
        Err(error) => dead_end(&app, error).await,
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
    saved: bool,
) -> Outcome {
    let again = mistaken.is_some();
    let page = Page {
        email: preferences.reader.email.masked(),
        here: format!("/preferences/{token}"),
        wording: subscribers::consent::PREFERENCES_WORDING,
        on_some: preferences.lists.iter().any(|list| list.joined && !list.retired),
        form: mistaken.unwrap_or_else(|| Form::new(FIELDS).with("name", preferences.reader.name.clone())),
        preferences,
        topics: subscribers::topic_choices(&app.site, token).await?,
        saved,
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
