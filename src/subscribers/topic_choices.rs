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

/// What a reader ticked of topics, and of which lists the page showed any.
#[derive(Clone, Debug, Default)]
pub struct TopicsTicked {
    /// The lists whose topics stood on the page.
    pub shown: Vec<i64>,
    /// Pairs of a list and a topic.
    pub ticked: Vec<(i64, i64)>,
}

/// Keeps what a reader ticked, of the lists that they are on and the page showed topics of. The page may be an old one: a topic that
/// was merged meanwhile is the one that took its place, and one that was retired stays chosen, for else they would get everything.
pub(super) async fn choose_topics(tx: &mut Tx, subscriber: i64, topics: &TopicsTicked) -> db::Result<()> {
    for one in store::subscriptions_in(tx, subscriber).await? {
        if one.state == SubscriptionState::Confirmed && topics.shown.contains(&one.list_id) {
            let of_list = topics.ticked.iter().filter(|(list, _)| *list == one.list_id);
            let wanted: Vec<i64> = of_list.map(|(_, topic)| *topic).collect();
            topics::choose(tx, subscriber, one.list_id, &wanted).await?;
        }
    }
    Ok(())
}

async fn reader(site: &Site, link: &str) -> Result<Subscriber> {
    let Choices(name) = Choices::read(&site.keys, link, site.now())?;
    store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)
}
