//! What people write to the address for bounces: "please take me off the list". It is kept until somebody has read it.
//!
//! Anybody can write there, and under anybody's address, so what is kept is bounded in size and number, as text alone, it
//! changes nothing by itself, and the desk says whether a letter answers a copy of ours or only says whose it is. Where more come than
//! are kept, those that came before stay, and people are told.

use super::{
    letters::is_daemon,
    mime::{Headers, Message, decoded},
    scan,
};
pub use crate::bounces::store::letters::PersonsLetter;
use crate::{
    attempts, audit_log,
    bounces::store::letters::{self as store, NewLetter},
    db::{Db, Result},
    delivery::{self, CopyId},
    email_address::EmailAddress,
    site::Site,
};

const LONGEST_SUBJECT: usize = 200;
const LONGEST_WORDS: usize = 2_000;
/// So many wait to be read; beyond them the newest go, those of nobody known first, and those that answer a copy last.
const MOST: i64 = 200;
/// So many of them bear one address and answer no copy, or answer copies of one reader.
const MOST_FROM_ONE: i64 = 5;
/// What it is called where it is said that more came than are kept.
pub const WHAT: &str = "letters";

/// What somebody wrote.
pub(super) struct Written {
    from: EmailAddress,
    subject: String,
    words: String,
}

/// What a person wrote; `None` for what a program did.
pub(super) fn read(message: &Message) -> Option<Written> {
    if !is_by_a_person(&message.headers)
        || message.part(&["message/delivery-status", "message/feedback-report"]).is_some()
    {
        return None;
    }
    let from = decoded(message.headers.get("from")?);
    let from = EmailAddress::parse(scan::address(&from)?).ok()?;
    let texts =
        message.parts.iter().filter(|part| part.kind.starts_with("text/")).map(|part| part.text.as_str());
    let text = texts.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default();
    let subject = decoded(message.headers.get("subject").unwrap_or_default());
    let written = Written {
        from,
        subject: cut(&subject, LONGEST_SUBJECT),
        words: cut(&own_words(text), LONGEST_WORDS),
    };
    (!written.subject.is_empty() || !written.words.is_empty()).then_some(written)
}

/// Not by a program that answers, returns or passes on.
pub(super) fn is_by_a_person(headers: &Headers) -> bool {
    let is = |name: &str, words: &[&str]| {
        headers.get(name).is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            words.iter().any(|word| value.contains(word))
        })
    };
    let automatic =
        headers.get("auto-submitted").is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"));
    let bulk = is("precedence", &["bulk", "junk", "list", "auto"]) || headers.get("list-id").is_some();
    let daemon = headers.get("from").is_none_or(|from| is_daemon(&from.to_ascii_lowercase()));
    let no_return = headers.get("return-path").is_some_and(|path| path.trim() == "<>");
    !(automatic || bulk || daemon || no_return)
}

/// Without the lines of ours that they quote.
fn own_words(text: &str) -> String {
    let own = text.lines().filter(|line| !line.trim_start().starts_with('>'));
    own.take(200).collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, most: usize) -> String {
    let visible: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).take(most).collect();
    visible.trim().to_owned()
}

/// Keeps it; `false` if it was kept before, or more wait than are kept: that is said at the desk.
pub(super) async fn keep(site: &Site, key: &str, written: &Written, copy: Option<CopyId>) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let subscriber_id = match copy {
        Some(copy) => Some(copy.subscriber),
        None => delivery::reader_by_key(&mut tx, &written.from.key()).await?,
    };
    let new = NewLetter {
        key,
        from_address: written.from.as_str(),
        subject: &written.subject,
        words: &written.words,
        subscriber_id,
        edition_id: copy.map(|copy| copy.edition),
    };
    let of_one = match copy {
        Some(copy) => store::count_of_copies(&mut tx, copy.subscriber).await?,
        None => store::count_from(&mut tx, &written.from.key()).await?,
    };
    let kept = of_one < MOST_FROM_ONE && store::add(&mut tx, new, site.now()).await?;
    let gone = if kept { store::forget_beyond(&mut tx, MOST).await? } else { 0 };
    tx.commit().await?;
    if of_one >= MOST_FROM_ONE || gone > 0 {
        attempts::note_used_up(site, WHAT).await?;
    }
    Ok(kept)
}

/// What waits to be read, the newest first.
pub async fn waiting(db: &Db) -> Result<Vec<PersonsLetter>> {
    store::waiting(db).await
}

/// Somebody of the team has read one: it is forgotten, and the log says whose it was. `false` if it was before.
pub async fn done(site: &Site, id: i64, staff_id: i64) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some((reader, at)) = store::forget(&mut tx, id).await? else { return Ok(false) };
    let which = format!("it came on {}", at.timestamp().strftime("%-d %B %Y, %H:%M UTC"));
    audit_log::record(&mut tx, site, Some(staff_id), "read a letter and put it away", &reader, &which)
        .await?;
    tx.commit().await?;
    Ok(true)
}
