//! Backups: whole or not there, of a magazine at work; and back from them, with nothing sent by itself.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use broadside::{
    db::Engine,
    sandbox::{Rule, Stage},
};

use crate::{
    command_line::text,
    support::{
        Program, Seed, TestApp, TestDb, app, both_engines,
        database::{change, open, rows},
        program, scratch, wait,
    },
};

const KEY: &str = "a key for backups that is long enough";

fn run(settings: &[(&str, &str)], arguments: &[&str]) -> (bool, String) {
    let secrets = [("SECRET", app::SECRET), ("SUPPRESSION_SECRET", app::SUPPRESSION_SECRET)];
    let output = crate::command_line::broadside(arguments, &[settings, &secrets].concat());
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("our own").map(|entry| entry.expect("our own").path()).collect();
    files.sort();
    files
}

fn path(path: &Path) -> &str {
    path.to_str().expect("our own name")
}

/// Where a backup of this engine can go: nothing is there yet.
async fn elsewhere(engine: Engine) -> (String, PathBuf) {
    let data = scratch::folder();
    let url = match engine {
        Engine::Sqlite => format!("sqlite:{}/restored.db", data.display()),
        Engine::Postgres => TestDb::empty(engine).await.expect("it was there a moment ago").url,
    };
    (url, data)
}

both_engines! {
    /// TRUST T10: the copy of a magazine that is just sending is whole; restored, it holds what would go out, and balances.
    async fn a_magazine_at_work_is_copied_and_restored(app: TestApp) {
        app.leaves_work();
        app.import_readers(400).await;
        let edition = app.seal_edition("On its way").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(100)));
        let sending = Program::serve(&app, &[]);
        assert!(app.sandbox.mailbox().wait_for_count(40, Duration::from_secs(60)).await, "{}", sending.log());
        let (to, engine) = (scratch::folder(), app.site.db.engine());
        let here = [("DATABASE_URL", app.database_url.as_str()), ("BACKUP_KEY", KEY)];
        let mut said = String::new();
        for _ in 0..3 {
            // Their names differ by the second.
            said = wait::until("a backup", async || {
                let (well, said) = run(&here, &["backup", path(&to), "--keep", "2"]);
                assert!(well || said.contains("is there already"), "{said}");
                well.then_some(said)
            })
            .await;
        }
        assert!(said.contains("SUPPRESSION_SECRET") && said.contains("was deleted"), "{said}");
        sending.kill();
        let kept = files(&to);
        assert_eq!(kept.len(), 2, "{kept:?}");
        let backup = fs::read(&kept[1]).expect("our own");
        assert!(!backup.windows(7).any(|piece| piece == b"example"), "it can be read without the key");

        let (url, data) = elsewhere(engine).await;
        let there = [("DATABASE_URL", url.as_str()), ("DATA_DIR", path(&data)), ("BACKUP_KEY", KEY)];
        let (well, said) = run(&there[..2], &["restore", path(&kept[1])]);
        assert!(!well && said.contains("set the BACKUP_KEY"), "{said}");
        let (well, said) = run(&there, &["restore", path(&kept[1])]);
        assert!(well && said.contains("1 editions are held back") && said.contains("On its way"), "{said}");
        let (well, said) = run(&there, &["audit"]);
        assert!(well && said.contains("balances"), "{said}");
        let db = open(&url).await;
        assert_eq!(rows::<(i64,)>(&db, "select count(*) from subscriber").await, [(400,)]);
        let held = "select id from edition where state = 'held'";
        assert_eq!(rows::<(i64,)>(&db, held).await, [(edition,)]);
        db.close().await;
        // What this program or these secrets cannot use takes nothing's place; nor does what a log of before would spoil.
        if engine == Engine::Sqlite {
            let newer = data.join("newer.db");
            fs::copy(data.join("restored.db"), &newer).expect("our own");
            let db = open(&format!("sqlite:{}", newer.display())).await;
            change(&db, "update _sqlx_migrations set version = 9999 where version = 1").await;
            change(&db, "insert into suppression_key (single, proof) values (1, 'another') on conflict (single) do update set proof = 'another'").await;
            db.close().await;
            let (well, said) = run(&there, &["restore", path(&newer), "--replace"]);
            assert!(!well && said.contains("made by a newer program"), "{said}");
            let db = open(&format!("sqlite:{}", newer.display())).await;
            change(&db, "update _sqlx_migrations set version = 1 where version = 9999").await;
            change(&db, "insert into suppression (address_hash, reason, detail, created_at) values ('x', 'bounced', '', 0)").await;
            db.close().await;
            let (well, said) = run(&there, &["restore", path(&newer), "--replace"]);
            assert!(!well && said.contains("SUPPRESSION_SECRET is not the one"), "{said}");
            assert!(run(&there, &["audit"]).0, "what was there is gone");
            let log = data.join("restored.db-wal");
            fs::rename(data.join("restored.db"), data.join("broken.db")).expect("our own");
            fs::write(&log, "pages of another").expect("our own");
            let (well, said) = run(&there, &["restore", path(&kept[1])]);
            assert!(!well && said.contains("--replace"), "{said}");
            let (well, said) = run(&there, &["restore", path(&kept[1]), "--replace"]);
            assert!(well && run(&there, &["audit"]).0, "{said}");
        }
        // Where something is already, nothing is overwritten.
        let (well, said) = run(&there, &["restore", path(&kept[0])]);
        assert!(!well && (said.contains("--replace") || said.contains("make an empty one")), "{said}");
        if engine == Engine::Sqlite {
            let (well, said) = run(&there, &["restore", path(&kept[0]), "--replace"]);
            assert!(well && said.contains("What was there is"), "{said}");
        }
    }

    /// What is no backup, is damaged or is somebody else's engine's, changes nothing; and says what it is.
    async fn what_is_no_whole_backup_is_refused(app: TestApp) {
        app.import_readers(3).await;
        let (to, engine) = (scratch::folder(), app.site.db.engine());
        let here = [("DATABASE_URL", app.database_url.as_str())];
        let (plain, sealed) = (to.join("plain"), to.join("sealed"));
        let (well, said) = run(&here, &["backup", path(&plain)]);
        assert!(well, "{said}");
        let (well, said) = run(&here, &["backup", path(&plain)]);
        assert!(!well && said.contains("is there already"), "{said}");
        let with_key = [here[0], ("BACKUP_KEY", KEY)];
        assert!(run(&with_key, &["backup", path(&sealed)]).0);
        let (well, said) = run(&here, &["backup", "/nowhere/backup"]);
        assert!(!well && said.contains("/nowhere/"), "{said}");

        let whole = fs::read(&sealed).expect("our own");
        let half = to.join("half");
        fs::write(&half, &whole[..whole.len() / 2]).expect("our own");
        let other = to.join("other");
        fs::write(&other, "hello").expect("our own");
        let whole = fs::read(&plain).expect("our own");
        let short = to.join("short");
        fs::write(&short, &whole[..whole.len() / 2]).expect("our own");
        let (url, data) = elsewhere(engine).await;
        let (other_url, _) = match engine {
            Engine::Sqlite => (String::from("postgres://127.0.0.1:1/x"), ()),
            Engine::Postgres => (format!("sqlite:{}/other.db", data.display()), ()),
        };
        for (url, key, file, words) in [
            (&url, KEY, &half, "sealed with another key, or is damaged"),
            (&url, "another key for backups, as long as it", &sealed, "sealed with another key, or is damaged"),
            (&url, KEY, &other, "is no backup"),
            (&url, KEY, &short, ""),
            (&url, KEY, &to.join("nowhere"), "cannot be read"),
            (&other_url, KEY, &plain, "this is a backup of"),
        ] {
            let there = [("DATABASE_URL", url.as_str()), ("DATA_DIR", path(&data)), ("BACKUP_KEY", key)];
            let (well, said) = run(&there, &["restore", path(file)]);
            assert!(!well && said.contains(words), "{}: {said}", file.display());
        }
        assert!(!data.join("restored.db").exists() && !data.join("other.db").exists(), "something was made");
        if engine == Engine::Postgres {
            let db = open(&url).await;
            let tables = "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";
            assert_eq!(rows::<(i64,)>(&db, tables).await, [(0,)]);
            db.close().await;
        }
    }

    /// Killed at any moment: there is no half backup under a name, and no half database; the next one is made and restored.
    async fn killed_in_the_middle_it_is_done_again(app: TestApp) {
        app.import_readers(2_000).await;
        let (to, engine) = (scratch::folder(), app.site.db.engine());
        let mut seed = Seed::get("killed backups");
        let all = [("BACKUP_KEY", KEY)];
        for number in 0..6 {
            let name = to.join(format!("{number}"));
            let mut backup = program::begin_with(&app, &["backup", path(&name)], &all);
            let moment = Duration::from_millis(seed.within(1..400) as u64);
            wait::at_most(moment, async || backup.is_over().then_some(())).await;
            backup.kill();
        }
        let here = [("DATABASE_URL", app.database_url.as_str()), ("BACKUP_KEY", KEY)];
        let last = to.join("last");
        let (well, said) = run(&here, &["backup", path(&last)]);
        assert!(well, "{said}");
        let named: Vec<_> = files(&to).into_iter().filter(|file| !path(file).ends_with(".part")).collect();
        for file in named {
            let (url, data) = elsewhere(engine).await;
            let there = [("DATABASE_URL", url.as_str()), ("DATA_DIR", path(&data)), ("BACKUP_KEY", KEY)];
            let mut restoring = program::begin_with(&app, &["restore", path(&file)], &there);
            let moment = Duration::from_millis(seed.within(1..400) as u64);
            wait::at_most(moment, async || restoring.is_over().then_some(())).await;
            restoring.kill();
            // Either it is in its place, and asked about, or there is nothing.
            let (well, said) = run(&there, &["restore", path(&file)]);
            assert!(well || said.contains("--replace") || said.contains("make an empty one"), "{said}");
            let (well, said) = run(&there, &["restored"]);
            assert!(well, "{said}");
            let db = open(&url).await;
            assert_eq!(rows::<(i64,)>(&db, "select count(*) from subscriber").await, [(2_000,)]);
            db.close().await;
        }
    }
}
