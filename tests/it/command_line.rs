//! The command line, as somebody at a terminal meets it.

use std::process::{Command, Output};

use broadside::db::Engine;

use crate::support::{TestDb, scratch};

/// Runs the program in a folder of its own with nothing but these settings.
fn broadside(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_broadside"));
    command.args(arguments).current_dir(scratch::folder()).env_clear().envs(settings.iter().copied());
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_command_and_ends_well() {
    let help = broadside(&["--help"], &[]);
    assert!(help.status.success());
    for command in ["migrate", "articles", "audit", "doctor", "team", "templates", "settings"] {
        assert!(text(&help.stdout).contains(command), "{command} is missing");
    }
    assert_eq!(broadside(&["no-such-command"], &[]).status.code(), Some(2));
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
            ("LOG", "trace"),
        ],
    );
    assert_eq!(output.status.code(), Some(1), "nothing can be reached");
    let said = text(&output.stdout);
    for setting in broadside::config::SETTINGS {
        assert!(said.contains(setting.name), "{} is missing in: {said}", setting.name);
    }
    assert_eq!(said.matches("problem").count(), 3, "{said}");
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
