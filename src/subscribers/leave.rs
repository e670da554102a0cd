//! Leaving: one press, at once, for good, and easy to take back.

use super::{
    By, Result, SubscriberError, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    read::{Subscriber, Subscription, SubscriptionState},
    store, withdrawn,
};
use crate::{
    audit_log,
    clock::Moment,
    db,
    delivery::{ledger, notices},
    links::{Name, Unsubscribe, WELCOME},
    site::Site,
};

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
    let subscribed = subscription.state != SubscriptionState::Left;
    let just_left = subscription.left_at.is_some_and(|at| at > undo_until(site));
    let lists = store::lists(&site.db).await?;
    let may_be_joined = lists.iter().any(|list| list.id == list_id && list.may_be_joined());
    let can_undo = !subscribed && just_left && subscription.confirmed_at.is_some() && may_be_joined;
    Ok(Left { subscriber_id, public_id, list_id, list: subscription.name, subscribed, can_undo })
}

/// Leaves; doing it again changes nothing. Whatever waits to be sent to the reader from this list is withdrawn in the same
/// transaction.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn leave(site: &Site, link: &str, method: ConsentMethod, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let (_, _, edition) = read_link(site, link).await?;
    if left.subscribed {
        withdrawn::leaves(site, &left.public_id, &[left.list_id], method).await?;
    }
    let source =
        if edition == WELCOME { "letter of welcome".to_owned() } else { format!("edition {edition}") };
    db::again(|| {
        leave_once(site, happened(&left, ConsentAction::Left, method, &source, trace), site.now(), None)
    })
    .await?;
    look_at_unsubscribe(site, link).await
}

/// A withdrawal that stands in the journal beside the database, and that the database may not know. Changes nothing for who has
/// left, or asked for the list again since.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn leave_as_written(
    site: &Site,
    (reader, list): (&str, &str),
    how: &str,
    at: Moment,
    source: &str,
) -> db::Result<bool> {
    let (Some(reader), Some(list)) =
        (store::by_public_id(&site.db, reader).await?, store::named_list(&site.db, &Name::id(list)).await?)
    else {
        return Ok(false);
    };
    let known = store::subscriptions(&site.db, reader.id).await?;
    let is_meant = |one: &Subscription| {
        let asked_at = one.asked_at.max(one.confirmed_at.unwrap_or_default());
        one.list_id == list && one.state != SubscriptionState::Left && asked_at <= at
    };
    if !known.iter().any(is_meant) {
        return Ok(false);
    }
    let event = Happened {
        subscriber: reader.id,
        list,
        action: ConsentAction::Left,
        method: ConsentMethod::parse(how).unwrap_or(ConsentMethod::UnsubscribePage),
        wording: None,
        by: By::source(source),
        trace: Trace::default(),
    };
    db::again(|| leave_once(site, event, at, None)).await
}

/// Who of the team took a reader off, and why, for the log.
#[derive(Clone, Copy)]
pub(super) struct Deed<'a> {
    pub staff_id: i64,
    /// The public id.
    pub reader: &'a str,
    pub why: &'a str,
}

/// `false` if they had left before.
pub(super) async fn leave_once(
    site: &Site,
    event: Happened<'_>,
    at: Moment,
    deed: Option<Deed<'_>>,
) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let (subscriber, list) = (event.subscriber, event.list);
    let left = store::leave(&mut tx, subscriber, list, at).await?;
    if left {
        consent::record(&mut tx, site, event).await?;
        ledger::withdraw(&mut tx, site, subscriber, Some(list)).await?;
        if let Some(Deed { staff_id, reader, why }) = deed {
            audit_log::record(&mut tx, site, Some(staff_id), "took off a list", reader, why).await?;
        }
        notices::withdraw_welcome(&mut tx, subscriber, list, site.now()).await?;
    }
    tx.commit().await?;
    Ok(left)
}

/// Staff take a reader off a list because they asked; `source` says who did and how. Doing it again changes nothing.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn leave_by_staff(site: &Site, subscriber_id: i64, list_id: i64, source: &str) -> Result<()> {
    let Some(reader) = store::by_id(&site.db, subscriber_id).await? else { return Ok(()) };
    withdrawn::leaves(site, &reader.public_id, &[list_id], ConsentMethod::Staff).await?;
    let event = Happened {
        subscriber: reader.id,
        list: list_id,
        action: ConsentAction::Left,
        method: ConsentMethod::Staff,
        wording: None,
        by: By::source(source),
        trace: Trace::default(),
    };
    db::again(|| leave_once(site, event, site.now(), None)).await?;
    Ok(())
}

/// Takes leaving back, by the same link, for a day; only for somebody who had confirmed.
///
/// # Errors
/// As [`leave`].
pub async fn rejoin(site: &Site, link: &str, trace: Trace<'_>) -> Result<Left> {
    let left = look_at_unsubscribe(site, link).await?;
    let before = site.now();
    let mut tx = site.db.begin().await?;
    let rejoins = store::rejoin(&mut tx, left.subscriber_id, left.list_id, undo_until(site)).await?;
    if rejoins {
        let (action, method) = (ConsentAction::Confirmed, ConsentMethod::UnsubscribePage);
        let event = happened(&left, action, method, "undo", trace);
        consent::record(&mut tx, site, event).await?;
    }
    tx.commit().await?;
    if rejoins {
        withdrawn::is_back(site, &left.public_id, &[left.list_id], before).await?;
    }
    look_at_unsubscribe(site, link).await
}

/// Who left after this may still take it back.
fn undo_until(site: &Site) -> Moment {
    site.now().minus(UNDO_LASTS)
}

fn happened<'a>(
    left: &Left,
    action: ConsentAction,
    method: ConsentMethod,
    source: &'a str,
    trace: Trace<'a>,
) -> Happened<'a> {
    Happened {
        subscriber: left.subscriber_id,
        list: left.list_id,
        action,
        method,
        wording: None,
        by: By::source(source),
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
