//! Confirming: by the link in the mail that asks for it, which is good for everything that was asked up to the press.

use std::collections::BTreeSet;

use super::{
    By, Result, SubscriberError, Trace, budget,
    consent::{self, ConsentAction, ConsentMethod, Happened},
    fields::{self, Answers},
    forgotten, forms,
    lists::List,
    read::{Subscriber, Subscription, SubscriptionState, held},
    store::{self, joining},
    subscribe::{asked_lately, letter_key, read_link},
    topics, welcome, withdrawn,
};
use crate::{clock::Moment, settings::Settings, site::Site};

/// What a confirmation link is about.
#[derive(Clone, Debug)]
pub struct Confirmed {
    pub reader: Subscriber,
    /// What they asked for and have not confirmed: number and name of each list.
    pub waiting: Vec<(i64, String)>,
    /// Whether the letter with the link asked about all of that: then a page may press for them. What somebody asked for since, perhaps
    /// in their name, they press for themselves.
    pub by_letter: bool,
    /// The names of the lists that they are on, out of those that the link is about.
    pub lists: Vec<String>,
    /// What else they may join by one press, once there is nothing to confirm.
    pub offers: Vec<List>,
    /// Whether it leads nowhere because a list that it is about was retired, and not because they left.
    pub retired: bool,
}

/// What a confirmation link would confirm; changes nothing, for programs open links too (TRUST A25). `besides` are lists that were joined
/// by it beside those that it names.
///
/// # Errors
/// [`SubscriberError::Link`](super::SubscriberError::Link) and [`SubscriberError::Expired`](super::SubscriberError::Expired).
pub async fn look_at_confirmation(site: &Site, link: &str, besides: &[i64]) -> Result<Confirmed> {
    let (reader, named) = read_link(site, link).await?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let sent_at = joining::letter_at(&site.db, reader.id, &letter_key(link)).await?;
    // Who had confirmed it by the letter left since, and asked once more, or another did.
    let asked_by_letter = |one: &Subscription| {
        named.contains(&one.list_id)
            && sent_at.is_some_and(|sent| one.confirmed_at.is_none_or(|confirmed| confirmed < sent))
    };
    let waiting = known.iter().filter(|one| waits(one, &named, asked_lately(site)));
    let by_letter = waiting.clone().all(asked_by_letter);
    let waiting = waiting.map(|one| (one.list_id, one.name.clone())).collect();
    let on = known.iter().filter(|one| is_on(one, &named) || is_on(one, besides));
    let on: Vec<String> = on.map(|one| one.name.clone()).collect();
    let offers = if on.is_empty() { Vec::new() } else { offered(store::lists(&site.db).await?, &known) };
    let retired = known.iter().any(|one| is_retired(one, &named));
    Ok(Confirmed { reader, waiting, by_letter, lists: on, offers, retired })
}

fn is_on(one: &Subscription, named: &[i64]) -> bool {
    one.state == SubscriptionState::Confirmed && !one.retired && named.contains(&one.list_id)
}

fn is_retired(one: &Subscription, named: &[i64]) -> bool {
    one.retired && one.state != SubscriptionState::Left && named.contains(&one.list_id)
}

/// The lists that whoever has just joined is offered: not those that they are on, or left.
fn offered(mut lists: Vec<List>, known: &[Subscription]) -> Vec<List> {
    let asked = |list: &List| known.iter().find(|one| one.list_id == list.id).map(|one| one.state);
    lists.retain(|list| list.offered && list.takes_sign_ups());
    lists.retain(|list| matches!(asked(list), None | Some(SubscriptionState::Pending)));
    lists
}

/// Joins one list more, of those that were offered to whoever is on a list that the link names.
///
/// # Errors
/// As [`confirm`]; [`SubscriberError::NotFound`] when the list is not offered any more.
pub async fn join_offered(site: &Site, link: &str, list: i64, trace: Trace<'_>) -> Result<()> {
    let (reader, named) = read_link(site, link).await?;
    let settings = Settings::load(&site.db).await?;
    let before = site.now();
    let mut tx = site.db.begin().await?;
    let reader = held(&mut tx, reader.id).await?.ok_or(SubscriberError::Link)?;
    // As it stands now that nobody leaves it meanwhile: they may have left, and the list may have been closed.
    store::topics::hold_subscription(&mut tx, reader.id, list).await?;
    let known = store::subscriptions_in(&mut tx, reader.id).await?;
    if !known.iter().any(|one| is_on(one, &named)) {
        return Err(SubscriberError::NotFound);
    }
    let stood = known.iter().find(|one| one.list_id == list);
    if stood.is_none_or(|one| one.state != SubscriptionState::Confirmed) {
        let offers = offered(store::lists_in(&mut tx).await?, &known);
        let offer = offers.into_iter().find(|one| one.id == list).ok_or(SubscriberError::NotFound)?;
        if store::join(&mut tx, reader.id, list, site.now(), None).await? {
            let happened = Happened {
                subscriber: reader.id,
                list,
                action: ConsentAction::Confirmed,
                method: ConsentMethod::Confirmation,
                wording: Some(&consent::offer_wording(&offer.name)),
                by: By::source("offered after joining"),
                trace,
            };
            consent::record(&mut tx, site, happened).await?;
            forgotten::returned(&mut tx, site, &reader.email).await?;
            welcome::greet(&mut tx, site, &settings, &reader, &[list]).await?;
        }
        let back = if stood.is_some_and(|one| one.left_at.is_some()) { &[list][..] } else { &[] };
        withdrawn::commit_back(tx, site, &reader.public_id, back, before).await?;
    }
    Ok(())
}

/// Confirms the lists that the page showed, or without a page those that the mail named; doing it again changes nothing, and
/// who left since then stays away. Those that they are on by it.
///
/// # Errors
/// [`SubscriberError::Link`](super::SubscriberError::Link) and [`SubscriberError::Expired`](super::SubscriberError::Expired), and then nothing was changed.
pub async fn confirm(site: &Site, link: &str, shown: &[i64], trace: Trace<'_>) -> Result<Vec<i64>> {
    let (reader, named) = read_link(site, link).await?;
    let meant = if shown.is_empty() { &named } else { shown };
    let before = site.now();
    let settings = Settings::load(&site.db).await?;
    let mut tx = site.db.begin().await?;
    let reader = held(&mut tx, reader.id).await?.ok_or(SubscriberError::Link)?;
    let typed = joining::typed(&mut tx, reader.id).await?.map(|typed| Answers::read(&typed));
    if typed.is_some_and(|typed| typed.any_topics()) {
        topics::hold(&mut tx).await?;
    }
    let known = store::subscriptions_in(&mut tx, reader.id).await?;
    let is_meant =
        |one: &&Subscription| meant.contains(&one.list_id) && waits(one, &named, asked_lately(site));
    let waiting: Vec<&Subscription> = known.iter().filter(is_meant).collect();
    let names: Vec<&str> = waiting.iter().map(|one| one.name.as_str()).collect();
    let wording = (!shown.is_empty()).then(|| consent::confirmation_wording(&names));
    let mut joined = Vec::new();
    let mut by_forms: BTreeSet<i64> = BTreeSet::new();
    for one in &waiting {
        if store::confirm(&mut tx, reader.id, one.list_id, site.now()).await? {
            let asked = forms::asked_by(&mut tx, reader.id, one.list_id).await?;
            by_forms.extend(asked.form_id);
            let happened = Happened {
                subscriber: reader.id,
                list: one.list_id,
                action: ConsentAction::Confirmed,
                method: ConsentMethod::Confirmation,
                wording: wording.as_deref(),
                by: By {
                    form: asked.form_id,
                    source: "confirmation mail",
                    campaign: &asked.campaign,
                    at: None,
                },
                trace,
            };
            consent::record(&mut tx, site, happened).await?;
            joined.push(one.list_id);
        }
    }
    if !joined.is_empty() {
        joining::one_more_joined(&mut tx, budget::day(site.now())).await?;
        forgotten::returned(&mut tx, site, &reader.email).await?;
        // Unless two typed different things: one of them was somebody else. Who has a name keeps it.
        let came = joining::take_typed(&mut tx, reader.id).await?.unwrap_or_default();
        if !came.name.is_empty() {
            store::name(&mut tx, reader.id, &came.name).await?;
        }
        let answers = Answers::read(&came.answers);
        for list in &joined {
            topics::choose_first(&mut tx, reader.id, *list, &answers.topics_of(*list)).await?;
        }
        fields::keep(&mut tx, reader.id, answers).await?;
        for form in by_forms {
            forms::one_more(&mut tx, form, forms::part_of(&reader.email), forms::Did::Confirmed, site.now())
                .await?;
        }
        welcome::greet(&mut tx, site, &settings, &reader, &joined).await?;
    }
    let had_left = waiting.iter().filter(|one| one.left_at.is_some() && joined.contains(&one.list_id));
    let had_left: Vec<i64> = had_left.map(|one| one.list_id).collect();
    withdrawn::commit_back(tx, site, &reader.public_id, &had_left, before).await?;
    let on = known.iter().filter(|one| joined.contains(&one.list_id) || is_on(one, meant));
    Ok(on.map(|one| one.list_id).collect())
}

/// Whether a link that names these lists is good for a subscription: for those, and for whatever else was asked lately.
fn waits(one: &Subscription, named: &[i64], since: Moment) -> bool {
    one.waits() && !one.retired && (named.contains(&one.list_id) || one.asked_at > since)
}
