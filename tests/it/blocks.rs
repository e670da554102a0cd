//! Editions made of blocks: articles as they are shown there, words, buttons and lines between them, the appeal in its place.

use broadside::{
    db::Engine,
    publishing::{self, Block, Content, Edition, Look, ShownArticle},
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture as _, TestApp, TestDb,
    app::OWNER,
    both_engines, database,
    mail::Mail,
    visitor::{Form, Page, Visitor},
};

const ADA: &str = "reader1@example.org";
const BUTTON: &str = "https://example.org/reading?day=1&at=8";

both_engines! {
    /// TRUST A1: an editor without a script puts words, a button and a line between articles, says one of them otherwise and moves the
    /// appeal; both parts of the mail hold all of it, in that order, and what was typed is text.
    async fn an_edition_is_made_of_blocks(app: TestApp) {
        app.articles().await;
        app.import_readers(1).await;
        let desk = app.desk().await;
        let path = begun(&desk).await;
        let composer = desk.open(&path).await.form(&path).with("subject", "Blocks").with("intro", "Good morning.");
        let page = press(&desk, composer.and("add", "1").and("add", "2").and("add", "3"), "add").await;
        let page = press(&desk, page.form(&path), "put:words").await;
        let typed = page.form(&path).with("words", "## From the *archive*\n\nRead <b>this</b> & { that }.");
        let page = press(&desk, typed, "put:button").await;
        // Below the three articles stand the words, the button and the appeal; the words go between the second and the third.
        let half = page.form(&path).with("label", "Come & hear");
        let page = press(&desk, half, "up:3").await;
        assert!(page.body.contains("“From the archive Read &lt;b&gt;this&lt;/b&gt; that” is number 3 of 6 now."), "{}", page.body);
        page.says("A button needs words and the address that it leads to.");
        let page = press(&desk, page.form(&path).with("link", BUTTON), "put:line").await;
        // The line goes below the appeal, for that is where an edition without its appeal ends.
        let page = press(&desk, page.form(&path), "down:5").await;
        let shown = page.form(&path).without("headline").and("headline", "").and("headline", "Said <otherwise>").and("headline", "");
        let shown = shown.without("look").and("look", "usual").and("look", "short").and("look", "lead");
        let page = press(&desk, shown, "save").await;
        page.says("Ready to send");
        let edition = found(&app, &path).await;
        let blocks = &edition.content.blocks;
        assert_eq!(blocks.len(), 7, "{blocks:?}");
        assert!(matches!(&blocks[1].block, Block::Article(ShownArticle { look: Look::Short, title, .. }) if title == "Said <otherwise>"));
        assert_eq!((&blocks[5].block, &blocks[6].block), (&Block::Appeal, &Block::Line));

        let mail = sent(&app, &edition).await;
        let of = |place: usize| blocks[place].block.article_id().expect("an article").0;
        let titles: Vec<(i64, String)> = database::rows(&app.site.db, "select id, title from article").await;
        let title = |id| titles.iter().find(|(one, _)| *one == id).expect("a title").1.clone();
        let (first, third) = (title(of(0)), title(of(3)));
        in_order(&mail.text, &["Good morning.", &first, "Said <otherwise>", "From the archive", "Read <b>this</b> & { that }.", &third, "Come & hear:", BUTTON, "Give monthly", "* * *"]);
        assert!(!mail.html.contains("<b>this</b>") && mail.html.contains("<em>archive</em>"), "{}", mail.html);
        in_order(&mail.html, &["Good morning.", "Said &lt;otherwise&gt;", "From the", "Come &amp; hear", "Give monthly"]);
        assert!(mail.html.contains("https://example.org/reading?day=1&amp;at=8"), "{}", mail.html);
        // It stands for its own title in this edition alone.
        assert!(titles.iter().all(|(_, title)| !title.contains("otherwise")));
    }

    /// What cannot stand in a block is told where it was typed, is in the way of sending, and is not lost; the appeal taken out asks for
    /// nothing, and can be put in again.
    async fn a_mistake_in_a_block_is_told_where_it_was_made(app: TestApp) {
        app.articles().await;
        app.import_readers(1).await;
        let desk = app.desk().await;
        let path = begun(&desk).await;
        let composer = desk.open(&path).await.form(&path).with("subject", "Mistakes").and("add", "1");
        let page = press(&desk, composer, "put:words").await;
        let page = press(&desk, page.form(&path).with("words", "Dear {{field.nobody}}"), "put:button").await;
        let typed = page.form(&path).with("label", "Press").with("link", "javascript:alert(1)").with("headline", "{{name}}");
        let page = press(&desk, typed, "save").await;
        assert_eq!(page.body.matches(r#"<p class="error">"#).count(), 3, "{}", page.text());
        let edition = found(&app, &path).await;
        let refused = publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None).await;
        assert!(matches!(refused, Err(publishing::Error::NotReady(problems)) if problems.len() >= 3));
        let page = press(&desk, page.form(&path), "out:1").await;
        assert_eq!(page.form(&path).value("link"), Some("javascript:alert(1)"));
        let mended = page.form(&path).with("link", BUTTON).with("headline", "");
        let page = press(&desk, mended, "out:2").await;
        page.says("Ready to send");
        assert!(page.body.contains("put:appeal"), "it can be put in again");
        let mail = sent(&app, &found(&app, &path).await).await;
        assert!(!mail.text.contains("Give monthly") && mail.text.contains(BUTTON), "{}", mail.text);
    }

    /// A button whose address is no web address, however it is spelt, breaks no page: it is told, and left out meanwhile; and an article
    /// that is not there is refused.
    async fn an_address_that_is_none_breaks_no_page(app: TestApp) {
        let desk = app.desk().await;
        let path = begun(&desk).await;
        let page = press(&desk, desk.open(&path).await.form(&path).with("subject", "Addresses"), "put:button").await;
        let form = page.form(&path).with("label", "Press");
        let long = format!("https://example.org/{}", "a".repeat(2_000));
        for wrong in ["www.example.org", "https:/example.org", "HTTPS://example.org", "mailto:ann@example.org", "https://ann:secret@example.org/", &long] {
            let page = desk.open(&path).await.form(&path).with("link", wrong);
            let page = press(&desk, page, "save").await;
            assert_eq!(page.body.matches(r#"<p class="error">"#).count(), 1, "{wrong}: {}", page.text());
            assert_eq!(page.form(&path).value("link"), Some(wrong), "nothing is lost");
            for part in ["preview", "send"] {
                assert_eq!(desk.open(&format!("{path}/{part}")).await.status, StatusCode::OK, "{wrong}");
            }
        }
        assert_eq!(form.value("label"), Some("Press"));
        // What is too long is told, and not cut.
        let wrong = "A title ".repeat(30);
        let page = press(&desk, desk.open(&path).await.form(&path).with("link", "").with("label", wrong.trim()), "save").await;
        page.says("A button needs words");
        assert!(page.body.contains("Use at most 200 characters here"), "{}", page.body);
        assert_eq!(page.form(&path).value("label"), Some(wrong.trim()));
        for none in ["0.article-987654", "0.article--5", "0.nothing", "words"] {
            let answer = desk.submit(&desk.open(&path).await.form(&path).and("block", none).and("act", "save")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{none}");
        }
    }

    /// The browser is not asked to hold more blocks than an edition takes, and a form that does is told so.
    async fn an_edition_has_an_end(app: TestApp) {
        let desk = app.desk().await;
        let path = begun(&desk).await;
        let mut form = desk.open(&path).await.form(&path);
        for key in 0..=publishing::MOST_BLOCKS {
            form = form.and("block", &format!("{key}.line"));
        }
        let answer = desk.submit(&form.and("act", "save")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        answer.says("An edition holds at most 200 blocks");
    }

    /// TRUST F27: the rest of a stopped edition can be spared a block, and said another word; a correction for those who have it asks
    /// nobody for a gift.
    async fn a_correction_leaves_blocks_out_and_asks_for_nothing(app: TestApp) {
        app.import_readers(2).await;
        let draft = app.draft("Wrong").await;
        let words = Block::Words("The wrong hour.".to_owned());
        let blocks = [&[words.into(), Block::Line.into()], draft.content.blocks.as_slice()].concat();
        let content = Content { blocks, ..draft.content.clone() };
        publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
        let edition = publishing::load(&app.site.db, draft.id).await.expect("the draft");
        let path = format!("/desk/editions/{}", edition.public_id);
        seal(&app, &edition).await;
        publishing::pause(&app.site, &edition.public_id, None).await.expect("it goes out");
        let desk = app.desk().await;
        let form = desk.open(&format!("{path}/correct")).await.form("/correct");
        let form = form.with("words", "The right hour.").and("without", "1").and("without", "2");
        desk.submit_and_follow(&form).await.says("Going on sends it to");
        let page = desk.open(&path).await;
        desk.submit(&page.form("/resume")).await;
        app.drain().await;
        let mail = app.last_mail(ADA);
        assert!(mail.text.contains("The right hour.") && !mail.text.contains("The wrong hour."), "{}", mail.text);
        let corrected = publishing::load(&app.site.db, edition.id).await.expect("the edition").content;
        assert_eq!(corrected.blocks.len(), edition.content.blocks.len() - 2);
        let draft = publishing::begin_correction(&app.site, &edition.public_id, corrected_revision(&app, edition.id).await, None).await;
        let draft = publishing::find(&app.site.db, &draft.expect("a correction")).await.expect("the draft");
        assert!(draft.content.blocks.iter().all(|placed| placed.block != Block::Appeal) && draft.content.blocks.len() > 1, "{:?}", draft.content.blocks);
    }

    /// TRUST A8: every link of a draft is followed before readers do, and what leads nowhere is said with why.
    async fn links_are_followed_before_readers_do(app: TestApp) {
        let desk = app.desk().await;
        let path = begun(&desk).await;
        let words = Block::Words(format!("[Here]({}) and [write](mailto:ann@example.org).", app.url("/")));
        let button = Block::Button { label: "There".to_owned(), url: app.url("/nothing-at-all") };
        let edition = found(&app, &path).await;
        let content = Content { blocks: vec![words.into(), button.into()], ..edition.content };
        publishing::save_revision(&app.site, edition.id, edition.revision, content, None).await.expect("saved");
        let page = press(&desk, desk.open(&path).await.form(&path), "links").await;
        page.says("1 link led somewhere").says("There: there is nothing at that address (404)");
        assert_eq!(page.body.matches(r#"<li class="stop">"#).count(), 1, "{}", page.text());
    }

    /// What a sender would rather hear before than after: a long subject, one in capitals, words that nobody meant, and how many more
    /// readers that are than the last time.
    async fn what_is_better_said_before_sending(app: TestApp) {
        app.import_readers(3).await;
        app.send_edition("The last one").await;
        for email in ["ann@example.org", "bo@example.org"] {
            app.reader(email).await;
        }
        let draft = app.draft("THIS WEEK WE HAVE A GREAT DEAL TO SAY AND EVERY WORD OF IT IS SAID IN LARGE LETTERS").await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let desk = app.desk().await;
        let page = desk.open(&format!("{path}/send")).await;
        page.says("The subject is in capitals").says("The subject has 83 characters");
        page.says("2 more than the last edition of this list, which was for 3 readers");
        let composer = desk.open(&path).await.form(&path).with("intro", "Lorem ipsum dolor.");
        let page = press(&desk, composer.with("subject", "NATO and us"), "save").await;
        page.says("stands in the words that it begins with").says("Ready to send");
        assert!(!page.text().contains("capitals"), "{}", page.text());
    }

    /// What was written before there were blocks reads as it did: its articles in their order, and the appeal below them.
    async fn an_edition_of_before_has_its_articles_and_its_appeal(app: TestApp) {
        let draft = app.draft("Of before").await;
        database::change(&app.site.db, "delete from edition_block").await;
        let migration = match app.site.db.engine() {
            Engine::Sqlite => include_str!("../../migrations/sqlite/0136_blocks.sql"),
            Engine::Postgres => include_str!("../../migrations/postgres/0136_blocks.sql"),
        };
        let filling = migration.find("insert into edition_block").expect("it fills the table");
        database::change(&app.site.db, &migration[filling..]).await;
        let now = publishing::load(&app.site.db, draft.id).await.expect("the draft").content;
        assert_eq!(now.blocks, Block::row(draft.content.article_ids()));
        assert_eq!(now, draft.content);
    }
}

/// TRUST A1: with a script, by keys and by hand: words are typed and saved by themselves, a row is moved and keeps the focus, and the page
/// is for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn blocks_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let draft = app.draft("Blocks").await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url(&format!("/desk/editions/{}", draft.public_id))).await;
    press_button(&browser, "put:words").await;
    browser.element("#words-3").await;
    assert_eq!(browser.script("return document.activeElement.name").await, "words");
    browser.script("document.activeElement.select()").await;
    browser.element("#words-3").await.send_keys("Written by hand.").await.expect("keys");
    browser.wait_for_text("Saved").await;
    let saved = publishing::load(&app.site.db, draft.id).await.expect("the draft").content;
    assert_eq!(saved.blocks[3].block, Block::Words("Written by hand.".to_owned()));
    press_button(&browser, "put:button").await;
    browser.wait_for_text("Where it leads").await;
    assert_eq!(browser.script("return document.activeElement.name").await, "label");
    browser.element("#label-4").await.send_keys("Read on").await.expect("keys");
    browser.element("#link-4").await.send_keys("no address").await.expect("keys");
    browser.wait_for_text("no address").await;
    browser.script("document.querySelector('#link-4').value = 'https://example.org/'; document.querySelector('#link-4').dispatchEvent(new Event('input', {bubbles: true}))").await;
    browser.script("document.querySelectorAll('#picked details')[0].open = true").await;
    browser.wait_for_text("Saved").await;
    let on_top = "const save = document.querySelector('.actions button[value=save]'), at = save.getBoundingClientRect(); return document.elementFromPoint(at.x + 5, at.y + 5) === save";
    assert_eq!(browser.script(on_top).await, true, "nothing lies over what is pressed");
    browser.sound("composer-blocks").await;
    press_button(&browser, "up:4").await;
    browser.wait_for_text("“Read on” is number 4 of 6 now.").await;
    assert_eq!(browser.script("return document.activeElement.value").await, "up:3");
    browser.close().await;
    app.finish().await;
}

async fn begun(desk: &Visitor) -> String {
    let list = desk.open("/desk/editions").await;
    desk.submit(&list.form("/desk/editions")).await.leads_to().expect("the new edition").path().to_owned()
}

async fn press(desk: &Visitor, form: Form, act: &str) -> Page {
    desk.submit_and_follow(&form.and("act", act)).await
}

/// By its value, which says what it does; the bar of buttons at the foot of the window lies above whatever it covers.
async fn press_button(browser: &Browser, value: &str) {
    let button = format!("button[value='{value}']");
    browser
        .script(&format!("document.querySelector(\"{button}\").scrollIntoView({{ block: 'center' }})"))
        .await;
    browser.element(&button).await.click().await.expect("a press");
}

async fn found(app: &TestApp, path: &str) -> Edition {
    let public_id = path.rsplit('/').next().expect("a public id");
    publishing::find(&app.site.db, public_id).await.expect("the edition")
}

async fn seal(app: &TestApp, edition: &Edition) {
    let pressed = publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO);
    publishing::seal_due(&app.site, &app.templates).await.expect("sealing");
}

async fn sent(app: &TestApp, edition: &Edition) -> Mail {
    seal(app, edition).await;
    app.drain().await;
    app.last_mail(ADA)
}

async fn corrected_revision(app: &TestApp, edition: i64) -> i64 {
    publishing::reached(&app.site.db, edition).await.expect("the versions")[0].revision
}

/// Fails unless the text holds all of these, each behind the one before.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            panic!("{part:?} does not come next in {text}")
        };
        rest = behind;
    }
}
