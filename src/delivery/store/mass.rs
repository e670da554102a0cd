//! SQL of failures of one edition that are too many to be true.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// What was counted of an edition.
    COUNTED = "select failures, domains, state, since from bounce_mass where edition_id = $1";
    /// Counts.
    COUNT = "insert into bounce_mass (edition_id, failures, domains, state, since, untold) values ($1, $2, $3, $4, $5, $6)
        on conflict (edition_id) do update set failures = excluded.failures, domains = excluded.domains,
            state = excluded.state, untold = excluded.untold";
    /// How many copies of an edition came to an end at a server.
    ENDED = "select cast(coalesce(sum(count), 0) as bigint) from delivery_tally
        where edition_id = $1 and state in ('accepted', 'unknown', 'failed')";
    /// Whoever was stopped by these failures is mailed again; what stopped them before stays. It is as if it had never been: what
    /// staff lift says something of later reports, and this does not.
    LET_GO_AGAIN = "delete from suppression where lifted_at is null and reason = 'bounced' and created_at >= $2
        and address_hash in (select address_hash from bounce where edition_id = $1 and effect = 'bounced')";
    /// The failures wait with those that come.
    HOLD_ALL = "update bounce set effect = 'none', held = true where edition_id = $1 and effect = 'bounced'";
    /// What waits for a judgement.
    WAITING = "select m.edition_id, m.since, (select count(*) from bounce b where b.edition_id = m.edition_id and b.held) as failures,
            (select cast(coalesce(sum(t.count), 0) as bigint) from delivery_tally t
                where t.edition_id = m.edition_id and t.state in ('accepted', 'unknown', 'failed')) as ended
        from bounce_mass m where m.state = 'held' order by m.edition_id desc";
    /// The newest words of those that wait.
    WORDS = "select words from bounce where edition_id = $1 and held order by id desc limit 200";
    /// Nobody was told.
    UNTOLD = "select edition_id from bounce_mass where state = 'held' and untold order by edition_id";
    /// They were.
    TOLD = "update bounce_mass set untold = false where edition_id = $1 and untold and state = 'held'";
    /// Somebody decided.
    DECIDE = "update bounce_mass set state = $2, untold = false where edition_id = $1 and state = 'held'";
    /// It was about us.
    KEEP_ALL = "update bounce set effect = 'policy', held = false where edition_id = $1 and held";
    /// Failures that wait.
    HELD = "select b.id, b.address_hash, b.subscriber_id, b.words,
            (select d.address from delivery d where d.edition_id = b.edition_id and d.subscriber_id = b.subscriber_id) as address
        from bounce b where b.edition_id = $1 and b.held order by b.id limit $2";
    /// One of them counts.
    STOPPED = "update bounce set effect = 'bounced', held = false where id = $1";
    /// Editions whose failures are said to be real and that still wait for it.
    UNFINISHED = "select m.edition_id from bounce_mass m where m.state = 'gone'
        and exists (select 1 from bounce b where b.edition_id = m.edition_id and b.held) order by m.edition_id";
}

/// What was counted of an edition.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Counted {
    pub failures: i64,
    domains: String,
    pub state: String,
    pub since: Moment,
}

impl Counted {
    /// Nothing yet.
    pub fn none(now: Moment) -> Self {
        Self { failures: 0, domains: String::new(), state: "few".to_owned(), since: now }
    }

    /// One more, of a domain; no more domains are kept than are needed.
    pub fn add(&mut self, domain: &str, most: i64) {
        self.failures += 1;
        if self.domains() < most && !self.domains.split(' ').any(|known| known == domain) {
            if !self.domains.is_empty() {
                self.domains.push(' ');
            }
            self.domains.push_str(domain);
        }
    }

    /// Of how many domains.
    pub fn domains(&self) -> i64 {
        i64::try_from(self.domains.split_whitespace().count()).unwrap_or(i64::MAX)
    }
}

/// An edition whose failures wait for somebody's judgement.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Mass {
    /// The edition.
    pub edition_id: i64,
    /// When the first of them came.
    pub since: Moment,
    /// How many wait.
    pub failures: i64,
    /// How many copies were taken or refused in all.
    pub ended: i64,
}

/// A failure that waits.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    pub id: i64,
    pub address_hash: String,
    pub subscriber_id: Option<i64>,
    pub words: String,
    pub address: Option<String>,
}

pub async fn counted(tx: &mut Tx, edition: i64) -> Result<Option<Counted>> {
    tx.opt(COUNTED, (edition,)).await
}

pub async fn count(tx: &mut Tx, edition: i64, counted: &Counted, held: bool) -> Result<()> {
    let state = if held { "held" } else { "few" };
    let values = (edition, counted.failures, counted.domains.as_str(), state, counted.since, held);
    tx.exec(COUNT, values).await?;
    Ok(())
}

pub async fn ended(tx: &mut Tx, edition: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(ENDED, (edition,)).await?.0)
}

pub async fn let_go_again(tx: &mut Tx, edition: i64, since: Moment) -> Result<u64> {
    tx.exec(LET_GO_AGAIN, (edition, since)).await
}

pub async fn hold_all(tx: &mut Tx, edition: i64) -> Result<u64> {
    tx.exec(HOLD_ALL, (edition,)).await
}

pub async fn waiting(db: &Db) -> Result<Vec<Mass>> {
    db.all(WAITING, ()).await
}

pub async fn words(db: &Db, edition: i64) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(WORDS, (edition,)).await?.into_iter().map(|(words,)| words).collect())
}

pub async fn untold(db: &Db) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(UNTOLD, ()).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn unfinished(db: &Db) -> Result<Vec<i64>> {
    Ok(db.all::<(i64,)>(UNFINISHED, ()).await?.into_iter().map(|(id,)| id).collect())
}

pub async fn told(tx: &mut Tx, edition: i64) -> Result<bool> {
    Ok(tx.exec(TOLD, (edition,)).await? == 1)
}

pub async fn decide(tx: &mut Tx, edition: i64, state: &str) -> Result<bool> {
    Ok(tx.exec(DECIDE, (edition, state)).await? == 1)
}

pub async fn keep_all(tx: &mut Tx, edition: i64) -> Result<u64> {
    tx.exec(KEEP_ALL, (edition,)).await
}

pub async fn held(tx: &mut Tx, edition: i64, limit: i64) -> Result<Vec<Held>> {
    tx.all(HELD, (edition, limit)).await
}

pub async fn stopped(tx: &mut Tx, bounce: i64) -> Result<()> {
    tx.exec(STOPPED, (bounce,)).await?;
    Ok(())
}
