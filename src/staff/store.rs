//! The statements of the team.

use super::{
    Role,
    rows::{Member, Staff},
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    MEMBERS = "select id, public_id, email, name, role, password_hash is not null as joined, created_at, disabled_at
        from staff order by disabled_at is not null, created_at, id";
    /// The same, from a place on.
    MEMBERS_PAGE = "select id, public_id, email, name, role, password_hash is not null as joined, created_at, disabled_at
        from staff where (case when disabled_at is null then 0 else 1 end, created_at, id) > ($1, $2, $3)
        order by case when disabled_at is null then 0 else 1 end, created_at, id limit $4";
    STAFF_NAME = "select name from staff where id = $1";
    STAFF_BY_PUBLIC_ID = "select id, public_id, email, name, role from staff where public_id = $1 and disabled_at is null";
    STAFF_BY_EMAIL = "select id, public_id, email, name, role from staff where email_key = $1 and disabled_at is null";
    MEMBER_BY_PUBLIC_ID = "select id, public_id, email, name, role, password_hash is not null as joined, created_at,
        disabled_at from staff where public_id = $1";
    OWNERS = "select count(*) from staff where role = 'owner' and disabled_at is null";
    // Without `disabled_at`: set-up stays closed whatever became of the first owner.
    ANY_OWNER = "select count(*) from staff where role = 'owner'";
    PASSWORD_HASH = "select password_hash from staff where id = $1 and disabled_at is null";
    INSERT_STAFF = "insert into staff (public_id, email, email_key, name, role, password_hash, created_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning id";
    // Touches every owner's row, so that on PostgreSQL two owners who remove each other wait in line.
    LOCK_OWNERS = "update staff set role = role where role = 'owner'";
    SET_ROLE = "update staff set role = $2 where id = $1 and role <> $2";
    SET_DISABLED = "update staff set disabled_at = $2 where id = $1 and disabled_at is null";
    SET_ENABLED = "update staff set disabled_at = null where id = $1 and disabled_at is not null";
    SET_PASSWORD = "update staff set password_hash = $2 where id = $1 and disabled_at is null";
    // Also in its own place: until the commit nobody sets another one.
    REPLACE_PASSWORD = "update staff set password_hash = $3 where id = $1 and password_hash = $2 and disabled_at is null";

    INSERT_SESSION = "insert into staff_session (token_hash, staff_id, created_at, last_seen_at) values ($1, $2, $3, $3)";
    SESSION = "select s.id, s.public_id, s.email, s.name, s.role, n.created_at, n.last_seen_at
        from staff_session n join staff s on s.id = n.staff_id
        where n.token_hash = $1 and s.disabled_at is null";
    TOUCH_SESSION = "update staff_session set last_seen_at = $2 where token_hash = $1 and last_seen_at < $2";
    DELETE_SESSION = "delete from staff_session where token_hash = $1";
    DELETE_SESSIONS_OF = "delete from staff_session where staff_id = $1";
    DELETE_SESSIONS_BUT = "delete from staff_session where token_hash <> $1";
    /// One that was idle for too long is void at once, and goes with the others.
    pub(crate) FORGET_SESSIONS = "delete from staff_session where token_hash in (select token_hash from staff_session
        where created_at < $1 order by created_at limit $2)";
    /// What began later than the clocks of two machines may be apart: it is no session, and would be one again in time.
    pub(crate) FORGET_FUTURE_SESSIONS = "delete from staff_session where token_hash in (select token_hash from staff_session
        where created_at > cast($1 as bigint) + 300000000 order by created_at limit $2)";

    USE_TOKEN = "insert into used_token (token_hash, used_at) values ($1, $2) on conflict do nothing";
    // What older versions wrote, and the row that closes set-up.
    pub(crate) FORGET_USED_TOKENS = "delete from used_token where token_hash in (select token_hash from used_token
        where used_at < $1 and token_hash <> 'set-up' order by used_at limit $2)";

    REPLACE_LINK = "insert into one_time_link (purpose, subject, nonce, created_at) values ($1, $2, $3, $4)
        on conflict (purpose, subject) do update set nonce = excluded.nonce, created_at = excluded.created_at";
    LINK_WORKS = "select count(*) from one_time_link where purpose = $1 and subject = $2 and nonce = $3";
    USE_LINK = "delete from one_time_link where purpose = $1 and subject = $2 and nonce = $3";
    VOID_ALL_LINKS = "delete from one_time_link";
    VOID_LINKS = "delete from one_time_link where subject = $1";
}

pub(super) async fn members(db: &Db) -> Result<Vec<Member>> {
    db.all(MEMBERS, ()).await
}

pub(super) async fn members_page(
    db: &Db,
    (disabled, created_at, id): (bool, Moment, i64),
    limit: i64,
) -> Result<Vec<Member>> {
    db.all(MEMBERS_PAGE, (i64::from(disabled), created_at, id, limit)).await
}

pub(super) async fn staff_name(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    Ok(tx.opt::<(String,)>(STAFF_NAME, (id,)).await?.map(|row| row.0))
}

pub(super) async fn staff_by_public_id(db: &Db, public_id: &str) -> Result<Option<Staff>> {
    db.opt(STAFF_BY_PUBLIC_ID, (public_id,)).await
}

pub(super) async fn staff_by_email(db: &Db, key: &str) -> Result<Option<Staff>> {
    db.opt(STAFF_BY_EMAIL, (key,)).await
}

pub(super) async fn member(db: &Db, public_id: &str) -> Result<Option<Member>> {
    db.opt(MEMBER_BY_PUBLIC_ID, (public_id,)).await
}

pub(super) async fn member_by_public_id(tx: &mut Tx, public_id: &str) -> Result<Option<Member>> {
    tx.opt(MEMBER_BY_PUBLIC_ID, (public_id,)).await
}

pub(super) async fn owners(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(OWNERS, ()).await?.0)
}

pub(super) async fn any_owner(db: &Db) -> Result<bool> {
    Ok(db.one::<(i64,)>(ANY_OWNER, ()).await?.0 > 0)
}

pub(super) async fn any_owner_in(tx: &mut Tx) -> Result<bool> {
    Ok(tx.one::<(i64,)>(ANY_OWNER, ()).await?.0 > 0)
}

pub(super) async fn password_hash(db: &Db, staff_id: i64) -> Result<Option<String>> {
    Ok(db.opt::<(Option<String>,)>(PASSWORD_HASH, (staff_id,)).await?.and_then(|row| row.0))
}

/// A row of `staff` to be.
pub(super) struct NewStaff<'a> {
    pub(super) public_id: &'a str,
    pub(super) email: &'a str,
    pub(super) email_key: &'a str,
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) password_hash: Option<&'a str>,
    pub(super) now: Moment,
}

pub(super) async fn insert_staff(tx: &mut Tx, new: NewStaff<'_>) -> Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .opt(
            INSERT_STAFF,
            (
                new.public_id,
                new.email,
                new.email_key,
                new.name,
                new.role.as_str(),
                new.password_hash,
                new.now,
            ),
        )
        .await?;
    Ok(row.map(|row| row.0))
}

pub(super) async fn lock_owners(tx: &mut Tx) -> Result<u64> {
    tx.exec(LOCK_OWNERS, ()).await
}

pub(super) async fn set_role(tx: &mut Tx, id: i64, role: Role) -> Result<bool> {
    Ok(tx.exec(SET_ROLE, (id, role.as_str())).await? > 0)
}

pub(super) async fn set_disabled(tx: &mut Tx, id: i64, now: Moment) -> Result<bool> {
    Ok(tx.exec(SET_DISABLED, (id, now)).await? > 0)
}

pub(super) async fn set_enabled(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.exec(SET_ENABLED, (id,)).await? > 0)
}

pub(super) async fn set_password(tx: &mut Tx, id: i64, hash: &str) -> Result<bool> {
    Ok(tx.exec(SET_PASSWORD, (id, hash)).await? > 0)
}

/// False if `old` is not the password any more, or they may not sign in: somebody changed that since it was looked at.
pub(super) async fn replace_password(tx: &mut Tx, id: i64, old: &str, new: &str) -> Result<bool> {
    Ok(tx.exec(REPLACE_PASSWORD, (id, old, new)).await? > 0)
}

/// A session and whose it is.
#[derive(sqlx_macros::FromRow)]
pub(super) struct SessionRow {
    #[sqlx(flatten)]
    pub(super) staff: Staff,
    pub(super) created_at: Moment,
    pub(super) last_seen_at: Moment,
}

pub(super) async fn insert_session(tx: &mut Tx, hash: &str, staff_id: i64, now: Moment) -> Result<()> {
    tx.exec(INSERT_SESSION, (hash, staff_id, now)).await.map(drop)
}

pub(super) async fn session(db: &Db, hash: &str) -> Result<Option<SessionRow>> {
    db.opt(SESSION, (hash,)).await
}

pub(super) async fn touch_session(tx: &mut Tx, hash: &str, now: Moment) -> Result<()> {
    tx.exec(TOUCH_SESSION, (hash, now)).await.map(drop)
}

pub(super) async fn delete_session(tx: &mut Tx, hash: &str) -> Result<()> {
    tx.exec(DELETE_SESSION, (hash,)).await.map(drop)
}

pub(super) async fn delete_sessions_of(tx: &mut Tx, staff_id: i64) -> Result<u64> {
    tx.exec(DELETE_SESSIONS_OF, (staff_id,)).await
}

pub(super) async fn delete_sessions_but(tx: &mut Tx, hash: &str) -> Result<u64> {
    tx.exec(DELETE_SESSIONS_BUT, (hash,)).await
}

/// False if it was used before.
pub(super) async fn use_token(tx: &mut Tx, hash: &str, now: Moment) -> Result<bool> {
    Ok(tx.exec(USE_TOKEN, (hash, now)).await? > 0)
}

/// A link in the database: purpose, subject, nonce.
type Link<'a> = (&'a str, &'a str, &'a str);

pub(super) async fn replace_link(
    tx: &mut Tx,
    (purpose, subject, nonce): Link<'_>,
    now: Moment,
) -> Result<u64> {
    tx.exec(REPLACE_LINK, (purpose, subject, nonce, now)).await
}

pub(super) async fn link_works(db: &Db, link: Link<'_>) -> Result<bool> {
    Ok(db.one::<(i64,)>(LINK_WORKS, link).await?.0 > 0)
}

/// False if it does not work any more.
pub(super) async fn use_link(tx: &mut Tx, link: Link<'_>) -> Result<bool> {
    Ok(tx.exec(USE_LINK, link).await? > 0)
}

pub(super) async fn void_links(tx: &mut Tx, subject: &str) -> Result<u64> {
    tx.exec(VOID_LINKS, (subject,)).await
}

pub(super) async fn void_all_links(tx: &mut Tx) -> Result<u64> {
    tx.exec(VOID_ALL_LINKS, ()).await
}
