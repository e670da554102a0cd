//! An edition on its way: the minute to undo, the live figures, and what became of each copy.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::Path,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};

use super::{
    again::WhoConfirmed,
    live::{Speed, notes},
    parts::{ApprovalView, EditionView, SegmentSaid, approval_view, segments_said},
    release,
    repair::Repair,
};
use crate::{
    clock::{Moment, Zone},
    delivery::{self, CopyState, NO_COPY, Progress},
    editions::{EditionState, HeldBecause},
    origin::{self, Standing},
    publishing::{self, Edition, Retryable, WantedCopies},
    staff::Role,
    web::{
        Desk, Outcome, WebError,
        paging::{Links, List, Place},
        words::{
            copies, count,
            editions::{have_and_have_not, outcome_of, title},
            grouped,
            readers::WAS_FORGOTTEN,
        },
    },
};

/// How many copies one page shows.
const PAGE: usize = 50;
/// After so long the stream ends and the browser asks again: a session that ended sees no more, and a process that is asked
/// to stop is not kept waiting.
const STREAM: Duration = Duration::from_secs(20);
/// How often it looks while copies leave, or are about to.
const QUICK: Duration = Duration::from_secs(1);
/// How often while it rests: a page may be left open for days.
const SLOW: Duration = Duration::from_secs(5);
/// An edition that goes out within so long is about to.
const SOON: Duration = Duration::from_secs(60);
/// The notes cost more than the figures: they come with every so many looks.
const NOTES_EVERY: usize = 4;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    after: Place,
    /// While it is a draft: where the articles that can be added are read on.
    #[serde(default)]
    pub(super) offered: Place<2>,
    /// What came when somebody had all feeds read: feeds, new articles, changed ones, feeds that failed.
    #[serde(default)]
    pub(super) came: Place<4>,
}

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    live: bool,
    headline: String,
    explanation: &'static str,
    /// An owner looks at it, who can say what this database is.
    asks_owner: bool,
    /// How fast it goes and what holds it back, a sentence each.
    notes: Vec<String>,
    /// It is not as it was when somebody pressed a button of this page.
    stale: bool,
    /// What its mail would show otherwise if Send were pressed now.
    changed: Option<String>,
    /// The segments that it goes by, in words.
    segments: Vec<SegmentSaid>,
    /// What its newest revision reads like, for letting it go on.
    fingerprint: String,
    /// How its correction stands where two people approve each edition.
    approval: Option<ApprovalView>,
    seconds_left: Option<u64>,
    actions: Vec<Action>,
    figures: Option<Figures>,
    repair: Option<Repair>,
    /// Who confirmed again, of an edition that asks.
    again: Option<WhoConfirmed>,
    results: Option<Results>,
}

#[derive(Serialize)]
struct Action {
    path: &'static str,
    label: String,
    look: &'static str,
    /// It leads to a page that asks first.
    asks: bool,
    /// It puts the copies back for which the edition paused by itself.
    puts_back: bool,
    /// It lets something go out, at once or at its time.
    lets_go: bool,
}

/// The figures as words, and the bar: what the page shows and what the stream sends.
#[derive(PartialEq, Serialize)]
struct Figures {
    state: &'static str,
    texts: Texts,
    bars: Vec<Bar>,
    /// Whether cancelled copies are worth a figure of their own.
    any_cancelled: bool,
}

/// What the stream sends: the figures, and every few seconds the notes beside them.
#[derive(PartialEq, Serialize)]
struct Tick {
    #[serde(flatten)]
    figures: Figures,
    notes: Option<Vec<String>>,
}

#[derive(PartialEq, Serialize)]
struct Texts {
    sealed: String,
    accepted: String,
    failed: String,
    suppressed: String,
    cancelled: String,
    unknown: String,
    open: String,
    percent: String,
}

/// A stretch of the progress bar, which is a thousand units long.
#[derive(PartialEq, Serialize)]
struct Bar {
    name: &'static str,
    x: i64,
    width: i64,
}

#[derive(Serialize)]
struct Results {
    q: String,
    class: String,
    states: Vec<Choice>,
    rows: Vec<Row>,
    pages: Links,
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

/// A copy as the tables show it.
#[derive(Serialize)]
pub(in crate::web::desk) struct Row {
    address: String,
    /// The page of everything that happened to it.
    log_path: Option<String>,
    state: CopyState,
    outcome: String,
    words: String,
    when: String,
}

impl Row {
    pub(in crate::web::desk) fn new(copy: publishing::CopyOutcome, zone: &Zone) -> Self {
        Self {
            outcome: outcome_of(copy.state, copy.class, copy.maybe_duplicate, copy.attempt),
            address: if copy.address.is_empty() { WAS_FORGOTTEN.to_owned() } else { copy.address },
            log_path: None,
            state: copy.state,
            words: copy.reply,
            when: copy.updated_at.date_time(zone),
        }
    }
}

/// The page of an edition that is no longer being written.
pub(super) async fn page(desk: &Desk, edition: &Edition, look: &Look, stale: bool) -> Outcome {
    let (db, zone) = (&desk.site().db, desk.zone());
    let sealed = edition.sealed_at.is_some();
    // The figures are for the whole team, addresses are not.
    let sees_readers = sealed && desk.may(Role::READERS);
    let corrected = edition.state == EditionState::Paused && publishing::is_corrected(db, edition).await?;
    let progress = if sealed { Some(delivery::progress_of(db, edition.id).await?) } else { None };
    let retryable = match progress {
        Some(progress) if progress.failed > 0 => publishing::retryable(desk.site(), edition.id).await?,
        _ => Retryable::default(),
    };
    let refused = if edition.state == EditionState::Paused { retryable.for_pause } else { 0 };
    // What went out since, or elsewhere, nobody here can know; and nothing goes out before somebody says what this is.
    let at_home = origin::look(desk.site()).await? == Standing::AtHome;
    let mut offered = if desk.may(Role::SENDING) { actions(edition, corrected, refused) } else { Vec::new() };
    let approval = if corrected {
        let fingerprint = publishing::fingerprint(desk.site(), &desk.settings, edition).await?;
        approval_view(desk, &desk.settings, edition, &fingerprint).await?.filter(|_| desk.may(Role::WRITING))
    } else {
        None
    };
    // A correction is approved by somebody else, too.
    offered.retain(|action| !action.lets_go || approval.as_ref().is_none_or(|approval| approval.may_send));
    let page = Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(edition, zone),
        live: is_live(edition.state),
        headline: headline(edition, progress, zone),
        explanation: if at_home { explanation(edition, refused) } else { UNKNOWN },
        asks_owner: !at_home && desk.may(Role::OWNING),
        notes: live_notes(desk, edition, progress).await?,
        stale,
        changed: publishing::changed_since_send(desk.site(), &desk.settings, edition).await?,
        segments: segments_said(desk, edition).await?,
        fingerprint: if matches!(edition.state, EditionState::Paused | EditionState::Held) {
            publishing::fingerprint(desk.site(), &desk.settings, edition).await?
        } else {
            String::new()
        },
        approval,
        seconds_left: seconds_left(desk, edition),
        actions: offered.into_iter().filter(|action| at_home || !action.lets_go).collect(),
        figures: progress.map(|progress| Figures::new(progress, edition.state)),
        repair: match progress {
            Some(progress) => Repair::of(desk, edition, progress, retryable, at_home).await?,
            None => None,
        },
        again: WhoConfirmed::of(desk, edition).await?,
        results: if sees_readers { Some(results(desk, edition, look).await?) } else { None },
    };
    if page.results.is_some() {
        let search = if look.q.trim().is_empty() { "" } else { ", by a search" };
        desk.looks("", &format!("results of {}{search}", page.title)).await?;
    }
    desk.page("desk/editions/sent", &page.title, &page).await
}

/// The notes as the page first shows them: nothing is known of the speed yet.
async fn live_notes(
    desk: &Desk,
    edition: &Edition,
    progress: Option<Progress>,
) -> Result<Vec<String>, WebError> {
    match progress {
        Some(progress) => notes(&desk.app, desk.zone(), edition, progress, None).await,
        None => Ok(Vec::new()),
    }
}

const fn is_live(state: EditionState) -> bool {
    matches!(
        state,
        EditionState::Scheduled | EditionState::Sealed | EditionState::Sending | EditionState::Paused
    )
}

/// Seconds until it goes out, while they are worth counting.
fn seconds_left(desk: &Desk, edition: &Edition) -> Option<u64> {
    let left = edition.send_at?.since(desk.site().now()).as_secs();
    (edition.state == EditionState::Scheduled && left <= 600).then_some(left)
}

fn headline(edition: &Edition, progress: Option<Progress>, zone: &Zone) -> String {
    let standing = progress.map(have_and_have_not).unwrap_or_default();
    let readers = count(edition.sealed_count.unwrap_or_default(), "reader");
    match edition.state {
        EditionState::Draft => "Still being written.".to_owned(),
        EditionState::Scheduled => match edition.send_at {
            Some(at) => format!("Goes out on {}.", at.date_time(zone)),
            None => "Waits for its moment.".to_owned(),
        },
        EditionState::Sealed => "Writing down who gets a copy …".to_owned(),
        EditionState::Sending => format!("On its way to {readers}."),
        EditionState::Paused if !edition.paused_because.is_empty() => {
            format!("Paused by itself. {}. {standing}", edition.paused_because.trim_end_matches('.'))
        }
        EditionState::Paused => format!("Paused. {standing}"),
        EditionState::Held if edition.held_because == HeldBecause::Restored => {
            format!("Held back: the database is a restored backup. {standing}").trim_end().to_owned()
        }
        EditionState::Held if edition.held_because == HeldBecause::Broken => {
            "Held back: no email can be made of it.".to_owned()
        }
        EditionState::Held if edition.held_because == HeldBecause::Retired => {
            "Held back: its list was retired.".to_owned()
        }
        EditionState::Held => "Held back: its moment passed while nothing was running.".to_owned(),
        EditionState::Cancelled => format!("Cancelled. {standing}").trim_end().to_owned(),
        EditionState::Finished if progress.is_some_and(|it| it.accepted == it.sealed) => {
            format!("Sent to {readers}.")
        }
        EditionState::Finished => format!("Sent. {standing}"),
    }
}

const UNKNOWN: &str = "This may be a copy of the magazine, or an older state of it: more of this may have gone out than stands here. \
    Nothing of it can be let go out before an owner has said what it is.";

fn explanation(edition: &Edition, refused: i64) -> &'static str {
    match edition.state {
        EditionState::Held if edition.held_because == HeldBecause::Restored => {
            "The backup does not know what was sent since it was made. Go on only if you know that it did not go out."
        }
        EditionState::Held if edition.held_because == HeldBecause::Broken && edition.is_begun => {
            "Nobody has got it, but readers were being written down for it already. Cancel it, and begin a new edition."
        }
        EditionState::Held if edition.held_because == HeldBecause::Broken => {
            "Nobody has got it. Take it back to the draft: it says there what is in the way."
        }
        EditionState::Held if edition.held_because == HeldBecause::Retired => {
            "Nobody has got it, and nobody does while its list is retired. Bring the list back, under Lists, and it can be sent."
        }
        EditionState::Held if edition.is_begun => {
            "Nobody has got it. Send it now, late as it is, or cancel it."
        }
        EditionState::Held => "Nobody has got it. Send it now, late as it is, or take it back to the draft.",
        EditionState::Scheduled => "Until then it can be undone, and nobody has got anything.",
        EditionState::Sealed => "The content is locked. Copies start to leave when everyone is written down.",
        EditionState::Sending => "You can close this page; it goes on by itself.",
        EditionState::Paused if refused > 0 => {
            "No reader was blamed for it. If the words speak of us, Settings, Deliverability says what mail providers miss in your mail; if they say that readers are gone, Readers, Bounces asks you whether that can be true. Then let it go on: the copies that failed for it are tried again with the rest. Or leave them out, and try them later, below."
        }
        EditionState::Paused if edition.paused_because.starts_with(NO_COPY) => {
            "No reader was passed over: whoever has no copy yet waits for it. When it can be written again, let it go on."
        }
        EditionState::Paused if !edition.paused_because.is_empty() => {
            "No reader was blamed for it. Settings, Deliverability says what mail providers miss in your mail. When that is mended, let it go on."
        }
        EditionState::Paused => {
            "Nothing more goes out until it goes on. Copies that were already leaving may still arrive."
        }
        EditionState::Cancelled => "Nothing more goes out. Readers whose copy had already left have got it.",
        _ => "",
    }
}

fn actions(edition: &Edition, corrected: bool, refused: i64) -> Vec<Action> {
    let sealed = edition.sealed_at.is_some();
    let action = |path, label: &str, look| Action {
        path,
        label: label.to_owned(),
        look,
        asks: false,
        puts_back: false,
        lets_go: matches!(path, "resume" | "release"),
    };
    let undo = action("undo", "Undo: back to the draft", "big");
    let pause = action("pause", "Pause", "second");
    let going_on = if corrected { "Send the corrected version to the rest" } else { "Go on sending" };
    let resume = action("resume", going_on, "");
    let late = action("resume", "Send it now", "");
    let back = action("undo", "Back to the draft", "second");
    let cancel = Action { asks: true, ..action("cancel", "Cancel the rest", "second danger") };
    let whole = Action { asks: true, ..action("cancel", "Cancel it", "second danger") };
    // Once readers are being written down, there is no way back.
    let back = if edition.is_begun { whole } else { back };
    let in_part = Action { asks: true, ..action("release", "Some readers have it already …", "second") };
    match edition.state {
        EditionState::Held if release::is_held_by_a_backup(edition) => {
            vec![if sealed { resume } else { late }, in_part, if sealed { cancel } else { back }]
        }
        EditionState::Held if edition.held_because == HeldBecause::Broken => vec![back],
        EditionState::Held if !sealed => vec![late, back],
        EditionState::Scheduled => vec![undo],
        EditionState::Sending => vec![pause, cancel],
        EditionState::Paused if refused > 0 => {
            let failed = copies(refused);
            let with = format!("{going_on}, and try the {failed} again that failed for it");
            let without = action("resume", &format!("{going_on} without them"), "second");
            vec![Action { puts_back: true, ..action("resume", &with, "") }, without, cancel]
        }
        EditionState::Paused | EditionState::Held => vec![resume, cancel],
        _ => Vec::new(),
    }
}

impl Figures {
    fn new(progress: Progress, state: EditionState) -> Self {
        let Progress { sealed, accepted, failed, suppressed, cancelled, unknown, open } = progress;
        let done = sealed - open;
        let share = |part: i64| if sealed == 0 { 0 } else { part * 1_000 / sealed };
        let mut bars = Vec::new();
        let mut before = 0;
        for (name, part) in [
            ("accepted", accepted),
            ("suppressed", suppressed),
            ("cancelled", cancelled),
            ("unknown", unknown),
            ("failed", failed),
        ] {
            let x = share(before);
            before += part;
            bars.push(Bar { name, x, width: share(before) - x });
        }
        let texts = Texts {
            sealed: grouped(sealed),
            accepted: grouped(accepted),
            failed: grouped(failed),
            suppressed: grouped(suppressed),
            cancelled: grouped(cancelled),
            unknown: grouped(unknown),
            open: grouped(open),
            // Rounded down: 100% means that nothing is left.
            percent: format!("{}%", if sealed == 0 { 100 } else { done * 100 / sealed }),
        };
        let any_cancelled = cancelled > 0 || state == EditionState::Cancelled;
        Self { state: state.as_str(), texts, bars, any_cancelled }
    }
}

async fn results(desk: &Desk, edition: &Edition, look: &Look) -> Result<Results, WebError> {
    let states = [
        ("", "Every outcome"),
        ("accepted", "Taken by their mail provider"),
        ("failed", "Failed"),
        ("suppressed", "Not mailed: left, or address stopped"),
        ("cancelled", "Not sent: cancelled"),
        ("unknown", "May have arrived"),
        ("open", "Still to go"),
    ];
    let states = states.map(|(value, label)| Choice { value, label, chosen: value == look.state });
    let wanted = WantedCopies { search: &look.q, state: &look.state, class: &look.class };
    let list = List {
        path: &format!("/desk/editions/{}#results", edition.public_id),
        place: "after",
        kept: &[("q", &look.q), ("state", &look.state), ("class", &look.class)],
    };
    let after = look.after.id().unwrap_or_default();
    let read = |most| publishing::results(&desk.site().db, edition.id, wanted, after, most);
    let (copies, pages) = list.page(look.after, PAGE, read, |last| [last.subscriber_id]).await?;
    let row = |copy: publishing::CopyOutcome| {
        let log_path = copy
            .reader
            .as_ref()
            .map(|reader| format!("/desk/editions/{}/copies/{reader}", edition.public_id));
        Row { log_path, ..Row::new(copy, desk.zone()) }
    };
    let rows = copies.into_iter().map(row).collect();
    Ok(Results { q: look.q.clone(), class: look.class.clone(), states: states.into(), rows, pages })
}

/// `GET /desk/editions/{id}/progress`: the figures as they change, as server-sent events.
pub(crate) async fn events(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    let viewer = Viewer {
        desk,
        edition_id: edition.id,
        speed: Speed::default(),
        looks: 0,
        time: Duration::ZERO,
        gap: Duration::ZERO,
        shown: None,
    };
    Ok(Sse::new(ticks(viewer)).keep_alive(KeepAlive::default()).into_response())
}

/// Somebody who watches an edition.
struct Viewer {
    desk: Desk,
    edition_id: i64,
    speed: Speed,
    looks: usize,
    /// For how long they have been watching.
    time: Duration,
    /// Until the next look.
    gap: Duration,
    /// What they were told last.
    shown: Option<Tick>,
}

fn ticks(viewer: Viewer) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(viewer, |mut viewer| async move {
        loop {
            if viewer.time >= STREAM {
                return None;
            }
            tokio::time::sleep(viewer.gap).await;
            viewer.time += viewer.gap;
            // A database that does not answer ends the stream; the browser asks again by itself.
            let tick = viewer.look().await.ok()?;
            if viewer.shown.as_ref() != Some(&tick) {
                let event = Event::default().event("progress").json_data(&tick).ok()?;
                viewer.shown = Some(tick);
                return Some((Ok(event), viewer));
            }
        }
    })
}

impl Viewer {
    async fn look(&mut self) -> Result<Tick, WebError> {
        let db = &self.desk.site().db;
        let edition = publishing::load(db, self.edition_id).await?;
        let progress = delivery::progress_of(db, self.edition_id).await?;
        self.speed.saw(progress.sealed - progress.open);
        self.looks += 1;
        let is_moving = moves(&edition, self.desk.site().now());
        self.gap = if is_moving { QUICK } else { SLOW };
        let notes = if is_moving && self.looks.is_multiple_of(NOTES_EVERY) {
            let per_minute = self.speed.per_minute();
            Some(notes(&self.desk.app, self.desk.zone(), &edition, progress, per_minute).await?)
        } else {
            None
        };
        Ok(Tick { figures: Figures::new(progress, edition.state), notes })
    }
}

/// Whether its figures change by themselves, or soon will.
fn moves(edition: &Edition, now: Moment) -> bool {
    match edition.state {
        EditionState::Sealed | EditionState::Sending => true,
        EditionState::Scheduled => edition.send_at.is_some_and(|at| at <= now.plus(SOON)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST T11: what the page says adds up as the ledger does.
    #[test]
    fn the_bar_is_as_long_as_what_is_done() {
        let progress =
            Progress { sealed: 200, accepted: 197, failed: 1, suppressed: 1, open: 1, ..Progress::default() };
        let figures = Figures::new(progress, EditionState::Sending);
        assert_eq!(figures.texts.percent, "99%");
        assert_eq!(figures.bars.iter().map(|bar| bar.width).sum::<i64>(), 995);
        let nobody = Progress::default();
        assert_eq!(Figures::new(nobody, EditionState::Finished).texts.percent, "100%");
    }
}
