//! A reader's own page: their name, and which lists they get.

use serde::Serialize;

use super::{
    By, Result, SubscriberError, Trace,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    fields,
    read::{Subscriber, Subscription, SubscriptionState},
    rhythms, store,
    topic_choices::{TopicsTicked, choose_topics},
    topics, welcome, withdrawn,
};
use crate::{
    clock::Moment,
    db, delivery,
    editions::Rhythm,
    links::{Choices, Name},
    mail::clean_name,
    settings::Settings,
    site::Site,
};

/// What a reader can choose.
#[derive(Clone, Debug, Serialize)]
pub struct TheirChoices {
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
    /// Whether they are on it by implied consent that is over: they do not get it, and ticking it is their own consent.
    #[serde(skip)]
    pub ran_out: bool,
    /// How often they may choose to get it, where they are on it.
    #[serde(skip)]
    pub rhythms: Vec<Rhythm>,
    /// How often they do; none for everything.
    #[serde(skip)]
    pub rhythm: Option<Rhythm>,
}

/// The path of a reader's own page, by their public id.
#[must_use]
pub fn choices_path(site: &Site, public_id: &str) -> String {
    Choices(Name::id(public_id)).path(&site.keys)
}

/// The page behind a link: public lists, and private ones that the reader is on.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_choices(site: &Site, link: &str) -> Result<TheirChoices> {
    let now = site.now();
    let Choices(name) = Choices::read(&site.keys, link, now)?;
    let reader = store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let rests_until = known.iter().filter_map(|one| one.rests_until(now)).max();
    let lists = store::lists(&site.db).await?.into_iter().filter_map(|list| {
        let subscription = known.iter().find(|s| s.list_id == list.id);
        let ran_out = subscription.is_some_and(|s| s.ran_out(now));
        let joined = subscription.is_some_and(|s| s.state == SubscriptionState::Confirmed) && !ran_out;
        // Whoever is on a list can leave it, also when nobody joins it any more.
        let shown = joined || list.takes_sign_ups() || (list.may_be_joined() && subscription.is_some());
        let retired = !list.is_mailed();
        let rests = subscription.is_some_and(|s| s.rests_until(now).is_some());
        let rhythms = if joined && !retired { Rhythm::read(&list.rhythms) } else { Vec::new() };
        let rhythm = subscription.and_then(Subscription::rhythm_now);
        let all_the_same = joined && rests_until.is_some() && !rests;
        shown.then_some(Choice {
            id: list.id,
            name: list.name,
            description: list.description,
            joined,
            retired,
            all_the_same,
            ran_out,
            rhythms,
            rhythm,
        })
    });
    Ok(TheirChoices { reader, lists: lists.collect(), rests_until })
}

/// What a reader changed on their page. What it showed and they left as it was is not here, and stays as it is by now: a page that
/// was opened before something else was chosen puts nothing back.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Another name than the page showed.
    pub name: Option<String>,
    /// The lists that they ticked or unticked: whether they want it.
    pub lists: Vec<(i64, bool)>,
    /// They leave every list, whatever is ticked.
    pub leaves_all: bool,
    pub topics: TopicsTicked,
    /// Of lists, how often they want them now: none for everything.
    pub rhythms: Vec<(i64, Option<Rhythm>)>,
    /// Other answers than the page showed, by the keys of their fields.
    pub answers: Vec<(i64, String)>,
}

impl Chosen {
    /// Whether they want the list that they are on or not by now.
    #[must_use]
    pub fn wants(&self, list: i64, joined: bool) -> bool {
        let changed = self.lists.iter().find(|(id, _)| *id == list).map(|(_, wanted)| *wanted);
        !self.leaves_all && changed.unwrap_or(joined)
    }
}

/// What came of it: all that is otherwise than before.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// Lists by name.
    pub joined: Vec<String>,
    pub left: Vec<String>,
    /// The lists of which they get other topics, with the topics that they chose; none means everything.
    pub topics: Vec<(String, Vec<String>)>,
    /// The lists that they get at another rhythm; none means everything.
    pub rhythms: Vec<(String, Option<Rhythm>)>,
    /// How they are greeted from now on; may be empty.
    pub name: Option<String>,
    /// The questions that they answered otherwise.
    pub answers: Vec<String>,
}

/// Saves what the reader changed, all of it or nothing. The link came to their own mailbox, so joining needs no further confirmation.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn save_choices(
    site: &Site,
    link: &str,
    chosen: &Chosen,
    trace: Trace<'_>,
) -> Result<(TheirChoices, Saved)> {
    let seen = look_at_choices(site, link).await?;
    let changed = |to: bool| -> Vec<i64> {
        let other = |one: &&Choice| one.joined != to || (!to && one.ran_out && chosen.leaves_all);
        let lists = seen.lists.iter().filter(other).filter(|one| chosen.wants(one.id, one.joined) == to);
        lists.map(|one| one.id).collect()
    };
    let before = site.now();
    withdrawn::leaves(site, &seen.reader.public_id, &changed(false), ConsentMethod::Preferences).await?;
    let (mut saved, touched) = db::again(|| save_once(site, link, chosen, trace)).await?;
    withdrawn::is_back(site, &seen.reader.public_id, &changed(true), before).await?;
    let now = look_at_choices(site, link).await?;
    let mut topics = topics::chosen_of(&site.db, now.reader.id).await?;
    for list in now.lists.iter().filter(|list| touched.contains(&list.id)) {
        let chosen = topics.remove(&list.id).unwrap_or_default();
        saved.topics.push((list.name.clone(), chosen.into_iter().map(|topic| topic.name).collect()));
    }
    Ok((now, saved))
}

/// What changed, and the lists of which they chose other topics.
async fn save_once(site: &Site, link: &str, chosen: &Chosen, trace: Trace<'_>) -> Result<(Saved, Vec<i64>)> {
    let before = look_at_choices(site, link).await?;
    let id = before.reader.id;
    let settings = Settings::load(&site.db).await?;
    let mut saved = Saved::default();
    let mut new = Vec::new();
    let mut tx = site.db.begin().await?;
    // Topics first, as for everybody.
    let touched = choose_topics(&mut tx, id, &chosen.topics).await?;
    for (list, rhythm) in &chosen.rhythms {
        if let Some(choice) = before.lists.iter().find(|choice| choice.id == *list && choice.joined)
            && rhythms::choose(&mut tx, id, *list, *rhythm).await?
        {
            saved.rhythms.push((choice.name.clone(), *rhythm));
        }
    }
    if let Some(name) = &chosen.name {
        let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
        if name != before.reader.name {
            store::rename(&mut tx, id, &name).await?;
            saved.name = Some(name);
        }
    }
    for choice in &before.lists {
        let wanted = chosen.wants(choice.id, choice.joined);
        let is_meant = chosen.leaves_all || chosen.lists.iter().any(|(list, _)| *list == choice.id);
        let changed = match wanted {
            _ if !is_meant => false,
            true => store::join(&mut tx, id, choice.id, site.now(), None).await?,
            false if choice.joined || (choice.ran_out && chosen.leaves_all) => {
                // In this order: the row is what sealing and leaving meet at.
                let left = store::leave(&mut tx, id, choice.id, site.now()).await?;
                delivery::withdraw(&mut tx, site, id, Some(choice.id)).await?;
                delivery::withdraw_welcome(&mut tx, id, choice.id, site.now()).await?;
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
                wording: wanted.then_some(consent::CHOICES_WORDING),
                by: By::source("preferences page"),
                trace,
            };
            consent::record(&mut tx, site, happened).await?;
            if wanted {
                new.push(choice.id);
                saved.joined.push(choice.name.clone());
            } else {
                saved.left.push(choice.name.clone());
            }
        }
    }
    let asked = fields::of_their_page(&site.db, id).await?;
    for (field, typed) in &chosen.answers {
        if asked.iter().any(|(one, _)| one.id == *field)
            && let Some(field) = fields::answer(&mut tx, id, *field, typed).await?
        {
            saved.answers.push(field.label);
        }
    }
    welcome::greet(&mut tx, site, &settings, &before.reader, &new).await?;
    tx.commit().await?;
    Ok((saved, touched))
}
