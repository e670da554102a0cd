//! Moving a magazine from SQLite to PostgreSQL, by the script that operations.md names.

use std::{path::Path, process::Command};

use broadside::{db::Engine, delivery::editions, donations};

use crate::support::{Fixture, TestApp, TestDb, environment};

/// TRUST T1, T4: what was sent and given is all there afterwards, in every row and to the last cent; and it can go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_magazine_moves_to_postgresql_with_everything() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::migrated(Engine::Postgres).await)
    else {
        return;
    };
    for program in ["sqlite3", "psql"] {
        if environment::program(program).is_none() {
            return environment::skip("moving to PostgreSQL", &format!("{program} is not installed"));
        }
    }
    let before = TestApp::start(file.clone()).await;
    before.readers(30).await;
    let edition = before.send_edition("Before “we” move,\nand after; \"quoted\"").await;
    before.give("ann@example.org", "15", "month").await;
    let proof = editions::audit(&before.site.db, edition).await.expect("an audit");
    let path = file.url.strip_prefix("sqlite:").expect("a file").to_owned();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sqlite-to-postgres");
    let moved = tokio::task::spawn_blocking({
        let url = server.url.clone();
        move || Command::new(script).args([path, url]).output().expect("the script starts")
    });
    let moved = moved.await.expect("the script ends");
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));

    let after = editions::audit(&server.db, edition).await.expect("an audit");
    assert!(after.holds() && after.rows == proof.rows && after.rows.accepted == 30, "{after:?}");
    let money = donations::audit_money(&server.db).await.expect("an audit");
    assert!(money.balances() && money.receipts == 1, "{money:?}");
    let subject = broadside::digests::load(&server.db, edition).await.expect("the edition").content.subject;
    assert!(subject.contains("Before “we” move"), "{subject}");
    before.finish().await;
}
