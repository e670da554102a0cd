//! Mail is signed from the moment a key is switched on until it is retired, and somebody else's verifier holds it for good.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use broadside::{
    db::Engine,
    dkim::{self, DkimError, DkimKey, KeyState},
    mail::Algorithm,
    site::Site,
    token::{Keys, RootSecret},
};

use crate::{
    command_line::{broadside, text},
    support::{
        TestApp, TestDb,
        app::SECRET,
        both_engines,
        dns::DnsServer,
        environment::{program, skip},
        mail::Mail,
    },
};

async fn key(app: &TestApp, algorithm: Algorithm) -> DkimKey {
    dkim::create(&app.site, "example.org", algorithm, None).await.expect("a key")
}

async fn signing_key(app: &TestApp, algorithm: Algorithm) -> DkimKey {
    let key = key(app, algorithm).await;
    dkim::activate(&app.site, &key).await.expect("it waits");
    key
}

/// The Python that has dkimpy: the system's, for which Debian packages it, or the first on the path.
fn python() -> Option<PathBuf> {
    let has_dkimpy = |python: &PathBuf| {
        let asked = Command::new(python).args(["-c", "import dkim, nacl"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    let system = PathBuf::from("/usr/bin/python3");
    [Some(system), program("python3")].into_iter().flatten().find(has_dkimpy)
}

/// Whether dkimpy is here to be asked.
fn dkimpy() -> bool {
    let is_there = python().is_some();
    if !is_there {
        skip("checking signatures with dkimpy", "python3-dkim and python3-nacl are not installed");
    }
    is_there
}

/// What dkimpy says: how many signatures, and whether all are good.
fn verdict(message: &[u8], keys: &[&DkimKey]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/verify_dkim.py");
    let mut command = Command::new(python().expect("dkimpy was there a moment ago"));
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    for key in keys {
        command.args([key.dns_name(), key.record.clone()]);
    }
    let mut python = command.spawn().expect("python starts");
    python.stdin.take().expect("a pipe").write_all(message).expect("python reads");
    let output = python.wait_with_output().expect("python ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn signatures(mail: &Mail) -> usize {
    String::from_utf8_lossy(&mail.raw).matches("DKIM-Signature:").count()
}

both_engines! {
    /// TRUST M5: an edition carries a signature of each kind, which dkimpy holds for good, and for bad once a byte is changed.
    async fn another_verifier_believes_our_signatures(app: TestApp) {
        if !dkimpy() {
            return;
        }
        app.reader("ann@example.com").await;
        let rsa = signing_key(&app, Algorithm::Rsa).await;
        let ed25519 = signing_key(&app, Algorithm::Ed25519).await;
        app.send_edition("Ünder  way: the first edition, with a subject that is too long for one line of a header").await;
        let mail = app.last_mail("ann@example.com");
        assert_eq!(signatures(&mail), 2);
        assert_eq!(verdict(&mail.raw, &[&rsa, &ed25519]), "2 good");
        let changed = String::from_utf8_lossy(&mail.raw).replacen("List-Unsubscribe: <", "List-Unsubscribe: <x", 1);
        assert_eq!(verdict(changed.as_bytes(), &[&rsa, &ed25519]), "2 bad [False, False]");
        let forged = [mail.raw.as_slice(), b"one line more\r\n"].concat();
        assert_eq!(verdict(&forged, &[&rsa, &ed25519]), "2 bad [False, False]");
    }

    /// TRUST M5: what must be covered is covered in what really went out.
    async fn an_edition_signs_the_headers_of_bulk_mail(app: TestApp) {
        app.reader("ann@example.com").await;
        signing_key(&app, Algorithm::Ed25519).await;
        app.send_edition("The first edition").await;
        let signature = app.last_mail("ann@example.com").header("DKIM-Signature").expect("a signature").replace(' ', "");
        let signed = signature.split(";h=").nth(1).and_then(|rest| rest.split(';').next()).expect("h=").to_owned();
        let names: Vec<&str> = signed.split(':').collect();
        for wanted in [
            "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "Reply-To",
            "MIME-Version", "Content-Type",
        ] {
            assert!(names.contains(&wanted), "{wanted} is not signed: {signed}");
        }
        assert_eq!(names.iter().filter(|name| **name == "From").count(), 2, "{signed}");
        assert!(signature.contains(";d=example.org;") && !signature.contains(";l="), "{signature}");
    }

    /// TRUST M5: automatic emails are signed as editions are.
    async fn an_automatic_email_is_signed_too(app: TestApp) {
        if !dkimpy() {
            return;
        }
        let rsa = signing_key(&app, Algorithm::Rsa).await;
        let ed25519 = signing_key(&app, Algorithm::Ed25519).await;
        app.subscribe("ann@example.com").await;
        let mail = app.last_mail("ann@example.com");
        assert_eq!(verdict(&mail.raw, &[&rsa, &ed25519]), "2 good");
        assert!(mail.header("DKIM-Signature").expect("a signature").contains("Auto-Submitted"));
    }

    /// A key signs from when it is switched on until it is retired, and for its own domain alone.
    async fn a_key_signs_from_activation_to_retirement(app: TestApp) {
        app.reader("ann@example.com").await;
        let rsa = key(&app, Algorithm::Rsa).await;
        app.send_edition("Before").await;
        assert_eq!(signatures(&app.last_mail("ann@example.com")), 0, "a key that waits signs nothing");
        let other = dkim::create(&app.site, "example.net", Algorithm::Ed25519, None).await.expect("a key");
        dkim::activate(&app.site, &other).await.expect("it waits");
        assert_eq!(dkim::activate(&app.site, &rsa).await.expect("it waits"), None);
        app.send_edition("While").await;
        let mail = app.last_mail("ann@example.com");
        assert_eq!(signatures(&mail), 1);
        assert!(mail.header("DKIM-Signature").expect("a signature").contains("s=b202603;"));
        let found = dkim::find(&app.site.db, "b202603", None).await.expect("the key");
        assert_eq!(found.state(), KeyState::Signing);
        dkim::retire(&app.site, &found).await.expect("it signs");
        app.send_edition("After").await;
        assert_eq!(signatures(&app.last_mail("ann@example.com")), 0);
    }

    /// TRUST M5: rotation: the new key takes over from the old one of its kind in one step, and its name is never used again.
    async fn a_new_key_takes_over_from_the_old_one(app: TestApp) {
        let first = signing_key(&app, Algorithm::Ed25519).await;
        let second = key(&app, Algorithm::Ed25519).await;
        assert_eq!(second.selector, "b202603e-2");
        let replaced = dkim::activate(&app.site, &second).await.expect("it waits");
        assert_eq!(replaced.as_deref(), Some(first.selector.as_str()));
        let states: Vec<KeyState> = dkim::all(&app.site.db).await.expect("the keys").iter().map(DkimKey::state).collect();
        assert_eq!(states, [KeyState::Retired, KeyState::Signing]);
        assert!(matches!(dkim::activate(&app.site, &first).await, Err(DkimError::NotWaiting(_))));
        let taken = dkim::create(&app.site, "example.org", Algorithm::Rsa, Some(&first.selector)).await;
        assert!(matches!(taken, Err(DkimError::SelectorTaken(_))), "{taken:?}");
        // The failed switch must not have retired the key that signs.
        let signing = dkim::find(&app.site.db, &second.selector, None).await.expect("the key");
        assert_eq!(signing.state(), KeyState::Signing);
    }

    /// TRUST M5: with its root secret gone a key cannot be read, and that is told before any mail goes out.
    async fn a_key_that_cannot_be_read_is_told_at_the_start(app: TestApp) {
        let made = signing_key(&app, Algorithm::Ed25519).await;
        dkim::check(&app.site).await.expect("our own key");
        let old = RootSecret { id: 1, secret: SECRET.as_bytes().to_vec() };
        let new = RootSecret { id: 2, secret: vec![8; 32] };
        let with = |keys| Site { keys: Arc::new(keys), ..app.site.clone() };
        let kept = with(Keys::new(&new, std::slice::from_ref(&old), &[9; 32]));
        dkim::check(&kept).await.expect("the old secret is kept");
        let lost = dkim::check(&with(Keys::new(&new, &[], &[9; 32]))).await.expect_err("the old secret is gone");
        assert!(lost.to_string().contains(&made.dns_name()) && lost.to_string().contains("OLD_SECRETS"), "{lost}");
    }

    async fn names_that_dns_does_not_take_are_refused(app: TestApp) {
        for bad in ["", "a b", "-x", "x.y", "é"] {
            let made = dkim::create(&app.site, "example.org", Algorithm::Ed25519, Some(bad)).await;
            assert!(matches!(made, Err(DkimError::BadName(_))), "{bad:?}: {made:?}");
        }
        let made = dkim::create(&app.site, "localhost", Algorithm::Ed25519, None).await;
        assert!(matches!(made, Err(DkimError::BadName(_))), "{made:?}");
    }
}

/// TRUST M5: at the terminal a key is made, switched on only once its record can be seen, and retired; and the program does not
/// start when it cannot read a key that should sign.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_at_the_terminal() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let server = DnsServer::start().await;
    let resolver = server.address.to_string();
    let secret = "0123456789-0123456789-0123456789";
    let settings = [
        ("DATABASE_URL", db.url.as_str()),
        ("DNS_RESOLVER", resolver.as_str()),
        ("SECRET", secret),
        ("LISTEN", "127.0.0.1:0"),
        ("SUPPRESSION_SECRET", secret),
    ];
    let run = |arguments: &[&str]| broadside(arguments, &settings);
    let nameless = run(&["dkim", "new"]);
    assert!(text(&nameless.stderr).contains("--domain example.org"), "{nameless:?}");
    let made = run(&["dkim", "new", "--domain", "example.org", "--selector", "spring"]);
    let said = text(&made.stdout);
    assert!(said.contains("spring._domainkey.example.org. IN TXT \"v=DKIM1; k=rsa; p="), "{made:?}");
    let early = run(&["dkim", "activate", "spring"]);
    assert!(!early.status.success() && text(&early.stderr).contains("cannot be seen"), "{early:?}");
    let record = said.lines().find_map(|line| line.trim().strip_prefix("value ")).expect("the record").trim();
    server.txt("spring._domainkey.example.org", record);
    assert!(run(&["dkim", "activate", "spring"]).status.success());
    assert!(text(&run(&["dkim", "list"]).stdout).contains("spring._domainkey.example.org  rsa  signs since"));
    let other = "9876543210-9876543210-9876543210";
    let changed = [
        settings[0],
        ("SECRET", other),
        settings[3],
        settings[4],
        ("SMTP_URL", "smtp://127.0.0.1:1?tls=none"),
    ];
    let refused = broadside(&["serve"], &changed);
    assert!(!refused.status.success() && text(&refused.stderr).contains("OLD_SECRETS"), "{refused:?}");
    let retired = run(&["dkim", "retire", "spring"]);
    assert!(text(&retired.stdout).contains("Leave its record published until"), "{retired:?}");
    assert!(!run(&["dkim", "retire", "spring"]).status.success(), "once is enough");
}
