//! Leaving: from the mail program's own button, from the page, before and after an edition was locked.

use std::{sync::Arc, time::Duration};

use broadside::{
    clock::Stopwatch,
    db::Engine as DbEngine,
    delivery::Engine,
    editions::EditionState,
    publishing,
    sandbox::{Rule, Stage},
    site::Site,
    subscribers::{self, ConsentAction, ConsentMethod, SubscriptionState, Trace, consent, lists, topics},
    token::{Keys, RootSecret},
};
use reqwest::{Method, StatusCode, header};

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::{OWNER, SECRET},
    both_engines, database, wait,
};

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

/// A second list that Ann is on, too; its number.
async fn second_list(app: &TestApp) -> i64 {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    lists::add(&mut tx, &app.site, "appeals", "Appeals", "Twice a year.").await.expect("a list");
    tx.commit().await.expect("a commit");
    let all = lists::all(&app.site.db).await.expect("the lists");
    let list = all.iter().find(|list| list.slug == "appeals").expect("the list").id;
    let ann = ANN.parse().expect("an address");
    subscribers::add_by_staff(&app.site, &ann, "", list, "a test").await.expect("staff may add readers");
    list
}

/// How Ann stands with each list, by short name.
async fn standing(app: &TestApp) -> Vec<(String, &'static str)> {
    let reader = app.reader_row(ANN).await;
    let known = subscribers::subscriptions(&app.site.db, reader).await.expect("a read");
    known.into_iter().map(|one| (one.slug, one.state.as_str())).collect()
}

fn token(link: &str) -> &str {
    link.rsplit('/').next().expect("a token")
}

const DAY: Duration = Duration::from_secs(86_400);

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

    /// TRUST L3: the link of a mail that was passed on takes back what was done by such a link, and not what the team did for a reader.
    async fn an_older_mail_does_not_bring_back_whom_the_team_took_off(app: TestApp) {
        let link = link(&app).await;
        let visitor = app.visitor();
        let list = app.list().await;
        subscribers::leave_by_staff(&app.site, app.reader_row(ANN).await, list, "they phoned").await.expect("taken off");
        let page = visitor.open(&link).await;
        page.says("You are off the list");
        assert!(!page.body.contains("undo"), "{}", page.body);
        assert_eq!(one_click(&app, &link, FORM, "press=undo").await, (StatusCode::SEE_OTHER, true));
        assert!(!gets_mail(&app).await);
        // They say so themselves, too: that is on record once, and nothing that could be taken back.
        for _ in 0..3 {
            one_click(&app, &link, FORM, "press=leave").await;
        }
        let said = "select count(*) from consent_event where action = 'left'";
        assert_eq!(database::rows::<(i64,)>(&app.site.db, said).await, [(2,)]);
        assert!(!visitor.open(&link).await.body.contains("undo"));
        one_click(&app, &link, FORM, "press=undo").await;
        assert!(!gets_mail(&app).await);
        // What they leave by the link they take back by it.
        let ann = ANN.parse().expect("an address");
        subscribers::add_by_staff(&app.site, &ann, "", list, "a test").await.expect("staff may add readers");
        one_click(&app, &link, FORM, "press=leave").await;
        assert!(!gets_mail(&app).await);
        visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await.says("You are back on the list");
        assert!(gets_mail(&app).await);
        app.drain().await;
    }

    /// TRUST L3: whom others took off may say by the page, by why they left or by their choices that they leave: once, and nobody puts them on
    /// it again. Saying why takes nobody off.
    async fn whom_others_took_off_may_say_that_they_leave(app: TestApp) {
        let link = link(&app).await;
        let visitor = app.visitor();
        let (list, reader) = (app.list().await, app.reader_row(ANN).await);
        let ann = ANN.parse().expect("an address");
        let known = subscribers::by_email(&app.site.db, &ann).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &known.public_id);
        let said = async |method: &str| {
            let sql = format!("select count(*) from consent_event where action = 'left' and method = '{method}'");
            database::rows::<(i64,)>(&app.site.db, sql.leak()).await[0].0
        };
        one_click(&app, &link, FORM, "press=why&reason=never-asked").await;
        assert!(gets_mail(&app).await && said("unsubscribe-page").await == 0);

        subscribers::leave_by_staff(&app.site, reader, list, "they phoned").await.expect("taken off");
        let page = visitor.open(&link).await;
        page.says("Press to make sure that nobody puts you on it again.");
        visitor.submit_and_follow(&page.form("/unsubscribe/")).await.says("There is nothing else to do.");
        assert_eq!(said("unsubscribe-page").await, 1);

        subscribers::add_by_staff(&app.site, &ann, "", list, "a test").await.expect("staff may add readers");
        subscribers::leave_by_staff(&app.site, reader, list, "they phoned").await.expect("taken off");
        for _ in 0..2 {
            one_click(&app, &link, FORM, "press=why&reason=never-asked").await;
            assert_eq!(said("unsubscribe-page").await, 2);
        }

        subscribers::add_by_staff(&app.site, &ann, "", list, "a test").await.expect("staff may add readers");
        subscribers::leave_by_staff(&app.site, reader, list, "they phoned").await.expect("taken off");
        let page = visitor.open(&choices).await;
        page.says("Press to make sure that nobody puts you on a list again that you are off.");
        let page = visitor.submit_and_follow(&page.form("/preferences/").with("press", "leave-all")).await;
        assert!(page.body.contains("Nobody puts you on a list again") && !page.body.contains("Leave every list"), "{}", page.body);
        assert_eq!(said("preferences").await, 1);
        assert!(!gets_mail(&app).await);
        app.drain().await;
    }

    /// TRUST L3: one press on the page, and one to take it back.
    async fn the_page_leaves_and_undoes(app: TestApp) {
        let link = link(&app).await;
        let visitor = app.visitor();
        let left = visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await;
        assert_eq!(left.status, StatusCode::OK);
        left.says("You are off the list");
        assert!(!gets_mail(&app).await);
        visitor.submit_and_follow(&left.form("/unsubscribe/")).await.says("You are back on the list");
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
        let left = visitor.submit_and_follow(&page.form("/unsubscribe/")).await;
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

    /// TRUST L3: why is asked once somebody is off the list, may be left alone, is changed until the leaving cannot be undone any
    /// more, and goes with undoing. TRUST A4: what they wrote is text.
    async fn why_is_asked_afterwards_and_never_needed(app: TestApp) {
        let link = link(&app).await;
        let (visitor, desk) = (app.visitor(), app.desk().await);
        let reader = app.reader_row(ANN).await;
        let rows = async || -> Vec<(String, String)> {
            database::rows(&app.site.db, "select reason, words from leaving_reason order by left_at").await
        };
        let left = visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await;
        let form = left.form("#why");
        let nothing = visitor.submit_and_follow(&form).await;
        assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
        nothing.says("Choose one, or write a line.");
        let long = visitor.submit_and_follow(&form.clone().with("reason", "no-time").with("words", &"x".repeat(501))).await;
        assert_eq!((long.status, rows().await.len()), (StatusCode::UNPROCESSABLE_ENTITY, 0));
        long.says("Use at most 500 characters.");
        assert_eq!(long.form("#why").value("reason"), Some("no-time"), "what was chosen is still there");
        visitor.submit_and_follow(&form.clone().with("reason", "no-time")).await.says("Thank you. That is noted.");
        let again = visitor.submit_and_follow(&form.clone().with("reason", "too-much").with("words", "Six\r\na <b>week</b>")).await;
        assert_eq!(rows().await, [("too-much".to_owned(), "Six a <b>week</b>".to_owned())], "once a leaving");
        assert_eq!(again.form("#why").value("words").map(str::trim), Some("Six a <b>week</b>"));
        let public_id = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await.expect("a read").expect("a reader").public_id;
        let page = desk.open(&format!("/desk/readers/{public_id}")).await;
        page.says("Why they left").says("It comes too often").says("Six a <b>week</b>");
        assert!(!page.body.contains("<b>week"), "{}", page.body);
        let list = lists::all(&app.site.db).await.expect("the lists").remove(0);
        let path = format!("/desk/lists/{}", list.public_id);
        desk.open(&path).await.says("Why readers left").says("It comes too often");
        assert!(!desk.open(&path).await.body.contains("Six a"), "their own words are for who sees readers");
        app.advance(DAY * 91);
        assert!(!desk.open(&path).await.body.contains("Why readers left"));
        // Too late: neither asked nor taken.
        assert!(!visitor.open(&link).await.body.contains("reason"));
        visitor.submit_and_follow(&form.clone().with("reason", "elsewhere")).await.says("You are off the list");
        assert_eq!(rows().await.len(), 1);
        assert_eq!(rows().await[0].0, "too-much");
        // Another leaving has another word, and words alone are one; undoing takes it away, and that alone.
        let ann = ANN.parse().expect("an address");
        subscribers::add_by_staff(&app.site, &ann, "", list.id, "they asked").await.expect("staff may add readers");
        visitor.submit_and_follow(&form.clone().with("reason", "elsewhere")).await.says("Leave The digest?");
        let left = visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await;
        visitor.submit_and_follow(&left.form("#why").with("words", "I moved.")).await.says("That is noted");
        assert_eq!(rows().await, [("too-much".to_owned(), "Six a <b>week</b>".to_owned()), ("other".to_owned(), "I moved.".to_owned())]);
        visitor.submit_and_follow(&left.form("/unsubscribe/")).await.says("You are back on the list");
        assert_eq!(rows().await.len(), 1);
        let erased = "delete from leaving_reason where subscriber_id = (select id from subscriber where email = 'ann@example.org')";
        assert_eq!(database::change(&app.site.db, erased).await, 1, "the column by which all that is held of reader {reader} is found");
    }

    /// TRUST L3: each button of the page leads on to what is so then, so that Back and reloading work; and that is no link for saying
    /// somebody is back who is not.
    async fn every_button_leads_to_a_page_that_can_be_opened_again(app: TestApp) {
        let link = link(&app).await;
        second_list(&app).await;
        let visitor = app.visitor();
        let left = visitor.submit(&visitor.open(&link).await.form("/unsubscribe/")).await;
        assert_eq!((left.status, left.leads_to().map(String::from)), (StatusCode::SEE_OTHER, Some(link.clone())));
        let off = visitor.open(&link).await;
        off.says("You are off the list");
        let undone = visitor.submit(&off.form("/unsubscribe/")).await;
        let back = undone.leads_to().expect("it leads on").to_string();
        for _ in 0..2 {
            visitor.open(&back).await.says("You are back on the list");
        }
        visitor.open(&link).await.says("Leave The digest?");
        visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await.says("You are off the list");
        visitor.open(&back).await.says("You are off the list");
    }

    /// Why they leave is not lost by the button that leaves every list; and what is wrong with it keeps nobody there.
    async fn leaving_every_list_takes_along_why(app: TestApp) {
        let link = link(&app).await;
        second_list(&app).await;
        let visitor = app.visitor();
        let left = visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await;
        let all = left.form("#why").and("press", "leave-all");
        let long = visitor.submit_and_follow(&all.clone().with("words", &"x".repeat(501))).await;
        assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
        long.says("You are off every list").says("Use at most 500 characters.");
        assert!(!gets_mail(&app).await);
        let said: Vec<(String, String)> = database::rows(&app.site.db, "select reason, words from leaving_reason").await;
        assert!(said.is_empty(), "{said:?}");
        subscribers::rejoin(&app.site, token(&link), Trace::default()).await.expect("back");
        visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await;
        visitor.submit_and_follow(&all.with("words", "I moved.").with("reason", "no-time")).await.says("You are off every list").says("That is noted");
        let said: Vec<(String, String)> = database::rows(&app.site.db, "select reason, words from leaving_reason").await;
        assert_eq!(said, [("no-time".to_owned(), "I moved.".to_owned())]);
    }

    /// TRUST M2: a mail program that leaves for somebody is asked nothing and offered nothing.
    async fn a_one_click_request_is_asked_nothing(app: TestApp) {
        let link = link(&app).await;
        second_list(&app).await;
        let visitor = app.visitor();
        let request = visitor.request(Method::POST, &link).header(header::CONTENT_TYPE, FORM).body("List-Unsubscribe=One-Click");
        let answer = visitor.send(request).await;
        answer.says("You are off the list");
        for more in ["reason", "leave-all", "Appeals"] {
            assert!(!answer.body.contains(more), "{more}");
        }
        visitor.open(&link).await.says("You still get Appeals").says("If you like: why?");
    }

    /// TRUST M7: one press more leaves every list, and one takes all of that back, with the topics that were chosen.
    async fn every_list_is_left_by_one_press_and_all_of_it_undone(app: TestApp) {
        let link = link(&app).await;
        let appeals = second_list(&app).await;
        let (reader, digest) = (app.reader_row(ANN).await, app.list().await);
        let made = publishing::make_topic(&app.site, ("Rivers", ""), &[digest, appeals], None).await;
        assert!(made.expect("a topic is made"));
        let rivers = topics::all(&app.site.db).await.expect("the topics").remove(0).id;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        for list in [digest, appeals] {
            topics::choose(&mut tx, reader, list, &[rivers]).await.expect("a choice");
        }
        tx.commit().await.expect("a commit");
        let visitor = app.visitor();
        let left = visitor.submit_and_follow(&visitor.open(&link).await.form("/unsubscribe/")).await;
        left.says("You still get Appeals");
        assert_eq!(standing(&app).await, [("digest".to_owned(), "left"), ("appeals".to_owned(), "confirmed")]);
        for _ in 0..2 {
            let off = visitor.submit_and_follow(&left.form("#why").and("press", "leave-all")).await;
            off.says("You are off every list");
            assert_eq!(standing(&app).await, [("digest".to_owned(), "left"), ("appeals".to_owned(), "left")]);
        }
        let proof = consent::proof(&app.site.db, reader).await.expect("the proof");
        let of_all: Vec<_> = proof.iter().filter(|one| one.source.starts_with("every list at once, edition ")).collect();
        assert_eq!(of_all.len(), 1, "{proof:?}");
        assert_eq!((of_all[0].list.as_str(), of_all[0].action), ("Appeals", ConsentAction::Left));
        let undo = visitor.open(&link).await.form("/unsubscribe/");
        assert_eq!(undo.value("press"), Some("undo"));
        visitor.submit_and_follow(&undo).await.says("You are back on the list");
        assert_eq!(standing(&app).await, [("digest".to_owned(), "confirmed"), ("appeals".to_owned(), "confirmed")]);
        for list in [digest, appeals] {
            let chosen = topics::chosen(&app.site.db, reader, list).await.expect("a read");
            assert_eq!(chosen.len(), 1, "what was chosen of list {list} is as it was");
        }
        // A day later it is too late, whichever way they left.
        visitor.submit_and_follow(&left.form("#why").and("press", "leave-all")).await.says("You are off every list");
        app.advance(DAY + Duration::from_secs(1));
        assert!(!visitor.open(&link).await.body.contains("undo"));
        visitor.submit_and_follow(&undo).await.says("You are off every list");
        assert!(!gets_mail(&app).await);
    }

    /// TRUST T10: each list that is left by one press stands in the journal, and so does coming back.
    async fn leaving_every_list_is_written_down_beside_the_database(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let link = link(&app).await;
        second_list(&app).await;
        let read = || std::fs::read_to_string(app.site.journal.path().expect("it has one")).unwrap_or_default();
        let before = read().lines().count();
        subscribers::leave_all(&app.site, token(&link), Trace::default()).await.expect("left");
        let written: Vec<String> = read().lines().skip(before).map(str::to_owned).collect();
        assert_eq!(written.iter().filter(|line| line.contains(" left ")).count(), 2, "{written:?}");
        subscribers::rejoin(&app.site, token(&link), Trace::default()).await.expect("back");
        assert_eq!(read().lines().count(), before + written.len() + 2);
    }

    /// TRUST T8: undoing puts nobody on a list who had only asked for it again: anybody can type an address into the form.
    async fn undoing_confirms_nothing(app: TestApp) {
        let link = link(&app).await;
        subscribers::leave(&app.site, token(&link), ConsentMethod::OneClick, Trace::default()).await.expect("left");
        app.advance(DAY * 2);
        app.subscribe_only(ANN).await;
        assert_eq!(standing(&app).await, [("digest".to_owned(), "pending")]);
        subscribers::leave(&app.site, token(&link), ConsentMethod::OneClick, Trace::default()).await.expect("left");
        let back = subscribers::rejoin(&app.site, token(&link), Trace::default()).await.expect("a link of ours");
        assert!(!back.subscribed && !back.can_undo, "{back:?}");
        assert_eq!(standing(&app).await, [("digest".to_owned(), "left")]);
        app.leaves_work();
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
        let last = publishing::results(&app.site.db, draft.id, publishing::WantedCopies { state: "open", ..Default::default() }, 0, 1000).await.expect("the audience").split_off(READERS - 10);
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
        let audit = broadside::delivery::audit_copies(&app.site.db, draft.id).await.expect("the audit");
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
        let audit = broadside::delivery::audit_copies(&app.site.db, draft.id).await.expect("the audit");
        assert!(audit.holds() && audit.rows.suppressed == 1, "{audit:?}");
    }
}

/// TRUST L3, M3: leaving, why, undoing and leaving every list are for everybody: axe finds nothing serious, on a desk and on a phone.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_leaving_is_for_everybody() {
    let Some(db) = TestDb::migrated(DbEngine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    let link = link(&app).await;
    second_list(&app).await;
    browser.goto(&link).await;
    browser.sound("leaving").await;
    browser.click("Leave The digest").await;
    browser.wait_for_text("You are off the list").await;
    browser.sound("leaving-left").await;
    browser.click("Tell us").await;
    browser.wait_for_text("Choose one, or write a line.").await;
    browser.sound("leaving-mistake").await;
    browser.tick("It comes too often").await;
    browser.fill("In your words", "Six a week, and I read one.").await;
    browser.click("Tell us").await;
    browser.wait_for_text("Thank you. That is noted.").await;
    browser.sound("leaving-said").await;
    browser.click("That was a mistake: undo").await;
    browser.wait_for_text("You are back on the list").await;
    browser.sound("leaving-back").await;
    assert!(gets_mail(&app).await);
    browser.goto(&link).await;
    browser.click("Leave The digest").await;
    browser.wait_for_text("You still get Appeals").await;
    // The return key in the form says why, and leaves nothing.
    browser.element("input[name=reason][value=no-time]").await.send_keys("\u{e007}").await.expect("a key");
    browser.wait_for_text("Choose one, or write a line.").await;
    assert!(gets_mail(&app).await);
    browser.click("Leave every list").await;
    browser.wait_for_text("You are off every list").await;
    browser.sound("leaving-every-list").await;
    assert_eq!(standing(&app).await, [("digest".to_owned(), "left"), ("appeals".to_owned(), "left")]);
    browser.tick("I have no time to read it").await;
    browser.click("Tell us").await;
    browser.wait_for_text("That is noted").await;

    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address"))
        .await
        .expect("a read")
        .expect("a reader");
    browser.goto(&app.url(&format!("/desk/readers/{}", reader.public_id))).await;
    browser.wait_for_text("Why they left").await;
    browser.sound("leaving-reader").await;
    let list = lists::all(&app.site.db).await.expect("the lists").remove(0);
    browser.goto(&app.url(&format!("/desk/lists/{}", list.public_id))).await;
    browser.wait_for_text("Why readers left").await;
    browser.sound("leaving-list").await;
    browser.close().await;
    app.finish().await;
}
