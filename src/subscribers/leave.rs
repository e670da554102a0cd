//! Leaving: one press, at once, for good, and easy to take back.

use super::{
    Result, SubscriberError, Trace,
    consent::{self, Happened},
    read::Subscriber,
    store,
};
use crate::{clock::Moment, db, delivery::ledger, links::Unsubscribe, site::Site};

/// How long leaving can be taken back by one press; after that, the form is the way.
const UNDO_LASTS: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What an unsubscribe link is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub subscriber_id: i64,
    /// The reader's public id.
    pub public_id: String,
    pub list_id: i64,
    /// The list's name.
    pub list: String,
    /// Whether the reader gets this list's mail now, or is about to.
    pub subscribed: bool,
    /// Whether [`rejoin`] would bring them back.
    pub can_undo: bool,
}

/// What a link would leave; changes nothing, for mail programs and scanners open links too (TRUST M3).
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_unsubscribe(site: &Site, link: &str) -> Result<Left> {
    let (reader, list_id, _) = read_link(site, link).await?;
    let (subscriber_id, public_id) = (reader.id, reader.public_id);
    let known = store::subscriptions(&site.db, subscriber_id).await?;
    let subscription = known.into_iter().find(|s| s.list_id == list_id).ok_or(SubscriberError::Link)?;
    let subscribed = subscription.state != "left";
    let just_left = subscription.left_at.is_some_and(|at| at > undo_until(site));
    let can_undo = !subscribed && just_left && subscription.confirmed_at.is_some();
    Ok(Left { subscriber_id, public_id, list_id, list: subscription.name, subscribed, can_undo })
}

/// Leaves; doing it again changes nothing. Whatever waits to be sent to the reader from this list is withdrawn in the same
/// transaction. `method` is `one-click` or `unsubscribe-page`.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn leave(site: &Site, link: &str, method: &str, trace: Trace<'_>) -> Result<Left> {
    db::again(|| leave_once(site, link, method, trace)).await
}

async fn leave_once(site: &Site, link: &str, method: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let (_, _, edition) = read_link(site, link).await?;
    let mut tx = site.db.begin().await?;
    if store::leave(&mut tx, left.subscriber_id, left.list_id, site.now()).await? {
        let source = format!("edition {edition}");
        consent::record(&mut tx, site, happened(&left, "left", method, &source, trace)).await?;
        ledger::withdraw(&mut tx, site, left.subscriber_id, Some(left.list_id)).await?;
    }
    tx.commit().await?;
    look_at_unsubscribe(site, link).await
}

/// Staff take a reader off a list because they asked; `source` says who did and how. Doing it again changes nothing.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn leave_by_staff(site: &Site, subscriber_id: i64, list_id: i64, source: &str) -> Result<()> {
    db::again(|| leave_by_staff_once(site, subscriber_id, list_id, source)).await
}

async fn leave_by_staff_once(site: &Site, subscriber_id: i64, list_id: i64, source: &str) -> Result<()> {
    let mut tx = site.db.begin().await?;
    if store::leave(&mut tx, subscriber_id, list_id, site.now()).await? {
        let event = Happened {
            subscriber: subscriber_id,
            list: list_id,
            action: "left",
            method: "staff",
            wording: None,
            source,
            trace: Trace::default(),
        };
        consent::record(&mut tx, site, event).await?;
        ledger::withdraw(&mut tx, site, subscriber_id, Some(list_id)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes leaving back, by the same link, for a day; only for somebody who had confirmed.
///
/// # Errors
/// As [`leave`].
pub async fn rejoin(site: &Site, link: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let mut tx = site.db.begin().await?;
    if store::rejoin(&mut tx, left.subscriber_id, left.list_id, undo_until(site)).await? {
        let event = happened(&left, "confirmed", "unsubscribe-page", "undo", trace);
        consent::record(&mut tx, site, event).await?;
    }
    tx.commit().await?;
    look_at_unsubscribe(site, link).await
}

/// Who left after this may still take it back.
fn undo_until(site: &Site) -> Moment {
    site.now().minus(UNDO_LASTS)
}

fn happened<'a>(
    left: &Left,
    action: &'a str,
    method: &'a str,
    source: &'a str,
    trace: Trace<'a>,
) -> Happened<'a> {
    Happened {
        subscriber: left.subscriber_id,
        list: left.list_id,
        action,
        method,
        wording: None,
        source,
        trace,
    }
}

/// Who leaves what; and the edition, as proof of consent names it.
async fn read_link(site: &Site, link: &str) -> Result<(Subscriber, i64, String)> {
    let link = Unsubscribe::read(&site.keys, link, site.now())?;
    let subscriber = store::named(&site.db, &link.subscriber).await?.ok_or(SubscriberError::Link)?;
    let list = store::named_list(&site.db, &link.list).await?.ok_or(SubscriberError::Link)?;
    Ok((subscriber, list, link.edition.to_string()))
}
