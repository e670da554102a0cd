//! SQL of the keys that sign our mail.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    mail::Algorithm,
    statements,
};

statements! {
    /// A name is used once.
    ADD = "insert into dkim_key (domain, selector, algorithm, private_key, record, created_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (domain, selector) do nothing";
    /// All of them, retired ones too.
    ALL = "select domain, selector, algorithm, record, created_at, active_at, retired_at from dkim_key order by domain, id";
    /// Those that sign now.
    SIGNING = "select domain, selector, algorithm, private_key from dkim_key
        where active_at is not null and retired_at is null order by domain, id";
    /// From waiting to signing.
    ACTIVATE = "update dkim_key set active_at = $3 where domain = $1 and selector = $2 and active_at is null and retired_at is null";
    /// The key that the new one takes over from.
    REPLACE = "update dkim_key set retired_at = $4 where domain = $1 and selector <> $2 and algorithm = $3
        and active_at is not null and retired_at is null returning selector";
    /// For good; a key that began to sign meanwhile is another matter than one that waits.
    RETIRE = "update dkim_key set retired_at = $3
        where domain = $1 and selector = $2 and retired_at is null and (active_at is null) = $4";
}

/// A key, without its private half.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct DkimKey {
    /// The domain of the From address it signs for.
    pub domain: String,
    /// Its name.
    pub selector: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// The text of its DNS record.
    pub record: String,
    /// When it was made.
    pub created_at: Moment,
    /// When it began to sign.
    pub active_at: Option<Moment>,
    /// When it ceased to.
    pub retired_at: Option<Moment>,
}

/// A key that signs, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct SealedKey {
    /// Whose mail it signs.
    pub domain: String,
    /// Its name in the DNS.
    pub selector: String,
    /// As the record says: a kind that this program does not know is told of by name, and keeps no other from signing.
    pub algorithm: String,
    /// Encrypted with the root secret.
    pub private_key: Vec<u8>,
}

pub async fn add(tx: &mut Tx, key: &DkimKey, private_key: &[u8]) -> Result<bool> {
    let DkimKey { domain, selector, algorithm, record, created_at, .. } = key;
    let params = (domain.as_str(), selector.as_str(), *algorithm, private_key, record.as_str(), *created_at);
    Ok(tx.exec(ADD, params).await? == 1)
}

pub async fn all(db: &Db) -> Result<Vec<DkimKey>> {
    db.all(ALL, ()).await
}

pub async fn signing(db: &Db) -> Result<Vec<SealedKey>> {
    db.all(SIGNING, ()).await
}

pub async fn signing_in(tx: &mut Tx) -> Result<Vec<SealedKey>> {
    tx.all(SIGNING, ()).await
}

pub async fn activate(tx: &mut Tx, domain: &str, selector: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(ACTIVATE, (domain, selector, now)).await? == 1)
}

pub async fn replace(
    tx: &mut Tx,
    domain: &str,
    selector: &str,
    algorithm: Algorithm,
    now: Moment,
) -> Result<Vec<(String,)>> {
    tx.all(REPLACE, (domain, selector, algorithm, now)).await
}

pub async fn retire(tx: &mut Tx, domain: &str, selector: &str, waits: bool, now: Moment) -> Result<bool> {
    Ok(tx.exec(RETIRE, (domain, selector, now, waits)).await? == 1)
}
