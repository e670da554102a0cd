//! Signing in: by password, or by a link that works once for ten minutes.
//!
//! An unknown address, a wrong password and an account without a password get the same answer after the same work
//! (TRUST A22). Tries are counted per account and per network before they are judged, and before a hash is worked out; past the
//! limit nothing is tried until a quarter of an hour is over (TRUST A21). A network from which somebody signed in lately has a
//! limit of its own for that account, so that strangers do not keep them out; and the link is never held back by failed passwords.

use std::time::Duration;

use super::{
    Incoming, Staff,
    incoming::{NotNow, may_be_refused},
    mails::{self, To},
    one_time::{self, Link},
    passwords::Busy,
    sessions::{self, SessionToken},
    store,
};
use crate::{
    attempts::{self, Attempt, Limit, Limited, Refusal},
    audit_log,
    db::Tx,
    delivery,
    email_address::EmailAddress,
    mail::{EmailTemplate as _, SignInLink},
    network::Network,
    settings::Settings,
    site::Site,
    token::Purpose,
};
/// How long a sign-in link works (ASVS 6.5.5).
pub const LINK_LASTS: Duration = Duration::from_secs(600);

const GUESSES_AT_AN_ACCOUNT: Limit = Limit::in_a_quarter_of_an_hour("sign in: account", 10);
const GUESSES_FROM_A_KNOWN_NETWORK: Limit =
    Limit::in_a_quarter_of_an_hour("sign in: account and network", 10);
const GUESSES_FROM_A_NETWORK: Limit = Limit::in_a_quarter_of_an_hour("sign in: network", 50);
// No longer than a link works: whoever may not be mailed another one has one that works.
const LINKS_TO_AN_ACCOUNT: Limit = Limit::within("sign-in link: account", 3, LINK_LASTS);
const LINKS_TO_A_KNOWN_NETWORK: Limit = Limit::within("sign-in link: account and network", 3, LINK_LASTS);
const LINKS_FROM_A_NETWORK: Limit = Limit::in_a_quarter_of_an_hour("sign-in link: network", 50);

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Address and password do not belong together, for whatever reason.
    #[error("That email address and password do not belong together.")]
    Wrong,
    /// Too many tries lately; how long until the next may come.
    #[error("Too many tries. Wait a quarter of an hour, or sign in with a link by email.")]
    TooMany(Duration),
    /// Too many people at this moment.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The link was used before, is too old, or was never ours.
    #[error("This link no longer works.")]
    Link,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

may_be_refused!(SignInError);

type Result<T> = std::result::Result<T, SignInError>;

/// Opens a session for the right password.
///
/// # Errors
/// [`SignInError::Wrong`], [`SignInError::TooMany`], [`SignInError::Busy`], or the database.
pub async fn by_password(
    site: &Site,
    incoming: &Incoming,
    email: &str,
    password: &str,
) -> Result<SessionToken> {
    let address = EmailAddress::parse(email).ok();
    let email_key = address.as_ref().map_or_else(|| email.to_lowercase(), EmailAddress::key);
    let [strangers, known] = [GUESSES_AT_AN_ACCOUNT, GUESSES_FROM_A_KNOWN_NETWORK];
    let at_account = at_account(site, &email_key, incoming.from, strangers, known).await?;
    let mut limits = vec![at_account.clone()];
    limits.extend(incoming.from.map(|network| GUESSES_FROM_A_NETWORK.on(&network.to_string())));
    let (attempt, place) = incoming.knock(site, &limits).await?;
    let staff = store::staff_by_email(&site.db, &email_key).await?;
    let stored = match &staff {
        Some(staff) => store::password_hash(&site.db, staff.id).await?,
        None => None,
    };
    let right = place.verify(password, stored.as_deref(), incoming.cost).await;
    let (staff, stored) = staff.zip(stored).filter(|_| right).ok_or(SignInError::Wrong)?;
    let mut tx = site.db.begin().await?;
    // The account's row first, as whoever sets a password does: what was right a moment ago may be so no more.
    if !store::replace_password(&mut tx, staff.id, &stored, &stored).await? {
        return Err(SignInError::Wrong);
    }
    attempt.give_back(&mut tx).await?;
    attempts::forget(&mut tx, site, &at_account).await?;
    let session = sessions::open(&mut tx, site, &staff, incoming).await?;
    audit_log::record(&mut tx, site, Some(staff.id), "signed in", &staff.name, "by password").await?;
    tx.commit().await?;
    Ok(session)
}

/// The limit that holds tries at an account: one that all strangers share, and one for each network from which somebody signed
/// in lately, so that strangers keep nobody out.
async fn at_account(
    site: &Site,
    email_key: &str,
    from: Option<Network>,
    strangers: Limit,
    known: Limit,
) -> crate::db::Result<Limited> {
    Ok(match from {
        Some(network) if sessions::is_known(site, email_key, network).await? => {
            known.on(&sessions::known(email_key, network))
        }
        _ => strangers.on(email_key),
    })
}

/// Mails a sign-in link to the account of that address, if there is one and not too many were asked for; the one before is
/// void.
///
/// Whoever asked learns nothing either way, and the asking is counted either way (TRUST A22).
pub async fn send_link(site: &Site, email: &EmailAddress, from: Option<Network>) -> crate::db::Result<()> {
    let [strangers, known] = [LINKS_TO_AN_ACCOUNT, LINKS_TO_A_KNOWN_NETWORK];
    let mut limits = vec![at_account(site, &email.key(), from, strangers, known).await?];
    limits.extend(from.map(|network| LINKS_FROM_A_NETWORK.on(&network.to_string())));
    match Attempt::begin(site, &limits).await {
        Ok(_stays_counted) => {}
        Err(Refusal::TooMany(_)) => return Ok(()),
        Err(Refusal::Database(error)) => return Err(error),
    }
    if let Some(staff) = store::staff_by_email(&site.db, &email.key()).await? {
        let mut tx = site.db.begin().await?;
        let path = new_path(&mut tx, site, &staff.public_id).await?;
        let to = To { name: &staff.name, email: &staff.email };
        let mailed = mails::enqueue_sign_in_link(&mut tx, site, to, (&path, LINK_LASTS)).await?;
        tx.commit().await?;
        if mailed {
            return Ok(());
        }
    }
    let letterhead = Settings::load(&site.db).await?.letterhead(site);
    delivery::rehearse(site, &letterhead, &SignInLink::sample());
    Ok(())
}

/// The path of a sign-in link for an account, in the place of the one before: for whoever runs the program.
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
pub async fn by_link(site: &Site, incoming: &Incoming, link: &str) -> Result<SessionToken> {
    let (staff, link) = open_link(site, link).await?;
    let mut tx = site.db.begin().await?;
    if !link.use_up(&mut tx).await? {
        return Err(SignInError::Link);
    }
    let session = sessions::open(&mut tx, site, &staff, incoming).await?;
    audit_log::record(&mut tx, site, Some(staff.id), "signed in", &staff.name, "by link").await?;
    tx.commit().await?;
    Ok(session)
}
