//! `/desk/audit`: who of the team did what, and at which readers they looked; and the same as a file.

use axum::extract::Query;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use crate::{
    audit_log::{self, LogLine, WantedLines},
    clock::Moment,
    db::{self, Db},
    email_address::EmailAddress,
    moving_in::guarded,
    publishing, staff,
    subscribers::{self, Subscriber, lists},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::table,
        paging::{Links, List, Place},
        words::log::{self, Named},
    },
};

const TITLE: &str = "Who did what";
const PAGE: usize = 50;
/// So many readers are offered where a part of an address fits several.
const SEVERAL: i64 = 8;
/// No public id is longer.
const LONGEST_ID: usize = 64;
/// Lines that are read at once for the file.
const CHUNK: i64 = 1_000;
const EXPORT: &[&str] = &["what", "person", "reader", "day", "why"];
/// What the page shows, as its address has it: deeds, or looks at readers.
const LOOKS: &str = "looks";

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    /// `looks`; anything else is deeds.
    what: String,
    /// Somebody of the team, by public id.
    person: String,
    /// A reader: an address or a part of one, or a public id.
    reader: String,
    /// A day, as browsers write one.
    day: String,
    before: Place<2>,
}

#[derive(Serialize)]
struct Page {
    /// At which readers they looked, and not what they did.
    looks: bool,
    people: Vec<Person>,
    reader: String,
    day: String,
    /// Why nothing is looked for.
    mistake: Option<&'static str>,
    /// Several readers fit: each with the page of the log about them.
    several: Vec<(String, String)>,
    lines: Vec<View>,
    pages: Links,
    is_narrowed: bool,
    /// Whose doing, for the file.
    person: String,
    /// For the file: why it is taken.
    form: Form,
}

#[derive(Serialize)]
struct Person {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct View {
    who: String,
    action: String,
    subject: String,
    /// The page of what it was done to.
    path: Option<String>,
    detail: String,
    when: String,
}

/// What is looked for, as far as it could be understood.
struct Asked {
    looks: bool,
    staff_id: Option<i64>,
    subject: Option<String>,
    within: Option<(Moment, Moment)>,
    mistake: Option<&'static str>,
    /// Of whom one is to be chosen.
    several: Vec<Subscriber>,
}

impl Asked {
    fn wanted(&self) -> WantedLines<'_> {
        WantedLines { staff_id: self.staff_id, subject: self.subject.as_deref(), within: self.within }
    }

    async fn read(&self, db: &Db, from: Option<(Moment, i64)>, most: i64) -> db::Result<Vec<LogLine>> {
        match self.looks {
            true => audit_log::looks(db, self.wanted(), from, most).await,
            false => audit_log::page(db, self.wanted(), from, most).await,
        }
    }
}

/// `GET /desk/audit`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, look, Form::new(EXPORT)).await?;
    desk.page("desk/settings/audit", TITLE, &page).await
}

async fn page(desk: &Desk, look: Look, form: Form) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let asked = asked(desk, &look).await?;
    let what = if asked.looks { LOOKS } else { "" };
    let kept =
        [("what", what), ("person", look.person.as_str()), ("reader", &look.reader), ("day", &look.day)];
    let list = List { path: "/desk/audit", place: "before", kept: &kept };
    let from = look.before.0.map(|[at, id]| (Moment(at), id));
    let read = async |most| match asked.mistake {
        None => asked.read(db, from, most).await,
        Some(_) => Ok(Vec::new()),
    };
    let (lines, pages) = list.page(look.before, PAGE, read, |last: &LogLine| [last.at.0, last.id]).await?;
    let subjects: Vec<&str> = lines.iter().map(|line| line.subject.as_str()).collect();
    let readers = subscribers::by_public_ids(db, &subjects).await?;
    let editions: Vec<&str> =
        lines.iter().flat_map(|line| log::editions_of(&line.subject, &line.detail)).collect();
    let (editions, lists) = (publishing::named_subjects(db, &editions).await?, lists::all(db).await?);
    let named = Named { editions: &editions, lists: &lists, zone: desk.zone() };
    let view = |line: &LogLine| {
        let reader = readers.iter().find(|reader| reader.public_id == line.subject);
        let (subject, path) = match reader {
            Some(reader) => (reader.email.readable(), Some(format!("/desk/readers/{}", reader.public_id))),
            None => log::to(&line.subject, &named),
        };
        View {
            who: line.staff_name.clone().unwrap_or_else(|| "The program".to_owned()),
            action: log::did(&line.action).to_owned(),
            subject,
            path,
            detail: log::more(&line.action, &line.detail, &named),
            when: line.at.date_time(desk.zone()),
        }
    };
    let about = |reader: &Subscriber| {
        let kept = [
            ("what", what),
            ("person", look.person.as_str()),
            ("reader", &reader.public_id),
            ("day", &look.day),
        ];
        let list = List { path: "/desk/audit", place: "", kept: &kept };
        (reader.email.readable(), list.address::<1>(None))
    };
    let shown = match &asked.subject {
        Some(id) => subscribers::subscriber(db, id).await?.map(|reader| reader.email.readable()),
        None => None,
    };
    let shown = shown.unwrap_or_else(|| look.reader.clone());
    let several = asked.several.iter().map(about).collect();
    let people = staff::members(db).await?.into_iter().map(|member| Person {
        chosen: member.public_id == look.person,
        value: member.public_id,
        label: member.name,
    });
    Ok(Page {
        looks: asked.looks,
        people: people.collect(),
        mistake: asked.mistake,
        several,
        lines: lines.iter().map(view).collect(),
        pages,
        is_narrowed: kept.iter().skip(1).any(|(_, value)| !value.trim().is_empty()),
        person: look.person,
        reader: shown,
        day: look.day,
        form,
    })
}

/// What is read for the file, and how far.
struct Reading {
    db: Db,
    asked: Asked,
    from: Option<(Moment, i64)>,
    /// The first line, until it was written.
    head: Option<[&'static str; 5]>,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// `POST /desk/audit/export`: the same lines as CSV, all of them, as they are read. Whoever takes very many says why.
pub(crate) async fn export(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(EXPORT)?;
    let why = form.optional("why", 300);
    let text = |name: &str| form.text(name).to_owned();
    let look = Look {
        what: text("what"),
        person: text("person"),
        reader: text("reader"),
        day: text("day"),
        before: Place::default(),
    };
    let asked = asked(&desk, &look).await?;
    if let Some(mistake) = asked.mistake {
        return Err(WebError::BadRequest(mistake));
    }
    let many = i64::try_from(audit_log::MANY).unwrap_or(i64::MAX);
    if why.is_empty() && asked.read(&desk.site().db, None, many + 1).await?.len() as i64 > many {
        form.mistake("why", "These are more than 1,000 lines. Say why you take them: the log keeps it.");
    }
    if !form.is_valid() {
        let page = page(&desk, look, form).await?;
        return desk.page_again("desk/settings/audit", TITLE, &page).await;
    }
    // What was understood, not what was typed: the log outlives the reader, and their address is none of it.
    let person = asked.staff_id.map_or("", |_| look.person.trim());
    let day = asked.within.map_or("", |_| look.day.trim());
    let what = if asked.looks { LOOKS } else { "" };
    let reader = asked.subject.as_deref().unwrap_or_default();
    let kept = [("what", what), ("person", person), ("reader", reader), ("day", day), ("why", why.as_str())];
    let which: Vec<String> = kept
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    audit_log::exported(desk.site(), desk.who.staff.id, &which.join(" ")).await?;
    let head = Some(["at", "who", "what", "to", "detail"]);
    let reading = Reading { db: desk.site().db.clone(), asked, from: None, head };
    Ok(table("who-did-what.csv", stream::try_unfold(reading, next)))
}

/// The next lines of the file; none when all were read.
async fn next(mut reading: Reading) -> Result<Option<(Vec<u8>, Reading)>, Broken> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if let Some(head) = reading.head.take() {
        csv.write_record(head)?;
        return Ok(Some((csv.into_inner()?, reading)));
    }
    let lines = reading.asked.read(&reading.db, reading.from, CHUNK).await?;
    let Some(last) = lines.last() else { return Ok(None) };
    reading.from = Some((last.at, last.id));
    for line in &lines {
        let who = line.staff_name.as_deref().unwrap_or_default();
        let cells = [who, &line.action, &line.subject, &line.detail].map(guarded);
        let at = line.at.to_string();
        csv.write_record(std::iter::once(at.as_str()).chain(cells.iter().map(String::as_str)))?;
    }
    Ok(Some((csv.into_inner()?, reading)))
}

/// Whether that is somebody’s public id, who may have been forgotten: then the log alone knows it.
async fn is_known(asked: &Asked, db: &Db, id: &str) -> Result<bool, WebError> {
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(false);
    }
    if subscribers::subscriber(db, id).await?.is_some() {
        return Ok(true);
    }
    let about = WantedLines { subject: Some(id), ..WantedLines::default() };
    let line = match asked.looks {
        true => audit_log::looks(db, about, None, 1).await?,
        false => audit_log::page(db, about, None, 1).await?,
    };
    Ok(!line.is_empty())
}

/// What the address asks for: somebody of the team, a reader, a day where the magazine is.
async fn asked(desk: &Desk, look: &Look) -> Result<Asked, WebError> {
    let db = &desk.site().db;
    let (person, reader, day) = (look.person.trim(), look.reader.trim(), look.day.trim());
    let looks = look.what == LOOKS;
    let mut asked =
        Asked { looks, staff_id: None, subject: None, within: None, mistake: None, several: Vec::new() };
    if !person.is_empty() {
        asked.staff_id = staff::member(db, person).await?.map(|member| member.id);
        if asked.staff_id.is_none() {
            asked.mistake = Some("Nobody of the team is called so.");
        }
    }
    if let Ok(address) = EmailAddress::parse(reader) {
        asked.subject = subscribers::by_email(db, &address).await?.map(|reader| reader.public_id);
        if asked.subject.is_none() {
            asked.mistake = Some("No reader has that address.");
        }
    } else if is_known(&asked, db, reader).await? {
        asked.subject = Some(reader.to_owned());
    } else if !reader.is_empty() {
        desk.looks("", "in the log, by a search").await?;
        let wanted = subscribers::Wanted { search: reader, ..subscribers::Wanted::default() };
        let found = subscribers::page(desk.site(), wanted, None, SEVERAL).await?;
        match &*found {
            [] => asked.mistake = Some("No reader has that in their address or name."),
            [only] => asked.subject = Some(only.public_id.clone()),
            _ => {
                asked.mistake = Some("Several readers fit. Choose one, or write more of the address.");
                asked.several = found;
            }
        }
    }
    if !day.is_empty() {
        asked.within = day.parse().ok().and_then(|day| desk.zone().day(day));
        if asked.within.is_none() {
            asked.mistake = Some("Enter a day, such as 2026-05-12.");
        }
    }
    Ok(asked)
}
