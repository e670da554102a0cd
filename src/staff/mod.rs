//! The team: accounts and roles, passwords, sessions, and signing in.
//!
//! The rules: a secret (password, session, link) is stored only as a hash; whatever takes a role, a password or an account
//! away also ends the sessions that lived by it and makes the links void that were mailed before, in the same transaction;
//! the last owner cannot be removed.
//!
//! It may call the settings, the ledger of letters (`delivery`), `attempts` and the log; whoever writes to the team calls it: [`tell`],
//! with [`owners`] or [`treasurers`]. Start reading at `sign_in.rs`; who is let in by a page says `web/guard.rs`.

mod accounts;
mod crowds;
mod incoming;
mod letters;
mod mail_services;
mod mails;
mod one_time;
mod passwords;
mod role;
mod rows;
mod sessions;
mod set_up;
mod sign_in;
mod signing_keys;
mod store;
mod weak;

pub use self::{
    accounts::{
        AccountError, Invitation, Member, NewMember, SeenMember, Staff, add_member, by_email,
        change_password, change_role, invite_again, invited, join, member, members, members_page,
        set_disabled, void_all_links,
    },
    crowds::{ClosedDoor, lately as closed_lately, tell as tell_of_closed},
    incoming::Incoming,
    letters::{owners, team, tell, treasurers},
    mail_services::tell as tell_of_mail_services,
    passwords::{Busy, Hasher, PasswordCost},
    role::Role,
    sessions::{
        ABSOLUTE as SESSION_LASTS, Session, SessionToken, end as end_session,
        end_all_but as end_sessions_but, find as find_session, open as open_session,
    },
    set_up::{FirstOwner, SetUpError, check as check_set_up, make_first_owner, path as set_up_path, set_up},
    sign_in::{
        LINK_LASTS as SIGN_IN_LINK_LASTS, SignInError, by_link as sign_in_by_link,
        by_password as sign_in_by_password, link_path as sign_in_link_path, linked as whose_sign_in_link,
        send_link as send_sign_in_link,
    },
    signing_keys::{
        make as make_signing_key, retire as retire_signing_key, switch_on as switch_on_signing_key,
    },
    store::STATEMENTS,
    weak::{AboutWhom, PasswordError, check as check_password},
};
pub(crate) use store::{FORGET_FUTURE_SESSIONS, FORGET_SESSIONS, FORGET_USED_TOKENS};
