//! `/desk/settings`: what the owner decides about the magazine.

use std::sync::LazyLock;

use serde::Serialize;

use crate::{
    clock::Zone,
    mail,
    money::{self, GiftLimits, Money},
    settings::{self, Setting, Settings},
    subscribers::fields,
    web::{
        Desk, Form, Outcome, Posted, WebError, answers::conflict, desk::theirs::Theirs, session::see_other,
    },
};

/// Decided on a page of its own.
const ELSEWHERE: &str = "send_unproven";

/// The state of the settings that the form was made of stands with them.
static FIELDS: LazyLock<Vec<&str>> =
    LazyLock::new(|| here().map(|one| one.name).chain(["version"]).collect());
const TITLE: &str = "Settings";
const TEMPLATE: &str = "desk/settings/magazine";
const CHANGED: &str = "Somebody else changed the settings since you opened this page. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";

#[derive(Serialize)]
struct Page {
    form: Form,
    zones: Vec<String>,
    /// What the least and the most are while nothing else is decided.
    least_hint: String,
    most_hint: String,
    /// How a field is written.
    greeting_hint: String,
    /// The state of the settings that the form was made of.
    version: String,
    /// Why it was not saved.
    trouble: Option<&'static str>,
    /// What somebody else decided meanwhile, where it differs.
    theirs: Vec<Theirs>,
    /// Where that can be looked at.
    action: &'static str,
}

impl Page {
    fn new(form: Form) -> Self {
        let sensible = money::currency(form.text("currency")).and_then(money::sensible_limits);
        let hint = |limit: fn(GiftLimits) -> Money| {
            sensible.map_or_else(String::new, |limits| format!("{} if empty.", limit(limits)))
        };
        Self {
            zones: Zone::names(),
            greeting_hint: format!(
                "Over the words that an edition begins with. {} is the reader’s name; fields that may stand in mails, such as {}, are under Forms, Fields.",
                "{{name, else \"reader\"}}",
                mail::fields_written("first_name")
            ),
            least_hint: hint(|limits| limits.least),
            most_hint: hint(|limits| limits.most),
            version: form.text("version").to_owned(),
            trouble: None,
            theirs: Vec::new(),
            action: "/desk/settings",
            form,
        }
    }
}

/// `GET /desk/settings`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let form = filled_now(&desk).await?;
    desk.page(TEMPLATE, TITLE, &Page::new(form)).await
}

/// `POST /desk/settings`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(&FIELDS)?;
    check(&mut form);
    check_fields(&desk, &mut form).await?;
    if !form.is_valid() {
        return desk.page_again(TEMPLATE, TITLE, &Page::new(form)).await;
    }
    let (site, id) = (desk.site(), Some(desk.who.staff.id));
    let is_as_seen = |version: i64, _: &Settings| version.to_string() == form.text("version");
    let change = |settings: &mut Settings| drop(settings.take(|name| form.typed(name)));
    if settings::decide(site, id, is_as_seen, change).await? {
        Ok(see_other("/desk/settings?done=saved"))
    } else {
        stale(&desk, form).await
    }
}

/// What was typed, and what somebody else decided since the page was opened.
async fn stale(desk: &Desk, form: Form) -> Outcome {
    let now = filled_now(desk).await?;
    let labels: Vec<_> = here().map(|one| (one.name, one.label)).collect();
    let page = Page {
        // Pressed again, the form overwrites only what it was shown beside.
        version: now.text("version").to_owned(),
        trouble: Some(CHANGED),
        theirs: Theirs::between(&labels, &now, &form),
        ..Page::new(form)
    };
    desk.page(TEMPLATE, TITLE, &page).await.map(conflict)
}

async fn filled_now(desk: &Desk) -> Result<Form, WebError> {
    let db = &desk.site().db;
    let version = settings::version(db).await?;
    let settings = Settings::load(db).await?;
    let form = Form::new(&FIELDS).with("version", version.to_string());
    Ok(here().fold(form, |form, one| form.with(one.name, (one.typed)(&settings))))
}

fn here() -> impl Iterator<Item = &'static Setting> {
    settings::ALL.iter().filter(|one| one.name != ELSEWHERE)
}

/// Says at each text of an edition which fields in it there are not.
async fn check_fields(desk: &Desk, form: &mut Form) -> Result<(), WebError> {
    let known = fields::for_mails(&desk.site().db).await?;
    let known: Vec<_> = known.iter().map(fields::Field::in_mails).collect();
    for name in ["greeting", "appeal_heading", "appeal_text"] {
        let wrong = mail::check_fields(form.text(name), &known).err();
        wrong.into_iter().for_each(|mistake| form.mistake(name, mistake));
    }
    Ok(())
}

/// Says at each field what is wrong with the setting that was typed there. Returns all of them.
pub(in crate::web::desk) fn check(form: &mut Form) -> Settings {
    let mut typed = Settings::default();
    for (name, wrong) in typed.take(|name| form.typed(name)) {
        form.mistake(name, wrong);
    }
    typed
}
