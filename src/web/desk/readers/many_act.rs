//! `/desk/many/{act}`: one thing that is done with many readers: the sums, the press, how far it is, taking it back.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
};
use serde::Serialize;

use super::many_sums::{sentences, standing, taken_back, title};
use crate::{
    bulk::{self, BulkAct, BulkError, BulkState, WayBack},
    clock::Moment,
    subscribers::{BulkDeed, BulkOutcome},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        session::see_other,
        words::{count, grouped},
    },
};

const SEEN: &[&str] = &["seen"];
/// The page looks again after so long, while something goes on.
const AGAIN: HeaderValue = HeaderValue::from_static("3");

#[derive(Serialize)]
struct Page {
    id: String,
    title: String,
    whom: String,
    state: &'static str,
    look: &'static str,
    begun: String,
    why: String,
    trouble: String,
    seen: i64,
    goes_on: Option<GoesOn>,
    is_ready: bool,
    /// What stands on the button of the press.
    press: String,
    is_over: bool,
    sentences: Vec<String>,
    /// What is to be known before the press.
    warns: &'static str,
    may_be_taken_back: bool,
    /// The one that is taken back first.
    later: Option<Later>,
    /// Why else it cannot be taken back; may be empty.
    no_way_back: &'static str,
    may_be_removed: bool,
    form: Form,
}

#[derive(Serialize)]
struct Later {
    id: String,
    title: String,
    /// Whether it goes on by itself for now.
    goes_on: bool,
}

#[derive(Serialize)]
struct GoesOn {
    title: &'static str,
    words: String,
    /// Of a thousand; none while nothing can be said.
    of_thousand: Option<u64>,
    may_be_stopped: bool,
}

async fn found(desk: &Desk, id: &str) -> Result<BulkAct, WebError> {
    bulk::find(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

/// `GET /desk/many/{act}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let act = found(&desk, &id).await?;
    let page = page(&desk, &act).await?;
    let mut response = desk.page("desk/readers/many_act", &page.title, &page).await?;
    if act.state.goes_on() {
        response.headers_mut().insert(header::REFRESH, AGAIN);
    }
    Ok(response)
}

/// `POST /desk/many/{act}/go`
pub(crate) async fn go(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(SEEN)?;
    let act = found(&desk, &id).await?;
    let seen = form.text("seen").parse().map(Moment).unwrap_or(Moment(0));
    done(&desk, &id, bulk::press(desk.site(), &act, seen, desk.who.staff.id).await, &path(&id)).await
}

/// `POST /desk/many/{act}/stop`
pub(crate) async fn stop(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let act = found(&desk, &id).await?;
    let stopped = bulk::stop(desk.site(), &act, desk.who.staff.id).await;
    done(&desk, &id, stopped, &format!("{}?done=many-stopped", path(&id))).await
}

/// `POST /desk/many/{act}/undo`
pub(crate) async fn undo(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let act = found(&desk, &id).await?;
    done(&desk, &id, bulk::take_back(desk.site(), &act, desk.who.staff.id).await, &path(&id)).await
}

/// `POST /desk/many/{act}/remove`
pub(crate) async fn remove(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let act = found(&desk, &id).await?;
    done(&desk, &id, bulk::remove(desk.site(), &act).await, "/desk/many?done=many-removed").await
}

fn path(id: &str) -> String {
    format!("/desk/many/{id}")
}

async fn done(desk: &Desk, id: &str, what: Result<(), BulkError>, to: &str) -> Outcome {
    let why = match what {
        Ok(()) => return Ok(see_other(to)),
        Err(BulkError::Changed) => {
            "It went on since you opened the page, or somebody else did something with it. This is how it is now."
        }
        Err(BulkError::Gone) => {
            "The list or the topic is not there any more, or nothing goes to it. Put this away and begin anew."
        }
        Err(error) => return Err(error.into()),
    };
    let act = found(desk, id).await?;
    let mut page = page(desk, &act).await?;
    page.trouble = why.to_owned();
    desk.page("desk/readers/many_act", &page.title, &page).await.map(conflict)
}

async fn page(desk: &Desk, act: &BulkAct) -> Result<Page, WebError> {
    let (state, look) = standing(act.state);
    let (sums, expected) = (act.sums()?, act.expected()?);
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let share = |of: u64| (expected.all() > 0).then(|| (of * 1_000 / expected.all()).min(1_000));
    let so_far = |words: &str| format!("{} {words}.", count(number(sums.all()), "reader"));
    let goes_on = match act.state {
        BulkState::Counting => Some(GoesOn {
            title: "Counting",
            words: so_far("looked at so far"),
            of_thousand: None,
            may_be_stopped: false,
        }),
        BulkState::Running => Some(GoesOn {
            title: "It is done now",
            words: format!("{} of {}", grouped(number(sums.all())), count(number(expected.all()), "reader")),
            of_thousand: share(sums.all()),
            may_be_stopped: true,
        }),
        BulkState::Undoing => Some(GoesOn {
            title: "It is taken back",
            words: "What it changed becomes as it was.".to_owned(),
            of_thousand: None,
            may_be_stopped: false,
        }),
        _ => None,
    };
    let way_back = bulk::way_back(desk.site(), act).await?;
    let later = match &way_back {
        WayBack::Later(id) => bulk::find(&desk.site().db, id).await?.map(|later| Later {
            title: title(&later),
            goes_on: later.state.goes_on(),
            id: later.public_id,
        }),
        _ => None,
    };
    let is_ready = act.state == BulkState::Ready;
    let is_over = matches!(act.state, BulkState::Done | BulkState::Stopped | BulkState::Undone);
    let said = match act.state {
        BulkState::Undone => taken_back(act.taken_back()?, sums.of(BulkOutcome::Changed)),
        _ if is_ready => sentences(act, &expected, false),
        _ if is_over => sentences(act, &sums, true),
        _ => Vec::new(),
    };
    Ok(Page {
        title: title(act),
        state,
        look,
        begun: format!("{}, {}.", act.who, act.created_at.date_time(desk.zone())),
        why: act.why.clone(),
        trouble: act.trouble.clone(),
        seen: act.changed_at.0,
        goes_on,
        is_ready,
        press: match act.deed {
            BulkDeed::Join => "Add them",
            BulkDeed::TakeOff => "Take them off",
            BulkDeed::Choose => "Add the topic",
            BulkDeed::Unchoose => "Take the topic away",
            BulkDeed::Pause => "Pause them",
        }
        .to_owned(),
        is_over,
        sentences: said,
        warns: match act.deed {
            BulkDeed::Join => {
                "You answer for it that they agreed: what you wrote stands with each of them as the proof. They get no letter about it."
            }
            BulkDeed::TakeOff => {
                "A copy that waits for them is not sent. To get the list after a day, they have to ask for it anew."
            }
            BulkDeed::Choose | BulkDeed::Unchoose => {
                "Whoever chose no topic gets what is about any, so nobody is changed who would get less, or more, than they chose."
            }
            BulkDeed::Pause => {
                "Nothing comes to them for so long from the press on, of no list, and a copy that waits for them is not sent. No letter tells them; the page of their choices does."
            }
        },
        may_be_taken_back: way_back == WayBack::Open,
        later,
        no_way_back: match way_back {
            WayBack::TooLate => "It cannot be taken back any more: that is for a day.",
            WayBack::Gone => {
                "It cannot be taken back: its topic was deleted since. What it changed stays as it is."
            }
            WayBack::Nothing => {
                "There is nothing to take back: it changed nobody, or whoever it changed said something themselves since, or their topic was merged."
            }
            WayBack::Open | WayBack::No | WayBack::Later(_) => "",
        },
        may_be_removed: matches!(act.state, BulkState::Counting | BulkState::Ready),
        whom: act.whom.clone(),
        id: act.public_id.clone(),
        form: Form::new(SEEN),
    })
}
