//! What the rows of the team say.

use super::Role;
use crate::{clock::Moment, email_address::EmailAddress};

/// Someone who may sign in now.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Staff {
    pub id: i64,
    /// What URLs call them.
    pub public_id: String,
    /// Where their mail goes.
    pub email: EmailAddress,
    /// What the desk calls them.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// One line of the team page.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Member {
    pub id: i64,
    /// What URLs call them.
    pub public_id: String,
    /// Where their mail goes.
    pub email: EmailAddress,
    /// What the desk calls them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have set a password yet.
    pub joined: bool,
    /// When they were added.
    pub created_at: Moment,
    /// Since when they may no longer sign in.
    pub disabled_at: Option<Moment>,
}

/// An open session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose it is, as they are now.
    pub staff: Staff,
    /// The hash of the token: names the session where its secret must not go.
    pub hash: String,
}
