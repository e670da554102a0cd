//! Nothing that stands in the log opens a door.

use std::{collections::BTreeSet, fs, process::Command};

use crate::support::{
    database::{open, rows},
    scratch,
};

/// Pages that whoever knows the rest of the address may open, or that act.
const DOORS: [&str; 13] = [
    "/confirm/",
    "/unsubscribe/",
    "/preferences/",
    "/your-data/",
    "/forget-me/",
    "/address/",
    "/view/",
    "/giving/",
    "/supporter/",
    "/thanks/",
    "/desk/sign-in/",
    "/desk/join/",
    "/donate?e=",
];

/// The ends of all links in a text that lead through a door.
fn keys(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for door in DOORS {
        for rest in text.split(door).skip(1) {
            let key: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
            if key.len() > 20 {
                keys.insert(key);
            }
        }
    }
    keys
}

/// TRUST A31: subscribing, confirming, an edition, leaving, giving once and monthly, with a talkative log: no link
/// that a mail carried stands in it, no checkout, no name of a gift.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_the_main_job_opens_no_door() {
    let folder = scratch::folder();
    let data = folder.to_str().expect("a path of letters").to_owned();
    let demo = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_broadside"))
            .args(["demo", "--once"])
            .current_dir(&data)
            .env_clear()
            .envs([("LOG", "debug,broadside=trace"), ("DATA_DIR", data.as_str()), ("LISTEN", "127.0.0.1:0")])
            .output()
            .expect("the program starts")
    });
    let demo = demo.await.expect("the demo ends");
    let log = String::from_utf8_lossy(&demo.stderr).into_owned();
    assert!(demo.status.success() && log.lines().count() > 100, "{log}");

    // Quoted-printable: lines go on after a =, and = itself is =3D.
    let mail = fs::read_to_string(folder.join("demo/sandbox/mail.raw")).expect("the mailbox");
    let mail = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let keys = keys(&mail);
    assert!(keys.len() > 500, "the links of the mails were found: {}", keys.len());
    let url = format!("sqlite:{}", folder.join("demo/broadside.db").display());
    let db = open(&url).await;
    let mut names = keys;
    for (donation, session) in
        rows::<(String, Option<String>)>(&db, "select public_id, provider_session_id from donation").await
    {
        names.insert(donation);
        names.extend(session);
    }
    for (recurring,) in rows::<(String,)>(&db, "select public_id from recurring_donation").await {
        names.insert(recurring);
    }
    db.close().await;
    let told: Vec<&String> = names.iter().filter(|name| log.contains(name.as_str())).collect();
    assert!(told.is_empty(), "{} of {} stand in the log: {:?}", told.len(), names.len(), told.first());
}
