//! How far an edition has come: its copies by what is known of them, by the tallies and recounted.

use std::fmt;

use serde::Serialize;

use super::{
    states::CopyState,
    store::progress::{self as store, Counted},
};
use crate::db::{Db, Result};

/// How many deliveries of an edition stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Everyone in the frozen audience.
    pub sealed: i64,
    /// Taken by their mail provider.
    pub accepted: i64,
    /// Refused, or given up.
    pub failed: i64,
    /// Not mailed: they left, or their address is stopped.
    pub suppressed: i64,
    /// Not mailed, for the edition was cancelled.
    pub cancelled: i64,
    /// May have arrived.
    pub unknown: i64,
    /// Still to be attempted, or being attempted.
    pub open: i64,
}

impl Progress {
    fn from_counts(sealed: i64, counts: &[(CopyState, i64)]) -> Self {
        let count = |wanted| counts.iter().find(|(state, _)| *state == wanted).map_or(0, |(_, count)| *count);
        Self {
            sealed,
            accepted: count(CopyState::Accepted),
            failed: count(CopyState::Failed),
            suppressed: count(CopyState::Suppressed),
            cancelled: count(CopyState::Cancelled),
            unknown: count(CopyState::Unknown),
            open: count(CopyState::Queued) + count(CopyState::Claimed),
        }
    }

    /// The equation that holds at every moment (TRUST T1).
    #[must_use]
    pub const fn balances(&self) -> bool {
        let Self { sealed, accepted, failed, suppressed, cancelled, unknown, open } = *self;
        sealed == accepted + failed + suppressed + cancelled + unknown + open
    }

    /// How much of it has come to an end, 0 to 100.
    #[must_use]
    pub const fn percent(&self) -> i64 {
        if self.sealed == 0 { 100 } else { (self.sealed - self.open) * 100 / self.sealed }
    }
}

/// `200 sealed = 198 accepted + 1 failed + 1 suppressed + 0 unknown + 0 open`, and the cancelled copies where there are any.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sealed = {} accepted + {} failed + {} suppressed + {} unknown + {} open",
            self.sealed, self.accepted, self.failed, self.suppressed, self.unknown, self.open
        )?;
        if self.cancelled == 0 { Ok(()) } else { write!(f, " + {} cancelled", self.cancelled) }
    }
}

/// Progress by the tallies: cheap at any size.
pub async fn of(db: &Db, id: i64) -> Result<Progress> {
    let counts = store::tallies(db, id).await?;
    let total = counts.iter().map(|(_, count)| count).sum();
    let sealed = store::sealed_count(db, id).await?.unwrap_or(total);
    Ok(Progress::from_counts(sealed, &counts))
}

/// What the rows say and what the tallies say.
#[derive(Clone, Copy, Debug)]
pub struct CopiesAudit {
    /// Recounted from the rows.
    pub rows: Progress,
    /// Added up from the tallies, as screens show it.
    pub tallies: Progress,
}

impl CopiesAudit {
    /// Whether the equation holds and both agree (TRUST T1, T11).
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows.balances() && self.rows == self.tallies
    }
}

/// Recounts an edition from its rows.
pub async fn audit(db: &Db, id: i64) -> Result<CopiesAudit> {
    let all = store::audit(db, id).await?;
    let counts = |wanted: Counted| -> Vec<(CopyState, i64)> {
        let of = all.iter().filter(|(of, ..)| *of == wanted);
        of.filter_map(|(_, state, count)| Some(((*state)?, *count))).collect()
    };
    let sealed = all.iter().find(|(of, ..)| *of == Counted::Sealed).map(|(.., count)| *count);
    let progress = |counts: Vec<(CopyState, i64)>| {
        let total = counts.iter().map(|(_, count)| count).sum();
        Progress::from_counts(sealed.unwrap_or(total), &counts)
    };
    Ok(CopiesAudit { rows: progress(counts(Counted::Rows)), tallies: progress(counts(Counted::Tallies)) })
}

/// Every edition that was ever sealed, oldest first.
pub async fn ever_sealed(db: &Db) -> Result<Vec<i64>> {
    store::sealed_editions(db).await
}
