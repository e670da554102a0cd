//! `/desk/forms/{form}`: what a form says, offers and asks; the sites that may hold it, and the code for them.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    clock::{Moment, Zone},
    staff::Role,
    subscribers::{
        consent,
        fields::{self, Field},
        forms::{self, Answer, Asked, Draft, FormError, FormState, Offers, OffersTopics, SignUpForm, Words},
        lists::{self, List, OptIn},
        topics::Topic,
    },
    web::{Desk, Form, Outcome, Posted, WebError, answers::conflict, session::see_other},
};

const FIELDS: &[&str] = &[
    "name", "title", "intro", "wording", "offers", "list", "topics", "campaign", "source", "state", "seen",
    "act",
];
/// Whoever names sites does so in the same form: neither button loses what was typed for the other.
const WITH_SITES: &[&str] = &[
    "name", "title", "intro", "wording", "offers", "list", "topics", "campaign", "source", "state", "seen",
    "act", "sites",
];
const TEMPLATE: &str = "desk/forms/form";
const CHANGED: &str = "Somebody else saved this form since you opened it. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";

#[derive(Serialize)]
struct Page {
    slug: String,
    name: String,
    /// Where it stands on our site.
    path: String,
    url: String,
    form: Form,
    /// How often it was saved when the page was opened.
    seen: i64,
    /// Why it was not saved.
    trouble: Option<&'static str>,
    lists: Vec<Choice>,
    asks: Vec<Ask>,
    /// Whether one of its lists does without a mail that asks: what is answered then is nobody's.
    at_once: bool,
    /// Older words beside the box stay with whoever saw them.
    versions: Vec<Version>,
    wording_hint: String,
    sites: Vec<String>,
    /// Where the form is sent: whoever may name sites names them with it.
    action: String,
    may_name_sites: bool,
    /// Since when it is put away, in words.
    away_since: Option<String>,
    /// It can be put away.
    may_go: bool,
    /// It is put away, and can be deleted.
    goes: bool,
    /// For other sites; none before one was named.
    code: Option<Code>,
}

#[derive(Serialize)]
struct Choice {
    id: i64,
    name: String,
    chosen: bool,
    /// Readers cannot join it by themselves.
    private: bool,
}

/// A field, and whether the form asks it.
#[derive(Serialize)]
struct Ask {
    name: String,
    label: String,
    value: String,
}

#[derive(Serialize)]
struct Version {
    number: usize,
    since: String,
    text: String,
}

#[derive(Serialize)]
struct Code {
    html: String,
    frame: String,
    endpoint: String,
    /// What the words beside the box are known by.
    words: String,
}

fn ask_name(field: &Field) -> String {
    format!("ask_{}", field.name)
}

fn ask_names(known: &[Field]) -> Vec<String> {
    known.iter().map(ask_name).collect()
}

async fn find(desk: &Desk, slug: &str) -> Result<SignUpForm, WebError> {
    forms::named(&desk.site().db, slug).await?.ok_or(WebError::NotFound)
}

/// `GET /desk/forms/{form}`
pub(crate) async fn show(desk: Desk, Path(slug): Path<String>) -> Outcome {
    let kept = find(&desk, &slug).await?;
    let form = as_kept(&desk, &kept).await?;
    let page = page(&desk, kept, form, None).await?;
    desk.page(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/forms/{form}`
pub(crate) async fn submit(desk: Desk, Path(slug): Path<String>, posted: Posted) -> Outcome {
    save(&desk, &slug, posted, FIELDS).await
}

/// `POST /desk/forms/{form}/sites`: the same with the sites that may hold it. What may be framed by whom is the owner's alone.
pub(crate) async fn submit_with_sites(desk: Desk, Path(slug): Path<String>, posted: Posted) -> Outcome {
    save(&desk, &slug, posted, WITH_SITES).await
}

async fn save(desk: &Desk, slug: &str, posted: Posted, fields: &'static [&'static str]) -> Outcome {
    let kept = find(desk, slug).await?;
    let known = fields::all(&desk.site().db).await?;
    let mut form = posted.form_with(fields, "ask_", ask_names(&known))?;
    let name = form.required("name", 100, "Give it a name, for the team.");
    let (title, intro) = (form.optional("title", 100), form.optional("intro", 300));
    let (wording, campaign) = (form.optional("wording", 500), form.optional("campaign", 100));
    let source = form.optional("source", 100);
    for (field, text) in [("name", &name), ("title", &title), ("campaign", &campaign), ("source", &source)] {
        if text.chars().any(char::is_control) {
            form.mistake(field, "Write it in one line.");
        }
    }
    let offers = form.parse("offers", |offers| Offers::parse(offers).ok_or("Say what it offers."));
    let state = form.parse("state", |state| FormState::parse(state).ok_or("Say whether people can use it."));
    let chosen: Vec<i64> = form.all("list").iter().filter_map(|id| id.parse().ok()).collect();
    if offers == Some(Offers::Chosen) && chosen.is_empty() {
        form.mistake("list", "Choose at least one list, or offer every one that is public.");
    }
    let mut asked: Vec<(i64, Answer)> = Vec::new();
    for field in &known {
        let name = ask_name(field);
        match (form.text(&name), Answer::parse(form.text(&name))) {
            ("", _) => {}
            (_, Some(answer)) => asked.push((field.id, answer)),
            (_, None) => form.mistake(&name, "Say whether it is asked."),
        }
    }
    if asked.len() > forms::MOST_ASKED {
        let most = forms::MOST_ASKED;
        form.mistake("name", format_args!("A form asks at most {most} fields: more keep people away."));
    }
    let seen = form.text("seen").parse().unwrap_or(-1);
    let sites = if fields == WITH_SITES { form.parse("sites", forms::read_sites) } else { None };
    let (Some(offers), Some(state), true) = (offers, state, form.is_valid()) else {
        // A mistake shows nobody what somebody else saved meanwhile.
        let mut page = page(desk, kept, form, None).await?;
        page.seen = seen;
        return desk.page_again(TEMPLATE, &page.name, &page).await;
    };
    let (name, title, intro, wording) = (&name, &title, &intro, &wording);
    let topics = OffersTopics::parse(form.text("topics")).unwrap_or_default();
    let words =
        Words { name, title, intro, wording, offers, campaign: &campaign, source: &source, state, topics };
    let draft = Draft { words, lists: &chosen, fields: &asked };
    let (site, staff) = (desk.site(), desk.who.staff.id);
    // Each saving is a version more, and the next one is of that.
    let mut version = seen;
    let mut saved = forms::save(site, &desk.settings, staff, (slug, version), draft).await;
    if let (true, Some(sites)) = (saved.is_ok(), sites.filter(|sites| !kept.sites().eq(sites))) {
        version += 1;
        saved = forms::save_sites(site, staff, (slug, version), &sites).await;
    }
    let comes_back = form.text("act") == "back" && kept.retired_at.is_some();
    if saved.is_ok() && comes_back {
        saved = forms::put_away(site, staff, (slug, version + 1), false).await;
    }
    match saved {
        Ok(()) => {
            let done = if comes_back { "form-back" } else { "saved" };
            Ok(see_other(&format!("/desk/forms/{slug}?done={done}")))
        }
        Err(FormError::Database(error)) => Err(error.into()),
        Err(_) => {
            let page = page(desk, find(desk, slug).await?, form, Some(CHANGED)).await?;
            desk.page(TEMPLATE, &page.name, &page).await.map(conflict)
        }
    }
}

async fn as_kept(desk: &Desk, kept: &SignUpForm) -> Result<Form, WebError> {
    let db = &desk.site().db;
    let known = fields::all(db).await?;
    let mut form = Form::with_more(WITH_SITES, ask_names(&known))
        .with("sites", kept.sites.as_str())
        .with("name", kept.name.as_str())
        .with("title", kept.title.as_str())
        .with("intro", kept.intro.as_str())
        .with("wording", kept.wording.as_str())
        .with("offers", kept.offers.as_str())
        .with("campaign", kept.campaign.as_str())
        .with("source", kept.source.as_str())
        .with("topics", kept.topics.as_str())
        .with("state", kept.state.as_str());
    for list in forms::chosen_lists(db, kept.id).await? {
        form = form.with("list", list.to_string());
    }
    for Asked { field, answer } in forms::asked(db, kept.id).await? {
        form = form.with(&ask_name(&field), answer.as_str());
    }
    Ok(form)
}

async fn page(
    desk: &Desk,
    kept: SignUpForm,
    form: Form,
    trouble: Option<&'static str>,
) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let chosen = form.all("list");
    let choice = |list: List| Choice {
        chosen: chosen.contains(&list.id.to_string()),
        private: !list.takes_sign_ups(),
        id: list.id,
        name: list.name,
    };
    let ask = |field: Field| {
        let name = ask_name(&field);
        Ask { value: form.text(&name).to_owned(), label: field.label, name }
    };
    let sites: Vec<String> = kept.sites().map(str::to_owned).collect();
    let offers = forms::offers(db, &kept).await?;
    let may_name_sites = desk.may(Role::OWNING);
    Ok(Page {
        at_once: offers.iter().any(|list| list.opt_in == OptIn::Single),
        path: kept.path(),
        url: desk.site().url(&kept.path()),
        seen: kept.changes,
        trouble,
        lists: lists::all(db).await?.into_iter().map(choice).collect(),
        asks: fields::all(db).await?.into_iter().map(ask).collect(),
        versions: versions(forms::wordings(db, kept.id).await?, desk.zone()),
        wording_hint: format!("If empty: “{}”", consent::wording(&desk.settings.magazine_name)),
        code: if sites.is_empty() { None } else { Some(code(desk, &kept).await?) },
        action: format!("/desk/forms/{}{}", kept.slug, if may_name_sites { "/sites" } else { "" }),
        sites,
        may_name_sites,
        away_since: kept.retired_at.map(|at| at.date(desk.zone())),
        may_go: kept.slug != forms::MAIN,
        goes: kept.retired_at.is_some() && !forms::was_used(db, kept.id).await?,
        form,
        slug: kept.slug,
        name: kept.name,
    })
}

fn versions(kept: Vec<(String, Moment)>, zone: &Zone) -> Vec<Version> {
    let version = |(at, (text, since)): (usize, (String, Moment))| Version {
        number: at + 1,
        since: since.date(zone),
        text,
    };
    let mut versions: Vec<Version> = kept.into_iter().enumerate().map(version).collect();
    versions.reverse();
    versions
}

/// How high a form is in a frame, on a phone: as it is at least, for each list or topic to choose among, for each question. Pixels.
const FRAME: usize = 760;
const CHOICE: usize = 60;
const QUESTION: usize = 150;

/// What the code for other sites is made of.
#[derive(Serialize)]
struct Embed {
    action: String,
    frame: String,
    title: String,
    intro: String,
    /// Of the frame, in pixels: so that nobody has to scroll in it on a phone.
    height: usize,
    wording: String,
    words: String,
    lists: Vec<List>,
    several: bool,
    /// What is sent for each topic, its name, and the list's.
    topics: Vec<(String, String, String)>,
    asks: Vec<Question>,
}

#[derive(Serialize)]
struct Question {
    name: String,
    label: String,
    kind: &'static str,
    required: bool,
    choices: Vec<(String, String)>,
}

impl Question {
    fn new(Asked { field, answer }: Asked) -> Self {
        use fields::FieldKind::{Choice, Date, YesNo};
        let same = |one: &str| (one.to_owned(), one.to_owned());
        Self {
            choices: match field.kind {
                YesNo => vec![("yes".to_owned(), "Yes".to_owned()), ("no".to_owned(), "No".to_owned())],
                Choice => field.choices().map(same).collect(),
                _ => Vec::new(),
            },
            kind: if field.kind == Date { "date" } else { "text" },
            name: format!("field_{}", field.name),
            label: field.label,
            required: answer == Answer::Required,
        }
    }
}

fn topics_of(lists: &[List], topics: &[(i64, Vec<Topic>)]) -> Vec<(String, String, String)> {
    let name = |id: i64| lists.iter().find(|list| list.id == id).map(|list| list.name.clone());
    let of_list = |(list, topics): &(i64, Vec<Topic>)| {
        let (id, list) = (*list, name(*list).unwrap_or_default());
        let line = |topic: &Topic| (format!("{id}:{}", topic.id), topic.name.clone(), list.clone());
        topics.iter().map(line).collect::<Vec<_>>()
    };
    topics.iter().flat_map(of_list).collect()
}

async fn code(desk: &Desk, kept: &SignUpForm) -> Result<Code, WebError> {
    let (site, slug) = (desk.site(), &kept.slug);
    let shown = forms::shown(&site.db, &desk.settings, slug).await?.ok_or(WebError::NotFound)?;
    // The code is copied before the form is opened, too.
    let lists = forms::offers(&site.db, kept).await?;
    let heading = match shown.form.title.as_str() {
        "" => format!("{} by email", desk.settings.magazine_name),
        title => title.to_owned(),
    };
    let choices = if lists.len() > 1 { lists.len() } else { 0 };
    let offered = forms::topics(&site.db, kept, &lists).await?;
    // With the words over them.
    let ticks: usize = offered.iter().map(|(_, topics)| topics.len() + 2).sum();
    let topics = topics_of(&lists, &offered);
    let embed = Embed {
        action: site.url(&format!("/subscribe/{slug}")),
        frame: site.url(&format!("/subscribe/{slug}/embedded")),
        title: heading,
        intro: shown.form.intro.clone(),
        height: FRAME + CHOICE * (choices + ticks) + QUESTION * shown.fields.len(),
        words: consent::known_by(&shown.wording),
        wording: shown.wording,
        several: choices > 0,
        topics,
        lists,
        asks: shown.fields.into_iter().map(Question::new).collect(),
    };
    Ok(Code {
        html: desk.app.pages.render("desk/forms/code", &embed)?,
        frame: desk.app.pages.render("desk/forms/code_frame", &embed)?,
        words: embed.words.clone(),
        endpoint: site.url(&format!("/api/forms/{slug}")),
    })
}
