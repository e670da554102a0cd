//! Signing in: by password, or by a link that works once for ten minutes.
//!
//! An unknown address, a wrong password and an account without a password get the same answer after the same work
//! (TRUST A22). Failures are counted per account and per network address; past the limit nothing is tried until the oldest
//! is a quarter of an hour old (TRUST A21). The link is never held back by failed passwords, so nobody can be locked out.

use std::{net::IpAddr, time::Duration};

use super::{
    PasswordCost, Staff, audit,
    mails::{self, To},
    passwords,
    sessions::{self, SessionToken},
    store,
};
use crate::{
    email_address::EmailAddress,
    site::Site,
    token::{self, Purpose},
};

/// How long a sign-in link works (ASVS 6.5.5).
pub const LINK_LASTS: Duration = Duration::from_secs(600);
const WINDOW: Duration = Duration::from_secs(900);
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
    let since = site.now().minus(WINDOW);
    let mut too_many = store::count_failures(&site.db, &account_key, since).await? >= FAILURES_AN_ACCOUNT;
    if let Some(key) = &from_key {
        too_many |= store::count_failures(&site.db, key, since).await? >= FAILURES_AN_ADDRESS;
    }
    if too_many {
        return Err(SignInError::TooMany);
    }
    let staff = store::staff_by_email(&site.db, &email_key).await?;
    let stored = match &staff {
        Some(staff) => store::password_hash(&site.db, staff.id).await?,
        None => None,
    };
    let right = passwords::verify(password, stored.as_deref(), cost).await;
    let mut tx = site.db.begin().await?;
    let Some(staff) = staff.filter(|_| right) else {
        store::insert_failure(&mut tx, &account_key, site.now()).await?;
        if let Some(key) = &from_key {
            store::insert_failure(&mut tx, key, site.now()).await?;
        }
        tx.commit().await?;
        return Err(SignInError::Wrong);
    };
    store::delete_failures(&mut tx, &account_key).await?;
    let session = sessions::open(&mut tx, site, staff.id).await?;
    audit::record(&mut tx, site, Some(staff.id), "signed in", &staff.name, "by password").await?;
    tx.commit().await?;
    Ok(session)
}

/// Mails a sign-in link to the account of that address, if there is one and not too many were asked for.
///
/// Whoever asked learns nothing either way, and the asking is counted either way (TRUST A22).
///
/// # Errors
/// When the database fails.
pub async fn send_link(site: &Site, email: &EmailAddress, from: Option<IpAddr>) -> crate::db::Result<()> {
    let key = format!("link:{}", token::hash(&email.key()));
    let from_key = from.map(|ip| format!("link-from:{ip}"));
    let since = site.now().minus(WINDOW);
    let mut too_many = store::count_failures(&site.db, &key, since).await? >= LINKS_AN_ACCOUNT;
    if let Some(key) = &from_key {
        too_many |= store::count_failures(&site.db, key, since).await? >= FAILURES_AN_ADDRESS;
    }
    if too_many {
        return Ok(());
    }
    let staff = store::staff_by_email(&site.db, &email.key()).await?;
    let mut tx = site.db.begin().await?;
    store::insert_failure(&mut tx, &key, site.now()).await?;
    if let Some(key) = &from_key {
        store::insert_failure(&mut tx, key, site.now()).await?;
    }
    if let Some(staff) = staff {
        let path = link_path(site, staff.id);
        let to = To { name: &staff.name, email: &staff.email };
        mails::enqueue_sign_in_link(&mut tx, site, to, &path).await?;
    }
    tx.commit().await
}

/// The path of a sign-in link for an account; for whoever runs the program, and for [`send_link`].
#[must_use]
pub fn link_path(site: &Site, staff_id: i64) -> String {
    let scope = format!("{staff_id}.{}", token::public_id());
    format!("/desk/sign-in/{}", site.keys.sign(Purpose::SignIn, &scope, Some(site.now().plus(LINK_LASTS))))
}

/// Whom a sign-in link is for, while it works. Changes nothing: mail scanners open links.
///
/// # Errors
/// [`SignInError::Link`] for every link that does not work.
pub async fn linked(site: &Site, link: &str) -> Result<Staff> {
    let scope = site.keys.verify(Purpose::SignIn, link, site.now()).map_err(|_| SignInError::Link)?;
    let id = scope.split('.').next().and_then(|id| id.parse().ok()).ok_or(SignInError::Link)?;
    if store::token_used(&site.db, &token::hash(link)).await? {
        return Err(SignInError::Link);
    }
    store::staff_by_id(&site.db, id).await?.ok_or(SignInError::Link)
}

/// Opens a session for a link, which is worth nothing afterwards.
///
/// # Errors
/// [`SignInError::Link`], or the database.
pub async fn by_link(site: &Site, link: &str) -> Result<SessionToken> {
    let staff = linked(site, link).await?;
    let mut tx = site.db.begin().await?;
    if !store::use_token(&mut tx, &token::hash(link), site.now()).await? {
        return Err(SignInError::Link);
    }
    let session = sessions::open(&mut tx, site, staff.id).await?;
    audit::record(&mut tx, site, Some(staff.id), "signed in", &staff.name, "by link").await?;
    tx.commit().await?;
    Ok(session)
}
