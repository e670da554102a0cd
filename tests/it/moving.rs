//! Moving a magazine from SQLite to PostgreSQL.

use std::{path::Path, process::Output};

use broadside::{
    db::Engine,
    delivery::{progress, workers::Lock},
    donations,
    email_address::EmailAddress,
    origin::{self, Standing, position::Positions},
    subscribers,
};

use crate::support::{Fixture, TestApp, TestDb, database, program::Program, scratch};

const RUN: &str = r#"exec "$0" "$@""#;

/// Runs a command on a database, with the settings of a magazine.
fn run(app: &TestApp, database: &str, arguments: &[&str]) -> Output {
    Program::run_by(app, RUN, arguments, &[("DATABASE_URL", database)])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// TRUST T1, T4, T8: what was sent, given and agreed to is all there afterwards, in every row and to the last cent; what a database
/// holds already is not written over; and it can go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_magazine_moves_to_postgresql_with_everything() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let before = TestApp::start(file.clone()).await;
    origin::arrive(&before.site, None).await.expect("it settles");
    before.readers(30).await;
    before.reader("ann@example.org").await;
    let edition = before.send_edition("Before “we” move,\nand after; \"quoted\"").await;
    before.give("ann@example.org", "15", "month").await;
    let block = ["subscribers", "block", "reader7@example.org", "--reason", "asked by telephone"];
    let blocked = run(&before, &file.url, &block);
    assert!(blocked.status.success(), "{}", said(&blocked));
    // As a process does that sends.
    let beside = Path::new(file.url.trim_start_matches("sqlite:")).with_file_name("data").join("position");
    std::fs::create_dir_all(&beside).expect("our own folder");
    Positions::new(beside).keep_up(&before.site.db).await.expect("a file");
    let proof = progress::audit(&before.site.db, edition).await.expect("an audit");
    let newest = before.reader_row("ann@example.org").await;
    let path = file.url.strip_prefix("sqlite:").expect("a file").to_owned();

    let busy = Lock::take(format!("{path}.lock").as_ref()).expect("nobody else has it");
    let refused = run(&before, &server.url, &["migrate", "--copy-from", &path]);
    assert!(!refused.status.success() && said(&refused).contains("Stop it first"), "{}", said(&refused));
    drop(busy);

    // What was made and looked at is empty all the same.
    for command in [&["migrate"][..], &["audit"]] {
        let made = run(&before, &server.url, command);
        assert!(made.status.success(), "{}", said(&made));
    }
    let moved = run(&before, &server.url, &["migrate", "--copy-from", &path]);
    assert!(moved.status.success(), "{}", said(&moved));
    assert!(said(&moved).contains("delivery_attempt"), "{}", said(&moved));

    for command in [&["audit"][..], &["subscribers", "export"], &["export-proof", "ann@example.org"]] {
        let (here, there) = (run(&before, &file.url, command), run(&before, &server.url, command));
        assert!(there.status.success() && !there.stdout.is_empty(), "{command:?}: {}", said(&there));
        assert_eq!(said(&here), said(&there), "{command:?}");
    }
    let after = progress::audit(&server.db, edition).await.expect("an audit");
    assert!(after.holds() && after.rows == proof.rows && after.rows.accepted == 31, "{after:?}");
    let money = donations::audit_money(&server.db).await.expect("an audit");
    assert!(money.balances() && money.receipts == 1, "{money:?}");
    let subject =
        broadside::publishing::load(&server.db, edition).await.expect("the edition").content.subject;
    assert!(subject.contains("Before “we” move"), "{subject}");

    let again = run(&before, &server.url, &["migrate", "--copy-from", &path]);
    assert!(!again.status.success() && said(&again).contains("not empty"), "{}", said(&again));
    let to_a_file = run(&before, &file.url, &["migrate", "--copy-from", &path]);
    assert!(said(&to_a_file).starts_with("broadside: DATABASE_URL has to name"), "{}", said(&to_a_file));
    assert_ne!(origin::look(&before.site).await.expect("a read"), Standing::AtHome, "both would send");
    before.finish().await;

    // A number that somebody had is given to nobody else, and the magazine is at home.
    let there = TestApp::without_owner(server).await;
    assert_eq!(origin::arrive(&there.site, None).await.expect("a read"), Standing::AtHome);
    let address = EmailAddress::parse("new@example.org").expect("an address");
    let list = there.list().await;
    subscribers::add_by_staff(&there.site, &address, "New", list, "a test").await.expect("staff may");
    assert!(there.reader_row("new@example.org").await > newest);
    there.finish().await;
}

/// TRUST T10: what is made of a backup, or of a file in another place, is a copy, by whatever command.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_from_a_copy_is_one() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let magazine = TestApp::start(file.clone()).await;
    origin::arrive(&magazine.site, None).await.expect("it settles");
    magazine.reader("ann@example.org").await;
    database::change(&file.db, "update subscriber set name = 'Ann' || char(0) || 'a'").await;
    let elsewhere = scratch::folder().join("copy.db");
    magazine.site.db.copy_to(&elsewhere).await.expect("a copy");
    let path = elsewhere.display().to_string();
    let moved = run(&magazine, &server.url, &["migrate", "--copy-from", &path]);
    assert!(moved.status.success() && said(&moved).contains("is a copy"), "{}", said(&moved));
    assert_eq!(origin::look(&magazine.site).await.expect("a read"), Standing::AtHome);
    let there = TestApp::without_owner(server.clone()).await;
    let standing = origin::arrive(&there.site, None).await.expect("it settles");
    assert!(matches!(standing, Standing::Doubtful(_)), "{standing:?}");
    // PostgreSQL keeps no NUL, and the row is there all the same.
    let names: Vec<(String,)> = database::rows(&server.db, "select name from subscriber").await;
    assert_eq!(names, [("Anna".to_owned(),)]);
}

/// A file of another version is brought up to date by whom it belongs to, and not on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_not_copied() {
    let (Some(file), Some(server)) =
        (TestDb::migrated(Engine::Sqlite).await, TestDb::empty(Engine::Postgres).await)
    else {
        return;
    };
    let app = TestApp::start(file.clone()).await;
    let forgot = database::change(
        &file.db,
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    );
    assert_eq!(forgot.await, 1);
    let path = file.url.strip_prefix("sqlite:").expect("a file").to_owned();
    let refused = run(&app, &server.url, &["migrate", "--copy-from", &path]);
    assert!(
        !refused.status.success() && said(&refused).contains("Bring it up to date first"),
        "{}",
        said(&refused)
    );
    let missing = run(&app, &server.url, &["migrate", "--copy-from", "/nowhere/at-all.db"]);
    assert!(said(&missing).contains("there is no file /nowhere/at-all.db"), "{}", said(&missing));
}
