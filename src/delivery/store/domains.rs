//! SQL of the recipient domains and their providers.

use crate::{
    clock::Moment,
    db::{self, Db, Result, Tx},
    statements,
};

statements! {
    /// Domains that an edition goes to.
    NOTE = sqlite "insert into recipient_domain (name, looked_at) select value, 0 from json_each($1) where true on conflict (name) do nothing",
        postgres "insert into recipient_domain (name, looked_at) select value, 0 from json_array_elements_text(cast($1 as json)) as value where true on conflict (name) do nothing";
    /// Those that nobody asked about for long. What was asked in the future was asked before the clock was set back.
    DUE = "select name from recipient_domain where looked_at <= $1 or looked_at > $2 order by looked_at, name limit $3";
    /// What the DNS said.
    LOOKED = rows(3) "update recipient_domain set provider = v.column2, looked_at = cast(v.column3 as bigint)
        from (values {rows}) as v where recipient_domain.name = v.column1";
    /// What belongs to these providers.
    MEMBERS = sqlite "select name, provider from recipient_domain where provider in (select value from json_each($1))",
        postgres "select name, provider from recipient_domain where provider in (select json_array_elements_text(cast($1 as json)))";
    /// Who provides these domains, where that is known.
    PROVIDERS = sqlite "select name, provider from recipient_domain where provider is not null and name in (select value from json_each($1))",
        postgres "select name, provider from recipient_domain where provider is not null and name in (select json_array_elements_text(cast($1 as json)))";
}

pub async fn note(tx: &mut Tx, names: &[&str]) -> Result<u64> {
    tx.exec(NOTE, (db::array(names)?,)).await
}

pub async fn due(db: &Db, (before, now): (Moment, Moment), limit: i64) -> Result<Vec<String>> {
    Ok(db.all::<(String,)>(DUE, (before, now, limit)).await?.into_iter().map(|(name,)| name).collect())
}

/// Name, provider, and when that was learned.
pub async fn looked(tx: &mut Tx, rows: &[(String, Option<String>, Moment)]) -> Result<u64> {
    tx.many(LOOKED, rows.iter().map(|(name, provider, at)| (name.as_str(), provider.as_deref(), *at))).await
}

pub async fn members(db: &Db, providers: &[&str]) -> Result<Vec<(String, String)>> {
    db.all(MEMBERS, (db::array(providers)?,)).await
}

pub async fn providers(db: &Db, names: &[String]) -> Result<Vec<(String, String)>> {
    db.all(PROVIDERS, (db::array(names)?,)).await
}
