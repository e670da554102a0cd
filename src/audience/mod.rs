//! Who an edition is for, and who of them it is still for.
//!
//! The rule that must hold: whoever is not on the list any more, rests from it, or whose implied consent ran out, is in no audience, and no copy of theirs is
//! tried again; what waits for whose consent runs out meanwhile is withdrawn. A pause ends by the clock alone, so each of these is asked with the moment of now. This is
//! the one place that joins editions and their copies with the readers of a list; on PostgreSQL the subscriptions that a
//! transaction read are held until its commit, so that nobody leaves in between. Addresses that are not mailed are another
//! matter (`delivery::suppression`). A copy that went to an address which its reader has no more is not tried again either.
//!
//! An edition about some topics is not for who chose others of its list, and one for a rhythm is not for who chose another. What they chose is read once their subscriptions are
//! held, by a statement of its own: one that waited for a row would look at the choices as they were before it waited. An edition that goes to a
//! segment of its list alone, or not to one of it, is asked the same way: of a page of readers at a time, and never of all of them.

mod store;

use std::collections::HashSet;

use futures_util::future::BoxFuture;

pub use self::store::STATEMENTS;
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    delivery::{self, Class},
    editions::DueEdition,
    email_address::EmailAddress,
    segments::{self, SegmentCount, SegmentTree, Sifter},
    site::Site,
};

/// So many are found at once whose implied consent ran out.
const RUN_OUT_AT_ONCE: i64 = 200;

/// One member of an audience.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct AudienceReader {
    pub subscriber_id: i64,
    /// Where.
    pub email: EmailAddress,
    /// The name; may be empty.
    pub name: String,
}

/// A failed copy of a reader who is still on the list.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct StillFailed {
    pub subscriber_id: i64,
    /// Where it was to go.
    pub address: EmailAddress,
    /// Why it failed.
    pub class: Class,
    /// Not 0 where the edition paused for it.
    pub for_pause: i64,
}

/// Some members, in the order of their keys.
#[derive(Clone, Debug)]
pub struct Chunk<T> {
    pub members: Vec<T>,
    /// The last reader who was looked at, whether they are a member or not; none at the end.
    pub last: Option<i64>,
}

/// Who an edition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who is on a list.
    List(i64),
    /// Those of a list who did not choose other topics, or another rhythm, than those of an edition, and whom its segments mean.
    Choosing { edition: i64, list: i64 },
    /// Those of a list who got, or may have got, one revision of an edition: a correction goes to nobody else.
    Corrected { edition: i64, revision: i64, list: i64 },
}

impl Audience {
    /// Of an edition for a list, which is about topics, for a rhythm or by segments or none of that, and perhaps corrects a revision of
    /// another one.
    #[must_use]
    pub const fn of((edition, list): (i64, i64), by_choice: bool, corrects: Option<(i64, i64)>) -> Self {
        match (corrects, by_choice) {
            (Some((edition, revision)), _) => Self::Corrected { edition, revision, list },
            (None, true) => Self::Choosing { edition, list },
            (None, false) => Self::List(list),
        }
    }

    /// Of an edition whose time has come.
    #[must_use]
    pub fn of_due(due: &DueEdition) -> Self {
        let corrects = due.corrects_edition_id.zip(due.corrects_revision);
        Self::of((due.id, due.list_id), due.by_choice, corrects)
    }

    /// The next members in the order of their keys, after the reader `after`.
    pub async fn next(
        self,
        tx: &mut Tx,
        after: i64,
        limit: i64,
        now: Moment,
    ) -> Result<Chunk<AudienceReader>> {
        let page = (after, limit);
        let mut members = match self {
            Self::List(list) | Self::Choosing { list, .. } => store::audience(tx, list, page, now).await?,
            Self::Corrected { edition, revision, list } => {
                store::corrected(tx, (edition, revision), list, page, now).await?
            }
        };
        let last = members.last().map(|reader| reader.subscriber_id);
        if let Self::Choosing { edition, list } = self {
            wanting(tx, (edition, list), now, &mut members, |reader| reader.subscriber_id).await?;
        }
        Ok(Chunk { members, last })
    }

    /// How many would be mailed now: those whose address is stopped are not among them. Where segments decide and the readers are many,
    /// it is an estimate.
    pub async fn size(self, db: &Db, now: Moment) -> Result<SegmentCount> {
        let meant = self.meant(db, now).await?;
        if let Some(meant) = meant.filter(|meant| !meant.about) {
            return Ok(meant);
        }
        let choosing = self.of_list(db, now).await?
            - self.left_out(db, now).await?
            - self.left_out_by_rhythm(db, now).await?;
        // No estimate is larger than what it is a part of.
        Ok(meant.map_or(SegmentCount { about: false, n: choosing }, |meant| SegmentCount {
            n: meant.n.min(choosing),
            ..meant
        }))
    }

    /// The same where segments decide; none where there are none.
    pub async fn meant(self, db: &Db, now: Moment) -> Result<Option<SegmentCount>> {
        let Self::Choosing { edition, list } = self else { return Ok(None) };
        let Some(sifter) = segments::sifter(db, edition, now).await? else { return Ok(None) };
        let sifter = &sifter;
        let meant = move |readers: Vec<i64>| -> BoxFuture<'_, Result<i64>> {
            Box::pin(async move {
                let on_it = store::choosing(db, (edition, list), &readers, now).await?;
                Ok(i64::try_from(sifter.among(db, &on_it).await?.len()).unwrap_or(i64::MAX))
            })
        };
        segments::count_each(db, meant).await.map(Some)
    }

    /// How many of those who would be mailed an edition are such as a tree says, for a page; of a correction nobody counts them.
    pub async fn among_them(
        self,
        site: &Site,
        edition: i64,
        tree: &SegmentTree,
    ) -> Result<Option<SegmentCount>> {
        let (Self::List(list) | Self::Choosing { list, .. }) = self else { return Ok(None) };
        let (db, now) = (&site.db, site.now());
        let meant = segments::sifter(db, edition, now).await?;
        let wanted = segments::sift(site, tree).await?;
        let (meant, wanted) = (meant.as_ref(), &wanted);
        let among = move |readers: Vec<i64>| -> BoxFuture<'_, Result<i64>> {
            Box::pin(async move {
                let mut found = store::choosing(db, (edition, list), &readers, now).await?;
                for sifter in meant.into_iter().chain([wanted]) {
                    found = sifter.among(db, &found).await?;
                }
                Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
            })
        };
        segments::count_each(db, among).await.map(Some)
    }

    /// How many of the list would be, whatever they chose and whomever segments mean.
    pub async fn of_list(self, db: &Db, now: Moment) -> Result<i64> {
        match self {
            Self::List(list) | Self::Choosing { list, .. } => store::audience_size(db, list, now).await,
            Self::Corrected { edition, revision, list } => {
                store::corrected_size(db, (edition, revision), list, now).await
            }
        }
    }

    /// How many more would be, had they not chosen other topics.
    pub async fn left_out(self, db: &Db, now: Moment) -> Result<i64> {
        match self {
            Self::Choosing { edition, list } => store::left_out(db, (edition, list), now).await,
            Self::List(_) | Self::Corrected { .. } => Ok(0),
        }
    }

    /// How many more would be, had they not chosen another rhythm; whoever chose other topics, too, is not among them.
    pub async fn left_out_by_rhythm(self, db: &Db, now: Moment) -> Result<i64> {
        match self {
            Self::Choosing { edition, .. } => store::left_out_by_rhythm(db, edition, now).await,
            Self::List(_) | Self::Corrected { .. } => Ok(0),
        }
    }

    /// How many of the list rest from it, whatever they chose. Of a correction nobody is told: it is for who got the wrong one.
    pub async fn paused(self, db: &Db, now: Moment) -> Result<i64> {
        match self {
            Self::List(list) | Self::Choosing { list, .. } => store::paused(db, list, now).await,
            Self::Corrected { .. } => Ok(0),
        }
    }
}

/// Takes out whoever chose other topics than those of an edition, or another rhythm, or is not meant by its segments. Their
/// subscriptions are held.
async fn wanting<T>(
    tx: &mut Tx,
    edition: (i64, i64),
    now: Moment,
    members: &mut Vec<T>,
    reader: impl Fn(&T) -> i64,
) -> Result<()> {
    let ids: Vec<i64> = members.iter().map(&reader).collect();
    let mut others = store::chose_others(tx, edition, &ids).await?;
    others.extend(store::chose_another_rhythm(tx, edition.0, &ids).await?);
    members.retain(|member| !others.contains(&reader(member)));
    if let Some(sifter) = segments::sifter_in(tx, edition.0, now).await? {
        let ids: Vec<i64> = members.iter().map(&reader).collect();
        let meant: HashSet<i64> = sifter.among_in(tx, &ids).await?.into_iter().collect();
        members.retain(|member| meant.contains(&reader(member)));
    }
    Ok(())
}

/// The same, of copies that are only looked at.
async fn keep_meant<T>(
    db: &Db,
    sifter: Option<&Sifter>,
    copies: &mut Vec<T>,
    reader: impl Fn(&T) -> i64,
) -> Result<()> {
    if let Some(sifter) = sifter {
        let ids: Vec<i64> = copies.iter().map(&reader).collect();
        let meant: HashSet<i64> = sifter.among(db, &ids).await?.into_iter().collect();
        copies.retain(|copy| meant.contains(&reader(copy)));
    }
    Ok(())
}

/// Which copies of an edition are sent once more.
#[derive(Clone, Copy, Debug)]
pub enum Again<'a> {
    /// Those that failed for one reason.
    FailedFor(&'a str),
    /// Those that failed for what the edition paused by itself for.
    FailedForThePause,
    /// Those that may have arrived, in doubt since this moment at the latest.
    InDoubt(Moment),
}

/// The next of those copies whose readers are still on the list, do not rest from it and want its topics at its rhythm, in the order of their keys, after the reader
/// `after`.
pub async fn still_wanted(
    tx: &mut Tx,
    (edition, list): (i64, i64),
    which: Again<'_>,
    (after, limit): (i64, i64),
    now: Moment,
) -> Result<Chunk<(i64, EmailAddress)>> {
    let page = (after, limit);
    let mut members = match which {
        Again::FailedFor(class) => store::retryable(tx, (edition, list), class, page, now).await?,
        Again::FailedForThePause => store::failed_for_pause(tx, edition, page, now).await?,
        Again::InDoubt(since) => store::doubted(tx, (edition, list), since, page, now).await?,
    };
    let last = members.last().map(|(reader, _)| *reader);
    if last.is_some() {
        wanting(tx, (edition, list), now, &mut members, |(reader, _)| *reader).await?;
    }
    Ok(Chunk { members, last })
}

/// Withdraws what waits for whoever's implied consent ran out meanwhile: an edition may be paused or held for weeks, and a slow
/// provider has days. Whoever lets one go on asks first.
///
/// # Errors
/// When the database fails; the next time goes on from there.
pub async fn withdraw_run_out(site: &Site) -> Result<()> {
    loop {
        let found = store::run_out(&site.db, site.now(), RUN_OUT_AT_ONCE).await?;
        let mut withdrawn = 0;
        for whose in &found {
            withdrawn += db::again(|| withdraw_of(site, *whose)).await?;
        }
        if withdrawn == 0 {
            return Ok(());
        }
    }
}

async fn withdraw_of(site: &Site, (reader, list): (i64, i64)) -> Result<u64> {
    let mut tx = site.db.begin().await?;
    if !store::has_run_out(&mut tx, (reader, list), site.now()).await? {
        return Ok(0);
    }
    let withdrawn = delivery::withdraw_because(&mut tx, site, reader, Some(list), Class::RanOut).await?;
    tx.commit().await?;
    Ok(withdrawn)
}

/// Failed copies whose readers are still on the list and want its topics at its rhythm, to be looked at.
pub async fn still_failed(
    db: &Db,
    edition: i64,
    (mut after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<StillFailed>> {
    let sifter = segments::sifter(db, edition, now).await?;
    loop {
        let mut failed = store::still_failed(db, edition, (after, limit), now).await?;
        let Some(last) = failed.last().map(|copy| copy.subscriber_id) else { return Ok(failed) };
        keep_meant(db, sifter.as_ref(), &mut failed, |copy| copy.subscriber_id).await?;
        if !failed.is_empty() {
            return Ok(failed);
        }
        after = last;
    }
}

/// Copies that may have arrived whose readers are still on the list and want its topics at its rhythm, and since when each is in doubt, to be
/// looked at.
pub async fn still_doubted(
    db: &Db,
    edition: (i64, i64),
    (mut after, limit): (i64, i64),
    now: Moment,
) -> Result<Vec<(i64, EmailAddress, Moment)>> {
    let sifter = segments::sifter(db, edition.0, now).await?;
    loop {
        let mut doubted = store::still_doubted(db, edition, (after, limit), now).await?;
        let Some(last) = doubted.last().map(|(reader, ..)| *reader) else { return Ok(doubted) };
        keep_meant(db, sifter.as_ref(), &mut doubted, |(reader, ..)| *reader).await?;
        if !doubted.is_empty() {
            return Ok(doubted);
        }
        after = last;
    }
}
