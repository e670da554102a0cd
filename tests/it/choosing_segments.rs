//! Segments at the desk: made without a script, seen in words and numbers, used on the page of readers, in acts on many, and in files.

use std::time::Duration;

use broadside::{
    db::Engine,
    segments::{self, Condition, SegmentTree},
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
};

/// The last part of an address.
fn id(path: &str) -> String {
    path.rsplit('/').next().expect("an end").split('?').next().expect("a beginning").to_owned()
}

both_engines! {
    /// The page of readers says how many match, where it is narrowed down: also of those that stand on the next pages.
    async fn the_page_of_readers_says_how_many_match(app: TestApp) {
        app.readers(53).await;
        let (desk, list) = (app.desk().await, app.list().await);
        let all = desk.open("/desk/readers").await.text();
        assert!(all.contains("53 readers on your lists") && !all.contains("match."), "{all}");
        for narrowed in [format!("list={list}"), "state=confirmed".to_owned(), "q=example.org".to_owned(), format!("list={list}&q=example")] {
            desk.open(&format!("/desk/readers?{narrowed}")).await.says("53 readers match.");
        }
        desk.open("/desk/readers?q=reader7%40example.org").await.says("1 reader matches.");
        let tree = SegmentTree::Is(Condition::Domain { domain: "example.org".to_owned() });
        let segment = segments::create(&app.site, Some(1), "Here", tree).await.expect("made");
        let page = desk.open(&format!("/desk/readers?segment={segment}")).await;
        page.says("53 readers match.");
        assert!(!desk.open("/desk/readers?q=nobody%40example.net").await.text().contains("match."));
    }

    /// TRUST A13: a segment is made by buttons alone; what was typed stays, what is missing is said where it is; it is saved in versions, and not
    /// deleted while another takes it in.
    async fn a_segment_is_made_without_a_script(app: TestApp) {
        for email in ["ann@example.org", "bob@example.net", "cy@example.net"] {
            app.reader(email).await;
        }
        let desk = app.desk().await;
        let page = desk.open("/desk/segments/new").await;
        page.says("3 readers").says("Readers who are on");
        // Something else is asked for.
        let form = page.form("/desk/segments/new").with("c-0-what", "domain").with("press", "look");
        let page = desk.submit(&form).await;
        assert_eq!(page.status, StatusCode::OK);
        page.says("Say more below");
        let form = page.form("/desk/segments/new").with("c-0-domain", "example.net").with("press", "add c");
        let page = desk.submit(&form).await;
        let form = page.form("/desk/segments/new");
        assert_eq!(form.value("c-0-domain"), Some("example.net"), "what was typed stays");
        let form = form.with("c-1-what", "joined").with("press", "look");
        let form = desk.submit(&form).await.form("/desk/segments/new");
        let save = form.clone().with("press", "save");
        let page = desk.submit(&save).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.says("Give it a name");
        assert!(page.body.contains("Enter a day"), "said where it is");
        let save = page.form("/desk/segments/new").with("name", "Network").with("c-1-day", "2026-01-01").with("press", "save");
        let saved = desk.submit(&save).await;
        let path = saved.leads_to().expect("its own page").path().to_owned();
        let page = desk.open(&path).await;
        page.says("2 readers").says("bob@example.net").says("Version 1,");
        assert!(!page.body.contains("ann@example.org"));
        // Nobody who is not: the condition in the opposite.
        let form = page.form(&path).with("c-0-not", "not").with("press", "look");
        desk.submit(&form).await.says("1 reader").says("ann@example.org");
        // Two who save: the second is told.
        let first = page.form(&path).with("c-0-not", "not").with("press", "save");
        desk.submit(&first).await;
        let second = desk.submit(&page.form(&path).with("c-0-domain", "example.com").with("press", "save")).await;
        assert_eq!(second.status, StatusCode::CONFLICT);
        assert_eq!(rows::<(i64,)>(&app.site.db, "select version from segment").await, [(2,)]);
        // They see what it is now, and theirs comes on top of it.
        second.says("It is version 2").says("Readers who do not have an address at example.net");
        let form = second.form(&path);
        assert_eq!(form.value("c-0-domain"), Some("example.com"), "what was typed stays");
        let saved = desk.submit(&form.with("press", "save")).await;
        assert!(saved.leads_to().is_some(), "{}", saved.body);
        assert_eq!(rows::<(i64,)>(&app.site.db, "select version from segment").await, [(3,)]);
        // Whoever asks for the number hears what is wrong, where it stands.
        let wrong = desk.open(&path).await.form(&path).with("c-0-domain", "no domain").with("press", "count");
        let wrong = desk.submit(&wrong).await;
        assert!(wrong.body.contains("field condition wrong"), "{}", wrong.body);
        assert!(wrong.body.contains("Write the part of an address behind the @"), "{}", wrong.body);
        // Another takes it in; then it stays.
        let form = desk.open("/desk/segments/new").await.form("/desk/segments/new").with("c-0-what", "segment").with("press", "look");
        let form = desk.submit(&form).await.form("/desk/segments/new").with("name", "Wider").with("press", "save");
        let wider = desk.submit(&form).await.leads_to().expect("its own page").path().to_owned();
        let page = desk.open(&path).await;
        page.says("It is used by the segment “Wider”");
        assert!(!page.body.contains("Delete this segment"));
        let delete = desk.open(&wider).await.form("/delete");
        desk.submit_and_follow(&delete).await.says("The segment was deleted.");
        let delete = desk.open(&path).await.form("/delete");
        desk.submit_and_follow(&delete).await.says("No segments yet");
        for broken in ["(", "(.", "((((((.))))))", "x"] {
            let page = desk.open("/desk/segments/new").await;
            let refused = desk.submit(&page.form("/desk/segments/new").with("shape", broken)).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{broken}");
        }
    }

    /// TRUST L10, A15: the page of readers, an act on many and a file go by a segment; who takes more than 1,000 readers says why, and the log has
    /// that without an address.
    async fn a_segment_narrows_readers_acts_and_files(app: TestApp) {
        app.import_readers(1_005).await;
        for email in ["ann@example.net", "bob@example.net"] {
            app.reader(email).await;
        }
        change(&app.site.db, "update subscriber set name = '=1+1' where email = 'ann@example.net'").await;
        let desk = app.desk().await;
        let form = desk.open("/desk/segments/new").await.form("/desk/segments/new").with("c-0-what", "domain").with("press", "look");
        let form = desk.submit(&form).await.form("/desk/segments/new").with("c-0-domain", "example.net").with("name", "Network").with("press", "save");
        let segment = id(desk.submit(&form).await.leads_to().expect("its own page").path());
        let page = desk.open(&format!("/desk/readers?segment={segment}")).await;
        page.says("ann@example.net").says("bob@example.net");
        assert!(!page.body.contains("reader1005@example.org"));
        let page = desk.open(&format!("/desk/readers?segment={segment}&q=ann")).await;
        page.says("ann@example.net");
        assert!(!page.body.contains("bob@example.net"));

        // An act on those in it, as it was when it was looked at.
        let path = format!("/desk/many/new?segment={segment}");
        let form = desk.open(&path).await.form("/desk/many/new").with("deed", "pause").with("weeks", "2").with("why", "the fair");
        let act = desk.submit(&form).await.leads_to().expect("its own page").path().to_owned();
        app.drain().await;
        let page = desk.open(&act).await;
        page.says("2 readers rest from all mail.").says("the segment Network, version 1");
        let edit = desk.open(&format!("/desk/segments/{segment}")).await.form("/desk/segments/").with("c-0-domain", "example.org").with("press", "save");
        desk.submit(&edit).await;
        desk.submit(&page.form("/go")).await;
        app.drain().await;
        let rest = rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.paused_until is not null order by r.email").await;
        assert_eq!(rest, [("ann@example.net".to_owned(),), ("bob@example.net".to_owned(),)]);

        // A file of them.
        let form = desk.open("/desk/readers/export?q=example.net").await.form("/desk/readers/export");
        let file = desk.submit(&form.clone().with("lines", "readers")).await;
        assert_eq!(file.status, StatusCode::OK);
        let lines: Vec<&str> = file.body.lines().collect();
        assert_eq!(lines.len(), 3, "{}", file.body);
        assert!(lines[0].starts_with("\u{feff}email,name,state,lists,left_lists") && lines[1].starts_with("ann@example.net,'=1+1,confirmed,"), "{}", file.body);
        let file = desk.submit(&form.with("lines", "lists")).await;
        assert!(file.body.lines().count() == 3 && file.body.contains("confirmed_at"), "{}", file.body);
        let form = desk.open("/desk/readers/export").await.form("/desk/readers/export");
        let refused = desk.submit(&form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.says("Say why you take them");
        let file = desk.submit(&form.with("why", "we move house")).await;
        let mut whole = Vec::new();
        broadside::subscribers::export(&app.site, &mut whole).await.expect("an export");
        assert_eq!(file.body.trim_start_matches('\u{feff}').as_bytes(), whole, "the same as by the command");
        let log = rows::<(String,)>(&app.site.db, "select detail from audit_log where action = 'exported readers' order by id").await;
        assert_eq!(log.last(), Some(&("all readers: we move house".to_owned(),)));
        assert!(log.len() == 3 && log.iter().all(|(detail,)| !detail.contains("example")), "{log:?}");
        app.advance(Duration::from_secs(1));
    }
}

both_engines! {
    /// TRUST L10: an act means whom its segment meant when somebody looked at it, also where that takes in another one which is saved since.
    async fn an_act_freezes_what_its_segment_takes_in(app: TestApp) {
        for email in ["ann@example.net", "bob@example.org"] {
            app.reader(email).await;
        }
        let domain = |domain: &str| SegmentTree::Is(Condition::Domain { domain: domain.to_owned() });
        let inner = segments::create(&app.site, None, "Inner", domain("example.net")).await.expect("made");
        let inner = segments::find(&app.site.db, &inner).await.expect("a read").expect("it is there");
        let takes_in = SegmentTree::Is(Condition::Segment { segment: inner.id });
        let outer = segments::create(&app.site, None, "Outer", takes_in).await.expect("made");
        let desk = app.desk().await;
        let form = desk.open(&format!("/desk/many/new?segment={outer}")).await.form("/desk/many/new");
        let form = form.with("deed", "pause").with("weeks", "2").with("why", "the fair");
        let act = desk.submit(&form).await.leads_to().expect("its own page").path().to_owned();
        app.drain().await;
        let page = desk.open(&act).await;
        page.says("1 reader rests from all mail.");
        segments::save(&app.site, None, &inner, domain("example.org")).await.expect("saved");
        desk.submit(&page.form("/go")).await;
        app.drain().await;
        let rest = rows::<(String,)>(&app.site.db, "select r.email from subscriber r join subscription s on s.subscriber_id = r.id where s.paused_until is not null").await;
        assert_eq!(rest, [("ann@example.net".to_owned(),)]);
    }
}

/// TRUST U1: a segment is made in a browser, on a phone and on a desk, light and dark; the number stands there while it is typed.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_is_made_by_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.readers(3).await;
    app.reader("ann@example.net").await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/segments/new")).await;
    browser.wait_for_text("4 readers").await;
    browser.sound("segment-new").await;
    // By keyboard one passes other choices: nothing is sent before the list is left, and then one is where one was.
    browser.script("document.getElementById('c-0-what').focus()").await;
    browser.element("#c-0-what").await.send_keys("\u{e015}").await.expect("a key");
    assert_eq!(browser.script("return document.activeElement.id + location.hash").await, "c-0-what");
    browser.element("#c-0-what").await.send_keys("\u{e004}").await.expect("a key");
    browser.wait_for_text("Topic").await;
    browser.element("#c-0-topic").await;
    assert_eq!(browser.script("return document.activeElement.id").await, "c-0-what");
    browser.choose("About", "the domain of their address").await;
    browser.wait_for_text("Domain, such as example.org").await;
    browser.fill("Domain, such as example.org", "example.net").await;
    // Without a press.
    browser.wait_for_text("1 reader").await;
    browser.click("Add a group").await;
    browser.wait_for_text("In this group").await;
    browser.sound("segment-group").await;
    browser.fill("Name", "Network").await;
    browser.click("Save").await;
    browser.wait_for_text("Version 1,").await;
    browser.sound("segment").await;
    browser.goto(&app.url("/desk/segments")).await;
    browser.sound("segments").await;
    browser.click("See them : Network").await;
    browser.wait_for_text("ann@example.net").await;
    let list = broadside::subscribers::lists::all(&app.site.db).await.expect("lists").remove(0);
    browser.goto(&app.url(&format!("/desk/lists/{}#segments", list.public_id))).await;
    browser.choose("Leave out", "Network").await;
    browser.sound("list-segments").await;
    browser.goto(&app.url("/desk/readers/export")).await;
    browser.sound("export").await;
    browser.close().await;
}
