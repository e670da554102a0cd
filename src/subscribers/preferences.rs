//! A reader's own page: their name, and which lists they get.

use serde::Serialize;

use super::{
    By, Result, SubscriberError, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    read::{Subscriber, SubscriptionState},
    store,
    topic_choices::{TopicsTicked, choose_topics},
    welcome, withdrawn,
};
use crate::{
    clock::Moment,
    db,
    delivery::{ledger, notices},
    links::{Choices, Name},
    mail::clean_name,
    settings::Settings,
    site::Site,
};

/// What a reader can choose.
#[derive(Clone, Debug, Serialize)]
pub struct Preferences {
    /// The reader.
    #[serde(skip)]
    pub reader: Subscriber,
    /// The lists they may join or leave.
    pub lists: Vec<Choice>,
    /// Until when they rest from mail, if they do.
    #[serde(skip)]
    pub rests_until: Option<Moment>,
}

/// One list on the page.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub id: i64,
    pub name: String,
    /// What comes, and how often.
    pub description: String,
    /// Whether the reader gets it.
    pub joined: bool,
    /// Whether nothing of it comes at present, for its staff retired it: it may come back.
    pub retired: bool,
    /// Whether it comes though they rest from the others: they joined it since.
    pub all_the_same: bool,
}

/// The path of a reader's own page, by their public id.
#[must_use]
pub fn preferences_path(site: &Site, public_id: &str) -> String {
    Choices(Name::id(public_id)).path(&site.keys)
}

/// The page behind a link: public lists, and private ones that the reader is on.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_preferences(site: &Site, link: &str) -> Result<Preferences> {
    let now = site.now();
    let Choices(name) = Choices::read(&site.keys, link, now)?;
    let reader = store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let rests_until = known.iter().filter_map(|one| one.rests_until(now)).max();
    let lists = store::lists(&site.db).await?.into_iter().filter_map(|list| {
        let subscription = known.iter().find(|s| s.list_id == list.id);
        let joined = subscription.is_some_and(|s| s.state == SubscriptionState::Confirmed);
        // Whoever is on a list can leave it, also when nobody joins it any more.
        let shown = joined || list.takes_sign_ups() || (list.may_be_joined() && subscription.is_some());
        let retired = !list.is_mailed();
        let rests = subscription.is_some_and(|s| s.rests_until(now).is_some());
        let all_the_same = joined && rests_until.is_some() && !rests;
        shown.then_some(Choice {
            id: list.id,
            name: list.name,
            description: list.description,
            joined,
            retired,
            all_the_same,
        })
    });
    Ok(Preferences { reader, lists: lists.collect(), rests_until })
}

/// Saves what the reader chose, of lists and of topics, all of it or nothing. The link came to their own mailbox, so joining needs no further confirmation.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn save_preferences(
    site: &Site,
    link: &str,
    name: &str,
    joined: &[i64],
    topics: &TopicsTicked,
    trace: Trace<'_>,
) -> Result<Preferences> {
    let chosen = look_at_preferences(site, link).await?;
    let changed = |to: bool| -> Vec<i64> {
        let lists = chosen.lists.iter().filter(|one| one.joined != to && joined.contains(&one.id) == to);
        lists.map(|one| one.id).collect()
    };
    let before = site.now();
    withdrawn::leaves(site, &chosen.reader.public_id, &changed(false), ConsentMethod::Preferences).await?;
    let saved = db::again(|| save_once(site, link, name, joined, topics, trace)).await?;
    withdrawn::is_back(site, &chosen.reader.public_id, &changed(true), before).await?;
    Ok(saved)
}

async fn save_once(
    site: &Site,
    link: &str,
    name: &str,
    joined: &[i64],
    topics: &TopicsTicked,
    trace: Trace<'_>,
) -> Result<Preferences> {
    let before = look_at_preferences(site, link).await?;
    let id = before.reader.id;
    let settings = Settings::load(&site.db).await?;
    let mut new = Vec::new();
    let mut tx = site.db.begin().await?;
    // Topics first, as for everybody.
    choose_topics(&mut tx, id, topics).await?;
    let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
    store::rename(&mut tx, id, &name).await?;
    for choice in &before.lists {
        let wanted = joined.contains(&choice.id);
        let changed = match wanted {
            true => store::join(&mut tx, id, choice.id, site.now(), None).await?,
            false if choice.joined => {
                // In this order: the row is what sealing and leaving meet at.
                let left = store::leave(&mut tx, id, choice.id, site.now()).await?;
                ledger::withdraw(&mut tx, site, id, Some(choice.id)).await?;
                notices::withdraw_welcome(&mut tx, id, choice.id, site.now()).await?;
                left
            }
            false => false,
        };
        if changed {
            let happened = Happened {
                subscriber: id,
                list: choice.id,
                action: if wanted { ConsentAction::Confirmed } else { ConsentAction::Left },
                method: ConsentMethod::Preferences,
                wording: wanted.then_some(consent::PREFERENCES_WORDING),
                by: By::source("preferences page"),
                trace,
            };
            consent::record(&mut tx, site, happened).await?;
            if wanted {
                new.push(choice.id);
            }
        }
    }
    welcome::greet(&mut tx, site, &settings, &before.reader, &new).await?;
    tx.commit().await?;
    look_at_preferences(site, link).await
}
