//! Finding readers, for the desk: by any part of what is known of them, by list, by how they stand; and how many there are.
//!
//! A reader is found by a text that is kept beside their row, folded as what is looked for is folded: the database knows the small
//! letters of English alone. What writes a name or an address writes it, too; where somebody forgot, the database itself says that
//! it is old, and [`fold_waiting`] makes it anew.

use super::{
    found_by::text_of,
    rows::{Counts, ReaderStanding, Subscriber},
    store::finding::{self, Sought},
};
use crate::{
    clock::Moment,
    db::{Db, Result},
    email_address::folded,
    site::Site,
};

/// Which readers are looked for; what is empty is left open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Any part of name, address or public id, in any script and case.
    pub search: &'a str,
    pub list: Option<i64>,
    pub standing: Option<ReaderStanding>,
}

/// Up to so many they are counted for a page; beyond, somebody counts them now and then.
const COUNTED_AT_ONCE: i64 = 20_000;
/// How often those who are counted now and then are counted.
const COUNT_EVERY: std::time::Duration = std::time::Duration::from_secs(600);
/// The longest that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;
/// What is shorter is not looked for in public ids.
const SHORTEST_ID: usize = 6;
/// What is as long and finds nobody is no name, though it has no digit.
const LONGEST_WORD: usize = 12;
/// So many of the newest are looked through row by row first: what many hold is found there.
const NEAR: i64 = 1_000;
/// Where more than so many hold a text, the next of them are found row by row; of no more than so many who stand so, each is asked.
const MANY: i64 = 2_000;

/// The readers that are looked for, newest first, before the id `before`.
pub async fn page(db: &Db, wanted: Wanted<'_>, before: Option<i64>, limit: i64) -> Result<Vec<Subscriber>> {
    let before = before.unwrap_or(i64::MAX);
    let search: String = wanted.search.trim().chars().take(LONGEST_SEARCH).collect();
    let ids = match search.is_empty() {
        true => who_stand_so(db, wanted, before, limit).await?,
        false => search_for(db, &search, wanted, before, limit).await?,
    };
    finding::by_ids(db, &ids).await
}

async fn who_stand_so(db: &Db, wanted: Wanted<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    match (wanted.list, wanted.standing) {
        (None, None) => finding::everybody(db, before, limit).await,
        (Some(list), standing) => finding::on_list(db, list, standing, before, limit).await,
        (None, Some(standing)) => finding::standing(db, standing, before, limit).await,
    }
}

async fn search_for(db: &Db, search: &str, wanted: Wanted<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let text = folded(search);
    let id = if is_of_an_id(search) { search } else { "" };
    if wanted.list.is_some() || wanted.standing.is_some() {
        let few = who_stand_so(db, wanted, before, MANY + 1).await?;
        if few.len() as i64 <= MANY {
            return finding::holding(db, &few, (&text, id), limit).await;
        }
    }
    let (list, standing) =
        (wanted.list.unwrap_or_default(), wanted.standing.map_or("", ReaderStanding::as_str));
    let sought = Sought { text: &text, list, standing };
    let end = before.min(finding::newest_id(db).await?.saturating_add(1));
    let most = usize::try_from(limit).unwrap_or_default();
    let near = end.saturating_sub(NEAR);
    let mut found = finding::between(db, sought, (near - 1, end), limit).await?;
    if found.len() < most {
        // Too short for any index is what has less than three letters.
        let held = match text.chars().nth(2) {
            Some(_) => Some(finding::by_trigrams(db, &text, near, MANY + 1).await?),
            None => None,
        };
        found.extend(match held {
            Some(held) if held.len() as i64 <= MANY => finding::among(db, &held, sought, limit).await?,
            // So many have it that it is not far to the next.
            _ => finding::between(db, sought, (i64::MIN, near), limit).await?,
        });
    }
    found.extend(finding::unfolded(db, sought, before, limit).await?);
    if !id.is_empty() {
        let sought = Sought { text: id, ..sought };
        found.extend(finding::by_id_prefix(db, sought, before, limit).await?);
        // Every id is looked at: only for what can hardly be anything else.
        let is_no_word = id.len() >= LONGEST_WORD || id.bytes().any(|byte| byte.is_ascii_digit());
        if found.is_empty() && is_no_word {
            found = finding::by_id_part(db, sought, before, limit).await?;
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.dedup();
    found.truncate(most);
    Ok(found)
}

fn is_of_an_id(search: &str) -> bool {
    search.len() >= SHORTEST_ID
        && search.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Folds whoever waits for it: readers of an earlier version, and those whose row was changed by who does not fold. Killed at any
/// moment, it goes on; how many.
///
/// # Errors
/// When the database fails; what was folded stays.
pub async fn fold_waiting(site: &Site) -> Result<u64> {
    const CHUNK: i64 = 500;
    let (mut after, mut done) = (0, 0);
    loop {
        let readers = finding::waiting(&site.db, after, CHUNK).await?;
        let Some(last) = readers.last().map(|reader| reader.id) else { return Ok(done) };
        let texts: Vec<(&Subscriber, String)> =
            readers.iter().map(|one| (one, text_of(&one.email, &one.name))).collect();
        let mut tx = site.db.begin().await?;
        done += finding::fold_many(&mut tx, &texts).await?;
        tx.commit().await?;
        after = last;
    }
}

/// How many readers there are: exactly while there are few enough to count them for a page, else as they were counted last.
pub async fn counts(db: &Db) -> Result<Counts> {
    let counted = finding::counted(db).await?.map(|counted| Counts { is_about: true, ..counted.counts });
    match counted.filter(|counts| counts.any_above(COUNTED_AT_ONCE)) {
        Some(counts) => Ok(counts),
        None => finding::counts(db, i64::MAX).await,
    }
}

/// Counts readers where there are too many to count them for a page, every ten minutes.
///
/// # Errors
/// When the database fails.
pub async fn count_many(site: &Site) -> Result<()> {
    let now: Moment = site.now();
    let counted = finding::counted(&site.db).await?;
    if counted.is_some_and(|counted| counted.counted_at <= now && now < counted.counted_at.plus(COUNT_EVERY))
    {
        return Ok(());
    }
    if counted.is_none() && !finding::counts(&site.db, COUNTED_AT_ONCE + 1).await?.any_above(COUNTED_AT_ONCE)
    {
        return Ok(());
    }
    let counts = finding::counts(&site.db, i64::MAX).await?;
    let mut tx = site.db.begin().await?;
    finding::keep_count(&mut tx, counts, now).await?;
    tx.commit().await
}
