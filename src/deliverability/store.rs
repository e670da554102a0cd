//! SQL of what was found in the sender's DNS, and of how providers took the last editions.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// The newest look replaces the one before.
    KEEP = "insert into dns_check (domain, findings, checked_at) values ($1, $2, $3)
        on conflict (domain) do update set findings = excluded.findings, checked_at = excluded.checked_at";
    /// The last look.
    LAST = "select findings, checked_at from dns_check where domain = $1";
    /// Domains that mail came from once; of the one that it comes from now the last look stays, however long ago.
    pub(crate) FORGET_OTHERS = "delete from dns_check where domain in (select domain from dns_check
        where checked_at < $1 and checked_at < (select max(checked_at) from dns_check) limit $2)";
    /// Nothing was ever looked at.
    FORGET = "delete from dns_check";
    /// How many copies were written down between two moments.
    SEALED_BETWEEN = "select cast(coalesce(sum(sealed_count), 0) as bigint) from edition where sealed_at >= $1 and sealed_at <= $2";
    /// How each provider took the newest editions; copies that were never sent say nothing about it.
    PROVIDERS = "select edition_id, domain_key, count(*) as copies,
            cast(sum(case when state = 'accepted' then 1 else 0 end) as bigint) as accepted,
            cast(sum(case when state = 'failed' then 1 else 0 end) as bigint) as failed,
            cast(sum(case when attempt > 1 then 1 else 0 end) as bigint) as delayed
        from delivery where state <> 'suppressed' and edition_id in (
            select id from edition where sealed_at is not null and state in ('sending', 'paused', 'held', 'cancelled', 'finished')
            order by sealed_at desc, id desc limit $1)
        group by edition_id, domain_key";
}

/// One provider's share of one edition.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct ProviderRow {
    pub edition_id: i64,
    pub domain_key: String,
    pub copies: i64,
    pub accepted: i64,
    pub failed: i64,
    pub delayed: i64,
}

pub async fn keep(tx: &mut Tx, domain: &str, findings: &str, now: Moment) -> Result<()> {
    tx.exec(KEEP, (domain, findings, now)).await?;
    Ok(())
}

pub async fn last(db: &Db, domain: &str) -> Result<Option<(String, Moment)>> {
    db.opt(LAST, (domain,)).await
}

pub async fn forget(tx: &mut Tx) -> Result<()> {
    tx.exec(FORGET, ()).await?;
    Ok(())
}

pub async fn sealed_between(db: &Db, since: Moment, now: Moment) -> Result<i64> {
    Ok(db.one::<(i64,)>(SEALED_BETWEEN, (since, now)).await?.0)
}

pub async fn providers(db: &Db, editions: i64) -> Result<Vec<ProviderRow>> {
    db.all(PROVIDERS, (editions,)).await
}
