//! `/desk/articles/new` and `/desk/articles/{id}`: writing an article, and editing one that came from a feed.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::{
    article_form::{
        FIELDS, MINE, filled, same, theirs, typed, with_moments, with_text, writes_body, written,
    },
    choosing::{self, Choice, Goes, Press},
    correcting,
    texts::{compared, words_of},
};
use crate::{
    articles::{
        self, Article, ArticleError, ArticleId, ArticleState, ArticleText, Body, CopiedPictures, KeptCopy,
        Piece, WordChange,
    },
    clock::{Moment, Zone},
    editions::EditionState,
    publishing::{self, Changed, EditionSummary},
    settings::ArticlesAt,
    staff::Role,
    token,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::{conflict, invalid},
        desk::theirs::Theirs,
        session::see_other,
        words::editions::title,
    },
};

const CHANGED: &str = "Somebody else changed this article, or its feed did, since you opened it. What you typed is below, and kept for \
    you, but not saved yet. Saving now puts it in the place of the other version, which stays among the versions.";
const DELETED: &str = "This article was deleted meanwhile. What you typed is kept: bring the article back from the bin, and it is \
    offered to you there.";
const ASKED: &str = "Not saved yet. What you typed is below.";

#[derive(Serialize)]
struct Page {
    heading: String,
    action: String,
    form: Form,
    /// A line on where the article comes from and how it stands.
    about: String,
    /// Where readers read it, once it is published here.
    public_path: Option<String>,
    /// Where it goes into the bin, once it is kept.
    delete_path: Option<String>,
    /// The article's number, once it is there.
    id: Option<i64>,
    /// What the browser keeps what is typed by: this piece, of this person.
    piece: String,
    who: String,
    writes_body: bool,
    /// The text came from a feed, and is about to be changed here for the first time.
    from_feed: bool,
    state: ArticleState,
    published: bool,
    withdrawn: bool,
    may_write: bool,
    body_html: String,
    reading_time: String,
    /// Words a minute.
    reading_speed: i64,
    /// On whose clocks moments are read.
    zone_hint: String,
    /// The version that the form was made of.
    version: i64,
    /// What its fields hold, for the script that keeps what is typed.
    holds: Holds,
    /// Why it was not saved.
    trouble: Option<&'static str>,
    /// What the form holds that is not the newest version.
    shows: Option<String>,
    /// The pictures to choose one of.
    choice: Option<Choice>,
    /// The part with the picture of the article is open: something happens there.
    opens_picture: bool,
    /// What somebody else wrote meanwhile, where it differs.
    theirs: Vec<Theirs>,
    /// Their text beside the one that was typed.
    changes: Vec<WordChange>,
    /// Others who are at it.
    others: Vec<String>,
    /// What whoever looks typed before and did not save.
    copies: Vec<CopyView>,
    /// The edition that it was mailed with.
    mailed: Option<WaitingView>,
    /// Where it came from it says something else than here.
    source: Option<Source>,
    /// Editions that go out with it as it was approved.
    waiting: Vec<WaitingView>,
    /// They were told of those, and may save all the same.
    asked: bool,
}

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    /// `mine`: to change the text that a feed brought.
    #[serde(default)]
    text: String,
    /// A piece: what was typed and not saved.
    #[serde(default)]
    copy: String,
    /// A version from before.
    #[serde(default)]
    version: String,
}

/// What somebody typed before and did not save.
#[derive(Serialize)]
struct CopyView {
    piece: String,
    title: String,
    when: String,
    take: String,
}

/// What the source of an article says, if it was written otherwise here.
#[derive(Serialize)]
struct Source {
    path: String,
    /// Since when, if it says something else than when somebody first wrote here.
    when: Option<String>,
}

/// An edition that was approved with this article.
#[derive(Serialize)]
struct WaitingView {
    public_id: String,
    title: String,
    when: String,
}

/// Why a form comes back without having been saved.
enum Refused {
    Invalid,
    Changed,
    Asked,
}

/// How a form comes to be shown.
#[derive(Default)]
struct Shown {
    refused: Option<Refused>,
    /// What it holds that is not the newest version.
    shows: Option<String>,
    choice: Option<Choice>,
    opens_picture: bool,
    holds: Holds,
}

/// What the fields of a form hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Holds {
    /// What the database has.
    Saved,
    /// What was sent just now and is not saved.
    #[default]
    Sent,
    /// An older version, or what was kept of somebody's typing.
    Another,
}

/// `GET /desk/articles/new`
pub(crate) async fn new(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let mut form = Form::new(FIELDS);
    let mut shown = Shown { holds: Holds::Saved, ..Shown::default() };
    if let Some(piece) = Piece::named(&look.copy).filter(|piece| piece.article().is_none()) {
        let copy = articles::copy_of(&desk.site().db, desk.who.staff.id, &piece).await?;
        let copy = copy.ok_or(WebError::NotFound)?;
        form = with_text(&copy.text()).with("piece", piece.name());
        shown = Shown { shows: Some(taken(&copy, desk.zone())), holds: Holds::Another, ..Shown::default() };
    }
    let page = page(&desk, None, form, shown).await?;
    desk.page("desk/articles/edit", &page.heading, &page).await
}

/// `POST /desk/articles/new`
pub(crate) async fn create(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(FIELDS)?;
    match saved_before(&desk, &form).await? {
        Some(article) => write_again(&desk, &article, form).await,
        None => write(&desk, None, form).await,
    }
}

/// The article that this form has become already: it was pressed twice, or sent again from a page of before.
async fn saved_before(desk: &Desk, form: &Form) -> Result<Option<Article>, WebError> {
    match new_piece(form) {
        Some(piece) => Ok(articles::saved_as(&desk.site().db, desk.who.staff.id, &piece).await?),
        None => Ok(None),
    }
}

/// An article is made once by one form; what the form says otherwise than it was saved is a change of it.
async fn write_again(desk: &Desk, article: &Article, form: Form) -> Outcome {
    let stands = match article.state {
        ArticleState::Published => "publish",
        ArticleState::Ready => "ready",
        ArticleState::Withdrawn => "withdraw",
        ArticleState::Draft => "draft",
    };
    let says_the_same = same(&typed(&form, true), &ArticleText::of(article));
    let was = filled(article, desk.site().now(), desk.zone());
    let is_same_time = ["publish_at", "embargo"].iter().all(|name| form.text(name) == was.text(name));
    if says_the_same && is_same_time && ["keep", stands].contains(&form.text("act")) {
        return Ok(see_other(&format!("/desk/articles/{}?done=saved", article.id.0)));
    }
    write(desk, Some(article), form.holding("version", "1")).await
}

/// The piece that a form names, of an article that is not there yet.
fn new_piece(form: &Form) -> Option<Piece> {
    Piece::named(form.text("piece")).filter(|piece| piece.article().is_none())
}

/// `GET /desk/articles/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let article = find(&desk, &id).await?;
    if !articles::deleted_among(&desk.site().db, &[article.id]).await?.is_empty() {
        return Ok(see_other(&format!("/desk/articles/{id}/delete")));
    }
    let (now, zone) = (desk.site().now(), desk.zone());
    let may_write = desk.may(Role::WRITING);
    let mut form = filled(&article, now, zone);
    let mut shown = Shown { holds: Holds::Saved, ..Shown::default() };
    if may_write && !look.copy.is_empty() {
        let kept = articles::copy_of(&desk.site().db, desk.who.staff.id, &Piece::of(article.id)).await?;
        let kept = kept.ok_or(WebError::NotFound)?;
        form = of_another(&article, &kept.text(), now, zone).with("version", kept.version.to_string());
        shown = Shown { shows: Some(taken(&kept, zone)), holds: Holds::Another, ..Shown::default() };
    } else if may_write && let Ok(version) = look.version.parse() {
        let before = articles::revision(&desk.site().db, article.id, version).await?;
        let before = before.ok_or(WebError::NotFound)?;
        let mut text = before.text();
        text.notes.clone_from(&article.notes);
        text.body_markdown = Some(words_of(&text).await?);
        form = of_another(&article, &text, now, zone);
        let shows = format!(
            "This is the version of {}. Nothing is changed until you save it.",
            before.at.date_time(zone)
        );
        shown = Shown { shows: Some(shows), holds: Holds::Another, ..Shown::default() };
    } else if may_write && look.text == MINE && article.body_markdown.is_none() {
        let text = articles::text_to_change(&article).await.map_err(|cause| {
            tracing::warn!(%cause, "an article's text cannot be made into Markdown");
            WebError::BadRequest("This text cannot be changed here: something in it cannot be read.")
        })?;
        form = form.holding("body_markdown", text).with("text", MINE);
    }
    let page = page(&desk, Some(&article), form, shown).await?;
    desk.page("desk/articles/edit", &page.heading, &page).await
}

/// The form with other words than the article has now.
fn of_another(article: &Article, text: &ArticleText, now: Moment, zone: &Zone) -> Form {
    let form = with_moments(with_text(text), article, now, zone);
    let changes_a_feeds = article.body_markdown.is_none() && text.body_markdown.is_some();
    if changes_a_feeds { form.with("text", MINE) } else { form }
}

fn taken(copy: &KeptCopy, zone: &Zone) -> String {
    format!("This is what you typed until {}. It is not saved yet.", copy.typed_at.date_time(zone))
}

/// `POST /desk/articles/{id}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let article = find(&desk, &id).await?;
    write(&desk, Some(&article), posted.form(FIELDS)?).await
}

/// The article of a path.
pub(super) async fn find(desk: &Desk, id: &str) -> Result<Article, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    articles::by_id(&desk.site().db, ArticleId(id)).await?.ok_or(WebError::NotFound)
}

async fn write(desk: &Desk, article: Option<&Article>, mut form: Form) -> Outcome {
    if form.text("act") == "preview" {
        let page = page(desk, article, form, Shown::default()).await?;
        return desk.page("desk/articles/edit", &page.heading, &page).await;
    }
    if let Some(press) = choosing::pressed(form.text("act")) {
        let opens_picture = matches!(press, Press::Look(Goes::OverText, _) | Press::Put(Goes::OverText, _));
        let mut shown = Shown { opens_picture, ..Shown::default() };
        match press {
            Press::Look(goes, before) => shown.choice = Some(choosing::choice(desk, goes, before).await?),
            Press::Put(goes, picture) => {
                let writes = writes_body(article, &form);
                let (with_it, said) = choosing::put(desk, (form, writes), (goes, &picture)).await?;
                (form, shown.shows) = (with_it, Some(said.to_owned()));
            }
        }
        let page = page(desk, article, form, shown).await?;
        return desk.page("desk/articles/edit", &page.heading, &page).await;
    }
    let (site, me) = (desk.site(), desk.who.staff.id);
    if form.text("act") == "copy-pictures" {
        let copied = articles::copy_pictures(site, &desk.app.fetcher, me, form.raw("body_markdown")).await?;
        let shown = Shown { shows: Some(said_of_pictures(&copied)), ..Shown::default() };
        let page = page(desk, article, form.holding("body_markdown", copied.markdown), shown).await?;
        return desk.page("desk/articles/edit", &page.heading, &page).await;
    }
    let version = form.text("version").parse().unwrap_or_default();
    let mailed = match article {
        Some(article) => publishing::mailed_with(&site.db, article.id).await?,
        None => None,
    };
    let written = written(&mut form, article, (site.now(), desk.zone()), me);
    let is_asked = mailed.is_some() && article.is_some_and(|article| is_told_otherwise(article, &form));
    let stays = written.as_ref().is_some_and(|written| written.state == ArticleState::Published);
    if is_asked && stays {
        correcting::is_chosen(&mut form);
    }
    let refused = match written.filter(|_| form.is_valid()) {
        None => Refused::Invalid,
        Some(written) => {
            let saved = match article {
                Some(article) => {
                    publishing::change_article(site, (article.id, version), &written, form.all("known")).await
                }
                None => articles::create(site, &written).await.map_err(Changed::from),
            };
            match saved {
                Ok(saved) => {
                    if let Some(piece) = new_piece(&form) {
                        articles::throw_away(site, me, &piece).await?;
                    }
                    let to = correcting::leads_to(&form, mailed.as_ref().filter(|_| is_asked));
                    let saved = || format!("/desk/articles/{}?done=saved", saved.id.0);
                    return Ok(see_other(&to.unwrap_or_else(saved)));
                }
                Err(Changed::Article(ArticleError::Invalid(errors))) => {
                    for error in errors {
                        form.mistake(error.field, error.message);
                    }
                    Refused::Invalid
                }
                Err(Changed::Article(ArticleError::Changed)) => Refused::Changed,
                Err(Changed::Approved(_)) => Refused::Asked,
                Err(Changed::Article(error)) => return Err(error.into()),
            }
        }
    };
    // As it is now: the form may have been typed beside an older version.
    let now = match article {
        Some(article) => articles::by_id(&site.db, article.id).await?,
        None => None,
    };
    if let (Refused::Changed | Refused::Asked, Some(article)) = (&refused, article) {
        let text = typed(&form, writes_body(Some(article), &form));
        articles::sit(site, me, &Piece::of(article.id), (version, Some(&text))).await?;
    }
    if let Some(article) = article
        && !articles::deleted_among(&site.db, &[article.id]).await?.is_empty()
    {
        return Err(WebError::Conflict(DELETED.into()));
    }
    let answer = match refused {
        Refused::Invalid => invalid,
        Refused::Changed | Refused::Asked => conflict,
    };
    let page = page(desk, now.as_ref(), form, Shown { refused: Some(refused), ..Shown::default() }).await?;
    desk.page("desk/articles/edit", &page.heading, &page).await.map(answer)
}

/// What became of the pictures of other sites.
fn said_of_pictures(copied: &CopiedPictures) -> String {
    let ours = match copied.copied {
        0 => "No picture was copied.".to_owned(),
        1 => "One picture was copied. Save the article, so that it shows it.".to_owned(),
        many => format!("{many} pictures were copied. Save the article, so that it shows them."),
    };
    let left = copied.left.iter().map(|why| format!(" Not copied: {why}"));
    let more = match copied.more {
        0 => String::new(),
        more => format!(" There are {more} more: press again."),
    };
    ours + &left.collect::<String>() + &more
}

async fn page(
    desk: &Desk,
    article: Option<&Article>,
    mut form: Form,
    Shown { refused, shows, choice, opens_picture, holds }: Shown,
) -> Result<Page, WebError> {
    let (settings, site) = (&desk.settings, desk.site());
    let may_write = desk.may(Role::WRITING);
    let writes_body = writes_body(article, &form);
    let body = match article {
        Some(article) if !writes_body => Body { html: article.body_html.clone(), words: article.word_count },
        _ => Body::read(form.raw("body_markdown")).await.unwrap_or_else(|error| {
            form.mistake(error.field, error.message);
            Body::default()
        }),
    };
    let stale = matches!(refused, Some(Refused::Changed));
    let (mut waiting, mut others, mut changes, mut mailed) = (Vec::new(), Vec::new(), Vec::new(), None);
    let mut source = None;
    if let Some(article) = article {
        source = articles::source_version(&site.db, article).await?.map(|said| Source {
            path: format!("/desk/articles/{}/source", article.id.0),
            when: said.at.map(|at| at.date_time(desk.zone())),
        });
        mailed = publishing::mailed_with(&site.db, article.id).await?;
        waiting = publishing::waiting_with(&site.db, article.id).await?;
        if may_write {
            others = others_at(desk, article.id).await?;
        }
        if stale && writes_body {
            let now = words_of(&ArticleText::of(article)).await?;
            changes = compared(now, form.raw("body_markdown").to_owned()).await?;
        }
    }
    let copies = if may_write && holds == Holds::Saved { copies(desk, article).await? } else { Vec::new() };
    // Pressed again, the form overwrites only what it was shown beside.
    let typed = form.text("version").parse().ok().filter(|_| !stale);
    let named = new_piece(&form);
    let piece = match (article, named) {
        (Some(article), _) => Piece::of(article.id).name().to_owned(),
        (None, Some(piece)) => piece.name().to_owned(),
        (None, None) => format!("new-{}", token::public_id()),
    };
    let state = article.map(|article| article.state).unwrap_or_default();
    Ok(Page {
        version: typed.or(article.map(|article| article.version)).unwrap_or_default(),
        trouble: match refused {
            Some(Refused::Changed) => Some(CHANGED),
            Some(Refused::Asked) => Some(ASKED),
            Some(Refused::Invalid) | None => None,
        },
        theirs: article
            .filter(|_| stale)
            .map(|article| theirs(article, &form, site.now(), desk.zone()))
            .unwrap_or_default(),
        changes,
        others,
        copies,
        shows,
        choice,
        opens_picture,
        holds,
        source,
        asked: matches!(refused, Some(Refused::Asked)),
        mailed: mailed.map(|edition| WaitingView::new(edition, desk.zone())),
        waiting: waiting.into_iter().map(|edition| WaitingView::new(edition, desk.zone())).collect(),
        heading: article.map_or("A new article", |article| &article.title).to_owned(),
        action: article
            .map_or("/desk/articles/new".to_owned(), |article| format!("/desk/articles/{}", article.id.0)),
        delete_path: article.map(|article| format!("/desk/articles/{}/delete", article.id.0)),
        about: article.map(|article| about(article, site.now(), desk.zone())).unwrap_or_default(),
        public_path: article
            .filter(|article| settings.articles_at != ArticlesAt::Elsewhere && is_out(article, site.now()))
            .map(|article| format!("/articles/{}", article.slug)),
        id: article.map(|article| article.id.0),
        piece,
        who: desk.who.staff.public_id.clone(),
        writes_body,
        from_feed: form.text("text") == MINE
            && article.is_some_and(|article| article.body_markdown.is_none()),
        state,
        published: state == ArticleState::Published,
        withdrawn: state == ArticleState::Withdrawn,
        may_write,
        reading_time: format!(
            "{} words, {} min",
            body.words,
            articles::reading_minutes(body.words, settings.reading_speed)
        ),
        reading_speed: settings.reading_speed,
        zone_hint: zone_hint(desk.zone()),
        body_html: body.html,
        form,
    })
}

/// Whether the form says something else than what readers have read.
fn is_told_otherwise(article: &Article, form: &Form) -> bool {
    let (was, is) = (ArticleText::of(article), typed(form, writes_body(Some(article), form)));
    let words = |text: &ArticleText| {
        let body = text.body_markdown.as_deref().or(was.body_markdown.as_deref()).unwrap_or_default();
        [text.title.trim(), text.standfirst.trim(), body.trim()].map(str::to_owned)
    };
    article.state == ArticleState::Published && words(&was) != words(&is)
}

/// Others who are at an article, in a sentence each.
pub(super) async fn others_at(desk: &Desk, article: ArticleId) -> Result<Vec<String>, WebError> {
    let site = desk.site();
    let others = articles::others_at(site, article, desk.who.staff.id).await?;
    let since = |at: Moment| match site.now().since(at).as_secs() / 60 {
        0 => "has just opened this".to_owned(),
        1 => "has had this open for a minute".to_owned(),
        minutes @ 2..=90 => format!("has had this open for {minutes} minutes"),
        minutes => format!("has had this open for {} hours", minutes / 60),
    };
    let typed = |has_typed| if has_typed { ", and typed something that is not saved yet" } else { "" };
    let told = others
        .into_iter()
        .map(|one| format!("{} {}{}.", one.name, since(one.opened_at), typed(one.has_typed)));
    Ok(told.collect())
}

/// What whoever looks typed before and did not save: of this article, or of ones that are not there yet.
async fn copies(desk: &Desk, article: Option<&Article>) -> Result<Vec<CopyView>, WebError> {
    let (db, me, zone) = (&desk.site().db, desk.who.staff.id, desk.zone());
    let view = |copy: KeptCopy, take: String| {
        let title = copy.text().title;
        let title =
            if title.trim().is_empty() { "without a title".to_owned() } else { format!("“{title}”") };
        CopyView { title, when: copy.typed_at.date_time(zone), take, piece: copy.piece }
    };
    Ok(match article {
        Some(article) => {
            let kept = articles::copy_of(db, me, &Piece::of(article.id)).await?;
            let is_news = |copy: &KeptCopy| {
                let mut text = copy.text();
                // A text that was not about to be changed is that of the article.
                if text.body_markdown.is_none() {
                    text.body_markdown.clone_from(&article.body_markdown);
                }
                !same(&text, &ArticleText::of(article))
            };
            let take = format!("/desk/articles/{}?copy=mine", article.id.0);
            kept.filter(is_news).map(|copy| view(copy, take)).into_iter().collect()
        }
        None => {
            let kept = articles::new_copies(db, me).await?.into_iter();
            kept.map(|copy| {
                let take = format!("/desk/articles/new?copy={}", copy.piece);
                view(copy, take)
            })
            .collect()
        }
    })
}

impl WaitingView {
    fn new(edition: EditionSummary, zone: &Zone) -> Self {
        let when = match (edition.state, edition.send_at) {
            (EditionState::Scheduled, Some(at)) => format!("goes out on {}", at.date_time(zone)),
            _ => "is held back and waits for a decision".to_owned(),
        };
        Self { title: title(&edition.subject), public_id: edition.public_id, when }
    }
}

fn zone_hint(zone: &Zone) -> String {
    let place = zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ");
    format!("In {place} time. Left empty, it is published at once.")
}

/// Whether readers see it.
fn is_out(article: &Article, now: Moment) -> bool {
    article.state == ArticleState::Published && article.published_at <= now
}

fn about(article: &Article, now: Moment, zone: &Zone) -> String {
    let state = match article.state {
        ArticleState::Published if article.published_at > now => {
            format!("Scheduled: readers see it from {} on.", article.published_at.date_time(zone))
        }
        ArticleState::Published => format!("Published on {}.", article.published_at.date(zone)),
        ArticleState::Draft => "A draft: readers do not see it.".to_owned(),
        ArticleState::Ready => "Ready for the editor: readers do not see it.".to_owned(),
        ArticleState::Withdrawn => "Taken off the site: readers do not see it any more.".to_owned(),
    };
    let source = match (article.feed_id, article.edited_at) {
        (Some(_), None) => " It came from a feed and follows it until you change something here.",
        (Some(_), Some(_)) => " It came from a feed and was edited here, so the feed no longer changes it.",
        (None, _) => "",
    };
    format!("{state}{source}")
}
