//! Leaving: from the mail program's own button, from the page, before and after an edition was locked.

use std::{sync::Arc, time::Duration};

use broadside::{
    clock::Stopwatch,
    delivery::engine::Engine,
    editions::EditionState,
    publishing,
    sandbox::{Rule, Stage},
    site::Site,
    subscribers::{self, ConsentMethod, SubscriptionState, Trace},
    token::{Keys, RootSecret},
};
use reqwest::{Method, StatusCode, header};

use crate::support::{TestApp, app::SECRET, both_engines, wait};

const ANN: &str = "ann@example.org";

/// A reader who got an edition; the address in their List-Unsubscribe header.
async fn link(app: &TestApp) -> String {
    app.reader(ANN).await;
    app.send_edition("The first edition").await;
    let mail = app.last_mail(ANN);
    let header = mail.header("List-Unsubscribe").expect("every edition has the header");
    let link = header.trim_start_matches('<').split('>').next().expect("an address").to_owned();
    assert!(mail.text.contains("/unsubscribe/"), "the text part has the link too");
    link
}

async fn gets_mail(app: &TestApp) -> bool {
    let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await;
    let reader = reader.expect("a read").expect("a reader");
    let known = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
    known.iter().any(|one| one.state == SubscriptionState::Confirmed)
}

const FORM: &str = "application/x-www-form-urlencoded";

const MULTIPART: &str =
    "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";

/// What a mail provider sends: no cookie, no origin, no token of a form.
async fn one_click(app: &TestApp, link: &str, kind: &str, body: &str) -> (StatusCode, bool) {
    let visitor = app.visitor();
    let request =
        visitor.request(Method::POST, link).header(header::CONTENT_TYPE, kind).body(body.to_owned());
    let answer = visitor.send(request).await;
    (answer.status, answer.leads_to().is_some())
}

both_engines! {
    /// TRUST M2: the request of RFC 8058, in both encodings, twice.
    async fn one_click_leaves_in_both_encodings(app: TestApp) {
        let link = link(&app).await;
        let encodings = [
            (FORM, "List-Unsubscribe=One-Click"),
            ("multipart/form-data; boundary=x", MULTIPART),
        ];
        for (kind, body) in encodings {
            for _ in 0..2 {
                assert_eq!(one_click(&app, &link, kind, body).await, (StatusCode::OK, false), "{kind}");
                assert!(!gets_mail(&app).await, "{kind}");
            }
            let token = link.rsplit('/').next().expect("a token");
            subscribers::rejoin(&app.site, token, Trace::default()).await.expect("back");
            assert!(gets_mail(&app).await);
        }
        one_click(&app, &link, "text/plain", "").await;
        assert!(!gets_mail(&app).await, "whatever is posted there wants to leave");
    }

    /// TRUST M3: looking at the link changes nothing, and shows a button.
    async fn looking_at_the_link_changes_nothing(app: TestApp) {
        let link = link(&app).await;
        let visitor = app.visitor();
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            visitor.send(visitor.request(method, &link).header("sec-purpose", "prefetch")).await;
        }
        assert!(gets_mail(&app).await);
        visitor.open(&link).await.says("Leave The digest");
    }

    /// TRUST L3: one press on the page, and one to take it back.
    async fn the_page_leaves_and_undoes(app: TestApp) {
        let link = link(&app).await;
        let visitor = app.visitor();
        let left = visitor.submit(&visitor.open(&link).await.form("/unsubscribe/")).await;
        assert_eq!(left.status, StatusCode::OK);
        left.says("You are off the list");
        assert!(!gets_mail(&app).await);
        visitor.submit(&left.form("/unsubscribe/")).await.says("You are back on the list");
        assert!(gets_mail(&app).await);
    }

    /// TRUST L3: from the mail's link it is one button; the page asks for nothing, signs nobody in and leads nowhere first.
    async fn leaving_takes_one_button_and_asks_for_nothing(app: TestApp) {
        let link = link(&app).await;
        let mail = app.last_mail(ANN);
        assert!(mail.html.contains(&link) && mail.text.contains(&link), "the link in the text is the header's");
        let visitor = app.visitor();
        let page = visitor.open(&link).await;
        assert_eq!((page.status, page.leads_to()), (StatusCode::OK, None));
        let main = page.body.split("<main").nth(1).and_then(|rest| rest.split("</main>").next()).expect("a main part");
        assert_eq!((main.matches("<form").count(), main.matches("<button").count()), (1, 1), "{main}");
        for asking in ["<select", "<textarea", "type=\"text\"", "type=\"email\"", "type=\"password\"", "type=\"checkbox\"", "type=\"radio\""] {
            assert!(!main.contains(asking), "the page asks something: {main}");
        }
        assert_eq!(main.matches("<input").count(), main.matches("type=\"hidden\"").count(), "{main}");
        let left = visitor.submit(&page.form("/unsubscribe/")).await;
        assert_eq!((left.status, left.leads_to()), (StatusCode::OK, None));
        assert!(!gets_mail(&app).await, "that was all");
    }

    /// TRUST M4: whichever bit is wrong, the answer is the same 200, and nothing changes.
    async fn a_changed_link_is_answered_the_same_and_changes_nothing(app: TestApp) {
        let link = link(&app).await;
        let (start, token) = link.rsplit_once('/').expect("a token");
        let visitor = app.visitor();
        let mut bodies = std::collections::BTreeSet::new();
        for at in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = format!("{start}/{}", String::from_utf8(changed).expect("ASCII"));
            let request = visitor.request(Method::POST, &changed);
            let answer = visitor.send(request.header(header::CONTENT_TYPE, FORM).body("List-Unsubscribe=One-Click")).await;
            assert_eq!(answer.status, StatusCode::OK, "{at}");
            bodies.insert(answer.body);
        }
        assert_eq!(bodies.len(), 1);
        assert!(gets_mail(&app).await);
    }

    /// TRUST M6, L5: a year later, and after the secret was changed.
    async fn a_link_works_a_year_later_and_after_the_secret_was_changed(app: TestApp) {
        let link = link(&app).await;
        app.advance(Duration::from_secs(365 * 86_400));
        let token = link.rsplit('/').next().expect("a token");
        let old = RootSecret { id: 1, secret: SECRET.as_bytes().to_vec() };
        let new = RootSecret { id: 2, secret: vec![8; 32] };
        let site = Site { keys: Arc::new(Keys::new(&new, &[old], &[9; 32])), ..app.site.clone() };
        let left = subscribers::leave(&site, token, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        assert!(!left.subscribed && !gets_mail(&app).await);
    }

    /// TRUST T3, M7, F25: ten readers leave in the middle of an edition whose copies were claimed long before; more than a
    /// second of sending later, none of them was begun a copy.
    async fn leaving_in_the_middle_of_an_edition_stops_the_copy(app: TestApp) {
        const READERS: usize = 150;
        app.readers(READERS).await;
        let draft = app.draft("The long edition").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        let last = publishing::results(&app.site.db, draft.id, publishing::Wanted { state: "open", ..Default::default() }, 0, 1000).await.expect("the audience").split_off(READERS - 10);
        // One connection and a slow server, so that the last of them wait for three seconds.
        app.sandbox.smtp_script().add(Rule::at(Stage::Dot).delay(Duration::from_millis(20)));
        let options = app.engine(1);
        let engine = Engine::start(app.site.clone(), app.templates.clone(), options).await.expect("it starts");
        let mailbox = app.sandbox.mailbox();
        assert!(mailbox.wait_for_count(5, Duration::from_secs(20)).await);
        for reader in &last {
            let links = app.links(draft.id, reader.subscriber_id).await;
            assert_eq!(one_click(&app, &links.unsubscribe, FORM, "List-Unsubscribe=One-Click").await.0, StatusCode::OK);
        }
        let since = Stopwatch::start();
        assert!(mailbox.wait_for_count(READERS - 10, Duration::from_secs(60)).await);
        assert!(since.elapsed() > Duration::from_secs(1), "the edition went on for long enough to tell");
        wait::until("the edition's end", async || {
            let edition = publishing::load(&app.site.db, draft.id).await.expect("the edition");
            (edition.state == EditionState::Finished).then_some(())
        }).await;
        engine.stop().await;
        assert_eq!(mailbox.count(), READERS - 10);
        assert!(last.iter().all(|reader| mailbox.to(&reader.address).is_empty()));
        let audit = broadside::delivery::progress::audit(&app.site.db, draft.id).await.expect("the audit");
        assert!(audit.holds() && audit.rows.suppressed == 10, "{audit:?}");
    }

    /// TRUST T3: whoever leaves after the edition was locked, and before their copy went out, gets none.
    async fn leaving_between_locking_and_sending_stops_the_copy(app: TestApp) {
        let link = link(&app).await;
        let draft = app.draft("The second edition").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        one_click(&app, &link, FORM, "List-Unsubscribe=One-Click").await;
        app.drain().await;
        assert!(app.mails(ANN).iter().all(|mail| mail.subject != "The second edition"));
        let audit = broadside::delivery::progress::audit(&app.site.db, draft.id).await.expect("the audit");
        assert!(audit.holds() && audit.rows.suppressed == 1, "{audit:?}");
    }
}
