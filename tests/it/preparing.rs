//! What helps an editor before an edition goes: beginning from the last one, test copies to other mailboxes, and looking at it as somebody
//! would get it.

use std::time::Duration;

use broadside::{
    db::Engine,
    delivery::{StopReason, Suppressions},
    dossier,
    editions::EditionState,
    email_address::EmailAddress,
    publishing::{self, Block, Content, Edition, Placed},
    settings::Settings,
    staff::{self, NewMember, Role},
    subscribers::fields::{self, FieldKind, NewField, StandsIn},
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture as _, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    pages::Web,
    visitor::{Form, Page, Visitor},
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
    let blocks = blocks.into_iter().map(Placed::from).collect();
    let content = Content { blocks, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
    publishing::load(&app.site.db, draft.id).await.expect("the draft")
}

/// Blocks, whoever they are for.
fn of(placed: Vec<Placed>) -> Vec<Block> {
    placed.into_iter().map(|one| one.block).collect()
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
            assert_eq!(of(next.blocks), [words, Block::Line, Block::Appeal, button], "{page}");
            assert_eq!((&*next.subject, &*next.preview_text, &*next.intro_markdown), ("", "", ""));
        }
        // What is begun empty has the appeal alone, as ever.
        let empty = desk.submit_and_follow(&desk.open("/desk/editions").await.form("/desk/editions")).await;
        let public_id = empty.url.path().rsplit('/').next().expect("a public id");
        let empty = publishing::find(&app.site.db, public_id).await.expect("the draft");
        assert_eq!(of(empty.content.blocks), [Block::Appeal]);
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
        // Nobody mails strangers by taking some away and adding others.
        let mut added = 0;
        while added < 20 {
            let first = publishing::test_addresses(&app.site).await.expect("a read")[0].id;
            publishing::drop_test_address(&app.site, first, 1).await.expect("taken away");
            match publishing::keep_test_address(&app.site, &address(&format!("other{added}@example.org")), 1).await {
                Ok(()) => added += 1,
                Err(publishing::Error::TooManyTests(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!((5..15).contains(&added), "{added}");
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

    /// A block that is hidden stays in the draft, in its place and with its words, and no reader gets it; nothing that is only in it is in
    /// the way, and the page says that it is hidden. Shown again, it is as it was.
    async fn a_hidden_block_stays_in_the_draft_and_out_of_the_mail(app: TestApp) {
        app.import_readers(1).await;
        let desk = app.desk().await;
        let draft = laid_out(&app, "Hidden").await;
        let path = path(&draft);
        let articles = draft.content.article_ids();
        let page = act(&desk, desk.open(&path).await.form(&path).with("words", "Not *yet* said."), "hide:0").await;
        page.says("“Not yet said.” is hidden").says("1 block is hidden: it stays in the draft, and no reader gets it.");
        let page = act(&desk, page.form(&path), "hide:1").await;
        page.says("2 blocks are hidden").says("Ready to send");
        // A half-written button is in the way only while readers would get it.
        let page = act(&desk, page.form(&path).with("link", "nowhere"), "hide:7").await;
        page.says("3 blocks are hidden").says("Ready to send");
        assert!(!page.body.contains(&format!(r#"name="add" value="{}""#, articles[0].0)), "a hidden article is in the edition: it is not offered");
        let hidden = publishing::find(&app.site.db, &draft.public_id).await.expect("the draft");
        assert_eq!(hidden.content.article_ids(), articles[1..]);
        assert_eq!(hidden.content.blocks[0].block, Block::Words("Not *yet* said.".to_owned()).hidden(true));
        assert_eq!(hidden.content.blocks.len(), draft.content.blocks.len());
        assert_eq!(hidden.content.leading(), [articles[1]], "the first that is shown leads");
        // It moves and is saved as every other block.
        let page = act(&desk, page.form(&path), "down:0").await;
        let page = act(&desk, page.form(&path), "unhide:7").await;
        page.says("“Write to us” is shown again.").says("no reader gets there");
        let page = act(&desk, page.form(&path), "hide:7").await;
        let preview = desk.open(&format!("{path}/preview")).await;
        assert!(!preview.body.contains("Not <em>yet</em>") && !preview.body.contains("Write to us"), "{}", preview.body);
        page.says("3 blocks are hidden");
        let edition = publishing::find(&app.site.db, &draft.public_id).await.expect("the draft");
        send(&app, &edition).await;
        let mail = app.last_mail("reader1@example.org");
        assert!(!mail.text.contains("yet said") && !mail.text.contains("Write to us"), "{}", mail.text);
        let mailed = async |article| publishing::mailed_with(&app.site.db, article).await.expect("a read").is_some();
        assert!(!mailed(articles[0]).await && mailed(articles[1]).await, "what was hidden was not mailed");
        // The next one begins with it as it was, and a correction leaves it out.
        let next = begun_like_last(&app, &desk, "/desk/editions").await.content.blocks;
        assert_eq!(next.iter().filter(|placed| placed.block.is_hidden()).count(), 2, "{next:?}");
        let correction = publishing::begin_correction(&app.site, &edition.public_id, edition.revision, None).await;
        let correction = publishing::find(&app.site.db, &correction.expect("a correction")).await.expect("it");
        assert!(correction.content.blocks.iter().all(|placed| !placed.block.is_hidden()));
    }

    /// TRUST F27: what was taken out can be put back as it was typed, where it stood, even if it was never saved by itself; words and
    /// buttons can be had twice.
    async fn what_is_taken_out_can_be_put_back(app: TestApp) {
        let desk = app.desk().await;
        let draft = laid_out(&app, "Taken out").await;
        let path = path(&draft);
        let found = async || of(publishing::find(&app.site.db, &draft.public_id).await.expect("the draft").content.blocks);
        let typed = desk.open(&path).await.form(&path).with("words", "Typed just now.");
        let page = act(&desk, typed, "out:0").await;
        page.says("“Typed just now.” was taken out.");
        assert!(!found().await.contains(&Block::Words("Typed just now.".to_owned())));
        let back = page.body.split("value=\"back:").nth(1).and_then(|rest| rest.split('"').next()).expect("a button");
        let page = act(&desk, page.form(&path).with("subject", "Meanwhile"), &format!("back:{back}")).await;
        assert_eq!(found().await[0], Block::Words("Typed just now.".to_owned()));
        assert!(!page.body.contains("was taken out"), "{}", page.text());
        assert_eq!(publishing::find(&app.site.db, &draft.public_id).await.expect("it").content.subject, "Meanwhile");
        for kept in [0, 1, 2, 5, 7] {
            let before = found().await;
            let page = act(&desk, desk.open(&path).await.form(&path), &format!("out:{kept}")).await;
            assert_eq!(found().await.len(), before.len() - 1);
            let back = page.body.split("value=\"back:").nth(1).and_then(|rest| rest.split('"').next()).expect("a button");
            act(&desk, page.form(&path), &format!("back:{back}")).await;
            assert_eq!(found().await, before, "block {kept}");
        }
        // What is not of this edition, or not there, is not put back.
        for nothing in ["back:1.99", "back:99.0", "back:x", "back:"] {
            let before = found().await;
            act(&desk, desk.open(&path).await.form(&path), nothing).await;
            assert_eq!(found().await, before, "{nothing}");
        }
        for (twice, of) in [("copy:0", 9), ("copy:8", 10), ("copy:2", 10), ("copy:77", 10)] {
            desk.submit(&desk.open(&path).await.form(&path).and("act", twice)).await;
            assert_eq!(found().await.len(), of, "{twice}: words and buttons alone");
        }
        let twice = found().await;
        assert_eq!((&twice[0], &twice[8]), (&twice[1], &twice[9]));
    }

    /// TRUST T6, F27: where two people approve each edition, what somebody asked for goes when somebody else who may send presses Send,
    /// and nothing else: not what one of them wrote and sends alone, and not what changed since, in the edition, an article or the settings.
    /// The log names both.
    async fn two_people_approve_each_edition_where_the_house_wants_it(app: TestApp) {
        app.import_readers(2).await;
        let owner = app.desk().await;
        let nina = member(&app, "Nina", Role::Editor).await;
        let sam = member(&app, "Sam", Role::Sender).await;
        let form = owner.open("/desk/settings").await.form("/desk/settings").and("four_eyes", "yes");
        owner.submit_and_follow(&form).await.says("Saved");
        let draft = app.draft("Two of us").await;
        let path = path(&draft);
        let send = format!("{path}/send");
        // Nobody has asked: there is no button, and a form of before is refused.
        let look = sam.open(&send).await;
        look.says("Nobody has asked for this one yet.");
        assert!(!look.body.contains(r#"value="now""#), "{}", look.body);
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, Some(1)).await;
        assert!(matches!(pressed, Err(publishing::Error::NotApproved)), "{pressed:?}");
        // Whoever asks does not approve.
        owner.submit_and_follow(&owner.open(&send).await.form("/ask")).await.says("Asked. Somebody else who may send");
        owner.open(&send).await.says("You asked for approval of it as it is now.");
        let own = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, Some(1)).await;
        assert!(matches!(own, Err(publishing::Error::NotApproved)), "{own:?}");
        // An editor prepares and asks, from the draft; whoever only looks at it there changes nothing.
        act(&nina, nina.open(&path).await.form(&path).with("intro", "By Nina."), "ask").await.says("You asked for approval");
        let overview = sam.open("/desk").await;
        overview.says("Waiting for approval").says("Asked for by Nina");
        act(&sam, sam.open(&path).await.form(&path), "send").await.says("Nina asked for approval of it as it is now");
        let seen = sam.open(&send).await;
        seen.says("Nina asked for approval of it as it is now");
        // A change asks again, whoever makes it: in the edition, to whom it goes, in an article, in the settings.
        act(&sam, sam.open(&path).await.form(&path).with("intro", "By Sam."), "save").await;
        sam.open(&send).await.says("It changed since Nina asked");
        let refused = sam.submit(&seen.form("/send").with("act", "now")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        act(&nina, nina.open(&path).await.form(&path), "ask").await.says("You asked for approval");
        for changed in ["update article set title = title || '!', version = version + 1", "insert into setting (name, value, changed_at) values ('appeal_heading', 'Otherwise', 9)"] {
            let seen = sam.open(&send).await;
            seen.says("Nina asked for approval");
            change(&app.site.db, changed).await;
            sam.open(&send).await.says("It changed since Nina asked");
            assert_eq!(sam.submit(&seen.form("/send").with("act", "now")).await.status, StatusCode::CONFLICT);
            let fresh = publishing::press_send(&app.site, &app.templates, draft.id, revision(&app, &draft).await, None, Some(3)).await;
            assert!(matches!(fresh, Err(publishing::Error::NotApproved)), "{fresh:?}");
            act(&nina, nina.open(&path).await.form(&path), "ask").await.says("You asked for approval");
        }
        let edition = publishing::load(&app.site.db, draft.id).await.expect("the draft");
        assert_eq!(edition.state, EditionState::Draft);
        let page = sam.submit_and_follow(&sam.open(&send).await.form("/send").with("act", "now")).await;
        page.says("Goes out in");
        assert!(!sam.open("/desk").await.body.contains("Waiting for approval"));
        let did: Vec<(String, String, String)> = rows(&app.site.db, "select a.action, s.name, a.detail from audit_log a join staff s on s.id = a.staff_id
            where a.action in ('asked for approval', 'approved', 'pressed Send') order by a.id desc limit 3").await;
        let did: Vec<(&str, &str)> = did.iter().map(|(action, name, _)| (action.as_str(), name.as_str())).collect();
        assert_eq!(did, [("approved", "Sam"), ("pressed Send", "Sam"), ("asked for approval", "Nina")]);
        // What was taken back is approved by nobody any more.
        let waits = publishing::load(&app.site.db, draft.id).await.expect("it waits");
        publishing::undo(&app.site, &waits.public_id, &waits.version(), Some(3)).await.expect("within its minute");
        let again = publishing::press_send(&app.site, &app.templates, draft.id, waits.revision, None, Some(3)).await;
        assert!(matches!(again, Err(publishing::Error::NotApproved)), "{again:?}");
        act(&nina, nina.open(&path).await.form(&path), "ask").await.says("You asked for approval");
        sam.submit_and_follow(&sam.open(&send).await.form("/send").with("act", "now")).await.says("Goes out in");
        app.advance(publishing::UNDO);
        publishing::seal_due(&app.site, &app.templates).await.expect("sealing");
        app.drain().await;
        assert!(app.last_mail("reader1@example.org").text.contains("By Sam."));
    }

    /// TRUST F27: a correction of a stopped edition is approved by two, too; and where the house does not want it, nothing of it is seen.
    async fn a_correction_is_approved_by_two(app: TestApp) {
        app.import_readers(2).await;
        let owner = app.desk().await;
        let sam = member(&app, "Sam", Role::Sender).await;
        let draft = app.draft("Wrong").await;
        let path = path(&draft);
        assert!(!owner.open(&format!("{path}/send")).await.body.contains("approv"), "one person is enough");
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, Some(1)).await;
        pressed.expect("nothing is in the way");
        app.advance(publishing::UNDO);
        publishing::seal_due(&app.site, &app.templates).await.expect("sealing");
        publishing::pause(&app.site, &draft.public_id, None).await.expect("it goes out");
        let form = owner.open("/desk/settings").await.form("/desk/settings").and("four_eyes", "yes");
        owner.submit_and_follow(&form).await.says("Saved");
        let page = sam.open(&path).await;
        assert!(page.body.contains("/resume\""), "what was approved before goes on: {}", page.text());
        let form = sam.open(&format!("{path}/correct")).await.form("/correct").with("intro", "The right hour.");
        let page = sam.submit_and_follow(&form).await;
        page.says("Nobody has asked for this one yet.");
        assert!(!page.body.contains("/resume\""), "{}", page.body);
        let page = sam.submit_and_follow(&page.form("/ask")).await;
        page.says("You asked for approval");
        let edition = publishing::load(&app.site.db, draft.id).await.expect("it");
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        let fingerprint = publishing::fingerprint(&app.site, &settings, &edition).await.expect("a fingerprint");
        let seen = publishing::SeenEdition { version: &edition.version(), fingerprint: &fingerprint };
        let alone = publishing::resume(&app.site, &app.templates, &draft.public_id, seen, Some(2)).await;
        assert!(matches!(alone, Err(publishing::Error::NotApproved)), "{alone:?}");
        let page = owner.open(&path).await;
        page.says("Sam asked for approval");
        owner.submit_and_follow(&page.form("/resume")).await.says("Going on.");
        app.drain().await;
        assert!(app.last_mail("reader1@example.org").text.contains("The right hour."));
    }
}

async fn drafted(web: &Web) -> String {
    let site = &web.app.site;
    publishing::ensure_first(site).await.expect("a list and a digest");
    let digest = publishing::digests(&site.db).await.expect("a read").remove(0);
    publishing::create_draft(site, digest.id, None).await.expect("a draft").1
}

/// Presses a button, with the words as a browser sends them: the line that a text begins with in the page is none of it.
async fn act(desk: &Visitor, mut form: Form, act: &str) -> Page {
    for name in ["intro", "words"] {
        if let Some(typed) = form.value(name).and_then(|value| value.strip_prefix('\n')).map(str::to_owned) {
            form = form.with(name, &typed);
        }
    }
    desk.submit_and_follow(&form.and("act", act)).await
}

async fn revision(app: &TestApp, edition: &Edition) -> i64 {
    publishing::load(&app.site.db, edition.id).await.expect("the edition").revision
}

/// Somebody more of the team, signed in.
async fn member(app: &TestApp, name: &str, role: Role) -> Visitor {
    let email = address(&format!("{}@desk.example", name.to_lowercase()));
    let new = NewMember { name, email: &email, role };
    let invitation = staff::add_member(&app.site, None, new).await.expect("a member").path;
    let visitor = app.visitor();
    let form = visitor.open(&invitation).await.form("/desk/join").with("password", "a lamp for every street");
    visitor.submit_and_follow(&form).await.says("Overview");
    visitor
}

/// TRUST L9: in a browser, with its script: what is chosen to be looked at stays chosen when the draft is saved by itself; a block is
/// hidden, taken out and put back by the keyboard; and the pages are for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn an_edition_is_prepared_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.leaves_work();
    app.import_readers(2).await;
    let sent = laid_out(&app, "The last one").await;
    send(&app, &sent).await;
    for (email, why) in [(SIEVE, None), ("away@example.org", Some(StopReason::Bounced))] {
        publishing::keep_test_address(&app.site, &address(email), 1).await.expect("kept");
        if let Some(reason) = why {
            stopped(&app, email, reason).await;
        }
    }
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Start from the last one").await;
    browser.sound("preparing-overview").await;
    browser.goto(&app.url("/desk/test-copies")).await;
    browser.wait_for_text("so no copy goes there").await;
    browser.sound("preparing-test-copies").await;
    browser.goto(&app.url("/desk/editions")).await;
    browser.click("Start from the last one").await;
    browser.wait_for_text("It is laid out as the last one that went out").await;
    browser.fill("Subject", "The next one").await;
    browser.fill("A few words to begin with", "News for {{name}}.").await;
    let press = async |value: &str| {
        let script = format!(
            "document.querySelector(\"button[value='{value}']\").scrollIntoView({{ block: 'center' }})"
        );
        browser.script(&script).await;
        browser
            .element(&format!("button[value='{value}']"))
            .await
            .send_keys("\u{e007}")
            .await
            .expect("a key");
    };
    press("hide:1").await;
    browser.wait_for_text("“Line” is hidden").await;
    assert_eq!(browser.script("return document.activeElement.value").await, "unhide:1", "the focus stays");
    browser.sound("preparing-hidden").await;
    press("out:0").await;
    browser.wait_for_text("was taken out").await;
    let back = browser.script("return document.activeElement.value").await;
    assert!(back.as_str().is_some_and(|value| value.starts_with("back:")), "{back}");
    browser.sound("preparing-taken-out").await;
    press(back.as_str().unwrap_or_default()).await;
    browser.wait_for_text("From the desk.").await;
    browser.choose("How", "Pictures off").await;
    browser.choose("As whom", "A reader without a name").await;
    let shown = "return new URL(document.querySelector('iframe[name=preview]').src).searchParams.get('as')";
    assert_eq!(browser.script(shown).await, "nameless");
    browser.fill("Subject", "The next one, saved").await;
    browser.wait_for_text("Saved").await;
    assert_eq!(browser.script(shown).await, "nameless", "it stays so when the draft is saved");
    browser.fill("Or a reader’s address (optional)", "reader1@example.org").await;
    browser.script("document.querySelector('#look').requestSubmit()").await;
    browser.enter_frame().await;
    browser.wait_for_text("News for Reader 1.").await;
    browser.close().await;
}

/// The pages of approving are for everybody, too.
#[tokio::test(flavor = "multi_thread")]
async fn approving_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.leaves_work();
    app.import_readers(2).await;
    let owner = app.desk().await;
    let form = owner.open("/desk/settings").await.form("/desk/settings").and("four_eyes", "yes");
    owner.submit_and_follow(&form).await.says("Saved");
    let nina = member(&app, "Nina", Role::Editor).await;
    let draft = app.draft("Two of us").await;
    let path = path(&draft);
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url(&path)).await;
    browser.wait_for_text("Ask for approval").await;
    browser.sound("approving-composer").await;
    browser.goto(&app.url(&format!("{path}/send"))).await;
    browser.wait_for_text("Nobody has asked for this one yet.").await;
    browser.sound("approving-missing").await;
    act(&nina, nina.open(&path).await.form(&path), "ask").await.says("You asked for approval");
    browser.goto(&app.url("/desk")).await;
    browser.wait_for_text("Waiting for approval").await;
    browser.sound("approving-overview").await;
    browser.click("Two of us").await;
    browser.wait_for_text("Nina asked for approval").await;
    browser.sound("approving-send").await;
    browser.goto(&app.url("/desk/settings")).await;
    browser.wait_for_text("Two people for each edition").await;
    browser.sound("approving-settings").await;
    browser.close().await;
}
