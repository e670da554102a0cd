//! Signing in: by password, or by a link that works once for ten minutes.
//!
//! An unknown address, a wrong password and an account without a password get the same answer after the same work
//! (TRUST A22). Tries are counted per account and per network address before they are judged; past the limit nothing is tried
//! until the oldest is a quarter of an hour old (TRUST A21). The link is never held back by failed passwords, so nobody can be locked out.

use std::{net::IpAddr, time::Duration};

use super::{
    PasswordCost, Staff,
    attempts::{Attempt, Limit},
    audit,
    mails::{self, To},
    one_time::{self, Link},
    passwords,
    sessions::{self, SessionToken},
    store,
};
use crate::{
    db::Tx,
    email_address::EmailAddress,
    site::Site,
    token::{self, Purpose},
};

/// How long a sign-in link works (ASVS 6.5.5).
pub const LINK_LASTS: Duration = Duration::from_secs(600);
const FAILURES_AN_ACCOUNT: i64 = 10;
const FAILURES_AN_ADDRESS: i64 = 50;
const LINKS_AN_ACCOUNT: i64 = 3;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Address and password do not belong together, for whatever reason.
    #[error("That email address and password do not belong together.")]
    Wrong,
    /// Too many tries lately.
    #[error("Too many tries. Wait a quarter of an hour, or sign in with a link by email.")]
    TooMany,
    /// The link was used before, is too old, or was never ours.
    #[error("This link no longer works.")]
    Link,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

type Result<T> = std::result::Result<T, SignInError>;

/// Opens a session for the right password.
///
/// # Errors
/// [`SignInError::Wrong`], [`SignInError::TooMany`], or the database.
pub async fn by_password(
    site: &Site,
    cost: PasswordCost,
    email: &str,
    password: &str,
    from: Option<IpAddr>,
) -> Result<SessionToken> {
    let address = EmailAddress::parse(email).ok();
    let email_key = address.as_ref().map_or_else(|| email.to_lowercase(), EmailAddress::key);
    let account_key = format!("account:{}", token::hash(&email_key));
    let from_key = from.map(|ip| format!("from:{ip}"));
    let limits = limits((&account_key, FAILURES_AN_ACCOUNT), from_key.as_deref());
    let attempt = Attempt::begin(site, &limits).await?.ok_or(SignInError::TooMany)?;
    let staff = store::staff_by_email(&site.db, &email_key).await?;
    let stored = match &staff {
        Some(staff) => store::password_hash(&site.db, staff.id).await?,
        None => None,
    };
    let right = passwords::verify(password, stored.as_deref(), cost).await;
    let staff = staff.filter(|_| right).ok_or(SignInError::Wrong)?;
    let mut tx = site.db.begin().await?;
    attempt.succeeded(&mut tx, &account_key).await?;
    let session = sessions::open(&mut tx, site, staff.id).await?;
    audit::record(&mut tx, site, Some(staff.id), "signed in", &staff.name, "by password").await?;
    tx.commit().await?;
    Ok(session)
}

fn limits<'a>(own: Limit<'a>, from: Option<&'a str>) -> Vec<Limit<'a>> {
    [own].into_iter().chain(from.map(|key| (key, FAILURES_AN_ADDRESS))).collect()
}

/// Mails a sign-in link to the account of that address, if there is one and not too many were asked for; the one before is
/// void.
///
/// Whoever asked learns nothing either way, and the asking is counted either way (TRUST A22).
///
/// # Errors
/// When the database fails.
pub async fn send_link(site: &Site, email: &EmailAddress, from: Option<IpAddr>) -> crate::db::Result<()> {
    let key = format!("link:{}", token::hash(&email.key()));
    let from_key = from.map(|ip| format!("link-from:{ip}"));
    if Attempt::begin(site, &limits((&key, LINKS_AN_ACCOUNT), from_key.as_deref())).await?.is_none() {
        return Ok(());
    }
    let Some(staff) = store::staff_by_email(&site.db, &email.key()).await? else { return Ok(()) };
    let mut tx = site.db.begin().await?;
    let path = new_path(&mut tx, site, &staff.public_id).await?;
    let to = To { name: &staff.name, email: &staff.email };
    mails::enqueue_sign_in_link(&mut tx, site, to, &path).await?;
    tx.commit().await
}

/// The path of a sign-in link for an account, in the place of the one before: for whoever runs the program.
///
/// # Errors
/// When the database fails.
pub async fn link_path(site: &Site, public_id: &str) -> crate::db::Result<String> {
    let mut tx = site.db.begin().await?;
    let path = new_path(&mut tx, site, public_id).await?;
    tx.commit().await?;
    Ok(path)
}

async fn new_path(tx: &mut Tx, site: &Site, public_id: &str) -> crate::db::Result<String> {
    let link = one_time::make(tx, site, Purpose::SignIn, public_id, LINK_LASTS).await?;
    Ok(format!("/desk/sign-in/{link}"))
}

/// Whom a sign-in link is for, while it works. Changes nothing: mail scanners open links.
///
/// # Errors
/// [`SignInError::Link`] for every link that does not work.
pub async fn linked(site: &Site, link: &str) -> Result<Staff> {
    Ok(open_link(site, link).await?.0)
}

async fn open_link(site: &Site, link: &str) -> Result<(Staff, Link)> {
    let link = Link::open(site, Purpose::SignIn, link).ok_or(SignInError::Link)?;
    if !link.works(&site.db).await? {
        return Err(SignInError::Link);
    }
    let staff = store::staff_by_public_id(&site.db, &link.subject).await?;
    Ok((staff.ok_or(SignInError::Link)?, link))
}

/// Opens a session for a link, which is worth nothing afterwards.
///
/// # Errors
/// [`SignInError::Link`], or the database.
pub async fn by_link(site: &Site, link: &str) -> Result<SessionToken> {
    let (staff, link) = open_link(site, link).await?;
    let mut tx = site.db.begin().await?;
    if !link.use_up(&mut tx).await? {
        return Err(SignInError::Link);
    }
    let session = sessions::open(&mut tx, site, staff.id).await?;
    audit::record(&mut tx, site, Some(staff.id), "signed in", &staff.name, "by link").await?;
    tx.commit().await?;
    Ok(session)
}
