//! The pictures of the README, docs/readers.md and docs/writing.md, taken of the real thing. They are not a test of anything, so they are taken only by
//! `docs/pictures/make`.

use std::{fs, path::Path, time::Duration};

use broadside::{
    articles,
    db::Engine,
    publishing::{self, Block, Content},
    sandbox::{Rule, Stage},
    subscribers::{self, Basis, topics},
};

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    database::{change, rows},
    wait,
};

const FIRST: [&str; 10] = ["Ada", "Bruno", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hana", "Ivo", "June"];
const LAST: [&str; 8] = ["abara", "bianchi", "castellan", "dufour", "eriksen", "farrow", "goto", "hale"];

const INTRO: &str = "Nobody needs to own a drill, it turns out, and not much else either. This week we went to see what happens \
    when a town shares what it has.

    Start at the old ticket office. Ruth stayed until they locked up.";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes docs/pictures"]
async fn take() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let rows: String = (0..3_200)
        .map(|n| (FIRST[n % 10], LAST[n / 10 % 8], n / 80 + 1))
        .map(|(first, last, n)| format!("{}.{}{n}@example.org,{first}\n", first.to_lowercase(), last))
        .collect();
    let basis = Basis { basis: "consent".to_owned(), source: "a picture".to_owned() };
    let list = app.list().await;
    subscribers::import(&app.site, format!("email,name\n{rows}").as_bytes(), list, &basis)
        .await
        .expect("readers");
    let draft = app.draft("").await;
    let articles = app.articles().await;
    let chosen =
        ["The Library That Lends Ladders", "What the Mud Remembers", "A Choir for People Who Cannot Sing"];
    let number = |title: &str| articles.iter().find(|one| one.title == title).expect(title).id;
    let content = Content {
        subject: "Ladders for everyone".to_owned(),
        preview_text: "And a choir for people who cannot sing.".to_owned(),
        intro_markdown: INTRO.to_owned(),
        blocks: Block::row(chosen.map(number)),
        topic_ids: Vec::new(),
        rhythm: None,
        only_segment: None,
        except_segment: None,
    };
    let revision =
        publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("a draft");

    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Good to see you").await;
    let pressed = publishing::press_send(&app.site, &app.templates, draft.id, revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO);
    publishing::seal_due(&app.site, &app.templates).await.expect("sealing");
    browser.prefer("light").await;
    browser.resize(1200, 780).await;
    browser.goto(&app.url(&format!("/desk/editions/{}", draft.public_id))).await;
    // As fast as mail services are, and not as our own: long enough for a look.
    app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(10)));
    let sending = tokio::spawn({
        let app = app.clone();
        async move { app.drain().await }
    });
    let shown = "parseInt(document.querySelector('[data-figure=percent]').textContent) >= 40 \
                 && document.querySelector('[data-notes] li') !== null";
    wait::until("two fifths on the screen, and the speed", async || {
        browser.script(&format!("return {shown}")).await.as_bool()?.then_some(())
    })
    .await;
    save("desk", &browser).await;
    sending.await.expect("everything is sent");

    let mail = app.last_mail("ada.abara1@example.org");
    let copy = mail.html.replace('&', "&amp;").replace('"', "&quot;");
    let frame = |width: u32| format!("<iframe width={width} height=1060 srcdoc=\"{copy}\"></iframe>");
    browser.resize(1200, 1100).await;
    browser
        .show(&format!(
            "<style>body {{ margin: 0; padding: 20px; display: flex; gap: 20px; background: #8d8579 }}
             iframe {{ border: 0; border-radius: 8px }}</style>{}{}",
            frame(750),
            frame(390)
        ))
        .await;
    save("digest", &browser).await;
    browser.close().await;
    app.finish().await;
}

/// What docs/readers.md tells of: a reader's choices, as on a phone; a list, a form and a reader at the desk.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes docs/pictures"]
async fn take_readers() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let list = app.list().await;
    for (name, description) in [
        ("Food", "What the market has, and what to do with it"),
        ("Housing", "Who builds, who pays, who stays"),
        ("Rivers", "The two that we live on"),
    ] {
        let made = publishing::make_topic(&app.site, (name, description), &[list], None).await;
        assert!(made.expect("a topic is made"), "{name}");
    }
    app.readers(12).await;
    app.reader("ada@example.org").await;
    app.send_edition("Ladders for everyone").await;
    let offered = topics::all(&app.site.db).await.expect("the topics");
    browser.prefer("light").await;

    browser.resize(390, 900).await;
    browser.goto(&app.last_mail("ada@example.org").link("/preferences/")).await;
    browser.fill("Your name", "Ada Abara").await;
    browser.tick(&offered[0].name).await;
    browser.tick(&offered[2].name).await;
    browser.click("Save").await;
    browser.wait_for_text("Food and Rivers").await;
    save("choices", &browser).await;

    browser.resize(1000, 760).await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Good to see you").await;
    let of_list = rows::<(String,)>(&app.site.db, "select public_id from list order by id").await;
    let of_ada = "select public_id from subscriber where email = 'ada@example.org'";
    let of_ada = rows::<(String,)>(&app.site.db, of_ada).await;
    for (path, name) in [
        (format!("/desk/lists/{}", of_list[0].0), "list"),
        ("/desk/forms/main".to_owned(), "form"),
        (format!("/desk/readers/{}", of_ada[0].0), "reader"),
    ] {
        browser.goto(&app.url(&path)).await;
        save(name, &browser).await;
    }
    browser.close().await;
    app.finish().await;
}

/// What docs/writing.md tells of: an article being written, and a feed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes docs/pictures"]
async fn take_writing() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let fetcher = articles::Fetcher::new(true).expect("a fetcher");
    let added = articles::add_feed(
        &app.site,
        &fetcher,
        "https://tidewater.example/feed.xml",
        articles::FeedArrives::Published,
    )
    .await;
    let (feed, _) = added.expect("a feed");
    let parsed = articles::parse_feed(articles::SAMPLE_FEED, None, None).expect("the sample is in order");
    articles::import(&app.site, Some(feed.id), parsed).await.expect("an import");
    // As if it had been asked over the network, an hour ago.
    let ago = app.site.now().minus(Duration::from_secs(3_000));
    let read = format!(
        "update feed set title = 'Tidewater', checked_at = {0}, brought = 8, brought_at = {0}, next_at = {1} where id = {2}",
        ago.0,
        app.site.now().plus(Duration::from_secs(600)).0,
        feed.id.0
    );
    change(&app.site.db, read.leak()).await;
    browser.prefer("light").await;
    browser.resize(1200, 860).await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Good to see you").await;
    browser.goto(&app.url("/desk/articles/new")).await;
    browser.fill("Title", "The lamp that went out").await;
    browser.fill("Standfirst (optional)", "Nobody had seen it dark before.").await;
    browser.fill("Byline (optional)", "Ann Lee and Ben Ode").await;
    let fill = format!(
        "const area = document.querySelector('#body_markdown'); area.value = {}; area.dispatchEvent(new Event('input', {{ bubbles: true }}))",
        serde_json::json!(LAMP)
    );
    browser.script(&fill).await;
    browser.click("Preview").await;
    browser.wait_for_text("What the keeper says").await;
    wait::until("the words are counted", async || {
        let counted = "return !document.querySelector('[data-count]').textContent.startsWith('0 ')";
        browser.script(counted).await.as_bool()?.then_some(())
    })
    .await;
    browser.script("document.querySelector('.editor').scrollIntoView()").await;
    save("writing", &browser).await;
    browser.resize(1000, 760).await;
    browser.goto(&app.url(&format!("/desk/feeds/{}", feed.id.0))).await;
    save("feed", &browser).await;
    browser.close().await;
    app.finish().await;
}

const LAMP: &str = "On the night of the storm the lamp at the end of the quay was **dark** for the first time in ninety years.

## What the keeper says

> I had the match in my hand, and the wind had other plans.

- The wick was new.
- The oil was [last year's](https://example.org/oil).[^1]

[^1]: The harbour master's book, page 12.";

async fn save(name: &str, browser: &Browser) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let taken = browser.screenshot(name).await;
    fs::copy(taken, folder.join(format!("{name}.png"))).expect("the picture is written");
}
