//! `/desk/deliverability/keys`: making a key, letting it sign, retiring it.

use axum::extract::Path;
use serde::Serialize;

use super::deliverability::stale;
use crate::{
    deliverability,
    dkim::{self, DkimError, DkimKey, KeyState},
    mail::Algorithm,
    settings::Settings,
    staff,
    web::{Desk, Outcome, Posted, WebError, session::see_other},
};

const CHANGED: &str = "Nothing was done: the signing keys changed since you opened the page. This is how they stand now; look at them \
    again, then decide.";

/// What retiring a key does, before it is done for ever.
#[derive(Serialize)]
struct Page {
    selector: String,
    domain: String,
    is_waiting: bool,
    /// The keys that go on signing.
    others: String,
    /// Until when its record has to stay.
    until: String,
    /// How the keys stand here, for whoever confirms it.
    seen: String,
}

/// `POST /desk/deliverability/keys`: makes a key.
pub(crate) async fn make(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["algorithm"])?;
    let algorithm = Algorithm::parse(form.text("algorithm"));
    let algorithm = algorithm.ok_or(WebError::BadRequest("There is no such kind of key."))?;
    let domain = own_domain(&desk);
    let domain = domain.ok_or(WebError::BadRequest("The settings hold no sender’s address yet."))?;
    let waits = |key: &DkimKey| key.algorithm == algorithm && key.state() == KeyState::Waiting;
    if of_domain(&desk, &domain).await?.iter().any(waits) {
        return stale(&desk, CHANGED.to_owned()).await;
    }
    let made = staff::make_signing_key(desk.site(), by(&desk), &domain, algorithm, None).await;
    made.map_err(WebError::internal)?;
    Ok(see_other("/desk/deliverability?done=key-made"))
}

/// `POST /desk/deliverability/keys/{id}/activate`: lets a key sign, once its record can be seen.
pub(crate) async fn activate(desk: Desk, Path(selector): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["replaces"])?;
    let key = own_key(&desk, &selector).await?;
    if !form.is_ticked("replaces") || key.state() != KeyState::Waiting {
        return stale(&desk, CHANGED.to_owned()).await;
    }
    if let Some(lookout) = &desk.app.lookout {
        lookout.dns.forget();
        if deliverability::is_published(&lookout.dns, &key).await != Ok(true) {
            return Ok(see_other("/desk/deliverability?done=not-seen"));
        }
    }
    let seen = Some(form.text("replaces"));
    match staff::switch_on_signing_key(desk.site(), by(&desk), &key, seen).await {
        Ok(_) => {}
        Err(DkimError::NotWaiting(_) | DkimError::Changed) => return stale(&desk, CHANGED.to_owned()).await,
        Err(error) => return Err(WebError::internal(error)),
    }
    look_again(&desk).await?;
    Ok(see_other("/desk/deliverability?done=key-signs"))
}

/// `GET /desk/deliverability/keys/{id}/retire`
pub(crate) async fn show_retire(desk: Desk, Path(selector): Path<String>) -> Outcome {
    let key = own_key(&desk, &selector).await?;
    if key.state() == KeyState::Retired {
        return Ok(see_other("/desk/deliverability"));
    }
    let keys = of_domain(&desk, &key.domain).await?;
    let others = keys.iter().filter(|one| one.state() == KeyState::Signing && one.selector != selector);
    let others: Vec<_> = others.map(|one| one.selector.as_str()).collect();
    let page = Page {
        is_waiting: key.state() == KeyState::Waiting,
        others: others.join(" and "),
        until: desk.site().now().plus(dkim::KEEP_RECORD).date(desk.zone()),
        seen: as_shown(&key, &keys),
        domain: key.domain,
        selector,
    };
    let title = if page.is_waiting { "Drop a key" } else { "Retire a key" };
    desk.page("desk/settings/retire_key", title, &page).await
}

/// `POST /desk/deliverability/keys/{id}/retire`: lets a key sign no more, if that was asked and answered.
pub(crate) async fn retire(desk: Desk, Path(selector): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["seen"])?;
    let key = own_key(&desk, &selector).await?;
    let is_as_seen = form.text("seen") == as_shown(&key, &of_domain(&desk, &key.domain).await?);
    if key.state() == KeyState::Retired || !is_as_seen {
        return stale(&desk, CHANGED.to_owned()).await;
    }
    match staff::retire_signing_key(desk.site(), by(&desk), &key).await {
        Ok(()) => {}
        Err(DkimError::NotFound(_)) => return stale(&desk, CHANGED.to_owned()).await,
        Err(error) => return Err(WebError::internal(error)),
    }
    look_again(&desk).await?;
    Ok(see_other("/desk/deliverability?done=key-retired"))
}

/// How a key and those that sign stand, in a word.
fn as_shown(key: &DkimKey, keys: &[DkimKey]) -> String {
    let signing = keys.iter().filter(|one| one.state() == KeyState::Signing);
    let signing: Vec<_> = signing.map(|one| one.selector.as_str()).collect();
    let state = if key.state() == KeyState::Waiting { "waits" } else { "signs" };
    format!("{state} {}", signing.join(" "))
}

fn own_domain(desk: &Desk) -> Option<String> {
    dkim::domain_of(desk.settings.sender_email())
}

async fn of_domain(desk: &Desk, domain: &str) -> Result<Vec<DkimKey>, WebError> {
    let mut keys = dkim::all(&desk.site().db).await.map_err(WebError::internal)?;
    keys.retain(|key| key.domain == domain);
    Ok(keys)
}

async fn own_key(desk: &Desk, selector: &str) -> Result<DkimKey, WebError> {
    let domain = own_domain(desk).ok_or(WebError::NotFound)?;
    match dkim::find(&desk.site().db, selector, Some(&domain)).await {
        Ok(key) => Ok(key),
        Err(DkimError::NotFound(_)) => Err(WebError::NotFound),
        Err(error) => Err(WebError::internal(error)),
    }
}

/// The findings should not speak of keys as they were before.
async fn look_again(desk: &Desk) -> Result<(), WebError> {
    if let Some(lookout) = &desk.app.lookout {
        let settings = Settings::load(&desk.site().db).await?;
        lookout.look(desk.site(), settings.sender_email()).await.map_err(WebError::internal)?;
    }
    Ok(())
}

fn by(desk: &Desk) -> Option<i64> {
    Some(desk.who.staff.id)
}
