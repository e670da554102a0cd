//! Settings as somebody types them, and commands that were given none: what is not understood is said, nothing is made by mistake.

use std::{fs, path::Path, process::Output, sync::Arc};

use broadside::{
    clock::{Clock, Moment},
    db::Engine,
    delivery::{KeptBy, Suppressions},
    site::Site,
    token::{Keys, RootSecret},
};

use crate::{
    command_line::{broadside, text},
    support::{TestDb, database::change, scratch},
};

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// One file serves the service and every command, also with what people write behind and around a value.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_settings_is_named_and_understood() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let file = scratch::folder().join("env");
        let text = format!(
            "# the magazine\nexport BROADSIDE_ENV=production # not a try\nSECRET=\"1:{0}\"\nSUPPRESSION_SECRET='{0}'\nDATABASE_URL=\"{1}\"\n",
            "0123456789-0123456789-0123456789", db.url
        );
        fs::write(&file, text).expect("our own folder");
        let file = file.to_str().expect("our own name");
        for arguments in [["--settings", file, "audit"], ["audit", "--settings", file]] {
            let audit = broadside(&arguments, &[]);
            assert!(audit.status.success(), "{}", said(&audit));
        }
        // What the environment says goes before.
        let other = broadside(&["--settings", file, "audit"], &[("DATABASE_URL", "sqlite:other.db")]);
        assert!(said(&other).contains("other.db") && !other.status.success(), "{}", said(&other));
    }
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line_and_all_at_once() {
    let file = scratch::folder().join("env");
    fs::write(&file, "DATABSE_URL=sqlite:x\nLISTEN=\"127.0.0.1:1\n\nBASE_URL\n").expect("our own folder");
    let path = file.to_str().expect("our own name");
    let output = broadside(&["--settings", path, "doctor"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    for words in
        ["line 1: there is no setting DATABSE_URL; did you mean DATABASE_URL?", "line 2: LISTEN", "line 4"]
    {
        assert!(said.contains(words), "{words} is missing in: {said}");
    }
    let gone = broadside(&["--settings", "/nowhere/env", "doctor"], &[]);
    assert!(self::said(&gone).contains("/nowhere/env cannot be read"), "{}", self::said(&gone));
}

/// Where a manager of services read the file, its comments and misspelt names stand in the environment.
#[test]
fn what_another_program_made_of_a_file_is_found_out() {
    for (name, value, words) in [
        (
            "LISTEN",
            "127.0.0.1:3000   # only from here",
            "LISTEN in the environment has a comment in its value",
        ),
        ("STRIPE_SECRT_KEY", "x", "did you mean STRIPE_SECRET_KEY?"),
        ("DATABASE_URL_FILE", "/nowhere/url", "DATABASE_URL_FILE: /nowhere/url cannot be read"),
        ("DATABASE_URL", "postgres://ann:a/b@127.0.0.1/news", "/ as %2F"),
        ("SMTP_URL", "smtp://ann:a#b@mail.example.org", "# as %23"),
    ] {
        let output = broadside(&["doctor"], &[(name, value)]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(said(&output).contains(words), "{words} is missing in: {}", said(&output));
    }
    let empty = scratch::folder().join("secret");
    fs::write(&empty, "\n").expect("our own folder");
    let output = broadside(&["doctor"], &[("SECRET_FILE", empty.to_str().expect("our own name"))]);
    assert!(said(&output).contains("is empty"), "{}", said(&output));
}

/// The address of the database may hold a password, so it can stand in a file of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_the_database_stands_in_a_file() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let file = scratch::folder().join("url");
        fs::write(&file, format!("{}\n", db.url)).expect("our own folder");
        let audit = broadside(&["audit"], &[("DATABASE_URL_FILE", file.to_str().expect("our own name"))]);
        assert!(audit.status.success(), "{}", said(&audit));
    }
}

/// Typed as the documents print them, without the service's settings, commands make nothing, and say what they looked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_its_settings_makes_no_database() {
    let data = scratch::folder();
    let mut homes = vec![("DATA_DIR".to_owned(), data.display().to_string())];
    if let Some(db) = TestDb::empty(Engine::Postgres).await {
        homes.push(("DATABASE_URL".to_owned(), db.url));
    }
    for (name, value) in &homes {
        let settings = [(name.as_str(), value.as_str())];
        for arguments in [
            ["audit"].as_slice(),
            &["restored"],
            &["edition", "send", "1"],
            &["edition", "have-it", "1", "--nobody"],
            &["subscribers", "export"],
            &["export-proof", "ann@example.org"],
            &["settings", "confirm-address"],
            &["team", "add", "ann@example.org", "--name", "Ann", "--role", "owner"],
            &["dkim", "list"],
            &["bounce", "ingest", "-"],
        ] {
            let output = broadside(arguments, &settings);
            let said = said(&output);
            // The mail server keeps the message, and comes again with it.
            let status = if arguments[0] == "bounce" { 75 } else { 1 };
            assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
            assert!(said.contains("--settings") && said.contains("serve"), "{arguments:?}: {said}");
            if name == "DATA_DIR" {
                assert!(said.contains(&format!("{value}/broadside.db")), "{arguments:?}: {said}");
                assert!(!Path::new(value).join("broadside.db").exists(), "{arguments:?} made a database");
            }
        }
    }
}

/// A bounce whose command cannot even read its settings is not lost.
#[test]
fn a_bounce_waits_for_settings_that_can_be_used() {
    let output = broadside(&["bounce", "ingest", "-"], &[("LISTEN", "here")]);
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
}

/// One error, once, with its cause and its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_told_once() {
    let url = "postgres://ann:secret-of-ann@127.0.0.1:1/news";
    let output = broadside(&["audit"], &[("DATABASE_URL", url)]);
    let said = said(&output);
    assert!(said.contains("cannot reach PostgreSQL at 127.0.0.1:1: connection refused"), "{said}");
    assert!(said.lines().count() == 1 && !said.contains("secret-of-ann"), "{said}");
    // A folder stands where the file should be.
    let folder = scratch::folder();
    fs::create_dir(folder.join("broadside.db")).expect("our own folder");
    let output = broadside(&["audit"], &[("DATA_DIR", folder.to_str().expect("our own name"))]);
    assert!(self::said(&output).contains("is a folder"), "{}", self::said(&output));
}

/// As `serve` does at its start.
async fn settle(db: &TestDb, secret: &str) {
    let keys = Keys::new(&RootSecret { id: 1, secret: vec![7; 32] }, &[], secret.as_bytes());
    let house = db.site("http://127.0.0.1:3000", Moment::from_unix_seconds(0));
    let site = Site { clock: Clock::System, keys: Arc::new(keys), ..house };
    assert_eq!(Suppressions::new(&site).secret(true).await.expect("it is asked"), KeptBy::This);
}

/// With another secret nobody in the list of those who are never mailed would be known: nothing runs then.
#[tokio::test(flavor = "multi_thread")]
async fn another_suppression_secret_is_refused() {
    let (right, wrong) = ("0123456789-0123456789-0123456789", "9876543210-9876543210-9876543210");
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let run = |secret: &str, arguments: &[&str]| {
            let settings = [("DATABASE_URL", db.url.as_str()), ("SUPPRESSION_SECRET", secret)];
            let output = broadside(arguments, &settings);
            (output.status.success(), said(&output))
        };
        // Who asks something settles nothing; who runs the magazine does.
        assert!(run(wrong, &["audit"]).0);
        settle(&db, right).await;
        let (well, said) = run(wrong, &["audit"]);
        assert!(!well && said.contains("SUPPRESSION_SECRET is not the one"), "{said}");
        // A list that has nobody in it takes another.
        settle(&db, wrong).await;
        settle(&db, right).await;
        change(
            &db.db,
            "insert into suppression (address_hash, reason, detail, created_at) values ('x', 'bounced', '', 0)",
        )
        .await;
        assert!(run(right, &["audit"]).0);
        let (well, said) = run(wrong, &["audit"]);
        assert!(
            !well && said.contains("SUPPRESSION_SECRET is not the one") && said.contains("none of the 1"),
            "{said}"
        );
        let accept = ["settings", "accept-suppression-secret", "--lost"];
        let (well, said) = run(wrong, &[accept.as_slice(), &["2"]].concat());
        assert!(!well && said.contains("--lost 1"), "{said}");
        assert!(run(wrong, &[accept.as_slice(), &["1"]].concat()).0);
        assert!(run(wrong, &["audit"]).0 && !run(right, &["audit"]).0);
    }
}

/// A value that is no text is refused by its name, wherever it stands: passed over, its default would hold without a word.
#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_refused_by_its_name() {
    use std::{
        ffi::OsStr,
        os::unix::ffi::OsStrExt as _,
        process::{Command, Stdio},
    };

    let latin1 = OsStr::from_bytes(b"m\xfcller-0123456789-0123456789-0123456789");
    for name in ["BACKUP_KEY", "SECRET_FILE"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_broadside"));
        program.arg("audit").current_dir(scratch::folder()).env_clear().stdin(Stdio::null());
        let output =
            program.env("SOMEBODY_ELSES", latin1).env(name, latin1).output().expect("the program starts");
        let said = said(&output);
        assert!(said.contains(&format!("{name} in the environment has signs that are not UTF-8")), "{said}");
        assert!(!said.contains("SOMEBODY_ELSES") && !output.status.success(), "{said}");
    }
    let file = scratch::folder().join("env");
    fs::write(&file, b"# M\xfcller\nLOG=info\nBACKUP_KEY=m\xfcller\n").expect("our own folder");
    let said = said(&broadside(&["--settings", file.to_str().expect("our own name"), "audit"], &[]));
    assert!(said.contains("line 1: it has signs") && said.contains("line 3: BACKUP_KEY has signs"), "{said}");
    assert!(!said.contains("ller"), "{said}");
}
