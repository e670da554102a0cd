//! `/desk/bounces`: mail that came back, and readers who complained.

use std::collections::HashMap;

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    bounces::{self, Bounce, Complaints, PersonsLetter},
    clock::{Moment, Zone},
    delivery::{Decision, StopReason, Suppressions},
    email_address::EmailAddress,
    publishing::{self, Returned},
    subscribers::{self, Subscriber},
    web::{
        Desk, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::{
            copies, count, grouped,
            readers::{WAS_FORGOTTEN, bounced_because, effect, stopped_because},
        },
    },
};

const PAGE: usize = 50;
/// How many reports a reader's page shows at once.
const OF_READER: usize = 20;
/// How many of the editions that anybody complained of are looked at.
const EDITIONS: i64 = 20;

/// What the address of the page asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    before: Place,
}

#[derive(Serialize)]
struct Page {
    returned: Vec<ReturnedView>,
    letters: Vec<LetterView>,
    warnings: Vec<Warning>,
    bounces: Vec<Line>,
    pages: Links,
    address: Option<String>,
}

/// Copies that came back in a number that cannot be true: somebody decides what it means.
#[derive(Serialize)]
struct ReturnedView {
    public_id: String,
    subject: String,
    copies: String,
    readers: String,
    /// The newest report that the page knows of: the press is about those up to it.
    up_to: i64,
    of: String,
    since: String,
    words: String,
}

/// What a person wrote.
#[derive(Serialize)]
struct LetterView {
    id: i64,
    /// As the letter says: anybody can write that.
    from: String,
    /// Whether it answers a copy of ours, so that the reader is the one who has that.
    proven: bool,
    /// Whose copy it answers.
    reader_address: Option<String>,
    reader: Option<String>,
    edition: Option<EditionView>,
    subject: String,
    words: String,
    when: String,
}

#[derive(Serialize)]
struct Warning {
    public_id: String,
    subject: String,
    words: String,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    view: View,
    who: String,
    reader: Option<String>,
    edition: Option<EditionView>,
}

#[derive(Clone, Serialize)]
struct EditionView {
    public_id: String,
    subject: String,
}

/// A report in the words of the desk.
#[derive(Serialize)]
pub(super) struct View {
    why: &'static str,
    words: String,
    done: &'static str,
    look: &'static str,
    when: String,
}

impl View {
    fn new(bounce: &Bounce, zone: &Zone) -> Self {
        let (done, look) = effect(bounce);
        let words = match &bounce.status {
            Some(status) if !bounce.words.contains(status.as_str()) => format!("{status} {}", bounce.words),
            _ => bounce.words.clone(),
        };
        Self { why: bounced_because(bounce), words, done, look, when: bounce.received_at.date_time(zone) }
    }
}

/// Why a reader is not mailed, for their page.
#[derive(Serialize)]
pub(super) struct Stopped {
    /// Which suppression it is, so that no other is lifted.
    id: i64,
    pub(super) blocked: bool,
    why: &'static str,
    words: String,
    since: String,
    careful: bool,
}

/// What stands between us and a reader, if anything does.
pub(super) async fn stopped(desk: &Desk, reader: &Subscriber) -> Result<Option<Stopped>, WebError> {
    let found = Suppressions::new(desk.site()).find(&reader.email).await?;
    Ok(found.map(|found| Stopped {
        id: found.id,
        blocked: found.reason == StopReason::Staff,
        why: stopped_because(found.reason),
        words: found.detail,
        since: found.created_at.date(desk.zone()),
        careful: found.reason != StopReason::Bounced,
    }))
}

/// What came back from a reader, newest first, by moment and key.
pub(super) async fn of_reader(
    desk: &Desk,
    reader: &Subscriber,
    list: List<'_>,
    before: Place<2>,
) -> Result<(Vec<View>, Links), WebError> {
    let from = before.0.map(|[at, id]| (Moment(at), id));
    let read = |most| bounces::of_address(desk.site(), &reader.email, from, most);
    let key = |last: &Bounce| [last.received_at.0, last.id];
    let (found, pages) = list.page(before, OF_READER, read, key).await?;
    Ok((found.iter().map(|bounce| View::new(bounce, desk.zone())).collect(), pages))
}

/// `GET /desk/bounces`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let site = desk.site();
    let list = List { path: "/desk/bounces", place: "before", kept: &[] };
    let read = |most| bounces::latest(site, look.before.id(), most);
    let (found, pages) = list.page(look.before, PAGE, read, |last| [last.id]).await?;
    let is_first = look.before.id().is_none();
    let letters = if is_first { bounces::letters_waiting(&site.db).await? } else { Vec::new() };
    let complained = bounces::editions_with_many_complaints(site, EDITIONS).await?;
    let of_bounces = found.iter().filter_map(|bounce| bounce.edition_id);
    let of_letters = letters.iter().filter_map(|letter| letter.edition_id);
    let ids = of_bounces.chain(of_letters).chain(complained.iter().map(|one| one.id));
    let editions = editions(&desk, &ids.collect::<Vec<i64>>()).await?;
    let edition = |id: Option<i64>| editions.get(&id?).cloned();
    let addresses: Vec<EmailAddress> = found.iter().filter_map(address).collect();
    let readers = subscribers::by_emails(&site.db, &addresses).await?;
    let readers: HashMap<String, String> =
        readers.into_iter().map(|reader| (reader.email.key(), reader.public_id)).collect();
    let line = |bounce: &Bounce| {
        let address = address(bounce);
        Line {
            view: View::new(bounce, desk.zone()),
            reader: address.as_ref().and_then(|address| readers.get(&address.key()).cloned()),
            who: match address {
                Some(address) => address.to_string(),
                None if bounce.masked.is_empty() => WAS_FORGOTTEN.to_owned(),
                None => bounce.masked.clone(),
            },
            edition: edition(bounce.edition_id),
        }
    };
    let bounces = found.iter().map(line).collect();
    let mut warnings = Vec::new();
    for complained in complained {
        let Some(view) = edition(Some(complained.id)) else { continue };
        let readers = count(complained.complaints, "reader");
        let of = grouped(complained.accepted);
        let advice = match complained.standing {
            Complaints::TooMany => {
                "More than 3 in 1,000: mail services begin to refuse everything. An edition on its way is paused at this point."
            }
            _ => "More than 1 in 1,000: look at who is on the list, and how easy it is to leave.",
        };
        warnings.push(Warning {
            public_id: view.public_id,
            subject: view.subject,
            words: format!("{readers} marked it as spam, of {of} copies that arrived. {advice}"),
        });
    }
    let address = site.bounce_address.as_ref().map(ToString::to_string);
    let returned = if is_first { returned(&desk).await? } else { Vec::new() };
    let letter = |letter: PersonsLetter| LetterView {
        id: letter.id,
        proven: letter.edition_id.is_some(),
        reader_address: letter.reader_address,
        from: letter.from_address,
        reader: letter.reader,
        edition: edition(letter.edition_id),
        subject: letter.subject,
        words: letter.words,
        when: letter.received_at.date_time(desk.zone()),
    };
    let letters = letters.into_iter().map(letter).collect();
    let page = Page { returned, letters, warnings, bounces, pages, address };
    desk.page("desk/readers/bounces", "Bounces", &page).await
}

async fn returned(desk: &Desk) -> Result<Vec<ReturnedView>, WebError> {
    let view = |one: Returned| ReturnedView {
        public_id: one.edition.public_id,
        subject: one.edition.content.subject,
        copies: copies(one.mass.failures),
        readers: count(one.mass.failures, "reader"),
        up_to: one.mass.up_to,
        of: grouped(one.mass.ended),
        since: one.mass.since.date_time(desk.zone()),
        words: one.words,
    };
    Ok(publishing::returned(desk.site()).await?.into_iter().map(view).collect())
}

/// `POST /desk/bounces/{edition}/gone`: the mailboxes of what came back, as far as the page showed it, are really gone.
pub(crate) async fn gone(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["up_to"])?;
    let up_to = form.text("up_to").parse().unwrap_or_default();
    decide(&desk, &id, Decision::Gone { up_to }, "gone").await
}

/// `POST /desk/bounces/{edition}/kept`: it was about us.
pub(crate) async fn kept(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    decide(&desk, &id, Decision::Kept, "kept").await
}

async fn decide(desk: &Desk, id: &str, decision: Decision, done: &str) -> Outcome {
    let done = match publishing::decide_returned(desk.site(), id, decision, Some(desk.who.staff.id)).await {
        Ok(0) => done,
        Ok(_) => "more-came",
        Err(publishing::Error::NotAsSeen) => "decided",
        Err(error) => return Err(error.into()),
    };
    Ok(see_other(&format!("/desk/bounces?done={done}")))
}

/// `POST /desk/bounces/letters/{id}`: somebody has read a letter, and it is forgotten.
pub(crate) async fn read_letter(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    bounces::letter_done(desk.site(), id, desk.who.staff.id).await?;
    Ok(see_other("/desk/bounces?done=letter-read"))
}

/// The address that a copy came back from, as far as it is known.
fn address(bounce: &Bounce) -> Option<EmailAddress> {
    EmailAddress::parse(bounce.address.as_deref()?).ok()
}

async fn editions(desk: &Desk, ids: &[i64]) -> Result<HashMap<i64, EditionView>, WebError> {
    let subjects = publishing::subjects(&desk.site().db, ids).await?;
    let view =
        |one: publishing::Subject| (one.id, EditionView { public_id: one.public_id, subject: one.subject });
    Ok(subjects.into_iter().map(view).collect())
}
