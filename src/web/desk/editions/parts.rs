//! What several pages of an edition show of it.

use serde::Serialize;

use crate::{
    articles::{self, Article, ArticleId},
    clock::Zone,
    editions::Rhythm,
    mail::fields_written,
    publishing::{self, Approval, Content, Edition, Place, Problem, Readership, TestAddress},
    segments,
    settings::Settings,
    subscribers::{consent::AGAIN_BUTTON, fields, topics},
    web::{
        Desk, Form, WebError,
        words::{
            articles::line,
            count,
            editions::state_label,
            readers::{how_often, is_at, stopped_because},
        },
    },
};

/// What the pages of an edition say of it.
#[derive(Serialize)]
pub(super) struct EditionView {
    pub(super) public_id: String,
    subject: String,
    preview_text: String,
    digest_name: String,
    list_name: String,
    state: &'static str,
    state_label: &'static str,
    revision: i64,
    /// What acts on it name.
    version: String,
    saved_by: Option<String>,
    saved_at: String,
    sent_by: Option<String>,
    /// The edition whose readers get this correction.
    corrects: Option<String>,
    /// What its button says by which readers confirm again; none where it has none.
    again: Option<&'static str>,
}

impl EditionView {
    pub(super) fn new(edition: &Edition, zone: &Zone) -> Self {
        Self {
            public_id: edition.public_id.clone(),
            subject: edition.content.subject.clone(),
            preview_text: edition.content.preview_text.clone(),
            digest_name: edition.digest_name.clone(),
            list_name: edition.list_name.clone(),
            state: edition.state.as_str(),
            state_label: state_label(edition.state),
            revision: edition.revision,
            version: edition.version(),
            saved_by: edition.saved_by.clone(),
            saved_at: edition.updated_at.date_time(zone),
            sent_by: edition.sent_by.clone(),
            corrects: edition.corrects.as_ref().map(|corrects| corrects.public_id.clone()),
            again: edition.asks_again.then_some(AGAIN_BUTTON),
        }
    }
}

/// Whether an edition can go out, and to how many.
#[derive(Serialize)]
pub(super) struct Readiness {
    pub(super) ready: bool,
    problems: Vec<ProblemView>,
    readers: String,
    /// That is an estimate, and says so.
    is_about: bool,
    /// How many those are, and who is left out, for whoever needs it beside the page: they are counted once.
    #[serde(skip)]
    pub(super) readership: Readership,
}

#[derive(Serialize)]
struct ProblemView {
    text: String,
    blocks: bool,
}

impl Readiness {
    pub(super) fn new(problems: &[Problem], readership: Readership) -> Self {
        let view =
            |problem: &Problem| ProblemView { text: problem.to_string(), blocks: problem.is_in_the_way() };
        Self {
            ready: !problems.iter().any(Problem::is_in_the_way),
            problems: problems.iter().map(view).collect(),
            readers: readers_words(readership),
            is_about: readership.about,
            readership,
        }
    }
}

/// How many get it: "1,204 readers", "about 12,300 readers", "at most a few readers".
fn readers_words(readership: Readership) -> String {
    // Looked for, and not found among very many.
    if readership.if_any {
        return "at most a few readers".to_owned();
    }
    let about = if readership.about { "about " } else { "" };
    format!("{about}{}", count(readership.readers, "reader"))
}

/// An article as the composer lists it.
#[derive(Serialize)]
pub(super) struct ArticleLine {
    id: i64,
    title: String,
    line: String,
}

impl ArticleLine {
    pub(super) fn new(article: Article, settings: &Settings) -> Self {
        Self { id: article.id.0, line: line(&article, settings), title: article.title }
    }
}

/// A field that may stand in the words of an edition.
#[derive(Serialize)]
pub(super) struct FieldLine {
    /// As it is typed.
    written: String,
    label: String,
}

pub(super) async fn field_lines(desk: &Desk) -> Result<Vec<FieldLine>, WebError> {
    let fields = fields::for_mails(&desk.site().db).await?;
    let line = |field: fields::Field| FieldLine { written: fields_written(&field.name), label: field.label };
    Ok(fields.into_iter().map(line).collect())
}

/// Says at each place where words were typed what is wrong with the fields in them, and returns what is wrong in blocks, by their
/// numbers.
pub(super) async fn note_field_mistakes(
    desk: &Desk,
    form: &mut Form,
    content: &Content,
) -> Result<Vec<(usize, String)>, WebError> {
    let mut in_blocks = Vec::new();
    for (place, mistake) in publishing::field_mistakes(&desk.site().db, content).await? {
        match place {
            Place::Subject => form.mistake("subject", mistake),
            Place::PreviewText => form.mistake("preview_text", mistake),
            Place::Letter => form.mistake("intro", mistake),
            Place::Block(at) => in_blocks.push((at, mistake.to_string())),
        }
    }
    Ok(in_blocks)
}

/// A topic that the edition may be about.
#[derive(Serialize)]
pub(super) struct TopicLine {
    id: i64,
    name: String,
    ticked: bool,
    /// An article in it is filed under a word of that name.
    named: bool,
    /// The list does not offer it any more, or nobody does.
    gone: bool,
}

/// What the list offers, and what the edition is about already. Nothing for a correction, which goes to whoever got the wrong
/// version.
pub(super) async fn topic_lines(
    desk: &Desk,
    edition: &Edition,
    chosen: &[i64],
) -> Result<Vec<TopicLine>, WebError> {
    if edition.corrects.is_some() {
        return Ok(Vec::new());
    }
    let db = &desk.site().db;
    let offered = topics::offered_by(db, edition.list_id).await?;
    let articles = articles::by_ids(db, &edition.content.article_ids()).await?;
    let words: Vec<String> = articles
        .into_iter()
        .flat_map(|article| article.topics)
        .map(|topic| topic.name.to_lowercase())
        .collect();
    let all = topics::all(db).await?;
    let wanted = all.into_iter().filter(|topic| chosen.contains(&topic.id) || offered.contains(topic));
    Ok(wanted
        .map(|topic| TopicLine {
            id: topic.id,
            ticked: chosen.contains(&topic.id),
            named: words.contains(&topic.name.to_lowercase()),
            gone: !offered.contains(&topic),
            name: topic.name,
        })
        .collect())
}

/// One of those whom the edition may be for.
#[derive(Serialize)]
pub(super) struct RhythmLine {
    /// Empty for everybody.
    word: &'static str,
    label: &'static str,
    says: &'static str,
    ticked: bool,
    /// The list does not offer it any more, so that it goes to everybody.
    gone: bool,
}

/// What readers of the list can choose among, and whom the edition is for already. Nothing where there is no choice, and for a
/// correction.
pub(super) fn rhythm_lines(edition: &Edition, chosen: Option<Rhythm>) -> Vec<RhythmLine> {
    let offered = Rhythm::read(&edition.list_rhythms);
    if edition.corrects.is_some() || (offered.is_empty() && chosen.is_none()) {
        return Vec::new();
    }
    let line = |rhythm: Option<Rhythm>| RhythmLine {
        word: rhythm.map_or("", Rhythm::as_str),
        label: rhythm.map_or("Everybody on the list", |rhythm| how_often(Some(rhythm))),
        says: rhythm.map_or("However often they want it.", is_at),
        ticked: rhythm == chosen,
        gone: rhythm.is_some_and(|rhythm| !offered.contains(&rhythm)),
    };
    let some = Rhythm::ALL.into_iter().filter(|one| offered.contains(one) || chosen == Some(*one)).map(Some);
    std::iter::once(None).chain(some).map(line).collect()
}

/// What the edition may be narrowed down to, and what it is already. None where there are no segments, and for a correction.
#[derive(Serialize)]
pub(super) struct SegmentChoices {
    only: Vec<SegmentChoice>,
    except: Vec<SegmentChoice>,
}

#[derive(Serialize)]
struct SegmentChoice {
    id: i64,
    name: String,
    chosen: bool,
}

pub(super) async fn segment_choices(
    desk: &Desk,
    edition: &Edition,
    (only, except): (Option<i64>, Option<i64>),
) -> Result<Option<SegmentChoices>, WebError> {
    let all = segments::all(&desk.site().db).await?;
    if edition.corrects.is_some() || all.is_empty() {
        return Ok(None);
    }
    let choices = |chosen: Option<i64>| {
        let choice = |segment: &segments::Segment| SegmentChoice {
            id: segment.id,
            name: segment.name.clone(),
            chosen: chosen == Some(segment.id),
        };
        all.iter().map(choice).collect()
    };
    Ok(Some(SegmentChoices { only: choices(only), except: choices(except) }))
}

/// A segment that an edition goes by, in words.
#[derive(Serialize)]
pub(super) struct SegmentSaid {
    /// It does not go to whoever is in it.
    is_except: bool,
    name: String,
    public_id: String,
    /// What it asks, and what the segments that it takes in do.
    sentence: String,
    /// Which version was approved.
    version: Option<i64>,
}

/// The segments that an edition goes by: as they are now, or as they were when Send was pressed.
pub(super) async fn segments_said(desk: &Desk, edition: &Edition) -> Result<Vec<SegmentSaid>, WebError> {
    let db = &desk.site().db;
    let narrowing = segments::of_edition(db, edition.id).await?;
    let trees: Vec<_> = narrowing
        .each()
        .flat_map(|by| std::iter::once(&by.tree).chain(by.taken_in.iter().map(|one| &one.tree)))
        .collect();
    if trees.is_empty() {
        return Ok(Vec::new());
    }
    let names = segments::names(db, &trees).await?;
    let said = narrowing.each().map(|by| SegmentSaid {
        is_except: by.role == segments::NarrowingRole::Except,
        name: by.name.clone(),
        public_id: by.public_id.clone(),
        sentence: std::iter::once(segments::sentence(&by.tree, &names))
            .chain(
                by.taken_in
                    .iter()
                    .map(|one| format!("{}: {}", one.name, segments::sentence(&one.tree, &names))),
            )
            .collect::<Vec<_>>()
            .join(". "),
        version: by.is_approved.then_some(by.version),
    });
    Ok(said.collect())
}

pub(super) async fn picked_lines(desk: &Desk, ids: &[ArticleId]) -> Result<Vec<ArticleLine>, WebError> {
    let articles = articles::by_ids(&desk.site().db, ids).await?;
    Ok(articles.into_iter().map(|article| ArticleLine::new(article, &desk.settings)).collect())
}

/// How an edition stands for whoever looks at it.
#[derive(Serialize)]
pub(super) struct ApprovalView {
    said: String,
    /// Somebody else asked for it as it is: they may send it.
    pub(super) may_send: bool,
    /// They can ask for it.
    may_ask: bool,
    /// What is asked for, in one word.
    fingerprint: String,
}

/// None where one person is enough.
pub(super) async fn approval_view(
    desk: &Desk,
    settings: &Settings,
    edition: &Edition,
    fingerprint: &str,
) -> Result<Option<ApprovalView>, WebError> {
    let who = desk.who.staff.id;
    let approval = publishing::approval_of(&desk.site().db, settings, edition, fingerprint, who).await?;
    let (said, may_send, may_ask) = match approval {
        Approval::NotWanted => return Ok(None),
        Approval::Missing { before: None } => {
            ("Two people approve each edition. Nobody has asked for this one yet.".to_owned(), false, true)
        }
        Approval::Missing { before: Some(by) } => {
            (format!("It changed since {by} asked for approval, so somebody has to ask again."), false, true)
        }
        Approval::Own => (
            "You asked for approval of it as it is now. Somebody else who may send looks at it and presses Send."
                .to_owned(),
            false,
            false,
        ),
        Approval::Asked { by, at } => (
            format!("{by} asked for approval of it as it is now, on {}.", at.date_time(desk.zone())),
            true,
            false,
        ),
    };
    Ok(Some(ApprovalView { said, may_send, may_ask, fingerprint: fingerprint.to_owned() }))
}

/// A mailbox that a test copy may go to, too.
#[derive(Serialize)]
pub(super) struct TestLine {
    id: i64,
    address: String,
    /// Why none goes there.
    stopped: Option<&'static str>,
}

pub(super) async fn test_lines(desk: &Desk) -> Result<Vec<TestLine>, WebError> {
    let kept = publishing::test_addresses(desk.site()).await?;
    let line = |one: TestAddress| TestLine {
        id: one.id,
        address: one.email.readable(),
        stopped: one.stopped.map(stopped_because),
    };
    Ok(kept.into_iter().map(line).collect())
}

pub(super) async fn readiness(desk: &Desk, edition: &Edition) -> Result<Readiness, WebError> {
    let (app, readership) = (&desk.app, desk.app.readerships.of(desk.site(), edition).await?);
    let readers = readership.readers;
    let problems = publishing::preflight(&app.site, &app.templates, &desk.settings, edition, readers).await?;
    Ok(Readiness::new(&problems, readership))
}
