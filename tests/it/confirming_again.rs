//! Asking readers to confirm again: an edition with a button, what it writes down, and who can be chosen by it afterwards.

use std::time::Duration;

use broadside::{
    clock::Moment,
    db::Engine,
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    publishing::{self, Content, Edition},
    segments::{self, Condition, SegmentTree, When},
    subscribers::{
        self, ConsentAction, ConsentMethod, Subscriber, Trace,
        consent::{self, Event},
    },
};
use reqwest::{Method, StatusCode, header};

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    mail::Mail,
    visitor::{Page, Visitor},
};

fn nth(n: usize) -> String {
    format!("reader{n}@example.org")
}

async fn reader(app: &TestApp, n: usize) -> Subscriber {
    let email = EmailAddress::parse(&nth(n)).expect("an address");
    subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader")
}

/// What stands with the proof of a reader's consent of having confirmed again.
async fn said(app: &TestApp, n: usize) -> Vec<Event> {
    let mut proof = consent::proof(&app.site.db, reader(app, n).await.id).await.expect("a read");
    proof.retain(|event| event.method == ConsentMethod::Edition);
    proof
}

/// The addresses of those whom a tree means.
async fn found(app: &TestApp, tree: &SegmentTree) -> Vec<String> {
    let page = segments::newest(&app.site, tree, i64::MAX, 100).await.expect("a page");
    let of = subscribers::by_ids(&app.site.db, &page.readers).await.expect("readers");
    let mut names: Vec<String> = of.iter().map(|one| one.email.to_string()).collect();
    names.sort();
    names
}

/// Presses the button of the page behind a link without looking at the page: a mail program, or a page that was open for long.
async fn press(app: &TestApp, link: &str) -> Page {
    let visitor = app.visitor();
    let request = visitor
        .request(Method::POST, link)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("Sec-Fetch-Site", "same-origin");
    let answer = visitor.send(request).await;
    if answer.status == StatusCode::SEE_OTHER { visitor.open(link).await } else { answer }
}

/// Begins the draft by the page of what is done with many readers.
async fn ask(app: &TestApp, desk: &Visitor, whom: &str) -> Edition {
    let form = desk.open(&format!("/desk/many/new?{whom}")).await.form("/desk/many/ask-again");
    let begun = desk.submit(&form).await;
    let to = begun.leads_to().unwrap_or_else(|| panic!("{}", begun.text()));
    let id = to.path().strip_prefix("/desk/editions/").expect("a composer").to_owned();
    publishing::find(&app.site.db, &id).await.expect("a draft")
}

async fn send(app: &TestApp, draft: &Edition) {
    publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None)
        .await
        .expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
    app.drain().await;
}

async fn segment(app: &TestApp, name: &str, tree: SegmentTree) -> String {
    segments::create(&app.site, None, name, tree).await.expect("made")
}

/// The newest mail of a reader, with its link.
fn asked(app: &TestApp, n: usize) -> (Mail, String) {
    let mail = app.last_mail(&nth(n));
    let link = mail.link("/again/");
    (mail, link)
}

both_engines! {
    /// TRUST L1, A25: readers are asked by an edition, which somebody sends; looking at the link says nothing, the button writes one line of
    /// proof however often it is pressed, and brings nobody back who left or is stopped.
    async fn readers_confirm_again_by_the_button_of_an_edition(app: TestApp) {
        app.readers(5).await;
        let desk = app.desk().await;
        let but_the_fifth = SegmentTree::Not(Box::new(SegmentTree::Is(Condition::Note { text: "not him".to_owned() })));
        let fifth = reader(&app, 5).await;
        change(&app.site.db, Box::leak(format!("insert into reader_note (subscriber_id, text, at) values ({}, 'not him', 1)", fifth.id).into_boxed_str())).await;
        let public_id = segment(&app, "But one", but_the_fifth).await;

        let draft = ask(&app, &desk, &format!("segment={public_id}")).await;
        assert!(draft.asks_again && draft.content.subject.contains("The digest"), "{draft:?}");
        let composer = desk.open(&format!("/desk/editions/{}", draft.public_id)).await;
        for words in ["It asks its readers to confirm again", "Yes, keep sending it to me", "Sent to: But one"] {
            assert!(composer.body.contains(words), "{words}");
        }
        assert!(!composer.says("Ready to send").text().contains("There is no article in it"), "it needs none");
        let preview = desk.open(&format!("/desk/editions/{}/preview", draft.public_id)).await;
        assert!(preview.body.contains("Yes, keep sending it to me") && !preview.body.contains("/again/"), "a link that acts for nobody");
        assert_eq!(app.mails(&nth(1)).len(), 0, "nothing goes out before somebody sends it");

        // Words can be changed; the button stays.
        let content = Content { subject: "Still there?".to_owned(), ..draft.content.clone() };
        publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
        let draft = publishing::load(&app.site.db, draft.id).await.expect("a draft");
        let day = draft.updated_at;
        send(&app, &draft).await;
        assert_eq!(app.mails(&nth(5)).len(), 0, "not to who is not meant");
        let (mail, link) = asked(&app, 1);
        assert_eq!(mail.subject, "Still there?");
        assert!(mail.html.contains(&link) && mail.text.contains("Yes, keep sending it to me"), "{}", mail.text);

        assert!(!app.visitor().open("/archive").await.body.contains("Still there?"), "it is nothing to read");
        assert_eq!(app.visitor().open(&format!("/archive/{}", draft.public_id)).await.status, StatusCode::NOT_FOUND);

        // Programs open links, too.
        for method in [Method::GET, Method::HEAD] {
            let looked = app.visitor().send(app.visitor().request(method, &link)).await;
            assert_eq!(looked.status, StatusCode::OK);
        }
        assert!(said(&app, 1).await.is_empty());
        let page = app.visitor().open(&link).await;
        page.says("Do you want to keep getting The digest by email?");
        let visitor = app.visitor();
        visitor.submit_and_follow(&page.form("/again/")).await.says("Thank you, it goes on");
        visitor.submit_and_follow(&page.form("/again/")).await.says("Thank you, it goes on");
        press(&app, &link).await.says("Thank you, it goes on");
        let proof = said(&app, 1).await;
        assert_eq!(proof.len(), 1, "{proof:?}");
        assert_eq!((proof[0].action, proof[0].source.as_str()), (ConsentAction::Confirmed, format!("edition {}", draft.public_id).as_str()));
        assert_eq!(proof[0].wording.as_deref(), Some("Do you want to keep getting The digest by email? Yes, keep sending it to me."));

        // Two at once are one.
        let (_, second) = asked(&app, 2);
        let (one, other) = tokio::join!(press(&app, &second), press(&app, &second));
        one.says("Thank you");
        other.says("Thank you");
        assert_eq!(said(&app, 2).await.len(), 1);

        // Who left is told so, and stays away; so does who is stopped.
        let (mail, third) = asked(&app, 3);
        let leave = app.visitor().open(&mail.link("/unsubscribe/")).await;
        app.visitor().submit_and_follow(&leave.form("/unsubscribe/")).await.says("You are off the list");
        app.drain().await;
        press(&app, &third).await.says("You have left since").says("nothing was changed");
        let (_, fourth) = asked(&app, 4);
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let email = reader(&app, 4).await.email;
        Suppressions::new(&app.site).add(&mut tx, &email, StopReason::Complained, "").await.expect("stopped");
        tx.commit().await.expect("a commit");
        press(&app, &fourth).await.says("No mail of ours goes to you").says("nothing was changed");
        assert!(said(&app, 3).await.is_empty() && said(&app, 4).await.is_empty());
        let states: Vec<(String,)> = rows(&app.site.db, "select state from subscription where subscriber_id in (select id from subscriber where email like 'reader3@%')").await;
        assert_eq!(states, [("left".to_owned(),)]);

        // A link that was changed on the way, or made up, says nothing.
        for bad in [format!("{}A", &link[..link.len() - 1]), link.replace("/again/", "/again/A"), "/again/%00".to_owned(), "/again/x".to_owned()] {
            let answer = press(&app, &bad).await;
            assert!(matches!(answer.status, StatusCode::GONE | StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND), "{bad}: {}", answer.status);
        }
        let leave = mail.link("/unsubscribe/").replace("/unsubscribe/", "/again/");
        assert_eq!(press(&app, &leave).await.status, StatusCode::GONE, "one link is not another");

        // Afterwards readers are chosen by it.
        let zone = broadside::clock::Zone::named("UTC").expect("a zone");
        let since = When::Since(day.day(&zone).parse().expect("a day"));
        let list = Some(app.list().await);
        let again = |list, when| SegmentTree::Is(Condition::ConfirmedAgain { list, when });
        assert_eq!(found(&app, &again(list, since)).await, [nth(1), nth(2)]);
        assert_eq!(found(&app, &again(None, since)).await, [nth(1), nth(2)]);
        assert_eq!(found(&app, &again(list.map(|list| list + 99), since)).await, [""; 0]);
        assert_eq!(found(&app, &again(list, When::LongerAgo(3))).await, [""; 0]);
        let shown = desk.open(&format!("/desk/editions/{}", draft.public_id)).await;
        shown.says("2 readers have confirmed again so far");
        let path = format!("/desk/editions/{}/again", draft.public_id);
        let others = desk.submit_and_follow(&shown.form(&path)).await;
        let others = others.says(&nth(4)).says("are on The digest and did not confirm again by “Still there?”").text();
        for n in [1, 2, 3, 5] {
            assert!(!others.contains(&nth(n)), "{n}: {others}");
        }
        // Pressed once more it is the same one, and it says whom it means.
        desk.submit_and_follow(&shown.form(&path)).await.says(&nth(4));
        desk.open("/desk/segments").await.says("Did not confirm again: Still there?").says("got “Still there?”, are on The digest and did not confirm again by “Still there?”");

        // It stands with what is known of them, at the desk and for themselves.
        let first = reader(&app, 1).await;
        desk.open(&format!("/desk/readers/{}", first.public_id)).await.says("Confirmed again").says("by the button of an edition");
        let choices = broadside::subscribers::choices_path(&app.site, &first.public_id);
        let token = choices.rsplit('/').next().expect("an end");
        broadside::dossier::ask(&app.site, token, broadside::dossier::Asks::Copy).await.expect("asked");
        app.drain().await;
        app.visitor().open(&app.last_mail(&nth(1)).link("/your-data/")).await.says("Said once more that you want");
        assert!(!app.visitor().open(&link).await.body.contains(&nth(1)), "the page names no address");
    }

    /// Two editions of one day that ask are not answered by one press: each knows who confirmed by its own button.
    async fn an_edition_does_not_take_the_answer_of_another(app: TestApp) {
        app.readers(2).await;
        let (desk, list) = (app.desk().await, app.list().await);
        let mut asked_by = Vec::new();
        for _ in 0..2 {
            let edition = ask(&app, &desk, &format!("list={list}&state=confirmed")).await;
            send(&app, &edition).await;
            asked_by.push(edition.public_id);
        }
        // The newest mail is of the second.
        let (_, link) = asked(&app, 1);
        press(&app, &link).await.says("Thank you");
        for (edition, said, others) in [(&asked_by[0], "Nobody has confirmed again so far", vec![1, 2]), (&asked_by[1], "One reader has confirmed again so far", vec![2])] {
            let shown = desk.open(&format!("/desk/editions/{edition}")).await;
            shown.says(said);
            let page = desk.submit_and_follow(&shown.form(&format!("/desk/editions/{edition}/again"))).await.text();
            for n in [1, 2] {
                assert_eq!(page.contains(&nth(n)), others.contains(&n), "{n}: {page}");
            }
        }
    }

    /// Whoever is mailed on consent that the law implies has agreed themselves by the press; a filter becomes a segment, and a search cannot.
    async fn a_press_is_consent_and_a_filter_a_segment(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let list = app.list().await;
        let until = app.site.now().plus(Duration::from_secs(86_400 * 30)).0;
        change(&app.site.db, Box::leak(format!("update subscription set implied_until = {until}").into_boxed_str())).await;
        change(&app.site.db, "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values (7, 'topic7', 'Sea', 'sea', '', 7, 1)").await;
        let first = reader(&app, 1).await.id;
        change(&app.site.db, Box::leak(format!("insert into subscription_topic (list_id, subscriber_id, topic_id) values ({list}, {first}, 7)").into_boxed_str())).await;

        let search = desk.open("/desk/many/new?q=reader").await.form("/desk/many/ask-again");
        let refused = desk.submit(&search).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.says("not to what a search found");
        let stopped = desk.open("/desk/many/new?state=stopped").await.form("/desk/many/ask-again");
        desk.submit(&stopped).await.says("nobody can be asked by mail");

        // The whole list needs no segment.
        let all = ask(&app, &desk, &format!("list={list}&state=confirmed")).await;
        assert_eq!(all.content.only_segment, None);
        // What else was looked for is saved as one, twice on a day under two names.
        for name in ["Asked to confirm again, ", " (2)"] {
            let some = ask(&app, &desk, &format!("list={list}&topic=topic7")).await;
            let known = segments::all(&app.site.db).await.expect("segments");
            let one = known.iter().find(|one| Some(one.id) == some.content.only_segment).expect("it is there");
            assert!(one.name.contains(name), "{}", one.name);
            assert_eq!(found(&app, &one.tree).await, [nth(1)]);
        }
        send(&app, &all).await;
        let (_, link) = asked(&app, 1);
        press(&app, &link).await.says("Thank you");
        let kept: Vec<(String, Option<Moment>)> = rows(&app.site.db, "select r.email, s.implied_until from subscription s join subscriber r on r.id = s.subscriber_id order by 1").await;
        assert_eq!(kept, [(nth(1), None), (nth(2), Some(Moment(until)))]);

        // Whoever rests is told when it comes again.
        let path = subscribers::choices_path(&app.site, &reader(&app, 1).await.public_id);
        let token = path.rsplit('/').next().expect("a token");
        subscribers::pause(&app.site, token, subscribers::Weeks::Two).await.expect("a pause");
        app.drain().await;
        app.visitor().open(&link).await.says("You paused it: it comes again from");

        // Who left by themselves and asked once more has something else to press.
        let leave = app.last_mail(&nth(2)).link("/unsubscribe/");
        let leave = leave.rsplit('/').next().expect("a token");
        subscribers::leave(&app.site, leave, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        let (_, link) = asked(&app, 2);
        app.drain().await;
        app.subscribe(&nth(2)).await;
        press(&app, &link).await.says("One press is missing");
        assert!(said(&app, 2).await.is_empty());
    }
}

/// TRUST U1: readers are asked in a browser, and say yes in one, on a phone and on a desk, light and dark.
#[tokio::test(flavor = "multi_thread")]
async fn readers_are_asked_and_say_yes_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.readers(3).await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/readers")).await;
    browser.click("Do something with these readers").await;
    browser.wait_for_text("Or ask them to confirm again").await;
    browser.sound("again-new").await;
    browser.click("Begin the edition").await;
    browser.wait_for_text("It asks its readers to confirm again").await;
    browser.sound("again-composer").await;
    let draft = publishing::latest(&app.site.db, None, 1).await.expect("editions").remove(0);
    let draft = publishing::load(&app.site.db, draft.id).await.expect("a draft");
    send(&app, &draft).await;
    let (mail, link) = asked(&app, 1);
    browser.show(&mail.html).await;
    for width in [360, 1_280] {
        browser.resize(width, 900).await;
        browser.screenshot(&format!("again-mail-{width}")).await;
    }
    browser.goto(&link).await;
    browser.sound("again-asked").await;
    browser.click("Yes, keep sending it to me").await;
    browser.wait_for_text("Thank you, it goes on").await;
    browser.sound("again-said").await;
    let (mail, link) = asked(&app, 2);
    let leave = mail.link("/unsubscribe/");
    let leave = leave.rsplit('/').next().expect("a token");
    subscribers::leave(&app.site, leave, ConsentMethod::OneClick, Trace::default()).await.expect("left");
    app.drain().await;
    browser.goto(&link).await;
    browser.wait_for_text("You have left since").await;
    browser.sound("again-left").await;
    browser.goto(&app.url(&format!("/desk/editions/{}", draft.public_id))).await;
    browser.wait_for_text("One reader has confirmed again so far").await;
    browser.sound("again-sent").await;
    browser.click("See who did not").await;
    browser.wait_for_text(&nth(3)).await;
    browser.sound("again-others").await;
    browser.close().await;
}
