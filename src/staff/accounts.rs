//! The members of the team: adding, changing and disabling them.

use std::time::Duration;

pub use super::rows::{Member, Staff};
use super::{
    Incoming, Role,
    incoming::{NotNow, may_be_refused},
    mails::{self, To},
    one_time::{self, Link},
    passwords::Busy,
    sessions, store,
    weak::{self, AboutWhom, PasswordError},
};
use crate::{
    attempts::{self, Limit},
    audit_log,
    clock::Moment,
    db::{Db, Tx},
    email_address::EmailAddress,
    origin::{self, Standing},
    settings::Settings,
    site::Site,
    token::{self, Purpose},
};

/// How long an invitation can be taken up.
pub const INVITE_LASTS: Duration = Duration::from_secs(7 * 86_400);
/// How often the present password may be tried at a session that somebody left open.
const PRESENT_PASSWORDS: Limit = Limit::in_a_quarter_of_an_hour("present password", 10);

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Another member has that address.
    #[error("Somebody on the team already has that email address.")]
    AddressTaken,
    /// There is no such member.
    #[error("There is no such person on the team.")]
    NotFound,
    /// Somebody else gave them another role, or took their access away or back, since it was looked at.
    #[error("Somebody else changed it since you opened the page.")]
    Changed,
    /// It would leave nobody to run the team.
    #[error("The magazine needs at least one owner. Make somebody else an owner first.")]
    LastOwner,
    /// The password breaks a rule.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The present password was not given right.
    #[error("That is not your present password.")]
    WrongPassword,
    /// It was tried too often lately; how long until the next try.
    #[error("Too many tries. Wait a quarter of an hour before you change your password.")]
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

may_be_refused!(AccountError);

type Result<T> = std::result::Result<T, AccountError>;

/// Somebody new on the team.
#[derive(Clone, Debug)]
pub struct NewMember<'a> {
    /// What the desk will call them.
    pub name: &'a str,
    /// Where the invitation goes.
    pub email: &'a EmailAddress,
    /// What they may do.
    pub role: Role,
}

/// The account with that address.
pub async fn by_email(db: &Db, email: &EmailAddress) -> crate::db::Result<Option<Staff>> {
    store::staff_by_email(db, &email.key()).await
}

/// Everybody on the team, the disabled last.
pub async fn members(db: &Db) -> crate::db::Result<Vec<Member>> {
    store::members(db).await
}

/// As [`members`], from a place on: after one who is disabled or not, was added then, and has that key.
pub async fn members_page(
    db: &Db,
    after: Option<(bool, Moment, i64)>,
    limit: i64,
) -> crate::db::Result<Vec<Member>> {
    store::members_page(db, after.unwrap_or((false, Moment(i64::MIN), 0)), limit).await
}

/// Somebody on the team, disabled or not.
pub async fn member(db: &Db, public_id: &str) -> crate::db::Result<Option<Member>> {
    store::member(db, public_id).await
}

/// How somebody takes up their place.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The page, `/desk/join/…`; works once.
    pub path: String,
    /// Whether it went out by mail: not while mail to their address is stopped.
    pub mailed: bool,
}

/// Adds somebody without a password, and mails them an invitation.
///
/// # Errors
/// [`AccountError::AddressTaken`], or the database.
pub async fn add_member(site: &Site, by: Option<i64>, new: NewMember<'_>) -> Result<Invitation> {
    let mut tx = site.db.begin().await?;
    let public_id = token::public_id();
    let staff = store::NewStaff {
        public_id: &public_id,
        email: new.email.as_str(),
        email_key: &new.email.key(),
        name: new.name,
        role: new.role,
        password_hash: None,
        now: site.now(),
    };
    store::insert_staff(&mut tx, staff).await?.ok_or(AccountError::AddressTaken)?;
    audit_log::record(&mut tx, site, by, "added to the team", new.name, new.role.as_str()).await?;
    let to = To { name: new.name, email: new.email };
    let invitation = invite(&mut tx, site, by, &public_id, to, new.role).await?;
    tx.commit().await?;
    Ok(invitation)
}

/// How somebody on the team stood on the page of whoever acts on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenMember {
    /// What they might do.
    pub role: Role,
    /// Whether they might not sign in.
    pub disabled: bool,
}

impl Member {
    /// How they stand, for a page that shows them.
    #[must_use]
    pub const fn seen(&self) -> SeenMember {
        SeenMember { role: self.role, disabled: self.disabled_at.is_some() }
    }
}

/// A member who still stands as they were seen; nobody changes them until the commit.
async fn as_seen(tx: &mut Tx, public_id: &str, seen: SeenMember) -> Result<Member> {
    store::lock_owners(tx).await?;
    let member = store::member_by_public_id(tx, public_id).await?.ok_or(AccountError::NotFound)?;
    if member.seen() == seen { Ok(member) } else { Err(AccountError::Changed) }
}

/// A fresh invitation for somebody who lost theirs, or their password; what they were sent before is void.
///
/// # Errors
/// [`AccountError::NotFound`] if they are not on the team any more, [`AccountError::Changed`] unless they are as seen, or the
/// database.
pub async fn invite_again(
    site: &Site,
    by: Option<i64>,
    public_id: &str,
    seen: SeenMember,
) -> Result<(Member, Invitation)> {
    let mut tx = site.db.begin().await?;
    let member = as_seen(&mut tx, public_id, seen).await?;
    if seen.disabled {
        return Err(AccountError::NotFound);
    }
    audit_log::record(&mut tx, site, by, "invited again", &member.name, "").await?;
    let to = To { name: &member.name, email: &member.email };
    let invitation = invite(&mut tx, site, by, &member.public_id, to, member.role).await?;
    tx.commit().await?;
    Ok((member, invitation))
}

async fn invite(
    tx: &mut Tx,
    site: &Site,
    by: Option<i64>,
    public_id: &str,
    to: To<'_>,
    role: Role,
) -> Result<Invitation> {
    one_time::void(tx, public_id).await?;
    let link = one_time::make(tx, site, Purpose::Invite, public_id, INVITE_LASTS).await?;
    let path = format!("/desk/join/{link}");
    let invited_by = match by {
        Some(id) => store::staff_name(tx, id).await?,
        None => None,
    };
    let mailed =
        mails::enqueue_invite(tx, site, to, role, invited_by.as_deref(), (&path, INVITE_LASTS)).await?;
    Ok(Invitation { path, mailed })
}

/// Whom an invitation is for, while it can still be taken up.
///
/// # Errors
/// [`AccountError::Link`] for every link that does not work.
pub async fn invited(site: &Site, link: &str) -> Result<Staff> {
    Ok(open_invitation(site, link).await?.0)
}

async fn open_invitation(site: &Site, link: &str) -> Result<(Staff, Link)> {
    let link = Link::open(site, Purpose::Invite, link).ok_or(AccountError::Link)?;
    // A copy, or a restored backup that nobody has settled yet, does not know which invitations were used.
    if !link.works(&site.db).await? || origin::look(site).await? != Standing::AtHome {
        return Err(AccountError::Link);
    }
    let staff = store::staff_by_public_id(&site.db, &link.subject).await?;
    Ok((staff.ok_or(AccountError::Link)?, link))
}

/// Takes up an invitation: sets the password, ends older sessions, and opens one.
///
/// # Errors
/// [`AccountError::Link`], [`AccountError::Password`], [`AccountError::Busy`], or the database.
pub async fn join(
    site: &Site,
    incoming: &Incoming,
    link: &str,
    password: &str,
) -> Result<sessions::SessionToken> {
    let (staff, link) = open_invitation(site, link).await?;
    check_new(site, &staff, password).await?;
    let hash = incoming.hasher.enter(incoming.from)?.hash(password, incoming.cost).await;
    let mut tx = site.db.begin().await?;
    // The account's row first, as everything that makes links void does: two that meet wait in line.
    if !store::set_password(&mut tx, staff.id, &hash).await? || !link.use_up(&mut tx).await? {
        return Err(AccountError::Link);
    }
    let session = begin_anew(&mut tx, site, &staff, incoming).await?;
    audit_log::record(&mut tx, site, Some(staff.id), "joined", &staff.name, "").await?;
    tx.commit().await?;
    Ok(session)
}

async fn check_new(site: &Site, staff: &Staff, password: &str) -> Result<()> {
    let magazine = Settings::load(&site.db).await?.magazine_name;
    let about = AboutWhom { email: &staff.email, name: &staff.name, magazine: &magazine };
    Ok(weak::check(password, about)?)
}

/// Changes one's own password; every session of the account ends and one new opens, and links mailed before are void.
///
/// # Errors
/// [`AccountError::WrongPassword`], [`AccountError::Password`], [`AccountError::TooMany`], [`AccountError::Busy`], or the database.
pub async fn change_password(
    site: &Site,
    incoming: &Incoming,
    staff: &Staff,
    present: &str,
    new: &str,
) -> Result<sessions::SessionToken> {
    // Of one session: whoever found a desk open does not keep its owner from changing the password at another.
    let session = incoming.session.as_ref().map_or(&staff.public_id, |session| &session.hash);
    let tries = PRESENT_PASSWORDS.on(session);
    let (attempt, place) = incoming.knock(site, std::slice::from_ref(&tries)).await?;
    let stored = store::password_hash(&site.db, staff.id).await?.unwrap_or_default();
    if !place.verify(present, Some(&stored), incoming.cost).await {
        return Err(AccountError::WrongPassword);
    }
    let mut tx = site.db.begin().await?;
    attempt.give_back(&mut tx).await?;
    attempts::forget(&mut tx, site, &tries).await?;
    tx.commit().await?;
    check_new(site, staff, new).await?;
    let hash = place.hash(new, incoming.cost).await;
    let mut tx = site.db.begin().await?;
    if !store::replace_password(&mut tx, staff.id, &stored, &hash).await? {
        return Err(AccountError::WrongPassword);
    }
    let session = begin_anew(&mut tx, site, staff, incoming).await?;
    audit_log::record(&mut tx, site, Some(staff.id), "changed the password", "", "").await?;
    tx.commit().await?;
    Ok(session)
}

/// After a new password: what was mailed before is void, every session ends, and one opens.
async fn begin_anew(
    tx: &mut Tx,
    site: &Site,
    staff: &Staff,
    incoming: &Incoming,
) -> Result<sessions::SessionToken> {
    shut_out(tx, staff.id, &staff.public_id).await?;
    Ok(sessions::open(tx, site, staff, incoming).await?)
}

/// Nothing opens the account that did before: no link, no session. In this order: a link that is used at this moment has
/// opened its session when we come to the sessions.
async fn shut_out(tx: &mut Tx, staff_id: i64, public_id: &str) -> crate::db::Result<u64> {
    one_time::void(tx, public_id).await?;
    store::delete_sessions_of(tx, staff_id).await
}

/// Gives somebody another role; their sessions end (TRUST A20), and links mailed before are void. Who has not joined yet gets
/// a new invitation in the place of theirs.
///
/// # Errors
/// [`AccountError::LastOwner`], [`AccountError::NotFound`], [`AccountError::Changed`] unless they are as seen, or the database.
pub async fn change_role(
    site: &Site,
    by: Option<i64>,
    public_id: &str,
    seen: SeenMember,
    role: Role,
) -> Result<Option<(Member, Invitation)>> {
    let mut tx = site.db.begin().await?;
    let member = as_seen(&mut tx, public_id, seen).await?;
    let mut invited_anew = None;
    if store::set_role(&mut tx, member.id, role).await? {
        keep_an_owner(&mut tx).await?;
        shut_out(&mut tx, member.id, &member.public_id).await?;
        let detail = format!("{} to {role}", member.role);
        audit_log::record(&mut tx, site, by, "changed role", &member.name, &detail).await?;
        if !member.joined && member.disabled_at.is_none() {
            let to = To { name: &member.name, email: &member.email };
            let invitation = invite(&mut tx, site, by, &member.public_id, to, role).await?;
            invited_anew = Some((member, invitation));
        }
    }
    tx.commit().await?;
    Ok(invited_anew)
}

/// Shuts somebody out at once, or lets them in again: the other of what was seen.
///
/// # Errors
/// As [`change_role`].
pub async fn set_disabled(site: &Site, by: Option<i64>, public_id: &str, seen: SeenMember) -> Result<()> {
    let disabled = !seen.disabled;
    let mut tx = site.db.begin().await?;
    let member = as_seen(&mut tx, public_id, seen).await?;
    let changed = if disabled {
        store::set_disabled(&mut tx, member.id, site.now()).await?
    } else {
        store::set_enabled(&mut tx, member.id).await?
    };
    if changed {
        keep_an_owner(&mut tx).await?;
        shut_out(&mut tx, member.id, &member.public_id).await?;
        let action = if disabled { "disabled" } else { "enabled" };
        audit_log::record(&mut tx, site, by, action, &member.name, "").await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The caller drops the transaction when this fails, so the change is undone.
async fn keep_an_owner(tx: &mut Tx) -> Result<()> {
    if store::owners(tx).await? == 0 { Err(AccountError::LastOwner) } else { Ok(()) }
}

/// Voids every link that works once and was not used: a restored backup does not know which were. How many those were.
pub async fn void_all_links(tx: &mut Tx) -> crate::db::Result<u64> {
    store::void_all_links(tx).await
}
