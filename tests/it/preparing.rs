//! What helps an editor before an edition goes: beginning from the last one, test copies to other mailboxes, and looking at it as somebody
//! would get it.

use std::time::Duration;

use broadside::{
    delivery::{StopReason, Suppressions},
    dossier,
    email_address::EmailAddress,
    publishing::{self, Block, Content, Edition},
    staff::Role,
    subscribers::fields::{self, FieldKind, NewField, StandsIn},
};
use reqwest::StatusCode;

use crate::support::{
    TestApp,
    app::OWNER,
    both_engines,
    database::{change, rows},
    pages::Web,
    visitor::Visitor,
};

const SIEVE: &str = "sieve@example.org";
const QUARTER: Duration = Duration::from_secs(900);

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn path(edition: &Edition) -> String {
    format!("/desk/editions/{}", edition.public_id)
}

/// A draft with those blocks among its articles.
async fn laid_out(app: &TestApp, subject: &str) -> Edition {
    let draft = app.draft(subject).await;
    let articles = draft.content.article_ids();
    let blocks = vec![
        Block::Words("From the desk.".to_owned()),
        Block::article(articles[0]),
        Block::Line,
        Block::article(articles[1]),
        Block::Line,
        Block::Appeal,
        Block::article(articles[2]),
        Block::Button { label: "Write to us".to_owned(), url: "https://example.org/write".to_owned() },
    ];
    let content = Content { blocks, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
    publishing::load(&app.site.db, draft.id).await.expect("the draft")
}

async fn send(app: &TestApp, edition: &Edition) {
    let pressed = publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None);
    pressed.await.expect("nothing is in the way");
    app.advance(publishing::UNDO);
    publishing::seal_due(&app.site, &app.templates).await.expect("sealing");
    app.drain().await;
}

/// Presses the button beside “New edition”.
async fn begun_like_last(app: &TestApp, desk: &Visitor, page: &str) -> Edition {
    let form = desk.open(page).await.form("/desk/editions").with("like", "last");
    let page = desk.submit_and_follow(&form).await;
    page.says("It is laid out as the last one that went out");
    let public_id = page.url.path().rsplit('/').next().expect("a public id").to_owned();
    publishing::find(&app.site.db, &public_id).await.expect("the draft")
}

async fn stopped(app: &TestApp, email: &str, reason: StopReason) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    Suppressions::new(&app.site).add(&mut tx, &address(email), reason, "a test").await.expect("added");
    tx.commit().await.expect("a commit");
}

both_engines! {
    /// The next edition is laid out as the last one that went out: words, buttons, lines and appeal stand where they stood, and nothing
    /// of that week is in it. What was not sent is no pattern, and neither is a correction.
    async fn a_new_edition_begins_as_the_last_one_was_made(app: TestApp) {
        app.import_readers(1).await;
        let desk = app.desk().await;
        for page in ["/desk", "/desk/editions"] {
            assert!(!desk.open(page).await.body.contains("Start from the last one"), "none went out yet");
        }
        let first = laid_out(&app, "The first").await;
        assert!(!desk.open("/desk/editions").await.body.contains("Start from the last one"), "it is a draft");
        send(&app, &first).await;
        app.draft("Not sent").await;
        let correction = publishing::begin_correction(&app.site, &first.public_id, first.revision, None).await;
        let correction = publishing::find(&app.site.db, &correction.expect("a correction")).await.expect("it");
        send(&app, &correction).await;
        for page in ["/desk", "/desk/editions"] {
            let next = begun_like_last(&app, &desk, page).await.content;
            let button = Block::Button { label: "Write to us".to_owned(), url: "https://example.org/write".to_owned() };
            let words = Block::Words("From the desk.".to_owned());
            assert_eq!(next.blocks, [words, Block::Line, Block::Appeal, button], "{page}");
            assert_eq!((&*next.subject, &*next.preview_text, &*next.intro_markdown), ("", "", ""));
        }
        // What is begun empty has the appeal alone, as ever.
        let empty = desk.submit_and_follow(&desk.open("/desk/editions").await.form("/desk/editions")).await;
        let public_id = empty.url.path().rsplit('/').next().expect("a public id");
        let empty = publishing::find(&app.site.db, public_id).await.expect("the draft");
        assert_eq!(empty.content.blocks, [Block::Appeal]);
    }

    /// TRUST T1, T11: whom the team keeps for it gets a test copy beside whoever asks, marked as one, with no link that acts; nobody
    /// counts it, and nobody else gets it.
    async fn test_copies_go_to_the_mailboxes_that_are_ticked(app: TestApp) {
        app.import_readers(2).await;
        let desk = app.desk().await;
        let draft = app.draft("Ladders").await;
        for email in [SIEVE, "other@example.org"] {
            let keep = desk.open("/desk/test-copies").await.form("/desk/test-copies").without("away").with("email", email);
            desk.submit_and_follow(&keep).await.says("It is kept.").says(email);
        }
        let kept = publishing::test_addresses(&app.site).await.expect("a read");
        let ticked = kept[0].id.to_string();
        let composer = desk.open(&path(&draft)).await;
        assert!(composer.body.contains(&format!(r#"value="{ticked}" form="composer""#)), "{}", composer.body);
        let form = composer.form(&path(&draft)).and("also", &ticked).and("act", "test");
        desk.submit_and_follow(&form).await.says("Test copies are on their way to you and to the addresses that you ticked.");
        let look = desk.open(&format!("{}/send", path(&draft))).await;
        app.advance(Duration::from_secs(5));
        desk.submit_and_follow(&look.form("/test").and("also", &ticked)).await.says("Test copies are on their way");
        app.drain().await;
        assert_eq!((app.mails(OWNER.0).len(), app.mails(SIEVE).len()), (2, 2));
        assert_eq!(app.sandbox.mailbox().messages().len(), 4, "nobody else got one");
        let mail = app.last_mail(SIEVE);
        assert_eq!(mail.subject, "[Test] Ladders");
        assert!(mail.text.contains("This is a test copy") && mail.text.contains("/sample-link"), "{}", mail.text);
        assert!(!mail.text.contains("/unsubscribe/") && mail.header("List-Unsubscribe").is_none(), "{}", mail.text);
        let counted: Vec<(i64,)> = rows(&app.site.db, "select count(*) from delivery union all select count(*) from subscriber where email = 'sieve@example.org'").await;
        assert_eq!(counted, [(0,), (0,)], "it is no copy, and its owner no reader");
        let did: Vec<(String, String)> = rows(&app.site.db, "select action, detail from audit_log where action like '%test cop%' order by id").await;
        assert_eq!(did.len(), 4, "{did:?}");
        assert!(did.iter().all(|(_, detail)| !detail.contains(SIEVE)), "no address stands in the log: {did:?}");
        let away = desk.open("/desk/test-copies").await.form("/desk/test-copies");
        desk.submit_and_follow(&away).await.says("It is taken away.");
        assert_eq!(publishing::test_addresses(&app.site).await.expect("a read").len(), 1);
    }

    /// TRUST M26, M29: where mail is stopped no test copy goes, and the page says why before anybody presses; whoever pressed at a page
    /// that did not know it yet is told.
    async fn no_test_copy_goes_where_mail_is_stopped(app: TestApp) {
        app.import_readers(1).await;
        let desk = app.desk().await;
        let draft = app.draft("Ladders").await;
        for (email, reason) in [
            ("bounced@example.org", StopReason::Bounced),
            ("complained@example.org", StopReason::Complained),
            ("staff@example.org", StopReason::Staff),
            ("erased@example.org", StopReason::Erased),
        ] {
            publishing::keep_test_address(&app.site, &address(email), 1).await.expect("kept");
            let look = desk.open(&format!("{}/send", path(&draft))).await;
            stopped(&app, email, reason).await;
            let kept = publishing::test_addresses(&app.site).await.expect("a read").pop().expect("the last one");
            assert_eq!(kept.stopped, Some(reason));
            app.advance(Duration::from_secs(5));
            let page = desk.submit_and_follow(&look.form("/test").and("also", &kept.id.to_string())).await;
            page.says("Not all that you ticked get one").says("so no copy goes there");
            assert!(page.body.contains(&format!(r#"value="{}" disabled"#, kept.id)), "{}", page.body);
            app.drain().await;
            assert!(app.mails(email).is_empty(), "{reason:?}");
        }
        assert_eq!(app.mails(OWNER.0).len(), 4);
        desk.open("/desk/test-copies").await.says("Mail to this address comes back, so no copy goes there.");
    }

    /// Ten are kept, and whoever asks for very many copies waits.
    async fn test_copies_have_an_end(app: TestApp) {
        app.import_readers(1).await;
        let desk = app.desk().await;
        let draft = app.draft("Ladders").await;
        let wrong = desk.open("/desk/test-copies").await.form("/desk/test-copies").with("email", "nobody");
        assert_eq!(desk.submit(&wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        for at in 0..publishing::MOST_TEST_ADDRESSES {
            publishing::keep_test_address(&app.site, &address(&format!("to{at}@example.org")), 1).await.expect("kept");
        }
        publishing::keep_test_address(&app.site, &address("TO3@example.org"), 1).await.expect("it is kept already");
        let enough = publishing::keep_test_address(&app.site, &address(SIEVE), 1).await;
        assert!(matches!(enough, Err(publishing::Error::EnoughAddresses)), "{enough:?}");
        desk.open("/desk/test-copies").await.says("Ten are kept");
        let look = desk.open(&format!("{}/send", path(&draft))).await;
        let id = publishing::test_addresses(&app.site).await.expect("a read")[0].id.to_string();
        let mut pressed = 0;
        let refused = loop {
            app.advance(Duration::from_secs(2));
            let answer = desk.submit(&look.form("/test").and("also", &id)).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break answer;
            }
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            pressed += 1;
            assert!(pressed < 100, "it has an end");
        };
        assert!(refused.headers.contains_key("retry-after"));
        // What goes to nobody else is counted apart, and both begin anew.
        assert_eq!(desk.submit(&look.form("/test")).await.status, StatusCode::SEE_OTHER);
        app.advance(QUARTER);
        assert_eq!(desk.submit(&look.form("/test").and("also", &id)).await.status, StatusCode::SEE_OTHER);
        app.drain().await;
        assert_eq!(app.mails("to0@example.org").len(), pressed + 1);
    }

    /// TRUST L7: whoever is forgotten gets no test copies any more, and stands in no list for them.
    async fn whoever_is_forgotten_gets_no_test_copy(app: TestApp) {
        app.leaves_work();
        app.reader(SIEVE).await;
        publishing::keep_test_address(&app.site, &address(SIEVE), 1).await.expect("kept");
        dossier::forget_address(&app.site, &address(SIEVE), None).await.expect("forgotten");
        assert!(publishing::test_addresses(&app.site).await.expect("a read").is_empty());
    }

    /// TRUST L9, L10: an edition is looked at as somebody who is there would get it, or somebody who told nothing: with their fields, and
    /// links that act for nobody. Nothing is counted but that a member of the team looked at them.
    async fn an_edition_is_looked_at_as_a_reader_would_get_it(app: TestApp) {
        app.readers(2).await;
        fields::add(&app.site, 1, NewField { label: "Town", kind: FieldKind::Text, choices: "", stands_in: StandsIn::Mails }).await.expect("made");
        fields::add(&app.site, 1, NewField { label: "Secret", kind: FieldKind::Text, choices: "", stands_in: StandsIn::Desk }).await.expect("made");
        let sql = "insert into field_value (subscriber_id, field_id, value)
            select s.id, f.id, case f.name when 'town' then 'Lisbon <b>' else 'canary' end
            from subscriber s cross join field f where s.email = 'reader1@example.org'";
        assert_eq!(change(&app.site.db, sql).await, 2);
        let draft = app.draft("Ladders").await;
        let content = Content { intro_markdown: "News for {{name}} from {{field.town, else “your town”}}.".to_owned(), ..draft.content.clone() };
        publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
        let desk = app.desk().await;
        let preview = format!("{}/preview", path(&draft));
        let held = async || -> Vec<(i64,)> {
            rows(&app.site.db, "select count(*) from delivery union all select count(*) from notice union all select count(*) from consent_event").await
        };
        let before = held().await;
        for (query, town) in [
            ("", "News for Ada from [Town]."),
            ("?as=nameless", "News for reader from your town."),
            ("?reader=reader1@example.org", "News for Reader 1 from Lisbon &lt;b&gt;."),
            ("?reader=READER1@example.org&part=bare", "News for Reader 1 from Lisbon &lt;b&gt;."),
            ("?reader=reader2@example.org", "News for Reader 2 from your town."),
        ] {
            let page = desk.open(&format!("{preview}{query}")).await;
            assert!(page.body.contains(town), "{query}: {}", page.body);
            assert!(!page.body.contains("canary") && page.body.contains("/sample-link"), "{query}: {}", page.body);
            for acts in ["/unsubscribe/", "/preferences/", "/view/", "/again/", "/donate/"] {
                assert!(!page.body.contains(acts), "{query}: {acts}");
            }
        }
        let text = desk.open(&format!("{preview}?reader=reader1@example.org&part=text")).await;
        assert!(text.body.contains("News for Reader 1 from Lisbon <b>."), "{}", text.body);
        for nobody in ["nobody@example.org", "nobody"] {
            let page = desk.open(&format!("{preview}?reader={nobody}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
            page.says("No reader of yours has that address.");
        }
        assert_eq!(held().await, before);
        let looks: Vec<(i64,)> = rows(&app.site.db, "select count(*) from reader_look where subject <> ''").await;
        assert_eq!(looks, [(2,)], "once a day for each of the two");
    }

    /// TRUST T6, L10: whoever may not see readers does not look at an edition as one of them, and is not asked for an address.
    async fn whoever_may_not_see_readers_looks_as_none_of_them(web: Web) {
        let draft = drafted(&web).await;
        for role in Role::ALL {
            let (cookie, _) = web.session_of(role).await;
            let may = Role::READERS.contains(&role);
            let asked = web.get(&format!("/desk/editions/{draft}/preview?reader=ann@example.org"), &cookie).await;
            let status = if may { StatusCode::NOT_FOUND } else { StatusCode::FORBIDDEN };
            assert_eq!(asked.status, status, "{role}");
            let plain = web.get(&format!("/desk/editions/{draft}/preview?as=nameless&part=bare"), &cookie).await;
            assert_eq!(plain.status, StatusCode::OK, "{role}");
            let composer = web.get(&format!("/desk/editions/{draft}"), &cookie).await;
            assert_eq!(composer.body.contains(r#"name="reader""#), may, "{role}");
        }
    }
}

async fn drafted(web: &Web) -> String {
    let site = &web.app.site;
    publishing::ensure_first(site).await.expect("a list and a digest");
    let digest = publishing::digests(&site.db).await.expect("a read").remove(0);
    publishing::create_draft(site, digest.id, None).await.expect("a draft").1
}
