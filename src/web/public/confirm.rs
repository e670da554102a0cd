//! `/confirm/{token}`: the page that the confirmation mail leads to. Programs that look at links before people do open it
//! too, so only the button confirms (TRUST A25): the page presses it where a browser shows it, and else a person does.

use axum::extract::{Path, State};
use serde::Serialize;

use super::{
    super::{App, Outcome, Posted, WebError, session::see_other},
    caller::Caller,
    dead_link,
    told::{InAddress, Told},
};
use crate::{
    settings::Settings,
    subscribers::{self, Confirmed, SubscriberError, consent},
};

#[derive(Serialize)]
struct Page {
    /// What they asked for and may confirm now; nothing once they did.
    waiting: Vec<i64>,
    /// Whether the page presses the button for who looks at it.
    presses: bool,
    question: String,
    button: &'static str,
    /// The lists they are on, as a phrase: "The weekly and Appeals".
    lists: String,
    preferences: String,
    /// What else they may join by one press.
    offers: Vec<Offer>,
    donate: bool,
    /// Whether a list that they pressed for is not there any more.
    gone: bool,
    /// Whether mail to their address is stopped since.
    stopped: bool,
}

#[derive(Serialize)]
struct Offer {
    id: i64,
    description: String,
    /// What the button says, and the proof keeps.
    button: String,
}

/// `GET /confirm/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>, told: InAddress) -> Outcome {
    let told = told.read(&app.site, &here(&token));
    let gone = matches!(told, Some(Told::Gone));
    let joined = match told {
        Some(Told::Joined(lists)) => lists,
        _ => Vec::new(),
    };
    match subscribers::look_at_confirmation(&app.site, &token, &joined).await {
        // What they asked for since is for another look.
        Ok(asked) if !joined.is_empty() && !asked.lists.is_empty() => {
            page(&app, Confirmed { waiting: Vec::new(), ..asked }, gone).await
        }
        Ok(asked) => page(&app, asked, gone).await,
        Err(error) => dead_end(&app, error).await,
    }
}

/// `POST /confirm/{token}`: the form names the lists that it showed, since more may have been asked for in the meantime.
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    posted: Posted,
) -> Outcome {
    let form = posted.form(&["list", "also"])?;
    if form.is_ticked("also") {
        let list = form.text("also").parse().map_err(|_| WebError::BadRequest("Choose a list."))?;
        return match subscribers::join_offered(&app.site, &token, list, caller.trace()).await {
            Ok(()) => Ok(Told::Joined(vec![list]).at(&app.site, &here(&token), "")),
            Err(SubscriberError::NotFound) => Ok(Told::Gone.at(&app.site, &here(&token), "")),
            Err(error) => dead_end(&app, error).await,
        };
    }
    let shown: Vec<i64> = form.all("list").iter().filter_map(|id| id.parse().ok()).collect();
    match subscribers::confirm(&app.site, &token, &shown, caller.trace()).await {
        Ok(joined) if joined.is_empty() => Ok(see_other(&here(&token))),
        Ok(joined) => Ok(Told::Joined(joined).at(&app.site, &here(&token), "")),
        Err(error) => dead_end(&app, error).await,
    }
}

fn here(token: &str) -> String {
    format!("/confirm/{token}")
}

async fn page(app: &App, confirmed: Confirmed, gone: bool) -> Outcome {
    let Confirmed { reader, waiting, by_letter, lists, offers, retired } = confirmed;
    if waiting.is_empty() && lists.is_empty() {
        let was = if retired { dead_link::Was::Retired } else { dead_link::Was::Left };
        return dead_link::page(app, was).await;
    }
    let settings = Settings::load(&app.site.db).await?;
    let asked: Vec<&str> = waiting.iter().map(|(_, name)| name.as_str()).collect();
    let on: Vec<&str> = lists.iter().map(String::as_str).collect();
    let title = if waiting.is_empty() { "You are on the list" } else { "Please confirm" };
    let page = Page {
        question: consent::confirmation_question(&asked),
        button: consent::CONFIRM_BUTTON,
        presses: by_letter,
        lists: consent::phrase(&on),
        waiting: waiting.iter().map(|(id, _)| *id).collect(),
        offers: offers
            .into_iter()
            .map(|list| Offer {
                id: list.id,
                button: consent::offer_wording(&list.name),
                description: list.description,
            })
            .collect(),
        preferences: subscribers::choices_path(&app.site, &reader.public_id),
        stopped: subscribers::stopped(&app.site, &reader).await?.editions,
        donate: !settings.appeal_text.is_empty(),
        gone,
    };
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
