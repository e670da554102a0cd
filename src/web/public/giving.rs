//! `/giving/{token}`: a monthly donation, and the one button that ends it. The link stands in every receipt.

use axum::{
    body::Bytes,
    extract::{Path, State},
};
use serde::Serialize;

use super::{
    super::{App, Outcome, WebError, session::see_other},
    told::{GiftsTold, InAddress, Told},
};
use crate::{
    clock::{Moment, Zone},
    donations::{self, CancelError, ChangeError, LetterAsked, Monthly, RecurringState, Wish},
    settings::Settings,
};

#[derive(Serialize)]
struct Page {
    amount: String,
    state: RecurringState,
    began: Option<String>,
    ended: Option<String>,
    /// When the supporter asked to end it, while the provider has not confirmed that it is over.
    asked: Option<String>,
    /// Whether the payment service can be asked at all; without its key we cannot.
    reachable: bool,
    /// Whether it can be ended here.
    running: bool,
    every: String,
    next: Option<String>,
    ends: Option<String>,
    /// Whether a payment comes before that.
    once_more: bool,
    rests: bool,
    rests_until: Option<String>,
    changing: Option<String>,
    /// The rests that are offered: what is sent, and what it says.
    until: Vec<(String, String)>,
    /// What was done, in a sentence.
    told: Option<&'static str>,
    /// The amounts of copies of it that run besides; empty for almost everybody.
    others: String,
}

/// `GET /giving/{token}`
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>, told: InAddress) -> Outcome {
    let told = match told.read(&app.site, &format!("/giving/{token}")) {
        Some(Told::Gifts(told)) => Some(told.sentence()),
        _ => None,
    };
    page(&app, &token, told).await
}

/// `POST /giving/{token}`
pub(crate) async fn submit(State(app): State<App>, Path(token): Path<String>, body: Bytes) -> Outcome {
    let provider = app.payments.as_ref().map(|payments| payments.provider.as_ref());
    let sent = |name: &str| {
        url::form_urlencoded::parse(&body).find(|(sent, _)| sent == name).map(|(_, value)| value.into_owned())
    };
    let wish = match sent("press").as_deref() {
        Some("link") => {
            let told = match donations::mail_link_of_gift(&app.site, &token).await? {
                LetterAsked::Enough => GiftsTold::Enough,
                // The same whether there is somebody to write to or not.
                LetterAsked::Sent | LetterAsked::NotFound => GiftsTold::Link,
            };
            return Ok(Told::Gifts(told).at(&app.site, &format!("/giving/{token}"), ""));
        }
        Some("later") => Some(Wish::EndLater),
        Some("go-on") => Some(Wish::GoOn),
        Some("keep-on") => Some(Wish::KeepOn),
        Some("rest") => {
            let zone = Settings::load(&app.site.db).await?.time_zone;
            let day = sent("until").and_then(|day| Some(zone.day(day.parse().ok()?)?.0));
            Some(Wish::Rest(Some(
                day.ok_or(WebError::BadRequest("The form holds no day that our page has."))?,
            )))
        }
        _ => None,
    };
    if let Some(wish) = wish {
        return change(&app, &token, wish).await;
    }
    // Whatever else a form says, whoever presses wants to end it.
    let asked = if sent("all").is_some() {
        donations::cancel_all(&app.site, provider, &token).await
    } else {
        donations::cancel_monthly(&app.site, provider, &token).await
    };
    match asked {
        // Not confirmed yet: the page says that we keep asking, today and until it is over.
        Ok(()) | Err(CancelError::NotYet(_)) => Ok(see_other(&format!("/giving/{token}"))),
        Err(CancelError::NotFound) => Err(WebError::NotFound),
        Err(CancelError::Database(error)) => Err(error.into()),
    }
}

/// A rest, going on, an end that is to come, and that taken back: which is done by another link than this one.
async fn change(app: &App, token: &str, wish: Wish<'_>) -> Outcome {
    let provider = app.payments.as_ref().map(|payments| payments.provider.as_ref());
    let told = match donations::change_managed(&app.site, provider, token, wish).await {
        Ok(()) => GiftsTold::Changed,
        Err(ChangeError::NotYet(_)) => GiftsTold::Asked,
        Err(ChangeError::Waiting) => GiftsTold::Waiting,
        Err(ChangeError::Ends) => GiftsTold::Ends,
        Err(ChangeError::Enough) => GiftsTold::Enough,
        Err(ChangeError::Unreachable(_)) => GiftsTold::Unreachable,
        Err(ChangeError::NeedsLink) => match donations::mail_link_of_gift(&app.site, token).await? {
            LetterAsked::Sent => GiftsTold::LinkFirst,
            LetterAsked::Enough => GiftsTold::Enough,
            LetterAsked::NotFound => GiftsTold::Refused,
        },
        Err(ChangeError::Invalid(_)) => GiftsTold::AsItIs,
        Err(ChangeError::Refused(_)) => GiftsTold::Refused,
        Err(ChangeError::NotFound) => return Err(WebError::NotFound),
        Err(ChangeError::Database(error)) => return Err(error.into()),
    };
    Ok(Told::Gifts(told).at(&app.site, &format!("/giving/{token}"), ""))
}

async fn page(app: &App, token: &str, told: Option<&'static str>) -> Outcome {
    let is = donations::monthly_of(&app.site, token).await?.ok_or(WebError::NotFound)?;
    let Monthly { amount, state, began_at, cancelled_at, asked_at, others, .. } = is;
    let zone = &Settings::load(&app.site.db).await?.time_zone;
    let now = app.site.now();
    let rests_now = state == RecurringState::Paused;
    let page = Page {
        amount,
        every: is.rhythm.words(),
        // While it rests, the date that the service goes on counting is not one of a payment.
        next: is.next_at.filter(|at| *at > now && is.ends_at.is_none() && !rests_now).map(|at| at.date(zone)),
        ends: is.ends_at.map(|at| at.date(zone)),
        once_more: is.ends_at.zip(is.next_at).is_some_and(|(ends, next)| next < ends && next > now),
        rests: rests_now,
        rests_until: is.rests_until.map(|at| at.date(zone)),
        changing: is.changing_since.map(|at| at.date_time(zone)),
        until: rests(is.next_at, now, zone),
        told,
        reachable: app.payments.is_some(),
        running: state.runs(),
        began: began_at.map(|at| at.date(zone)),
        ended: cancelled_at.map(|at| at.date(zone)),
        state,
        asked: asked_at.map(|at| at.date_time(zone)),
        others: others.join(", "),
    };
    app.public_page("public/giving", "Your regular donation", &page).await
}

/// The rests that are offered: the day as browsers write it, and for people. They count from the next payment, so that each leaves out one
/// at least.
pub(super) fn rests(next: Option<Moment>, now: Moment, zone: &Zone) -> Vec<(String, String)> {
    let from = next.unwrap_or(now).max(now);
    let rest = |months: i64| {
        let until = zone.months_after(from, months);
        let says = if months == 1 { "A month".to_owned() } else { format!("{months} months") };
        (until.day(zone), format!("{says}, until {}", until.date(zone)))
    };
    [1, 2, 3, 6, 12].map(rest).into()
}
