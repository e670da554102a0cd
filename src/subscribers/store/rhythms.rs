//! The SQL of how often readers get a list.

use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    editions::Rhythm,
    statements,
};

statements! {
    /// Of what the list offers, or everything.
    CHOOSE = "update subscription set rhythm = cast($3 as text) where subscriber_id = $1 and list_id = $2
        and coalesce(rhythm, '') <> coalesce(cast($3 as text), '')
        and (cast($3 as text) is null or exists (select 1 from list l where l.id = $2 and ' ' || l.rhythms || ' ' like '% ' || cast($3 as text) || ' %'))";
    /// What they chose in the journal, also where the list does not offer it by now.
    CHOOSE_AS_WRITTEN = "update subscription set rhythm = cast($3 as text) where subscriber_id = $1 and list_id = $2
        and coalesce(rhythm, '') <> coalesce(cast($3 as text), '')";
    /// Topics or rhythm of a list were chosen at a moment, unless they were later than that.
    SAID = "update subscription set chosen_at = $3 where subscriber_id = $1 and list_id = $2 and coalesce(chosen_at, 0) < $3";
    /// Each, and how many on the list chose it, of no more than `$2`: from an index of those alone who chose.
    READERS = "select r.rhythm, (select count(*) from (select s.subscriber_id from subscription s
                where s.list_id = $1 and s.rhythm = r.rhythm and s.state = 'confirmed' limit $2) a) as found
        from (select 'each' as rhythm union all select 'daily' union all select 'weekly' union all select 'monthly') r";
}

pub async fn choose(tx: &mut Tx, subscriber: i64, list: i64, rhythm: Option<Rhythm>) -> Result<bool> {
    Ok(tx.exec(CHOOSE, (subscriber, list, rhythm)).await? == 1)
}

pub async fn choose_as_written(
    tx: &mut Tx,
    (subscriber, list): (i64, i64),
    rhythm: Option<Rhythm>,
) -> Result<bool> {
    Ok(tx.exec(CHOOSE_AS_WRITTEN, (subscriber, list, rhythm)).await? == 1)
}

/// `false` if something was said later than that, or they have no subscription.
pub async fn said(tx: &mut Tx, (subscriber, list): (i64, i64), at: Moment) -> Result<bool> {
    Ok(tx.exec(SAID, (subscriber, list, at)).await? == 1)
}

/// Of each no more than `most` readers are counted.
pub async fn readers(db: &Db, list: i64, most: i64) -> Result<Vec<(Rhythm, i64)>> {
    db.all(READERS, (list, most)).await
}
