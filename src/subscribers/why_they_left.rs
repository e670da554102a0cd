//! Why readers left, where they said so: never asked before they are off the list, and kept for the team.
//!
//! A word is said once for a leaving, by whoever has the link, and may be changed for as long as the leaving can be taken back. Taking
//! it back takes the word away.

pub use super::rows::{LeavingReason, ReasonCount, SaidOfLeaving, WhyTheyLeft};
use super::{
    Result, Trace,
    leave::{look_at_unsubscribe, say_with_why, undo_until},
    store::leaving as store,
};
use crate::{
    clock::Moment,
    db::{self, Db},
    site::Site,
};

/// Keeps why somebody left, by the link that they left by. `false` if they did not leave, or too long ago: then nothing is kept. Whoever
/// was taken off by others says so that they leave, too.
///
/// # Errors
/// [`SubscriberError::Link`](super::SubscriberError::Link) when the link is not one of ours; when the database fails.
pub async fn say_why(
    site: &Site,
    link: &str,
    (reason, words): (LeavingReason, &str),
    trace: Trace<'_>,
) -> Result<bool> {
    let left = look_at_unsubscribe(site, link).await?;
    say_with_why(site, &left, link, trace).await?;
    let words = one_line(words);
    let said = db::again(|| say_once(site, (left.subscriber_id, left.list_id), reason, &words)).await?;
    Ok(said)
}

async fn say_once(
    site: &Site,
    (subscriber, list): (i64, i64),
    reason: LeavingReason,
    words: &str,
) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(left_at) = store::hold_left(&mut tx, subscriber, list, undo_until(site)).await? else {
        return Ok(false);
    };
    store::say_why(&mut tx, (subscriber, list, left_at), (reason, words), site.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Without line breaks and other control characters.
fn one_line(words: &str) -> String {
    let words = words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// What a reader said, each time that they left, the newest first.
pub async fn of_reader(db: &Db, subscriber: i64, limit: i64) -> db::Result<Vec<WhyTheyLeft>> {
    store::of_reader(db, subscriber, limit).await
}

/// How often which reason was given for leaving a list, the most frequent first.
pub async fn sums(db: &Db, list: i64, since: Moment) -> db::Result<Vec<ReasonCount>> {
    let mut sums = store::sums(db, list, since).await?;
    sums.sort_by_key(|one| (std::cmp::Reverse(one.number), one.reason));
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_on_one_line() {
        assert_eq!(one_line(" too\r\n much\u{7}of  it "), "too much of it");
        assert_eq!(one_line(" \n"), "");
    }
}
