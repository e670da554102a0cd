//! `/desk/editions/{id}/send`: the last look before an edition goes out, and pressing Send.

use axum::extract::Path;
use serde::Serialize;

use super::{
    blocks::{seen_by, segment_names},
    live::forecast,
    parts::{
        ApprovalView, ArticleLine, EditionView, Readiness, SegmentSaid, TestLine, approval_view,
        picked_lines, readiness, segments_said, test_lines,
    },
};
use crate::{
    clock::{Moment, Moments, Zone},
    editions::{EditionState, UnknownPolicy},
    publishing::{self, Edition, Press, Selections, Whom},
    settings::Settings,
    subscribers::{consent::phrase, topics},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        session::see_other,
        words::{count, editions::title, grouped, readers::is_at},
    },
};

const FIELDS: &[&str] = &["revision", "fingerprint", "later", "which", "policy", "act"];
const TITLE: &str = "Send the edition";
const NOT_TESTED: &str = "No test copy was sent: somebody else saved this edition since you opened the page. Below it is as it is now. \
    Look at it again, then ask for one.";

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    form: Form,
    /// What pressing Send approves, in one word.
    fingerprint: String,
    /// It is not as it was when somebody pressed Send.
    trouble: Option<&'static str>,
    from: String,
    later_hint: String,
    /// The two moments of the time that was chosen, in the night when the clocks go back.
    twice: Option<[String; 2]>,
    size: String,
    /// How many more or fewer readers than the last time.
    than_last: Option<String>,
    picked: Vec<ArticleLine>,
    /// The topics that it is about, as a phrase.
    topics: String,
    /// How many of the list do not get it, for they chose others.
    left_out: Option<String>,
    /// Whom it is for, where that is not everybody: "It is the weekly mail."
    rhythm: Option<&'static str>,
    /// How many of the list do not get it, for they chose another rhythm.
    other_rhythm: Option<String>,
    /// The segments that it goes by, in words.
    segments: Vec<SegmentSaid>,
    /// How many of the list do not get it, for those do not let it go to them.
    not_meant: Option<String>,
    /// How many of the list do not get it, for they rest from mail.
    paused: Option<String>,
    /// Who of them sees what is not for everybody.
    parts: Vec<PartSaid>,
    may_send: bool,
    /// How it stands where two people approve each edition.
    approval: Option<ApprovalView>,
    /// Whether they can press Send.
    may_press: bool,
    /// Where else a test copy may go.
    tests: Vec<TestLine>,
    /// When the last reader will have it, if that is not today.
    forecast: Option<String>,
    #[serde(flatten)]
    readiness: Readiness,
}

/// A choice that the edition makes among its readers.
#[derive(Serialize)]
struct PartSaid {
    /// "The appeal", "What is for only those who never gave".
    what: String,
    /// How many see it; none where nobody counts.
    readers: Option<String>,
    is_about: bool,
}

/// So many choices are counted for the page.
const MOST_COUNTED: usize = 8;

/// `GET /desk/editions/{id}/send`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    if edition.state != EditionState::Draft {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    let form = Form::new(FIELDS).with("policy", edition.unknown_policy.as_str());
    let page = page(&desk, &edition, form, None).await?;
    desk.page("desk/editions/send", TITLE, &page).await
}

/// `POST /desk/editions/{id}/send`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let edition = publishing::find(&desk.site().db, &id).await?;
    let revision = form.text("revision").parse().unwrap_or_default();
    let seen = form.text("fingerprint").to_owned();
    let policy = form.parse("policy", |word| {
        UnknownPolicy::parse(word).ok_or("Choose what happens to a copy whose answer is lost.")
    });
    let later = when(&mut form, desk.zone());
    let (Some(policy), Some(later)) = (policy, later) else { return again(&desk, &edition, form).await };
    let site = desk.site();
    let press = Press {
        edition_id: edition.id,
        revision,
        fingerprint: Some(&seen),
        later,
        policy,
        staff_id: Some(desk.who.staff.id),
    };
    let trouble = match publishing::press(site, &desk.app.templates, press).await {
        Ok(_) => return Ok(see_other(&format!("/desk/editions/{id}"))),
        Err(publishing::Error::NotReady(_)) => return again(&desk, &edition, form).await,
        Err(publishing::Error::Past) => {
            let now = site.now().date_time(desk.zone());
            form.mistake("later", format_args!("That moment is over: it is {now} now. Choose a later one."));
            return again(&desk, &edition, form).await;
        }
        Err(publishing::Error::TooFar) => {
            form.mistake("later", "That is more than a year away. Is the year right?");
            return again(&desk, &edition, form).await;
        }
        Err(publishing::Error::Changed) => {
            "Nothing was sent: somebody else saved this edition since you opened the page. Below it is as it is now. \
             Look at it again before you press Send."
        }
        Err(publishing::Error::NotAsSeen) => {
            "Nothing was sent: an article in it, a segment that it goes by, or a setting that it shows, changed since you opened the page. Below it is as it \
             is now. Look at it again before you press Send."
        }
        Err(publishing::Error::NotApproved) => {
            "Nothing was sent: two people approve each edition here, and nobody else has asked for it as it is now."
        }
        Err(error) => return Err(error.into()),
    };
    let edition = publishing::find(&site.db, &id).await?;
    let page = page(&desk, &edition, form, Some(trouble)).await?;
    desk.page("desk/editions/send", TITLE, &page).await.map(conflict)
}

/// The page as it is now, for somebody who asked for a test copy of another revision than the newest.
pub(super) async fn stale_test(desk: &Desk, edition: &Edition) -> Outcome {
    if edition.state != EditionState::Draft {
        return Ok(see_other(&format!("/desk/editions/{}", edition.public_id)));
    }
    let form = Form::new(FIELDS).with("policy", edition.unknown_policy.as_str());
    let page = page(desk, edition, form, Some(NOT_TESTED)).await?;
    desk.page("desk/editions/send", TITLE, &page).await.map(conflict)
}

async fn again(desk: &Desk, edition: &Edition, form: Form) -> Outcome {
    let page = page(desk, edition, form, None).await?;
    desk.page_again("desk/editions/send", TITLE, &page).await
}

async fn page(
    desk: &Desk,
    edition: &Edition,
    form: Form,
    trouble: Option<&'static str>,
) -> Result<Page, WebError> {
    // The settings of this moment: those of the request may be older than the press that was refused.
    let settings = &Settings::load(&desk.site().db).await?;
    // Before anything that is shown: what changes while the page is made is then not approved by it.
    let fingerprint = publishing::fingerprint(desk.site(), settings, edition).await?;
    let size = publishing::preview(desk.site(), &desk.app.templates, settings, edition).await?;
    let readiness = readiness(desk, edition).await?;
    let approval = approval_view(desk, settings, edition, &fingerprint).await?;
    let letterhead = settings.letterhead(desk.site());
    let some = |readers: i64| (readers > 0).then(|| count(readers, "reader"));
    Ok(Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(edition, desk.zone()),
        twice: twice(&form, desk.zone()),
        form,
        fingerprint,
        trouble,
        from: format!("{} <{}>", letterhead.from_name, letterhead.from),
        later_hint: later_hint(desk.zone(), desk.site().now()),
        size: format!("{} kB", size.html.len().div_ceil(1_000)),
        picked: picked_lines(desk, &edition.content.article_ids()).await?,
        topics: topic_names(desk, edition).await?,
        left_out: some(readiness.readership.chose_others),
        rhythm: edition.content.rhythm.and_then(|rhythm| rhythm.of_list(&edition.list_rhythms)).map(is_at),
        other_rhythm: some(readiness.readership.other_rhythm),
        segments: segments_said(desk, edition).await?,
        not_meant: some(readiness.readership.not_meant),
        paused: some(readiness.readership.paused),
        parts: parts(desk, settings, edition).await?,
        than_last: than_last(desk, edition, &readiness).await?,
        may_send: true,
        may_press: approval.as_ref().is_none_or(|approval| approval.may_send),
        approval,
        tests: test_lines(desk).await?,
        forecast: forecast(&desk.app, desk.zone(), readiness.readership.readers).await?,
        readiness,
    })
}

async fn parts(desk: &Desk, settings: &Settings, edition: &Edition) -> Result<Vec<PartSaid>, WebError> {
    let names = segment_names(desk).await?;
    let mut said = Vec::new();
    let selections = Selections::load(desk.site(), settings, edition).await?;
    for part in selections.each().filter(|part| !part.asks || settings.has_appeal()) {
        let counts = said.len() < MOST_COUNTED;
        let seen = if counts { part.seen_by_how_many(desk.site(), edition).await? } else { None };
        let for_whom = seen_by(part.whom, &names);
        said.push(PartSaid {
            what: match (part.asks, part.whom) {
                (true, Whom::Everybody) => "The appeal".to_owned(),
                (true, _) => format!("The appeal, for {for_whom}"),
                (false, _) => format!("What is for {for_whom}"),
            },
            readers: seen.map(|seen| count(seen.n, "reader")),
            is_about: seen.is_some_and(|seen| seen.about),
        });
    }
    Ok(said)
}

/// How many more or fewer that are than the last time: a slip in the choice of readers shows there. Nothing of an estimate, or a
/// correction.
async fn than_last(
    desk: &Desk,
    edition: &Edition,
    readiness: &Readiness,
) -> Result<Option<String>, WebError> {
    if readiness.readership.about || edition.corrects.is_some() {
        return Ok(None);
    }
    let last = publishing::last_audience(&desk.site().db, edition).await?;
    Ok(last.map(|last| {
        let was = format!("the last edition of this list, which was for {}", count(last, "reader"));
        match readiness.readership.readers - last {
            0 => format!("As many as {was}."),
            more @ 1.. => format!("{} more than {was}.", grouped(more)),
            fewer => format!("{} fewer than {was}.", grouped(-fewer)),
        }
    }))
}

async fn topic_names(desk: &Desk, edition: &Edition) -> Result<String, WebError> {
    let all = topics::all(&desk.site().db).await?;
    let about = all.iter().filter(|topic| edition.content.topic_ids.contains(&topic.id));
    Ok(phrase(&about.map(|topic| topic.name.as_str()).collect::<Vec<_>>()))
}

/// Now, or the moment that was chosen: by the button that was pressed, and never by a guess. `None` with a mistake.
fn when(form: &mut Form, zone: &Zone) -> Option<Option<Moment>> {
    let which = form.text("which").to_owned();
    let later = match form.parse("later", |text| moments(text, zone))? {
        None => None,
        Some(Moments::Never) => {
            let gap = "That hour does not exist: the clocks go forward then. Choose a time an hour later.";
            form.mistake("later", gap);
            return None;
        }
        Some(Moments::Once(at)) => Some(at),
        Some(Moments::Twice(first, second)) => match which.as_str() {
            "first" => Some(first),
            "second" => Some(second),
            _ => {
                form.mistake(
                    "which",
                    "That time comes twice: the clocks go back that night. Choose which you mean.",
                );
                return None;
            }
        },
    };
    match (form.text("act"), later) {
        ("now", None) => Some(None),
        ("now", Some(_)) => {
            let both = "You chose a day, and pressed the button that sends now. Press the one below the day, or empty the field.";
            form.mistake("later", both);
            None
        }
        (_, Some(later)) => Some(Some(later)),
        (_, None) => {
            form.mistake("later", "Enter a day and a time.");
            None
        }
    }
}

/// Whose clocks a later moment is read on.
fn later_hint(zone: &Zone, now: Moment) -> String {
    let place = zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ");
    format!("In {place} time: it is {} now.", now.time(zone))
}

/// What a `datetime-local` field sends, on the magazine's clocks; empty means now.
fn moments(text: &str, zone: &Zone) -> Result<Option<Moments>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let civil: jiff::civil::DateTime = text.parse().map_err(|_| "Enter a day and a time.")?;
    Ok(Some(zone.moments(civil)))
}

fn twice(form: &Form, zone: &Zone) -> Option<[String; 2]> {
    match moments(form.text("later"), zone) {
        Ok(Some(Moments::Twice(first, second))) => Some([first, second].map(|at| at.date_time(zone))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(later: &str, which: &str) -> (Option<Option<String>>, Form) {
        let sydney = Zone::named("Australia/Sydney").expect("a zone of the database");
        let mut form = Form::new(FIELDS).with("act", "later").with("later", later).with("which", which);
        let when = when(&mut form, &sydney).map(|at| at.map(|at| at.to_string()));
        (when, form)
    }

    /// TRUST F20: on the magazine's clocks, and of the hour that comes twice the one that somebody chose.
    #[test]
    fn a_later_moment_is_read_on_the_clocks_of_the_magazine() {
        let at = |text: &str| Some(Some(text.to_owned()));
        assert_eq!(chosen("2026-03-03T09:00", "").0, at("2026-03-02T22:00:00Z"), "what browsers send");
        for wrong in ["", "tomorrow", "2026-10-04T02:30"] {
            let (when, form) = chosen(wrong, "first");
            assert!(when.is_none() && !form.is_valid(), "{wrong}");
        }
        let (when, form) = chosen("2026-04-05T02:30", "");
        assert!(when.is_none() && !form.is_valid());
        let zone = Zone::named("Australia/Sydney").expect("a zone of the database");
        let asked = ["5 April 2026, 02:30 AEDT", "5 April 2026, 02:30 AEST"].map(str::to_owned);
        assert_eq!(twice(&form, &zone), Some(asked));
        assert_eq!(chosen("2026-04-05T02:30", "first").0, at("2026-04-04T15:30:00Z"));
        assert_eq!(chosen("2026-04-05T02:30", "second").0, at("2026-04-04T16:30:00Z"));
        assert_eq!(
            chosen("2026-04-05T09:30", "second").0,
            at("2026-04-04T23:30:00Z"),
            "asked of another day"
        );
    }
}
