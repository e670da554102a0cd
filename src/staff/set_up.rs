//! The first run: one page, opened by a token from the program's log, makes the first owner and closes for good.

use super::{
    Incoming, PasswordCost, Role, Staff,
    one_time::{self, Link},
    passwords::Busy,
    sessions::{self, SessionToken},
    store,
    weak::{self, AboutWhom, PasswordError},
};
use crate::{
    audit_log,
    email_address::EmailAddress,
    settings::{self, Settings},
    site::Site,
    token::{self, Purpose},
};

/// How long the token in the log works; every start of the program prints a new one, and the one before is void.
const LASTS: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);
/// Whose link it is.
const NOBODY_YET: &str = "first-owner";
/// The row of `used_token` that closes set-up. Its unique key is what two racing browsers meet at, on either engine.
const CLOSED: &str = "set-up";

/// Why no owner was made.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// There is an owner already, or the token is wrong: the page does not tell which.
    #[error("Set-up is closed.")]
    Closed,
    /// The password breaks a rule.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Too many people at this moment.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The first owner.
#[derive(Clone, Debug)]
pub struct FirstOwner<'a> {
    /// What the desk will call them.
    pub name: &'a str,
    /// What they sign in with.
    pub email: &'a EmailAddress,
    /// As [`weak::check`] wants it.
    pub password: &'a str,
}

/// The path of the set-up page, with a token to print in the log; none once an owner exists.
pub async fn path(site: &Site) -> crate::db::Result<Option<String>> {
    if store::any_owner(&site.db).await? {
        return Ok(None);
    }
    let mut tx = site.db.begin().await?;
    let token = one_time::make(&mut tx, site, Purpose::SetUp, NOBODY_YET, LASTS).await?;
    tx.commit().await?;
    Ok(Some(format!("/set-up/{token}")))
}

/// Whether the token opens the set-up page now.
///
/// # Errors
/// [`SetUpError::Closed`] when it does not.
pub async fn check(site: &Site, token: &str) -> Result<(), SetUpError> {
    let link = Link::open(site, Purpose::SetUp, token).ok_or(SetUpError::Closed)?;
    if !link.works(&site.db).await? || store::any_owner(&site.db).await? {
        return Err(SetUpError::Closed);
    }
    Ok(())
}

/// Makes the first owner and the first settings, closes set-up, and signs the owner in.
///
/// # Errors
/// [`SetUpError`]; of two that race, one gets [`SetUpError::Closed`] (TRUST A33).
pub async fn set_up(
    site: &Site,
    incoming: &Incoming,
    token: &str,
    owner: FirstOwner<'_>,
    change: impl FnOnce(&mut Settings) + Send,
) -> Result<SessionToken, SetUpError> {
    check(site, token).await?;
    make_owner(site, incoming, owner, change).await
}

/// As [`set_up`] without a token: for whoever runs the program itself, such as the demo.
///
/// # Errors
/// As [`set_up`].
pub async fn make_first_owner(
    site: &Site,
    cost: PasswordCost,
    owner: FirstOwner<'_>,
    change: impl FnOnce(&mut Settings) + Send,
) -> Result<SessionToken, SetUpError> {
    make_owner(site, &Incoming::at_the_terminal(cost), owner, change).await
}

async fn make_owner(
    site: &Site,
    incoming: &Incoming,
    owner: FirstOwner<'_>,
    change: impl FnOnce(&mut Settings) + Send,
) -> Result<SessionToken, SetUpError> {
    let mut decided = Settings::load(&site.db).await?;
    change(&mut decided);
    let about = AboutWhom { email: owner.email, name: owner.name, magazine: &decided.magazine_name };
    weak::check(owner.password, about)?;
    let hash = incoming.hasher.enter(incoming.from)?.hash(owner.password, incoming.cost).await;
    let mut tx = site.db.begin().await?;
    if !store::use_token(&mut tx, CLOSED, site.now()).await? || store::any_owner_in(&mut tx).await? {
        return Err(SetUpError::Closed);
    }
    let public_id = token::public_id();
    let new = store::NewStaff {
        public_id: &public_id,
        email: owner.email.as_str(),
        email_key: &owner.email.key(),
        name: owner.name,
        role: Role::Owner,
        password_hash: Some(&hash),
        now: site.now(),
    };
    let id = store::insert_staff(&mut tx, new).await?.ok_or(SetUpError::Closed)?;
    one_time::void(&mut tx, NOBODY_YET).await?;
    settings::save(&mut tx, site, Some(id), |settings| *settings = decided).await?;
    audit_log::record(&mut tx, site, Some(id), "set the magazine up", owner.name, "").await?;
    let (name, email) = (owner.name.to_owned(), owner.email.clone());
    let staff = Staff { id, public_id, email, name, role: Role::Owner };
    let session = sessions::open(&mut tx, site, &staff, incoming).await?;
    tx.commit().await?;
    Ok(session)
}
