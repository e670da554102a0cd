//! The statements of what the team writes down about a gift and who gave it.

use sqlx_macros::FromRow;

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    NOTE = "insert into donation_note (donation_id, staff_id, text, at)
        select id, $2, $3, $4 from donation where public_id = $1";
    NOTES = "select n.text, n.at, coalesce(s.name, '') as staff, coalesce(s.email, '') as staff_email
        from donation_note n left join staff s on s.id = n.staff_id where n.donation_id = $1 order by n.id desc limit 200";
    /// Not again where it stands; and not anew where it was lifted.
    NEVER_ASK = "update donor set never_ask_since = $2 where never_ask_since is null
        and id = (select donor_id from donation where public_id = $1)";
    ASK_AGAIN = "update donor set never_ask_since = null where never_ask_since is not null
        and id = (select donor_id from donation where public_id = $1)";
    NEVER_ASKED_SINCE = "select r.never_ask_since from donation d join donor r on r.id = d.donor_id where d.public_id = $1";
    FORGET_NOTES = "delete from donation_note where donation_id in (select id from donation where donor_id = $1)";
}

/// What somebody of the team noted about a gift.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct GiftNote {
    pub text: String,
    pub at: Moment,
    /// Who wrote it; empty where nobody knows any more.
    pub staff: String,
    pub staff_email: String,
}

pub async fn note(tx: &mut Tx, donation: &str, staff_id: i64, text: &str, at: Moment) -> Result<bool> {
    Ok(tx.exec(NOTE, (donation, staff_id, text, at)).await? == 1)
}

pub async fn notes(db: &Db, donation_id: i64) -> Result<Vec<GiftNote>> {
    db.all(NOTES, (donation_id,)).await
}

pub async fn never_ask(tx: &mut Tx, donation: &str, at: Moment) -> Result<bool> {
    Ok(tx.exec(NEVER_ASK, (donation, at)).await? == 1)
}

pub async fn ask_again(tx: &mut Tx, donation: &str) -> Result<bool> {
    Ok(tx.exec(ASK_AGAIN, (donation,)).await? == 1)
}

pub async fn never_asked_since(db: &Db, donation: &str) -> Result<Option<Option<Moment>>> {
    Ok(db.opt::<(Option<Moment>,)>(NEVER_ASKED_SINCE, (donation,)).await?.map(|(since,)| since))
}

pub async fn forget_notes(tx: &mut Tx, donor_id: i64) -> Result<u64> {
    tx.exec(FORGET_NOTES, (donor_id,)).await
}
