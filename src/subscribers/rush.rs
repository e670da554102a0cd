//! Sign-ups that come faster than they can be looked at.
//!
//! A sign-up is some thirty statements: the brakes, the reader, the proof, the letter. When more come at once than there is room for, each
//! is written down in one row, with all that was typed, and everybody who comes meanwhile waits for the same commit. The answer says
//! that the mail comes later, for every address alike (TRUST A22). Soon after, each is looked at as if it came then, under the same
//! brakes (TRUST A24), and the row goes in the transaction that does it: killed at any moment, none is lost and none is done twice.
//!
//! A rush is a crowd: a browser works for its place or waits for its turn, and nobody is mailed who would not be otherwise. Start
//! reading at [`Rush::take_down`].

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    By, Crowd, Goes, NewSubscription, Result, SIGN_UPS, SubscriberError, Trace, consent,
    forms::Shown,
    machines,
    store::rush as store,
    subscribe::{self, LookedAt},
    unwanted::unwanted,
};
use crate::{
    attempts,
    clock::{Moment, Stopwatch},
    db::{self, Db, Tx},
    email_address::EmailAddress,
    network::Network,
    queue::{self, Came, Due, Queue, Work, Worked},
    settings::Settings,
    site::Site,
    token,
};

/// More than so many at once in a process are a rush.
const AT_ONCE: usize = 32;
/// So many of one network and its neighbours count: nobody makes a crowd alone.
const AT_ONCE_OF_A_NETWORK: usize = 4;
/// It is over once there were never so many for so long: whoever is looked at while others are written down would hold the writer that all of
/// them wait for.
const LASTS: Duration = Duration::from_secs(1);
/// So many rows share a commit at most.
const TOGETHER: usize = 1_000;
/// So many may wait to be looked at: as many as can be mailed in the time for which they are kept, by the brakes (`budget.rs`), so that
/// whoever is told that a mail comes later gets one. In the sandbox nobody is held back.
const MOST_WAITING: i64 = 50_000;
const MOST_WHO_WORKED: i64 = 10_000;
const MOST_WHO_WAIT: i64 = 2_500;
/// How old what a form shows may be while there is a rush, and the count of those who wait.
const FRESH: Duration = Duration::from_secs(1);
/// Whoever could not be mailed after so long is not mailed for it any more.
pub(crate) const KEPT: Duration = machines::MAY_WAIT;
/// How long a round of looking at them may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long waits for whom there is no room.
const HOUR: Duration = Duration::from_secs(3_600);
/// The brake of a network counts for so long.
const QUARTER: Duration = Duration::from_secs(900);
/// So many of them are counted at most: with more, no one is the trouble.
const MOST_COUNTED: usize = 100_000;
/// So many may be written down from the networks of one provider in that time.
const OF_A_PROVIDER: i64 = MOST_WHO_WORKED / 8;

/// Who is at the form at this moment, in this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rush(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    at_it: AtomicUsize,
    networks: Mutex<HashMap<Network, usize>>,
    began: Stopwatch,
    /// Until when there is a rush, in microseconds since that.
    until: AtomicU64,
    line: Mutex<Line>,
    shown: Mutex<HashMap<String, Lately>>,
    waiting: Mutex<Option<(Stopwatch, i64)>>,
    counted: Mutex<Counted>,
}

/// How often somebody came, by what they are counted for.
#[derive(Debug, Default)]
struct Counted {
    since: Moment,
    times: HashMap<String, i64>,
}

/// Who waits for the next commit.
#[derive(Debug, Default)]
struct Line {
    rows: Vec<Row>,
    told: Vec<oneshot::Sender<db::Result<()>>>,
    /// Somebody writes for everybody, until the line is empty.
    is_served: bool,
}

/// Address as it is compared, and what was typed.
type Row = (String, String);

impl Counted {
    /// Whether that is no more than may be.
    fn once_more(&mut self, of: String, most: i64) -> bool {
        if self.times.len() >= MOST_COUNTED && !self.times.contains_key(&of) {
            return true;
        }
        let times = self.times.entry(of).or_default();
        *times += 1;
        *times <= most
    }
}

/// What a form showed, and when that was read.
#[derive(Clone, Debug)]
struct Lately(Stopwatch, Arc<(Settings, Shown)>);

/// Whether it is the caller's turn to read something anew: of all who find it old it is that of one, and the others go by the old one meanwhile.
fn takes_turn(read: &mut Stopwatch) -> bool {
    let is_old = read.elapsed() >= FRESH;
    if is_old {
        *read = Stopwatch::start();
    }
    is_old
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Rush {
    fn default() -> Self {
        Self::beyond(AT_ONCE)
    }
}

/// Somebody who is at the form, until this is dropped.
#[derive(Debug)]
pub struct AtTheForm<'a> {
    rush: &'a Rush,
    network: Option<Network>,
    counts: bool,
    is_rush: bool,
}

impl AtTheForm<'_> {
    /// Whether there are too many to look at each.
    #[must_use]
    pub const fn is_rush(&self) -> bool {
        self.is_rush
    }
}

impl Drop for AtTheForm<'_> {
    fn drop(&mut self) {
        if self.counts {
            self.rush.0.at_it.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(network) = self.network {
            let mut networks = lock(&self.rush.0.networks);
            match networks.get_mut(&network) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(networks.remove(&network)),
            }
        }
    }
}

/// What was typed, as it is written down.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Typed<'a> {
    #[serde(borrow)]
    email: Cow<'a, str>,
    name: Cow<'a, str>,
    lists: Vec<i64>,
    answers: Cow<'a, str>,
    wording: Cow<'a, str>,
    form: Option<i64>,
    source: Cow<'a, str>,
    campaign: Cow<'a, str>,
    ip: Cow<'a, str>,
    user_agent: Cow<'a, str>,
    /// What the browser answered to which challenge, where it worked.
    work: Option<(Cow<'a, str>, Cow<'a, str>)>,
    /// Whether nobody outside is mailed.
    sandbox: bool,
}

impl Rush {
    /// With room for so many at once.
    #[must_use]
    pub fn beyond(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            at_it: AtomicUsize::new(0),
            networks: Mutex::default(),
            began: Stopwatch::start(),
            until: AtomicU64::new(0),
            line: Mutex::default(),
            shown: Mutex::default(),
            waiting: Mutex::default(),
            counted: Mutex::default(),
        }))
    }

    /// One more is at the form, from that internet address.
    #[must_use]
    pub fn enter(&self, ip: &str) -> AtTheForm<'_> {
        let network = ip.parse().ok().and_then(Network::of).map(Network::neighbourhood);
        let counts = network.is_none_or(|network| {
            let mut networks = lock(&self.0.networks);
            let count = networks.entry(network).or_default();
            *count += 1;
            *count <= AT_ONCE_OF_A_NETWORK
        });
        let now = micros(self.0.began.elapsed());
        if counts && self.0.at_it.fetch_add(1, Ordering::Relaxed) >= self.0.most {
            self.0.until.fetch_max(now + micros(LASTS), Ordering::Relaxed);
        }
        let is_rush = now < self.0.until.load(Ordering::Relaxed);
        AtTheForm { rush: self, network, counts, is_rush }
    }

    /// What a form shows, as it was a second or two ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shown(&self, db: &Db, slug: &str) -> db::Result<Option<Arc<(Settings, Shown)>>> {
        if let Some(Lately(read, shown)) = lock(&self.0.shown).get_mut(slug)
            && !takes_turn(read)
        {
            return Ok(Some(shown.clone()));
        }
        let settings = Settings::load(db).await?;
        let Some(shown) = super::forms::shown(db, &settings, slug).await? else {
            lock(&self.0.shown).remove(slug);
            return Ok(None);
        };
        let shown = Arc::new((settings, shown));
        lock(&self.0.shown).insert(slug.to_owned(), Lately(Stopwatch::start(), shown.clone()));
        Ok(Some(shown))
    }

    /// Writes a sign-up down, to be looked at soon. It is in the database when this returns.
    ///
    /// # Errors
    /// [`SubscriberError::Crowded`] for a browser that was not asked for work yet; [`SubscriberError::TooMany`];
    /// [`SubscriberError::Unwanted`], but without asking the DNS; when the database fails. Then nothing was kept.
    pub async fn take_down(
        &self,
        site: &Site,
        settings: &Settings,
        new: NewSubscription<'_>,
    ) -> Result<Goes> {
        if let Some(why) = unwanted(settings, new.lookout.is_some(), None, new.email).await {
            return Err(SubscriberError::Unwanted(why));
        }
        let work = match new.crowd {
            Crowd::Unasked => return Err(SubscriberError::Crowded),
            Crowd::Worked(challenge, answer) if !machines::is_answered(site, challenge, answer) => {
                return Err(SubscriberError::Crowded);
            }
            Crowd::Worked(challenge, answer) => Some((challenge.into(), answer.into())),
            Crowd::Waits | Crowd::Nobody => None,
        };
        self.brake(site, new.trace.ip, work.as_ref().map(|(challenge, _): &(Cow<'_, str>, _)| &**challenge))?;
        let room = match new.crowd {
            Crowd::Worked(..) => MOST_WHO_WORKED,
            Crowd::Waits | Crowd::Unasked => MOST_WHO_WAIT,
            Crowd::Nobody => MOST_WAITING,
        };
        if self.waiting(&site.db).await? >= room {
            return Err(SubscriberError::TooMany(HOUR));
        }
        let typed = Typed {
            email: new.email.as_str().into(),
            name: new.name.into(),
            lists: new.lists.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
            answers: new.answers.into(),
            wording: new.wording.into(),
            form: new.by.form,
            source: new.by.source.into(),
            campaign: new.by.campaign.into(),
            ip: new.trace.ip.into(),
            user_agent: consent::short(new.trace.user_agent).into(),
            work,
            sandbox: new.crowd == Crowd::Nobody,
        };
        let typed = serde_json::to_string(&typed).map_err(|error| sqlx::Error::Encode(error.into()))?;
        self.write((new.email.key(), typed), site).await?;
        Ok(Goes::Later)
    }

    /// Counts a sign-up for its network and the block of that, as [`SIGN_UPS`] does, and for its provider, in this process alone; and
    /// lets no work count twice.
    fn brake(&self, site: &Site, ip: &str, challenge: Option<&str>) -> Result<()> {
        let now = site.now();
        let mut counted = lock(&self.0.counted);
        if counted.since > now || now.since(counted.since) >= QUARTER {
            *counted = Counted { since: now, ..Counted::default() };
        }
        let wait = QUARTER.saturating_sub(now.since(counted.since));
        let network = ip.parse().ok().and_then(Network::of);
        if let Some(network) = network {
            let block = network.block().map(|block| (format!("block {block}"), SIGN_UPS.of_a_block()));
            let provider = (format!("provider {}", network.provider()), OF_A_PROVIDER);
            let limits = [Some((network.to_string(), SIGN_UPS.of_a_network())), block, Some(provider)];
            for (of, most) in limits.into_iter().flatten() {
                if !counted.once_more(of, most) {
                    return Err(SubscriberError::TooMany(wait));
                }
            }
        }
        match challenge {
            Some(challenge) if !counted.once_more(challenge.to_owned(), 1) => Err(SubscriberError::Crowded),
            _ => Ok(()),
        }
    }

    async fn waiting(&self, db: &Db) -> Result<i64> {
        if let Some((read, waiting)) = lock(&self.0.waiting).as_mut()
            && !takes_turn(read)
        {
            return Ok(*waiting);
        }
        let waiting = store::waiting(db, MOST_WAITING).await?;
        *lock(&self.0.waiting) = Some((Stopwatch::start(), waiting));
        Ok(waiting)
    }

    /// Waits until the row is committed, with all that came meanwhile: whoever comes to an empty line sees to it that it is served.
    async fn write(&self, row: Row, site: &Site) -> db::Result<()> {
        let (tell, mut told) = oneshot::channel();
        let is_first = {
            let mut line = lock(&self.0.line);
            line.rows.push(row);
            line.told.push(tell);
            !std::mem::replace(&mut line.is_served, true)
        };
        if is_first {
            let (mut serves, site) = (Serves { rush: self.clone(), is_done: false }, site.clone());
            let serving = db::to_its_end(async move { while serves.those_in_line(&site).await {} });
            // Others wait for it: it goes on when whoever was first has their answer, or hangs up.
            tokio::select! {
                told = &mut told => return told.unwrap_or(Err(sqlx::Error::WorkerCrashed)),
                () = serving => {}
            }
        }
        told.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

/// Whoever writes for those in line, until nobody is.
struct Serves {
    rush: Rush,
    is_done: bool,
}

impl Serves {
    /// Whether there was somebody.
    async fn those_in_line(&mut self, site: &Site) -> bool {
        let (rows, told) = {
            let mut line = lock(&self.rush.0.line);
            let so_many = line.rows.len().min(TOGETHER);
            // Under the same lock: whoever comes next finds a line that is served, or begins.
            line.is_served = so_many > 0;
            self.is_done = so_many == 0;
            let rows: Vec<Row> = line.rows.drain(..so_many).collect();
            (rows, line.told.drain(..so_many).collect::<Vec<_>>())
        };
        if rows.is_empty() {
            return false;
        }
        let ended = write_down(site, rows).await;
        for one in told {
            // Who hung up does not hear it.
            let _ = one.send(match &ended {
                Ok(()) => Ok(()),
                Err(why) => Err(sqlx::Error::Protocol(format!("a commit that several share: {why}"))),
            });
        }
        true
    }
}

impl Drop for Serves {
    /// If it broke off, or never began, those who wait hear so, and the next one begins anew.
    fn drop(&mut self) {
        if !self.is_done {
            *lock(&self.rush.0.line) = Line::default();
        }
    }
}

async fn write_down(site: &Site, rows: Vec<Row>) -> db::Result<()> {
    let mut name = token::public_ids();
    let named: Vec<_> = rows.into_iter().map(|(key, typed)| (name(), key, typed)).collect();
    let text = serde_json::to_string(&named).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let mut tx = site.db.begin().await?;
    store::write_down(&mut tx, &text, site.now()).await?;
    tx.commit().await
}

/// Looks at every sign-up that was written down and whose turn has come.
///
/// # Errors
/// When the database fails; each is looked at at its next turn.
pub async fn look_at_sign_ups(site: &Site) -> Result<Worked> {
    let settings = Settings::load(&site.db).await?;
    Ok(queue::work(site, &InTurn { settings }).await?)
}

struct InTurn {
    settings: Settings,
}

/// What was typed, as JSON.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
struct WrittenDown {
    typed: String,
}

impl Work for InTurn {
    type What = WrittenDown;

    fn queue(&self) -> &'static Queue {
        &store::SIGN_UPS_IN_TURN
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    async fn work(&self, site: &Site, due: &Due<WrittenDown>) -> db::Result<Came> {
        let (name, claim) = (due.name.as_str(), due.next_at);
        let row = LookedAt::Later { name, claim };
        let typed = serde_json::from_str::<Typed<'_>>(&due.what.typed).ok();
        let read = typed.and_then(|typed| Some((EmailAddress::parse(&typed.email).ok()?, typed)));
        let Some((email, typed)) = read else {
            return Ok(Came::Later("what was written down cannot be read".to_owned()));
        };
        match self.look_at(site, (&email, &typed, due.since), row).await {
            Ok(_) => Ok(Came::Done),
            Err(SubscriberError::Database(error)) => Err(error),
            Err(SubscriberError::TooMany(_)) => {
                attempts::note_used_up(site, SIGN_UPS.what()).await?;
                let mut tx = site.db.begin().await?;
                store::put_off(&mut tx, name, claim, site.now().plus(HOUR)).await?;
                tx.commit().await?;
                Ok(Came::Done)
            }
            // Nothing that a letter could be sent for.
            Err(_) => {
                let mut tx = site.db.begin().await?;
                store::looked_at(&mut tx, name, claim).await?;
                tx.commit().await?;
                Ok(Came::Done)
            }
        }
    }
}

impl InTurn {
    async fn look_at(
        &self,
        site: &Site,
        (email, typed, at): (&EmailAddress, &Typed<'_>, Moment),
        row: LookedAt<'_>,
    ) -> Result<Goes> {
        let mut crowd = match &typed.work {
            _ if typed.sandbox => Crowd::Nobody,
            Some((challenge, answer)) => Crowd::Worked(challenge, answer),
            None => Crowd::Waits,
        };
        loop {
            let new = NewSubscription {
                email,
                name: &typed.name,
                lists: &typed.lists,
                answers: &typed.answers,
                wording: &typed.wording,
                by: By { form: typed.form, source: &typed.source, campaign: &typed.campaign, at: Some(at) },
                trace: Trace { ip: &typed.ip, user_agent: &typed.user_agent },
                crowd,
                // It is asked of people alone, who can be told: one server that does not answer would hold up everybody else.
                lookout: None,
            };
            match subscribe::look_at(site, &self.settings, new, row).await {
                // The work was counted for another sign-up, or is too old by now.
                Err(SubscriberError::Crowded) if crowd != Crowd::Waits => crowd = Crowd::Waits,
                came => return came,
            }
        }
    }
}

/// What was written down, as whoever it is about may see it: where it came from is a range, as with a proof.
#[must_use]
pub fn sign_up_as_held(typed: &str) -> Value {
    let Ok(typed) = serde_json::from_str::<Typed<'_>>(typed) else { return Value::Null };
    json!({
        "address": typed.email,
        "name": typed.name,
        "answers": typed.answers,
        "wording": typed.wording,
        "source": typed.source,
        "campaign": typed.campaign,
        "ip": consent::range(&typed.ip),
        "user_agent": typed.user_agent,
    })
}

/// Forgets what was written down for an address.
///
/// # Errors
/// When the database fails.
pub async fn forget_sign_ups(tx: &mut Tx, email: &EmailAddress) -> db::Result<u64> {
    store::forget_of(tx, &email.key()).await
}
