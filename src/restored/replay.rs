//! What the journal of withdrawals knows and the database does not: done again, by the same functions as the first time.
//!
//! The rule: it only ever withdraws, or does what a reader chose themselves, and what is so already stays as it is, so doing it twice changes nothing (TRUST T10).

use serde::{Deserialize, Serialize};

use crate::{
    audit_log,
    clock::Moment,
    db,
    delivery::{StopReason, Suppressions},
    donations, dossier,
    site::Site,
    subscribers,
    withdrawals::{Beyond, Unknown, Withdrawal},
};

/// What was taken from the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// So often a reader left a list.
    pub left: usize,
    /// Readers whose mail went to another address: they are off their lists until they ask anew.
    #[serde(default)]
    pub moved: usize,
    /// So often a reader rests from mail at this moment.
    #[serde(default)]
    pub paused: usize,
    /// So often a reader gets other topics of a list, or gets it at another rhythm.
    #[serde(default)]
    pub chose: usize,
    /// Addresses whose owners complained.
    pub complained: usize,
    /// Addresses that staff blocked.
    pub blocked: usize,
    /// Readers who were forgotten.
    #[serde(default)]
    pub erased: usize,
    /// Monthly donations that were to end.
    pub ended: usize,
    /// Entries that only a newer version understands.
    pub strange: usize,
}

impl Replayed {
    /// How many withdrawals.
    #[must_use]
    pub const fn all(&self) -> usize {
        let Self { left, moved, paused, chose, complained, blocked, erased, ended, strange: _ } = *self;
        left + moved + paused + chose + complained + blocked + erased + ended
    }
}

/// Does what the database does not know yet.
pub(super) async fn replay(site: &Site, beyond: &Beyond) -> db::Result<Replayed> {
    let mut replayed = Replayed { strange: beyond.strange, ..Replayed::default() };
    for one in &beyond.withdrawals {
        let done = again(site, one).await?;
        let count = match one.what {
            Withdrawal::Left { .. } => &mut replayed.left,
            Withdrawal::Moved { .. } => &mut replayed.moved,
            Withdrawal::Paused { .. } | Withdrawal::Rests { .. } => &mut replayed.paused,
            Withdrawal::Chose(_) => &mut replayed.chose,
            Withdrawal::Complained { .. } => &mut replayed.complained,
            Withdrawal::Blocked { .. } => &mut replayed.blocked,
            Withdrawal::Erased { .. } => &mut replayed.erased,
            Withdrawal::Ended { .. } => &mut replayed.ended,
            Withdrawal::Back { .. }
            | Withdrawal::WentOn { .. }
            | Withdrawal::Stays { .. }
            | Withdrawal::Lifted { .. } => continue,
        };
        *count += usize::from(done);
    }
    if replayed.all() > 0 || replayed.strange > 0 {
        let Replayed { left, moved, paused, chose, complained, blocked, erased, ended, strange } = replayed;
        tracing::warn!(
            left,
            moved,
            paused,
            chose,
            complained,
            blocked,
            erased,
            ended,
            strange,
            "withdrawals that the database did not know were taken from the journal beside it"
        );
        let detail = format!(
            "left a list: {left}, have another address: {moved}, paused: {paused}, chose otherwise: {chose}, complained: {complained}, never mailed: {blocked}, forgotten: {erased}, regular donations to end: {ended}"
        );
        let mut tx = site.db.begin().await?;
        audit_log::record(&mut tx, site, None, "took withdrawals from the journal", "", &detail).await?;
        tx.commit().await?;
    }
    Ok(replayed)
}

/// Whether there was anything to do.
async fn again(site: &Site, one: &Unknown) -> db::Result<bool> {
    let Unknown { at, what, number, but } = one;
    let at = *at;
    let source = format!("entry {number} of the journal of withdrawals, of {at}");
    match what {
        Withdrawal::Left { reader, list, how, known_by } => {
            subscribers::leave_as_written(site, (reader, list, known_by.as_ref()), how, at, &source).await
        }
        Withdrawal::Moved { reader, hash, to } => {
            subscribers::moved_as_written(site, reader, (hash, to.as_deref()), at, &source).await
        }
        Withdrawal::Paused { reader, until } => {
            subscribers::pause_as_written(site, reader, (*until, but), at).await
        }
        Withdrawal::Rests { reader, list, until } => {
            subscribers::rest_as_written(site, (reader, list), *until, at).await
        }
        Withdrawal::WentOn { reader, until } => subscribers::go_on_as_written(site, reader, *until, at).await,
        Withdrawal::Chose(choice) => subscribers::chosen_as_written(site, choice, at).await,
        Withdrawal::Complained { hash } => suppress(site, hash, StopReason::Complained, &source, at).await,
        Withdrawal::Blocked { hash } => suppress(site, hash, StopReason::Staff, &source, at).await,
        Withdrawal::Erased { reader, hash } => dossier::forget_as_written(site, reader, hash, at).await,
        Withdrawal::Ended { gift } => donations::cancel_as_written(site, gift).await,
        Withdrawal::Back { .. } | Withdrawal::Stays { .. } | Withdrawal::Lifted { .. } => Ok(false),
    }
}

async fn suppress(site: &Site, hash: &str, reason: StopReason, source: &str, at: Moment) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let added = Suppressions::new(site).add_as_written(&mut tx, hash, reason, source, at).await?;
    tx.commit().await?;
    Ok(added)
}
