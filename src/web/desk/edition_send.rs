//! `/desk/editions/{id}/send`: the last look before an edition goes out, and pressing Send.

use axum::{extract::Path, http::StatusCode, response::IntoResponse};
use serde::Serialize;

use super::{
    super::{Desk, Form, Outcome, Posted, WebError, session::see_other},
    edition::{ArticleLine, EditionView, Readiness, picked_lines, readiness},
    edition_live::forecast,
    editions::title,
};
use crate::{
    clock::Moment,
    delivery::editions::{EditionState, UnknownPolicy},
    digests::{self, Edition, Press},
    staff::Settings,
};

const FIELDS: &[&str] = &["revision", "later", "policy"];

#[derive(Serialize)]
struct Page {
    title: String,
    edition: EditionView,
    form: Form,
    from: String,
    size: String,
    picked: Vec<ArticleLine>,
    may_send: bool,
    /// When the last reader will have it, if that is not today.
    forecast: Option<String>,
    #[serde(flatten)]
    readiness: Readiness,
}

/// `GET /desk/editions/{id}/send`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let edition = digests::find(&desk.site().db, &id).await?;
    if edition.state != EditionState::Draft {
        return Ok(see_other(&format!("/desk/editions/{id}")));
    }
    let form = Form::new(FIELDS).with("policy", edition.unknown_policy.as_str());
    let page = page(&desk, &edition, form).await?;
    desk.page("desk/editions/send", "Send the edition", &page).await
}

/// `POST /desk/editions/{id}/send`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let edition = digests::find(&desk.site().db, &id).await?;
    let revision = form.text("revision").parse().unwrap_or_default();
    let later = form.parse("later", moment);
    let Some(later) = later else { return again(&desk, &edition, form).await };
    let site = desk.site();
    let press = Press {
        edition_id: edition.id,
        revision,
        later,
        policy: UnknownPolicy::parse(form.text("policy")).unwrap_or_default(),
        staff_id: Some(desk.who.staff.id),
    };
    match digests::press(site, &desk.app.templates, press).await {
        Ok(_) => Ok(see_other(&format!("/desk/editions/{id}"))),
        Err(digests::Error::NotReady(_)) => again(&desk, &edition, form).await,
        Err(error) => Err(error.into()),
    }
}

async fn again(desk: &Desk, edition: &Edition, form: Form) -> Outcome {
    let page = page(desk, edition, form).await?;
    let page = desk.page("desk/editions/send", "Send the edition", &page).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn page(desk: &Desk, edition: &Edition, form: Form) -> Result<Page, WebError> {
    let settings = Settings::load(&desk.site().db).await?;
    let size = digests::preview(desk.site(), &desk.app.templates, &settings, edition).await?.html.len();
    Ok(Page {
        title: title(&edition.content.subject),
        edition: edition.into(),
        form,
        from: format!("{} <{}>", settings.sender_name(), settings.sender_email()),
        size: format!("{} kB", size.div_ceil(1_000)),
        picked: picked_lines(desk, &settings, &edition.content.article_ids).await?,
        may_send: true,
        forecast: forecast(&desk.app, digests::audience_size(&desk.site().db, edition).await?).await?,
        readiness: readiness(desk, &settings, edition).await?,
    })
}

/// What a `datetime-local` field sends, read as UTC; empty means now.
fn moment(text: &str) -> Result<Option<Moment>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let wanted = "Enter a day and a time.";
    let civil: jiff::civil::DateTime = text.parse().map_err(|_| wanted)?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wanted)?;
    Ok(Some(zoned.timestamp().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_moment_is_read_as_utc() {
        assert_eq!(moment("").expect("empty means now"), None);
        let nine = moment("2026-03-03T09:00").expect("what browsers send");
        assert_eq!(nine.map(Moment::date_time).as_deref(), Some("3 March 2026, 09:00 UTC"));
        assert!(moment("tomorrow").is_err());
    }
}
