//! Composing an edition, pressing Send, undoing it, sealing it: at the desk, on both databases.

use broadside::{
    articles,
    db::Engine,
    delivery,
    editions::EditionState,
    publishing,
    subscribers::{self, Basis},
};

use crate::support::{Browser, Fixture, TestApp, TestDb, app::OWNER, both_engines, visitor::Visitor};

both_engines! {
    /// TRUST F27: two people press Send at the same moment; one wins, the other is told; undone, nothing goes out.
    async fn an_edition_is_composed_sent_once_and_undone(app: TestApp) {
        magazine_with_readers(&app, 3).await;
        let desk = app.desk().await;
        let path = composed(&desk, "Ladders for everyone").await;
        let look = desk.open(&format!("{path}/send")).await;
        look.says("This goes to 3 readers");
        let form = look.form("/send").with("act", "now");
        let (one, other) = tokio::join!(desk.submit(&form), desk.submit(&form));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409]);
        app.advance(publishing::UNDO / 2);
        seal(&app).await;
        let waiting = desk.open(&path).await;
        waiting.says("Goes out in 30 seconds");
        desk.submit_and_follow(&waiting.form("/undo")).await.says("is a draft again");
        app.advance(publishing::UNDO);
        assert_eq!(seal(&app).await, 0);
    }

    /// TRUST T1: a test copy says what it is, goes to whoever asks for it and to no reader, and its links act for nobody.
    async fn a_test_copy_goes_to_whoever_asks_and_to_nobody_else(app: TestApp) {
        magazine_with_readers(&app, 3).await;
        let desk = app.desk().await;
        let path = composed(&desk, "Ladders for everyone").await;
        let composer = desk.open(&path).await.form(&path);
        let changed = composer.with("intro", "Better words.").and("act", "test");
        desk.submit_and_follow(&changed).await.says("A test copy is on its way");
        app.drain().await;
        let mail = app.last_mail(OWNER.0);
        assert_eq!(mail.subject, "[Test] Ladders for everyone");
        assert!(mail.text.contains("Better words.") && mail.text.contains("This is a test copy"), "{}", mail.text);
        assert!(!mail.text.contains("/unsubscribe/") && !mail.text.contains("/preferences/"), "{}", mail.text);
        assert_eq!(mail.header("List-Unsubscribe"), None);
        app.visitor().open(&mail.link("/sample-link")).await.says("It does nothing here");
        desk.open(&mail.link("/preview")).await.says("Better words.");
        assert_eq!(app.sandbox.mailbox().messages().len(), 1, "no reader got anything");
        // Once more, from the last look before sending.
        app.advance(publishing::UNDO);
        let look = desk.open(&format!("{path}/send")).await;
        desk.submit_and_follow(&look.form("/test")).await.says("A test copy is on its way");
        app.drain().await;
        assert_eq!(app.mails(OWNER.0).len(), 2);
        assert_eq!(edition(&app, &path).await.state, EditionState::Draft);
    }

    /// TRUST T1, T11, F14: two workers seal at once; every reader has one row, and what the desk shows adds up. Cancelling
    /// accounts for everyone who has not got a copy.
    async fn two_workers_seal_and_nobody_is_written_twice(app: TestApp) {
        let readers = publishing::CHUNK + 234;
        magazine_with_readers(&app, readers).await;
        let desk = app.desk().await;
        let path = composed(&desk, "Two of us").await;
        let look = desk.open(&format!("{path}/send")).await;
        desk.submit(&look.form("/send").with("act", "now")).await;
        app.advance(publishing::UNDO);
        let (one, other) = tokio::join!(seal(&app), seal(&app));
        assert_eq!(one + other, 1);
        let edition = edition(&app, &path).await;
        assert_eq!((edition.state, edition.sealed_count), (EditionState::Sending, Some(readers)));
        assert_adds_up(&app, edition.id).await;
        let page = desk.open(&path).await;
        page.says("1,234 readers = 0 taken + 0 failed + 0 not mailed + 0 may have arrived + 1,234 still to go");
        desk.submit(&page.form("/pause")).await;
        let page = desk.open(&format!("{path}/cancel")).await;
        page.says("1,234 of 1,234 readers have not got it yet");
        desk.submit(&page.form("/cancel")).await;
        desk.open(&path).await.says("0 taken + 0 failed + 0 not mailed + 1,234 cancelled + 0 may have arrived + 0 still to go");
        assert_adds_up(&app, edition.id).await;
    }
}

/// An editor who is no technician finds the way without a mouse or good eyes: axe finds nothing serious on any page of it.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_desk_is_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.give("bea@example.org", "12", "once").await;
    magazine_with_readers(&app, 3).await;
    let desk = app.desk().await;
    let path = composed(&desk, "Ladders for everyone").await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url(&path)).await;
    browser.fill("A few words to begin with", "Read this first.").await;
    browser
        .script("const area = document.querySelector('#intro'); area.focus(); area.setSelectionRange(0, 4)")
        .await;
    browser.click("Bold").await;
    assert_eq!(browser.script("return document.querySelector('#intro').value").await, "**Read** this first.");
    browser.wait_for_text("Saved").await;
    browser.enter_frame().await;
    browser.wait_for_text("Read this first.").await;
    assert_eq!(browser.script("return document.querySelector('strong').textContent").await, "Read");
    for page in [
        "/desk/articles",
        "/desk/articles/new",
        "/desk/articles/1",
        "/desk/editions",
        &path,
        &format!("{path}/send"),
        "/desk/readers",
        "/desk/donations",
        "/desk/settings",
        "/desk/team",
        "/desk/account",
        "/desk/nothing",
    ] {
        browser.goto(&app.url(page)).await;
        browser.sound(&format!("desk-{}", page.rsplit('/').next().unwrap_or_default())).await;
    }
    for (page, line) in [("/desk/readers", "reader1@example.org"), ("/desk/donations", "bea@example.org")] {
        browser.goto(&app.url(page)).await;
        browser.click(line).await;
        browser.wait_for_path(&format!("{page}/")).await;
        browser.sound(&format!("desk-{line}")).await;
    }
    browser.goto(&app.url(&format!("{path}/send"))).await;
    browser.click("Send to 3 readers now").await;
    browser.wait_for_text("Goes out in").await;
    app.advance(publishing::UNDO);
    assert_eq!(seal(&app).await, 1);
    // The page follows by itself: no reload here.
    browser.wait_for_text("On its way to 3 readers").await;
    browser.axe().await;
    browser.click("Cancel the rest").await;
    browser.wait_for_text("3 of 3 readers have not got it yet").await;
    browser.sound("desk-cancel").await;
    browser.click("Cancel it for 3 readers, for good").await;
    browser.wait_for_text("Nothing more goes out").await;
    browser.close().await;
    app.finish().await;
}

async fn magazine_with_readers(app: &TestApp, count: i64) {
    let site = &app.site;
    let list = app.list().await;
    articles::import_bytes(site, articles::SAMPLE_FEED.to_vec()).await.expect("articles");
    let rows: String = (1..=count).map(|n| format!("reader{n}@example.org\n")).collect();
    let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
    let report = subscribers::import(site, format!("email\n{rows}").as_bytes(), list, &basis).await;
    assert_eq!(report.expect("readers").added, count.unsigned_abs());
}

/// An edition with two articles, by the forms of the desk; its path.
async fn composed(desk: &Visitor, subject: &str) -> String {
    let list = desk.open("/desk/editions").await;
    let begun = desk.submit(&list.form("/desk/editions")).await;
    let path = begun.leads_to().expect("the new edition").path().to_owned();
    let composer = desk.open(&path).await.form(&path);
    let filled =
        composer.with("subject", subject).with("preview_text", "And more").with("intro", "Dear all.");
    desk.submit(&filled.and("add", "1").and("add", "2").and("act", "add")).await;
    let saved = desk.open(&path).await.form(&path).and("act", "save");
    desk.submit_and_follow(&saved).await.says("Saved.");
    desk.open(&path).await.says("Ready to send");
    path
}

async fn seal(app: &TestApp) -> usize {
    publishing::seal_due(&app.site, &app.templates).await.expect("sealing")
}

async fn edition(app: &TestApp, path: &str) -> publishing::Edition {
    let public_id = path.rsplit('/').next().expect("an id");
    publishing::find(&app.site.db, public_id).await.expect("an edition")
}

async fn assert_adds_up(app: &TestApp, edition_id: i64) {
    let audit = delivery::audit_copies(&app.site.db, edition_id).await.expect("an audit");
    assert!(audit.holds(), "{} and {}", audit.rows, audit.tallies);
}
