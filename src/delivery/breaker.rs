//! The brake on an edition that is refused: it stops by itself before all of it has failed (TRUST M23).
//!
//! The rule that must hold: an edition whose copies are refused in an implausible share does not go on, and does not end as
//! finished, whatever the words. What is judged is the log of attempts since somebody last let the edition go on, so it is
//! the same for every worker and after a restart. While everything is accepted it costs nothing: the log is asked after
//! some refusals, and when an edition seems to be over. One provider can stop it once, and so can one copy; what somebody has
//! let it go on after stops it again only as a share.

use std::collections::HashMap;

use super::{
    returned,
    states::{AttemptOutcome, CopyState},
    store::{
        breaker::{self as store, OfOne, Recent},
        domains,
        ledger::Record,
        progress,
    },
};
use crate::{
    db::{Result, Tx},
    editions::{self, Cause},
    replies::{alike, commonest, scan::without_addresses},
    site::Site,
};

/// When an edition stops by itself. The defaults are those of the settings `REFUSALS_IN_A_ROW` and `REFUSALS_PERCENT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalRules {
    /// So many copies refused for good, and nothing else, from the first one on.
    pub in_a_row: i64,
    /// So much of the last hundred copies, in percent.
    pub percent: i64,
}

impl Default for RefusalRules {
    fn default() -> Self {
        Self { in_a_row: 20, percent: 50 }
    }
}

/// Refusals of fewer domains may be one provider's matter, unless the edition has no more.
const DOMAINS: i64 = 5;
/// So many outcomes are looked at.
const WINDOW: i64 = 100;
/// So many refusals that are about us stop an edition if they are so much of the last hundred copies, in percent: there are
/// always some companies' filters that like no newsletter …
const OF_US: i64 = 25;
const OF_US_PERCENT: i64 = 10;
/// … and so many, if they are half of what happened.
const OF_US_SOON: i64 = 5;
/// One domain may have something against us that no other has, unless the edition has no more.
const DOMAINS_OF_US: i64 = 2;
/// One provider stops an edition by so many copies of its own that it refused, if they are half of its newest hundred (the
/// setting says how much) …
const OF_ONE: i64 = 20;
/// … and if its readers are so much of the edition's, in percent: a company that closed is no reason to stop.
const SHARE_OF_ONE: i64 = 1;
/// A smaller edition than the window stops at its end: if all of it was refused, from so many on …
const ALL_OF_FEW: i64 = 5;
/// … and if so much of it was, from so many on.
const SHARE_OF_FEW: i64 = 10;
/// So many lines of the log are read for it, where other editions are sent beside this one.
const LINES: i64 = 5_000;
const LINES_AT_THE_END: i64 = 50_000;
/// For what one provider says fewer are enough: each needs its copy looked up.
const LINES_OF_ONE: i64 = 2_000;
/// A worker asks the log after so many refusals of its own.
const ASK_AFTER: usize = 4;

/// One worker's part: it counts refusals, to know when to ask.
#[derive(Debug)]
pub(super) struct Breaker {
    rules: RefusalRules,
    unjudged: HashMap<i64, usize>,
}

impl Breaker {
    pub(super) fn new(rules: RefusalRules) -> Self {
        Self { rules, unjudged: HashMap::new() }
    }

    /// Before outcomes are written: a refusal that would stop an edition fails its copy alone where somebody has let that edition
    /// go on after the same words of the same domain, or after any of that copy. What a share of copies shows is another matter.
    pub(super) async fn let_pass(&self, site: &Site, records: &mut [Record]) {
        for record in records.iter_mut().filter(|record| stops(record)) {
            match was_said_before(site, record).await {
                Ok(true) => (record.state, record.outcome) = (CopyState::Failed, AttemptOutcome::Failed),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "it could not be seen whether somebody has seen such a refusal");
                }
            }
        }
    }

    /// After the commit of some outcomes; gives the editions that it stopped. That one could not be stopped is said in the log
    /// of the program; the next refusals try again.
    pub(super) async fn saw(&mut self, site: &Site, records: &[Record]) -> Vec<i64> {
        for record in records.iter().filter(|record| record.reason.is_some()) {
            *self.unjudged.entry(record.edition_id).or_default() += 1;
        }
        let mut stopped = Vec::new();
        if self.unjudged.is_empty() {
            return stopped;
        }
        let due: Vec<i64> = self.unjudged.keys().copied().collect();
        for edition in due {
            let stop = records.iter().find(|record| record.edition_id == edition && stops(record));
            let stop = stop.map(|record| Stop::refused_us(&record.reply));
            if stop.is_none() && self.unjudged.get(&edition).is_none_or(|count| *count < ASK_AFTER) {
                continue;
            }
            match judge_and_pause(site, edition, self.rules, stop).await {
                Ok(was_stopped) => {
                    self.unjudged.remove(&edition);
                    stopped.extend(was_stopped.then_some(edition));
                }
                Err(error) => {
                    tracing::error!(edition, %error, "it could not be seen whether the edition should be paused");
                }
            }
        }
        stopped
    }
}

/// Whether the copy waits because its server will not have it, whoever it is for.
fn stops(record: &Record) -> bool {
    record.reason.is_some() && record.state == CopyState::Queued
}

async fn was_said_before(site: &Site, record: &Record) -> Result<bool> {
    let Some(reason) = record.reason else { return Ok(false) };
    let said = store::said_before(&site.db, record.edition_id, record.subscriber_id, reason).await?;
    let words = alike(&record.reply);
    Ok(said.iter().any(|(whose, before)| *whose == record.subscriber_id || alike(before) == words))
}

/// Why an edition has to stop.
struct Stop {
    why: String,
    cause: Cause,
    asked: Asked,
}

/// How often somebody is asked about the like of one edition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    EachTime,
    Once,
}

impl Stop {
    fn refused_us(words: &str) -> Self {
        let words = without_addresses(words);
        let why =
            format!("A mail provider refuses our mail, whoever it is for: {}", words.trim_end_matches('.'));
        Self { why, cause: Cause::RefusalsOfUs, asked: Asked::EachTime }
    }

    fn implausible(Recent { outcomes, refused, .. }: Recent, whose: &str, words: &str) -> Self {
        let why = format!(
            "Of the last {outcomes} copies{whose} {refused} were refused for good, which is more than can be true. Mail providers say most often: {}",
            words.trim_end_matches('.')
        );
        Self { why, cause: Cause::Refusals, asked: Asked::Once }
    }

    /// Whether it was going out until now. The gate that it closes comes before any row that it changes.
    async fn pause(&self, tx: &mut Tx, site: &Site, edition: i64) -> Result<bool> {
        if self.cause == Cause::Refusals {
            returned::hold(tx, site, edition).await?;
        }
        if self.asked == Asked::Once {
            editions::see_refusals(tx, edition).await?;
        }
        let paused = editions::pause_because(tx, site, edition, &self.why, self.cause).await?;
        if paused {
            tracing::error!(edition, why = self.why, "the edition is paused");
        }
        Ok(paused)
    }
}

/// None of an edition's copies can be written: it stops before the first of them has failed for it.
pub(super) async fn pause_unreadable(site: &Site, edition: i64, why: String) -> Result<()> {
    let mut tx = site.db.begin().await?;
    Stop { why, cause: Cause::NoCopies, asked: Asked::EachTime }.pause(&mut tx, site, edition).await?;
    tx.commit().await
}

async fn judge_and_pause(site: &Site, edition: i64, rules: RefusalRules, stop: Option<Stop>) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let stop = match stop {
        Some(stop) => Some(stop),
        None => judge(&mut tx, edition, rules, false).await?,
    };
    let paused = match stop {
        Some(stop) => stop.pause(&mut tx, site, edition).await?,
        None => false,
    };
    tx.commit().await?;
    Ok(paused)
}

/// Ends an edition that is over, or pauses it if it was refused; whether it is finished.
pub(super) async fn finish(tx: &mut Tx, site: &Site, edition: i64, rules: RefusalRules) -> Result<bool> {
    if !progress::seems_over(tx, edition).await? {
        return Ok(false);
    }
    if let Some(stop) = judge(tx, edition, rules, true).await? {
        stop.pause(tx, site, edition).await?;
        return Ok(false);
    }
    editions::finish(tx, site, edition).await
}

/// Why an edition has to stop, if it has to.
async fn judge(tx: &mut Tx, edition: i64, rules: RefusalRules, is_over: bool) -> Result<Option<Stop>> {
    let (lines, lines_of_one) =
        if is_over { (LINES_AT_THE_END, LINES_AT_THE_END) } else { (LINES, LINES_OF_ONE) };
    let recent = store::recent(tx, edition, lines).await?;
    if recent.refused == 0 && !is_over {
        return Ok(None);
    }
    let of_us = is_refusing_us(recent)
        || recent.of_us > 0
            && recent.of_us * 100 >= OF_US_PERCENT * recent.outcomes
            && store::of_us(tx, edition, OF_US).await? >= OF_US;
    if of_us && is_widespread(tx, edition, DOMAINS_OF_US).await? {
        let words = commonest(store::words(tx, edition).await?);
        return Ok(Some(Stop::refused_us(&words)));
    }
    // Whoever let it go on knows how many they are. That nothing at all is taken is another matter.
    let was_seen = store::was_seen(tx, edition).await?;
    if is_implausible(recent, rules, is_over)
        && (recent.refused == recent.outcomes || !was_seen)
        && is_widespread(tx, edition, DOMAINS).await?
    {
        let words = commonest(store::words(tx, edition).await?);
        return Ok(Some(Stop::implausible(recent, "", &words)));
    }
    if was_seen {
        return Ok(None);
    }
    let Some(one) = refusing_provider(tx, edition, rules, lines_of_one).await? else { return Ok(None) };
    let words = commonest(store::words(tx, edition).await?);
    let of_us = one.recent.of_us * 2 >= one.recent.refused;
    Ok(Some(if of_us {
        Stop { asked: Asked::Once, ..Stop::refused_us(&words) }
    } else {
        Stop::implausible(one.recent, &format!(" to {}", one.provider), &words)
    }))
}

/// A provider that refuses an implausible share of its own copies, and has enough of the edition's readers.
async fn refusing_provider(
    tx: &mut Tx,
    edition: i64,
    rules: RefusalRules,
    lines: i64,
) -> Result<Option<OfOne>> {
    for one in store::by_provider(tx, edition, lines, OF_ONE).await? {
        if one.recent.refused * 100 < rules.percent * one.recent.outcomes {
            continue;
        }
        let copies = domains::of_provider(tx, edition, &one.provider).await?.copies;
        if copies * 100 >= SHARE_OF_ONE * progress::sealed(tx, edition).await? {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

async fn is_widespread(tx: &mut Tx, edition: i64, many: i64) -> Result<bool> {
    let refusing = store::refusing_domains(tx, edition).await?;
    Ok(refusing >= many || refusing >= domains::count(tx, edition, many).await?)
}

const fn is_refusing_us(recent: Recent) -> bool {
    recent.of_us >= OF_US_SOON && recent.of_us * 2 >= recent.outcomes
}

const fn is_implausible(recent: Recent, rules: RefusalRules, is_over: bool) -> bool {
    let Recent { outcomes, refused, .. } = recent;
    let all = refused == outcomes;
    let share = refused * 100 >= rules.percent * outcomes;
    all && refused >= rules.in_a_row
        || share && outcomes >= WINDOW
        || is_over && (all && refused >= ALL_OF_FEW || share && refused >= SHARE_OF_FEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(outcomes: i64, refused: i64, is_over: bool) -> bool {
        is_implausible(Recent { outcomes, refused, of_us: 0 }, RefusalRules::default(), is_over)
    }

    /// TRUST M23: what no list of readers looks like.
    #[test]
    fn an_implausible_share_of_refusals_stops_an_edition() {
        assert!(stops(20, 20, false) && !stops(19, 19, false) && !stops(21, 20, false));
        assert!(stops(100, 50, false) && !stops(100, 49, false) && !stops(99, 60, false));
        // Smaller editions, when nothing is open any more.
        assert!(stops(12, 12, true) && !stops(12, 12, false));
        assert!(stops(5, 5, true) && !stops(4, 4, true));
        assert!(stops(20, 10, true) && !stops(21, 10, true) && !stops(8, 6, true));
    }

    #[test]
    fn a_refusal_of_us_stops_it_sooner() {
        let refuses = |outcomes, of_us| is_refusing_us(Recent { outcomes, refused: of_us, of_us });
        assert!(refuses(5, 5) && refuses(10, 5) && !refuses(11, 5) && !refuses(4, 4));
    }
}
