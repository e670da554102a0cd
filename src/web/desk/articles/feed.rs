//! `/desk/feeds/{id}`: one feed, how it is and what came of it; what it is asked for, and its way into the bin and out of it.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::bin::Waiting;
use crate::{
    articles::{
        self, Feed, FeedArrives, FeedEvery, FeedId, FeedRead, FeedSettings, FeedState, FeedsError,
        OtherTopics,
    },
    clock::Zone,
    publishing::{self, Changed},
    staff::Role,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        paging::Place,
        session::see_other,
        words::{
            count,
            feeds::{came, every, health, standing},
        },
    },
    words::in_a_sentence,
};

const FIELDS: &[&str] = &["every", "arrives", "topic_map", "other_topics", "pictures"];
const TEMPLATE: &str = "desk/articles/feed";
/// So many of the last times are shown.
const SHOWN: i64 = 20;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    /// What came when somebody pressed.
    read: Place,
}

#[derive(Serialize)]
struct Page {
    id: i64,
    name: String,
    url: String,
    state: &'static str,
    look: &'static str,
    health: String,
    error: Option<String>,
    /// It is asked at its time, or when somebody presses.
    is_on: bool,
    /// Its server said that it is gone.
    is_ended: bool,
    /// Until when it can be brought back out of the bin, and how many articles come with it.
    removed: Option<Removed>,
    /// What came when somebody pressed.
    read: Option<ReadView>,
    reads: Vec<ReadView>,
    every: Vec<Choice>,
    form: Form,
    may_write: bool,
}

#[derive(Serialize)]
struct Removed {
    until: String,
    articles: Option<String>,
}

#[derive(Serialize)]
struct ReadView {
    when: String,
    came: String,
    failed: bool,
    by_hand: bool,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Choice {
    word: &'static str,
    says: &'static str,
    chosen: bool,
}

impl ReadView {
    fn new(read: &FeedRead, zone: &Zone) -> Self {
        Self {
            when: read.at.date_time(zone),
            came: came(read),
            failed: read.error.is_some(),
            by_hand: read.by_hand,
            notes: read.notes.lines().map(str::to_owned).collect(),
        }
    }
}

async fn find(desk: &Desk, id: &str) -> Result<Feed, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    articles::find_feed(&desk.site().db, FeedId(id)).await?.ok_or(WebError::NotFound)
}

fn filled(feed: &Feed) -> Form {
    Form::new(FIELDS)
        .with("every", feed.every.as_str())
        .with("arrives", feed.arrives.as_str())
        .with("topic_map", feed.topic_map.as_str())
        .with("other_topics", feed.other_topics.as_str())
        .with("pictures", if feed.keeps_pictures { "yes" } else { "" })
}

async fn page(desk: &Desk, feed: Feed, form: Form, read: Option<i64>) -> Result<Page, WebError> {
    let (db, zone) = (&desk.site().db, desk.zone());
    let reads = articles::feed_reads(db, feed.id, SHOWN).await?;
    let read = match read {
        Some(read) => articles::feed_read(db, feed.id, read).await?,
        None => None,
    };
    let (state, look) = standing(&feed);
    let removed = match feed.back_until() {
        Some(until) => {
            let with = articles::articles_gone_with(db, &feed).await?;
            Some(Removed { until: until.date(zone), articles: (with > 0).then(|| count(with, "article")) })
        }
        None => None,
    };
    let chosen = form.text("every");
    let choice =
        |one: FeedEvery| Choice { word: one.as_str(), says: every(one).0, chosen: one.as_str() == chosen };
    Ok(Page {
        every: FeedEvery::ALL.into_iter().map(choice).collect(),
        id: feed.id.0,
        name: feed.name().to_owned(),
        health: health(&feed, desk.site().now(), zone),
        state,
        look,
        is_on: feed.state == FeedState::On && removed.is_none(),
        is_ended: feed.state == FeedState::Ended,
        removed,
        read: read.map(|read| ReadView::new(&read, zone)),
        reads: reads.iter().map(|read| ReadView::new(read, zone)).collect(),
        url: feed.url,
        error: feed.last_error,
        form,
        may_write: desk.may(Role::WRITING),
    })
}

/// `GET /desk/feeds/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let feed = find(&desk, &id).await?;
    let form = filled(&feed);
    let page = page(&desk, feed, form, look.read.id()).await?;
    desk.page(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/feeds/{id}`: how often it is asked, and how its articles arrive.
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let feed = find(&desk, &id).await?;
    let mut form = posted.form(FIELDS)?;
    let every = form.parse("every", |word| FeedEvery::parse(word).ok_or("Choose how often."));
    let arrives = form.parse("arrives", |word| FeedArrives::parse(word).ok_or("Choose one of them."));
    let other_topics =
        form.parse("other_topics", |word| OtherTopics::parse(word).ok_or("Choose one of them."));
    if let (Some(every), Some(arrives), Some(other_topics)) = (every, arrives, other_topics) {
        let topic_map = form.raw("topic_map").trim().to_owned();
        let keeps_pictures = form.is_ticked("pictures");
        let set = FeedSettings { every, arrives, topic_map, other_topics, keeps_pictures };
        match articles::set_feed(desk.site(), feed.id, &set, Some(desk.who.staff.id)).await {
            Ok(_) => return Ok(see_other(&format!("/desk/feeds/{id}?done=saved"))),
            Err(FeedsError::Database(error)) => return Err(error.into()),
            Err(error) => form.mistake("topic_map", in_a_sentence(&error.to_string())),
        }
    }
    let page = page(&desk, feed, form, None).await?;
    desk.page_again(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/feeds/{id}/fetch`: asks it now, and says what came where the button is.
pub(crate) async fn fetch(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let feed = find(&desk, &id).await?;
    if feed.state != FeedState::On || feed.removed_at.is_some() {
        return Ok(see_other(&format!("/desk/feeds/{id}#how")));
    }
    let read = articles::read_feed_now(desk.site(), &desk.app.fetcher, &feed).await?;
    let read = read.map(|read| format!("?read={read}")).unwrap_or_default();
    Ok(see_other(&format!("/desk/feeds/{id}{read}#how")))
}

/// `POST /desk/feeds/{id}/pause`
pub(crate) async fn pause(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let feed = find(&desk, &id).await?;
    articles::pause_feed(desk.site(), feed.id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/feeds/{id}?done=feed-paused")))
}

/// `POST /desk/feeds/{id}/go-on`
pub(crate) async fn go_on(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let feed = find(&desk, &id).await?;
    articles::go_on_with_feed(desk.site(), feed.id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/feeds/{id}?done=feed-on")))
}

#[derive(Serialize)]
struct Removal {
    id: i64,
    name: String,
    url: String,
    /// What it brought and is not deleted.
    articles: Option<String>,
    /// Approved editions that go out with some of it.
    waiting: Vec<Waiting>,
    /// They are more than the page named when it was opened.
    stale: bool,
}

/// `GET /desk/feeds/{id}/remove`: what goes, before it does.
pub(crate) async fn show_removal(desk: Desk, Path(id): Path<String>) -> Outcome {
    let feed = find(&desk, &id).await?;
    if feed.removed_at.is_some() {
        return Ok(see_other(&format!("/desk/feeds/{id}")));
    }
    removal(&desk, feed, false).await
}

async fn removal(desk: &Desk, feed: Feed, stale: bool) -> Outcome {
    let waiting = publishing::waiting_with_feed(&desk.site().db, feed.id).await?;
    let articles = articles::articles_of_feed(&desk.site().db, feed.id).await?;
    let page = Removal {
        id: feed.id.0,
        name: feed.name().to_owned(),
        url: feed.url,
        articles: (articles > 0).then(|| count(articles, "article")),
        waiting: waiting.into_iter().map(Waiting::from).collect(),
        stale,
    };
    desk.page("desk/articles/remove_feed", "Remove a feed", &page).await
}

/// `POST /desk/feeds/{id}/remove`
pub(crate) async fn remove(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["articles", "known"])?;
    let feed = find(&desk, &id).await?;
    let with = match form.text("articles") {
        "" | "stay" => false,
        "too" => true,
        _ => return Err(WebError::BadRequest("Open the page again and say what becomes of its articles.")),
    };
    let by = Some(desk.who.staff.id);
    match publishing::remove_feed(desk.site(), (feed.id, with), form.all("known"), by).await {
        Ok(_) => {}
        Err(Changed::Approved(_)) => return removal(&desk, feed, true).await.map(conflict),
        Err(Changed::Article(error)) => return Err(error.into()),
    }
    let done = if with { "feed-and-articles-removed" } else { "feed-removed" };
    Ok(see_other(&format!("/desk/feeds/{id}?done={done}")))
}

/// `POST /desk/feeds/{id}/back`: out of the bin.
pub(crate) async fn back(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let feed = find(&desk, &id).await?;
    articles::bring_feed_back(desk.site(), feed.id, Some(desk.who.staff.id)).await?;
    Ok(see_other(&format!("/desk/feeds/{id}?done=feed-back")))
}
