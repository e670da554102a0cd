//! Who holds a transaction and asks the pool for another connection: with every other connection waiting for its rows, nobody goes on.

use broadside::{clock::Stopwatch, db::apart, subscribers};
use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::support::{TestApp, TestDb, both_engines};

both_engines! {
    /// TRUST A32: a task that asks the pool while it holds a transaction breaks off in every test; so does one that begins a second. Once
    /// the first is over it may, and so may everybody else meanwhile.
    async fn whoever_holds_a_transaction_asks_the_pool_for_nothing(db: TestDb) {
        let pool = db.db.clone();
        let reads = async move |held: bool| {
            let tx = pool.begin().await.expect("a transaction");
            if !held {
                tx.commit().await.expect("a commit");
            }
            subscribers::lists::all(&pool).await.expect("a read").len()
        };
        let (asks, waits) = (reads.clone(), reads);
        assert!(tokio::spawn(async move { waits(false).await }).await.is_ok());
        assert!(!db.db.was_asked_while_held());
        let broke = tokio::spawn(async move { asks(true).await }).await.expect_err("it asks the pool");
        assert!(broke.is_panic() && db.db.was_asked_while_held());

        let pool = db.db.clone();
        let begins = tokio::spawn(async move {
            let _held = pool.begin().await.expect("a transaction");
            pool.begin().await.map(drop)
        });
        assert!(begins.await.is_err_and(|broke| broke.is_panic()));
        let pool = db.db.clone();
        let beside = tokio::spawn(async move {
            let _held = pool.begin().await.expect("a transaction");
            apart(subscribers::lists::all(&pool)).await.is_ok()
        });
        assert!(beside.await.is_ok_and(|read| read), "what a task does beside it waits for nothing of it");
        let held = db.db.begin().await.expect("a transaction");
        let pool = db.db.clone();
        let read = tokio::spawn(async move { subscribers::lists::all(&pool).await.map(|all| all.len()) });
        assert!(read.await.is_ok_and(|read| read.is_ok()), "another task does what it wants");
        drop(held);
    }

    /// TRUST A32: thrice as many saves by one link at once as there are connections: each is answered, and so is everybody else.
    async fn many_saves_by_one_link_hold_up_nobody(app: TestApp) {
        app.reader("ann@example.org").await;
        app.send_edition("The first").await;
        let visitor = app.visitor();
        let page = visitor.open(&app.last_mail("ann@example.org").link("/preferences/")).await;
        let clock = Stopwatch::start();
        let save = async |number: usize| {
            let form = page.form("/preferences/").with("name", &format!("Ann {number}"));
            app.visitor().submit(&form).await.status
        };
        let mut all: Vec<_> = (0..12).map(save).collect();
        let others = async {
            for _ in 0..5 {
                assert_eq!(app.visitor().open("/subscribe").await.status, StatusCode::OK);
            }
        };
        let (saved, ()) = tokio::join!(join_all(all.drain(..)), others);
        assert_eq!(saved, [StatusCode::OK; 12]);
        assert!(clock.elapsed().as_secs() < 20, "the pool waits for half a minute");
    }
}
