//! Words of strangers, carried through the whole house to every page and every mail that shows them.

use broadside::{
    articles::{self, ArticleState, WrittenArticle},
    db::Engine,
    email_address::EmailAddress,
    sandbox::{Rule, Stage},
    settings, subscribers,
};

use crate::support::{Browser, Fixture, TestApp, TestDb, app::OWNER, both_engines, wire};

/// Each would run, in one place or another, if it were taken for markup.
const SCRIPTS: [&str; 8] = [
    "<script>document.title='pwned'</script>",
    "\"><img src=x onerror=\"document.title='pwned'\">",
    "'><svg onload=document.title='pwned'>",
    "</title></textarea></style><script>document.title='pwned'</script>",
    "<a href=\"javascript:document.title='pwned'\">read on</a>",
    "[read on](javascript:document.title='pwned')",
    "<iframe srcdoc=\"<script>parent.document.title='pwned'</script>\"></iframe><base href=//evil.test>",
    "{{{this}}} {{&name}} ${7*7} <object data=x></object><embed src=x>",
];

/// What no page of ours may hold: scripts, frames and handlers that we did not write.
const FOREIGN: &str = "return [...document.querySelectorAll('script:not([src^=\"/static/\"], [type=\"application/ld+json\"]), iframe:not([src^=\"/desk/\"]), object, \
    embed, base, svg[onload], a[href^=\"javascript:\" i]')].concat([...document.querySelectorAll('*')].filter(one => \
    one.getAttributeNames().some(name => name.startsWith('on')))).map(one => one.outerHTML.slice(0, 120)).join(' | ')";

fn feed() -> Vec<u8> {
    let items = SCRIPTS.iter().enumerate().map(|(number, script)| {
        format!(
            "<item><title><![CDATA[{script} {number}]]></title><link>https://magazine.example.org/{number}</link><guid>{number}</guid>\
             <author><![CDATA[{script}]]></author><category><![CDATA[{script}]]></category>\
             <description><![CDATA[<p>{script} and words.</p>]]></description></item>"
        )
    });
    let items: String = items.collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>A feed</title>{items}</channel></rss>"
    )
    .into_bytes()
}

/// TRUST A4, T7: nothing that a feed, a reader, a supporter, a writer or a mail server says runs on any page.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_strangers_write_runs_on_any_page() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let all = SCRIPTS.join(" ");
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let saved = settings::save(&mut tx, &app.site, None, |settings| {
        settings.magazine_name = SCRIPTS[0].to_owned();
        settings.legal_name = SCRIPTS[1].to_owned();
        settings.postal_address = all.clone();
        settings.from_name = SCRIPTS[2].to_owned();
    });
    saved.await.expect("the settings are saved");
    tx.commit().await.expect("a commit");
    articles::import_bytes(&app.site, feed()).await.expect("a feed that can be read");
    let mine = WrittenArticle {
        title: SCRIPTS[3].to_owned(),
        standfirst: all.clone(),
        byline: SCRIPTS[1].to_owned(),
        topics: SCRIPTS.iter().map(|script| script.replace(',', "").chars().take(55).collect()).collect(),
        body_markdown: Some(SCRIPTS.join("\n\n")),
        state: ArticleState::Published,
        ..WrittenArticle::default()
    };
    let article = articles::create(&app.site, &mine).await.expect("an article");
    for (number, script) in SCRIPTS.iter().enumerate() {
        let address = EmailAddress::parse(&format!("reader{number}@example.org")).expect("an address");
        let added = subscribers::add_by_staff(&app.site, &address, script, app.list().await, script).await;
        added.expect("staff may add readers");
        let refusal = Rule::at(Stage::Rcpt).to(address.as_str());
        app.sandbox.smtp_script().add(refusal.times(1).reply(550, &format!("5.1.1 {script}")));
    }
    app.leaves_work();
    let edition = app.send_edition(SCRIPTS[0]).await;
    app.sandbox.smtp_script().clear();
    app.give("reader1@example.org", "15", "once").await;
    let public_id = broadside::publishing::load(&app.site.db, edition).await.expect("the edition").public_id;
    let reader = EmailAddress::parse("reader1@example.org").expect("an address");
    let reader = subscribers::by_email(&app.site.db, &reader).await.expect("a read").expect("a reader");

    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    let edition = format!("/desk/editions/{public_id}");
    for page in [
        "/".to_owned(),
        format!("/articles/{}", article.slug),
        format!("/topics/{}", article.topics[0].slug),
        "/nowhere".to_owned(),
        "/archive".to_owned(),
        format!("/archive/{public_id}"),
        "/subscribe".to_owned(),
        "/donate".to_owned(),
        "/desk".to_owned(),
        "/desk/articles".to_owned(),
        "/desk/articles/1".to_owned(),
        format!("/desk/articles/{}", article.id.0),
        "/desk/authors".to_owned(),
        "/desk/editions".to_owned(),
        edition.clone(),
        format!("{edition}?state=failed"),
        format!("{edition}/preview"),
        "/desk/readers".to_owned(),
        format!("/desk/readers/{}", reader.public_id),
        "/desk/donations".to_owned(),
        "/desk/settings".to_owned(),
        "/desk/team".to_owned(),
    ] {
        browser.goto(&app.url(&page)).await;
        assert_eq!(browser.script(FOREIGN).await, "", "{page}");
        assert_ne!(browser.script("return document.title").await, "pwned", "{page}");
        assert!(!browser.sees("That page is not here").await, "{page} is not there");
    }
    browser.close().await;
    app.finish().await;
}

both_engines! {
    /// TRUST A16, A1: a line break in whatever reaches a header adds none to the mail that arrives.
    async fn line_breaks_add_no_header_to_a_mail(app: TestApp) {
        const BREAK: &str = "Ann\r\nBcc: eve@example.test\nX-Evil: yes\r\u{85}\u{2028}X-More: yes";
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let saved = settings::save(&mut tx, &app.site, None, |settings| {
            settings.from_name = BREAK.to_owned();
            settings.magazine_name = BREAK.to_owned();
        });
        saved.await.expect("the settings are saved");
        tx.commit().await.expect("a commit");
        let address = EmailAddress::parse("ann@example.org").expect("an address");
        let added = subscribers::add_by_staff(&app.site, &address, BREAK, app.list().await, "a test").await;
        added.expect("staff may add readers");
        app.send_edition(BREAK).await;
        app.subscribe("bea@example.org").await;
        let mailbox = app.sandbox.mailbox();
        assert_eq!(mailbox.count(), 2);
        for one in mailbox.messages() {
            let raw = mailbox.raw(one.seq).expect("the sandbox keeps its mail");
            let names: Vec<String> = wire::headers(&raw).into_iter().map(|(name, _)| name).collect();
            let strange = names.iter().filter(|name| ["bcc", "x-evil", "x-more"].contains(&name.to_lowercase().as_str()));
            assert_eq!(strange.count(), 0, "{names:?}");
            assert_eq!(one.to.len(), 1);
            wire::keeps_the_standards(&raw);
        }
    }
}
