//! The topics on a reader's own page: what each of their lists offers, and what they chose.

use serde::Serialize;

use super::{
    Result, SubscriberError,
    read::{Subscriber, SubscriptionState},
    store,
    topics::{self, Topic},
};
use crate::{
    db::{self, Tx},
    links::Choices,
    site::Site,
};

/// What a reader can choose of one list.
#[derive(Clone, Debug, Serialize)]
pub struct TopicChoices {
    pub list_id: i64,
    /// The list's name.
    pub list: String,
    pub topics: Vec<TopicChoice>,
}

/// One topic on the page.
#[derive(Clone, Debug, Serialize)]
pub struct TopicChoice {
    #[serde(flatten)]
    pub topic: Topic,
    /// Whether the reader chose it.
    pub chosen: bool,
    /// Whether it is only here because they chose it: it is retired, or the list does not offer it any more.
    pub gone: bool,
}

/// The topics behind a link to a reader's own page, of the lists that they are on; a list without any is left out.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours.
pub async fn topic_choices(site: &Site, link: &str) -> Result<Vec<TopicChoices>> {
    let reader = reader(site, link).await?;
    let known = store::subscriptions(&site.db, reader.id).await?;
    let mut offered = topics::offered(&site.db).await?;
    let mut chosen = topics::chosen_of(&site.db, reader.id).await?;
    let on = known.into_iter().filter(|one| one.state == SubscriptionState::Confirmed && !one.retired);
    let of_list = on.map(|one| {
        let offered = offered.remove(&one.list_id).unwrap_or_default();
        let chosen = chosen.remove(&one.list_id).unwrap_or_default();
        let gone = chosen.iter().filter(|topic| !offered.contains(topic)).cloned();
        let gone: Vec<TopicChoice> =
            gone.map(|topic| TopicChoice { topic, chosen: true, gone: true }).collect();
        let line = |topic: Topic| TopicChoice { chosen: chosen.contains(&topic), gone: false, topic };
        let topics = offered.into_iter().map(line).chain(gone).collect();
        TopicChoices { list_id: one.list_id, list: one.name, topics }
    });
    Ok(of_list.filter(|of_list| !of_list.topics.is_empty()).collect())
}

/// What a reader ticked of topics, and what the page showed them before.
#[derive(Clone, Debug, Default)]
pub struct TopicsTicked {
    /// The lists whose topics stood on the page.
    pub shown: Vec<i64>,
    /// What was ticked when the page was made: pairs of a list and a topic.
    pub seen: Vec<(i64, i64)>,
    /// What is ticked now.
    pub ticked: Vec<(i64, i64)>,
}

impl TopicsTicked {
    /// Whether a topic is to be ticked that was `chosen` by now: what they changed on the page counts, and else what is so.
    #[must_use]
    pub fn keeps(&self, topic: (i64, i64), chosen: bool) -> bool {
        let (seen, ticked) = (self.seen.contains(&topic), self.ticked.contains(&topic));
        if seen == ticked { chosen } else { ticked }
    }

    /// Of a list, what they ticked, and what they unticked.
    pub(super) fn otherwise(&self, list: i64) -> (Vec<i64>, Vec<i64>) {
        let only_in = |these: &[(i64, i64)], those: &[(i64, i64)]| -> Vec<i64> {
            let of_list = these.iter().filter(|pair| pair.0 == list && !those.contains(pair));
            of_list.map(|(_, topic)| *topic).collect()
        };
        (only_in(&self.ticked, &self.seen), only_in(&self.seen, &self.ticked))
    }
}

/// Changes what a reader changed, of the lists that they are on and the page showed topics of; which lists that touched. The page may
/// be an old one: what it shows and they left as it was stays as it is by now. A topic that was merged meanwhile is the one that took
/// its place, and one that was retired stays chosen, for else they would get everything.
pub(super) async fn choose_topics(
    tx: &mut Tx,
    subscriber: i64,
    topics: &TopicsTicked,
) -> db::Result<Vec<i64>> {
    let mut touched = Vec::new();
    for one in store::subscriptions_in(tx, subscriber).await? {
        if one.state != SubscriptionState::Confirmed || !topics.shown.contains(&one.list_id) {
            continue;
        }
        let (on, off) = topics.otherwise(one.list_id);
        let changes = !on.is_empty() || !off.is_empty();
        if changes && topics::choose_otherwise(tx, subscriber, one.list_id, (&on, &off)).await? {
            touched.push(one.list_id);
        }
    }
    Ok(touched)
}

async fn reader(site: &Site, link: &str) -> Result<Subscriber> {
    let Choices(name) = Choices::read(&site.keys, link, site.now())?;
    store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)
}
