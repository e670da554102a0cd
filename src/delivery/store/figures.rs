//! SQL of what is counted for whoever watches.

use crate::{
    db::{Db, Result},
    statements,
};

statements! {
    /// The tallies of all editions, added up: there are as many rows as editions, workers and states.
    ALL_TALLIES = "select state, cast(sum(count) as bigint) as count from delivery_tally group by state order by state";
    /// The same, of editions that were locked and are not over.
    OPEN_TALLIES = "select t.state, cast(sum(t.count) as bigint) as count
        from edition e join delivery_tally t on t.edition_id = e.id
        where e.state in ('sealed', 'sending', 'paused', 'held') group by t.state order by t.state";
    /// Editions.
    EDITIONS = "select state, count(*) as count from edition group by state order by state";
    /// Automatic emails that have not come to their end: an index holds those of either state, and no others.
    NOTICES_WAITING = "select (select count(*) from notice where state = 'queued')
        + (select count(*) from notice where state = 'claimed') as count";
}

pub async fn copies(db: &Db) -> Result<Vec<(String, i64)>> {
    db.all(ALL_TALLIES, ()).await
}

pub async fn open_copies(db: &Db) -> Result<Vec<(String, i64)>> {
    db.all(OPEN_TALLIES, ()).await
}

pub async fn editions(db: &Db) -> Result<Vec<(String, i64)>> {
    db.all(EDITIONS, ()).await
}

pub async fn notices_waiting(db: &Db) -> Result<i64> {
    Ok(db.one::<(i64,)>(NOTICES_WAITING, ()).await?.0)
}
