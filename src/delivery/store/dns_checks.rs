//! SQL of what was found in the sender's DNS.

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
}

pub async fn keep(tx: &mut Tx, domain: &str, findings: &str, now: Moment) -> Result<()> {
    tx.exec(KEEP, (domain, findings, now)).await?;
    Ok(())
}

pub async fn last(db: &Db, domain: &str) -> Result<Option<(String, Moment)>> {
    db.opt(LAST, (domain,)).await
}
