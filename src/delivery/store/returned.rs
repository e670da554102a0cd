//! SQL of failures of one edition that are too many to be true.

use super::super::states::MassState;
use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements,
};

statements! {
    /// What was counted of an edition.
    COUNTED = "select failures, domains, state, since from bounce_mass where edition_id = $1";
    /// Counts.
    COUNT = "insert into bounce_mass (edition_id, failures, domains, state, since, untold) values ($1, $2, $3, $4, $5, $6)
        on conflict (edition_id) do update set failures = excluded.failures, domains = excluded.domains,
            state = excluded.state, untold = excluded.untold";
    /// How many copies of an edition came to an end.
    ENDED = "select cast(coalesce(sum(count), 0) as bigint) from delivery_tally
        where edition_id = $1 and state in ('accepted', 'unknown', 'failed')";
    /// How many of them we gave up: no server ended those.
    GIVEN_UP = "select count(*) from delivery where edition_id = $1 and state = 'failed' and class in ('exhausted', 'broke off', 'render')";
    /// Whether a reader is among them already, by another report.
    IS_COUNTED = "select id from bounce where address_hash = $2 and weighed_with = $1 limit 1";
    /// Whoever was stopped by these failures is mailed again; what stopped them before stays. It is as if it had never been: what
    /// staff lift says something of later reports, and this does not.
    LET_GO_AGAIN = "delete from suppression where lifted_at is null and reason = 'bounced' and created_at >= $2
        and address_hash in (select address_hash from bounce where weighed_with = $1)";
    /// The failures wait with those that come. One that may pass counts as such meanwhile.
    HOLD_ALL = "update bounce set effect = case when effect = 'bounced' then 'none' else effect end, held = true where weighed_with = $1";
    /// What waits for a judgement: readers, however many reports there are of each.
    WAITING = "select m.edition_id, m.since,
            (select count(distinct b.address_hash) from bounce b where b.weighed_with = m.edition_id and b.held and b.id > m.gone_up_to) as failures,
            (select coalesce(max(b.id), 0) from bounce b where b.weighed_with = m.edition_id and b.held) as up_to,
            (select cast(coalesce(sum(t.count), 0) as bigint) from delivery_tally t
                where t.edition_id = m.edition_id and t.state in ('accepted', 'unknown', 'failed'))
                - (select count(*) from delivery d where d.edition_id = m.edition_id and d.state = 'failed'
                    and d.class in ('exhausted', 'broke off', 'render')) as ended
        from bounce_mass m where m.state = 'held'
        and exists (select 1 from bounce b where b.weighed_with = m.edition_id and b.held and b.id > m.gone_up_to) order by m.edition_id desc";
    /// The newest words of those that wait.
    WORDS = "select words from bounce where weighed_with = $1 and held
            and id > (select gone_up_to from bounce_mass where edition_id = $1) order by id desc limit 200";
    /// Nobody was told.
    UNTOLD = "select m.edition_id from bounce_mass m where m.state = 'held' and m.untold
        and exists (select 1 from bounce b where b.weighed_with = m.edition_id and b.held and b.id > m.gone_up_to) order by m.edition_id";
    /// They were.
    TOLD = "update bounce_mass set untold = false where edition_id = $1 and untold and state = 'held'";
    /// Readers of whom a report came after the one up to which somebody saw them.
    SINCE = "select count(distinct address_hash) from bounce where weighed_with = $1 and held and id > $2";
    /// What was seen is real; with nothing that came since, so is what is still to come.
    GONE = "update bounce_mass set gone_up_to = case when gone_up_to > $2 then gone_up_to else $2 end, untold = false,
            state = case when $3 then 'gone' else state end where edition_id = $1 and state = 'held' and $2 > 0";
    /// Readers whose copy is tried again: what came back of it said nothing of them. If it comes back again, that is a new report.
    TRIED_AGAIN = sqlite "update bounce set effect = 'policy', held = false where weighed_with = $1 and held
            and subscriber_id in (select value from json_each($2))",
        postgres "update bounce set effect = 'policy', held = false where weighed_with = $1 and held
            and subscriber_id in (select cast(value as bigint) from json_array_elements_text(cast($2 as json)))";
    /// It was about us.
    KEPT = "update bounce_mass set state = 'kept', untold = false where edition_id = $1 and state = 'held'";
    KEEP_ALL = "update bounce set effect = 'policy', held = false where weighed_with = $1 and held
            and id > (select gone_up_to from bounce_mass where edition_id = $1 and state = 'kept')";
    /// Failures that are said to be real and still wait for it.
    HELD = "select b.id, b.address_hash, b.subscriber_id, b.words,
            (select d.address from delivery d where d.edition_id = b.weighed_with and d.subscriber_id = b.subscriber_id) as address
        from bounce b where b.weighed_with = $1 and b.held
            and b.id <= (select gone_up_to from bounce_mass where edition_id = $1) order by b.id limit $2";
    /// One of them counts.
    STOPPED = "update bounce set effect = case when effect = 'counted' then effect else 'bounced' end, held = false where id = $1";
    /// Editions that have such.
    UNFINISHED = "select m.edition_id from bounce_mass m where m.gone_up_to > 0
        and exists (select 1 from bounce b where b.weighed_with = m.edition_id and b.held and b.id <= m.gone_up_to) order by m.edition_id";
}

/// What was counted of an edition.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Counted {
    pub failures: i64,
    domains: String,
    pub state: MassState,
    pub since: Moment,
}

impl Counted {
    /// Nothing yet.
    pub fn none(now: Moment) -> Self {
        Self { failures: 0, domains: String::new(), state: MassState::Few, since: now }
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
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct Mass {
    pub edition_id: i64,
    /// When the first of them came.
    pub since: Moment,
    /// How many readers wait.
    pub failures: i64,
    /// The newest report of them, by which a decision says what it is about.
    pub up_to: i64,
    /// How many copies were taken or refused in all.
    pub ended: i64,
}

/// A failure that waits.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
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
    let state = if held { MassState::Held } else { MassState::Few };
    let values = (edition, counted.failures, counted.domains.as_str(), state, counted.since, held);
    tx.exec(COUNT, values).await?;
    Ok(())
}

pub async fn ended(tx: &mut Tx, edition: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(ENDED, (edition,)).await?.0)
}

pub async fn given_up(tx: &mut Tx, edition: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(GIVEN_UP, (edition,)).await?.0)
}

pub async fn let_go_again(tx: &mut Tx, edition: i64, since: Moment) -> Result<u64> {
    tx.exec(LET_GO_AGAIN, (edition, since)).await
}

pub async fn hold_all(tx: &mut Tx, edition: i64) -> Result<u64> {
    tx.exec(HOLD_ALL, (edition,)).await
}

pub async fn waiting(db: &Db) -> Result<Vec<Mass>> {
    let mut all: Vec<Mass> = db.all(WAITING, ()).await?;
    for one in &mut all {
        // A copy that came back after we gave it up came to an end all the same.
        one.ended = one.ended.max(one.failures);
    }
    Ok(all)
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

pub async fn is_counted(tx: &mut Tx, edition: i64, address_hash: &str) -> Result<bool> {
    Ok(tx.opt::<(i64,)>(IS_COUNTED, (edition, address_hash)).await?.is_some())
}

pub async fn since(tx: &mut Tx, edition: i64, up_to: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(SINCE, (edition, up_to)).await?.0)
}

/// Whether it was still to be decided. With `all` of it seen, what is still to come is decided as well.
pub async fn gone(tx: &mut Tx, edition: i64, up_to: i64, all: bool) -> Result<bool> {
    Ok(tx.exec(GONE, (edition, up_to, all)).await? == 1)
}

pub async fn tried_again(tx: &mut Tx, edition: i64, subscribers: &[i64]) -> Result<u64> {
    tx.exec(TRIED_AGAIN, (edition, db::array(subscribers)?.as_str())).await
}

pub async fn kept(tx: &mut Tx, edition: i64) -> Result<bool> {
    Ok(tx.exec(KEPT, (edition,)).await? == 1)
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
