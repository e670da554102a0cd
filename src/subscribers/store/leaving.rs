//! The SQL of why readers left.

use super::super::rows::{LeavingReason, ReasonCount, SaidOfLeaving, WhyTheyLeft};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    /// Reader and list whose public ids begin so; ids are compared by range, so that their index finds them.
    BEGINNING = "select r.public_id as reader, l.public_id as list from subscriber r, list l
        where r.public_id >= $1 and r.public_id < $2 and l.public_id >= $3 and l.public_id < $4";
    /// Whether a mail that asks to leave was read before, or has taken the reader off a list.
    MAIL_WAS_READ = "select (select count(*) from leaving_mail where mail = $3)
        + (select count(*) from consent_event where subscriber_id = $1 and source = $2)";
    /// It was read, whatever came of it.
    NOTE_MAIL = "insert into leaving_mail (mail, read_at) values ($1, $2) on conflict do nothing";
    /// What is sent again after so long was sent before whatever happened meanwhile, and says so itself.
    pub(crate) FORGET_MAILS = "delete from leaving_mail where mail in (select mail from leaving_mail where read_at < $1 order by read_at limit $2)";
    /// When a reader left who may still say why; held against coming back until the commit.
    HOLD_LEFT = "update subscription set left_at = left_at
        where subscriber_id = $1 and list_id = $2 and state = 'left' and left_at > $3 returning left_at";
    /// One word a leaving: who says something else meant that.
    SAY_WHY = "insert into leaving_reason (subscriber_id, list_id, left_at, reason, words, at) values ($1, $2, $3, $4, $5, $6)
        on conflict (subscriber_id, list_id, left_at) do update set reason = excluded.reason, words = excluded.words, at = excluded.at";
    /// They are back: they did not leave.
    TAKE_BACK = "delete from leaving_reason where subscriber_id = $1 and list_id = $2 and left_at > $3";
    /// What was said of the leaving that still holds.
    SAID = "select w.reason, w.words from leaving_reason w
        join subscription s on s.subscriber_id = w.subscriber_id and s.list_id = w.list_id and s.left_at = w.left_at
        where w.subscriber_id = $1 and w.list_id = $2 and s.state = 'left'";
    /// Each time a reader said why, the newest first.
    OF_READER = "select l.name as list, w.left_at, w.reason, w.words from leaving_reason w join list l on l.id = w.list_id
        where w.subscriber_id = $1 order by w.left_at desc, l.id limit $2";
    /// How often which was said of a list.
    SUMS = "select reason, count(*) as number from leaving_reason where list_id = $1 and at >= $2 group by reason";
    /// A letter of good-bye goes, unless one went lately.
    SAY_GOOD_BYE = "update subscriber set good_bye_at = $2
        where id = $1 and (good_bye_at is null or good_bye_at <= $3 or good_bye_at > $2)";
    NO_GOOD_BYE = "update subscriber set good_bye_at = null where id = $1";
    pub(crate) FORGET_REASONS = "delete from leaving_reason where (subscriber_id, list_id, left_at) in (
        select subscriber_id, list_id, left_at from leaving_reason where at < $1 order by at limit $2)";
}

/// The public ids of a reader and of a list that begin so.
pub async fn beginning(db: &Db, reader: &str, list: &str) -> Result<Option<(String, String)>> {
    // Public ids are letters and figures, which stand before it.
    let end = |start: &str| format!("{start}~");
    db.opt(BEGINNING, (reader, end(reader).as_str(), list, end(list).as_str())).await
}

/// By its key, or by how the proof calls it.
pub async fn mail_was_read(db: &Db, subscriber: i64, (key, source): (&str, &str)) -> Result<bool> {
    Ok(db.one::<(i64,)>(MAIL_WAS_READ, (subscriber, source, key)).await?.0 > 0)
}

pub async fn note_mail(tx: &mut Tx, key: &str, now: Moment) -> Result<u64> {
    tx.exec(NOTE_MAIL, (key, now)).await
}

pub async fn hold_left(tx: &mut Tx, subscriber: i64, list: i64, since: Moment) -> Result<Option<Moment>> {
    Ok(tx.opt::<(Moment,)>(HOLD_LEFT, (subscriber, list, since)).await?.map(|(at,)| at))
}

pub async fn say_why(
    tx: &mut Tx,
    (subscriber, list, left_at): (i64, i64, Moment),
    (reason, words): (LeavingReason, &str),
    now: Moment,
) -> Result<u64> {
    tx.exec(SAY_WHY, (subscriber, list, left_at, reason, words, now)).await
}

pub async fn take_back(tx: &mut Tx, subscriber: i64, list: i64, since: Moment) -> Result<u64> {
    tx.exec(TAKE_BACK, (subscriber, list, since)).await
}

pub async fn said(db: &Db, subscriber: i64, list: i64) -> Result<Option<SaidOfLeaving>> {
    db.opt(SAID, (subscriber, list)).await
}

pub async fn of_reader(db: &Db, subscriber: i64, limit: i64) -> Result<Vec<WhyTheyLeft>> {
    db.all(OF_READER, (subscriber, limit)).await
}

pub async fn sums(db: &Db, list: i64, since: Moment) -> Result<Vec<ReasonCount>> {
    db.all(SUMS, (list, since)).await
}

pub async fn say_good_bye(tx: &mut Tx, subscriber: i64, now: Moment, since: Moment) -> Result<bool> {
    Ok(tx.exec(SAY_GOOD_BYE, (subscriber, now, since)).await? == 1)
}

pub async fn no_good_bye(tx: &mut Tx, subscriber: i64) -> Result<u64> {
    tx.exec(NO_GOOD_BYE, (subscriber,)).await
}
