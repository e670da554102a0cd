//! The SQL of sign-ups that were written down and not looked at yet.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    queue, statements,
};

statements! {
    /// All that came at once: key, address as it is compared, and what was typed.
    WRITE_DOWN = sqlite "insert into sign_up (public_id, email_key, typed, at, next_at)
            select r.value ->> 0, r.value ->> 1, r.value ->> 2, $2, $2 from json_each($1) as r",
        postgres "insert into sign_up (public_id, email_key, typed, at, next_at)
            select r.value ->> 0, r.value ->> 1, r.value ->> 2, $2, $2 from json_array_elements(cast($1 as json)) as r";
    /// How many there are, and no more than so many are counted.
    WAITING = "select count(*) from (select public_id from sign_up limit $1) w";
    /// It is looked at; none if somebody else has the claim.
    LOOKED_AT = "delete from sign_up where public_id = $1 and next_at = $2";
    /// There is no room for it yet.
    PUT_OFF = "update sign_up set next_at = $3 where public_id = $1 and next_at = $2";
    FORGET_OF = "delete from sign_up where email_key = $1";
    FORGET_BEFORE = "delete from sign_up where at <= $1";
    pub(crate) FORGET_SIGN_UPS = "delete from sign_up where public_id in (select public_id from sign_up where at < $1 order by at limit $2)";
}

queue! {
    /// Those whose turn has come.
    pub SIGN_UPS_IN_TURN = SIGN_UPS {
        table: "sign_up", key: "public_id", since: "at", also: ", typed",
        open: "typed <> ''",
    }
}

pub async fn write_down(tx: &mut Tx, rows: &str, now: Moment) -> Result<u64> {
    tx.exec(WRITE_DOWN, (rows, now)).await
}

pub async fn waiting(db: &Db, most: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(WAITING, (most,)).await?.0)
}

pub async fn looked_at(tx: &mut Tx, name: &str, claim: Moment) -> Result<bool> {
    Ok(tx.exec(LOOKED_AT, (name, claim)).await? == 1)
}

pub async fn put_off(tx: &mut Tx, name: &str, claim: Moment, until: Moment) -> Result<bool> {
    Ok(tx.exec(PUT_OFF, (name, claim, until)).await? == 1)
}

pub async fn forget_of(tx: &mut Tx, email_key: &str) -> Result<u64> {
    tx.exec(FORGET_OF, (email_key,)).await
}

pub async fn forget_before(tx: &mut Tx, before: Moment) -> Result<u64> {
    tx.exec(FORGET_BEFORE, (before,)).await
}
