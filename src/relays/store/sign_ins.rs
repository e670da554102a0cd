//! SQL of sign-ins at mail services: whether they are taken, and when the next may be tried.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// What is known of one.
    LOOK = "select taken_at, refused_since, refusals, next_try_at from relay_sign_in where relay = $1 and credentials = $2";
    /// One tries it for all until `$4`, if nobody does now, or the clock that said so was wrong.
    CLAIM = "insert into relay_sign_in (relay, credentials, words, refusals, next_try_at) values ($1, $2, '', 0, $4)
        on conflict (relay, credentials) do update set next_try_at = excluded.next_try_at
            where relay_sign_in.next_try_at <= $3 or relay_sign_in.next_try_at > $5";
    /// It was taken.
    TAKEN = "update relay_sign_in set taken_at = $3, refused_since = null, words = '', refusals = 0, next_try_at = $3
        where relay = $1 and credentials = $2";
    /// It was refused. Those that are refused side by side know of as many refusals before, and are one.
    REFUSED = "insert into relay_sign_in (relay, credentials, refused_since, words, refusals, next_try_at) values ($1, $2, $3, $4, 1, $5)
        on conflict (relay, credentials) do update set taken_at = null,
            refused_since = coalesce(relay_sign_in.refused_since, excluded.refused_since), words = excluded.words,
            refusals = relay_sign_in.refusals + 1, next_try_at = excluded.next_try_at
            where relay_sign_in.refusals = $6";
    /// Whoever was to try it did not come so far.
    UNTRIED = "update relay_sign_in set next_try_at = $3 where relay = $1 and credentials = $2 and next_try_at = $4";
    /// Owners are written to about it, by one.
    TELL = "update relay_sign_in set told_at = $3 where relay = $1 and credentials = $2 and (told_at is null or told_at = $4)";
    /// Those that nobody tries any more: another password took their place.
    pub(crate) FORGET = "delete from relay_sign_in where (relay, credentials) in
        (select s.relay, s.credentials from relay_sign_in s where s.next_try_at < $1 limit $2)";
}

/// How one sign-in is taken.
#[derive(Clone, Copy, Debug, sqlx_macros::FromRow)]
pub struct SignIn {
    /// When it was last taken by one that tried it for all.
    pub taken_at: Option<Moment>,
    /// Since when it is refused.
    pub refused_since: Option<Moment>,
    /// How often, one after the other.
    pub refusals: i64,
    /// When the next may try.
    pub next_try_at: Moment,
}

/// The mail service, and the name of user and password.
pub type Key<'a> = (&'a str, &'a str);

pub async fn look(db: &Db, (relay, credentials): Key<'_>) -> Result<Option<SignIn>> {
    db.opt(LOOK, (relay, credentials)).await
}

/// False if somebody else tries it, or nobody may yet; nothing beyond `far` is believed.
pub async fn claim(
    tx: &mut Tx,
    (relay, credentials): Key<'_>,
    (now, until, far): (Moment, Moment, Moment),
) -> Result<bool> {
    Ok(tx.exec(CLAIM, (relay, credentials, now, until, far)).await? == 1)
}

pub async fn taken(tx: &mut Tx, (relay, credentials): Key<'_>, now: Moment) -> Result<u64> {
    tx.exec(TAKEN, (relay, credentials, now)).await
}

pub async fn refused(
    tx: &mut Tx,
    (relay, credentials): Key<'_>,
    words: &str,
    refusals_before: i64,
    (now, next): (Moment, Moment),
) -> Result<u64> {
    tx.exec(REFUSED, (relay, credentials, now, words, next, refusals_before)).await
}

pub async fn untried(
    tx: &mut Tx,
    (relay, credentials): Key<'_>,
    now: Moment,
    claimed_until: Moment,
) -> Result<u64> {
    tx.exec(UNTRIED, (relay, credentials, now, claimed_until)).await
}

/// False if somebody else has written since they were last told at that moment.
pub async fn tell(
    tx: &mut Tx,
    (relay, credentials): Key<'_>,
    now: Moment,
    told_before: Option<Moment>,
) -> Result<bool> {
    Ok(tx.exec(TELL, (relay, credentials, now, told_before)).await? == 1)
}
