//! `/desk/segments`: readers chosen by what is known of them; what there is, and the page on which one is made and changed.

use axum::extract::Path;
use serde::Serialize;

use super::{
    segment_condition::Named,
    segment_draft::{BEGIN, Draft, Part, names},
};
use crate::{
    publishing,
    segments::{self, LONGEST_NAME, Segment, SegmentCount, SegmentError, SegmentTree},
    subscribers::{self, Subscriber, fields, forms, lists, topics},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        session::see_other,
        words::{count, grouped},
    },
};

const TITLE: &str = "Segments";
const FIELDS: &[&str] = &["name", "shape", "press", "seen"];
/// So many editions can be chosen among.
const EDITIONS: i64 = 50;
/// So many readers stand on the page.
const SHOWN: i64 = 20;

#[derive(Serialize)]
struct All {
    segments: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    name: String,
    sentence: String,
    when: String,
    who: String,
}

/// `GET /desk/segments`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let db = &desk.site().db;
    let found = segments::all(db).await?;
    let trees: Vec<&SegmentTree> = found.iter().map(|one| &one.tree).collect();
    let named = segments::names(db, &trees).await?;
    let line = |one: &Segment| Line {
        sentence: segments::sentence(&one.tree, &named),
        public_id: one.public_id.clone(),
        name: one.name.clone(),
        when: one.changed_at.date_time(desk.zone()),
        who: one.changed_by.clone().unwrap_or_default(),
    };
    let page = All { segments: found.iter().map(line).collect() };
    desk.page("desk/readers/segments", TITLE, &page).await
}

#[derive(Serialize)]
struct Page {
    /// None of one that is new.
    id: Option<String>,
    form: Form,
    shape: String,
    seen: String,
    parts: Vec<Part>,
    /// What is wrong with the whole.
    trouble: String,
    /// None while something has to be said first.
    sentence: Option<String>,
    count: Option<String>,
    readers: Vec<Reader>,
    /// Where these readers are all shown.
    to_readers: Option<String>,
    used_by: Option<String>,
    version: Option<String>,
    longest: usize,
}

#[derive(Serialize)]
struct Reader {
    public_id: String,
    email: String,
    name: String,
}

/// How many, for people.
fn in_words(counted: SegmentCount) -> String {
    let SegmentCount { about, n } = counted;
    if !about {
        return count(n, "reader");
    }
    if n == 0 {
        return "A few readers, if any".to_owned();
    }
    // A part was looked at: what it cannot know is not said.
    let step = 10_i64.pow(n.max(1).ilog10().saturating_sub(2));
    format!("about {} readers", grouped((n + step / 2) / step * step))
}

async fn named(desk: &Desk, but: Option<i64>) -> Result<Named, WebError> {
    let db = &desk.site().db;
    let mut segments = segments::all(db).await?;
    segments.retain(|one| Some(one.id) != but);
    Ok(Named {
        lists: lists::all(db).await?,
        topics: topics::all(db).await?,
        fields: fields::all(db).await?,
        forms: forms::all(desk.site()).await?.into_iter().map(|(form, _)| form).collect(),
        editions: publishing::latest(db, None, EDITIONS).await?,
        segments,
        currency: desk.settings.currency.clone(),
    })
}

async fn found(desk: &Desk, id: &str) -> Result<Segment, WebError> {
    segments::find(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

/// `GET /desk/segments/new`
pub(crate) async fn new(desk: Desk) -> Outcome {
    let form = Form::new(FIELDS);
    let page = page(&desk, None, (Draft::new(), form), (false, String::new())).await?;
    desk.page("desk/readers/segment", "New segment", &page).await
}

/// `GET /desk/segments/{segment}`
pub(crate) async fn show_one(desk: Desk, Path(id): Path<String>) -> Outcome {
    let segment = found(&desk, &id).await?;
    let form = Form::new(FIELDS).with("name", segment.name.as_str());
    let form = form.with("seen", segment.version.to_string());
    let page = page(&desk, Some(&segment), (Draft::of(&segment.tree), form), (true, String::new())).await?;
    desk.page("desk/readers/segment", &segment.name, &page).await
}

/// `POST /desk/segments/new`
pub(crate) async fn create(desk: Desk, posted: Posted) -> Outcome {
    take(desk, None, posted).await
}

/// `POST /desk/segments/{segment}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let segment = found(&desk, &id).await?;
    take(desk, Some(segment), posted).await
}

/// A button of the form: it looks, adds, takes away, or saves.
async fn take(desk: Desk, segment: Option<Segment>, posted: Posted) -> Outcome {
    let shape = posted.clone().form_with(FIELDS, BEGIN, Vec::new())?;
    let names = names(shape.text("shape"));
    let names = names.ok_or(WebError::BadRequest("The form was sent in a way that our pages do not use."))?;
    let mut form = posted.form_with(FIELDS, BEGIN, names)?;
    let draft = Draft::read(&form);
    let mut draft = draft.ok_or(WebError::BadRequest("The form held a field that it does not have."))?;
    let title = segment.as_ref().map_or("New segment", |one| one.name.as_str()).to_owned();
    if form.text("press") != "save" {
        draft.press(form.text("press"));
        // Whoever asks for the number hears what is in its way; while somebody is still at it nothing is wrong.
        let counts = form.text("press") == "count";
        let page = page(&desk, segment.as_ref(), (draft, form), (counts, String::new())).await?;
        return desk.page("desk/readers/segment", &title, &page).await;
    }
    let name = form.required("name", LONGEST_NAME, "Give it a name.");
    let named = named(&desk, segment.as_ref().map(|one| one.id)).await?;
    let tree = draft.tree(&named);
    let (Some(tree), true) = (tree, form.is_valid()) else {
        let page = page(&desk, segment.as_ref(), (draft, form), (true, String::new())).await?;
        return desk.page_again("desk/readers/segment", &title, &page).await;
    };
    match save(&desk, segment.as_ref(), &form, (&name, tree.clone())).await {
        Ok(id) => Ok(see_other(&format!("/desk/segments/{id}?done=saved"))),
        Err(SegmentError::Database(error)) => Err(error.into()),
        Err(SegmentError::NotFound) => Err(WebError::NotFound),
        Err(error @ SegmentError::Changed) => {
            let Some(seen) = &segment else { return Err(WebError::NotFound) };
            let newest = found(&desk, &seen.public_id).await?;
            let trouble = format!("{error} {}", theirs(&desk, &newest).await?);
            // What it says now was seen: saved again, what was typed comes on top of it.
            let form = form.holding("seen", newest.version.to_string());
            let page = page(&desk, Some(&newest), (draft, form), (true, trouble)).await?;
            desk.page("desk/readers/segment", &title, &page).await.map(conflict)
        }
        Err(error @ (SegmentError::Name | SegmentError::NameTaken)) => {
            form.mistake("name", error);
            // All but the name may be saved already.
            if let Some(seen) = &segment {
                let newest = found(&desk, &seen.public_id).await?;
                if newest.tree == tree {
                    form = form.holding("seen", newest.version.to_string());
                }
            }
            let page = page(&desk, segment.as_ref(), (draft, form), (true, String::new())).await?;
            desk.page_again("desk/readers/segment", &title, &page).await
        }
        Err(error) => {
            let page = page(&desk, segment.as_ref(), (draft, form), (true, error.to_string())).await?;
            desk.page_again("desk/readers/segment", &title, &page).await
        }
    }
}

/// What somebody else saved, for whoever has typed something else.
async fn theirs(desk: &Desk, newest: &Segment) -> Result<String, WebError> {
    let Segment { name, version, tree, .. } = newest;
    let by = newest.changed_by.as_ref().map(|who| format!(" by {who}")).unwrap_or_default();
    let asked = segments::sentence(tree, &segments::names(&desk.site().db, &[tree]).await?);
    Ok(format!(
        "It is version {version}{by} now, “{name}”: {asked}. Nothing of yours is lost, it stands below: press Save once more, and it is the version after that one."
    ))
}

/// What was typed is saved if nobody saved it since the page was opened: its public id.
async fn save(
    desk: &Desk,
    segment: Option<&Segment>,
    form: &Form,
    (name, tree): (&str, SegmentTree),
) -> Result<String, SegmentError> {
    let (site, staff) = (desk.site(), Some(desk.who.staff.id));
    let Some(segment) = segment else { return segments::create(site, staff, name, tree).await };
    if form.text("seen") != segment.version.to_string() {
        return Err(SegmentError::Changed);
    }
    // Without another word in it no version is made.
    if tree.clone().checked()? != segment.tree {
        segments::save(site, staff, segment, tree).await?;
    }
    if name != segment.name {
        segments::rename(site, staff, segment, name).await?;
    }
    Ok(segment.public_id.clone())
}

/// `POST /desk/segments/{segment}/delete`
pub(crate) async fn delete(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let segment = found(&desk, &id).await?;
    match segments::delete(desk.site(), Some(desk.who.staff.id), &segment).await {
        Ok(()) => Ok(see_other("/desk/segments?done=segment-deleted")),
        Err(SegmentError::Database(error)) => Err(error.into()),
        Err(SegmentError::NotFound) => Err(WebError::NotFound),
        Err(error) => {
            let form = Form::new(FIELDS).with("name", segment.name.as_str());
            let form = form.with("seen", segment.version.to_string());
            let draft = (Draft::of(&segment.tree), form);
            let page = page(&desk, Some(&segment), draft, (true, error.to_string())).await?;
            desk.page("desk/readers/segment", &segment.name, &page).await.map(conflict)
        }
    }
}

async fn page(
    desk: &Desk,
    segment: Option<&Segment>,
    (mut draft, form): (Draft, Form),
    (says_mistakes, mut trouble): (bool, String),
) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let named = named(desk, segment.map(|one| one.id)).await?;
    let tree = draft.tree(&named);
    let tree = match tree {
        None => None,
        Some(tree) => match segments::check(db, segment.map(|one| one.id), tree).await {
            Ok(tree) => Some(tree),
            Err(SegmentError::Database(error)) => return Err(error.into()),
            Err(error) => {
                if says_mistakes && trouble.is_empty() {
                    trouble = error.to_string();
                }
                None
            }
        },
    };
    if !says_mistakes {
        draft.forgives();
    }
    let (mut sentence, mut counted, mut readers) = (None, None, Vec::new());
    if let Some(tree) = &tree {
        sentence = Some(format!("{}.", segments::sentence(tree, &segments::names(db, &[tree]).await?)));
        counted = Some(in_words(segments::count(desk.site(), tree).await?));
        let first = segments::newest(desk.site(), tree, i64::MAX, SHOWN).await?;
        readers = subscribers::by_ids(db, &first.readers).await?;
        desk.looks("", "by a segment").await?;
    }
    let view =
        |one: Subscriber| Reader { public_id: one.public_id, email: one.email.readable(), name: one.name };
    let used_by = match segment {
        Some(segment) => segments::used_by(db, segment.id).await?,
        None => None,
    };
    let action = format!("/desk/segments/{}", segment.map_or("new", |one| one.public_id.as_str()));
    Ok(Page {
        id: segment.map(|one| one.public_id.clone()),
        shape: draft.shape(),
        seen: form.text("seen").to_owned(),
        parts: draft.parts(&named, &action),
        form,
        trouble,
        sentence,
        count: counted,
        readers: readers.into_iter().map(view).collect(),
        to_readers: segment.map(|one| format!("/desk/readers?segment={}", one.public_id)),
        used_by,
        version: segment.map(|one| {
            let by = one.changed_by.as_ref().map(|who| format!(", {who}")).unwrap_or_default();
            format!("Version {}, saved on {}{by}.", one.version, one.changed_at.date_time(desk.zone()))
        }),
        longest: LONGEST_NAME,
    })
}
