//! `/desk/jobs`: what runs by itself and what waits, whether it works, what it means and what to do.

use serde::Serialize;

use crate::{
    clock::Zone,
    jobs::{self, JobLine, JobTrouble, QueueLine},
    queue::{Item, Told},
    web::{Desk, Outcome, Posted, WebError, session::see_other},
};

#[derive(Serialize)]
struct Page {
    is_bad: bool,
    somebody_runs: bool,
    stopped: Vec<StoppedView>,
    /// What was given up, in a sentence without its full stop.
    given_up: Vec<String>,
    queues: Vec<QueueView>,
    /// Automatic emails that could not be delivered lately, in words; empty for none.
    undelivered: String,
    jobs: Vec<JobView>,
}

/// What does not work.
#[derive(Serialize)]
struct StoppedView {
    what: &'static str,
    since: String,
    why: String,
    place: String,
}

#[derive(Serialize)]
struct QueueView {
    name: &'static str,
    what: &'static str,
    look: &'static str,
    state: String,
    /// Those that have not failed.
    waiting: i64,
    oldest: Option<String>,
    means: &'static str,
    /// Where more can be done about it, if there is such a page.
    page: Option<&'static str>,
    items: Vec<ItemView>,
}

/// What failed or was given up.
#[derive(Serialize)]
struct ItemView {
    name: String,
    when: String,
    error: String,
    can_be_tried: bool,
}

#[derive(Serialize)]
struct JobView {
    what: &'static str,
    look: &'static str,
    state: &'static str,
    last: Option<String>,
    next: Option<String>,
}

/// `GET /desk/jobs`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let (now, zone) = (desk.site().now(), desk.zone());
    let screen = jobs::screen(&desk.site().db, now).await?;
    let is_bad = screen.is_bad();
    let over = screen.queues.iter().filter(|line| line.figures.given_up > 0);
    let given_up = over.map(|line| line.rules.did_not_work(line.figures.given_up)).collect();
    let troubles = screen.jobs.iter().filter_map(|job| job.trouble.as_ref()).chain(&screen.tasks);
    let page = Page {
        is_bad,
        given_up,
        somebody_runs: screen.somebody_runs,
        stopped: troubles.map(|one| stopped(one, zone)).collect(),
        queues: screen.queues.into_iter().map(|one| queue(one, zone)).collect(),
        undelivered: match screen.undelivered {
            0 => String::new(),
            1 => "1 could not be delivered lately".to_owned(),
            100 => "100 or more could not be delivered lately".to_owned(),
            some => format!("{some} could not be delivered lately"),
        },
        jobs: screen.jobs.into_iter().map(|one| job(one, zone)).collect(),
    };
    desk.page("desk/settings/jobs", "What runs by itself", &page).await
}

/// `POST /desk/jobs/again`: has one tried again.
pub(crate) async fn try_again(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["queue", "item"])?;
    let who = Some(desk.who.staff.id);
    if jobs::try_again(desk.site(), form.text("queue"), form.text("item"), who).await? {
        Ok(see_other("/desk/jobs?done=again"))
    } else {
        Err(WebError::Conflict(
            "Somebody else has tried it again, or it has worked meanwhile. Look at Jobs once more.".into(),
        ))
    }
}

fn stopped(one: &JobTrouble, zone: &Zone) -> StoppedView {
    StoppedView {
        what: one.what(),
        since: one.since.date_time(zone),
        why: one.words.clone(),
        place: one.place.clone(),
    }
}

fn queue(line: QueueLine, zone: &Zone) -> QueueView {
    let QueueLine { rules, figures, items } = line;
    let (look, state) = match (figures.given_up, figures.failing) {
        (0, 0) => ("good", "✓ in order".to_owned()),
        (0, failing) => ("warn", format!("{failing} did not work and will be tried again")),
        (given_up, _) => ("bad", format!("{given_up} given up")),
    };
    QueueView {
        name: rules.name,
        what: rules.what,
        look,
        state,
        waiting: figures.waiting - figures.failing,
        // Of those that failed it says when each is tried again.
        oldest: figures.oldest.filter(|_| figures.failing == 0).map(|at| at.date_time(zone)),
        means: rules.means,
        page: (rules.told == Told::Money).then_some("/desk/donations"),
        items: items.into_iter().map(|one| item(one, zone, rules.by_hand.is_some())).collect(),
    }
}

fn item(one: Item, zone: &Zone, may_be_tried: bool) -> ItemView {
    let tries = match one.attempts {
        0 => "not tried since".to_owned(),
        1 => "tried once".to_owned(),
        many => format!("tried {many} times"),
    };
    let at = one.next_at.date_time(zone);
    let when = if one.is_over {
        format!("from {}, given up on {at}", one.since.date_time(zone))
    } else {
        format!("{tries}, and again on {at}")
    };
    ItemView { name: one.name, when, error: one.last_error, can_be_tried: may_be_tried && one.can_be_tried }
}

fn job(line: JobLine, zone: &Zone) -> JobView {
    let (look, state) = match (&line.trouble, line.last) {
        (Some(_), _) => ("bad", "does not work"),
        (None, None) => ("", "not known"),
        (None, Some(turn)) if turn.worked => ("good", "✓ works"),
        (None, Some(_)) => ("warn", "did not work the last time"),
    };
    JobView {
        what: line.what,
        look,
        state,
        last: line.last.map(|turn| turn.at().date_time(zone)),
        next: line.next.map(|at| at.date_time(zone)),
    }
}
