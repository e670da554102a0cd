//! The statements of a queue, made for its table.

use super::{Due, Rules, rules::FURTHEST};
use crate::{
    clock::Moment,
    db::{Db, Params, Result, Row, Sql, Tx},
    site::Site,
};

/// One queue: its rules, and its statements. Made by [`queue!`](crate::queue!).
#[derive(Debug)]
pub struct Queue {
    pub rules: &'static Rules,
    /// Rows whose turn has come: $1 is now, $2 the latest that a turn can be.
    pub due: Sql,
    /// $1 the key; $2 the turn that was seen; $3 the end of the lease.
    pub claim: Sql,
    /// $1 the key; $2 the claim; more as the room wants. None where what is done comes round again.
    pub done: Option<Sql>,
    /// $1 the key; $2 the claim; $3 the next turn; $4 why.
    pub later: Sql,
    /// $1 the key; $2 the claim; $3 now; $4 why. None where nothing is ever given up.
    pub give_up: Option<Sql>,
    /// $1 the key; $2 now. None where nothing is tried again by hand.
    pub again: Option<Sql>,
    /// For [`Figures`](super::Figures): $1 is now.
    pub figures: Sql,
    /// For [`Item`](super::Item).
    pub troubled: Sql,
}

impl Queue {
    /// All of them, for the check that prepares them on both engines.
    #[must_use]
    pub const fn statements(&self) -> [Sql; 8] {
        const fn or(sql: Option<Sql>, otherwise: Sql) -> Sql {
            match sql {
                Some(sql) => sql,
                None => otherwise,
            }
        }
        // What a queue does without is no statement of its own.
        let [done, give_up, again] =
            [or(self.done, self.claim), or(self.give_up, self.claim), or(self.again, self.claim)];
        [self.due, self.claim, done, self.later, give_up, again, self.figures, self.troubled]
    }

    pub(super) async fn due<T: Row>(&self, db: &Db, now: Moment) -> Result<Vec<Due<T>>> {
        db.all(self.due, (now, now.plus(FURTHEST))).await
    }

    /// Whether it is ours.
    pub(super) async fn claim<T>(&self, site: &Site, due: &mut Due<T>) -> Result<bool> {
        let until = site.now().plus(self.rules.lease);
        let mut tx = site.db.begin().await?;
        let claimed = tx.exec(self.claim, (due.name.as_str(), due.next_at, until)).await?;
        tx.commit().await?;
        (due.next_at, due.attempts) = (until, due.attempts + 1);
        Ok(claimed == 1)
    }

    /// It is done: its key, the claim, and what the room says of it. False if somebody else has the claim.
    pub async fn done<'q>(&self, tx: &mut Tx, params: impl Params<'q>) -> Result<bool> {
        let Some(done) = self.done else { return Ok(false) };
        Ok(tx.exec(done, params).await? == 1)
    }

    pub(super) async fn later<T>(&self, tx: &mut Tx, due: &Due<T>, next: Moment, why: &str) -> Result<bool> {
        Ok(tx.exec(self.later, (due.name.as_str(), due.next_at, next, why)).await? == 1)
    }

    /// Whether it was ours to let go: its turn is now.
    pub(super) async fn let_go<T>(&self, tx: &mut Tx, due: &Due<T>, now: Moment) -> Result<bool> {
        Ok(tx.exec(self.later, (due.name.as_str(), due.next_at, now, None::<&str>)).await? == 1)
    }

    /// Whether it was ours to give up.
    pub(super) async fn give_up<T>(&self, tx: &mut Tx, due: &Due<T>, now: Moment, why: &str) -> Result<bool> {
        let Some(give_up) = self.give_up else { return Ok(false) };
        Ok(tx.exec(give_up, (due.name.as_str(), due.next_at, now, why)).await? == 1)
    }

    /// Its turn is now, whatever the rules say, and as often as for a new one. False when it is not one of those.
    pub async fn again(&self, tx: &mut Tx, name: &str, now: Moment) -> Result<bool> {
        let Some(again) = self.again else { return Ok(false) };
        Ok(tx.exec(again, (name, now)).await? == 1)
    }
}

/// Declares the queues of a room in its store, and `QUEUES`, their statements. The table has `attempts`, `next_at` and
/// `last_error`; an index on `next_at` where it is open keeps a look cheap. `done` and the rest say which columns change; `held`
/// stands where what is done is written down by whoever did it, though the claim may be another's by then.
///
/// ```ignore
/// queue! {
///     /// Files that somebody sent us.
///     pub IMPORTS = IMPORTS {
///         table: "import", key: "public_id", since: "created_at", also: ", file",
///         open: "state = 'waiting'",
///         done: "state = 'done', rows = $3",
///         over: "state = 'failed'", give_up: "state = 'failed'",
///         again: "state = 'waiting', attempts = 0, next_at = $2", from: "state = 'failed'",
///     }
/// }
/// ```
#[macro_export]
macro_rules! queue {
    ($($(#[$doc:meta])* $vis:vis $name:ident = $rules:ident {
        table: $table:literal, key: $key:literal, since: $since:literal, also: $also:literal,
        open: $open:literal,
        $(done: $done:literal, $(held: $held:literal,)?)?
        $(over: $over:literal, give_up: $give_up:literal,)?
        $(again: $again:literal, from: $from:literal,)?
    })*) => {
        $(
            $(#[$doc])*
            $vis const $name: $crate::queue::Queue = $crate::queue::Queue {
                rules: &$crate::queue::rules::$rules,
                due: $crate::queue!(@sql $name "due", "select ", $key, " as name, attempts, next_at, ", $since, " as since", $also,
                    " from ", $table, " where ", $open, " and (next_at <= $1 or next_at > $2) order by next_at, since, name limit 50"),
                claim: $crate::queue!(@sql $name "claim", "update ", $table, " set next_at = $3, attempts = attempts + 1
                    where ", $key, " = $1 and next_at = $2 and ", $open),
                done: $crate::queue!(@maybe $($crate::queue!(@sql $name "done", "update ", $table, " set last_error = null, ", $done,
                    " where ", $key, " = $1 and ", $crate::queue!(@held $($held)?), " and ", $open))?),
                later: $crate::queue!(@sql $name "later", "update ", $table, " set next_at = $3, last_error = $4
                    where ", $key, " = $1 and next_at = $2 and ", $open),
                give_up: $crate::queue!(@maybe $($crate::queue!(@sql $name "give up", "update ", $table, " set next_at = $3, last_error = $4, ",
                    $give_up, " where ", $key, " = $1 and next_at = $2 and ", $open))?),
                again: $crate::queue!(@maybe $($crate::queue!(@sql $name "again", "update ", $table, " set ", $again,
                    " where ", $key, " = $1 and ", $from))?),
                figures: $crate::queue!(@sql $name "figures", "select
                    (select count(*) from ", $table, " where ", $open, " and (next_at <= $1 or last_error is not null)) as waiting,
                    (select count(*) from ", $table, " where ", $open, " and last_error is not null) as failing,
                    (select min(", $since, ") from ", $table, " where ", $open, " and (next_at <= $1 or last_error is not null)) as oldest,
                    (select count(*) from ", $table, " where ", $crate::queue!(@or_none $($over)?), ") as given_up"),
                troubled: $crate::queue!(@sql $name "troubled", "select ", $key, " as name, ", $since, " as since, attempts, next_at,
                        coalesce(last_error, '') as last_error, false as is_over, (", $crate::queue!(@or_none $($from)?), ") as can_be_tried
                        from ", $table, " where ", $open, " and last_error is not null
                    union all select ", $key, ", ", $since, ", attempts, next_at,
                        coalesce(last_error, ''), true, (", $crate::queue!(@or_none $($from)?), ")
                        from ", $table, " where ", $crate::queue!(@or_none $($over)?), "
                    order by is_over desc, since desc, name limit 50"),
            };
        )*

        /// Every statement of the queues of this store, for the check that prepares them on both engines.
        pub const QUEUES: &[&[$crate::db::Sql]] = &[$(&$name.statements()),*];
    };
    (@sql $name:ident $what:literal, $($text:expr),+) => {
        $crate::db::Sql {
            name: concat!(stringify!($name), " ", $what),
            sqlite: concat!($($text),+),
            postgres: concat!($($text),+),
            row_columns: 0,
        }
    };
    (@maybe) => { None };
    (@maybe $sql:expr) => { Some($sql) };
    (@held) => { "next_at = $2" };
    (@held $text:literal) => { $text };
    (@or_none) => { "false" };
    (@or_none $text:literal) => { $text };
}
