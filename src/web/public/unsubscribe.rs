//! `/unsubscribe/{token}`: one press, no questions. The same address takes the mail program's own one-click request
//! (RFC 8058), which has no cookie, no origin and no page before it.
//!
//! Whoever leaves without our page is answered 200, whatever the link is, and never with a redirect; our own buttons lead on to the page as
//! it is then, so that Back finds its way. A link that is not ours changes nothing and is told so in
//! the same words, whichever of its bits is wrong (TRUST M2-M4). What the page asks and offers beside that comes once somebody is
//! off the list.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, header},
};
use serde::Serialize;

use super::{
    super::{
        App, Form, Outcome,
        answers::too_many,
        session::see_other,
        words::{self, readers::left_because},
    },
    caller::Caller,
    told::{InAddress, Told},
};
use crate::{
    settings::Settings,
    subscribers::{self, ConsentMethod, LeavingReason, Left, SaidOfLeaving, SubscriberError, consent},
};

const TEMPLATE: &str = "public/unsubscribe";
/// The fields of the form that asks why.
const WHY: &[&str] = &["reason", "words"];
/// Characters of somebody's own words.
const LONGEST_WORDS: usize = 500;
/// The forms of the page have three.
const MOST_FIELDS: usize = 10;

#[derive(Serialize)]
struct Page {
    /// The address of the page.
    here: String,
    /// `on`, `off`, `back`, or `unknown` for a link that is not ours.
    state: &'static str,
    list: String,
    can_undo: bool,
    /// Whether they are off it and did not say so themselves: they may still.
    unsaid: bool,
    /// For how long nothing is undone, for too much was.
    waits: Option<String>,
    preferences: String,
    contact: String,
    left_all: bool,
    /// Whether the list has topics that they could choose among instead.
    has_topics: bool,
    /// Whether they could choose to get it less often.
    has_rhythms: bool,
    /// What else comes to them; empty where nothing does, and for a mail program that leaves for somebody.
    others: String,
    /// Whether nothing comes all the same: mail to their address is stopped, or they rest.
    held_up: bool,
    stopped: bool,
    /// Until when they rest from the list that they are back on.
    rests_until: String,
    why: Option<Why>,
}

/// The form that asks why.
#[derive(Serialize)]
struct Why {
    /// They said it before.
    said: bool,
    form: Form,
    reasons: Vec<Reason>,
}

#[derive(Serialize)]
struct Reason {
    word: &'static str,
    label: &'static str,
    chosen: bool,
}

/// `GET /unsubscribe/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>, told: InAddress) -> Outcome {
    let found = known(subscribers::look_at_unsubscribe(&app.site, &token).await)?;
    let undone = matches!(told.read(&app.site, &here(&token)), Some(Told::Undone));
    page(&app, &token, found, Some(Pressed::Nothing { undone })).await
}

fn here(token: &str) -> String {
    format!("/unsubscribe/{token}")
}

/// `POST /unsubscribe/{token}`
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    let (site, trace) = (&app.site, caller.trace());
    let pressed = Pressed::read(&headers, &body);
    let found = match &pressed {
        None => subscribers::leave(site, &token, ConsentMethod::OneClick, trace).await,
        Some(Pressed::Leave) => subscribers::leave(site, &token, ConsentMethod::UnsubscribePage, trace).await,
        Some(Pressed::LeaveAll(_)) => subscribers::leave_all(site, &token, trace).await,
        Some(Pressed::Undo) => match subscribers::rejoin(site, &token, trace).await {
            Err(SubscriberError::TooMany(wait)) => {
                let found = known(subscribers::look_at_unsubscribe(site, &token).await)?;
                return Ok(too_many(wait, page(&app, &token, found, Some(Pressed::Waits(wait))).await?));
            }
            rejoined => rejoined,
        },
        Some(Pressed::Why(_) | Pressed::Nothing { .. } | Pressed::Waits(_)) => {
            subscribers::look_at_unsubscribe(site, &token).await
        }
    };
    let found = known(found)?;
    let (Some(pressed), Some(left)) = (&pressed, &found) else {
        return page(&app, &token, found, pressed).await;
    };
    if let Pressed::Why(form) | Pressed::LeaveAll(Some(form)) = pressed {
        match said(form) {
            Some((reason, words)) => {
                known(subscribers::say_why(site, &token, (reason, &words), trace).await)?;
            }
            // What they typed is still there, and what they pressed beside it is done.
            None => return page(&app, &token, found, Some(Pressed::Why(form.clone()))).await,
        }
    }
    Ok(match pressed {
        Pressed::Undo if left.subscribed => Told::Undone.at(site, &here(&token), ""),
        Pressed::Why(_) => see_other(&format!("{}#why", here(&token))),
        _ => see_other(&here(&token)),
    })
}

/// None for a link that is not ours.
fn known<T>(found: Result<T, SubscriberError>) -> Result<Option<T>, SubscriberError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(SubscriberError::Link | SubscriberError::Expired | SubscriberError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which button of our page it was.
#[derive(Clone, Debug)]
enum Pressed {
    /// The page was opened; perhaps after undoing.
    Nothing {
        undone: bool,
    },
    Leave,
    /// Perhaps with why.
    LeaveAll(Option<Box<Form>>),
    Undo,
    /// Undone too often: how long nothing more is.
    Waits(Duration),
    /// Why they left, with what is wrong with it.
    Why(Box<Form>),
}

impl Pressed {
    /// Only our own page's buttons name themselves. Everything else wants to leave, in whatever form it comes: RFC 8058
    /// lets mail providers choose between two encodings, and some send none. None for that.
    fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
        if !kind.starts_with(b"application/x-www-form-urlencoded") {
            return None;
        }
        let pressed: Vec<_> = url::form_urlencoded::parse(body)
            .filter(|(name, _)| name == "press")
            .map(|(_, word)| word)
            .collect();
        // The button to leave every list sends what was typed into the form beside it.
        if pressed.iter().any(|word| word == "leave-all") {
            let why = Some(why(body))
                .filter(|form| !form.text("reason").is_empty() || !form.text("words").is_empty());
            return Some(Self::LeaveAll(why.map(Box::new)));
        }
        match pressed.first().map(AsRef::as_ref)? {
            "undo" => Some(Self::Undo),
            "leave" => Some(Self::Leave),
            "why" => Some(Self::Why(Box::new(why(body)))),
            _ => None,
        }
    }
}

/// What was said of the leaving, and what is wrong with it.
fn why(body: &[u8]) -> Form {
    let fields = url::form_urlencoded::parse(body).take(MOST_FIELDS);
    let mut form = fields.fold(Form::new(WHY), |form, (name, value)| {
        form.with(&name, value.replace("\r\n", "\n").replace('\0', ""))
    });
    let words = form.optional("words", LONGEST_WORDS);
    let reason = form.text("reason").to_owned();
    if !reason.is_empty() && LeavingReason::parse(&reason).is_none() || reason.is_empty() && words.is_empty()
    {
        form.mistake("reason", "Choose one, or write a line.");
    }
    form
}

/// The same, if nothing is wrong with it; words alone are a reason, too.
fn said(form: &Form) -> Option<(LeavingReason, String)> {
    let reason = LeavingReason::parse(form.text("reason")).unwrap_or(LeavingReason::Other);
    form.is_valid().then(|| (reason, form.text("words").to_owned()))
}

async fn page(app: &App, token: &str, found: Option<Left>, pressed: Option<Pressed>) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    let mut page = Page {
        here: here(token),
        state: "unknown",
        list: String::new(),
        can_undo: false,
        unsaid: false,
        waits: None,
        preferences: String::new(),
        contact: settings.contact_email.clone(),
        left_all: false,
        has_topics: false,
        has_rhythms: false,
        others: String::new(),
        held_up: false,
        stopped: false,
        rests_until: String::new(),
        why: None,
    };
    let Some(left) = found else { return app.public_page(TEMPLATE, "Leaving", &page).await };
    let (title, state) = match (left.subscribed, &pressed) {
        (true, Some(Pressed::Nothing { undone: true })) => ("You are back", "back"),
        (true, _) => ("Leave the list?", "on"),
        (false, _) => ("You are off the list", "off"),
    };
    page.state = state;
    if let Some(Pressed::Waits(wait)) = &pressed {
        page.waits = Some(words::wait(*wait));
    }
    page.can_undo = left.can_undo;
    page.unsaid = !left.subscribed && !left.has_said;
    page.preferences = subscribers::choices_path(&app.site, &left.public_id);
    if state == "back" {
        let after = subscribers::after_leaving(&app.site, &left).await?;
        page.others = if after.held_up { String::new() } else { names(&after.others) };
        let back = subscribers::after_coming_back(&app.site, &left).await?;
        page.stopped = back.stopped;
        page.rests_until = back.rests_until.map(|until| until.date(&settings.time_zone)).unwrap_or_default();
    }
    let lists = subscribers::lists::all(&app.site.db).await?;
    page.has_rhythms = lists.iter().any(|list| list.id == left.list_id && !list.rhythms.is_empty());
    if let Some(pressed) = pressed.filter(|_| !left.subscribed) {
        let after = subscribers::after_leaving(&app.site, &left).await?;
        page.left_all = after.left_all;
        page.has_topics = after.has_topics;
        page.can_undo = after.can_undo;
        page.others = names(&after.others);
        page.held_up = after.held_up;
        page.why = left.may_say_why.then(|| Why::new(after.said, pressed));
    }
    page.list = left.list;
    if page.why.as_ref().is_some_and(|why| !why.form.is_valid()) {
        return app.public_page_again(TEMPLATE, title, &page).await;
    }
    app.public_page(TEMPLATE, title, &page).await
}

fn names(lists: &[String]) -> String {
    consent::phrase(&lists.iter().map(String::as_str).collect::<Vec<_>>())
}

impl Why {
    fn new(said: Option<SaidOfLeaving>, pressed: Pressed) -> Self {
        let (is_said, form) = (said.is_some(), Form::new(WHY));
        let form = match (pressed, said) {
            (Pressed::Why(form), _) if !form.is_valid() => *form,
            (_, Some(said)) => form.with("reason", said.reason.as_str()).with("words", said.words),
            (_, None) => form,
        };
        let reason = |one: LeavingReason| Reason {
            word: one.as_str(),
            label: left_because(one),
            chosen: form.text("reason") == one.as_str(),
        };
        Self { said: is_said, reasons: LeavingReason::ALL.into_iter().map(reason).collect(), form }
    }
}
