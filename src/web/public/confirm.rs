//! `/confirm/{token}`: the page that the confirmation mail leads to. Programs that look at links before people do open it
//! too, so only the button confirms (TRUST A25).

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Outcome, WebError},
    caller::Caller,
    dead_link,
};
use crate::{
    staff::Settings,
    subscribers::{self, Confirmed, SubscriberError},
};

#[derive(Serialize)]
struct Page {
    /// Whether the button was pressed, now or earlier.
    joined: bool,
    /// The lists, as a phrase: "The weekly and Appeals".
    lists: String,
    preferences: String,
    donate: bool,
}

/// `GET /confirm/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Outcome {
    match subscribers::look_at_confirmation(&app.site, &token).await {
        Ok(asked) => page(&app, asked, false).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// `POST /confirm/{token}`
pub(crate) async fn submit(State(app): State<App>, caller: Caller, Path(token): Path<String>) -> Outcome {
    match subscribers::confirm(&app.site, &token, caller.trace()).await {
        Ok(confirmed) => page(&app, confirmed, true).await,
        Err(error) => dead_end(&app, error).await,
    }
}

async fn page(app: &App, confirmed: Confirmed, joined: bool) -> Outcome {
    if confirmed.lists.is_empty() {
        return dead_link::page(app, dead_link::Was::Left).await;
    }
    let settings = Settings::load(&app.site.db).await?;
    let page = Page {
        joined,
        lists: phrase(&confirmed.lists),
        preferences: subscribers::preferences_path(&app.site, &confirmed.reader.public_id),
        donate: !settings.appeal_text.is_empty(),
    };
    let title = if joined { "You are on the list" } else { "Please confirm" };
    app.public_page("public/confirm", title, &page).await
}

async fn dead_end(app: &App, error: SubscriberError) -> Outcome {
    match error {
        SubscriberError::Expired => dead_link::page(app, dead_link::Was::TooOld).await,
        SubscriberError::Link | SubscriberError::NotFound => {
            dead_link::page(app, dead_link::Was::Unknown).await
        }
        error => Err(WebError::from(error)),
    }
}

fn phrase(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_a_phrase() {
        let names = |names: &[&str]| phrase(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["A"]), "A");
        assert_eq!(names(&["A", "B"]), "A and B");
        assert_eq!(names(&["A", "B", "C"]), "A, B and C");
    }
}
