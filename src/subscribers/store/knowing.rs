//! The SQL of what the desk knows of one reader beside their row.

use super::super::rows::{ACT_TAKEN_BACK, Event, LIST_TAKEN_BACK, Note};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    statements,
};

statements! {
    ADD_NOTE = "insert into reader_note (subscriber_id, staff_id, text, at) values ($1, $2, $3, $4)";
    REMOVE_NOTE = "delete from reader_note where subscriber_id = $1 and id = $2 returning at";
    NOTES = "select n.id, s.name as staff, n.text, n.at from reader_note n left join staff s on s.id = n.staff_id
        where n.subscriber_id = $1 and n.id < $2 order by n.id desc limit $3";
    /// The proof, newest first.
    EVENTS_PAGE = "select e.id, e.list_id, e.action, e.method, l.name as list, w.text as wording, e.source, f.name as form, e.campaign,
            coalesce((select max(s.version) from form_wording s where s.form_id = e.form_id and s.wording_id = e.wording_id and s.since <= e.at),
                (select min(s.version) from form_wording s where s.form_id = e.form_id and s.wording_id = e.wording_id), 0) as version,
            e.ip, e.user_agent, e.at
        from consent_event e join list l on l.id = e.list_id left join consent_wording w on w.id = e.wording_id
            left join form f on f.id = e.form_id
        where e.subscriber_id = $1 and e.id < $2 order by e.id desc limit $3";
    NEWEST_EVENT_OF = "select coalesce(max(id), 0) from consent_event where subscriber_id = $1";
    /// The last thing that happened on each of a reader's lists.
    NEWEST_EVENTS = "select e.id, e.list_id, e.action, e.method, l.name as list, w.text as wording, e.source, f.name as form, e.campaign,
            coalesce((select max(s.version) from form_wording s where s.form_id = e.form_id and s.wording_id = e.wording_id and s.since <= e.at),
                (select min(s.version) from form_wording s where s.form_id = e.form_id and s.wording_id = e.wording_id), 0) as version,
            e.ip, e.user_agent, e.at
        from consent_event e join list l on l.id = e.list_id left join consent_wording w on w.id = e.wording_id
            left join form f on f.id = e.form_id
        where e.id in (select max(id) from consent_event where subscriber_id = $1 group by list_id)";
    /// Whether a reader said, by the button of an edition, that the list may go on coming.
    SAID_AGAIN = "select count(*) from consent_event where subscriber_id = $1 and list_id = $2 and method = 'edition' and source = $3";
    /// What put a reader on a list after a moment, and follows on their leaving it. Not where the team had only taken back what it did, and
    /// did it again: what the reader said meanwhile stands.
    CAME_BACK = "select count(*) from consent_event c where c.subscriber_id = $1 and c.list_id = $2 and c.action = 'confirmed' and c.at > $3
        and (select case when c.method = 'staff' and p.source in ($4, $5) then 'taken back' else p.action end
            from consent_event p where p.subscriber_id = $1 and p.list_id = $2 and p.id < c.id
            and p.action <> 'asked' order by p.id desc limit 1) = 'left'";
    /// Since when a reader was off a list whom the team put on it again that had taken back that it was the first time; nothing if they, or
    /// anybody for them, said something of it since.
    WAS_OFF = "select p.at from consent_event c join consent_event p on p.subscriber_id = c.subscriber_id and p.list_id = c.list_id
        where c.id = (select max(n.id) from consent_event n where n.subscriber_id = $1 and n.list_id = $2)
            and c.action in ('imported', 'confirmed') and c.method in ('import', 'staff')
            and p.id = (select max(o.id) from consent_event o where o.subscriber_id = $1 and o.list_id = $2 and o.id < c.id)
            and p.action = 'left' and p.source in ($3, $4)";
}

pub async fn said_again(db: &Db, (subscriber, list): (i64, i64), source: &str) -> Result<bool> {
    Ok(db.one::<(i64,)>(SAID_AGAIN, (subscriber, list, source)).await?.0 > 0)
}

pub async fn said_again_in(tx: &mut Tx, (subscriber, list): (i64, i64), source: &str) -> Result<bool> {
    Ok(tx.one::<(i64,)>(SAID_AGAIN, (subscriber, list, source)).await?.0 > 0)
}

pub async fn came_back(db: &Db, subscriber: i64, list: i64, since: Moment) -> Result<bool> {
    let taken_back = (LIST_TAKEN_BACK, ACT_TAKEN_BACK);
    let about = (subscriber, list, since, taken_back.0, taken_back.1);
    Ok(db.one::<(i64,)>(CAME_BACK, about).await?.0 > 0)
}

pub async fn was_off(db: &Db, subscriber: i64, list: i64) -> Result<Option<Moment>> {
    let about = (subscriber, list, LIST_TAKEN_BACK, ACT_TAKEN_BACK);
    Ok(db.opt::<(Moment,)>(WAS_OFF, about).await?.map(|(at,)| at))
}

pub async fn add_note(tx: &mut Tx, subscriber: i64, staff: i64, text: &str, now: Moment) -> Result<u64> {
    tx.exec(ADD_NOTE, (subscriber, staff, text, now)).await
}

/// When it was written, if it was there.
pub async fn remove_note(tx: &mut Tx, subscriber: i64, note: i64) -> Result<Option<Moment>> {
    Ok(tx.opt::<(Moment,)>(REMOVE_NOTE, (subscriber, note)).await?.map(|(at,)| at))
}

pub async fn notes(db: &Db, subscriber: i64, before: i64, limit: i64) -> Result<Vec<Note>> {
    db.all(NOTES, (subscriber, before, limit)).await
}

/// One of the lines of the proof, with its key and that of its list.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct Numbered {
    pub id: i64,
    pub list_id: i64,
    #[sqlx(flatten)]
    pub event: Event,
}

pub async fn events_page(db: &Db, subscriber: i64, before: i64, limit: i64) -> Result<Vec<Numbered>> {
    db.all(EVENTS_PAGE, (subscriber, before, limit)).await
}

pub async fn newest_event_of(db: &Db, subscriber: i64) -> Result<i64> {
    Ok(db.one::<(i64,)>(NEWEST_EVENT_OF, (subscriber,)).await?.0)
}

pub async fn newest_event_in(tx: &mut Tx, subscriber: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(NEWEST_EVENT_OF, (subscriber,)).await?.0)
}

pub async fn newest_events_in(tx: &mut Tx, subscriber: i64) -> Result<Vec<Numbered>> {
    tx.all(NEWEST_EVENTS, (subscriber,)).await
}

pub async fn newest_events(db: &Db, subscriber: i64) -> Result<Vec<Numbered>> {
    db.all(NEWEST_EVENTS, (subscriber,)).await
}
