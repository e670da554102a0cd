//! What is asked between the form to give and the checkout: one more press, some work of the browser, whether a second gift is meant.
//! The gift is held on each of these pages as it was typed.

use std::time::Duration;

use axum::{http::StatusCode, response::IntoResponse as _};
use serde::Serialize;

use super::super::{App, Form, Outcome, words};
use crate::{
    clock::Zone,
    donations::{GIVERS_PATIENCE, GivenBefore},
    money::Money,
    subscribers::machines,
};

pub(super) const TITLE: &str = "Donate";
/// A form that was made before that is pressed once more.
const OLDEST_FORM: Duration = Duration::from_secs(86_400);

/// What is asked.
pub(super) enum Question<'a> {
    /// One more press, for a form that came sooner than people are, or from nowhere. `to` is where the receipt goes, for people.
    Press { amount: Money, to: String },
    /// Some work, or some patience.
    Work,
    /// Whether a second gift is meant.
    Again { before: GivenBefore, zone: &'a Zone },
}

/// A gift as it was typed.
#[derive(Serialize)]
struct Held<'a> {
    amount: &'a str,
    every: &'a str,
    email: &'a str,
    name: &'a str,
    e: &'a str,
    s: &'a str,
    a: &'a str,
    made: String,
    again: bool,
}

impl<'a> Held<'a> {
    fn new(app: &App, form: &'a Form) -> Self {
        Self {
            amount: amount_of(form),
            every: form.text("every"),
            email: form.text("email"),
            name: form.text("name"),
            e: form.text("e"),
            s: form.text("s"),
            a: form.text("a"),
            made: mark_of(app, form).map_or_else(|| machines::mark(&app.site), str::to_owned),
            again: form.is_ticked("again"),
        }
    }
}

#[derive(Serialize)]
struct Press<'a> {
    held: Held<'a>,
    amount: String,
    to: String,
    monthly: bool,
}

#[derive(Serialize)]
struct Work<'a> {
    held: Held<'a>,
    challenge: String,
    bits: u32,
    /// When this browser began to wait, for us alone to read.
    since: String,
    /// For how long it waits all in all.
    patience: String,
    /// How long it has to wait still, if it came back too soon.
    still: Option<String>,
}

#[derive(Serialize)]
struct Again<'a> {
    held: Held<'a>,
    amount: String,
    /// When it was given, for a gift given once; none of a monthly donation.
    at: Option<String>,
    /// Where a monthly donation is changed or ended, or the link to it is asked for.
    manage: Option<String>,
    /// Whether that link is mailed first.
    mailed: bool,
    monthly: bool,
}

/// Asks, and holds the gift.
pub(super) async fn ask(app: &App, form: &Form, question: Question<'_>) -> Outcome {
    let held = Held::new(app, form);
    let monthly = held.every == "month";
    match question {
        Question::Press { amount, to } => {
            let page = Press { held, amount: amount.to_string(), to, monthly };
            app.public_page("public/donate_press", TITLE, &page).await
        }
        Question::Work => {
            let waited = machines::age(&app.site, form.text("since"));
            // Who waits goes on waiting; a mark that was taken once is not taken again.
            let waits = waited.filter(|waited| form.is_ticked("later") && *waited < GIVERS_PATIENCE);
            let since =
                if waits.is_some() { form.text("since").to_owned() } else { machines::mark(&app.site) };
            let page = Work {
                held,
                challenge: machines::challenge(&app.site),
                bits: machines::BITS,
                since,
                patience: words::wait(GIVERS_PATIENCE),
                still: waits.map(|waited| words::wait(GIVERS_PATIENCE.saturating_sub(waited))),
            };
            let page = app.public_page("public/donate_work", TITLE, &page).await?;
            Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response())
        }
        Question::Again { before, zone } => {
            let page = match before {
                GivenBefore::Once { amount, at } => {
                    Again { held, amount, at: Some(at.time(zone)), manage: None, mailed: false, monthly }
                }
                GivenBefore::Monthly { amount, manage } => {
                    let mailed = manage.is_none();
                    let manage =
                        manage.map_or_else(|| "/supporter".to_owned(), |token| format!("/giving/{token}"));
                    Again { held, amount, at: None, manage: Some(manage), mailed, monthly }
                }
            };
            app.public_page("public/donate_again", TITLE, &page).await
        }
    }
}

/// The amount that counts: one that was typed wins over a button that was pressed.
pub(super) fn amount_of(form: &Form) -> &str {
    match form.text("own_amount") {
        "" => form.text("amount"),
        typed => typed,
    }
}

/// The mark of the form that was sent, if it is ours.
pub(super) fn mark_of<'a>(app: &App, form: &'a Form) -> Option<&'a str> {
    let mark = form.text("made");
    let age = machines::age(&app.site, mark)?;
    (age <= OLDEST_FORM).then_some(mark)
}
