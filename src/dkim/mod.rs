//! The keys that sign our mail: made, switched on once their record is published, replaced, retired.
//!
//! The rule: a key signs only between [`activate`] and [`retire`], and its private half lies in the database encrypted with
//! the root secret. An edition is signed with the keys that were active when a worker took it up; so after a key was
//! retired its record stays published until that mail has been read by every server: [`KEEP_RECORD`].

mod store;

use std::time::Duration;

pub use self::store::{DkimKey, STATEMENTS, SealedKey};
pub(crate) use self::store::{signing, signing_in};
use crate::{
    clock::Moment,
    db::{Db, Tx},
    mail::{self, Algorithm, KeyError, Signer},
    site::Site,
    token::{Keys, Purpose},
};

/// How long the record of a retired key stays published: mail waits in queues for up to five days.
pub const KEEP_RECORD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    /// There is no key of that name.
    #[error("there is no key {0}")]
    NotFound(String),
    /// The name is in use, or was.
    #[error("the selector {0} was used before; a new key needs a new name")]
    SelectorTaken(String),
    /// Not letters, digits and hyphens.
    #[error("{0:?} cannot stand in DNS: use letters, digits and hyphens")]
    BadName(String),
    /// It signs already, or is retired.
    #[error("the key {0} is not waiting to be switched on")]
    NotWaiting(String),
    /// Somebody else switched a key on or off since they were looked at.
    #[error("the keys changed meanwhile")]
    Changed,
    /// The stored key does not open: its root secret is missing, or the row was damaged.
    #[error(
        "the DKIM key {0} cannot be read. If SECRET was changed, put the old one in OLD_SECRETS; or retire the key (broadside dkim retire)"
    )]
    Unreadable(String),
    /// The library failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A room's own result.
pub type Result<T, E = DkimError> = std::result::Result<T, E>;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Made; its record is to be published.
    Waiting,
    /// Signs every mail from its domain.
    Signing,
    /// Signs no more.
    Retired,
}

impl DkimKey {
    /// Where its record stands in DNS.
    #[must_use]
    pub fn dns_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn state(&self) -> KeyState {
        match (self.active_at, self.retired_at) {
            (_, Some(_)) => KeyState::Retired,
            (Some(_), None) => KeyState::Signing,
            (None, None) => KeyState::Waiting,
        }
    }

    /// Until when its record must stay published; none while it is not retired, or if it never signed.
    #[must_use]
    pub fn keep_record_until(&self) -> Option<Moment> {
        self.active_at.and(self.retired_at).map(|at| at.plus(KEEP_RECORD))
    }
}

/// The domain of an address as DNS knows it, or of a bare domain; none if it is not one.
#[must_use]
pub fn domain_of(address: &str) -> Option<String> {
    let domain = address.rsplit('@').next().unwrap_or(address).trim_end_matches('.');
    let ascii = idna::domain_to_ascii(domain).ok()?;
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    (ascii.len() <= 253 && ascii.contains('.') && ascii.split('.').all(label)).then_some(ascii)
}

/// Makes a key that waits to be switched on. Without a selector it gets the month as its name, such as `b202603`.
///
/// # Errors
/// [`DkimError::SelectorTaken`] and [`DkimError::BadName`].
pub async fn create(
    site: &Site,
    domain: &str,
    algorithm: Algorithm,
    selector: Option<&str>,
) -> Result<DkimKey> {
    let made = generate(site, domain, algorithm, selector).await?;
    let mut tx = site.db.begin().await?;
    let key = add(&mut tx, made).await?;
    tx.commit().await?;
    Ok(key)
}

/// A key that is in no database yet, with its private half as that keeps it.
#[derive(Debug)]
pub struct Made {
    key: DkimKey,
    private_key: Vec<u8>,
}

/// Makes a key, for [`add`].
///
/// # Errors
/// [`DkimError::BadName`].
pub async fn generate(
    site: &Site,
    domain: &str,
    algorithm: Algorithm,
    selector: Option<&str>,
) -> Result<Made> {
    let domain = domain_of(domain).ok_or_else(|| DkimError::BadName(domain.to_owned()))?;
    let known = all(&site.db).await?;
    let selector = match selector {
        Some(name) => name.to_ascii_lowercase(),
        None => new_selector(site.now(), algorithm, &domain, &known),
    };
    let good = (1..=63).contains(&selector.len())
        && selector.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !selector.starts_with('-')
        && !selector.ends_with('-');
    if !good {
        return Err(DkimError::BadName(selector));
    }
    // Making an RSA key takes long enough to keep other tasks waiting.
    let private = tokio::task::spawn_blocking(move || mail::generate_key(algorithm))
        .await
        .map_err(|_| KeyError::Failed)??;
    let record = Signer::new(&domain, &selector, algorithm, &private)?.record()?;
    let private_key = site.keys.seal(Purpose::DkimKey, &context(&domain, &selector), &private);
    let created_at = site.now();
    let key = DkimKey { domain, selector, algorithm, record, created_at, active_at: None, retired_at: None };
    Ok(Made { key, private_key })
}

/// Keeps a key, which waits to be switched on.
///
/// # Errors
/// [`DkimError::SelectorTaken`].
pub async fn add(tx: &mut Tx, made: Made) -> Result<DkimKey> {
    let Made { key, private_key } = made;
    if store::add(tx, &key, &private_key).await? {
        Ok(key)
    } else {
        Err(DkimError::SelectorTaken(key.selector))
    }
}

fn new_selector(now: Moment, algorithm: Algorithm, domain: &str, known: &[DkimKey]) -> String {
    let kind = if algorithm == Algorithm::Ed25519 { "e" } else { "" };
    let month = format!("b{}{kind}", now.timestamp().strftime("%Y%m"));
    let is_taken = |name: &String| known.iter().any(|key| key.domain == domain && key.selector == *name);
    let numbered = (2..).map(|number| format!("{month}-{number}"));
    std::iter::once(month.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(month)
}

/// Every key, retired ones too, by domain and age.
///
/// # Errors
/// When the database fails, or holds a key of a kind this program does not know.
pub async fn all(db: &Db) -> Result<Vec<DkimKey>> {
    Ok(store::all(db).await?)
}

/// The one key of that name. A domain is needed only where two have keys of the same name.
///
/// # Errors
/// [`DkimError::NotFound`].
pub async fn find(db: &Db, selector: &str, domain: Option<&str>) -> Result<DkimKey> {
    let mut found: Vec<DkimKey> = all(db).await?;
    found.retain(|key| key.selector == selector && domain.is_none_or(|domain| key.domain == domain));
    match found.pop() {
        Some(key) if found.is_empty() => Ok(key),
        Some(_) => Err(DkimError::NotFound(format!("{selector} of one domain alone: name the domain, too"))),
        None => Err(DkimError::NotFound(selector.to_owned())),
    }
}

/// Of these keys, the one that a waiting key would take over from.
#[must_use]
pub fn replaced_by<'a>(key: &DkimKey, keys: &'a [DkimKey]) -> Option<&'a DkimKey> {
    let is_replaced = |one: &&DkimKey| {
        one.domain == key.domain && one.algorithm == key.algorithm && one.state() == KeyState::Signing
    };
    keys.iter().find(is_replaced).filter(|_| key.state() == KeyState::Waiting)
}

/// Lets a key sign from now on. The key of the same kind that signed so far is retired; returns its selector.
///
/// # Errors
/// [`DkimError::NotWaiting`]; [`DkimError::Unreadable`] before anything is changed.
pub async fn activate(site: &Site, key: &DkimKey) -> Result<Option<String>> {
    let mut tx = site.db.begin().await?;
    let replaced = activate_in(&mut tx, site, key).await?;
    tx.commit().await?;
    Ok(replaced)
}

/// As [`activate`], in the caller's transaction.
///
/// # Errors
/// Those of [`activate`].
pub async fn activate_in(tx: &mut Tx, site: &Site, key: &DkimKey) -> Result<Option<String>> {
    let replaced = store::replace(tx, &key.domain, &key.selector, key.algorithm, site.now()).await?;
    if !store::activate(tx, &key.domain, &key.selector, site.now()).await? {
        return Err(DkimError::NotWaiting(key.selector.clone()));
    }
    for sealed in store::signing_in(tx).await?.iter().filter(|sealed| sealed.selector == key.selector) {
        open(&site.keys, sealed)?;
    }
    Ok(replaced.into_iter().map(|(selector,)| selector).next())
}

/// Lets a key sign no more; or drops one that waits, if it waited when it was looked at.
///
/// # Errors
/// [`DkimError::NotFound`] if there is none, or it was retired before, or it began to sign since.
pub async fn retire(site: &Site, key: &DkimKey) -> Result<()> {
    let mut tx = site.db.begin().await?;
    retire_in(&mut tx, site, key).await?;
    tx.commit().await?;
    Ok(())
}

/// As [`retire`], in the caller's transaction.
///
/// # Errors
/// Those of [`retire`].
pub async fn retire_in(tx: &mut Tx, site: &Site, key: &DkimKey) -> Result<()> {
    let waits = key.state() == KeyState::Waiting;
    if !store::retire(tx, &key.domain, &key.selector, waits, site.now()).await? {
        return Err(DkimError::NotFound(format!("{} that is not retired already", key.selector)));
    }
    Ok(())
}

/// Opens every key that signs, so that a program whose mail would go out unsigned does not start (TRUST M5).
///
/// # Errors
/// [`DkimError::Unreadable`] names the first that does not open.
pub async fn check(site: &Site) -> Result<()> {
    for sealed in store::signing(&site.db).await? {
        open(&site.keys, &sealed)?;
    }
    Ok(())
}

/// The keys that sign mail from that address.
pub(crate) fn signers(keys: &Keys, sealed: &[SealedKey], from: &str) -> Result<Vec<Signer>> {
    let Some(domain) = domain_of(from) else { return Ok(Vec::new()) };
    sealed.iter().filter(|key| key.domain == domain).map(|key| open(keys, key)).collect()
}

fn open(keys: &Keys, sealed: &SealedKey) -> Result<Signer> {
    let context = context(&sealed.domain, &sealed.selector);
    let unreadable = || DkimError::Unreadable(context.clone());
    let algorithm = Algorithm::parse(&sealed.algorithm).ok_or_else(unreadable)?;
    let private = keys.open(Purpose::DkimKey, &context, &sealed.private_key).map_err(|_| unreadable())?;
    Signer::new(&sealed.domain, &sealed.selector, algorithm, &private).map_err(|_| unreadable())
}

/// What a sealed key is bound to: a row cannot be put in another's place.
fn context(domain: &str, selector: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_taken_as_dns_knows_them() {
        assert_eq!(domain_of("post@News.Example.ORG").as_deref(), Some("news.example.org"));
        assert_eq!(domain_of("post@bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(domain_of("example.org.").as_deref(), Some("example.org"));
        for bad in ["", "post@localhost", "a b.example.org", "post@", "..org"] {
            assert_eq!(domain_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_is_named_after_its_month() {
        let now = Moment::from_unix_seconds(1_772_528_400);
        let key = |selector: &str| DkimKey {
            domain: "example.org".into(),
            selector: selector.into(),
            algorithm: Algorithm::Rsa,
            record: String::new(),
            created_at: now,
            active_at: None,
            retired_at: None,
        };
        let name = |algorithm, known: &[DkimKey]| new_selector(now, algorithm, "example.org", known);
        assert_eq!(name(Algorithm::Rsa, &[]), "b202603");
        assert_eq!(name(Algorithm::Ed25519, &[key("b202603")]), "b202603e");
        assert_eq!(name(Algorithm::Rsa, &[key("b202603"), key("b202603-2")]), "b202603-3");
    }
}
