//! Leaving: one press, at once, for good, and easy to take back.

use super::{
    Result, SubscriberError, Trace,
    consent::{self, Happened},
    store,
};
use crate::{delivery::ledger, site::Site, token::Purpose};

/// What an unsubscribe link is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The reader.
    pub subscriber_id: i64,
    /// The list.
    pub list_id: i64,
    /// The list's name.
    pub list: String,
    /// Whether the reader gets this list's mail now.
    pub subscribed: bool,
}

/// What a link would leave; changes nothing, for mail programs and scanners open links too (TRUST M3).
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_unsubscribe(site: &Site, link: &str) -> Result<Left> {
    let (subscriber_id, list_id, _) = read_link(site, link)?;
    let known = store::subscriptions(&site.db, subscriber_id).await?;
    let subscription = known.into_iter().find(|s| s.list_id == list_id).ok_or(SubscriberError::Link)?;
    let subscribed = subscription.state != "left";
    Ok(Left { subscriber_id, list_id, list: subscription.name, subscribed })
}

/// Leaves; doing it again changes nothing. Whatever waits to be sent to the reader from this list is withdrawn in the same
/// transaction. `method` is `one-click` or `unsubscribe-page`.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn leave(site: &Site, link: &str, method: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let (_, _, edition) = read_link(site, link)?;
    let mut tx = site.db.begin().await?;
    if store::leave(&mut tx, left.subscriber_id, left.list_id, site.now()).await? {
        let source = format!("edition {edition}");
        consent::record(&mut tx, site, happened(&left, "left", method, &source, trace)).await?;
        ledger::withdraw(&mut tx, site, left.subscriber_id, Some(left.list_id)).await?;
    }
    tx.commit().await?;
    Ok(Left { subscribed: false, ..left })
}

/// Takes leaving back, by the same link.
///
/// # Errors
/// As [`leave`].
pub async fn rejoin(site: &Site, link: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let mut tx = site.db.begin().await?;
    if store::join(&mut tx, left.subscriber_id, left.list_id, site.now()).await? {
        let event = happened(&left, "confirmed", "unsubscribe-page", "undo", trace);
        consent::record(&mut tx, site, event).await?;
    }
    tx.commit().await?;
    Ok(Left { subscribed: true, ..left })
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

fn read_link(site: &Site, link: &str) -> Result<(i64, i64, i64)> {
    let scope = site.keys.verify(Purpose::Unsubscribe, link, site.now())?;
    let mut ids = scope.split('.').map(|id| id.parse::<i64>().ok());
    match (ids.next().flatten(), ids.next().flatten(), ids.next().flatten()) {
        (Some(subscriber), Some(list), Some(edition)) => Ok((subscriber, list, edition)),
        _ => Err(SubscriberError::Link),
    }
}
