//! Signing in at a mail service. Providers lock an account after a few wrong passwords, so what was refused once is tried again
//! now and then, by one connection for all workers together, whatever is restarted meanwhile.
//!
//! The rule: while it is not known that a sign-in is taken, one tries it, and whoever else would waits for what becomes of that.
//! It is known by service, user and password: another password is another sign-in, and tried at once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::store::sign_ins::{self as store, SignIn as Row};
use crate::{
    clock::{self, Moment},
    db::Result,
    site::Site,
    smtp::Relay,
    smtp_url::Auth,
    token::{Keys, Purpose},
};

/// From the first refusal to the next try; four times as long after each further one.
const FIRST_GAP: Duration = Duration::from_secs(60);
const LONGEST_GAP: Duration = Duration::from_secs(3_600);
/// What was taken so lately needs nobody to try it for the others.
const LATELY: Duration = Duration::from_secs(600);
/// So many of a worker sign in at a time: each may be one wrong password more when it was changed a moment ago.
const SIDE_BY_SIDE: usize = 2;
/// How often a worker that waits looks whether another has been let in, or the time has come.
const LOOK: Duration = Duration::from_secs(2);
/// How long the others of a worker wait for the one that tries: longer than a mail service lets one wait.
const LONGEST_TRY: Duration = Duration::from_secs(60);

/// The way in to one relay, as one worker knows it.
#[derive(Debug)]
pub(crate) struct SignIn {
    relay: String,
    /// What user and password are called in the database.
    credentials: String,
    state: Mutex<State>,
    side_by_side: Semaphore,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    door: Door,
    /// The desk was told that it is refused.
    is_told: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Door {
    /// Whoever comes may ask.
    #[default]
    Open,
    /// It was refused, or another worker tries it.
    Closed,
    /// One of this worker is on the way to try it, until then at most.
    Tried(Instant),
}

/// What somebody hears who asks whether to sign in.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    /// Go on, and say what became of it.
    Yes(Pass<'a>),
    /// Not now: it is refused, or somebody else is trying it.
    No { is_refused: bool },
}

/// Leave to sign in once.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    sign_in: &'a SignIn,
    refusals_before: i64,
    /// It is tried for all, until then at most.
    claimed_until: Option<Moment>,
    _one_of_few: SemaphorePermit<'a>,
}

/// How long nobody tries after so many refusals.
fn gap(refusals: i64) -> Duration {
    let times = u32::try_from(refusals - 1).unwrap_or(0).min(3);
    (FIRST_GAP * 4_u32.pow(times)).min(LONGEST_GAP)
}

/// The furthest moment at which a try can be due after so many refusals, by clocks that differ a little.
fn far(refusals: i64, now: Moment) -> Moment {
    now.plus(gap(refusals + 1) + Duration::from_secs(10))
}

impl Row {
    fn was_taken_lately(&self, now: Moment) -> bool {
        self.refused_since.is_none() && self.taken_at.is_some_and(|at| at <= now && now.since(at) < LATELY)
    }

    /// A moment further ahead than the next gap was written by a clock that was wrong.
    fn may_be_tried(&self, now: Moment) -> bool {
        self.next_try_at <= now || self.next_try_at > far(self.refusals, now)
    }
}

impl SignIn {
    /// `None` where the relay asks for none.
    pub(crate) fn at(relay: &Relay, keys: &Keys) -> Option<Self> {
        let (user, password) = relay.url.credentials.as_ref()?;
        let how = if relay.url.auth == Auth::XOAuth2 { "xoauth2" } else { "password" };
        let input = format!("{}\0{how}\0{user}\0{password}", relay.url.name());
        Some(Self {
            relay: relay.url.name(),
            credentials: keys.name(Purpose::Credentials, &input),
            state: Mutex::default(),
            side_by_side: Semaphore::new(SIDE_BY_SIDE),
        })
    }

    /// What user and password are called in the database.
    pub(crate) fn credentials(&self) -> &str {
        &self.credentials
    }

    fn key(&self) -> store::Key<'_> {
        (&self.relay, &self.credentials)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this worker has no way in now, as far as it knows.
    pub(crate) fn is_closed(&self) -> bool {
        !matches!(self.state().door, Door::Open)
    }

    /// How long whoever is first in line waits before it asks again; `None` once it may go on.
    pub(crate) async fn wait(&self, site: &Site) -> Result<Option<Duration>> {
        let State { door, is_told } = *self.state();
        let now = clock::instant();
        match door {
            Door::Open => return Ok(None),
            Door::Tried(until) if until > now => return Ok(Some(until - now)),
            Door::Closed | Door::Tried(_) => {}
        }
        // Whoever goes on asks the database what time it is, too; the one that waits is asked for nothing but the row.
        let now = site.now();
        let known = store::look(&site.db, self.key()).await?;
        // Whoever hears of a refusal for the first time is to tell the desk.
        let is_news = |row: &Row| row.refused_since.is_some() && !is_told;
        let may = known.is_none_or(|row| row.was_taken_lately(now) || row.may_be_tried(now) || is_news(&row));
        Ok((!may).then_some(LOOK))
    }

    /// Whoever was first in line goes to try it; the others of this worker wait for what becomes of that.
    pub(crate) fn send_one(&self) {
        let mut state = self.state();
        if !matches!(state.door, Door::Open) {
            state.door = Door::Tried(clock::instant() + LONGEST_TRY);
        }
    }

    /// Who was to try it has nothing to try it with. Whether that was so.
    pub(crate) fn leave_untried(&self) -> bool {
        let mut state = self.state();
        let was_tried = matches!(state.door, Door::Tried(_));
        if was_tried {
            state.door = Door::Closed;
        }
        was_tried
    }

    /// Whether one may sign in now. Asked each time, so that a refusal holds for all workers at once.
    pub(crate) async fn ask(&self, site: &Site) -> Result<Answer<'_>> {
        // Nobody closes it.
        let _one_of_few = self.side_by_side.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let now = site.db.lease_time(&site.clock).await?;
        let known = store::look(&site.db, self.key()).await?;
        let refusals_before = known.map_or(0, |row| row.refusals);
        let mut claimed_until = None;
        if !known.is_some_and(|row| row.was_taken_lately(now)) {
            let until = now.plus(gap(refusals_before + 1));
            if !known.is_none_or(|row| row.may_be_tried(now))
                || !self.claim(site, refusals_before, now).await?
            {
                self.state().door = Door::Closed;
                return Ok(Answer::No { is_refused: refusals_before > 0 });
            }
            claimed_until = Some(until);
        }
        Ok(Answer::Yes(Pass { sign_in: self, refusals_before, claimed_until, _one_of_few }))
    }

    async fn claim(&self, site: &Site, refusals: i64, now: Moment) -> Result<bool> {
        let (until, far) = (now.plus(gap(refusals + 1)), far(refusals, now));
        let mut tx = site.db.begin().await?;
        let claimed = store::claim(&mut tx, self.key(), (now, until, far)).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Lets all of this worker in again; whether they had to wait, and whether the desk was told of a refusal.
    pub(crate) fn open(&self) -> (bool, bool) {
        let was = std::mem::take(&mut *self.state());
        (!matches!(was.door, Door::Open), was.is_told)
    }

    /// Whether the desk is still to be told that it is refused.
    pub(crate) fn is_news(&self) -> bool {
        !std::mem::replace(&mut self.state().is_told, true)
    }
}

impl Pass<'_> {
    /// It was taken.
    ///
    /// # Errors
    /// When the database fails; then other workers wait until the try is over.
    pub(crate) async fn was_taken(self, site: &Site) -> Result<()> {
        if self.claimed_until.is_some() {
            let mut tx = site.db.begin().await?;
            let now = tx.lease_time(&site.clock).await?;
            store::taken(&mut tx, self.sign_in.key(), now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// It was refused, in these words: nobody of any worker tries it before the gap is over.
    ///
    /// # Errors
    /// When the database fails; what was tried for all is not tried again before its time all the same.
    pub(crate) async fn was_refused(self, site: &Site, words: &str) -> Result<()> {
        self.sign_in.state().door = Door::Closed;
        let mut tx = site.db.begin().await?;
        let now = tx.lease_time(&site.clock).await?;
        let next = now.plus(gap(self.refusals_before + 1));
        store::refused(&mut tx, self.sign_in.key(), words, self.refusals_before, (now, next)).await?;
        tx.commit().await
    }

    /// The conversation ended before the password was judged: whoever comes after the rest may try it.
    ///
    /// # Errors
    /// When the database fails; then nobody tries it until the gap is over.
    pub(crate) async fn was_not_tried(self, site: &Site) -> Result<()> {
        *self.sign_in.state() = State::default();
        if let Some(until) = self.claimed_until {
            let mut tx = site.db.begin().await?;
            let now = tx.lease_time(&site.clock).await?;
            store::untried(&mut tx, self.sign_in.key(), now, until).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// It ended in the middle of it, and nobody knows how it was judged: as if it had been refused.
    pub(crate) fn was_broken_off(self) {
        *self.sign_in.state() = State { door: Door::Closed, is_told: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_begin_at_a_minute_and_grow_to_an_hour() {
        let minutes = [1, 2, 3, 4, 5, 100].map(|refusals| gap(refusals).as_secs() / 60);
        assert_eq!(minutes, [1, 4, 16, 60, 60, 60]);
    }
}
