//! `/desk/editions/{id}`: composing a draft, or following an edition on its way.

use axum::extract::{Path, Query};
use serde::Serialize;

use super::{
    approval,
    blocks::{self, Row, TakenOut},
    links,
    parts::{
        ApprovalView, ArticleLine, EditionView, FieldLine, Readiness, RhythmLine, SegmentChoices,
        SegmentSaid, TestLine, TopicLine, approval_view, field_lines, note_field_mistakes, readiness,
        rhythm_lines, segment_choices, segments_said, test_lines, topic_lines,
    },
    progress, test,
};
use crate::{
    articles::{self, Article, ArticleId, Before, FeedsRead},
    clock::Moment,
    editions::{EditionState, Rhythm},
    publishing::{self, Block, Content, Edition, Readers, Selections},
    settings::Settings,
    staff::Role,
    subscribers::DonorState,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        desk::moved::Moved,
        paging::{Links, List},
        session::see_other,
        words::{count, editions::title, grouped},
    },
};

const FIELDS: &[&str] = &[
    "based_on",
    "subject",
    "preview_text",
    "intro",
    "block",
    "whom",
    "look",
    "headline",
    "says",
    "words",
    "label",
    "link",
    "add",
    "topic",
    "rhythm",
    "only",
    "except",
    "also",
    "act",
];
/// How many articles the composer offers at once, the newest first.
const OFFERED: usize = 60;

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    form: Form,
    rows: Vec<Row>,
    has_articles: bool,
    /// Whether a gift is asked for somewhere.
    has_appeal: bool,
    /// Where the one is now that was moved.
    moved: Option<String>,
    /// What was just taken out.
    taken_out: Option<TakenOut>,
    offered: Vec<ArticleLine>,
    topics: Vec<TopicLine>,
    /// Whom it may be for; empty where readers of the list cannot choose.
    rhythms: Vec<RhythmLine>,
    /// To whom it may be narrowed down; none where there are no segments.
    segments: Option<SegmentChoices>,
    /// Those that were saved, in words.
    said: Vec<SegmentSaid>,
    /// What may stand in its words.
    fields: Vec<FieldLine>,
    /// This page, at these articles.
    here: String,
    /// Where the buttons lead that save, and offer other articles.
    offered_pages: Links,
    /// Whether there are feeds to be read, and what came when somebody had them read.
    has_feeds: bool,
    came: Option<String>,
    /// The other site that each mail would ask for the picture of the first article, and whether mails leave it out.
    picture: Option<Elsewhere>,
    trouble: Option<&'static str>,
    /// Somebody else's version, to be looked at beside one's own.
    theirs: Option<i64>,
    may_send: bool,
    /// As whom one can look at it, where not everybody sees everything.
    kinds: Vec<Kind>,
    /// How it stands where two people approve each edition.
    approval: Option<ApprovalView>,
    /// Whether they may look at it as a reader who is there.
    may_see_readers: bool,
    /// Where a test copy goes.
    who_email: String,
    /// Where else it may go.
    tests: Vec<TestLine>,
    #[serde(flatten)]
    readiness: Readiness,
}

/// Readers who see it otherwise than others.
#[derive(Serialize)]
struct Kind {
    /// As the preview calls them.
    word: String,
    label: String,
}

#[derive(Serialize)]
struct Elsewhere {
    host: String,
    is_left_out: bool,
}

/// `GET /desk/editions/{id}`
pub(crate) async fn show(
    desk: Desk,
    Path(id): Path<String>,
    Query(look): Query<progress::Look>,
    Query(moved): Query<Moved>,
) -> Outcome {
    let edition = publishing::find(&desk.site().db, &id).await?;
    if edition.state == EditionState::Draft && desk.may(Role::WRITING) {
        let mut form = filled(&edition.content);
        let wrong = note_field_mistakes(&desk, &mut form, &edition.content).await?;
        let page = page(&desk, &edition, form, (&edition.content, &wrong), None, (&look, &moved)).await?;
        return desk.page("desk/editions/composer", &page.title, &page).await;
    }
    progress::page(&desk, &edition, &look, false).await
}

/// `POST /desk/editions/{id}`: every button of the composer saves what is written, and then does its own small thing.
pub(crate) async fn submit(
    desk: Desk,
    Path(id): Path<String>,
    Query(look): Query<progress::Look>,
    posted: Posted,
) -> Outcome {
    let form = posted.form(FIELDS)?;
    let based_on = number(form.text("based_on"))?;
    let (act, of) = form.text("act").split_once(':').unwrap_or((form.text("act"), ""));
    let mut rows = blocks::read(&form)?;
    // Whatever was pressed: what is ticked is meant.
    for id in ids(form.all("add"))? {
        if rows.iter().all(|(_, placed)| placed.block.as_written().article_id() != Some(id)) {
            blocks::put_in(&mut rows, Block::article(id));
        }
    }
    let pressed = rows.iter().position(|(key, _)| key == of);
    let edition = publishing::find(&desk.site().db, &id).await?;
    let place = match act {
        "up" => moved(&mut rows, pressed, -1),
        "down" => moved(&mut rows, pressed, 1),
        "hide" | "unhide" => blocks::switched(&mut rows, pressed, act == "hide"),
        "copy" => blocks::copied(&mut rows, pressed),
        "back" => blocks::put_back(&desk, &edition, &mut rows, of).await?,
        "put" => blocks::new(of).map(|new| blocks::put_in(&mut rows, new)),
        _ => None,
    };
    if rows.len() > publishing::MOST_BLOCKS.max(edition.content.blocks.len()) {
        return Err(WebError::BadRequest(blocks::TOO_MANY));
    }
    blocks::check_there(&desk, &edition, &rows).await?;
    let content = Content {
        subject: form.text("subject").to_owned(),
        preview_text: form.text("preview_text").to_owned(),
        intro_markdown: form.raw("intro").to_owned(),
        blocks: rows.into_iter().map(|(_, block)| block).collect(),
        topic_ids: form.all("topic").iter().map(|id| number(id)).collect::<Result<_, _>>()?,
        rhythm: rhythm(form.text("rhythm"))?,
        only_segment: segment(form.text("only"))?,
        except_segment: segment(form.text("except"))?,
    };
    let path = format!("/desk/editions/{id}");
    // Whoever turned to older articles stays there.
    let here = |on_it| offered(&format!("{path}{on_it}")).address(look.offered.0);
    let on = match act {
        "send" => format!("{path}/send"),
        // No place on the page: a browser that is sent to one gives no button the focus.
        "up" | "down" | "put" | "copy" | "back" | "hide" | "unhide" => {
            let place = place.map(|place| place.to_string()).unwrap_or_default();
            let to = match act {
                "up" | "down" => act,
                "hide" | "unhide" => "switch",
                _ => "new",
            };
            List { kept: &[("moved", &place), ("to", to)], ..offered(&path) }.address(look.offered.0)
        }
        "add" => here("#picked"),
        "offer" => here("#offered"),
        _ => List { kept: &[("done", "saved")], ..offered(&path) }.address(look.offered.0),
    };
    let chosen = content.clone();
    let (site, who) = (desk.site(), Some(desk.who.staff.id));
    let saved = match pressed.filter(|_| act == "out") {
        Some(at) => publishing::take_out(site, edition.id, based_on, (content, at), who).await,
        // Whoever only goes on from what they found does not become the one who changed it last.
        None if matches!(act, "send" | "ask")
            && edition.state == EditionState::Draft
            && based_on == edition.revision
            && edition.reads_as(&content) =>
        {
            Ok(based_on)
        }
        None => publishing::save_revision(site, edition.id, based_on, content, who).await,
    };
    match saved {
        Ok(whole) if act == "out" => {
            let place = pressed.map(|at| format!("{whole}.{at}")).unwrap_or_default();
            let list = List { kept: &[("moved", &place), ("to", "out")], ..offered(&path) };
            Ok(see_other(&list.address(look.offered.0)))
        }
        Ok(saved) if act == "test" => {
            let edition = publishing::load_revision(&desk.site().db, edition.id, saved).await?;
            test::send(&desk, &edition, test::ticked(&form), "").await
        }
        Ok(saved) if act == "ask" => {
            let edition = publishing::load_revision(&desk.site().db, edition.id, saved).await?;
            let settings = Settings::load(&desk.site().db).await?;
            let fingerprint = publishing::fingerprint(desk.site(), &settings, &edition).await?;
            approval::ask(&desk, &edition, &fingerprint).await?;
            Ok(see_other(&format!("{path}?done=asked-for-approval")))
        }
        Ok(saved) if act == "links" => {
            let edition = publishing::load_revision(&desk.site().db, edition.id, saved).await?;
            links::page(&desk, &edition).await
        }
        Ok(_) if act == "fetch" => {
            let FeedsRead { asked, fresh, changed, failed } =
                articles::read_feeds_now(desk.site(), &desk.app.fetcher).await?;
            let came = [asked as i64, fresh, changed, failed as i64];
            let path = format!("{path}#offered");
            let list = List { path: &path, place: "came", kept: &[] };
            Ok(see_other(&list.address(Some(came))))
        }
        Ok(saved) if act == "copy-picture" => {
            let edition = publishing::load_revision(&desk.site().db, edition.id, saved).await?;
            let lead = articles::by_ids(&desk.site().db, &edition.content.leading()).await?;
            let mut done = "picture-copied";
            for article in &lead {
                let (site, staff_id) = (desk.site(), desk.who.staff.id);
                if !articles::copy_picture(site, &desk.app.fetcher, staff_id, article).await? {
                    done = "picture-not-copied";
                }
            }
            Ok(see_other(&format!("{path}?done={done}#picked")))
        }
        Ok(_) => Ok(see_other(&on)),
        Err(
            error @ (publishing::Error::Changed | publishing::Error::Locked | publishing::Error::Segment(_)),
        ) => {
            let trouble = match error {
                publishing::Error::Changed => {
                    "Somebody else saved this edition while you were writing. Your words are below, not saved yet. \
                     Saving now puts them in the place of the other version."
                }
                publishing::Error::Segment(_) => {
                    "A segment that you chose has been deleted. Your words are below, not saved yet. Look whom the edition goes to \
                     before you save it."
                }
                _ => {
                    "Somebody pressed Send while you were writing, so nothing in the edition can be changed. Your words are below, \
                     not saved. If Send is taken back, they can be."
                }
            };
            let edition = publishing::find(&desk.site().db, &id).await?;
            let page = page(&desk, &edition, form, (&chosen, &[]), Some(trouble), (&look, &Moved::default()))
                .await?;
            desk.page("desk/editions/composer", &page.title, &page).await.map(conflict)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(
    desk: &Desk,
    edition: &Edition,
    form: Form,
    (chosen, wrong): (&Content, &[(usize, String)]),
    trouble: Option<&'static str>,
    (look, moved): (&progress::Look, &Moved),
) -> Result<Page, WebError> {
    let place = look.offered;
    let site = desk.site();
    let settings = &desk.settings;
    let before = place.0.map(|[at, id]| Before(Moment(at), ArticleId(id)));
    let read = |most| articles::page(site, None, before, most);
    let key = |last: &Article| [last.published_at.0, last.id.0];
    let rows = blocks::rows(desk, chosen, wrong, moved).await?;
    let picked = blocks::written_ids(chosen);
    let path = format!("/desk/editions/{}", edition.public_id);
    let here = offered(&path).address(place.0);
    let path = format!("{path}#offered");
    let (offered, offered_pages) = offered(&path).page(place, OFFERED, read, key).await?;
    let offered = offered.into_iter().filter(|article| !picked.contains(&article.id));
    Ok(Page {
        title: title(&edition.content.subject),
        edition: EditionView::new(edition, desk.zone()),
        form,
        offered: offered.map(|article| ArticleLine::new(article, settings)).collect(),
        topics: topic_lines(desk, edition, &chosen.topic_ids).await?,
        rhythms: rhythm_lines(edition, chosen.rhythm),
        segments: segment_choices(desk, edition, (chosen.only_segment, chosen.except_segment)).await?,
        said: segments_said(desk, edition).await?,
        fields: field_lines(desk).await?,
        here,
        offered_pages,
        has_feeds: !articles::feeds(&site.db, None, 1).await?.is_empty(),
        came: look.came.0.map(came),
        moved: blocks::told(&rows),
        has_articles: !picked.is_empty(),
        has_appeal: chosen.blocks.iter().any(|placed| *placed.block.as_written() == Block::Appeal),
        taken_out: blocks::taken_out(desk, edition, moved).await?,
        rows,
        picture: picture(desk, chosen).await?,
        theirs: trouble.map(|_| edition.revision),
        trouble,
        may_send: desk.may(Role::SENDING),
        kinds: kinds(desk, edition).await?,
        approval: match settings.four_eyes {
            false => None,
            true => {
                let fingerprint = publishing::fingerprint(site, settings, edition).await?;
                approval_view(desk, settings, edition, &fingerprint).await?
            }
        },
        may_see_readers: desk.may(Role::READERS),
        who_email: desk.who.staff.email.to_string(),
        tests: test_lines(desk).await?,
        readiness: readiness(desk, edition).await?,
    })
}

async fn kinds(desk: &Desk, edition: &Edition) -> Result<Vec<Kind>, WebError> {
    let selections = Selections::load(desk.site(), &desk.settings, edition).await?;
    if selections.each().next().is_none() {
        return Ok(Vec::new());
    }
    let names = blocks::segment_names(desk).await?;
    let never = Readers::Giving(DonorState::Never);
    let named = selections.readers().into_iter().filter(|one| *one != never);
    let named = named.map(|one| Kind { word: blocks::as_whom(one), label: blocks::who(one, &names) });
    let stranger = Kind { word: "stranger".to_owned(), label: "who never gave".to_owned() };
    Ok([stranger].into_iter().chain(named).collect())
}

async fn picture(desk: &Desk, chosen: &Content) -> Result<Option<Elsewhere>, WebError> {
    let site = desk.site();
    for article in articles::by_ids(&site.db, &chosen.leading()).await? {
        if let Some(address) = articles::picture_elsewhere(site, &article).await? {
            return Ok(Some(Elsewhere {
                host: address.host_str().unwrap_or_default().to_owned(),
                is_left_out: address.scheme() != "https",
            }));
        }
    }
    Ok(None)
}

/// The articles that can be added, as the composer of that path lists them.
const fn offered(path: &str) -> List<'_> {
    List { path, place: "offered", kept: &[] }
}

fn filled(content: &Content) -> Form {
    Form::new(FIELDS)
        .with("subject", &content.subject)
        .with("preview_text", &content.preview_text)
        .with("intro", &content.intro_markdown)
}

/// What came when somebody had all feeds read, in sentences.
fn came([asked, fresh, changed, failed]: [i64; 4]) -> String {
    let failed = match failed {
        0 => String::new(),
        some => format!(" {} could not be read: under Articles, Feeds it says why.", count(some, "feed")),
    };
    match (asked, fresh, changed) {
        (0, ..) => "Your feeds were read within the last minute: there is nothing new yet.".to_owned(),
        (_, 0, 0) => format!("Nothing new.{failed}"),
        (_, fresh, 0) => format!("{} came in.{failed}", count(fresh, "new article")),
        (_, 0, changed) => format!("{} changed.{failed}", count(changed, "article")),
        (_, fresh, changed) => {
            format!("{} came in, and {} changed.{failed}", count(fresh, "new article"), grouped(changed))
        }
    }
}

fn number(text: &str) -> Result<i64, WebError> {
    text.parse().map_err(|_| WebError::BadRequest("Open the edition again and try once more."))
}

/// Whom it is for; none for everybody.
fn rhythm(word: &str) -> Result<Option<Rhythm>, WebError> {
    let unknown = || WebError::BadRequest("Open the edition again and try once more.");
    if word.is_empty() { Ok(None) } else { Rhythm::parse(word).map(Some).ok_or_else(unknown) }
}

/// The segment that was chosen; none for the whole list, or for nobody.
fn segment(text: &str) -> Result<Option<i64>, WebError> {
    if text.is_empty() { Ok(None) } else { number(text).map(Some) }
}

fn ids(texts: &[String]) -> Result<Vec<ArticleId>, WebError> {
    texts.iter().map(|text| number(text).map(ArticleId)).collect()
}

/// Swaps a block with the one above (-1) or below it (1), and returns where it stands then; at the ends nothing moves.
fn moved<T>(blocks: &mut [T], from: Option<usize>, by: isize) -> Option<usize> {
    let from = from?;
    let Some(to) = from.checked_add_signed(by).filter(|to| *to < blocks.len()) else { return Some(from) };
    blocks.swap(from, to);
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_moves_one_place_and_not_past_the_ends() {
        let after = |from: usize, by| {
            let mut blocks = [1, 2, 3];
            (moved(&mut blocks, Some(from), by), blocks)
        };
        assert_eq!(after(1, -1), (Some(0), [2, 1, 3]));
        assert_eq!(after(1, 1), (Some(2), [1, 3, 2]));
        assert_eq!(after(0, -1), (Some(0), [1, 2, 3]));
        assert_eq!(after(2, 1), (Some(2), [1, 2, 3]));
        assert_eq!(moved::<u8>(&mut [], None, 1), None);
    }
}
