//! `/desk/bounces`: mail that came back, and readers who complained.

use std::collections::HashMap;

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::{
    super::{Desk, Outcome, Posted, WebError, session::see_other},
    editions::{copies, count, grouped},
};
use crate::{
    clock::Zone,
    delivery::{
        bounces::{
            mass::Decision,
            person,
            receive::Complaints,
            record::{self, Bounce},
        },
        suppression::{Reason, Suppressions},
    },
    email_address::EmailAddress,
    publishing::{self, Returned},
    subscribers::{self, Subscriber},
};

const PAGE: i64 = 50;
/// How many of the editions that anybody complained of are looked at.
const EDITIONS: i64 = 20;

/// What the address of the page asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    before: Option<i64>,
}

#[derive(Serialize)]
struct Page {
    returned: Vec<ReturnedView>,
    letters: Vec<LetterView>,
    warnings: Vec<Warning>,
    bounces: Vec<Line>,
    next: Option<String>,
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
        let (done, look) = match bounce.effect.as_str() {
            _ if bounce.held => ("waits for you", "warn"),
            "bounced" | "complained" => ("not mailed any more", "bad"),
            "counted" => ("counted", "warn"),
            "policy" => ("not their fault", ""),
            "outdated" => ("from before", ""),
            _ => ("noted", ""),
        };
        let words = match &bounce.status {
            Some(status) if !bounce.words.contains(status.as_str()) => format!("{status} {}", bounce.words),
            _ => bounce.words.clone(),
        };
        Self { why: why(bounce), words, done, look, when: bounce.received_at.date_time(zone) }
    }
}

fn why(bounce: &Bounce) -> &'static str {
    if bounce.action == "delayed" {
        return "Late: it is still being tried";
    }
    if bounce.action == "delivered" {
        return "It arrived";
    }
    match bounce.reason.as_str() {
        "no-mailbox" => "There is no such mailbox",
        "no-host" => "There is no such domain",
        "moved" => "They have moved",
        "takes-no-mail" => "Their domain takes no mail",
        "full" => "Their mailbox is full",
        "too-big" => "The email was too big for them",
        "disabled" => "Their mailbox is switched off",
        "policy" => "Their mail service refused us",
        "too-much" => "Their mail service wants less at once",
        "expired" => "It could not be delivered in time",
        "network" => "Their mail service could not be reached",
        "server" => "Something is wrong with a mail server",
        "complaint" => "They marked it as spam",
        "away" => "An automatic answer",
        _ => "It was refused",
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
        blocked: found.reason == Reason::Staff,
        why: match found.reason {
            Reason::Bounced => "Mail to this address comes back",
            Reason::Complained => "They marked an edition as spam",
            Reason::Erased => "They asked to be forgotten",
            Reason::Staff => "The team decided never to mail this address again",
        },
        words: found.detail,
        since: found.created_at.date(desk.zone()),
        careful: found.reason != Reason::Bounced,
    }))
}

/// What came back from a reader, newest first.
pub(super) async fn of_reader(desk: &Desk, reader: &Subscriber) -> Result<Vec<View>, WebError> {
    let found = record::of_address(desk.site(), &reader.email, 20).await?;
    Ok(found.iter().map(|bounce| View::new(bounce, desk.zone())).collect())
}

/// `GET /desk/bounces`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let site = desk.site();
    let found = record::latest(site, look.before, PAGE).await?;
    let next = found
        .last()
        .filter(|_| found.len() as i64 == PAGE)
        .map(|last| format!("/desk/bounces?before={}", last.id));
    let mut editions = HashMap::new();
    let mut bounces = Vec::with_capacity(found.len());
    for bounce in &found {
        let edition = match bounce.edition_id {
            Some(id) => edition(&desk, &mut editions, id).await?,
            None => None,
        };
        let address = bounce.address.as_deref().and_then(|address| EmailAddress::parse(address).ok());
        let reader = match &address {
            Some(address) => subscribers::by_email(&site.db, address).await?,
            None => None,
        };
        bounces.push(Line {
            view: View::new(bounce, desk.zone()),
            who: address.map_or_else(|| bounce.masked.clone(), |address| address.to_string()),
            reader: reader.map(|reader| reader.public_id),
            edition,
        });
    }
    let mut warnings = Vec::new();
    for complained in record::editions_with_many_complaints(site, EDITIONS).await? {
        let Some(view) = edition(&desk, &mut editions, complained.id).await? else { continue };
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
    let (returned, letters) = if look.before.is_none() {
        (returned(&desk).await?, letters(&desk, &mut editions).await?)
    } else {
        (Vec::new(), Vec::new())
    };
    let page = Page { returned, letters, warnings, bounces, next, address };
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

async fn letters(
    desk: &Desk,
    editions: &mut HashMap<i64, Option<EditionView>>,
) -> Result<Vec<LetterView>, WebError> {
    let mut views = Vec::new();
    for letter in person::waiting(&desk.site().db).await? {
        let edition = match letter.edition_id {
            Some(id) => edition(desk, editions, id).await?,
            None => None,
        };
        views.push(LetterView {
            id: letter.id,
            proven: letter.edition_id.is_some(),
            reader_address: letter.reader_address,
            from: letter.from_address,
            reader: letter.reader,
            edition,
            subject: letter.subject,
            words: letter.words,
            when: letter.received_at.date_time(desk.zone()),
        });
    }
    Ok(views)
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
    person::done(desk.site(), id).await?;
    Ok(see_other("/desk/bounces?done=letter-read"))
}

async fn edition(
    desk: &Desk,
    known: &mut HashMap<i64, Option<EditionView>>,
    id: i64,
) -> Result<Option<EditionView>, WebError> {
    if let Some(view) = known.get(&id) {
        return Ok(view.clone());
    }
    // The ledger outlives editions.
    let view = publishing::load(&desk.site().db, id).await.ok();
    let view =
        view.map(|edition| EditionView { public_id: edition.public_id, subject: edition.content.subject });
    known.insert(id, view.clone());
    Ok(view)
}
