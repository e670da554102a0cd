//! `/desk/many`: what the team does with many readers at once: what was done, and beginning something new with those that the page of
//! readers shows.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use super::many_sums::{in_short, standing, title};
use crate::{
    bulk::{self, BulkAct, BulkError, BulkPlan, ReaderFilter},
    segments,
    subscribers::{
        BulkDeed, ReaderStanding, Weeks,
        consent::AGAIN_BUTTON,
        lists::{self, List},
        topics::{self, Topic},
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{self, Links, Place},
        session::see_other,
        words::readers::how_they_stand,
    },
    words::in_a_sentence,
};

/// The first five say to whom, as the page of readers does.
pub(super) const FIELDS: &[&str] =
    &["q", "list", "topic", "state", "segment", "deed", "to", "about", "weeks", "why", "of"];
pub(super) const TITLE: &str = "Many readers at once";
const PAGE: usize = 20;

/// To whom, as the address of the page of readers says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Whom {
    pub(super) q: String,
    /// The number of a list.
    pub(super) list: String,
    /// The public id of a topic.
    pub(super) topic: String,
    pub(super) state: String,
    /// The public id of a segment.
    pub(super) segment: String,
}

/// The same, understood.
pub(super) struct Meant {
    pub filter: ReaderFilter,
    /// In words, without what was typed.
    pub words: String,
}

impl Whom {
    /// What is not known any more is every reader's: then nothing is meant.
    pub(super) async fn meant(&self, desk: &Desk) -> Result<Option<Meant>, WebError> {
        let db = &desk.site().db;
        let lists = lists::all(db).await?;
        let list = lists.iter().find(|one| one.id.to_string() == self.list);
        let topics = topics::all(db).await?;
        let topic = topics.iter().find(|one| one.public_id == self.topic);
        let state = ReaderStanding::parse(&self.state);
        let segments = segments::all(db).await?;
        let segment = segments.iter().find(|one| one.public_id == self.segment);
        let is_unknown = |typed: &str, found: bool| !typed.is_empty() && !found;
        if is_unknown(&self.list, list.is_some())
            || is_unknown(&self.topic, topic.is_some())
            || is_unknown(&self.state, state.is_some())
            || is_unknown(&self.segment, segment.is_some())
        {
            return Ok(None);
        }
        let search = self.q.trim();
        let mut words = Vec::new();
        words.extend(list.map(|one| one.name.clone()));
        words.extend(topic.map(|one| format!("chose {}", one.name)));
        words.extend(state.map(|one| how_they_stand(one).to_owned()));
        words.extend(segment.map(|one| format!("the segment {}, version {}", one.name, one.version)));
        words.extend((!search.is_empty()).then(|| "found by a search".to_owned()));
        // What it takes in is frozen with it.
        let asked = match segment {
            Some(segment) => Some(segments::in_full(db, &segment.tree).await?),
            None => None,
        };
        let filter = ReaderFilter {
            search: search.to_owned(),
            list: list.map(|one| one.id),
            topic: topic.map(|one| one.id),
            segment: asked,
            standing: state.map(|one| one.as_str().to_owned()).unwrap_or_default(),
        };
        let words = if words.is_empty() { "all readers".to_owned() } else { words.join(", ") };
        Ok(Some(Meant { filter, words }))
    }

    /// As a form has it that was sent.
    pub(super) fn of(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        let (q, list, topic) = (text("q"), text("list"), text("topic"));
        Self { q, list, topic, state: text("state"), segment: text("segment") }
    }

    /// For the form that goes on with it.
    pub(super) fn fill(&self, form: Form) -> Form {
        form.with("q", self.q.trim())
            .with("list", self.list.as_str())
            .with("topic", self.topic.as_str())
            .with("state", self.state.as_str())
            .with("segment", self.segment.as_str())
    }

    /// The page of readers that shows them, or another page about the same.
    pub(super) fn address(&self, path: &str) -> String {
        let kept = [
            ("q", self.q.trim()),
            ("list", self.list.as_str()),
            ("topic", self.topic.as_str()),
            ("state", self.state.as_str()),
            ("segment", self.segment.as_str()),
        ];
        paging::List { path, place: "", kept: &kept }.address::<1>(None)
    }
}

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    before: Place,
}

#[derive(Serialize)]
struct Page {
    acts: Vec<Line>,
    pages: Links,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    title: String,
    whom: String,
    state: &'static str,
    look: &'static str,
    sums: String,
    who: String,
    when: String,
}

/// `GET /desk/many`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let list = paging::List { path: "/desk/many", place: "before", kept: &[] };
    let read = |most| bulk::page(&desk.site().db, look.before.id(), most);
    let (found, pages) = list.page(look.before, PAGE, read, |last| [last.number()]).await?;
    let mut acts = Vec::new();
    for one in found {
        acts.push(line(&desk, one)?);
    }
    desk.page("desk/readers/many", TITLE, &Page { acts, pages }).await
}

fn line(desk: &Desk, one: BulkAct) -> Result<Line, WebError> {
    let (state, look) = standing(one.state);
    Ok(Line {
        title: title(&one),
        sums: in_short(&one)?,
        when: one.created_at.date_time(desk.zone()),
        public_id: one.public_id,
        whom: one.whom,
        who: one.who,
        state,
        look,
    })
}

#[derive(Serialize)]
pub(super) struct New {
    whom: String,
    /// What is looked for beside that; may be empty.
    search: String,
    to_readers: String,
    is_everybody: bool,
    lists: Vec<Choice>,
    topics: Vec<Choice>,
    weeks: Vec<Choice>,
    deed: String,
    /// Those that readers may be asked to confirm again.
    asked_lists: Vec<Choice>,
    /// What the button says by which they do.
    button: &'static str,
    form: Form,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// `GET /desk/many/new`
pub(crate) async fn new(desk: Desk, Query(whom): Query<Whom>) -> Outcome {
    let form = whom.fill(Form::new(FIELDS));
    let Some(meant) = whom.meant(&desk).await? else { return Ok(see_other("/desk/readers")) };
    let page = new_page(&desk, &whom, &meant, form).await?;
    desk.page("desk/readers/many_new", TITLE, &page).await
}

/// `POST /desk/many/new`
pub(crate) async fn begin(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let whom = Whom::of(&form);
    // A list or topic of it is gone since: the page of readers shows what there is.
    let Some(meant) = whom.meant(&desk).await? else { return Ok(see_other("/desk/readers")) };
    let db = &desk.site().db;
    let (lists, topics) = (lists::all(db).await?, topics::all(db).await?);
    let deed = form.parse("deed", |word| BulkDeed::parse(word).ok_or("Choose what to do."));
    let list = match deed {
        Some(deed) if deed != BulkDeed::Pause => form.parse("to", |id| {
            let found = lists.iter().find(|list| list.id.to_string() == id);
            let needs_mail = matches!(deed, BulkDeed::Join | BulkDeed::Choose);
            found.filter(|list| !needs_mail || list.is_mailed()).map(|list| list.id).ok_or("Choose a list.")
        }),
        _ => None,
    };
    let topic = match deed {
        Some(BulkDeed::Choose | BulkDeed::Unchoose) => form.parse("about", |id| {
            topics.iter().find(|topic| topic.public_id == id).map(|topic| topic.id).ok_or("Choose a topic.")
        }),
        _ => None,
    };
    let rests = deed == Some(BulkDeed::Pause);
    let weeks = match rests || !form.text("weeks").is_empty() {
        true => form.parse("weeks", |word| Weeks::parse(word).ok_or("Choose for how long.")),
        false => None,
    };
    let weeks = weeks.filter(|_| rests);
    let why = form.required("why", 300, "Say how they agreed, or why you do it.");
    let (Some(deed), true) = (deed, form.is_valid()) else {
        let page = new_page(&desk, &whom, &meant, form).await?;
        return desk.page_again("desk/readers/many_new", TITLE, &page).await;
    };
    let plan = BulkPlan { deed, list, topic, weeks, why: &why, whom: &meant.words };
    match bulk::begin(desk.site(), &meant.filter, &plan, desk.who.staff.id).await {
        Ok(id) => Ok(see_other(&format!("/desk/many/{id}"))),
        Err(error @ BulkError::TooMany) => {
            form.mistake("deed", in_a_sentence(&error.to_string()));
            let page = new_page(&desk, &whom, &meant, form).await?;
            desk.page_again("desk/readers/many_new", TITLE, &page).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn new_page(desk: &Desk, whom: &Whom, meant: &Meant, form: Form) -> Result<New, WebError> {
    let db = &desk.site().db;
    let known = lists::all(db).await?;
    let choice = |list: &List, name: &str| Choice {
        value: list.id.to_string(),
        // Those of a list are likely to be meant with that list.
        chosen: [form.text(name), form.text("list")].into_iter().find(|id| !id.is_empty())
            == Some(&*list.id.to_string()),
        label: list.name.clone(),
    };
    let asked_lists = known.iter().filter(|list| list.is_mailed()).map(|list| choice(list, "of")).collect();
    let lists = known.iter().map(|list| choice(list, "to")).collect();
    let of_topic = |topic: Topic| Choice {
        chosen: form.text("about") == topic.public_id,
        value: topic.public_id,
        label: topic.name,
    };
    let weeks = Weeks::ALL.into_iter().map(|weeks| Choice {
        value: weeks.as_str().to_owned(),
        label: format!("{weeks} weeks"),
        chosen: form.text("weeks") == weeks.as_str(),
    });
    Ok(New {
        whom: meant.words.clone(),
        search: whom.q.trim().to_owned(),
        to_readers: whom.address("/desk/readers"),
        is_everybody: !meant.filter.is_narrowed(),
        lists,
        asked_lists,
        button: AGAIN_BUTTON,
        topics: topics::all(db).await?.into_iter().map(of_topic).collect(),
        weeks: weeks.collect(),
        deed: form.text("deed").to_owned(),
        form,
    })
}
