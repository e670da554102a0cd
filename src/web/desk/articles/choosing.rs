//! Choosing a picture that is kept, within the form of an article.
//!
//! The rule: the form comes back with all that was typed, and the picture in it; nothing is saved by it.

use serde::Serialize;

use super::pictures::Line;
use crate::{
    pictures::{self, Picture},
    web::{Desk, Form, WebError},
};

/// So many are shown at once.
const SHOWN: usize = 24;

/// Where a picture goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    IntoText,
    OverText,
}

/// What was pressed.
pub(super) enum Press {
    /// Those that are kept, older than one.
    Look(Goes, Option<i64>),
    /// The picture of that name.
    Put(Goes, String),
}

/// The pictures to choose among.
#[derive(Serialize)]
pub(super) struct Choice {
    into_text: bool,
    pictures: Vec<Line>,
    is_older: bool,
    older: Option<i64>,
}

/// What a button that says so means.
pub(super) fn pressed(act: &str) -> Option<Press> {
    let (act, which) = act.split_once(' ').unwrap_or((act, ""));
    match act {
        "choose-picture" => Some(Press::Look(Goes::IntoText, which.parse().ok())),
        "choose-image" => Some(Press::Look(Goes::OverText, which.parse().ok())),
        "put-picture" => Some(Press::Put(Goes::IntoText, which.to_owned())),
        "put-image" => Some(Press::Put(Goes::OverText, which.to_owned())),
        _ => None,
    }
}

pub(super) async fn choice(desk: &Desk, goes: Goes, before: Option<i64>) -> Result<Choice, WebError> {
    let asked = i64::try_from(SHOWN).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = pictures::latest(&desk.site().db, before, asked).await?;
    let has_more = found.len() > SHOWN;
    found.truncate(SHOWN);
    Ok(Choice {
        into_text: goes == Goes::IntoText,
        is_older: before.is_some(),
        older: found.last().map(|last| last.id).filter(|_| has_more),
        pictures: found.into_iter().map(Line::new).collect(),
    })
}

/// The form with a picture in it, and what is said of that.
pub(super) async fn put(
    desk: &Desk,
    (form, writes_body): (Form, bool),
    (goes, name): (Goes, &str),
) -> Result<(Form, &'static str), WebError> {
    let picture = pictures::about(&desk.site().db, name).await?.ok_or(WebError::NotFound)?;
    Ok(match goes {
        Goes::IntoText if writes_body => {
            let at = form.text("at").parse().ok();
            let text = with_picture(form.raw("body_markdown"), at, &picture.markdown(desk.site()));
            let form = form.holding("body_markdown", text).holding("at", "");
            (
                form,
                if is_silent(&picture) {
                    SAY
                } else {
                    "The picture stands in the text. It is not saved yet."
                },
            )
        }
        Goes::IntoText => return Err(WebError::NotFound),
        Goes::OverText => {
            let address = picture.in_text().map(|size| desk.site().url(&size.path)).unwrap_or_default();
            let form = form.holding("image_url", address).holding("image_alt", &picture.about.alt);
            (form, "The picture stands over the text. It is not saved yet.")
        }
    })
}

const SAY: &str = "The picture stands in the text. Write between its square brackets what it shows, for who does not see it. It is not saved yet.";

fn is_silent(picture: &Picture) -> bool {
    picture.about.alt.is_empty() && !picture.about.is_decorative
}

/// A text with a picture in a paragraph of its own: behind the line in which somebody was, counted as browsers do, or at the end.
fn with_picture(text: &str, at: Option<usize>, picture: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut units = 0;
    let place = at.and_then(|at| {
        text.char_indices().find_map(|(place, letter)| {
            let here = (units >= at).then_some(place);
            units += letter.len_utf16();
            here
        })
    });
    let end =
        place.map_or(text.len(), |place| text[place..].find('\n').map_or(text.len(), |line| place + line));
    let (before, after) = (text[..end].trim_end(), text[end..].trim_start_matches('\n'));
    let gap = if before.is_empty() { "" } else { "\n\n" };
    format!("{before}{gap}{picture}\n\n{after}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stands_in_a_paragraph_of_its_own() {
        for (text, at, becomes) in [
            ("", None, "P"),
            ("One.\r\n\r\nTwo.", None, "One.\n\nTwo.\n\nP"),
            ("One.\r\n\r\nTwo.", Some(2), "One.\n\nP\n\nTwo."),
            ("One.\nStill.\n\nTwo.", Some(4), "One.\n\nP\n\nStill.\n\nTwo."),
            ("🛶é one\n\ntwo", Some(4), "🛶é one\n\nP\n\ntwo"),
            ("One.", Some(99), "One.\n\nP"),
            ("One.\n\n", Some(6), "One.\n\nP"),
        ] {
            assert_eq!(with_picture(text, at, "P"), becomes, "{text:?} {at:?}");
        }
    }
}
