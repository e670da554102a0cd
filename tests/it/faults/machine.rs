//! The machine under a worker fails: its database cannot be read, or holds what cannot be sent.

use std::time::Duration;

use crate::support::{
    TestApp, both_engines, database,
    verify::{mailbox, verify},
};

both_engines! {
    /// TRUST T1, F17, F18: a database that cannot be read says nothing about the copies it holds. They wait, none of their
    /// attempts is used up, and they leave once it can be read again.
    async fn while_texts_cannot_be_read_copies_wait_unharmed(app: TestApp) {
        app.import_readers(30).await;
        app.seal_edition("Out of reach").await;
        database::change(&app.site.db, "alter table variant rename to variant_out_of_reach").await;
        app.send().await;
        assert_eq!(states(&app).await, [("queued".to_owned(), String::new(), 0, 30)]);
        assert_eq!(database::rows::<(i64,)>(&app.site.db, "select count(*) from delivery_attempt").await, [(0,)]);

        database::change(&app.site.db, "alter table variant_out_of_reach rename to variant").await;
        app.advance(Duration::from_secs(11));
        app.send().await;
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!((verdict.assert_agrees().accepted, verdict.duplicates), (30, 0), "{verdict}");
    }

    /// TRUST F21, listmonk's silent skip: a copy that cannot be written is failed, with the reason, and everybody else has
    /// theirs.
    async fn a_copy_that_cannot_be_written_fails_alone_and_says_why(app: TestApp) {
        app.import_readers(30).await;
        app.seal_edition("One is broken").await;
        let broken = "insert into variant (edition_id, revision, key, headers, body, created_at)
            select edition_id, revision, 'broken', '{', body, created_at from variant";
        database::change(&app.site.db, broken).await;
        let poison = "update delivery set variant_id = (select id from variant where key = 'broken')
            where address = 'reader7@example.org'";
        assert_eq!(database::change(&app.site.db, poison).await, 1);
        app.send().await;
        let expected = [("accepted".to_owned(), String::new(), 1, 29), ("failed".to_owned(), "render".to_owned(), 1, 1)];
        assert_eq!(states(&app).await, expected);
        let why = database::rows::<(String, String)>(
            &app.site.db,
            "select outcome, reply from delivery_attempt where stage = 'render'",
        );
        let why = why.await;
        assert!(why.len() == 1 && why[0].0 == "failed" && !why[0].1.is_empty(), "{why:?}");
        let verdict = verify(&app.site, &mailbox(&app.sandbox)).await;
        assert_eq!(verdict.assert_agrees().accepted, 29, "{verdict}");
    }
}

/// How many copies have which state, class and number of attempts.
async fn states(app: &TestApp) -> Vec<(String, String, i64, i64)> {
    let sql = "select state, coalesce(class, ''), cast(attempt as bigint), count(*) from delivery group by 1, 2, 3 order by 1";
    database::rows(&app.site.db, sql).await
}
