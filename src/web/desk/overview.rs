//! `/desk`: how things stand, and what to do next.

use serde::Serialize;

use super::{
    super::{
        Desk, Outcome, WebError,
        words::{
            self,
            editions::{outcomes, title},
            grouped,
        },
    },
    editions::live,
};
use crate::{
    articles,
    bounces::without_addresses,
    delivery::{self, FailedNotice, Progress},
    donations,
    editions::EditionState,
    email_address::EmailAddress,
    jobs, publishing, relays,
    staff::{self, Role},
    subscribers::{self, Counts},
};

#[derive(Serialize)]
struct Overview {
    first_name: String,
    may_write: bool,
    /// The digest of a new edition; none where there are several to choose from.
    digest: Option<i64>,
    /// It can be laid out as the last one was.
    has_last: bool,
    tiles: Vec<Tile>,
    /// Which mail services cannot be used, a sentence each.
    mail_services: Vec<String>,
    /// What runs by itself and does not work.
    standing_still: Vec<StandingStill>,
    /// What was closed to everybody within a day, because so many came.
    closed: Vec<Closed>,
    /// What about the donations needs a person, a sentence each.
    donations: Vec<String>,
    /// What readers ask by law and is due, in a sentence without its full stop.
    requests: Option<String>,
    /// How many drafts feeds brought that wait for somebody, in a sentence without its full stop.
    from_feeds: Option<String>,
    letters: Vec<LetterLine>,
    /// What waits for somebody's approval, where two people approve each edition.
    approvals: Vec<Draft>,
    scheduled: Vec<Draft>,
    drafts: Vec<Draft>,
    last: Option<LastEdition>,
    steps: Vec<Step>,
}

/// The edition that was sealed last, and what became of it so far.
#[derive(Serialize)]
struct LastEdition {
    subject: String,
    path: String,
    when: String,
    percent: i64,
    progress: Progress,
    /// The same figures in words, without those that are nought.
    outcome: String,
    /// What holds up those that are still to go, a sentence each.
    held_up: Vec<String>,
}

/// Something that runs by itself and does not work.
#[derive(Serialize)]
struct StandingStill {
    /// In a sentence without its full stop.
    what: &'static str,
    since: String,
    /// What it said last; empty for whoever cannot do anything about it.
    why: String,
    place: String,
}

/// A form that was closed to everybody for a while.
#[derive(Serialize)]
struct Closed {
    what: &'static str,
    since: String,
    until: String,
    told: &'static str,
    means: &'static str,
}

/// An automatic email that could not be delivered.
#[derive(Serialize)]
struct LetterLine {
    what: &'static str,
    /// Masked.
    to: String,
    when: String,
    why: String,
}

/// An edition that somebody began, with when it was changed, or when it goes out.
#[derive(Serialize)]
struct Draft {
    title: String,
    path: String,
    when: String,
}

/// A figure with its label, leading to the page that explains it.
#[derive(Serialize)]
struct Tile {
    figure: String,
    label: String,
    /// Empty where the role may not look closer.
    path: &'static str,
}

/// A line of the checklist, shown until all of them are done.
#[derive(Serialize)]
struct Step {
    done: bool,
    title: &'static str,
    help: String,
    /// Empty where the role cannot do it.
    path: &'static str,
}

/// `GET /desk`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let name = &desk.who.staff.name;
    let readers = subscribers::counts(&desk.site().db).await?;
    let steps = steps(&desk, readers).await?;
    let digests = publishing::digests(&desk.site().db).await?;
    let only = if let [only] = digests.as_slice() { Some(only) } else { None };
    let page = Overview {
        first_name: name.split_whitespace().next().unwrap_or(name).to_owned(),
        may_write: desk.may(Role::WRITING),
        digest: only.map(|digest| digest.id),
        has_last: only.is_some_and(|digest| digest.has_last),
        tiles: tiles(&desk, readers).await?,
        mail_services: live::troubles(&desk.app, desk.zone()).await?,
        standing_still: standing_still(&desk).await?,
        closed: closed(&desk).await?,
        donations: donations(&desk).await?,
        requests: requests(&desk).await?,
        from_feeds: from_feeds(&desk).await?,
        letters: letters(&desk).await?,
        approvals: approvals(&desk).await?,
        scheduled: scheduled(&desk).await?,
        drafts: drafts(&desk).await?,
        last: last_edition(&desk).await?,
        steps: if steps.iter().all(|step| step.done) { Vec::new() } else { steps },
    };
    desk.page("desk/overview", "Overview", &page).await
}

async fn tiles(desk: &Desk, readers: Counts) -> Result<Vec<Tile>, WebError> {
    let db = &desk.site().db;
    let mut label = if readers.confirmed - readers.stopped == 1 { "reader" } else { "readers" }.to_owned();
    if readers.stopped > 0 {
        label = format!("{label}, {} more whose address takes no mail", grouped(readers.stopped));
    }
    if readers.pending > 0 {
        label = format!("{label}, {} more asked, not confirmed yet", grouped(readers.pending));
    }
    let mut tiles = vec![Tile {
        figure: (readers.confirmed - readers.stopped).to_string(),
        label: if readers.is_about { format!("{label} (about)") } else { label },
        path: if desk.may(Role::READERS) { "/desk/readers" } else { "" },
    }];
    if desk.may(Role::MONEY) {
        for total in donations::totals(db).await? {
            let label = words::donations::given_in_all(&total);
            tiles.push(Tile { figure: total.amount(), label, path: "/desk/donations" });
        }
    }
    if desk.may(Role::OWNING) {
        let members = staff::members(db).await?;
        let active = members.iter().filter(|one| one.joined && one.disabled_at.is_none()).count();
        let label = if active == 1 { "person on the team" } else { "people on the team" };
        tiles.push(Tile { figure: active.to_string(), label: label.to_owned(), path: "/desk/team" });
    }
    Ok(tiles)
}

async fn standing_still(desk: &Desk) -> Result<Vec<StandingStill>, WebError> {
    let troubles = jobs::troubles(&desk.site().db, desk.site().now()).await?;
    let line = |one: jobs::JobTrouble| StandingStill {
        what: one.what(),
        since: one.since.date_time(desk.zone()),
        why: if desk.may(Role::OWNING) { one.words } else { String::new() },
        place: one.place,
    };
    Ok(troubles.into_iter().map(line).collect())
}

async fn closed(desk: &Desk) -> Result<Vec<Closed>, WebError> {
    let closed = staff::closed_lately(&desk.site().db, desk.site().now()).await?;
    let line = |one: staff::ClosedDoor| Closed {
        what: one.what(),
        since: one.since().date_time(desk.zone()),
        until: one.until().date_time(desk.zone()),
        told: one.told(),
        means: one.means(),
    };
    Ok(closed.into_iter().map(line).collect())
}

async fn donations(desk: &Desk) -> Result<Vec<String>, WebError> {
    if !desk.may(Role::MONEY) {
        return Ok(Vec::new());
    }
    let (db, zone) = (&desk.site().db, desk.zone());
    let back = donations::returns_to_see(db).await?.sentences(zone);
    let needs = donations::attention(db, desk.site().now()).await?;
    Ok(back.into_iter().chain(needs.sentences()).collect())
}

async fn requests(desk: &Desk) -> Result<Option<String>, WebError> {
    if !desk.may(Role::READERS) {
        return Ok(None);
    }
    let (due, late) = subscribers::requests::due(&desk.site().db, desk.site().now()).await?;
    Ok(match (due, late) {
        (0, _) => None,
        (due, 0) => Some(format!("{} to answer within a week", words::count(due, "request"))),
        (due, late) => Some(format!(
            "{} to answer within a week, {} of them late already",
            words::count(due, "request"),
            grouped(late)
        )),
    })
}

/// Feeds bring drafts by themselves, and nobody sees them before somebody looks.
async fn from_feeds(desk: &Desk) -> Result<Option<String>, WebError> {
    if !desk.may(Role::WRITING) {
        return Ok(None);
    }
    Ok(match articles::drafts_of_feeds(&desk.site().db).await? {
        0 => None,
        1 => Some("One draft that a feed brought waits for you".to_owned()),
        number => Some(format!("{} drafts that feeds brought wait for you", grouped(number))),
    })
}

/// The latest automatic emails that were given up: somebody waits for them, and only a person can help.
async fn letters(desk: &Desk) -> Result<Vec<LetterLine>, WebError> {
    const SHOWN: i64 = 20;
    if !desk.may(Role::MONEY) && !desk.may(Role::READERS) {
        return Ok(Vec::new());
    }
    let since = desk.site().now().minus(donations::LATELY);
    let failed = delivery::failed_letters(&desk.site().db, since, SHOWN).await?;
    let letter = |one: FailedNotice| LetterLine {
        what: words::letter(&one.template),
        to: EmailAddress::parse(&one.address).map_or_else(|_| String::new(), |address| address.masked()),
        when: one.finished_at.map(|at| at.date_time(desk.zone())).unwrap_or_default(),
        // The server's words may name the whole address.
        why: without_addresses(&one.reply),
    };
    Ok(failed.into_iter().map(letter).collect())
}

async fn last_edition(desk: &Desk) -> Result<Option<LastEdition>, WebError> {
    let db = &desk.site().db;
    let Some(edition) = publishing::last_sealed(db).await? else { return Ok(None) };
    let progress = delivery::progress_of(db, edition.id).await?;
    let waits = edition.state == EditionState::Sending && progress.open > 0;
    Ok(Some(LastEdition {
        held_up: if waits { held_up(desk).await? } else { Vec::new() },
        path: format!("/desk/editions/{}", edition.public_id),
        when: edition.sealed_at.map(|at| at.date_time(desk.zone())).unwrap_or_default(),
        subject: edition.subject,
        percent: progress.percent(),
        outcome: outcomes(progress),
        progress,
    }))
}

/// Why an edition that is on its way does not move, or moves more slowly than it could.
async fn held_up(desk: &Desk) -> Result<Vec<String>, WebError> {
    let troubles = relays::troubles(&desk.site().db).await?;
    let is_in_trouble = |name: String| troubles.iter().any(|trouble| trouble.relay == name);
    if !troubles.is_empty() && desk.app.relays.iter().all(|relay| is_in_trouble(relay.name())) {
        return Ok(vec!["Nothing leaves just now: on top of this page it says why.".to_owned()]);
    }
    live::used_up(&desk.app, desk.zone()).await
}

/// What waits for approval, and who asked for it.
async fn approvals(desk: &Desk) -> Result<Vec<Draft>, WebError> {
    const SHOWN: i64 = 10;
    if !desk.settings.four_eyes {
        return Ok(Vec::new());
    }
    let waiting = publishing::waiting_for_approval(&desk.site().db, SHOWN).await?;
    let page = if desk.may(Role::SENDING) { "/send" } else { "" };
    let line = |asked: publishing::AskedFor| Draft {
        title: title(&asked.subject),
        path: format!("/desk/editions/{}{page}", asked.public_id),
        when: format!("{}, {}", asked.asker, asked.asked_at.date_time(desk.zone())),
    };
    Ok(waiting.into_iter().map(line).collect())
}

/// What goes out by itself, and when.
async fn scheduled(desk: &Desk) -> Result<Vec<Draft>, WebError> {
    const SHOWN: i64 = 10;
    let scheduled = publishing::scheduled(&desk.site().db, SHOWN).await?;
    let line = |edition: publishing::EditionSummary| Draft {
        title: title(&edition.subject),
        path: format!("/desk/editions/{}", edition.public_id),
        when: edition.send_at.map(|at| at.date_time(desk.zone())).unwrap_or_default(),
    };
    Ok(scheduled.into_iter().map(line).collect())
}

/// The drafts that were touched last.
async fn drafts(desk: &Desk) -> Result<Vec<Draft>, WebError> {
    const SHOWN: i64 = 3;
    let drafts = publishing::latest_drafts(&desk.site().db, SHOWN).await?;
    let draft = |edition: publishing::EditionSummary| Draft {
        title: title(&edition.subject),
        path: format!("/desk/editions/{}", edition.public_id),
        when: edition.updated_at.date_time(desk.zone()),
    };
    Ok(drafts.into_iter().map(draft).collect())
}

async fn steps(desk: &Desk, readers: Counts) -> Result<Vec<Step>, WebError> {
    let (site, db) = (desk.site(), &desk.site().db);
    let settings = &desk.settings;
    let path = |roles, path| if desk.may(roles) { path } else { "" };
    let missing = settings.can_send();
    let sent = !delivery::ever_sealed(db).await?.is_empty();
    Ok(vec![
        Step {
            done: missing.is_empty(),
            title: "Say who publishes the magazine",
            help: match missing.as_slice() {
                [] => "Your readers see it under every edition.".to_owned(),
                missing => format!("Mail law wants it under every edition. Missing: {}.", missing.join(", ")),
            },
            path: path(Role::OWNING, "/desk/settings"),
        },
        Step {
            done: !articles::latest(site, 1).await?.is_empty(),
            title: "Bring your articles in",
            help: "Give us the address of your site, or write one here.".to_owned(),
            path: path(Role::WRITING, "/desk/feeds"),
        },
        Step {
            done: readers.confirmed > 0,
            title: "Bring your list",
            help: "Are your readers with another program? Bring in the file that it writes of them. You see the sums before anybody is on a list.".to_owned(),
            path: path(Role::READERS, "/desk/imports"),
        },
        Step {
            done: readers.confirmed > 0,
            title: "Welcome your first readers",
            help: format!("They subscribe at {}, or you add those who asked you.", site.url("/subscribe")),
            path: path(Role::READERS, "/desk/readers"),
        },
        Step {
            done: sent,
            title: "Send your first edition",
            help: "Pick the articles, look at the preview. Nothing goes out until you press Send.".to_owned(),
            path: path(Role::WRITING, "/desk/editions"),
        },
    ])
}
