//! The team: accounts and roles, passwords, sessions, signing in, the settings an editor decides, and the audit log.
//!
//! The rules: a secret (password, session, link) is stored only as a hash; whatever takes a role, a password or an account
//! away also ends the sessions that lived by it and makes the links void that were mailed before, in the same transaction;
//! the last owner cannot be removed.

pub mod accounts;
pub mod audit;
pub mod incoming;
mod mails;
mod one_time;
pub mod passwords;
mod role;
pub mod sessions;
pub mod set_up;
pub mod settings;
pub mod sign_in;
mod store;
pub mod weak;

pub use self::{
    accounts::{AccountError, Member, Staff},
    incoming::Incoming,
    passwords::PasswordCost,
    role::Role,
    settings::{ArticlesAt, Settings},
    store::STATEMENTS,
};
use crate::{db::Result, site::Site};

/// Forgets what no longer matters: sessions past their end, links that expired long ago.
///
/// # Errors
/// When the database fails.
pub async fn tidy(site: &Site) -> Result<()> {
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
    let now = site.now();
    let mut tx = site.db.begin().await?;
    store::delete_old_sessions(&mut tx, now.minus(sessions::IDLE), now.minus(sessions::ABSOLUTE)).await?;
    store::delete_old_used_tokens(&mut tx, now.minus(DAY * 30)).await?;
    tx.commit().await
}
