//! Confirming again: by the button of an edition that asks its readers whether it may go on coming.
//!
//! It changes nothing for who left, asked and never confirmed, or is stopped: a button of an old mail brings nobody back.

use super::{
    By, Result, SubscriberError, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    read::{Subscriber, Subscription, SubscriptionState, held, stopped},
    store::{self, knowing},
};
use crate::{clock::Moment, db, links, site::Site};

/// How somebody stands who follows the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgainStanding {
    /// They are on the list, and have not said it yet.
    Asked,
    /// They said it.
    Said,
    /// They left, asked once more, and have not confirmed that.
    Waits,
    /// They left then.
    Left(Option<Moment>),
    /// They are on the list, and nothing is mailed to their address.
    Stopped,
    /// Nothing goes to the list any more.
    Retired,
}

/// What such a link is about.
#[derive(Clone, Debug)]
pub struct ConfirmingAgain {
    pub reader: Subscriber,
    /// The list's name.
    pub list: String,
    pub stands: AgainStanding,
    /// Until when they rest from the list, if they do.
    pub rests_until: Option<Moment>,
}

/// What a link would say; changes nothing, for programs open links too (TRUST A25).
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_confirming_again(site: &Site, link: &str) -> Result<ConfirmingAgain> {
    let (reader, list, source) = read_link(site, link).await?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let one = known.into_iter().find(|one| one.list_id == list).ok_or(SubscriberError::Link)?;
    let is_stopped = stopped(site, &reader).await?.editions;
    let is_said = knowing::said_again(&site.db, (reader.id, list), &source).await?;
    let rests_until = one.rests_until(site.now());
    Ok(ConfirmingAgain { reader, stands: stands(&one, is_stopped, is_said), rests_until, list: one.name })
}

const fn stands(one: &Subscription, is_stopped: bool, is_said: bool) -> AgainStanding {
    match one.state {
        SubscriptionState::Left => AgainStanding::Left(one.left_at),
        SubscriptionState::Pending => AgainStanding::Waits,
        SubscriptionState::Confirmed if one.retired => AgainStanding::Retired,
        SubscriptionState::Confirmed if is_stopped => AgainStanding::Stopped,
        SubscriptionState::Confirmed if is_said => AgainStanding::Said,
        SubscriptionState::Confirmed => AgainStanding::Asked,
    }
}

/// Says it: it stands with the proof of their consent, once for each edition that asked. Whoever was mailed on consent that the law
/// implies has agreed themselves from then on. Changes nothing for who is not on the list, or is stopped.
///
/// # Errors
/// As [`look_at_confirming_again`]; when the database fails, and then nothing was changed.
pub async fn confirm_again(site: &Site, link: &str, trace: Trace<'_>) -> Result<()> {
    let again = look_at_confirming_again(site, link).await?;
    if again.stands != AgainStanding::Asked {
        return Ok(());
    }
    let (reader, list, source) = read_link(site, link).await?;
    Ok(db::again(|| say(site, (reader.id, list), &source, trace)).await?)
}

async fn say(site: &Site, (reader, list): (i64, i64), source: &str, trace: Trace<'_>) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    // The reader first, as by everybody: of two presses the second finds what the first said.
    if held(&mut tx, reader).await?.is_none() {
        return Ok(());
    }
    store::topics::hold_subscription(&mut tx, reader, list).await?;
    let known = store::subscriptions_in(&mut tx, reader).await?;
    let Some(one) = known.iter().find(|one| one.list_id == list) else { return Ok(()) };
    let is_said = knowing::said_again_in(&mut tx, (reader, list), source).await?;
    if stands(one, false, is_said) != AgainStanding::Asked {
        return Ok(());
    }
    if one.implied_until.is_some() {
        store::confirm(&mut tx, reader, list, site.now()).await?;
    }
    let happened = Happened {
        subscriber: reader,
        list,
        action: ConsentAction::Confirmed,
        method: ConsentMethod::Edition,
        wording: Some(&consent::again_wording(&one.name)),
        by: By::source(source),
        trace,
    };
    consent::record(&mut tx, site, happened).await?;
    tx.commit().await
}

/// Who, of which list, and by which edition, as the proof says it.
async fn read_link(site: &Site, link: &str) -> Result<(Subscriber, i64, String)> {
    let link = links::ConfirmAgain::read(&site.keys, link, site.now())?;
    let reader = store::named(&site.db, &link.subscriber).await?.ok_or(SubscriberError::Link)?;
    let list = store::named_list(&site.db, &link.list).await?.ok_or(SubscriberError::Link)?;
    Ok((reader, list, format!("edition {}", link.edition)))
}
