//! Feeds.

use super::{count, grouped};
use crate::{
    articles::{Feed, FeedArrives, FeedEvery, FeedRead, FeedState},
    clock::{Moment, Zone},
};

/// How often one is asked, as a choice and in a sentence.
pub(in crate::web) const fn every(every: FeedEvery) -> (&'static str, &'static str) {
    match every {
        FeedEvery::QuarterHour => ("Every 15 minutes", "every 15 minutes"),
        FeedEvery::Hourly => ("Every hour", "every hour"),
        FeedEvery::SixHours => ("Every 6 hours", "every 6 hours"),
        FeedEvery::Daily => ("Once a day", "once a day"),
    }
}

/// What its new articles are.
pub(in crate::web) const fn arrives(arrives: FeedArrives) -> &'static str {
    match arrives {
        FeedArrives::Draft => "As drafts",
        FeedArrives::Published => "Published at once",
    }
}

/// How it stands, and the look of that.
pub(in crate::web) fn standing(feed: &Feed) -> (&'static str, &'static str) {
    match feed.state {
        _ if feed.removed_at.is_some() => ("In the bin", "draft"),
        FeedState::Paused => ("Paused", "draft"),
        FeedState::Ended => ("Ended", "bad"),
        FeedState::On if feed.last_error.is_some() => ("Trouble", "bad"),
        FeedState::On if feed.checked_at.is_none() => ("Not read yet", "draft"),
        FeedState::On => ("In order", "good"),
    }
}

/// What it brought, when it was last looked at and when it is next, in sentences.
pub(in crate::web) fn health(feed: &Feed, now: Moment, zone: &Zone) -> String {
    let looked = match feed.checked_at {
        Some(at) => format!("Last looked at on {}.", at.date_time(zone)),
        None => "Not looked at yet.".to_owned(),
    };
    let brought = match (feed.brought, feed.brought_at) {
        (_, None) => "It has brought nothing so far.".to_owned(),
        (many, Some(at)) => format!(
            "It brought {} in all; something came last on {}.",
            count(many, "article"),
            at.date_time(zone)
        ),
    };
    let next = match feed.state {
        _ if feed.removed_at.is_some() => String::new(),
        FeedState::On if feed.next_at <= now => " It is looked at again within a minute or two.".to_owned(),
        FeedState::On => format!(" It is looked at again on {}.", feed.next_at.date_time(zone)),
        FeedState::Paused => " Nothing comes in until you let it go on.".to_owned(),
        FeedState::Ended => " It is not asked any more.".to_owned(),
    };
    format!("{looked} {brought}{next}")
}

/// What came once, in a sentence.
pub(in crate::web) fn came(read: &FeedRead) -> String {
    if let Some(error) = &read.error {
        return error.clone();
    }
    let mut parts = Vec::new();
    if read.fresh > 0 {
        parts.push(count(read.fresh, "new article"));
    }
    if read.changed > 0 {
        parts.push(format!("{} changed", grouped(read.changed)));
    }
    if read.kept > 0 {
        parts.push(format!("{} changed there and kept as you wrote them", grouped(read.kept)));
    }
    if parts.is_empty() { "Nothing new.".to_owned() } else { format!("{}.", parts.join(", ")) }
}
