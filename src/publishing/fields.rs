//! Fields in the words of an edition: what a writer may put there, and what is said of anything else.
//!
//! A draft with a mistake is saved and not sent; what was approved before a field was taken away goes out with the words for whoever
//! has not answered.

use super::Content;
use crate::{
    db::{self, Db},
    heavy,
    mail::{self, FieldMistake, LetterBlock, MailField},
    settings::Settings,
    subscribers,
};

/// Where a mistake was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Subject,
    PreviewText,
    /// The words that the edition begins with.
    Letter,
}

/// What is wrong with fields and links in what somebody wrote, and where.
pub async fn mistakes(db: &Db, content: &Content) -> db::Result<Vec<(Place, FieldMistake)>> {
    let mut mistakes = Vec::new();
    for (place, text) in [(Place::Subject, &content.subject), (Place::PreviewText, &content.preview_text)] {
        mistakes.extend(mail::check_none(text).err().map(|mistake| (place, mistake)));
    }
    let letter = content.intro_markdown.clone();
    let known = if letter.contains("{{") { known(db).await? } else { Vec::new() };
    let read = heavy::aside(move || mail::check_letter(&letter, &known)).await;
    let read = read.unwrap_or_else(|cause| {
        tracing::warn!(%cause, "the letter of an edition cannot be read");
        Err(FieldMistake::Strange)
    });
    mistakes.extend(read.err().map(|mistake| (Place::Letter, mistake)));
    Ok(mistakes)
}

/// The fields that greeting and appeal name, and that may not stand in mails, or not any more.
pub(super) async fn gone(db: &Db, settings: &Settings) -> db::Result<Vec<String>> {
    let mut names = named([settings.greeting.as_str(), &settings.appeal_heading, &settings.appeal_text]);
    if !names.is_empty() {
        let known = known(db).await?;
        names.retain(|name| known.iter().all(|field| field.name != *name));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The fields that stand in the mail of an edition with that letter, and may.
pub(super) async fn standing_in(
    db: &Db,
    settings: &Settings,
    letter: &[LetterBlock],
) -> db::Result<Vec<MailField>> {
    let Settings { greeting, appeal_heading, appeal_text, .. } = settings;
    // Each by itself, as they are written: a mistake in one spoils no other.
    let letter = letter.iter().flat_map(|block| &block.runs).map(|run| run.text.as_str());
    let names = named([greeting.as_str(), appeal_heading, appeal_text].into_iter().chain(letter));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = known(db).await?;
    known.retain(|field| names.contains(&field.name.as_str()));
    Ok(known)
}

fn named<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        texts.into_iter().filter_map(|text| mail::field_named(text).ok()).flatten().collect();
    names.sort_unstable();
    names.dedup();
    names
}

async fn known(db: &Db) -> db::Result<Vec<MailField>> {
    Ok(subscribers::fields::for_mails(db).await?.iter().map(subscribers::fields::Field::in_mails).collect())
}
