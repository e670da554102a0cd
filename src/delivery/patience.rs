//! Patience: what a server means that asks for it, all of its domain's mail or one copy; and where ours ends.
//!
//! Greylisting asks each copy to come again in some minutes, however slowly the others come: slowing its domain would only make
//! each copy begin its minutes later.
//!
//! The rule that must hold: our patience is used up by refusals alone. It is the domain's, for all that waits for it, and begins
//! anew with every message that the domain takes; of a copy that is refused while others are taken it is the copy's own. Time
//! for which nobody asked, as an edition was paused or no relay could be used, is no patience of anybody's.

use std::time::Duration;

use super::{
    ledger, outcome,
    store::{
        ledger::Claim,
        pace::{self as store, Slowed},
    },
    workers::Worker,
};
use crate::{
    clock::Moment,
    db::{self, Gate},
    origin,
    site::Site,
    smtp::{Failure, Reply},
};

/// For so long it is asked again and again, and then given up (RFC 5321 section 4.5.4.1).
pub(super) const LONGEST: Duration = Duration::from_secs(4 * 86_400);
/// A domain that has taken nothing for so long is told of.
pub(super) const LONG: Duration = Duration::from_secs(86_400);
/// Nobody asked, when the next try came so much later than it could have.
pub(super) const UNASKED: Duration = Duration::from_secs(3_600);
/// How many copies one transaction gives up, and how many of them follow each other before other work is looked at.
const CHUNK: i64 = 1_000;
const CHUNKS: usize = 20;

/// Whose matter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// The domain takes no more at this pace; the copy waits with all others, as if it had not been tried.
    Domain,
    /// The copy is to come again in some minutes.
    Copy,
}

/// What is asked for, if anything is (TRUST M22).
pub(super) fn asked_for(result: &Result<Reply, Failure>) -> Option<Patience> {
    if !outcome::asks_for_patience(result) {
        return None;
    }
    let words = outcome::words(result).to_lowercase().replace(['-', ' '], "").replace("gray", "grey");
    Some(if words.contains("greylist") { Patience::Copy } else { Patience::Domain })
}

/// Since when the servers of a copy ask for patience with it, if they do so again now: the time for which it was due, and nobody
/// asked them, is left out.
pub(super) fn asked_since(claim: &Claim, now: Moment) -> Moment {
    let late = now.since(claim.due_at);
    claim.asked_at.map_or(now, |at| if late > UNASKED { at.plus(late).min(now) } else { at })
}

/// Gives up what waits in the lanes of domains that have taken nothing for longer than our patience, of editions that went out
/// all that time: some thousands of copies; the others the next time.
pub(super) async fn give_up(site: &Site, worker: &Worker, slowed: &[Slowed]) -> db::Result<()> {
    let now = site.now();
    let before = now.minus(LONGEST);
    // One that was not asked for a while may take everything now.
    let is_over = |lane: &&Slowed| {
        lane.patient_since.is_some_and(|since| since < before) && now.since(lane.slowed_at) <= UNASKED
    };
    for lane in slowed.iter().filter(is_over) {
        for edition in store::over(&site.db, &lane.domain_key, before).await? {
            let copies = give_up_some(site, worker, edition, lane, before).await?;
            if copies == 0 {
                continue;
            }
            let domain = &lane.domain_key;
            tracing::warn!(
                edition,
                domain,
                copies,
                "copies are given up: their domain has taken nothing for days"
            );
        }
    }
    Ok(())
}

async fn give_up_some(
    site: &Site,
    worker: &Worker,
    edition: i64,
    lane: &Slowed,
    before: Moment,
) -> db::Result<usize> {
    let mut all = 0;
    for _ in 0..CHUNKS {
        let mut tx = site.db.begin().await?;
        tx.close(Gate::Copies).await?;
        // A copy of the database on another machine gives nobody up (TRUST T10).
        if !worker.may_claim(&mut tx).await? || origin::is_stranger(&mut tx, worker.id).await? {
            break;
        }
        let ended = ledger::exhaust(&mut tx, site, (worker.id, edition), lane, (before, CHUNK)).await?;
        tx.commit().await?;
        all += ended;
        if (ended as i64) < CHUNK {
            break;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Stage;

    #[test]
    fn greylisting_is_about_the_copy() {
        for (code, text, asked) in [
            (451, "4.7.1 Greylisting in action, please come back later", Some(Patience::Copy)),
            (
                450,
                "4.7.1 <reader@example.org>: Recipient address rejected: Gray-listed",
                Some(Patience::Copy),
            ),
            (451, "4.7.1 Too many messages, try again later", Some(Patience::Domain)),
            (421, "4.7.28 Unusual rate of mail", Some(Patience::Domain)),
            (450, "4.2.0 Greylisted", None),
        ] {
            let reply = Reply { code, text: text.to_owned(), lines: vec![text.to_owned()] };
            let result = Err(Failure::Refused { stage: Stage::Rcpt, reply });
            assert_eq!(asked_for(&result), asked, "{text}");
        }
    }
}
