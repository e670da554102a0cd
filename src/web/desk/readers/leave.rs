//! `/desk/readers/{id}/leave`: what taking a reader off a list does, before it is done.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use super::{acts::by, reader::find};
use crate::{
    subscribers::{self, Subscriber, Subscription, SubscriptionState, consent},
    web::{Desk, Form, Outcome, Posted, WebError, answers::conflict, session::see_other},
};

const TITLE: &str = "Take a reader off a list";

/// What the address of the page asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    list: i64,
}

const FIELDS: &[&str] = &["list", "seen", "why"];

#[derive(Serialize)]
struct Page {
    form: Form,
    public_id: String,
    email: String,
    list: i64,
    name: String,
    /// How they stand on it here, for whoever confirms it.
    seen: SubscriptionState,
    /// They were asked, and have not answered.
    pending: bool,
    /// They are off it since something was taken back.
    off: bool,
    /// They stand otherwise than on the page on which it was confirmed.
    stale: bool,
}

/// `GET /desk/readers/{id}/leave?list=…`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, Query(look): Query<Look>) -> Outcome {
    let reader = find(&desk, &id).await?;
    let Some(subscription) = on_list(&desk, &reader, look.list).await? else {
        return Ok(see_other(&format!("/desk/readers/{id}")));
    };
    desk.looks(&reader.public_id, "").await?;
    desk.page("desk/readers/leave", TITLE, &Page::new(reader, subscription, Form::new(FIELDS), false)).await
}

/// `POST /desk/readers/{id}/leave`: if that was asked and answered, and they still stand so.
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let list = form.text("list").parse().map_err(|_| WebError::BadRequest("Choose a list."))?;
    let reader = find(&desk, &id).await?;
    if let Some(subscription) = on_list(&desk, &reader, list).await? {
        if form.text("seen") != subscription.state.as_str() {
            let page = Page::new(reader, subscription, form, true);
            return desk.page("desk/readers/leave", TITLE, &page).await.map(conflict);
        }
        let why = form.required("why", 300, "Say why: the team may ask later.");
        if !form.is_valid() {
            let page = Page::new(reader, subscription, form, false);
            return desk.page_again("desk/readers/leave", TITLE, &page).await;
        }
        subscribers::take_off(desk.site(), &reader, list, by(&desk, &why)).await?;
    }
    Ok(see_other(&format!("/desk/readers/{id}?done=left")))
}

/// How a reader stands on a list that nobody said of them that they leave.
async fn on_list(desk: &Desk, reader: &Subscriber, list: i64) -> Result<Option<Subscription>, WebError> {
    let subscriptions = subscribers::subscriptions(&desk.site().db, reader.id).await?;
    let newest = consent::newest_of_lists(&desk.site().db, reader.id).await?;
    Ok(subscriptions.into_iter().find(|one| one.list_id == list && one.may_be_taken_off(newest.get(&list))))
}

impl Page {
    fn new(reader: Subscriber, subscription: Subscription, form: Form, stale: bool) -> Self {
        Self {
            form,
            public_id: reader.public_id,
            email: reader.email.to_string(),
            list: subscription.list_id,
            name: subscription.name,
            pending: subscription.state == SubscriptionState::Pending,
            off: subscription.state == SubscriptionState::Left,
            seen: subscription.state,
            stale,
        }
    }
}
