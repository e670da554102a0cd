//! Of an article that was mailed and says something else now: whether readers are told, and how. The part `correcting` asks.

use crate::{publishing::EditionSummary, web::Form};

/// The choices of the part, in the field `correcting`.
const CHOICES: [&str; 3] = ["silent", "noted", "mailed"];

/// Whether somebody chose; if not, the form says so.
pub(super) fn is_chosen(form: &mut Form) -> bool {
    let is_chosen = CHOICES.contains(&form.text("correcting"));
    if !is_chosen {
        form.mistake("correcting", "It was mailed as it was: choose whether readers are told of the change.");
    }
    is_chosen
}

/// What readers are told below the article.
pub(super) fn words(form: &Form) -> Option<&str> {
    match (form.text("correcting"), form.text("correction")) {
        ("mailed", "") => None,
        ("noted" | "mailed", words) => Some(words),
        _ => None,
    }
}

/// Where whoever chose to write to those who got it goes on.
pub(super) fn leads_to(form: &Form, mailed: Option<&EditionSummary>) -> Option<String> {
    let edition = mailed.filter(|_| form.text("correcting") == "mailed")?;
    Some(format!("/desk/editions/{}?done=correct-it", edition.public_id))
}
