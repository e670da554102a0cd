//! `/desk/editions`: every edition, and beginning a new one.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Zone,
    delivery::editions::{EditionState, MoveError},
    digests::{self, EditionSummary},
    staff::Role,
    web::{
        Desk, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
    },
};

const PAGE: usize = 50;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    before: Place,
}

#[derive(Serialize)]
struct Page {
    editions: Vec<Line>,
    pages: Links,
    digests: Vec<DigestView>,
    several: bool,
    may_write: bool,
}

#[derive(Serialize)]
struct DigestView {
    id: i64,
    name: String,
    list_name: String,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    title: String,
    state: &'static str,
    state_label: &'static str,
    line: String,
}

impl Line {
    fn new(edition: EditionSummary, zone: &Zone) -> Self {
        let line = match (edition.state, edition.sealed_count, edition.sealed_at.or(edition.send_at)) {
            (EditionState::Draft, ..) => {
                format!(
                    "{}, last changed {}",
                    count(edition.article_count, "article"),
                    edition.updated_at.date_time(zone)
                )
            }
            (_, Some(readers), Some(at)) => {
                format!("for {}, on {}", count(readers, "reader"), at.date_time(zone))
            }
            (_, _, Some(at)) => format!("goes out {}", at.date_time(zone)),
            _ => count(edition.article_count, "article"),
        };
        Self {
            title: title(&edition.subject),
            state: edition.state.as_str(),
            state_label: state_label(edition.state),
            public_id: edition.public_id,
            line,
        }
    }
}

/// What an edition is called while nobody gave it a subject.
pub(in crate::web::desk) fn title(subject: &str) -> String {
    if subject.is_empty() { "Untitled edition".to_owned() } else { subject.to_owned() }
}

/// The word an editor would use.
pub(super) const fn state_label(state: EditionState) -> &'static str {
    match state {
        EditionState::Draft => "Draft",
        EditionState::Scheduled => "Waiting to go out",
        EditionState::Sealed => "Locked",
        EditionState::Sending => "Going out",
        EditionState::Paused => "Paused",
        EditionState::Held => "Held back",
        EditionState::Cancelled => "Cancelled",
        EditionState::Finished => "Sent",
    }
}

/// `1 reader`, `1,204 readers`.
pub(in crate::web::desk) fn count(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// "1 copy", "1,204 copies".
pub(in crate::web::desk) fn copies(number: i64) -> String {
    if number == 1 { "1 copy".to_owned() } else { format!("{} copies", grouped(number)) }
}

/// `1,204`.
pub(in crate::web::desk) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl From<digests::Error> for WebError {
    fn from(error: digests::Error) -> Self {
        use digests::Error;
        match error {
            Error::NotFound | Error::Move(MoveError::NotFound) => Self::NotFound,
            Error::Locked => Self::Conflict(
                "The edition is on its way already, so nothing in it can be changed. Begin a new one to say more.".into(),
            ),
            Error::Changed => Self::Conflict(
                "Somebody else saved this edition meanwhile. Go back to the draft and look at it again first.".into(),
            ),
            Error::NotAsSeen => {
                Self::Conflict("It changed since you looked at it. Look at it again first.".into())
            }
            Error::TooFar => Self::Conflict("That moment is more than a year away. Choose an earlier one.".into()),
            Error::Past => Self::Conflict("That moment is over. Choose a later one.".into()),
            Error::AlreadyPressed => {
                Self::Conflict("Somebody else already pressed Send. It goes out once, not twice.".into())
            }
            Error::NoSender => Self::Conflict(
                "Say under Settings which address your mail comes from, so that a copy can go out.".into(),
            ),
            Error::StillLeaving => Self::Conflict(
                "A few copies of the old version are leaving at this very moment. Try again in a minute.".into(),
            ),
            Error::Doubtful => Self::Conflict(
                "Nothing goes out before an owner has said what this database is. The line on top of every page leads there.".into(),
            ),
            Error::TooLate => Self::Conflict("It is too late to undo: the edition is on its way.".into()),
            Error::Move(MoveError::WrongState(state)) => Self::Conflict(format!(
                "That is not possible now. The edition is: {}.",
                state_label(state).to_lowercase()
            )),
            Error::NotReady(problems) => {
                let problems = problems.iter().filter(|problem| problem.is_in_the_way());
                let words: Vec<String> = problems.map(ToString::to_string).collect();
                Self::Conflict(format!("The edition is not ready to be sent. {}", words.join(" ")))
            }
            other => Self::internal(other),
        }
    }
}

/// `GET /desk/editions`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let db = &desk.site().db;
    let list = List { path: "/desk/editions", place: "before", kept: &[] };
    let read = |most| digests::latest(db, look.before.id(), most);
    let (editions, pages) = list.page(look.before, PAGE, read, |last| [last.id]).await?;
    let digests = digests::digests(db).await?;
    let view = |digest: digests::Digest| DigestView {
        id: digest.id,
        name: digest.name,
        list_name: digest.list_name,
    };
    let page = Page {
        editions: editions.into_iter().map(|edition| Line::new(edition, desk.zone())).collect(),
        pages,
        several: digests.len() > 1,
        may_write: desk.may(Role::WRITING),
        digests: digests.into_iter().map(view).collect(),
    };
    desk.page("desk/editions/list", "Editions", &page).await
}

/// `POST /desk/editions`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["digest"])?;
    let digest = form.text("digest").parse().map_err(|_| WebError::BadRequest("Choose a digest."))?;
    let (_, public_id) = digests::create_draft(desk.site(), digest, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/editions/{public_id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_in_threes() {
        assert_eq!(count(1, "reader"), "1 reader");
        assert_eq!(count(0, "reader"), "0 readers");
        assert_eq!(count(999, "reader"), "999 readers");
        assert_eq!(count(1_204, "reader"), "1,204 readers");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
