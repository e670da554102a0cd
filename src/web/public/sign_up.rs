//! `/api/forms/{form}`: subscribing from a page of a site that the owner named, by a script there.
//!
//! Its answers are JSON, and the same for every address. Browsers let no other site read them, nor send anything by them; and what
//! comes without their word is not taken either.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{App, Form, Outcome, WebError, answers::not_now, elsewhere::let_read, words},
    ask::{ASKED, FIELDS, Typed, posted_names, read, saw_the_words, topic_sent},
    caller::Caller,
};
use crate::{
    settings::Settings,
    subscribers::{
        self, Crowd, Goes, NewSubscription, SubscriberError, consent,
        forms::{self, Shown},
    },
};

/// How long a browser may remember that it may send.
const REMEMBERED: &str = "600";

/// What a page sends. Nothing else may stand in it (TRUST A13).
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sent {
    email: String,
    name: String,
    /// Short names of lists; needed where there is a choice.
    lists: Vec<String>,
    /// What the form asks beside, by the names of the fields.
    fields: BTreeMap<String, Value>,
    /// What interests them of a list: its short name, and names of topics. Needed nowhere.
    topics: BTreeMap<String, Vec<String>>,
    /// Whether they ticked the box with the wording.
    consent: bool,
    /// What the words are known by that stood beside it.
    wording: String,
    /// That an address which looks mistyped is not.
    as_typed: bool,
    /// That they wait for their turn when more than usual come.
    later: bool,
    /// The field that people do not see.
    website: String,
}

/// `POST` and `OPTIONS /api/forms/{form}`
pub(crate) async fn receive(
    State(app): State<App>,
    Path(slug): Path<String>,
    caller: Caller,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let shown = forms::shown(&app.site.db, &settings, &slug).await?.ok_or(WebError::NotFound)?;
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin.filter(|origin| shown.form.is_on(origin)) else {
        return Err(WebError::CrossSite);
    };
    let mut answer = if method == Method::OPTIONS {
        may_be_sent()
    } else if !is_json(&headers) {
        say(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send JSON, with the content type application/json.")
    } else {
        match serde_json::from_slice(&body) {
            Ok(sent) => take(&app, &settings, &caller, &shown, origin, sent).await?,
            Err(_) => say(StatusCode::BAD_REQUEST, "The JSON holds something that this form does not have."),
        }
    };
    let origin = HeaderValue::from_str(origin).map_err(WebError::internal)?;
    let_read(answer.headers_mut(), origin);
    Ok(answer)
}

/// The answer to a browser that asks first (Fetch, "CORS-preflight").
fn may_be_sent() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn say(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

async fn take(
    app: &App,
    settings: &Settings,
    caller: &Caller,
    shown: &Shown,
    origin: &str,
    sent: Sent,
) -> Outcome {
    match forms::may_send_from_elsewhere(&app.site, caller.trace().ip).await {
        Ok(()) => {}
        Err(SubscriberError::TooMany(wait)) => return Ok(later(wait)),
        Err(error) => return Err(error.into()),
    }
    if !sent.website.is_empty() {
        return Ok(taken(Goes::Now));
    }
    if shown.lists.is_empty() {
        return Ok(say(StatusCode::NOT_FOUND, "There is nothing to subscribe to at the moment."));
    }
    let Some(mut form) = form_of(shown, &sent) else {
        return Ok(say(StatusCode::BAD_REQUEST, "The JSON holds something that this form does not have."));
    };
    let Typed { email, name, lists, answers } = read(&mut form, shown);
    if let Some(meant) = email.as_ref().and_then(|email| email.meant()).filter(|_| !sent.as_typed) {
        form.mistake("email", format_args!("Did you mean {meant}?"));
    }
    if !saw_the_words(&form, shown) {
        form.mistake("consent", "Show the words of this form beside the box, and leave it unticked.");
    }
    let (Some(email), true) = (email, form.is_valid()) else { return Ok(mistaken(&form, shown)) };
    let new = NewSubscription {
        email: &email,
        name: &name,
        lists: &lists,
        answers: &answers.write(),
        wording: &shown.wording,
        by: shown.form.by(origin),
        trace: caller.trace(),
        crowd: match (app.sandbox.is_some(), sent.later) {
            (true, _) => Crowd::Nobody,
            (false, true) => Crowd::Waits,
            (false, false) => Crowd::Unasked,
        },
        lookout: app.lookout.as_ref(),
    };
    match subscribers::subscribe(&app.site, settings, new).await {
        Ok(goes) => Ok(taken(goes)),
        Err(SubscriberError::Unwanted(why)) => {
            form.mistake("email", why);
            Ok(mistaken(&form, shown))
        }
        Err(SubscriberError::Crowded) => {
            let error = "More people than usual are subscribing just now. Lead people to the page of the form, or send “later”.";
            let page = app.site.url(&shown.form.path());
            Ok((StatusCode::TOO_MANY_REQUESTS, Json(json!({ "error": error, "page": page }))).into_response())
        }
        Err(SubscriberError::TooMany(wait)) => Ok(later(wait)),
        Err(SubscriberError::NotFound) => {
            Ok(say(StatusCode::NOT_FOUND, "That list is not there to be joined."))
        }
        Err(error) => Err(error.into()),
    }
}

/// What was sent, as a form of ours holds it; none if it has a field or a list that the form does not have.
fn form_of(shown: &Shown, sent: &Sent) -> Option<Form> {
    let mut form = Form::with_more(FIELDS, posted_names(shown))
        .with("email", sent.email.as_str())
        .with("name", sent.name.as_str());
    form = form.with("words", sent.wording.as_str());
    if sent.consent {
        form = form.with("consent", "yes");
    }
    for slug in &sent.lists {
        form = form.with("list", shown.lists.iter().find(|list| list.slug == *slug)?.id.to_string());
    }
    for (slug, names) in &sent.topics {
        let list = shown.lists.iter().find(|list| list.slug == *slug)?.id;
        let offered = shown.topics.iter().filter(|(of, _)| *of == list).flat_map(|(_, topics)| topics);
        // One that was taken away since that page was made is left out.
        for topic in offered.filter(|topic| names.contains(&topic.name)) {
            form = form.with("topic", topic_sent(list, topic));
        }
    }
    for (name, value) in &sent.fields {
        let name = format!("{ASKED}{name}");
        if form.typed(&name).is_none() {
            // Taken away since that page was made.
            continue;
        }
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => return None,
        };
        form = form.with(&name, value);
    }
    Some(form)
}

/// The same for every address (TRUST A22).
fn taken(goes: Goes) -> Response {
    let mail = if goes == Goes::Later { "later" } else { "now" };
    (StatusCode::ACCEPTED, Json(json!({ "mail": mail }))).into_response()
}

fn mistaken(form: &Form, shown: &Shown) -> Response {
    let named = |(name, error): (&str, &str)| {
        let name = match name {
            "list" => "lists",
            "use" => "email",
            name => name.strip_prefix(ASKED).unwrap_or(name),
        };
        (name.to_owned(), Value::from(error))
    };
    let errors: serde_json::Map<String, Value> = form.mistakes().map(named).collect();
    let wording = json!({ "id": consent::known_by(&shown.wording), "text": shown.wording });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "errors": errors, "wording": wording }))).into_response()
}

fn later(wait: Duration) -> Response {
    let error = format!("Nothing was sent. Try again in {}.", words::wait(wait));
    let page = (StatusCode::TOO_MANY_REQUESTS, Json(json!({ "error": error }))).into_response();
    not_now(StatusCode::TOO_MANY_REQUESTS, wait, page)
}
