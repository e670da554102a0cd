//! `/desk/donations/adopt`: what another program left at the payment service, its sums, the choice, and how far taking over is.

use axum::http::{HeaderValue, header};
use serde::Serialize;

use crate::{
    donations::{
        adopt::{self, AdoptChoice, AdoptError, Adoption, AdoptionState, AdoptionStep, OldBundle, OldSums},
        figures,
    },
    web::{
        Desk, Outcome, Posted, WebError,
        session::see_other,
        words::{count, grouped},
    },
};

const PATH: &str = "/desk/donations/adopt";
const TITLE: &str = "Take over from another program";
const TEMPLATE: &str = "desk/donations/adopt";
/// The page looks again after so long, while something goes on.
const AGAIN: HeaderValue = HeaderValue::from_static("3");
/// So many years are looked at unless somebody says otherwise.
const YEARS: u32 = 5;

#[derive(Serialize)]
struct Page {
    /// Whether a payment provider is set up.
    open: bool,
    /// Nobody began, or it is over: one can look.
    may_look: bool,
    years: Vec<Year>,
    goes_on: Option<String>,
    trouble: Option<String>,
    /// What is wrong with what was ticked.
    mistake: Option<&'static str>,
    is_ready: bool,
    /// What was found or taken.
    bundles: Vec<Line>,
    /// In sentences.
    sums: Vec<String>,
    /// What came of it, if it is over.
    over: Option<&'static str>,
}

#[derive(Serialize)]
struct Year {
    number: u32,
    chosen: bool,
}

#[derive(Serialize)]
struct Line {
    name: String,
    what: String,
    marks: String,
    how_often: String,
    standing: String,
    payments: String,
    amount: String,
    /// What is worth knowing before it is chosen, or what came of it.
    note: String,
    is_chosen: bool,
}

/// `GET /desk/donations/adopt`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let page = page(&desk, None).await?;
    let mut response = desk.page(TEMPLATE, TITLE, &page).await?;
    if page.goes_on.is_some() {
        response.headers_mut().insert(header::REFRESH, AGAIN);
    }
    Ok(response)
}

async fn page(desk: &Desk, mistake: Option<&'static str>) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let standing = adopt::standing(db).await?;
    let goes_on = standing.as_ref().and_then(goes_on);
    let state = standing.as_ref().map(|one| one.state);
    let found = match state {
        Some(AdoptionState::Ready | AdoptionState::Done | AdoptionState::Stopped) => adopt::sums(db).await?,
        _ => OldSums::default(),
    };
    let is_ready = state == Some(AdoptionState::Ready);
    Ok(Page {
        mistake,
        open: desk.app.payments.is_some(),
        may_look: goes_on.is_none(),
        years: [1, 2, 3, 5, 10, 20].map(|number| Year { number, chosen: number == YEARS }).into(),
        trouble: standing.filter(|_| goes_on.is_some()).and_then(|one| one.last_error),
        is_ready,
        sums: sentences(&found, is_ready),
        bundles: found.bundles.into_iter().map(|bundle| line(bundle, is_ready)).collect(),
        over: match state {
            Some(AdoptionState::Done) => Some("It is done. What was not chosen stays the other program’s."),
            Some(AdoptionState::Stopped) => Some("It was stopped. What was taken over before stays."),
            _ => None,
        },
        goes_on,
    })
}

/// `POST /desk/donations/adopt/look`
pub(crate) async fn look(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["years"])?;
    let years = form.text("years").parse().ok().filter(|years| (1..=adopt::MOST_YEARS).contains(years));
    let Some(years) = years else {
        return Err(WebError::BadRequest("How many years? Go back and choose a number."));
    };
    done(adopt::begin(desk.site(), Some(desk.who.staff.id), years).await)
}

/// `POST /desk/donations/adopt/take`
pub(crate) async fn take(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["bundle"])?;
    let chosen = AdoptChoice::Bundles(form.all("bundle").to_vec());
    match adopt::take(desk.site(), &chosen, Some(desk.who.staff.id)).await {
        Err(AdoptError::NothingChosen) => {
            let page = page(
                &desk,
                Some("Nothing is ticked, so nothing was taken over. Tick what is to become yours."),
            )
            .await?;
            desk.page_again(TEMPLATE, TITLE, &page).await
        }
        what => done(what),
    }
}

/// `POST /desk/donations/adopt/stop`
pub(crate) async fn stop(desk: Desk, posted: Posted) -> Outcome {
    posted.form(&[])?;
    adopt::stop(desk.site()).await?;
    Ok(see_other(PATH))
}

fn done(what: Result<(), AdoptError>) -> Outcome {
    match what {
        Ok(()) => Ok(see_other(PATH)),
        Err(AdoptError::Database(error)) => Err(error.into()),
        Err(AdoptError::GoesOn | AdoptError::NotReady | AdoptError::NothingChosen) => Err(WebError::Conflict(
            "Somebody else went on with it since the page was shown. Open it anew, and look how it stands."
                .into(),
        )),
    }
}

/// How far it is; none when nothing goes on.
fn goes_on(one: &Adoption) -> Option<String> {
    let what = match (one.state, one.step) {
        (AdoptionState::Taking, AdoptionStep::Following) => "What it cost and what went back is booked",
        (AdoptionState::Taking, AdoptionStep::LateSubscriptions)
        | (AdoptionState::Looking, AdoptionStep::Subscriptions) => "Standing gifts are read",
        (AdoptionState::Looking, AdoptionStep::Invoices) => "What was paid for them is read",
        (AdoptionState::Looking, _) => "Single payments are read",
        (AdoptionState::Taking, AdoptionStep::Taking) => "What you chose becomes yours",
        (AdoptionState::Taking, _) => "What was paid meanwhile is read once more",
        _ => return None,
    };
    Some(what.to_owned())
}

fn sentences(sums: &OldSums, is_ready: bool) -> Vec<String> {
    if sums.bundles.is_empty() {
        return Vec::new();
    }
    let total = |of: fn(&OldBundle) -> i64| sums.bundles.iter().map(of).sum::<i64>();
    let mut sentences = Vec::new();
    if is_ready {
        sentences.push(format!(
            "{}, {} of them not over, and {}.",
            count(total(|one| one.standing), "standing gift"),
            grouped(total(|one| one.running)),
            count(total(|one| one.payments), "payment"),
        ));
    }
    for (number, words) in [
        (total(|one| one.taken), "are yours"),
        (total(|one| one.foreign), "stay the other program’s"),
        (total(|one| one.refused), "could not be taken over"),
    ] {
        if number > 0 {
            sentences.push(format!("{} {words}.", grouped(number)));
        }
    }
    sentences
}

fn line(bundle: OldBundle, is_ready: bool) -> Line {
    let mut notes = Vec::new();
    let mut note = |number: i64, words: &str| {
        if number > 0 {
            notes.push(format!("{} {words}", grouped(number)));
        }
    };
    note(bundle.nameless, "without an address");
    note(bundle.taken, "yours");
    note(bundle.foreign, "left");
    note(bundle.refused, "not possible");
    if bundle.refunded_minor > 0 {
        notes.push(format!("{} went back", figures(bundle.refunded_minor, &bundle.currency)));
    }
    let how_often = match (bundle.is_monthly, bundle.rhythm.as_str()) {
        (false, _) => "once".to_owned(),
        (true, "month") => "every month".to_owned(),
        (true, rhythm) => format!("every {rhythm}"),
    };
    Line {
        standing: if bundle.is_monthly {
            format!("{} ({} not over)", grouped(bundle.standing), grouped(bundle.running))
        } else {
            String::new()
        },
        payments: grouped(bundle.payments),
        amount: bundle.paid(),
        note: notes.join(" · "),
        is_chosen: is_ready && bundle.is_monthly,
        name: bundle.name,
        what: bundle.what,
        marks: bundle.marks,
        how_often,
    }
}
