//! The command line, as somebody at a terminal meets it.

use std::process::{Command, Output};

use broadside::{
    audit_log,
    clock::{Clock, Moment},
    db::Engine,
    publishing, settings,
    site::Site,
};

use crate::support::{TestDb, database::change, dns::DnsServer, scratch};

/// Runs the program in a folder of its own with nothing but these settings.
pub fn broadside(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_broadside"));
    command.args(arguments).current_dir(scratch::folder()).env_clear().envs(settings.iter().copied());
    command.output().expect("the program starts")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_command_and_ends_well() {
    let help = broadside(&["--help"], &[]);
    assert!(help.status.success());
    for command in [
        "migrate",
        "restored",
        "articles",
        "subscribers",
        "edition",
        "audit",
        "bounce",
        "dkim",
        "doctor",
        "team",
        "templates",
        "settings",
    ] {
        assert!(text(&help.stdout).contains(command), "{command} is missing");
    }
    // A former name works, and is not offered any more.
    assert!(broadside(&["export-proof", "--help"], &[]).status.success());
    assert_eq!(broadside(&["no-such-command"], &[]).status.code(), Some(2));
}

/// As in `| head`: nobody reads on, and the program ends as others do, without a word.
#[test]
fn whoever_stops_reading_hears_nothing_of_it() {
    for arguments in [["settings"].as_slice(), &["templates", "check"], &["doctor"]] {
        let (reads, writes) = std::io::pipe().expect("a pipe");
        drop(reads);
        let mut command = Command::new(env!("CARGO_BIN_EXE_broadside"));
        command.args(arguments).current_dir(scratch::folder()).env_clear().env("LOG", "error");
        let output =
            command.stdout(writes).stderr(std::process::Stdio::piped()).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

/// Who may not look into the folder of the data is told so, and not that there is no database in it.
#[cfg(unix)]
#[test]
fn who_may_not_look_is_not_told_that_there_is_nothing() {
    use std::{
        fs,
        os::unix::{
            fs::{MetadataExt as _, PermissionsExt as _},
            process::CommandExt as _,
        },
    };

    let folder = scratch::folder().join("data");
    fs::create_dir(&folder).expect("our own folder");
    let is_root = fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    fs::set_permissions(&folder, fs::Permissions::from_mode(if is_root { 0o700 } else { 0 })).expect("ours");
    // Nobody may come to where the program was built, if that is a folder of root's.
    let anybodys = scratch::new_folder("anybodys", None);
    let program = anybodys.join("broadside");
    fs::set_permissions(&anybodys, fs::Permissions::from_mode(0o755)).expect("our own folder");
    fs::copy(env!("CARGO_BIN_EXE_broadside"), &program).expect("the program can be copied");
    let database = format!("sqlite:{}", folder.join("broadside.db").display());
    for arguments in [&["audit"][..], &["backup", "/tmp"], &["edition", "send", "1"], &["doctor"]] {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir("/").env_clear();
        command.env("DATABASE_URL", &database).env("DATA_DIR", &folder);
        if is_root {
            command.uid(65_534);
        }
        let output = command.output().expect("the program starts");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("may not be looked into by user"), "{arguments:?}: {said}");
        assert!(!said.contains("there is no database") && !said.contains("is not there yet"), "{said}");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("our own folder");
    fs::remove_dir_all(&anybodys).expect("our own folder");
}

/// One JSON object a line for each file, in order; and no settings are needed.
#[test]
fn inspecting_a_bounce_prints_one_object_a_line() {
    let folder = scratch::folder();
    let bounce = "From: MAILER-DAEMON@mx.example.com\nTo: bounce@example.org\nSubject: failure notice\n\n\
                  I could not deliver your message.\n\n<ann@example.com>:\n550 5.1.1 unknown user\n";
    let (one, other) = (folder.join("one.eml"), folder.join("other.eml"));
    std::fs::write(&one, bounce).expect("our own folder");
    std::fs::write(&other, "Subject: hello\n\nHello.\n").expect("our own folder");
    let paths = [&one, &other].map(|path| path.to_str().expect("our own name").to_owned());
    let output = broadside(&["bounce", "inspect", "--json", &paths[0], &paths[1]], &[]);
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    let recipient = &lines[0]["recipients"][0];
    let told =
        ["address", "class", "status", "reply"].map(|name| recipient[name].as_str().unwrap_or_default());
    assert_eq!(told, ["ann@example.com", "hard", "5.1.1", "550"]);
    assert_eq!(lines[1]["recipients"].as_array().map(Vec::len), Some(0));
    let missing = broadside(&["bounce", "inspect", "--json", "no-such-file"], &[]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn all_mistakes_in_the_settings_are_told_at_once() {
    let output =
        broadside(&["doctor"], &[("LISTEN", "here"), ("SMTP_URL", "ftp://x"), ("BROADSIDE_ENV", "home")]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for name in ["LISTEN", "SMTP_URL", "BROADSIDE_ENV"] {
        assert!(said.contains(name), "{name} is missing in: {said}");
    }
}

/// TRUST M5: a test copy that came back tells whether the mail service signs.
#[test]
fn the_doctor_looks_at_a_message_that_came_back() {
    let file = scratch::folder().join("copy.eml");
    let message = "Authentication-Results: mx.example.com; dkim=pass header.d=example.org\n\
                   DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=one; h=from:to:subject; bh=AA==; b=AA==\n\
                   From: post@example.org\nTo: ann@example.com\nSubject: Hello\n\nHello\n";
    let doctor = || broadside(&["doctor", "--message", file.to_str().expect("our own name")], &[]);
    std::fs::write(&file, message).expect("our own folder");
    let good = doctor();
    assert!(good.status.success() && text(&good.stdout).contains("the signature holds"), "{good:?}");
    std::fs::write(&file, message.replace("d=example.org", "d=example.net")).expect("our own folder");
    let bad = doctor();
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stdout).contains("not for example.org"), "{bad:?}");
}

/// TRUST A31: the doctor shows every setting, and no secret.
#[test]
fn the_doctor_shows_settings_without_secrets() {
    let canary = "canary-0123456789-0123456789-0123456789";
    let output = broadside(
        &["doctor"],
        &[
            ("SECRET", canary),
            ("SUPPRESSION_SECRET", canary),
            // Ports on which nobody listens.
            ("SMTP_URL", &format!("smtp://ann:{canary}@127.0.0.1:1")),
            ("DATABASE_URL", &format!("postgres://ann:{canary}@127.0.0.1:1/news")),
            ("STRIPE_SECRET_KEY", canary),
            ("STRIPE_WEBHOOK_SECRET", canary),
            ("STRIPE_API_BASE", "http://127.0.0.1:1"),
            ("BASE_URL", "https://127.0.0.1:1"),
            ("LOG", "trace"),
        ],
    );
    assert_eq!(output.status.code(), Some(1), "nothing can be reached");
    let said = text(&output.stdout);
    for setting in broadside::config::SETTINGS {
        assert!(said.contains(setting.name), "{} is missing in: {said}", setting.name);
    }
    assert_eq!(said.matches("problem").count(), 3, "{said}");
    assert!(said.contains("all visitors as one"), "the proxy is not named: {said}");
    assert!(!said.contains("canary") && !text(&output.stderr).contains("canary"), "a secret was shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_says_that_nothing_was_left_to_do() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::empty(engine).await else { continue };
        let first = broadside(&["migrate"], &[("DATABASE_URL", &db.url)]);
        assert!(text(&first.stdout).contains("were applied"), "{first:?}");
        let second = broadside(&["migrate"], &[("DATABASE_URL", &db.url)]);
        assert!(second.status.success() && text(&second.stdout).contains("was up to date"), "{second:?}");
    }
}

/// TRUST L1: what a reader agreed to can be printed, with its source. TRUST L6: nobody comes in without a basis and a source, which stand
/// with each reader. TRUST L10: who comes in, leaves as a file or as a proof is in the log, without an address; for very many the reason.
#[tokio::test(flavor = "multi_thread")]
async fn readers_are_imported_exported_and_proven() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let settings =
            [("DATABASE_URL", db.url.as_str()), ("SUPPRESSION_SECRET", "0123456789-0123456789-0123456789")];
        add_list(&db).await;
        let file = scratch::folder().join("readers.csv");
        std::fs::write(&file, "email,name\nann@example.org,Ann\nno address,Bob\n").expect("a file");
        let file = file.to_str().expect("a path of letters");
        let basis = ["--basis", "consent", "--source", "spring fair 2026"];
        let import = broadside(&[["subscribers", "import", file].as_slice(), &basis].concat(), &settings);
        let said = text(&import.stdout) + &text(&import.stderr);
        assert_eq!(import.status.code(), Some(1), "a bad row is told by the exit code too: {said}");
        assert!(said.contains("1 reader added to The digest") && said.contains("readers.csv:3"), "{said}");
        for (basis, source) in [("", "a sheet"), ("consent", " "), ("consent", &"x".repeat(301))] {
            let unsaid = ["subscribers", "import", file, "--basis", basis, "--source", source];
            let refused = broadside(&unsaid, &settings);
            assert_eq!(refused.status.code(), Some(1));
            assert!(text(&refused.stderr).contains("on what basis"), "{refused:?}");
        }
        let export = text(&broadside(&["subscribers", "export"], &settings).stdout);
        assert!(export.contains("ann@example.org,Ann,"), "{export}");
        let (reads, writes) = std::io::pipe().expect("a pipe");
        drop(reads);
        let mut unread = Command::new(env!("CARGO_BIN_EXE_broadside"));
        unread
            .args(["subscribers", "export"])
            .env_clear()
            .envs(settings)
            .current_dir(scratch::folder())
            .stdout(writes);
        let unread = unread.stderr(std::process::Stdio::piped()).output().expect("the program starts");
        assert_eq!((unread.status.code(), text(&unread.stderr)), (Some(141), String::new()));
        for proof in [["subscribers", "proof"].as_slice(), &["export-proof"]] {
            let print = |address| broadside(&[proof, &[address]].concat(), &settings);
            let printed = text(&print("Ann@Example.org").stdout);
            assert!(
                printed.contains("imported") && printed.contains("consent: spring fair 2026"),
                "{printed}"
            );
            assert_eq!(print("bob@example.org").status.code(), Some(1));
        }
        change(&db.db, "insert into list (public_id, slug, name, description, visibility, created_at) with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
            select 'l' || i, 'l' || i, 'L', '', 'private', 7 from n").await;
        change(&db.db, "insert into subscription (subscriber_id, list_id, state, asked_at) select r.id, l.id, 'pending', 7 from subscriber r, list l where l.slug like 'l%'").await;
        let taken = scratch::folder().join("all.csv");
        let export = ["subscribers", "export", taken.to_str().expect("a path of letters")];
        let refused = broadside(&export, &settings);
        assert!(text(&refused.stderr).contains("--why") && !taken.exists(), "{refused:?}");
        assert!(
            broadside(&[export.as_slice(), &["--why", "we move house"]].concat(), &settings).status.success()
        );
        let log = audit_log::latest(&db.db, 50).await.expect("a read");
        let log: Vec<_> = log.iter().rev().map(|line| (line.action.as_str(), line.detail.as_str())).collect();
        assert_eq!(
            log,
            [
                (
                    "imported readers",
                    "1 added to digest, 0 left as they were, 1 not taken. consent: spring fair 2026"
                ),
                ("exported readers", "1 line"),
                ("exported readers", "1 line"),
                ("printed a proof", ""),
                ("printed a proof", ""),
                ("exported readers", "1001 lines: we move house"),
            ]
        );
        // TRUST L8, L7: all of it by one command; and gone by another.
        let held = broadside(&["subscribers", "held", "ANN@example.org"], &settings);
        let held: serde_json::Value = serde_json::from_slice(&held.stdout).expect("JSON");
        assert_eq!(held["who_you_are"][0]["name"], "Ann");
        assert_eq!(held["what_you_agreed_to"][0]["source"], "consent: spring fair 2026");
        let log = audit_log::latest(&db.db, 1).await.expect("a read");
        assert_eq!(log[0].action, "took away what is held about a reader");
        assert!(
            !broadside(&["subscribers", "forget", "ann@example.org"], &settings).status.success(),
            "it says why"
        );
        let forget = ["subscribers", "forget", "ann@example.org", "--reason", "asked by letter"];
        assert!(broadside(&forget, &settings).status.success());
        assert!(!broadside(&forget, &settings).status.success(), "they are gone");
        let held = text(&broadside(&["subscribers", "held", "ann@example.org"], &settings).stdout);
        assert!(held.contains("\"who_you_are\": []") && held.contains("\"forgotten_at\""), "{held}");
        let import = broadside(&[["subscribers", "import", file].as_slice(), &basis].concat(), &settings);
        assert!(text(&import.stdout).contains("0 readers added"), "{}", text(&import.stdout));
        // Who only gave, too.
        change(&db.db, "insert into donor (public_id, email, email_key, name, created_at) values ('d', 'Bob@example.org', 'bob@example.org', 'Bob', 7)").await;
        let forget = ["subscribers", "forget", "bob@example.org", "--reason", "asked by letter"];
        let gone = broadside(&forget, &settings);
        assert!(text(&gone.stdout).contains("They were no reader"), "{gone:?}");
        assert!(text(&broadside(&forget, &settings).stderr).contains("nothing is held"));
        assert!(broadside(&["audit"], &settings).status.success());
    }
}

fn site(db: &TestDb) -> Site {
    Site { clock: Clock::System, ..db.site("http://127.0.0.1:3000", Moment::from_unix_seconds(0)) }
}

async fn add_list(db: &TestDb) {
    publishing::ensure_first(&site(db)).await.expect("a first list");
}

/// TRUST M27: the doctor says what receivers miss, with the record to publish, and keeps quiet about a sandbox.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_receivers_miss() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let site = site(&db);
    let mut tx = db.db.begin().await.expect("a transaction");
    let saved =
        settings::save(&mut tx, &site, None, |settings| settings.from_email = "post@example.org".into());
    saved.await.expect("a setting");
    tx.commit().await.expect("a commit");
    let server = DnsServer::start().await;
    server.a("mail.example.test", [192, 0, 2, 1]).txt("_dmarc.example.org", "v=DMARC1; p=reject");
    let resolver = server.address.to_string();
    let doctor = |smtp: &str| {
        let settings = [("DATABASE_URL", db.url.as_str()), ("DNS_RESOLVER", &resolver), ("SMTP_URL", smtp)];
        text(&broadside(&["doctor"], &settings).stdout)
    };
    // A name that no other resolver knows, so nothing is sent anywhere.
    let said = doctor("smtp://mail.example.test");
    for line in [
        "problem  SPF: example.org does not say",
        "publish example.org. TXT \"v=spf1 a:mail.example.test ~all\"",
        "problem  DKIM: Nothing here signs your mail.",
        "ok       DMARC: example.org has a DMARC record",
        "note     PTR: 192.0.2.1",
        "ok       TLS:",
    ] {
        assert!(said.contains(line), "{line} is missing in: {said}");
    }
    let sandbox = doctor("smtp://127.0.0.1:2525?tls=none");
    assert!(!sandbox.contains("SPF"), "{sandbox}");
}

#[test]
fn the_sandbox_is_refused_in_production() {
    let secret = "0123456789-0123456789-0123456789";
    let settings = [("BROADSIDE_ENV", "production"), ("SECRET", secret), ("SUPPRESSION_SECRET", secret)];
    let refused = broadside(&["sandbox"], &settings);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("production"), "{refused:?}");
}

#[test]
fn the_list_of_settings_is_the_example_file() {
    let output = broadside(&["settings"], &[]);
    assert_eq!(text(&output.stdout), include_str!("../../.env.example"));
}

#[test]
fn the_email_templates_are_in_order() {
    let output = broadside(&["templates", "check"], &[]);
    assert!(output.status.success(), "{}", text(&output.stdout));
}
