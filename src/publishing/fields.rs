//! Fields in the words of an edition: what a writer may put there, and what is said of anything else.
//!
//! A draft with a mistake is saved and not sent; what was approved before a field was taken away goes out with the words for whoever
//! has not answered.

use url::Url;

use super::{Block, Content};
use crate::{
    db::{self, Db},
    heavy,
    mail::{self, FieldMistake, LetterBlock, MailField},
    settings::Settings,
    subscribers,
};

/// The longest title and label, in characters.
const LINE_MOST: usize = 200;
/// The longest words below a title, in characters.
const SAYS_MOST: usize = 600;
/// The longest address that a button leads to, in characters.
const ADDRESS_MOST: usize = 2_000;

/// Where a mistake was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Subject,
    PreviewText,
    /// The words that the edition begins with.
    Letter,
    /// One of its blocks, by its number from 0.
    Block(usize),
}

/// What is wrong with fields and links in what somebody wrote, and where.
pub async fn mistakes(db: &Db, content: &Content) -> db::Result<Vec<(Place, FieldMistake)>> {
    let mut mistakes = Vec::new();
    for (place, text) in [(Place::Subject, &content.subject), (Place::PreviewText, &content.preview_text)] {
        mistakes.extend(mail::check_none(text).err().map(|mistake| (place, mistake)));
    }
    let letters: Vec<(Place, String)> = std::iter::once((Place::Letter, content.intro_markdown.clone()))
        .chain(content.blocks.iter().enumerate().filter_map(|(at, placed)| match &placed.block {
            Block::Words(words) => Some((Place::Block(at), words.clone())),
            _ => None,
        }))
        .collect();
    let any = letters.iter().any(|(_, letter)| letter.contains("{{"));
    let known = if any { known(db).await? } else { Vec::new() };
    let read = move || {
        let check =
            |(place, letter): (Place, String)| Some((place, mail::check_letter(&letter, &known).err()?));
        letters.into_iter().filter_map(check).collect()
    };
    mistakes.extend(heavy::aside(read).await.unwrap_or_else(|cause| {
        tracing::warn!(%cause, "the words of an edition cannot be read");
        vec![(Place::Letter, FieldMistake::Strange)]
    }));
    for (at, placed) in content.blocks.iter().enumerate() {
        let mistake = match &placed.block {
            Block::Article(shown) => check_line(&shown.title, LINE_MOST)
                .and_then(|()| check_line(&shown.standfirst, SAYS_MOST))
                .err(),
            Block::Button { label, url } => {
                check_line(label, LINE_MOST).and_then(|()| check_address(url)).err()
            }
            Block::Words(_) | Block::Line | Block::Appeal | Block::Hidden(_) => None,
        };
        mistakes.extend(mistake.map(|mistake| (Place::Block(at), mistake)));
    }
    Ok(mistakes)
}

/// Whether a line is short enough, and holds no field.
fn check_line(line: &str, most: usize) -> Result<(), FieldMistake> {
    if line.chars().count() > most {
        return Err(FieldMistake::LongLine(most, line.chars().take(30).collect()));
    }
    mail::check_none(line)
}

/// Whether a button leads to the web; one that is not written yet leads nowhere, and is no mistake of what was typed.
pub(super) fn check_address(url: &str) -> Result<(), FieldMistake> {
    let begins = url.starts_with("https://") || url.starts_with("http://");
    let names_nobody = |url: &Url| url.has_host() && url.username().is_empty() && url.password().is_none();
    if url.chars().count() > ADDRESS_MOST {
        return Err(FieldMistake::LongAddress);
    }
    let leads = begins && Url::parse(url).is_ok_and(|url| names_nobody(&url));
    if url.is_empty() || leads && !url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Ok(())
    } else {
        Err(FieldMistake::NoWebAddress(url.chars().take(60).collect()))
    }
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

/// The fields that stand in the mail of an edition with those letters, and may.
pub(super) async fn standing_in(
    db: &Db,
    settings: &Settings,
    letters: &[Vec<LetterBlock>],
) -> db::Result<Vec<MailField>> {
    let Settings { greeting, appeal_heading, appeal_text, .. } = settings;
    // Each by itself, as they are written: a mistake in one spoils no other.
    let letter = letters.iter().flatten().flat_map(|block| &block.runs).map(|run| run.text.as_str());
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
