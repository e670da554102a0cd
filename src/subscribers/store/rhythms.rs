//! The SQL of how often readers get a list.

use crate::{
    db::{Db, Result, Tx},
    editions::Rhythm,
    statements,
};

statements! {
    /// Of what the list offers, or everything.
    CHOOSE = "update subscription set rhythm = cast($3 as text) where subscriber_id = $1 and list_id = $2
        and coalesce(rhythm, '') <> coalesce(cast($3 as text), '')
        and (cast($3 as text) is null or exists (select 1 from list l where l.id = $2 and ' ' || l.rhythms || ' ' like '% ' || cast($3 as text) || ' %'))";
    /// From an index of those alone who chose.
    READERS = "select rhythm, count(*) from subscription where list_id = $1 and rhythm is not null and state = 'confirmed' group by rhythm";
}

pub async fn choose(tx: &mut Tx, subscriber: i64, list: i64, rhythm: Option<Rhythm>) -> Result<bool> {
    Ok(tx.exec(CHOOSE, (subscriber, list, rhythm)).await? == 1)
}

pub async fn readers(db: &Db, list: i64) -> Result<Vec<(Rhythm, i64)>> {
    db.all(READERS, (list,)).await
}
