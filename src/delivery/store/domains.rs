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
    /// Copies of an edition to a domain, written down with them.
    WRITE = rows(3) "insert into edition_domain (edition_id, name, copies) values {rows}
        on conflict (edition_id, name) do update set copies = edition_domain.copies + excluded.copies";
    /// Of how many domains an edition's readers are, counted up to so many.
    COUNT = "select count(*) from (select 1 from edition_domain where edition_id = $1 limit $2) as of_edition";
    /// One more copy came back for good.
    CAME_BACK = "update edition_domain set came_back = came_back + 1 where edition_id = $1 and name = $2";
    /// Who takes a domain's mail, or itself where that is not known.
    PROVIDER = "select coalesce(provider, name) from recipient_domain where name = $1";
    /// What an edition's domains have in common that one provider takes: by the provider's index, and those of the edition by its key.
    OF_PROVIDER = "select cast(coalesce(sum(copies), 0) as bigint) as copies, cast(coalesce(sum(came_back), 0) as bigint) as came_back
        from edition_domain where edition_id = $1
        and name in (select cast($2 as text) union select name from recipient_domain where provider = $2)";
}

/// An edition's copies at one provider.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct OfProvider {
    pub copies: i64,
    /// How many of them came back for good, each counted once.
    pub came_back: i64,
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

pub async fn write(tx: &mut Tx, edition: i64, copies: impl IntoIterator<Item = (&str, i64)>) -> Result<u64> {
    tx.many(WRITE, copies.into_iter().map(|(name, copies)| (edition, name, copies))).await
}

pub async fn count(tx: &mut Tx, edition: i64, most: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(COUNT, (edition, most)).await?.0)
}

pub async fn came_back(tx: &mut Tx, edition: i64, domain: &str) -> Result<u64> {
    tx.exec(CAME_BACK, (edition, domain)).await
}

pub async fn provider(tx: &mut Tx, domain: &str) -> Result<String> {
    let known = tx.opt::<(String,)>(PROVIDER, (domain,)).await?;
    Ok(known.map_or_else(|| domain.to_owned(), |(provider,)| provider))
}

pub async fn of_provider(tx: &mut Tx, edition: i64, provider: &str) -> Result<OfProvider> {
    tx.one(OF_PROVIDER, (edition, provider)).await
}
