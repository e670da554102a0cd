//! How many readers lists and topics have: counted for the page that says it while they are few, and every ten minutes where they
//! are many.

use std::{collections::HashMap, time::Duration};

use super::store::counting::{self as store, What};
use crate::{
    db::{Db, Result},
    site::Site,
};

/// Up to so many rows are counted for a page.
const COUNTED_AT_ONCE: i64 = 5_000;
/// How often the others are counted.
const COUNT_EVERY: Duration = Duration::from_secs(600);

/// How many readers there are of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowMany {
    /// Exactly so many.
    Are(i64),
    /// So many when they were last counted.
    About(i64),
    /// More, and nobody has counted them yet.
    MoreThan(i64),
}

impl HowMany {
    /// As far as is known.
    #[must_use]
    pub const fn is_nobody(self) -> bool {
        matches!(self, Self::Are(0) | Self::About(0))
    }
}

impl Default for HowMany {
    fn default() -> Self {
        Self::Are(0)
    }
}

impl From<store::Found> for HowMany {
    fn from(one: store::Found) -> Self {
        match one.number {
            _ if one.found <= COUNTED_AT_ONCE => Self::Are(one.readers),
            Some(number) if number > 0 => Self::About(number),
            _ => Self::MoreThan(one.readers.max(1) - 1),
        }
    }
}

/// How many are on each list whose address is not stopped.
pub async fn on_lists(db: &Db) -> Result<HashMap<i64, HowMany>> {
    many(db, What::List).await
}

/// How many chose each topic.
pub async fn with_topics(db: &Db) -> Result<HashMap<i64, HowMany>> {
    many(db, What::Topic).await
}

/// How many chose a topic and nothing else of a list that there still is.
pub async fn with_topic_alone(db: &Db, topic: i64) -> Result<HowMany> {
    Ok(match store::alone(db, topic, COUNTED_AT_ONCE + 1).await? {
        None => HowMany::default(),
        Some(one) if one.found <= COUNTED_AT_ONCE => HowMany::Are(one.readers),
        Some(one) => one.number.map_or(HowMany::MoreThan(one.readers.max(1) - 1), HowMany::About),
    })
}

async fn many(db: &Db, what: What) -> Result<HashMap<i64, HowMany>> {
    let found = store::found(db, what, COUNTED_AT_ONCE + 1).await?;
    Ok(found.into_iter().map(|one| (one.of_id, one.into())).collect())
}

/// Counts the readers of lists and topics that have too many to be counted for a page, every ten minutes.
///
/// # Errors
/// When the database fails; what was counted stays.
pub async fn count_large(site: &Site) -> Result<()> {
    let now = site.now();
    for what in [What::List, What::Topic] {
        let is_fresh =
            |one: &store::Found| one.counted_at.is_some_and(|at| at <= now && now < at.plus(COUNT_EVERY));
        let found = store::found(&site.db, what, COUNTED_AT_ONCE + 1).await?;
        for one in found.iter().filter(|one| one.found > COUNTED_AT_ONCE && !is_fresh(one)) {
            let number = store::count(&site.db, what, one.of_id).await?;
            let alone = match what {
                What::Topic => Some(store::count(&site.db, What::TopicAlone, one.of_id).await?),
                What::List | What::TopicAlone => None,
            };
            let mut tx = site.db.begin().await?;
            store::keep(&mut tx, what, (one.of_id, number), now).await?;
            if let Some(alone) = alone {
                store::keep(&mut tx, What::TopicAlone, (one.of_id, alone), now).await?;
            }
            tx.commit().await?;
        }
    }
    Ok(())
}
