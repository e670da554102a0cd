//! `/desk/editions`: every edition, and beginning a new one.

use axum::extract::Query;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Zone,
    editions::EditionState,
    publishing::{self, EditionSummary},
    staff::Role,
    web::{
        Desk, Outcome, Posted, WebError,
        paging::{Links, List, Place},
        session::see_other,
        words::{
            count,
            editions::{state_label, title},
        },
    },
};

const PAGE: usize = 50;

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    before: Place,
}

#[derive(Serialize)]
struct Page {
    editions: Vec<Line>,
    pages: Links,
    digests: Vec<DigestView>,
    several: bool,
    /// An edition can be begun as the last one was made.
    has_last: bool,
    may_write: bool,
}

#[derive(Serialize)]
struct DigestView {
    id: i64,
    name: String,
    list_name: String,
}

#[derive(Serialize)]
struct Line {
    public_id: String,
    title: String,
    state: &'static str,
    state_label: &'static str,
    line: String,
}

impl Line {
    fn new(edition: EditionSummary, zone: &Zone) -> Self {
        let line = match (edition.state, edition.sealed_count, edition.sealed_at.or(edition.send_at)) {
            (EditionState::Draft, ..) => {
                format!(
                    "{}, last changed {}",
                    count(edition.article_count, "article"),
                    edition.updated_at.date_time(zone)
                )
            }
            (_, Some(readers), Some(at)) => {
                format!("for {}, on {}", count(readers, "reader"), at.date_time(zone))
            }
            (_, _, Some(at)) => format!("goes out {}", at.date_time(zone)),
            _ => count(edition.article_count, "article"),
        };
        Self {
            title: title(&edition.subject),
            state: edition.state.as_str(),
            state_label: state_label(edition.state),
            public_id: edition.public_id,
            line,
        }
    }
}

/// `GET /desk/editions`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let db = &desk.site().db;
    let list = List { path: "/desk/editions", place: "before", kept: &[] };
    let read = |most| publishing::latest(db, look.before.id(), most);
    let (editions, pages) = list.page(look.before, PAGE, read, |last| [last.id]).await?;
    let digests = publishing::digests(db).await?;
    let view = |digest: publishing::Digest| DigestView {
        id: digest.id,
        name: digest.name,
        list_name: digest.list_name,
    };
    let page = Page {
        editions: editions.into_iter().map(|edition| Line::new(edition, desk.zone())).collect(),
        pages,
        several: digests.len() > 1,
        has_last: digests.iter().any(|digest| digest.has_last),
        may_write: desk.may(Role::WRITING),
        digests: digests.into_iter().map(view).collect(),
    };
    desk.page("desk/editions/list", "Editions", &page).await
}

/// `POST /desk/editions`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["digest", "like"])?;
    let digest = form.text("digest").parse().map_err(|_| WebError::BadRequest("Choose a digest."))?;
    let (site, who) = (desk.site(), Some(desk.who.staff.id));
    let like_last = form.text("like") == "last";
    let (_, public_id) = if like_last {
        publishing::create_draft_like_last(site, digest, who).await?
    } else {
        publishing::create_draft(site, digest, who).await?
    };
    let done = if like_last { "?done=like-last" } else { "" };
    Ok(see_other(&format!("/desk/editions/{public_id}{done}")))
}
