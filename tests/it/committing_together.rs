//! What comes at once is committed together, on SQLite: nobody is told before it is, and who breaks off hurts nobody else.

use std::pin::pin;

use broadside::{
    clock::Moment,
    db::{Db, Engine, Result, Sql},
};
use futures_util::{
    future::{Either, join_all, select},
    poll,
};

use crate::support::{TestDb, both_engines, database::rows};

const ADD: Sql = both("ADD", "insert into joined_day (began_at, joined) values ($1, $2)");
/// What is wrong with it is found out at the commit.
const LATER: Sql = Sql { postgres: "select 1", ..both("LATER", "pragma defer_foreign_keys = on") };
const ORPHAN: Sql = both("ORPHAN", "insert into list_topic (list_id, topic_id) values (999, 999)");

const fn both(name: &'static str, text: &'static str) -> Sql {
    Sql { name, sqlite: text, postgres: text, row_columns: 0 }
}

async fn kept(db: &Db) -> Vec<i64> {
    rows::<(i64,)>(db, "select joined from joined_day order by joined")
        .await
        .into_iter()
        .map(|(one,)| one)
        .collect()
}

async fn add(db: &Db, number: i64) -> Result<Option<i64>> {
    let mut tx = db.begin_together().await?;
    tx.exec(ADD, (Moment(number), number)).await?;
    if number % 3 == 0 {
        return Ok(None);
    }
    if number % 5 == 0 {
        tx.exec(ADD, (Moment(number), number)).await?;
    }
    tx.commit().await?;
    Ok(Some(number))
}

both_engines! {
    /// TRUST T1: of sixty at once some go away and some fail; whoever was told that it lasts finds it, and nobody else does.
    async fn who_breaks_off_hurts_nobody_who_is_committed_with_them(db: TestDb) {
        let at_once = (1..=60).map(|number| {
            let db = db.db.clone();
            tokio::spawn(async move { add(&db, number).await })
        });
        let ended = join_all(at_once.collect::<Vec<_>>()).await;
        let ended: Vec<_> = ended.into_iter().map(|one| one.expect("nobody panics")).collect();
        let failed = ended.iter().filter(|one| one.is_err()).count();
        let told: Vec<i64> = ended.into_iter().filter_map(|one| one.ok().flatten()).collect();
        assert_eq!((told.len(), failed), (32, 8));
        assert_eq!(kept(&db.db).await, told);
    }

    /// Of three in line the second breaks off: the first is told once the third is done, and not before it is committed.
    async fn nobody_is_told_before_everybody_is_committed(db: TestDb) {
        if db.db.engine() == Engine::Postgres {
            return;
        }
        let db = &db.db;
        let alone = db.begin().await.expect("it begins");
        let (mut first, mut second, mut third) =
            (pin!(db.begin_together()), pin!(db.begin_together()), pin!(db.begin_together()));
        for one in [&mut first, &mut second, &mut third] {
            assert!(poll!(one.as_mut()).is_pending());
        }
        alone.commit().await.expect("it ends");
        let mut first = first.await.expect("it begins");
        first.exec(ADD, (Moment(1), 1_i64)).await.expect("a row");
        let first = pin!(first.commit());
        let Either::Left((second, first)) = select(second, first).await else {
            panic!("told before the others were done");
        };
        second.expect("it begins").exec(ADD, (Moment(2), 2_i64)).await.expect("a row that nobody commits");
        let Either::Left((third, first)) = select(third, first).await else {
            panic!("told before the others were done");
        };
        assert_eq!(kept(db).await, [0_i64; 0], "nothing of it lasts yet");
        let mut third = third.expect("it begins");
        third.exec(ADD, (Moment(3), 3_i64)).await.expect("a row");
        third.commit().await.expect("it lasts");
        first.await.expect("it lasts");
        assert_eq!(kept(db).await, [1, 3]);
    }

    /// A commit that fails fails for everybody in it, nothing of it lasts, and the next ones go on.
    async fn a_commit_that_fails_is_told_to_everybody_in_it(db: TestDb) {
        if db.db.engine() == Engine::Postgres {
            return;
        }
        let db = &db.db;
        let alone = db.begin().await.expect("it begins");
        let (mut first, mut second) = (pin!(db.begin_together()), pin!(db.begin_together()));
        assert!(poll!(first.as_mut()).is_pending() && poll!(second.as_mut()).is_pending());
        alone.commit().await.expect("it ends");
        let mut first = first.await.expect("it begins");
        first.exec(ADD, (Moment(1), 1_i64)).await.expect("a row");
        let first = pin!(first.commit());
        let Either::Left((second, first)) = select(second, first).await else {
            panic!("told before the others were done");
        };
        let mut second = second.expect("it begins");
        second.exec(LATER, ()).await.expect("a setting");
        second.exec(ORPHAN, ()).await.expect("a row");
        assert!(second.commit().await.is_err());
        assert!(first.await.is_err());
        assert_eq!(kept(db).await, [0_i64; 0]);
        assert_eq!(add(db, 4).await.expect("it lasts"), Some(4));
        assert_eq!(kept(db).await, [4]);
    }
}
