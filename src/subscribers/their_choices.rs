//! A reader's own page: their name, and which lists they get.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    By, Result, SubscriberError, Trace,
    chosen::{self, Otherwise},
    consent::{self, ConsentAction, ConsentMethod, Happened},
    fields, forgotten,
    leave::{off_unsaid, say_all_the_same, undo_until},
    lists::List,
    often,
    read::{Subscriber, Subscription, SubscriptionState, held},
    rhythms,
    store::{
        self, imports_undone,
        knowing::{self, Numbered},
    },
    topic_choices::{TopicsTicked, choose_topics},
    welcome, withdrawn,
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
    /// Whether they are off a list and did not say so themselves: they may still, so that nobody puts them on it again.
    #[serde(skip)]
    pub unsaid: bool,
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

/// The page behind a link: public lists, and private ones that the reader is on, asked for, or left by themselves.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn look_at_choices(site: &Site, link: &str) -> Result<TheirChoices> {
    let now = site.now();
    let Choices(name) = Choices::read(&site.keys, link, now)?;
    let reader = store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let newest = knowing::newest_events(&site.db, reader.id).await?;
    let rests_until = known.iter().filter_map(|one| one.rests_until(now)).max();
    let lists = choices((&known, &newest), store::lists(&site.db).await?, now);
    let unsaid = off_unsaid(&known, &newest).next().is_some();
    Ok(TheirChoices { reader, lists, rests_until, unsaid })
}

/// What a reader can choose who stands so with these lists, and of whom this is on record last. Whom the team took off a private list, or a
/// file, does not put themselves back on it.
fn choices((known, newest): (&[Subscription], &[Numbered]), lists: Vec<List>, now: Moment) -> Vec<Choice> {
    let rests = known.iter().any(|one| one.rests_until(now).is_some());
    let choice = |list: List| {
        let subscription = known.iter().find(|s| s.list_id == list.id);
        let ran_out = subscription.is_some_and(|s| s.ran_out(now));
        let joined = subscription.is_some_and(|s| s.state == SubscriptionState::Confirmed) && !ran_out;
        // Whoever is on a list can leave it, also when nobody joins it any more.
        let may_come_back = subscription.is_some_and(|s| {
            let left_by_themselves = |one: &Numbered| {
                one.list_id == list.id && one.event.method.is_their_own() && !one.event.was_off_already()
            };
            s.state != SubscriptionState::Left || newest.iter().any(left_by_themselves)
        });
        let shown = joined || list.takes_sign_ups() || (list.may_be_joined() && may_come_back);
        let retired = !list.is_mailed();
        let rhythms = if joined && !retired { Rhythm::read(&list.rhythms) } else { Vec::new() };
        let rhythm = subscription.and_then(Subscription::rhythm_now);
        let all_the_same = joined && rests && subscription.is_none_or(|s| s.rests_until(now).is_none());
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
    };
    lists.into_iter().filter_map(choice).collect()
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
    /// Fields that stood there beside those that always do: an answer was taken back just before.
    pub also_asked: Vec<i64>,
}

impl Chosen {
    /// Whether they changed nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.lists.is_empty() && !self.leaves_all && !self.is_more_than_leaving()
    }

    /// Whether there is anything in it beside leaving.
    fn is_more_than_leaving(&self) -> bool {
        let TopicsTicked { seen, ticked, .. } = &self.topics;
        let topics =
            seen.iter().any(|one| !ticked.contains(one)) || ticked.iter().any(|one| !seen.contains(one));
        let joins = !self.leaves_all && self.lists.iter().any(|(_, wanted)| *wanted);
        topics || joins || !self.rhythms.is_empty() || self.name.is_some() || !self.answers.is_empty()
    }

    /// What they leave, and nothing else.
    fn leaving_alone(&self) -> Self {
        let lists = self.lists.iter().copied().filter(|(_, wanted)| !wanted).collect();
        Self { lists, leaves_all: self.leaves_all, ..Self::default() }
    }

    /// What they chose otherwise of lists.
    fn otherwise(&self) -> Vec<Otherwise> {
        let topics = self.topics.shown.iter().map(|list| {
            let (on, off) = self.topics.otherwise(*list);
            (*list, on, off)
        });
        Otherwise::of(topics, &self.rhythms)
    }

    /// Whether they want the list that they are on or not by now.
    #[must_use]
    pub fn wants(&self, list: i64, joined: bool) -> bool {
        let changed = self.lists.iter().find(|(id, _)| *id == list).map(|(_, wanted)| *wanted);
        !self.leaves_all && changed.unwrap_or(joined)
    }
}

/// What came of it: all that is otherwise than before, by the keys of lists and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    pub joined: Vec<i64>,
    pub left: Vec<i64>,
    /// The lists of which they get other topics.
    pub topics: Vec<i64>,
    /// The lists that they get at another rhythm.
    pub rhythms: Vec<i64>,
    /// Whether they are greeted otherwise.
    pub name: bool,
    /// The questions that they answered otherwise.
    pub answers: Vec<i64>,
    /// Nothing was changed but what they left, for too much was by their links: how long until more may be.
    #[serde(skip)]
    pub waits: Option<Duration>,
}

/// Saves what the reader changed, all of it or nothing; where their links changed too much lately, what they leave alone. The link came
/// to their own mailbox, so joining needs no further confirmation.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; when the database fails, and then nothing was changed.
pub async fn save_choices(site: &Site, link: &str, chosen: &Chosen, trace: Trace<'_>) -> Result<Saved> {
    let Choices(name) = Choices::read(&site.keys, link, site.now())?;
    let reader = store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)?;
    let counted = match chosen.is_more_than_leaving() {
        true => often::change(site, &reader.public_id).await,
        false => Ok(()),
    };
    let (leaving, waits) = match counted {
        Ok(()) => (None, None),
        Err(SubscriberError::TooMany(wait)) => (Some(chosen.leaving_alone()), Some(wait)),
        Err(error) => return Err(error),
    };
    let chosen = leaving.as_ref().unwrap_or(chosen);
    // What they are on and do not want: of anything else nothing is written, or whoever holds a link could fill the journal.
    let known = store::subscriptions(&site.db, reader.id).await?;
    let is_unwanted = |list: i64| chosen.leaves_all || chosen.lists.contains(&(list, false));
    let newest = knowing::newest_events(&site.db, reader.id).await?;
    let on = known.iter().filter(|one| one.state != SubscriptionState::Left).map(|one| one.list_id);
    // And what they are off, and did not say yet that they leave.
    let all = on.chain(off_unsaid(&known, &newest));
    let leaves: Vec<i64> = all.filter(|list| is_unwanted(*list)).collect();
    withdrawn::leaves(site, &reader.public_id, &leaves, ConsentMethod::Preferences).await?;
    chosen::write(site, &reader.public_id, &chosen.otherwise()).await?;
    let mut saved = db::again(|| save_once(site, reader.id, (chosen, &leaves), trace)).await?;
    saved.waits = waits;
    Ok(saved)
}

/// Takes back that they left these lists by one press on their page: for a day, and as they were on them before, so that whoever rested
/// goes on resting.
///
/// # Errors
/// As [`save_choices`]; [`SubscriberError::TooMany`].
pub async fn take_leaving_back(site: &Site, link: &str, lists: &[i64], trace: Trace<'_>) -> Result<Saved> {
    let Choices(name) = Choices::read(&site.keys, link, site.now())?;
    let reader = store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)?;
    often::change(site, &reader.public_id).await?;
    let joined = db::again(|| take_back_once(site, &reader, lists, trace)).await?;
    Ok(Saved { joined, ..Saved::default() })
}

async fn take_back_once(
    site: &Site,
    reader: &Subscriber,
    lists: &[i64],
    trace: Trace<'_>,
) -> db::Result<Vec<i64>> {
    let (before, since) = (site.now(), undo_until(site));
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, reader.id).await?;
    let newest = knowing::newest_events_in(&mut tx, reader.id).await?;
    let left_here = newest.iter().filter(|one| {
        (one.event.action, one.event.method) == (ConsentAction::Left, ConsentMethod::Preferences)
            && !one.event.was_off_already()
            && lists.contains(&one.list_id)
    });
    let mut left_here: Vec<i64> = left_here.map(|one| one.list_id).collect();
    left_here.sort_unstable();
    let mut back = Vec::new();
    for list in left_here {
        if store::rejoin(&mut tx, reader.id, list, since).await? {
            let (action, method) = (ConsentAction::Confirmed, ConsentMethod::Preferences);
            let by = By::source("undo");
            let happened = Happened { subscriber: reader.id, list, action, method, wording: None, by, trace };
            consent::record(&mut tx, site, happened).await?;
            back.push(list);
        }
    }
    withdrawn::commit_back(tx, site, &reader.public_id, &back, before).await?;
    Ok(back)
}

/// What changed. Of `leaves` alone they are taken off, for those stand in the journal: who
/// joined another one meanwhile stays on that.
async fn save_once(
    site: &Site,
    id: i64,
    (chosen, leaves): (&Chosen, &[i64]),
    trace: Trace<'_>,
) -> Result<Saved> {
    let settings = Settings::load(&site.db).await?;
    let before = site.now();
    let mut saved = Saved::default();
    let mut tx = site.db.begin().await?;
    // The reader first, and topics before lists, as by everybody.
    let reader = held(&mut tx, id).await?.ok_or(SubscriberError::Link)?;
    saved.topics = choose_topics(&mut tx, id, &chosen.topics).await?;
    let known = store::subscriptions_in(&mut tx, id).await?;
    for (list, rhythm) in &chosen.rhythms {
        let is_on = |one: &&Subscription| one.list_id == *list && one.state == SubscriptionState::Confirmed;
        if known.iter().any(|one| is_on(&one)) && rhythms::choose(&mut tx, id, *list, *rhythm).await? {
            saved.rhythms.push(*list);
        }
    }
    let lists = saved.topics.iter().chain(&saved.rhythms).copied();
    chosen::said(&mut tx, site, id, lists).await?;
    if let Some(name) = &chosen.name {
        let name = if name.trim().is_empty() { String::new() } else { clean_name(name) };
        if name != reader.name {
            store::rename(&mut tx, id, &name).await?;
            saved.name = true;
        }
    }
    let happened = |list: i64, joins: bool| Happened {
        subscriber: id,
        list,
        action: if joins { ConsentAction::Confirmed } else { ConsentAction::Left },
        method: ConsentMethod::Preferences,
        wording: joins.then_some(consent::CHOICES_WORDING),
        by: By::source("preferences page"),
        trace,
    };
    let (mut back, mut left) = (Vec::new(), Vec::new());
    let newest = knowing::newest_events_in(&mut tx, id).await?;
    for choice in choices((&known, &newest), store::lists_in(&mut tx).await?, site.now()) {
        let is_meant = chosen.lists.iter().any(|(list, wanted)| *list == choice.id && *wanted);
        if is_meant && !chosen.leaves_all && store::join(&mut tx, id, choice.id, site.now(), None).await? {
            consent::record(&mut tx, site, happened(choice.id, true)).await?;
            let had_left = |one: &Subscription| one.list_id == choice.id && one.left_at.is_some();
            back.extend(known.iter().any(had_left).then_some(choice.id));
            saved.joined.push(choice.id);
        }
    }
    // In this order: the rows are what sealing and leaving meet at. What they only asked for is not asked of them any more.
    if chosen.leaves_all {
        imports_undone::stays_off(&mut tx, id, None).await?;
    }
    for one in known.iter().filter(|one| leaves.contains(&one.list_id)) {
        if store::leave(&mut tx, id, one.list_id, site.now()).await? {
            consent::record(&mut tx, site, happened(one.list_id, false)).await?;
            left.push(one.list_id);
            if one.state == SubscriptionState::Confirmed {
                saved.left.push(one.list_id);
            }
        } else {
            say_all_the_same(&mut tx, site, happened(one.list_id, false)).await?;
        }
    }
    let asked = fields::on_their_page(&mut tx, id).await?;
    for list in left {
        delivery::withdraw(&mut tx, site, id, Some(list)).await?;
        delivery::withdraw_welcome(&mut tx, id, list, site.now()).await?;
    }
    for (field, typed) in &chosen.answers {
        let is_asked = asked.contains(field) || chosen.also_asked.contains(field);
        if is_asked && fields::answer(&mut tx, id, *field, typed).await? {
            saved.answers.push(*field);
        }
    }
    if !saved.joined.is_empty() {
        forgotten::returned(&mut tx, site, &reader.email).await?;
        welcome::greet(&mut tx, site, &settings, &reader, &saved.joined).await?;
    }
    withdrawn::commit_back(tx, site, &reader.public_id, &back, before).await?;
    Ok(saved)
}
