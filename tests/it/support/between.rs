//! Two who act at the same moment, each on a connection of its own, stopped between what they read and what they write.
//!
//! On PostgreSQL a transaction that holds the very row which somebody needs next stops them there. On SQLite there is one
//! writer, and the same is done one after the other.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
};

use broadside::db::Db;
use sqlx::{Postgres, Transaction};

use super::{database::rows, wait};

/// Stands in the way of `first` with one statement, lets `second` come in between, and goes away once that has ended or
/// waits as well.
pub async fn stopped_between<A, B>(
    db: &Db,
    in_the_way: &'static str,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let Db::Postgres { pool, .. } = db else {
        return (first.await, second.await);
    };
    let mut third = pool.begin().await.expect("a transaction");
    sqlx::query(in_the_way).execute(&mut *third).await.expect(in_the_way);
    let ended = AtomicBool::new(false);
    let second = async {
        wait::until("the first to be stopped", async || (waiting(db).await == 1).then_some(())).await;
        let done = second.await;
        ended.store(true, Ordering::SeqCst);
        done
    };
    let third = async {
        wait::until("the second to end, or to wait as well", async || {
            (ended.load(Ordering::SeqCst) || waiting(db).await == 2).then_some(())
        })
        .await;
        third.rollback().await.expect("a rollback");
    };
    let (first, second, ()) = tokio::join!(first, second, third);
    (first, second)
}

/// Lets somebody come so far that they wait for what `change` holds, commits it, and lets them go on.
pub async fn overtaken_by<T>(
    db: &Db,
    change: Transaction<'static, Postgres>,
    comes: impl Future<Output = T>,
) -> T {
    let commits = async {
        wait::until("who comes to be stopped", async || (waiting(db).await == 1).then_some(())).await;
        change.commit().await.expect("a commit");
    };
    tokio::join!(comes, commits).0
}

/// How often the server broke a circle of those who waited for each other.
pub async fn circles(db: &Db) -> i64 {
    let circles = "select deadlocks from pg_stat_database where datname = current_database()";
    match db {
        Db::Sqlite { .. } => 0,
        Db::Postgres { .. } => rows::<(i64,)>(db, circles).await[0].0,
    }
}

/// How many connections wait for another.
async fn waiting(db: &Db) -> i64 {
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    rows::<(i64,)>(db, waits).await[0].0
}

/// Does work until it is done, or until it was taken up so often: then it is broken off where it is, and nothing comes of it.
pub async fn broken_off<T>(work: impl Future<Output = T>, after: usize) -> Option<T> {
    let mut work = Box::pin(work);
    let mut left = after;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}
