//! The team: accounts and roles, passwords, sessions, and signing in.
//!
//! The rules: a secret (password, session, link) is stored only as a hash; whatever takes a role, a password or an account
//! away also ends the sessions that lived by it and makes the links void that were mailed before, in the same transaction;
//! the last owner cannot be removed.

pub mod accounts;
pub mod crowds;
mod incoming;
pub mod letters;
pub mod mail_services;
mod mails;
mod one_time;
pub mod passwords;
mod role;
mod rows;
pub mod sessions;
pub mod set_up;
pub mod sign_in;
pub mod signing_keys;
mod store;
pub mod weak;

pub use self::{
    accounts::{AccountError, Member, Staff},
    incoming::Incoming,
    passwords::PasswordCost,
    role::Role,
    store::STATEMENTS,
};
pub(crate) use store::{FORGET_FUTURE_SESSIONS, FORGET_SESSIONS, FORGET_USED_TOKENS};
