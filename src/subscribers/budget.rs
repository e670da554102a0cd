//! How many mails that ask to confirm go where (TRUST A24). A mailbox gets one in 24 hours and three in seven days, whichever
//! of its spellings is typed and wherever from; one network causes thirty in an hour.
//!
//! The brake is never the attack. What everybody shares, a domain's part and the hour of the whole site, refuses nobody when it
//! is used up: a browser is asked for some work (`machines.rs`) and goes on at once, and whoever has none that can waits their
//! turn. What is usual is what people confirm, so that no flood makes room for the next one.

use std::time::Duration;

pub(super) use super::store::joining::{Spent, Whose};
use super::{Result, SubscriberError, machines, store::joining as store};
use crate::{
    attempts::{self, Limit},
    clock::Moment,
    db::{self, Tx},
    email_address::EmailAddress,
    network::Network,
    site::Site,
    token::Purpose,
};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

/// A mailbox gets at most one in this time, however often somebody types it into the form.
const BETWEEN: Duration = DAY;
/// And at most three in this time; what is older is forgotten.
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 86_400);
const MOST_IN_A_WEEK: usize = 3;

/// So often one network asks in an hour at most. What came of it counts no less than what nothing came of, or the brake would tell
/// whether somebody was mailed before (TRUST A22).
const OF_A_NETWORK: i64 = 30;
/// And the block that it belongs to, of the newer kind of address: whoever owns one has 256 networks to ask from.
const OF_A_BLOCK: i64 = 4 * OF_A_NETWORK;
/// What goes out in an hour without any proof, where little is usual.
const LEAST_CEILING: i64 = 120;
/// So many times the ceiling is the most that anything asks about; nobody counts more of an hour.
const FAR_ABOVE: i64 = 4;
/// What is usual is the mean of so many days.
const USUAL_DAYS: i64 = 14;
/// So many may wait for a mail at once.
const MOST_WAITING: i64 = 2_000;
/// So many of them may have begun to from the networks of one provider, and for the addresses of one domain.
const OF_A_PROVIDER: Limit = Limit::within("wait for a mail", 150, Duration::from_secs(6 * 3_600));
const OF_A_DOMAIN: Limit = Limit::within("wait for a mail", 100, Duration::from_secs(6 * 3_600));

/// What a browser says that was asked for some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd<'a> {
    /// It was not asked yet.
    Unasked,
    /// It did it: the challenge, and its answer.
    Worked(&'a str, &'a str),
    /// It cannot, and waits.
    Waits,
    /// Nobody outside is mailed: the sandbox takes everything.
    Nobody,
}

/// When the mail for a sign-up goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// Now, if the address may be written to.
    Now,
    /// Within some hours.
    Later,
}

impl Whose {
    pub(super) fn of(site: &Site, email: &EmailAddress, ip: &str) -> Self {
        let name = |what: &str, whom: &str| site.keys.name(Purpose::Attempt, &format!("{what}:{whom}"));
        let from = ip.parse().ok().and_then(Network::of);
        let (network, block) = (from.map(Network::neighbourhood), from.and_then(Network::block));
        Self {
            mailbox: name("mailbox", &email.mailbox()),
            network: network.map(|network| name("asking network", &network.to_string())),
            provider: from.map(|network| name("asking provider", &network.provider().to_string())),
            block: block.map(|block| name("asking block", &block.to_string())),
            domain: name("asked domain", email.domain()),
            is_at_a_provider: email.is_at_a_provider(),
        }
    }

    /// Keeps everybody out who asks for the same mailbox or from the same network, until the commit: two at once are counted
    /// one after the other.
    pub(super) async fn hold(&self, tx: &mut Tx, site: &Site) -> db::Result<()> {
        attempts::note(tx, site, ("asked for", &self.mailbox), HOUR).await?;
        match &self.network {
            Some(network) => attempts::note(tx, site, ("asked from", network), HOUR).await,
            None => Ok(()),
        }
    }

    pub(super) async fn spent(&self, tx: &mut Tx, now: Moment) -> db::Result<Spent> {
        let today = day(now);
        let from_day = today.minus(DAY * u32::try_from(USUAL_DAYS).unwrap_or(0));
        let (hour, days) = ((now.minus(HOUR), now), (from_day, today));
        let mut spent = store::spent(tx, self, hour, days, LEAST_CEILING * FAR_ABOVE).await?;
        if spent.ceiling() > LEAST_CEILING {
            spent = store::spent(tx, self, hour, days, spent.ceiling() * FAR_ABOVE).await?;
        }
        // Sixty mails are nothing to who keeps millions of mailboxes, and would be a burden for all of their readers.
        Ok(if self.is_at_a_provider { Spent { domain: 0, waited_of_domain: 0, ..spent } } else { spent })
    }
}

/// When a day began, in UTC.
pub(super) fn day(now: Moment) -> Moment {
    Moment(now.0 - now.0.rem_euclid(86_400_000_000))
}

impl Spent {
    /// In an hour as many as in half a usual day.
    fn ceiling(self) -> i64 {
        LEAST_CEILING.max(self.joined / USUAL_DAYS / 2)
    }

    /// Whether more than usual goes out, in all or to one domain.
    pub(super) fn is_crowded(self) -> bool {
        self.whole >= self.ceiling() || self.domain >= self.ceiling() / 2
    }

    /// Those who wait have a share of their own, which nobody else uses up: neither a flood nor whoever works for it.
    pub(super) fn has_room_for_who_waits(self) -> bool {
        self.waited < self.ceiling() && self.waited_of_domain < self.ceiling() / 2
    }

    fn has_room_for_who_worked(self) -> bool {
        self.whole < self.ceiling() * FAR_ABOVE
    }
}

/// When the mail may go for a sign-up of that moment; in the transaction that sends it, which holds the mailbox and the network.
///
/// # Errors
/// [`SubscriberError::TooMany`] for a network that caused too many, or when too many wait; [`SubscriberError::Crowded`] when a
/// browser is to work first; when the database fails.
pub(super) async fn turn(
    tx: &mut Tx,
    site: &Site,
    (whose, spent): (&Whose, Spent),
    (crowd, at): (Crowd<'_>, Moment),
) -> Result<Goes> {
    if spent.network >= OF_A_NETWORK || spent.block >= OF_A_BLOCK {
        return Err(SubscriberError::TooMany(HOUR));
    }
    if !spent.is_crowded() {
        return Ok(Goes::Now);
    }
    match crowd {
        Crowd::Nobody => Ok(Goes::Now),
        Crowd::Unasked => Err(SubscriberError::Crowded),
        Crowd::Worked(challenge, answer) => {
            if !machines::accept(tx, site, (challenge, answer), at).await? {
                return Err(SubscriberError::Crowded);
            }
            if spent.has_room_for_who_worked() { Ok(Goes::Now) } else { wait(tx, site, (whose, spent)).await }
        }
        Crowd::Waits => wait(tx, site, (whose, spent)).await,
    }
}

/// Whoever waits has a place, and nobody takes all of them.
async fn wait(tx: &mut Tx, site: &Site, (whose, spent): (&Whose, Spent)) -> Result<Goes> {
    let mut shares: Vec<_> = whose.provider.iter().map(|provider| OF_A_PROVIDER.on(provider)).collect();
    if !whose.is_at_a_provider {
        shares.push(OF_A_DOMAIN.on(&whose.domain));
    }
    let mut has_place = spent.waiting < MOST_WAITING;
    for share in shares {
        has_place = has_place && attempts::counts(tx, site, &share).await?;
    }
    if has_place { Ok(Goes::Later) } else { Err(SubscriberError::TooMany(HOUR)) }
}

/// What a mailbox got in the last week: to whom and when, the newest first.
pub(super) async fn letters(
    tx: &mut Tx,
    whose: &Whose,
    subscriber: i64,
    now: Moment,
) -> db::Result<Vec<(i64, Moment)>> {
    store::letters(tx, &whose.mailbox, subscriber, (now.minus(WEEK), now)).await
}

/// When the next mail may go to a mailbox that got these in the last week, newest first: `now` if nothing is in the way.
pub(super) fn next_mail(now: Moment, sent: &[(i64, Moment)]) -> Moment {
    let day = sent.first().map(|(_, last)| last.plus(BETWEEN));
    let week = sent.get(MOST_IN_A_WEEK - 1).map(|(_, third)| third.plus(WEEK));
    day.into_iter().chain(week).fold(now, Moment::max)
}

#[cfg(test)]
mod gaps {
    use super::*;

    /// The hours at which mails go out, of a form that is filled in at `hours`.
    fn mails(hours: impl Iterator<Item = u32>) -> Vec<Moment> {
        let start = Moment::from_unix_seconds(1_000_000);
        let mut sent: Vec<Moment> = Vec::new();
        for hour in hours {
            let now = start.plus(HOUR * hour);
            let lately = sent.iter().rev().filter(|one| now.since(**one) < WEEK).take(3);
            if next_mail(now, &lately.map(|at| (1, *at)).collect::<Vec<_>>()) <= now {
                sent.push(now);
            }
        }
        sent
    }

    /// TRUST A24: at most one confirmation in 24 hours and three in seven days, tried every hour for four weeks.
    #[test]
    fn who_fills_in_the_form_every_hour_causes_three_mails_a_week_at_most() {
        let sent = mails(0..24 * 28);
        for (at, one) in sent.iter().enumerate() {
            let within = |span| sent[at..].iter().filter(|later| later.since(*one) < span).count();
            assert_eq!(within(BETWEEN), 1);
            assert!(within(WEEK) <= MOST_IN_A_WEEK);
        }
        assert_eq!(sent.len(), 12, "and who lost the mails gets others");
    }

    /// However often and since when somebody asked, the next mail is never more than a week away.
    #[test]
    fn no_wait_is_longer_than_a_week() {
        let year = 24 * 365;
        assert_eq!(mails([0, 30, 60, year, year + 24].into_iter()).len(), 5);
        let sent = mails(0..24 * 365);
        assert!(sent.windows(2).all(|pair| pair[1].since(pair[0]) <= WEEK));
    }

    /// The ceiling follows the usual day of people who confirmed, and a domain has half of it.
    #[test]
    fn the_ceiling_follows_the_usual_day() {
        let quiet = Spent::default();
        assert!(!Spent { whole: 119, domain: 59, ..quiet }.is_crowded());
        assert!(Spent { whole: 120, ..quiet }.is_crowded() && Spent { domain: 60, ..quiet }.is_crowded());
        let busy = Spent { joined: 14 * 2_000, ..quiet };
        assert!(!Spent { whole: 999, ..busy }.is_crowded() && Spent { whole: 1_000, ..busy }.is_crowded());
    }

    /// However much goes to others, who waits has a share; and no more than that.
    #[test]
    fn who_waits_has_a_share_of_their_own() {
        let flooded = Spent { whole: 1_000_000, domain: 1_000_000, ..Spent::default() };
        assert!(Spent { waited: 119, waited_of_domain: 59, ..flooded }.has_room_for_who_waits());
        assert!(!Spent { waited: 120, ..flooded }.has_room_for_who_waits());
        assert!(!Spent { waited_of_domain: 60, ..flooded }.has_room_for_who_waits());
        let waited = Spent { waited: 120, waited_of_domain: 60, ..Spent::default() };
        assert!(!waited.is_crowded(), "and takes nothing from others");
    }
}
