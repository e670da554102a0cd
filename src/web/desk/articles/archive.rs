//! `/desk/articles/bring-in/{archive}`: an archive on its way in: what is in it, as it will be, the press, how far it is, what came.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
};
use futures_util::stream;
use serde::Serialize;

use super::bring_in::standing;
use crate::{
    articles::{
        self, Archive, ArchiveChoices, ArchiveFirst, ArchiveKind, ArchiveReport, ArchiveState, ArchiveSurvey,
        BringArchiveError,
    },
    clock::{Moment, Zone},
    db::Db,
    moving_in::guarded,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::{conflict, table},
        session::see_other,
        words::{count, grouped},
    },
    words::in_a_sentence,
};

const FIELDS: &[&str] = &["seen", "how", "pages", "kind", "deleted", "topics", "site"];
/// The page looks again after so long, while something goes on.
const AGAIN: HeaderValue = HeaderValue::from_static("3");
/// So many of what was left out stand on the page; the file has all.
const SHOWN: usize = 50;

#[derive(Serialize)]
struct Page {
    id: String,
    file: String,
    from: &'static str,
    state: &'static str,
    look: &'static str,
    begun: String,
    trouble: String,
    seen: i64,
    ask: Option<Ask>,
    goes_on: Option<GoesOn>,
    over: Option<Over>,
    may_be_removed: bool,
    form: Form,
}

/// The second step.
#[derive(Serialize)]
struct Ask {
    sums: Vec<String>,
    first: Vec<First>,
    has_pages: bool,
    is_wordpress: bool,
    /// What else it has, by what it calls it.
    kinds: Vec<Kind>,
    /// Something was deleted here that might come back.
    may_bring_back: bool,
    /// The text of the only one.
    preview: String,
    asks_site: bool,
}

#[derive(Serialize)]
struct Kind {
    name: String,
    number: String,
    is_chosen: bool,
}

#[derive(Serialize)]
struct First {
    title: String,
    byline: String,
    topics: String,
    when: String,
    words: String,
    state: &'static str,
    look: &'static str,
}

#[derive(Serialize)]
struct GoesOn {
    title: &'static str,
    words: String,
    of_thousand: Option<u64>,
    may_be_stopped: bool,
}

#[derive(Serialize)]
struct Over {
    sums: Vec<String>,
    left: Vec<Left>,
    has_more: bool,
}

#[derive(Serialize)]
struct Left {
    title: String,
    why: String,
}

async fn found(desk: &Desk, id: &str) -> Result<Archive, WebError> {
    articles::find_archive(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

/// `GET /desk/articles/bring-in/{archive}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let archive = found(&desk, &id).await?;
    let page = page(&desk, &archive, filled(&archive)?).await?;
    let mut response = desk.page("desk/articles/archive", &page.file, &page).await?;
    if archive.state.goes_on() {
        response.headers_mut().insert(header::REFRESH, AGAIN);
    }
    Ok(response)
}

/// `POST /desk/articles/bring-in/{archive}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let archive = found(&desk, &id).await?;
    let mut form = posted.form(FIELDS)?;
    let seen = form.text("seen").parse().map(Moment).unwrap_or(Moment(0));
    let publishes = match form.text("how") {
        "drafts" => false,
        "published" => true,
        _ => {
            form.mistake("how", "Say whether they come as drafts, or as they are there.");
            false
        }
    };
    let typed = form.text("site").trim().to_owned();
    let site = if typed.is_empty() || typed.contains("://") { typed } else { format!("https://{typed}") };
    if site.len() > 500 || !site.is_empty() && site_host(&site).is_none() {
        form.mistake("site", "Enter the address of the site, such as https://magazine.example.");
    }
    if !form.is_valid() {
        let page = page(&desk, &archive, form).await?;
        return desk.page_again("desk/articles/archive", &page.file, &page).await;
    }
    let choices = ArchiveChoices {
        publishes,
        pages: form.is_ticked("pages"),
        kinds: form.all("kind").to_vec(),
        brings_back: form.is_ticked("deleted"),
        categories_only: form.text("topics") == "categories",
        site,
    };
    let staff = desk.who.staff.id;
    done(&desk, &id, articles::take_archive(desk.site(), &archive, seen, &choices, staff).await, &path(&id))
        .await
}

fn site_host(site: &str) -> Option<String> {
    let url = url::Url::parse(site).ok()?;
    url.host_str().filter(|host| host.contains('.') || *host == "localhost").map(str::to_owned)
}

/// `POST /desk/articles/bring-in/{archive}/stop`
pub(crate) async fn stop(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let archive = found(&desk, &id).await?;
    let stopped = articles::stop_archive(desk.site(), &archive, desk.who.staff.id).await;
    done(&desk, &id, stopped, &path(&id)).await
}

/// `POST /desk/articles/bring-in/{archive}/remove`
pub(crate) async fn remove(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let archive = found(&desk, &id).await?;
    let removed = articles::remove_archive(desk.site(), &archive).await;
    done(&desk, &id, removed, "/desk/articles/bring-in?done=archive-removed").await
}

fn path(id: &str) -> String {
    format!("/desk/articles/bring-in/{id}")
}

async fn done(desk: &Desk, id: &str, what: Result<(), BringArchiveError>, to: &str) -> Outcome {
    match what {
        Ok(()) => Ok(see_other(to)),
        Err(BringArchiveError::Changed) => {
            let archive = found(desk, id).await?;
            let mut page = page(desk, &archive, filled(&archive)?).await?;
            page.trouble = "It went on since you opened the page, or somebody else did something with it. This is how it is now.".to_owned();
            desk.page("desk/articles/archive", &page.file, &page).await.map(conflict)
        }
        Err(error) => Err(error.into()),
    }
}

/// What is read on.
struct Reading {
    db: Db,
    archive: Archive,
    after: i64,
    is_begun: bool,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// `GET /desk/articles/bring-in/{archive}/left`: what was left out, as a file.
pub(crate) async fn left(desk: Desk, Path(id): Path<String>) -> Outcome {
    let archive = found(&desk, &id).await?;
    let reading = Reading { db: desk.site().db.clone(), archive, after: 0, is_begun: false };
    Ok(table("left-out.csv", stream::try_unfold(reading, next)))
}

/// The next lines of the file; none when all were read.
async fn next(mut reading: Reading) -> Result<Option<(Vec<u8>, Reading)>, Broken> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if !reading.is_begun {
        reading.is_begun = true;
        csv.write_record(["Number", "Title", "Why"])?;
        return Ok(Some((csv.into_inner()?, reading)));
    }
    let found = articles::left_of_archive(&reading.db, &reading.archive, reading.after).await?;
    let Some(last) = found.last() else { return Ok(None) };
    reading.after = last.number;
    for one in &found {
        csv.write_record([one.number.to_string(), guarded(&one.title), guarded(&in_a_sentence(&one.why))])?;
    }
    Ok(Some((csv.into_inner()?, reading)))
}

fn filled(archive: &Archive) -> Result<Form, WebError> {
    let choices = archive.choices()?;
    let form = Form::new(FIELDS)
        .with("how", if choices.publishes { "published" } else { "drafts" })
        .with("topics", if choices.categories_only { "categories" } else { "both" })
        .with("site", &choices.site);
    let form = choices.kinds.iter().fold(form, |form, kind| form.with("kind", kind));
    let form = if choices.brings_back { form.with("deleted", "yes") } else { form };
    Ok(if choices.pages { form.with("pages", "yes") } else { form })
}

async fn page(desk: &Desk, archive: &Archive, form: Form) -> Result<Page, WebError> {
    let (state, look) = standing(archive.state);
    let (survey, report, zone) = (archive.survey()?, archive.report()?, desk.zone());
    let is_read = survey != ArchiveSurvey::default();
    let who = if archive.who.is_empty() { "the command line" } else { &archive.who };
    Ok(Page {
        id: archive.public_id.clone(),
        file: archive.file.clone(),
        from: match archive.kind {
            ArchiveKind::Unknown => "",
            ArchiveKind::WordPress => "WordPress",
            ArchiveKind::Ghost => "Ghost",
            ArchiveKind::Markdown => "a folder of Markdown files",
            ArchiveKind::Site => "the site itself",
            ArchiveKind::Page => "its page",
        },
        state,
        look,
        begun: format!("Brought by {who} on {}.", archive.created_at.date_time(zone)),
        trouble: if archive.trouble.is_empty() { String::new() } else { in_a_sentence(&archive.trouble) },
        seen: archive.changed_at.0,
        ask: (archive.state == ArchiveState::Asking && is_read)
            .then(|| ask(archive, &survey, &form, (desk.site().now(), zone))),
        goes_on: goes_on(archive, &survey, &report),
        over: over(desk, archive, &report).await?,
        may_be_removed: matches!(archive.state, ArchiveState::Reading | ArchiveState::Asking),
        form,
    })
}

fn ask(archive: &Archive, survey: &ArchiveSurvey, form: &Form, (now, zone): (Moment, &Zone)) -> Ask {
    let mut sums = vec![match survey.is_cut {
        true => format!(
            "{} that readers see there, and more: a site tells them page by page.",
            many(survey.published, "article")
        ),
        false => format!("{} that readers see there.", many(survey.published, "article")),
    }];
    let mut add = |number: u64, text: String| {
        if number > 0 {
            sums.push(text);
        }
    };
    add(
        survey.to_come,
        format!(
            "{} of them dated on a day to come: published here, too, readers see {} from that day on.",
            plain(survey.to_come),
            if survey.to_come == 1 { "it" } else { "each" }
        ),
    );
    add(
        survey.drafts,
        format!(
            "{} that they do not see yet, or not all of them: they come as drafts.",
            many(survey.drafts, "article")
        ),
    );
    add(
        survey.withdrawn,
        format!(
            "{} private or in the bin there: not brought in, and not shown here any more if they were.",
            many(survey.withdrawn, "article")
        ),
    );
    add(survey.pages, format!("{}, such as “About us”.", many(survey.pages, "page")));
    for (kind, number) in &survey.kinds {
        add(*number, format!("{} “{kind}”: left out, unless you tick it below.", plain(*number)));
    }
    add(survey.left, format!("{} with nothing to show: left out.", many(survey.left, "article")));
    add(
        survey.brought,
        format!(
            "{} in the file that the texts show: kept among your pictures, too.",
            many(survey.brought, "picture")
        ),
    );
    let loose = [(survey.loose_pictures, "picture"), (survey.loose_links, "link")];
    let loose: Vec<String> = loose
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| many(number, noun))
        .collect();
    add(
        survey.loose_pictures + survey.loose_links,
        format!(
            "Named by a place of the folder alone, and not in the file: {}. Give the address of the site below, and they lead there{}; else they are not shown, and this page says in which articles.",
            loose.join(" and "),
            if survey.loose_pictures > 0 { ", or pack the files of the pictures with the texts" } else { "" }
        ),
    );
    add(
        survey.loose_texts,
        format!(
            "{} that the texts lead to {} not in the file, or no article: such links are not shown, and this page says in which articles.",
            many(survey.loose_texts, "Markdown file"),
            if survey.loose_texts == 1 { "is" } else { "are" }
        ),
    );
    add(
        survey.shared,
        format!(
            "In {} several articles have one id: they are told apart by their addresses.",
            many(survey.shared, "case")
        ),
    );
    Ask {
        sums,
        first: survey.first.iter().map(|one| first(one, archive.kind, (now, zone))).collect(),
        kinds: survey
            .kinds
            .iter()
            .map(|(name, number)| Kind {
                name: name.clone(),
                number: plain(*number),
                is_chosen: form.all("kind").contains(name),
            })
            .collect(),
        may_bring_back: archive.kind != ArchiveKind::Page,
        has_pages: survey.pages > 0 || archive.kind == ArchiveKind::WordPress,
        preview: survey.preview.clone(),
        is_wordpress: matches!(archive.kind, ArchiveKind::WordPress | ArchiveKind::Site),
        asks_site: matches!(archive.kind, ArchiveKind::Ghost | ArchiveKind::Markdown),
    }
}

fn first(one: &ArchiveFirst, kind: ArchiveKind, (now, zone): (Moment, &Zone)) -> First {
    let is_to_come = kind == ArchiveKind::Markdown && one.published_at.is_some_and(|at| Moment(at) > now);
    let (state, look) = match (one.is_withdrawn, one.is_draft) {
        (true, _) => ("Not shown there", "bad"),
        (false, true) => ("Draft", "warn"),
        (false, false) if is_to_come => ("On a day to come", "warn"),
        (false, false) => ("Published there", "good"),
    };
    First {
        title: one.title.clone(),
        byline: one.byline.clone(),
        topics: one.topics.join(", "),
        when: one.published_at.map(|at| Moment(at).date(zone)).unwrap_or_default(),
        words: plain(one.words.unsigned_abs()),
        state,
        look,
    }
}

fn goes_on(archive: &Archive, survey: &ArchiveSurvey, report: &ArchiveReport) -> Option<GoesOn> {
    let whole = survey.published + survey.drafts + survey.withdrawn + survey.pages + survey.left;
    match archive.state {
        ArchiveState::Reading => Some(GoesOn {
            title: "It is looked through",
            words: "Nothing is written yet. The page looks again by itself.".to_owned(),
            of_thousand: None,
            may_be_stopped: false,
        }),
        ArchiveState::Running => Some(GoesOn {
            title: "It is brought in",
            words: match survey.is_cut {
                true => format!(
                    "{} so far: {} new, {} changed.",
                    plain(archive.at.unsigned_abs()),
                    plain(report.new),
                    plain(report.updated)
                ),
                false => format!(
                    "{} of {} so far: {} new, {} changed.",
                    plain(archive.at.unsigned_abs()),
                    plain(whole),
                    plain(report.new),
                    plain(report.updated)
                ),
            },
            of_thousand: (whole > 0 && !survey.is_cut)
                .then(|| (archive.at.unsigned_abs() * 1_000 / whole).min(1_000)),
            may_be_stopped: true,
        }),
        _ => None,
    }
}

async fn over(desk: &Desk, archive: &Archive, report: &ArchiveReport) -> Result<Option<Over>, WebError> {
    if !matches!(archive.state, ArchiveState::Done | ArchiveState::Stopped) {
        return Ok(None);
    }
    let mut left = articles::left_of_archive(&desk.site().db, archive, 0).await?;
    let has_more = left.len() > SHOWN;
    left.truncate(SHOWN);
    Ok(Some(Over {
        sums: sums(report)
            .into_iter()
            .chain(as_drafts(archive, report)?)
            .chain(not_asked_for(archive)?)
            .collect(),
        left: left.into_iter().map(|one| Left { title: one.title, why: in_a_sentence(&one.why) }).collect(),
        has_more,
    }))
}

fn many(number: u64, noun: &str) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX), noun)
}

fn plain(number: u64) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

/// What is in it and was not asked for, in a sentence each.
fn not_asked_for(archive: &Archive) -> Result<Vec<String>, WebError> {
    let (kinds, choices) = (archive.survey()?.kinds, archive.choices()?);
    let others = kinds.iter().filter(|(kind, _)| !choices.kinds.contains(kind));
    Ok(others
        .map(|(kind, number)| {
            format!("{} “{kind}” in it, not brought in: that was not asked for.", plain(*number))
        })
        .collect())
}

/// What to do with what came as drafts, of which there may be a thousand.
fn as_drafts(archive: &Archive, report: &ArchiveReport) -> Result<Option<String>, WebError> {
    let is_one = archive.kind == ArchiveKind::Page;
    Ok((report.new > 0 && !is_one && !archive.choices()?.publishes).then(|| {
        "They are drafts. To publish all that is published there, bring the same in again, and choose “Is published here, too”.".to_owned()
    }))
}

/// What came of it, in sentences.
fn sums(report: &ArchiveReport) -> Vec<String> {
    let mut sums = vec![format!(
        "{} came that {} not here.",
        many(report.new, "article"),
        if report.new == 1 { "was" } else { "were" }
    )];
    for (number, text) in [
        (report.updated, "changed there since: they are here as they are there."),
        (report.unchanged, "here as they are there: nothing was done."),
        (report.kept, "written here since: they stay as they are here."),
        (report.withdrawn, "not shown there any more: withdrawn here, too."),
        (report.left, "left out."),
    ] {
        if number > 0 {
            sums.push(format!("{}: {text}", many(number, "article")));
        }
    }
    if !report.shortcodes.is_empty() {
        let each = report.shortcodes.iter().map(|(name, times)| format!("[{name}] ({times})"));
        let each = each.collect::<Vec<_>>().join(", ");
        sums.push(format!("Shortcodes of plugins that are not known here were taken out, and the words in them kept: {each}."));
    }
    sums
}
