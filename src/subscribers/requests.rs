//! What readers ask by law: to know what is held about them, to be forgotten, or that they never signed up. Each is due within a
//! month (GDPR article 12(3)).

use std::time::Duration;

pub use super::rows::{Request, RequestKind};
use super::{never_again::log_name, store::requests as store};
use crate::{
    audit_log,
    clock::{Moment, Zone},
    db::{Db, Result, Tx},
    delivery::Suppressions,
    email_address::EmailAddress,
    site::Site,
    token,
};

/// What stands with one that nobody of the team wrote down.
const BY_THEMSELVES: &str =
    "Asked on the page of their choices. Mail to their address is stopped, so no letter with a link went.";
/// The desk speaks of those that are due within so long.
const SOON: Duration = Duration::from_secs(7 * 86_400);

/// Writes down what somebody asks; on the day that it came, which begins and ends then; it is due by the end of the day a month
/// later, by the clocks of `zone`.
///
/// # Errors
/// When the database fails.
pub async fn add(
    site: &Site,
    (kind, email, detail): (RequestKind, &EmailAddress, &str),
    (begins, ends): (Moment, Moment),
    zone: &Zone,
    staff_id: i64,
) -> Result<()> {
    let mut tx = site.db.begin().await?;
    let hash = Suppressions::new(site).hash(email);
    let due = due_after((begins, ends), zone);
    store::add(&mut tx, (kind, email.as_str(), &hash, detail), due, Some(staff_id)).await?;
    let subject = log_name(&mut tx, email).await?;
    audit_log::record(&mut tx, site, Some(staff_id), "wrote a request down", &subject, kind.as_str()).await?;
    tx.commit().await
}

/// What comes on a day, and is due by the end of the day a month later.
fn due_after((begins, ends): (Moment, Moment), zone: &Zone) -> (Moment, Moment) {
    (begins, zone.month_after(ends.minus(Duration::from_micros(1))))
}

/// A reader asks by themselves who cannot be answered by mail: it is written down for the team, unless one of the kind waits already.
/// The caller holds the reader.
///
/// # Errors
/// When the database fails.
pub async fn add_by_themselves(
    tx: &mut Tx,
    site: &Site,
    (kind, email): (RequestKind, &EmailAddress),
    zone: &Zone,
) -> Result<bool> {
    let hash = Suppressions::new(site).hash(email);
    if store::is_open(tx, &hash, kind).await? {
        return Ok(false);
    }
    let today = site.now().day(zone).parse().ok().and_then(|day| zone.day(day));
    let due = due_after(today.unwrap_or((site.now(), site.now())), zone);
    store::add(tx, (kind, email.as_str(), &hash, BY_THEMSELVES), due, None).await?;
    Ok(true)
}

/// Puts one right that was written down wrongly. `seen` is [`Request::version`] of what was looked at. `false` if it is another by now,
/// is closed, or its reader was forgotten.
///
/// # Errors
/// When the database fails.
pub async fn correct(
    site: &Site,
    (id, seen): (i64, &str),
    (kind, email, detail): (RequestKind, &EmailAddress, &str),
    (begins, ends): (Moment, Moment),
    zone: &Zone,
    staff_id: i64,
) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(known) = store::take(&mut tx, id).await? else { return Ok(false) };
    if known.version() != seen || !known.may_be_corrected() {
        return Ok(false);
    }
    let hash = Suppressions::new(site).hash(email);
    let due = due_after((begins, ends), zone);
    store::correct(&mut tx, id, (kind, email.as_str(), &hash, detail), due).await?;
    let subject = log_name(&mut tx, email).await?;
    audit_log::record(&mut tx, site, Some(staff_id), "corrected a request", &subject, kind.as_str()).await?;
    tx.commit().await?;
    Ok(true)
}

impl Request {
    /// Whether it is open, and still says whose it is.
    #[must_use]
    pub fn may_be_corrected(&self) -> bool {
        self.closed_at.is_none() && !is_masked(&self.address)
    }

    /// In one word, what it says: so that nobody saves over what they did not see.
    #[must_use]
    pub fn version(&self) -> String {
        let Self { kind, address, detail, received_at, .. } = self;
        token::hash(&format!("{kind}\n{address}\n{}\n{detail}", received_at.0))
    }
}

/// Closes one with what was done; from then on its address is masked, and what they wrote is gone. `false` if it is closed already.
///
/// # Errors
/// When the database fails.
pub async fn close(site: &Site, id: i64, outcome: &str, staff_id: i64) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(request) = store::take(&mut tx, id).await? else { return Ok(false) };
    // Masked already, where its reader was forgotten.
    let (masked, subject) = match EmailAddress::parse(&request.address) {
        Ok(email) if !is_masked(&request.address) => (email.masked(), log_name(&mut tx, &email).await?),
        _ => (request.address.clone(), request.address.clone()),
    };
    let closed = store::close(&mut tx, id, (outcome, &masked), staff_id, site.now()).await?;
    // Not in what words: the log outlives the reader.
    let kind = request.kind.as_str();
    audit_log::record(&mut tx, site, Some(staff_id), "closed a request", &subject, kind).await?;
    tx.commit().await?;
    Ok(closed)
}

fn is_masked(address: &str) -> bool {
    address.split_once('@').is_none_or(|(local, _)| local.ends_with("***"))
}

/// For whoever forgets a reader, in the same transaction: what they asked stays to be answered, without their address and words.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, hash: &str) -> Result<()> {
    for request in store::about_in(tx, hash).await?.iter().filter(|request| request.may_be_corrected()) {
        let masked = EmailAddress::parse(&request.address).map_or(String::new(), |email| email.masked());
        store::forget(tx, request.id, &masked).await?;
    }
    Ok(())
}

/// All that somebody asked whose address, or whose former one, is kept as one of these: open or closed, oldest first.
pub async fn about(site: &Site, hashes: &[String]) -> Result<Vec<Request>> {
    let mut all = Vec::new();
    for hash in hashes {
        all.extend(store::about(&site.db, hash).await?);
    }
    all.sort_by_key(|request| request.id);
    Ok(all)
}

/// The one with that key.
pub async fn one(db: &Db, id: i64) -> Result<Option<Request>> {
    store::one(db, id).await
}

/// Those that are open, by when they are due, after the one that is due then and has that key.
pub async fn open(db: &Db, after: Option<(Moment, i64)>, limit: i64) -> Result<Vec<Request>> {
    store::open(db, after.unwrap_or((Moment(i64::MIN), 0)), limit).await
}

/// Those that are closed, the newest first, before the one with that key.
pub async fn closed(db: &Db, before: Option<i64>, limit: i64) -> Result<Vec<Request>> {
    store::closed(db, before.unwrap_or(i64::MAX), limit).await
}

/// How many are due within a week, and how many of these were due before now.
pub async fn due(db: &Db, now: Moment) -> Result<(i64, i64)> {
    store::due(db, now.plus(SOON), now).await
}
