//! `/desk/feeds`: every feed and how it is, bringing one in, and lists of feeds that come and go as files (OPML).

use axum::{
    extract::{Query, Request},
    http::header,
    response::IntoResponse as _,
};
use serde::{Deserialize, Serialize};

use crate::{
    articles::{
        self, BringInFeedError, BroughtIn, Feed, FeedArrives, FeedPollError, FeedsError, LARGEST_OPML,
        NamedFeed,
    },
    clock::{Moment, Zone},
    staff::Role,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        upload::{self, Parts},
        words::feeds::{arrives, every, health, standing},
    },
    words::in_a_sentence,
};

const FIELDS: &[&str] = &["url", "file", "arrives"];
const CHOOSE: &str = "Say whether its articles come as drafts, or are published at once.";
const TEMPLATE: &str = "desk/articles/feeds";
const TITLE: &str = "Feeds";
const PAGE: usize = 40;
/// So many of the bin are shown.
const IN_BIN: i64 = 20;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    after: Place,
}

#[derive(Serialize)]
struct Page {
    feeds: Vec<Line>,
    pages: Links,
    removed: Vec<Removed>,
    form: Form,
    /// Several that the page named which was typed.
    choices: Vec<NamedFeed>,
    may_write: bool,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    name: String,
    /// Where it has a name of its own.
    url: Option<String>,
    state: &'static str,
    look: &'static str,
    health: String,
    every: &'static str,
    arrives: &'static str,
    error: Option<String>,
}

/// One that lies in the bin.
#[derive(Serialize)]
struct Removed {
    id: i64,
    name: String,
    until: String,
}

impl Line {
    fn new(feed: Feed, now: Moment, zone: &Zone) -> Self {
        let (state, look) = standing(&feed);
        Self {
            id: feed.id.0,
            name: feed.name().to_owned(),
            health: health(&feed, now, zone),
            every: every(feed.every).0,
            arrives: arrives(feed.arrives),
            state,
            look,
            url: (!feed.title.is_empty()).then_some(feed.url),
            error: feed.last_error,
        }
    }
}

/// `GET /desk/feeds`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, &look, blank(), Vec::new()).await?;
    desk.page(TEMPLATE, TITLE, &page).await
}

/// The form before anybody said anything: nothing is published unasked.
fn blank() -> Form {
    Form::new(FIELDS).with("arrives", FeedArrives::Draft.as_str())
}

/// `POST /desk/feeds`: brings one in, if it can be read.
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(&["url", "arrives"])?;
    let url = form.required("url", 2_000, "Enter the address of a feed, or of a site.");
    let arrives = form.parse("arrives", |word| FeedArrives::parse(word).ok_or(CHOOSE));
    let mut choices = Vec::new();
    if let Some(arrives) = arrives.filter(|_| form.is_valid()) {
        let chosen = (arrives, Some(desk.who.staff.id));
        match articles::bring_in_feed(desk.site(), &desk.app.fetcher, &url, chosen).await {
            Ok(BroughtIn::New(id, _, read)) => {
                let read = read.map(|read| format!("&read={read}")).unwrap_or_default();
                return Ok(see_other(&format!("/desk/feeds/{}?done={}{read}#how", id.0, added(arrives))));
            }
            Ok(BroughtIn::Known(id)) => {
                return Ok(see_other(&format!("/desk/feeds/{}?done=feed-known", id.0)));
            }
            Ok(BroughtIn::Choice(named)) => choices = named,
            Err(
                BringInFeedError::Poll(FeedPollError::Database(error))
                | BringInFeedError::Feeds(FeedsError::Database(error)),
            ) => return Err(error.into()),
            Err(error) => form.mistake("url", error.in_words()),
        }
    }
    let again = Form::new(FIELDS).with("url", &url).with("arrives", form.text("arrives"));
    let form = form.mistakes().fold(again, |mut again, (name, error)| {
        again.mistake(name, error);
        again
    });
    let has_choices = !choices.is_empty();
    let page = page(&desk, &Look::default(), form, choices).await?;
    if has_choices {
        desk.page(TEMPLATE, TITLE, &page).await
    } else {
        desk.page_again(TEMPLATE, TITLE, &page).await
    }
}

const fn added(arrives: FeedArrives) -> &'static str {
    match arrives {
        FeedArrives::Draft => "feed-added",
        FeedArrives::Published => "feed-added-published",
    }
}

async fn page(desk: &Desk, look: &Look, form: Form, choices: Vec<NamedFeed>) -> Result<Page, WebError> {
    let (db, zone, now) = (&desk.site().db, desk.zone(), desk.site().now());
    let list = List { path: "/desk/feeds", place: "after", kept: &[] };
    let read = |most| articles::feeds(db, look.after.id(), most);
    let (feeds, pages) = list.page(look.after, PAGE, read, |last| [last.id.0]).await?;
    let removed = articles::removed_feeds(db, IN_BIN).await?.into_iter().map(|feed| Removed {
        id: feed.id.0,
        name: feed.name().to_owned(),
        until: feed.back_until().map(|at| at.date(zone)).unwrap_or_default(),
    });
    Ok(Page {
        feeds: feeds.into_iter().map(|feed| Line::new(feed, now, zone)).collect(),
        pages,
        removed: removed.collect(),
        form,
        choices,
        may_write: desk.may(Role::WRITING),
    })
}

/// `GET /desk/feeds/opml`: all of them in a file, for other programs.
pub(crate) async fn write_list(desk: Desk) -> Outcome {
    let list = articles::write_opml(desk.site(), &desk.settings.magazine_name).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/x-opml; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"feeds.opml\""),
    ];
    Ok((headers, list).into_response())
}

/// A list of feeds as its file names them, to be ticked.
#[derive(Serialize)]
struct Ticks {
    form: Form,
    feeds: Vec<NamedFeed>,
    /// How many more there are in the file than can be added at once.
    more: usize,
}

/// `POST /desk/feeds/opml`: shows which feeds a file names.
pub(crate) async fn read_list(desk: Desk, request: Request) -> Outcome {
    let mistake = match file(request).await? {
        Ok(document) => match articles::read_opml(document).await {
            Ok((feeds, more)) => {
                return desk
                    .page("desk/articles/feed_list", "Feeds of a file", &Ticks { form: blank(), feeds, more })
                    .await;
            }
            Err(error) => in_a_sentence(&error.to_string()),
        },
        Err(mistake) => mistake,
    };
    let mut form = blank();
    form.mistake("file", mistake);
    let page = page(&desk, &Look::default(), form, Vec::new()).await?;
    desk.page_again(TEMPLATE, TITLE, &page).await
}

/// The file of the form, or what is wrong with it.
async fn file(request: Request) -> Result<Result<Vec<u8>, String>, WebError> {
    let none = || Ok(Err("Choose a file.".to_owned()));
    let Some(boundary) = upload::boundary(request.headers()) else { return none() };
    let mut parts = Parts::of(request.into_body(), &boundary);
    if parts.file().await?.is_none() {
        return none();
    }
    match parts.whole(LARGEST_OPML).await? {
        Some(bytes) if bytes.is_empty() => none(),
        Some(bytes) => Ok(Ok(bytes)),
        None => Ok(Err("The file is larger than 1 MB: no list of feeds is.".to_owned())),
    }
}

/// `POST /desk/feeds/opml/add`: adds those that were ticked.
pub(crate) async fn add_list(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["feed", "arrives"])?;
    let arrives = FeedArrives::parse(form.text("arrives")).ok_or(WebError::BadRequest(CHOOSE))?;
    let chosen = (arrives, Some(desk.who.staff.id));
    match articles::add_feeds(desk.site(), &desk.app.fetcher, form.all("feed"), chosen).await {
        Ok(0) => Ok(see_other("/desk/feeds?done=feeds-known")),
        Ok(_) if arrives == FeedArrives::Published => Ok(see_other("/desk/feeds?done=feeds-added-published")),
        Ok(_) => Ok(see_other("/desk/feeds?done=feeds-added")),
        Err(FeedsError::Database(error)) => Err(error.into()),
        Err(error) => Err(WebError::Conflict(in_a_sentence(&error.to_string()))),
    }
}
