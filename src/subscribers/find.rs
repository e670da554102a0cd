//! Finding readers, for the desk: by any part of what is known of them, by list, by how they stand; and how many there are.
//!
//! A reader is found by a text that is kept beside their row, folded as what is looked for is folded: the database knows the small
//! letters of English alone. What writes a name or an address writes it, too; where somebody forgot, the database itself says that
//! it is old, and [`fold_waiting`] makes it anew.

use std::{collections::HashMap, time::Duration};

use super::{
    found_by::{self, ordered_by, sought, text_of},
    rows::{Counts, ReaderStanding, Subscriber},
    store::finding::{self, Sought},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    site::Site,
};

/// Which readers are looked for; what is empty is left open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Any part of name, address or public id, in any script and case.
    pub search: &'a str,
    pub list: Option<i64>,
    /// What they chose; with a list, what they chose of it.
    pub topic: Option<i64>,
    pub standing: Option<ReaderStanding>,
    pub order: Order,
}

crate::words! {
    /// In which order readers are listed.
    #[derive(Default)]
    pub enum Order {
        /// Who is newest comes first.
        #[default]
        Newest = "newest",
        /// By name; who has none comes last.
        Name = "name",
        /// By address.
        Address = "address",
    }
}

/// Up to so many they are counted for a page; beyond, somebody counts them now and then.
const COUNTED_AT_ONCE: i64 = 20_000;
/// How often those who are counted now and then are counted.
const COUNT_EVERY: Duration = Duration::from_secs(600);
/// The longest that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;
/// What is shorter is not looked for in public ids.
const SHORTEST_ID: usize = 6;
/// What is as long and finds nobody is no name, though it has no digit.
const LONGEST_WORD: usize = 12;
/// So many of the newest are looked through row by row first: what many hold is found there.
const NEAR: i64 = 1_000;
/// So many for less than three letters, which no index has but where a word begins or ends.
pub const LOOKED_THROUGH: i64 = 20_000;
/// Behind every name, and behind every reader without one.
const END: &str = "\u{10ffff}";
/// Whoever has a name comes behind it, and whoever has none before.
const FIRST_NAME: &str = "\u{b}";
/// So long nobody is made anew after as many as are at once, so that others may write.
const PAUSE: Duration = Duration::from_millis(20);
/// Where more than so many hold a text, the next of them are found row by row; of no more than so many who stand so, each is asked.
const MANY: i64 = 2_000;

impl Wanted<'_> {
    const fn is_narrowed(&self) -> bool {
        self.list.is_some() || self.topic.is_some() || self.standing.is_some()
    }
}

/// Who is asked, and at which moment.
#[derive(Clone, Copy)]
struct Look<'a> {
    db: &'a Db,
    now: Moment,
}

/// The readers that are looked for, in their order, behind the one with that id.
pub async fn page(
    site: &Site,
    wanted: Wanted<'_>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Subscriber>> {
    let (db, look) = (&site.db, Look { db: &site.db, now: site.now() });
    let search: String = wanted.search.trim().chars().take(LONGEST_SEARCH).collect();
    let ids = match wanted.order {
        Order::Newest => newest(look, &search, wanted, after.unwrap_or(i64::MAX), limit).await?,
        Order::Name | Order::Address => ordered(look, &search, wanted, after, limit).await?,
    };
    let mut found: HashMap<i64, Subscriber> =
        finding::by_ids(db, &ids).await?.into_iter().map(|reader| (reader.id, reader)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The numbers of the readers that are looked for, the newest first, before one; in no other order.
///
/// # Errors
/// When the database fails.
pub async fn ids(site: &Site, wanted: Wanted<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let search: String = wanted.search.trim().chars().take(LONGEST_SEARCH).collect();
    newest(Look { db: &site.db, now: site.now() }, &search, wanted, before, limit).await
}

/// The readers with these numbers, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn by_ids(db: &Db, ids: &[i64]) -> Result<Vec<Subscriber>> {
    finding::by_ids(db, ids).await
}

/// The number of the newest reader; 0 if there is nobody.
///
/// # Errors
/// When the database fails.
pub async fn newest_id(db: &Db) -> Result<i64> {
    finding::newest_id(db).await
}

/// Of these readers those that are looked for.
///
/// # Errors
/// When the database fails.
pub async fn among(site: &Site, wanted: Wanted<'_>, readers: &[i64]) -> Result<Vec<i64>> {
    let look = Look { db: &site.db, now: site.now() };
    let search: String = wanted.search.trim().chars().take(LONGEST_SEARCH).collect();
    let most = readers.len() as i64;
    let mut found = readers.to_vec();
    if !search.is_empty() {
        let id = if is_of_an_id(&search) { search.as_str() } else { "" };
        found = finding::holding(look.db, &found, (&sought(&search), id), most).await?;
    }
    if wanted.is_narrowed() {
        found = finding::among(look.db, &found, look.sought("", wanted), most).await?;
    }
    Ok(found)
}

/// Of these readers, who are held, those who stand as it is looked for; what they are called is not asked again.
///
/// # Errors
/// When the database fails.
pub async fn still_among(tx: &mut Tx, site: &Site, wanted: Wanted<'_>, readers: &[i64]) -> Result<Vec<i64>> {
    if !wanted.is_narrowed() {
        return Ok(readers.to_vec());
    }
    let look = Look { db: &site.db, now: site.now() };
    finding::among_in(tx, readers, look.sought("", wanted), readers.len() as i64).await
}

async fn newest(
    look: Look<'_>,
    search: &str,
    wanted: Wanted<'_>,
    before: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    match search.is_empty() {
        true => who_stand_so(look, wanted, before, limit).await,
        false => search_for(look, search, wanted, before, limit).await,
    }
}

/// In another order than that of their ids. Where few are looked for, they are put in order here; many are met soon by whoever goes
/// along the index of the order.
async fn ordered(
    look: Look<'_>,
    search: &str,
    wanted: Wanted<'_>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<i64>> {
    let db = look.db;
    let by_name = wanted.order == Order::Name;
    let key = |one: &finding::Keys| {
        let (nameless, name) = if by_name { ordered_by(&one.search) } else { Default::default() };
        let address = if by_name { String::new() } else { one.email_key.clone() };
        (nameless, name, address, one.id)
    };
    // Who is gone was the last of a page that somebody looked at: the list begins anew.
    let last = match after {
        Some(id) => finding::keys_of(db, &[id]).await?.first().map(key),
        None => None,
    };
    if !search.is_empty() || wanted.is_narrowed() {
        let few = newest(look, search, wanted, i64::MAX, MANY + 1).await?;
        if few.len() as i64 <= MANY {
            let mut keys: Vec<_> = finding::keys_of(db, &few).await?.iter().map(key).collect();
            keys.retain(|key| last.as_ref().is_none_or(|last| key > last));
            keys.sort_unstable();
            keys.truncate(usize::try_from(limit).unwrap_or_default());
            return Ok(keys.into_iter().map(|(.., id)| id).collect());
        }
    }
    let text = sought(search);
    let sought = look.sought(&text, wanted);
    let (nameless, name, address, id) = last.unwrap_or_default();
    if !by_name {
        return finding::by_address(db, sought, &address, limit).await;
    }
    if nameless {
        return finding::by_name(db, sought, (&name, id, FIRST_NAME), limit).await;
    }
    let from = if name.is_empty() { FIRST_NAME } else { &name };
    let mut ids = finding::by_name(db, sought, (from, id, END), limit).await?;
    let left = limit - ids.len() as i64;
    if left > 0 {
        ids.extend(finding::by_name(db, sought, ("", 0, FIRST_NAME), left).await?);
    }
    Ok(ids)
}

impl Look<'_> {
    fn sought<'a>(self, text: &'a str, wanted: Wanted<'_>) -> Sought<'a> {
        Sought {
            text,
            list: wanted.list.unwrap_or_default(),
            standing: wanted.standing.map_or("", ReaderStanding::as_str),
            topic: wanted.topic.unwrap_or_default(),
            now: self.now,
        }
    }
}

async fn who_stand_so(look: Look<'_>, wanted: Wanted<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let Look { db, now } = look;
    match (wanted.topic, wanted.list, wanted.standing) {
        (Some(_), ..) => who_chose(look, wanted, before, limit).await,
        (None, None, None) => finding::everybody(db, before, limit).await,
        (None, Some(list), standing) => finding::on_list(db, list, (standing, now), before, limit).await,
        (None, None, Some(standing)) => finding::standing(db, (standing, now), before, limit).await,
    }
}

/// Where few stand so, each of them is asked for the topic; else whoever chose it, for how they stand.
async fn who_chose(look: Look<'_>, wanted: Wanted<'_>, before: i64, limit: i64) -> Result<Vec<i64>> {
    let Look { db, now } = look;
    let sought = look.sought("", wanted);
    if let Some(standing) = wanted.standing {
        let few = match wanted.list {
            Some(list) => finding::on_list(db, list, (Some(standing), now), before, MANY + 1).await?,
            None => finding::standing(db, (standing, now), before, MANY + 1).await?,
        };
        if few.len() as i64 <= MANY {
            return finding::among(db, &few, sought, limit).await;
        }
    }
    finding::chose(db, sought, before, limit).await
}

async fn search_for(
    look: Look<'_>,
    search: &str,
    wanted: Wanted<'_>,
    before: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let db = look.db;
    let text = sought(search);
    let id = if is_of_an_id(search) { search } else { "" };
    if wanted.is_narrowed() {
        let few = who_stand_so(look, wanted, before, MANY + 1).await?;
        if few.len() as i64 <= MANY {
            return finding::holding(db, &few, (&text, id), limit).await;
        }
    }
    let sought = look.sought(&text, wanted);
    let letters = text.chars().take(3).count();
    let end = before.min(finding::newest_id(db).await?.saturating_add(1));
    let most = usize::try_from(limit).unwrap_or_default();
    let near = end.saturating_sub(if letters < 3 { LOOKED_THROUGH } else { NEAR });
    let mut found = finding::between(db, sought, (near - 1, end), limit).await?;
    if found.len() < most {
        let held = match letters {
            // Too short for any index.
            0 | 1 => Vec::new(),
            2 => finding::by_two_letters(db, &text, near, MANY + 1).await?,
            _ => finding::by_trigrams(db, &text, near, MANY + 1).await?,
        };
        found.extend(match held.len() as i64 {
            0..=MANY => finding::among(db, &held, sought, limit).await?,
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

/// Folds whoever waits for it: readers of an earlier version, and those whose row was changed by who does not fold. Then, after an
/// update, whoever is folded otherwise than now. Killed at any moment, it goes on; how many.
///
/// # Errors
/// When the database fails; what was folded stays.
pub async fn fold_waiting(site: &Site) -> Result<u64> {
    const CHUNK: i64 = 500;
    let (mut after, mut done) = (0, 0);
    loop {
        let readers = finding::waiting(&site.db, after, CHUNK).await?;
        let Some(last) = readers.last().map(|reader| reader.id) else { break };
        let mut tx = site.db.begin().await?;
        done += finding::fold_many(&mut tx, &texts(&readers)).await?;
        tx.commit().await?;
        after = last;
        tokio::time::sleep(PAUSE).await;
    }
    if done > 0 {
        tidy(&site.db).await?;
    }
    let mut after = match finding::folded_up_to(&site.db).await? {
        Some((version, i64::MAX)) if version >= found_by::VERSION => return Ok(done),
        Some((found_by::VERSION, after)) => after,
        _ => 0,
    };
    while after < i64::MAX {
        let readers = finding::after(&site.db, after, CHUNK).await?;
        after = readers.last().map_or(i64::MAX, |reader| reader.id);
        let mut tx = site.db.begin().await?;
        done += finding::fold_anew(&mut tx, &texts(&readers)).await?;
        finding::fold_on(&mut tx, found_by::VERSION, after).await?;
        tx.commit().await?;
        tokio::time::sleep(PAUSE).await;
    }
    tidy(&site.db).await?;
    Ok(done)
}

/// After many rows: what they are found by is where it is found quickly.
pub(super) async fn tidy(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    finding::tidy(&mut tx).await?;
    finding::count_anew(&mut tx).await?;
    tx.commit().await
}

/// In the midst of very many: from now on they are looked for as among many.
pub(super) async fn are_many(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    finding::count_anew(&mut tx).await?;
    tx.commit().await
}

fn texts(readers: &[Subscriber]) -> Vec<(&Subscriber, String)> {
    readers.iter().map(|one| (one, text_of(&one.email, &one.name))).collect()
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
