//! What the team does with many readers at once: a row each, gone on with by itself in small steps.
//!
//! The rules: nothing is written before somebody saw the sums and pressed; each step is one transaction that also says how far it is, so
//! whoever goes on after a crash does nothing twice; to whom it is done is frozen when it is begun, and asked again of each reader while
//! they are held. Within a day it is taken back, the newest first: what it changed, and nothing that was said since. What becomes of one
//! reader is said by `subscribers`.
//!
//! It may call segments, readers and what stands below them; the jobs go on with it ([`go_on`]), the web shows it. Start reading at [`begin`].

mod filter;
mod store;
mod work;

use std::time::Duration;

pub use self::{
    filter::ReaderFilter,
    store::{BULK_IN_TURN, BulkAct, BulkState, QUEUES, STATEMENTS},
    work::go_on,
};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db, MaybeDatabase, Tx},
    settings::Settings,
    site::Site,
    subscribers::{self, BulkDeed, BulkSums, BulkTakenBack, Weeks},
    token,
};

/// What this room forgets, for the one place that says when.
pub(crate) mod forgetting {
    pub(crate) use super::store::{FORGET_ACTS as ACTS, FORGET_UNPRESSED as UNPRESSED};
}

/// So long after its end an act can be taken back.
const LASTS: Duration = Duration::from_secs(86_400);
/// So many may wait for their press or go on at a time.
const MOST_UNFINISHED: i64 = 20;

/// Why nothing is done with many readers.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// Too many wait already.
    #[error("{MOST_UNFINISHED} such acts wait or go on: put some away first")]
    TooMany,
    /// Somebody did something with it since it was looked at.
    #[error("somebody went on with it since the page was shown")]
    Changed,
    /// The list or topic is not there any more, or nothing goes to it.
    #[error("the list or topic is not there any more")]
    Gone,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for BulkError {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

/// What is to be done, and with what.
#[derive(Clone, Copy, Debug)]
pub struct BulkPlan<'a> {
    pub deed: BulkDeed,
    pub list: Option<i64>,
    pub topic: Option<i64>,
    pub weeks: Option<Weeks>,
    /// How they agreed, or why it is done.
    pub why: &'a str,
    /// To whom in words, without what was typed.
    pub whom: &'a str,
}

/// Begins one: what would become of everybody is counted first. Its public id.
///
/// # Errors
/// [`BulkError::TooMany`]; when the database fails.
pub async fn begin(
    site: &Site,
    filter: &ReaderFilter,
    plan: &BulkPlan<'_>,
    staff: i64,
) -> Result<String, BulkError> {
    let up_to = subscribers::newest_id(&site.db).await?.saturating_add(1);
    let public_id = token::public_id();
    let filter = filter.written()?;
    let mut tx = site.db.begin().await?;
    // Of two who begin at once both may: it is a bound, and no exact one.
    if store::unfinished(&mut tx).await? >= MOST_UNFINISHED {
        return Err(BulkError::TooMany);
    }
    store::begin(&mut tx, &public_id, plan, (&filter, up_to), staff, site.now()).await?;
    tx.commit().await?;
    Ok(public_id)
}

/// The one that addresses call so.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, public_id: &str) -> db::Result<Option<BulkAct>> {
    store::one(db, public_id).await
}

/// The newest ones, before a number.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &Db, before: Option<i64>, limit: i64) -> db::Result<Vec<BulkAct>> {
    store::page(db, before.unwrap_or(i64::MAX), limit).await
}

impl BulkAct {
    /// Its number, for pages of them.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.id
    }

    /// What would become of everybody.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn expected(&self) -> db::Result<BulkSums> {
        store::sums(&self.expected)
    }

    /// What became of them so far; while it is counted, what would.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn sums(&self) -> db::Result<BulkSums> {
        store::sums(&self.sums)
    }

    /// What became of everybody when it was taken back; none where that is not known.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn taken_back(&self) -> db::Result<Option<BulkTakenBack>> {
        if self.undone.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&self.undone).map(Some).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// Whether it is about a topic that is not there any more.
    const fn lost_its_topic(&self) -> bool {
        matches!(self.deed, BulkDeed::Choose | BulkDeed::Unchoose) && self.topic_id.is_none()
    }

    /// For the log: what was done, with what, to whom and why.
    fn in_the_log(&self) -> String {
        let with = [self.topic.as_str(), self.list.as_str()].into_iter().filter(|name| !name.is_empty());
        let with = with.collect::<Vec<_>>().join(", ");
        let weeks = self.weeks.map(|weeks| format!("{weeks} weeks")).unwrap_or_default();
        format!("{} {with}{weeks}: {}. {}", self.deed, self.whom, self.why)
    }
}

/// Somebody saw the sums: it is done from now on. `seen` is when it last changed for whoever pressed.
///
/// # Errors
/// [`BulkError::Changed`]; [`BulkError::Gone`]; when the database fails.
pub async fn press(site: &Site, act: &BulkAct, seen: Moment, staff: i64) -> Result<(), BulkError> {
    let settings = Settings::load(&site.db).await?;
    let until = act.weeks.map(|weeks| weeks.end(&settings.time_zone, site.now()));
    let lists = subscribers::lists::all(&site.db).await?;
    let list = lists.iter().find(|list| Some(list.id) == act.list_id);
    let is_there = match act.deed {
        BulkDeed::Pause => true,
        BulkDeed::TakeOff | BulkDeed::Unchoose => list.is_some(),
        BulkDeed::Join | BulkDeed::Choose => list.is_some_and(|list| list.is_mailed()),
    };
    if !is_there || act.lost_its_topic() {
        return Err(BulkError::Gone);
    }
    let mut tx = site.db.begin().await?;
    if !store::press(&mut tx, (act.id, seen), until, site.now()).await? {
        return Err(BulkError::Changed);
    }
    audit_log::record(&mut tx, site, Some(staff), "began an act on many readers", "", &act.in_the_log())
        .await?;
    Ok(tx.commit().await?)
}

/// Stops one that goes on: what was changed before stays, until it is taken back.
///
/// # Errors
/// [`BulkError::Changed`]; when the database fails.
pub async fn stop(site: &Site, act: &BulkAct, staff: i64) -> Result<(), BulkError> {
    let mut tx = site.db.begin().await?;
    if !store::stop(&mut tx, act.id, site.now()).await? {
        return Err(BulkError::Changed);
    }
    audit_log::record(&mut tx, site, Some(staff), "stopped an act on many readers", "", &act.in_the_log())
        .await?;
    Ok(tx.commit().await?)
}

/// Puts one away that nobody pressed.
///
/// # Errors
/// [`BulkError::Changed`] if it has begun; when the database fails.
pub async fn remove(site: &Site, act: &BulkAct) -> Result<(), BulkError> {
    let mut tx = site.db.begin().await?;
    if !store::remove(&mut tx, act.id).await? {
        return Err(BulkError::Changed);
    }
    Ok(tx.commit().await?)
}

/// Whether an act can be taken back, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayBack {
    Open,
    /// It is not over, or was taken back.
    No,
    /// Nobody was changed, or everybody said something themselves since.
    Nothing,
    /// Its topic is not there any more.
    Gone,
    TooLate,
    /// That one was begun after it, and is taken back first.
    Later(String),
}

/// Whether it can be taken back: it ended within a day, something of what it changed is known, and nothing was begun after it.
///
/// # Errors
/// When the database fails.
pub async fn way_back(site: &Site, act: &BulkAct) -> db::Result<WayBack> {
    if !matches!(act.state, BulkState::Done | BulkState::Stopped) {
        return Ok(WayBack::No);
    }
    Ok(match subscribers::any_changed_in_bulk(&site.db, act.id).await? {
        _ if act.changed_at <= site.now().minus(LASTS) => WayBack::TooLate,
        false => WayBack::Nothing,
        true if act.lost_its_topic() => WayBack::Gone,
        true => store::later(&site.db, act.id).await?.map_or(WayBack::Open, WayBack::Later),
    })
}

/// Takes one back, within a day, the newest first: what it changed is as it was, but for what was said since.
///
/// # Errors
/// [`BulkError::Changed`] where [`way_back`] says that it cannot be; when the database fails.
pub async fn take_back(site: &Site, act: &BulkAct, staff: i64) -> Result<(), BulkError> {
    if act.lost_its_topic() {
        return Err(BulkError::Changed);
    }
    let now = site.now();
    let mut tx = site.db.begin().await?;
    if !store::begin_taking_back(&mut tx, act.id, now.minus(LASTS), now).await? {
        return Err(BulkError::Changed);
    }
    let detail = act.in_the_log();
    audit_log::record(&mut tx, site, Some(staff), "took an act on many readers back", "", &detail).await?;
    Ok(tx.commit().await?)
}

/// A restored backup goes on with nothing that it had begun: it does not know who left since.
pub(crate) async fn stop_all(tx: &mut Tx, now: Moment) -> db::Result<u64> {
    let why = "A backup was restored before it ended. What was changed before stays.";
    store::stop_all(tx, why, now).await
}
