//! What the desk knows of a reader and does with them: each act says who and why, and what is on record proves it.

use std::{collections::BTreeSet, time::Duration};

use broadside::{
    audit_log,
    db::Engine,
    email_address::EmailAddress,
    jobs, origin, publishing, restored, settings,
    staff::Role,
    subscribers::{self, SubscriberError, SubscriptionState, consent, requests},
    token::Purpose,
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    app::OWNER,
    both_engines,
    database::{change, rows},
    pages::Web,
    visitor::Page,
};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

async fn reader(app: &TestApp) -> subscribers::Subscriber {
    subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader")
}

/// The lines of the log about a reader, oldest first: who, what, why.
async fn deeds(app: &TestApp, reader: &subscribers::Subscriber) -> Vec<(String, String, String)> {
    let wanted =
        audit_log::WantedLines { subject: Some(&reader.public_id), ..audit_log::WantedLines::default() };
    let mut lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
    lines.reverse();
    let line = |one: audit_log::LogLine| (one.staff_name.unwrap_or_default(), one.action, one.detail);
    lines.into_iter().map(line).collect()
}

async fn state(app: &TestApp, reader: i64) -> Vec<SubscriptionState> {
    let known = subscribers::subscriptions(&app.site.db, reader).await.expect("a read");
    known.into_iter().map(|one| one.state).collect()
}

/// What an address is kept as.
fn hash(app: &TestApp, email: &str) -> String {
    app.site.keys.name(Purpose::Suppression, &address(email).key())
}

both_engines! {
    /// TRUST L10: each act on a reader's page asks why, and is in the log with who did it.
    async fn every_act_on_a_reader_says_who_and_why(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann) = (app.desk().await, reader(&app).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let open = async || desk.open(&page).await;

        let form = open().await.form(&format!("{page}/name")).with("name", "Ann Özdemir");
        assert_eq!(desk.submit(&form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a reason");
        let saved = desk.submit_and_follow(&form.clone().with("name_why", "she wrote to us")).await;
        saved.says("Saved.").says("Ann Özdemir");
        let stale = desk.submit(&form.with("name", "Another").with("name_why", "x")).await;
        assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
        stale.says("They are called “Ann Özdemir” by now");

        let asked = open().await;
        assert!(asked.body.contains("Take off this list"));
        let list = app.list().await;
        let leave = desk.open(&format!("{page}/leave?list={list}")).await.form("/leave");
        assert_eq!(desk.submit(&leave).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a reason");
        assert_eq!(state(&app, ann.id).await, [SubscriptionState::Confirmed]);
        desk.submit_and_follow(&leave.with("why", "asked by telephone")).await.says("They are off that list");
        let last = consent::proof(&app.site.db, ann.id).await.expect("a read").pop().expect("an event");
        assert_eq!(last.source, "taken off by staff", "readers may read the proof: the reason is the team’s");
        assert_eq!(state(&app, ann.id).await, [SubscriptionState::Left]);

        let join = open().await.form(&format!("{page}/join"));
        assert_eq!(desk.submit(&join).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a basis");
        desk.submit_and_follow(&join.with("basis", "on paper, at the fair")).await.says("Saved.");
        assert_eq!(state(&app, ann.id).await, [SubscriptionState::Confirmed]);
        let last = consent::proof(&app.site.db, ann.id).await.expect("a read").pop().expect("an event");
        assert_eq!(last.source, "on paper, at the fair", "who of the team did it is for the log");

        let note = open().await.form(&format!("{page}/notes")).with("note", "Likes long letters.");
        desk.submit_and_follow(&note).await.says("Likes long letters.").says("Olive Owner");
        let remove = open().await.form("/remove");
        assert!(!desk.submit_and_follow(&remove).await.text().contains("Likes long letters."));

        let log = deeds(&app, &ann).await;
        let deed = |action: &str, why: &str| ("Olive Owner".to_owned(), action.to_owned(), why.to_owned());
        assert_eq!(log, [
            deed("corrected a reader’s name", "she wrote to us"),
            deed("took off a list", "The digest: asked by telephone"),
            deed("added to a list", "The digest: on paper, at the fair"),
            deed("noted something", ""),
            deed("removed a note", "written on 2026-03-03T09:00:00Z"),
        ]);
    }

    /// Staff put right what a reader chose and answered, and nothing else: the page of before puts nothing back, answers fit their
    /// fields, and why and by whom is in the log.
    async fn what_a_reader_chose_and_answered_is_put_right(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann, list) = (app.desk().await, reader(&app).await, app.list().await);
        let db = &app.site.db;
        change(db, "insert into reader_topic (id, public_id, name, name_key, description, position, created_at) values
            (21, 't21', 'Housing', 'housing', '', 1, 7), (22, 't22', 'Rivers', 'rivers', '', 2, 7), (23, 't23', 'Trams', 'trams', '', 3, 7)").await;
        change(db, "insert into list_topic (list_id, topic_id) select min(l.id), t.id from list l cross join reader_topic t group by t.id").await;
        change(db, "insert into field (id, name, label, kind, choices) values (31, 'born', 'Born on', 'date', ''), (32, 'reads', 'Reads', 'choice', 'Print')").await;
        change(db, "insert into field_value (subscriber_id, field_id, value) select id, 32, 'By owl' from subscriber").await;
        let page = format!("/desk/readers/{}", ann.public_id);
        let correct = format!("{page}/correct");
        let topic = |id: i64| format!("{list}.{id}");
        let form = desk.open(&correct).await.form(&correct).and("topic", &topic(21)).with("answer_born", "tomorrow");
        let mistaken = desk.submit(&form).await;
        assert_eq!(mistaken.status, StatusCode::UNPROCESSABLE_ENTITY);
        mistaken.says("Say why").says("“Born on”: Write a day");
        let form = mistaken.form(&correct);
        assert_eq!(form.value("topic"), Some(topic(21).as_str()), "what was ticked comes back");
        let form = form.with("answer_born", "2001-05-12").with("why", "she wrote to us");
        // Meanwhile she chooses herself; the page knows nothing of that.
        let mut tx = db.begin().await.expect("a transaction");
        subscribers::topics::choose(&mut tx, ann.id, list, &[22]).await.expect("chosen");
        tx.commit().await.expect("a commit");
        desk.submit_and_follow(&form).await.says("Saved.").says("About: Housing, Rivers").says("2001-05-12").says("By owl");
        let form = desk.open(&correct).await.form(&correct).with("topic", &topic(23)).with("answer_reads", "Print").with("answer_born", "");
        desk.submit_and_follow(&form.with("why", "by telephone")).await.says("About: Trams").says("Print");
        let answers = subscribers::fields::of_reader(db, ann.id).await.expect("a read");
        assert_eq!(answers.into_iter().map(|(field, value)| (field.name, value)).collect::<Vec<_>>(), [("reads".to_owned(), "Print".to_owned())]);
        let unchanged = desk.open(&correct).await.form(&correct).with("why", "nothing to do");
        desk.submit_and_follow(&unchanged).await.says("Saved.");
        let deed = |why: &str| ("Olive Owner".to_owned(), "corrected what a reader chose or answered".to_owned(), why.to_owned());
        assert_eq!(deeds(&app, &ann).await, [deed("The digest: she wrote to us"), deed("The digest: by telephone")]);
        assert_eq!(desk.open("/desk/readers/nobody/correct").await.status, StatusCode::NOT_FOUND);
    }

    /// TRUST L10: who makes us write to somebody, and who puts away what somebody wrote to us, is in the log.
    async fn who_asks_strangers_and_who_puts_letters_away_is_in_the_log(app: TestApp) {
        let desk = app.desk().await;
        let readers = desk.open("/desk/readers").await;
        let below = readers.body.split_once("id=\"add-title\"").expect("a form to add somebody").1.to_owned();
        let add = Page { body: below, ..readers }.form("/desk/readers").with("email", ANN).with("source", "a call");
        desk.submit_and_follow(&add.with("how", "confirm")).await.says("We sent them an email");
        let ann = reader(&app).await;
        let event = consent::proof(&app.site.db, ann.id).await.expect("a read").pop().expect("an event");
        assert_eq!(event.source, "a call");
        change(&app.site.db, "insert into bounce_letter (key, from_address, subject, words, subscriber_id, received_at)
            select 'k', email, 'Please', 'Take me off.', id, 1700000000000000 from subscriber").await;
        let read = desk.open("/desk/bounces").await.form("/desk/bounces/letters/");
        desk.submit_and_follow(&read).await;
        desk.submit(&read).await;
        let who = |action: &str, detail: &str| ("Olive Owner".to_owned(), action.to_owned(), detail.to_owned());
        assert_eq!(deeds(&app, &ann).await, [
            who("asked somebody to subscribe", "The digest: a call"),
            who("read a letter and put it away", "it came on 2023-11-14T22:13:20Z"),
        ]);
        app.drain().await;
    }

    /// TRUST L10: who looked at a reader, and through whom they looked, is written down: once each for a day, without a word that was
    /// typed, apart from what was done; and it ends.
    async fn who_looked_at_readers_is_written_down_once_a_day(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann) = (app.desk().await, reader(&app).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        for _ in 0..3 {
            desk.open(&page).await;
            desk.open("/desk/readers").await;
            desk.open("/desk/readers?q=ann%40example.org&state=left").await;
        }
        let looks = async || {
            let looks = audit_log::looks(&app.site.db, audit_log::WantedLines::default(), None, 50).await.expect("a read");
            let mut looks: Vec<_> = looks.into_iter().map(|one| (one.staff_name.unwrap_or_default(), one.action, one.subject, one.detail)).collect();
            looks.sort();
            looks
        };
        let look = |action: &str, subject: &str, detail: &str| ("Olive Owner".to_owned(), action.to_owned(), subject.to_owned(), detail.to_owned());
        assert_eq!(looks().await, [
            look("looked at a reader", &ann.public_id, ""),
            look("looked through readers", "", ""),
            look("looked through readers", "", "left, by a search"),
        ]);
        app.advance(DAY);
        let desk = app.desk().await;
        desk.open(&page).await;
        assert_eq!(looks().await.len(), 4, "another day");
        assert_eq!(deeds(&app, &ann).await, [], "nothing was done");

        let shown = desk.open(&format!("/desk/audit?what=looks&reader={}", ann.public_id)).await;
        shown.says("looked at a reader").says(ANN);
        assert!(!shown.text().contains("looked through readers") && !shown.text().contains("signed in"));
        assert!(!desk.open("/desk/audit").await.text().contains("looked at a reader"), "deeds alone");
        let file = desk.submit(&shown.form("/desk/audit/export")).await;
        assert_eq!(file.body.lines().count(), 3, "{}", file.body);
        let exported = audit_log::latest(&app.site.db, 1).await.expect("a read").remove(0);
        assert_eq!(exported.detail, format!("what=looks reader={}", ann.public_id));

        jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 499)).await.expect("tidied");
        assert_eq!(looks().await.len(), 4);
        jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 501)).await.expect("tidied");
        assert_eq!(looks().await.len(), 0);
    }

    /// TRUST L10: every page of the desk that shows who readers are is a look at them.
    async fn pages_about_many_readers_are_looks_too(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann) = (app.desk().await, reader(&app).await);
        let form = desk.open("/desk/requests?email=ann%40example.org").await.form("/desk/requests").with("kind", "access");
        desk.submit_and_follow(&form).await.says(ANN);
        let id = rows::<(i64,)>(&app.site.db, "select id from reader_request").await[0].0;
        let looks = async || rows::<(String, String)>(&app.site.db, "select subject, detail from reader_look order by id").await;
        for (path, subject, detail) in [
            ("/desk/bounces".to_owned(), "", "under Bounces"),
            ("/desk/blocked".to_owned(), "", "under Never mailed"),
            ("/desk/requests".to_owned(), "", "under Requests"),
            (format!("/desk/requests/{id}"), "", "under Requests"),
            (format!("/desk/readers/{}/forget", ann.public_id), ann.public_id.as_str(), ""),
        ] {
            change(&app.site.db, "delete from reader_look").await;
            assert_eq!(desk.open(&path).await.status, StatusCode::OK, "{path}");
            assert_eq!(looks().await, [(subject.to_owned(), detail.to_owned())], "{path}");
        }
    }

    /// The page of a reader of many years is one that can be read on a phone: links to its parts, the newest of what is many, and the rest
    /// behind a link.
    async fn the_page_of_a_reader_is_short(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann, list) = (app.desk().await, reader(&app).await, app.list().await);
        for n in 0..7 {
            subscribers::leave_by_staff(&app.site, ann.id, list, &format!("off {n}")).await.expect("off");
            subscribers::add_by_staff(&app.site, &address(ANN), "", list, &format!("on {n}")).await.expect("on");
        }
        let path = format!("/desk/readers/{}", ann.public_id);
        let page = desk.open(&path).await;
        let shown = |page: &Page| page.body.split_once("id=\"consent\"").expect("its part").1.split_once("</section>").expect("an end").0.matches("<li>").count();
        assert_eq!(shown(&page), 5);
        for link in page.body.split("<a href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.body.contains(&format!("id=\"{link}\"")), "nothing is called {link}");
        }
        for link in ["lists-title", "notes-title", "consent-title", "pause-title", "name-title", "address-title", "held-title", "block-title"] {
            assert!(page.body.contains(&format!("href=\"#{link}\"")), "no link to {link}");
        }
        let older = page.body.split_once("?consents&#x3D;").expect("a link to older ones").1;
        let older = desk.open(&format!("{path}?consents={}", older.split(['#', '"']).next().expect("a place"))).await;
        assert!(shown(&older) > 5, "and then many at once");
    }

    /// TRUST L10: whoever is shown readers is written down, whatever they came for: a form with a mistake shows the page, too, and so do
    /// the results of an edition.
    async fn a_form_with_a_mistake_is_a_look_too(app: TestApp) {
        app.reader(ANN).await;
        let edition = app.send_edition("The first").await;
        let edition = publishing::load(&app.site.db, edition).await.expect("an edition").public_id;
        let (desk, ann) = (app.desk().await, reader(&app).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let (of_reader, of_list) = (desk.open(&page).await, desk.open("/desk/readers").await);
        let below = of_list.body.split_once("id=\"add-title\"").expect("a form to add somebody").1.to_owned();
        let of_list = Page { body: below, ..of_list };
        let forms = [
            (of_reader.form(&format!("{page}/notes")).with("note", ""), ann.public_id.clone()),
            (of_reader.form(&format!("{page}/name")), ann.public_id.clone()),
            (of_list.form("/desk/readers"), String::new()),
        ];
        let looks = async || rows::<(String, String)>(&app.site.db, "select subject, detail from reader_look order by id").await;
        for (form, subject) in forms {
            change(&app.site.db, "delete from reader_look").await;
            let again = desk.submit(&form).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
            again.says(ANN);
            assert_eq!(looks().await, [(subject, String::new())]);
        }
        change(&app.site.db, "delete from reader_look").await;
        desk.open(&format!("/desk/editions/{edition}")).await.says(ANN);
        desk.open(&format!("/desk/editions/{edition}?q=ann")).await.says(ANN);
        let of_edition = |detail: &str| (String::new(), detail.to_owned());
        assert_eq!(looks().await, [of_edition("results of The first"), of_edition("results of The first, by a search")]);
    }

    /// TRUST L10: more than a thousand lines leave the desk only with a reason, and the log keeps it.
    async fn whoever_takes_very_many_lines_says_why(app: TestApp) {
        let desk = app.desk().await;
        change(&app.site.db, "insert into audit_log (action, subject, detail, at) with recursive n(i) as (select 1 union all select i + 1 from n where i < 1001)
            select 'did', 'r1', '', 1700000000000000 + i from n").await;
        let few = desk.open("/desk/audit?reader=r2").await;
        assert!(!few.body.contains("/desk/audit/export"), "there is nothing to take");
        let form = desk.open("/desk/audit?reader=r1").await.form("/desk/audit/export");
        let asked = desk.submit(&form).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        asked.says("Say why you take them");
        let again = asked.form("/desk/audit/export").with("why", "an authority asks");
        let file = desk.submit(&again).await;
        assert_eq!((file.status, file.body.lines().count()), (StatusCode::OK, 1_002));
        let exported = audit_log::latest(&app.site.db, 1).await.expect("a read").remove(0);
        assert_eq!(exported.detail, "reader=r1 why=an authority asks");
    }

    /// TRUST T3: a page that was opened before somebody left puts them on no list; what was chosen and typed on it is kept.
    async fn a_page_that_is_out_of_date_puts_nobody_back(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann, list) = (app.desk().await, reader(&app).await, app.list().await);
        change(&app.site.db, "insert into list (public_id, slug, name, description, visibility, created_at) values ('aside', 'aside', 'Aside', '', 'public', 7)").await;
        let page = format!("/desk/readers/{}", ann.public_id);
        subscribers::leave_by_staff(&app.site, ann.id, list, "a test").await.expect("left");
        let join = desk.open(&page).await.form(&format!("{page}/join"));
        let stale = join.with("list", &list.to_string()).with("basis", "on paper");
        subscribers::add_by_staff(&app.site, &address(ANN), "", list, "asked again").await.expect("added");
        subscribers::leave_by_staff(&app.site, ann.id, list, "and left again").await.expect("left");
        let answer = desk.submit(&stale).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert_eq!(state(&app, ann.id).await, [SubscriptionState::Left]);
        answer.says("nothing was done yet");
        let chosen = format!("<option value=\"{list}\" selected>");
        assert!(answer.body.contains(&chosen) && answer.body.contains("on paper"), "{}", answer.body);
        let aside: Vec<(i64,)> = rows(&app.site.db, "select id from list where slug = 'aside'").await;
        let other = answer.form(&format!("{page}/join")).with("list", &aside[0].0.to_string()).with("basis", "");
        let answer = desk.submit(&other).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(&format!("<option value=\"{}\" selected>", aside[0].0)));
        let again = answer.form(&format!("{page}/join")).with("list", &list.to_string()).with("basis", "on paper");
        desk.submit_and_follow(&again).await.says("Saved.");
        assert_eq!(state(&app, ann.id).await, [SubscriptionState::Confirmed]);
        let readers = desk.open("/desk/readers").await;
        let below = readers.body.split_once("id=\"add-title\"").expect("a form to add somebody").1.to_owned();
        let add = Page { body: below, ..readers }.form("/desk/readers").with("list", &aside[0].0.to_string());
        let answer = desk.submit(&add.with("email", "nobody")).await;
        assert!(answer.body.contains(&format!("<option value=\"{}\" selected>", aside[0].0)), "the form of the list of readers, too");
    }

    /// TRUST L10: whatever the team did about a reader is found by who they are, the gravest first; the log outlives them, and holds
    /// nothing that says who they were.
    async fn the_log_about_a_reader_is_whole_and_holds_no_address(app: TestApp) {
        app.reader(ANN).await;
        let (desk, ann) = (app.desk().await, reader(&app).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let block = desk.open(&page).await.form("/block").with("why", "she asked");
        desk.submit_and_follow(&block).await;
        let lift = desk.open("/desk/blocked").await.form("/lift").with("why", "asked again");
        desk.submit_and_follow(&lift).await;
        let form = desk.open("/desk/requests?email=ANN%40example.org").await.form("/desk/requests");
        desk.submit_and_follow(&form.with("kind", "access").with("detail", "ann+secret")).await;
        let close = desk.open("/desk/requests").await.form("/close").with("outcome", "sent to ann@example.org");
        desk.submit_and_follow(&close).await;
        let did: Vec<String> = deeds(&app, &ann).await.into_iter().map(|(_, action, _)| action).collect();
        assert_eq!(did, ["blocked an address", "unblocked an address", "wrote a request down", "closed a request"]);
        let file = desk.open(&format!("/desk/audit?reader={}", ann.public_id)).await.form("/desk/audit/export");
        assert_eq!(desk.submit(&file.with("reader", ANN)).await.status, StatusCode::OK);
        let log: Vec<(String, String)> = rows(&app.site.db, "select subject, detail from audit_log where action <> 'signed in'").await;
        assert!(log.iter().all(|(subject, detail)| !subject.contains('@') && !detail.contains("ann")), "{log:?}");
        assert!(log.iter().any(|(_, detail)| *detail == format!("reader={}", ann.public_id)), "{log:?}");
        let left: Vec<(String, String)> = rows(&app.site.db, "select address, detail from reader_request").await;
        assert_eq!(left, [("A***@example.org".to_owned(), String::new())]);
        assert_eq!(requests::about(&app.site, &[hash(&app, "Ann@example.org")]).await.expect("a read").len(), 1, "by its hash");
    }

    /// A request whose reader is forgotten stays to be answered, and says no more who they were.
    async fn a_request_of_whoever_is_forgotten_is_masked(app: TestApp) {
        app.reader(ANN).await;
        let desk = app.desk().await;
        let form = desk.open("/desk/requests?email=ann%40example.org").await.form("/desk/requests");
        desk.submit_and_follow(&form.with("kind", "erasure").with("detail", "ann writes")).await;
        let mut tx = app.site.db.begin().await.expect("a transaction");
        requests::forget(&mut tx, &hash(&app, "ANN@example.org")).await.expect("forgotten");
        tx.commit().await.expect("a commit");
        let page = desk.open("/desk/requests").await;
        assert!(!page.body.contains(ANN) && !page.body.contains("ann writes"));
        desk.submit_and_follow(&page.form("/close").with("outcome", "done")).await.says("Answered").says("a***@example.org");
    }

    /// Letters about money are for whoever may see money, and letters to a member of the team are no letters to a reader.
    async fn letters_are_shown_to_those_whom_they_concern(web: Web) {
        let db = &web.app.site.db;
        change(db, "insert into subscriber (public_id, email, email_key, name, created_at) values ('r1', 'Ann@example.org', 'ann@example.org', 'Ann', 7)").await;
        change(db, "insert into notice (key, template, context, from_name, from_email, address, name, message_id, state, reply, attempt, marker, maybe_duplicate, next_at, created_at) values
            ('a', 'receipt', '', '', 'a@example.org', 'Ann@example.org', '', 'a', 'accepted', '', 1, false, false, 7, 7),
            ('b', 'sign_in_link', '', '', 'a@example.org', 'Ann@example.org', '', 'b', 'accepted', '', 1, false, false, 7, 7),
            ('c', 'welcome', '', '', 'a@example.org', 'ann@example.org', '', 'c', 'accepted', '', 1, false, false, 7, 7)").await;
        for (role, sees_money) in [(Role::Owner, true), (Role::Sender, false)] {
            let (cookie, _) = web.session_of(role).await;
            let page = web.get("/desk/readers/r1", &cookie).await;
            assert!(page.body.contains("A welcome"), "{role}: however it is spelled");
            assert!(!page.body.contains("A link to sign in"), "{role}");
            assert_eq!(page.body.contains("A receipt"), sees_money, "{role}");
        }
    }

    /// How they came to be on a list, every letter with its result, the very wording; gifts for whoever may see money.
    async fn the_page_of_a_reader_tells_what_is_known(web: Web) {
        let db = &web.app.site.db;
        publishing::ensure_first(&web.app.site).await.expect("a list");
        change(db, "insert into subscriber (public_id, email, email_key, name, created_at) values ('r1', 'ann@example.org', 'ann@example.org', 'Ann', 7)").await;
        change(db, "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at) select r.id, l.id, 'confirmed', 7, 7 from subscriber r cross join list l where l.id = (select min(id) from list)").await;
        change(db, "insert into consent_wording (kind, text, text_hash, created_at) values ('subscribe', 'Yes, send me all of it.', 'h', 7)").await;
        change(db, "insert into consent_event (subscriber_id, list_id, action, method, wording_id, source, ip, user_agent, at)
            select r.id, l.id, 'confirmed', 'confirmation', w.id, '', '192.0.2.7', 'Lamp/1', 7 from subscriber r cross join list l cross join consent_wording w where l.id = (select min(id) from list)").await;
        change(db, "insert into notice (key, template, context, from_name, from_email, address, name, message_id, state, reply, attempt, marker, maybe_duplicate, next_at, created_at, class, finished_at)
            values ('k', 'confirm_subscription', '', '', 'a@example.org', 'ann@example.org', '', 'm', 'failed', '550 no such user', 1, false, false, 7, 7, 'refused', 8)").await;
        change(db, "insert into donor (public_id, email, email_key, name, created_at) values ('d1', 'ann@example.org', 'ann@example.org', 'Ann', 7)").await;
        change(db, "insert into donation (public_id, donor_id, email, name, kind, amount_minor, currency, state, created_at, paid_at)
            select 'g1', id, email, name, 'once', 1250, 'EUR', 'paid', 7, 7 from donor").await;
        for (role, sees_money) in [(Role::Owner, true), (Role::Sender, false)] {
            let (cookie, _) = web.session_of(role).await;
            let page = web.get("/desk/readers/r1", &cookie).await;
            assert_eq!(page.status, StatusCode::OK);
            for words in ["by the link we mailed", "Yes, send me all of it.", "192.0.2.7", "The question whether to subscribe", "550 no such user"] {
                assert!(page.body.contains(words), "{role}: {words}");
            }
            assert_eq!(page.body.contains("12.50"), sees_money, "{role}");
        }
    }

    /// TRUST T10: whom the journal knows as gone, and whom staff took back since, stays on the list of a restored backup.
    async fn whom_staff_take_back_is_back_in_a_restored_backup(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        restored::take_up(&app.site, None).await.expect("the journal is taken up");
        for name in [ANN, "lea@example.org"] {
            app.reader(name).await;
        }
        app.advance(DAY);
        let backup = db.restored_copy().await;
        let list = app.list().await;
        for name in [ANN, "lea@example.org"] {
            let id = app.reader_row(name).await;
            subscribers::leave_by_staff(&app.site, id, list, "a test").await.expect("left");
        }
        app.advance(DAY);
        subscribers::add_by_staff(&app.site, &address(ANN), "", list, "asked again").await.expect("added");

        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        let said = restored::restored(&again.site, None, None, (None, None)).await;
        assert_eq!(said.expect("it is said").expect("nobody said so before").replayed.left, 1);
        assert_eq!(state(&again, again.reader_row(ANN).await).await, [SubscriptionState::Confirmed]);
        assert_eq!(state(&again, again.reader_row("lea@example.org").await).await, [SubscriptionState::Left]);
    }

    /// TRUST L10: by person, reader and day; every line of them on one of the pages, and in the file.
    async fn the_log_is_looked_through_by_person_reader_and_day(web: Web) {
        let db = &web.app.site.db;
        let (cookie, csrf) = web.session_of(Role::Owner).await;
        let (sender, _) = web.session_of(Role::Sender).await;
        change(db, "insert into subscriber (public_id, email, email_key, name, created_at) values ('r1', 'ann@example.org', 'ann@example.org', '=Ann', 7)").await;
        change(db, "insert into audit_log (staff_id, action, subject, detail, at) with recursive n(i) as (select 1 union all select i + 1 from n where i < 120)
            select (select id from staff where role = 'sender'), 'did', 'r1', '=line' || i, 1700000000000000 + i from n").await;
        let look = async |path: &str| web.get(path, &cookie).await;
        let all = look("/desk/audit").await;
        assert!(all.status == StatusCode::OK && all.body.contains("signed in"), "{}", all.body);
        let person: Vec<(String,)> = rows(db, "select public_id from staff where role = 'sender'").await;
        let mut path = format!("/desk/audit?person={}&reader=ANN%40example.org&day=2023-11-14", person[0].0);
        let mut seen = BTreeSet::new();
        let mut pages = 0;
        loop {
            let page = look(&path).await;
            pages += 1;
            assert!(!page.body.contains("signed in") && page.body.contains("ann@example.org"));
            seen.extend(page.body.split("&#x3D;line").skip(1).filter_map(|rest| rest.split('<').next().map(str::to_owned)));
            let Some((before, _)) = page.body.split_once("\" rel=\"next\"") else { break };
            path = before.rsplit('"').next().expect("an address").replace("&amp;", "&").replace("&#x3D;", "=");
        }
        assert_eq!((seen.len(), pages), (120, 3));
        assert!(look("/desk/audit?day=2023-11-13").await.body.contains("Nothing was done that fits"));
        assert!(look("/desk/audit?reader=eve%40example.org").await.body.contains("No reader has that address"));
        let part = look("/desk/audit?reader=nn%40exam").await;
        assert!(part.body.contains("&#x3D;line119") && !part.body.contains("signed in"), "a part is enough");
        change(db, "insert into subscriber (public_id, email, email_key, name, created_at) values ('r2', 'annabel@xn--r8jz45g.jp', 'annabel@xn--r8jz45g.jp', '', 7)").await;
        change(db, "insert into audit_log (action, subject, detail, at) values ('changed settings', '', 'magazine_name', 1700000001000000), ('mails again', 'r2', 'complained: wrote to us', 1700000002000000)").await;
        let several = look("/desk/audit?reader=ann").await;
        assert!(several.body.contains("Several readers fit") && several.body.contains("/desk/audit?reader&#x3D;r2") && several.body.contains("annabel@例え.jp"), "{}", several.body);
        let hers = look("/desk/audit?reader=r2").await;
        assert!(hers.body.contains("let mail to a reader go again") && hers.body.contains("they had marked it as spam; now: wrote to us"), "{}", hers.body);
        assert!(look("/desk/audit?day=2023-11-14").await.body.contains(">Name</td>"), "a setting as its page calls it");
        assert!(look("/desk/audit?day=yesterday").await.body.contains("Enter a day"));

        assert_eq!(look("/desk/audit/export?reader=ann%40example.org").await.status, StatusCode::METHOD_NOT_ALLOWED, "a link writes nothing");
        let asked = [("csrf", csrf.as_str()), ("reader", "ann@example.org")];
        let file = web.post("/desk/audit/export", &cookie, &asked).await;
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert!(file.body.starts_with("\u{feff}at,who,"), "a spreadsheet is told which letters they are");
        assert_eq!(file.body.lines().count(), 121);
        assert!(file.body.contains(",'=line7\n"), "TRUST A15: no cell is a formula");
        assert_eq!(web.get("/desk/audit", &sender).await.status, StatusCode::FORBIDDEN);
        let exported = audit_log::latest(db, 1).await.expect("a read").remove(0);
        assert_eq!((exported.action.as_str(), exported.detail.as_str()), ("exported the log", "reader=r1"));
    }

    /// TRUST L1: what was agreed to stays for ever, and from where for as long as the owner says.
    async fn where_a_consent_came_from_is_kept_for_a_time_and_the_consent_for_ever(app: TestApp) {
        app.reader(ANN).await;
        change(&app.site.db, "update consent_event set ip = '192.0.2.7', user_agent = 'Lamp/1'").await;
        let ann = reader(&app).await;
        jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 6_000)).await.expect("tidied");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        settings::save(&mut tx, &app.site, None, |settings| settings.keep_traces_months = 24).await.expect("saved");
        tx.commit().await.expect("a commit");
        let before = consent::proof(&app.site.db, ann.id).await.expect("a read");
        jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 600)).await.expect("tidied");
        assert!(consent::proof(&app.site.db, ann.id).await.expect("a read").iter().all(|one| !one.ip.is_empty()), "nor before the owner said for how long");
        jobs::forget_as_of(&app.site, app.site.now().plus(DAY * 730)).await.expect("tidied");
        let after = consent::proof(&app.site.db, ann.id).await.expect("a read");
        assert_eq!(after.len(), before.len());
        for (one, was) in after.iter().zip(&before) {
            assert!(one.ip.is_empty() && one.user_agent.is_empty());
            assert_eq!((one.action, one.method, &one.wording, one.at), (was.action, was.method, &was.wording, was.at));
        }
    }

    /// Requests are due a month later; the desk says so a week before, and whoever closes one says what was done.
    async fn what_readers_ask_by_law_is_due_within_a_month(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/requests?email=ann%40example.org").await.form("/desk/requests");
        assert_eq!(desk.submit(&form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without what they ask");
        let form = form.with("kind", "erasure").with("detail", "by letter");
        let today = jiff::Timestamp::from_microsecond(app.site.now().0).expect("a moment").to_zoned(jiff::tz::TimeZone::UTC).date();
        let (later, before) = (today + jiff::Span::new().days(3), today - jiff::Span::new().days(3));
        let early = desk.submit(&form.clone().with("came", &later.to_string())).await;
        assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
        early.says("today, or before");
        let form = form.with("came", &before.to_string());
        desk.submit_and_follow(&form).await.says("Saved.").says("To be forgotten").says("by letter");
        assert!(!desk.open("/desk").await.text().contains("Readers wait"), "not yet");
        app.advance(DAY * 25);
        let desk = app.desk().await;
        desk.open("/desk").await.says("Readers wait for an answer").says("1 request to answer within a week");
        app.advance(DAY * 10);
        let desk = app.desk().await;
        desk.open("/desk").await.says("1 of them late already");
        let open = requests::open(&app.site.db, None, 9).await.expect("a read").remove(0);
        let due = open.due_at.since(open.received_at);
        assert!((DAY * 28..=DAY * 32).contains(&due), "{due:?}");
        let close = desk.open("/desk/requests").await.form("/close");
        assert_eq!(desk.submit(&close).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without what was done");
        let long = "x".repeat(1_001);
        let answer = desk.submit(&close.clone().with("outcome", &long)).await;
        assert!(answer.body.contains(&long), "what was typed comes back");
        let received: Vec<(i64,)> = rows(&app.site.db, "select received_at from reader_request").await;
        assert!(open.received_at.0 == received[0].0 && open.received_at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date() <= before);
        let page = desk.submit_and_follow(&close.clone().with("outcome", "erased, and told so")).await;
        page.says("Answered").says("erased, and told so");
        assert!(!page.body.contains(ANN), "its address is masked from then on");
        assert!(!desk.open("/desk").await.text().contains("Readers wait"));
        let second = desk.submit(&close.with("outcome", "again")).await;
        assert_eq!(second.status, StatusCode::CONFLICT);
        second.says("Somebody closed it meanwhile").says("erased, and told so");
    }

    /// A name that somebody else put right meanwhile is not put back.
    async fn a_name_is_put_right_as_it_was_looked_at(app: TestApp) {
        app.reader(ANN).await;
        let ann = reader(&app).await;
        let by = subscribers::ByStaff { staff_id: 1, why: "she wrote" };
        let right = async |seen: &str, name: &str| {
            subscribers::correct_name(&app.site, ann.id, seen, name, by).await
        };
        assert!(right(&ann.name, "Ann A").await.expect("put right"));
        assert!(matches!(right(&ann.name, "Ann B").await, Err(SubscriberError::Changed)));
        assert!(!right(&ann.name, "Ann A").await.expect("so it is called"), "twice is once");
        assert_eq!(reader(&app).await.name, "Ann A");
    }

    /// Exactly as long as they are few; of many, as they were counted last, and the page says that.
    async fn readers_are_counted_exactly_or_the_page_says_about(app: TestApp) {
        app.reader(ANN).await;
        let db = &app.site.db;
        let exactly = subscribers::counts(db).await.expect("a count");
        assert!(!exactly.is_about && exactly.confirmed == 1);
        subscribers::count_many(&app.site).await.expect("counted");
        let kept: Vec<(i64,)> = rows(db, "select count(*) from reader_count").await;
        assert_eq!(kept, [(0,)], "a small magazine writes nothing");
        change(db, "insert into subscriber (public_id, email, email_key, name, created_at, search) with recursive n(i) as (select 1 union all select i + 1 from n where i < 20001)
            select 'p' || i, 'p' || i || '@example.com', 'p' || i || '@example.com', '', 7, '' from n").await;
        change(db, "insert into subscription (subscriber_id, list_id, state, asked_at, confirmed_at)
            select r.id, (select min(id) from list), 'confirmed', 7, 7 from subscriber r where r.public_id like 'p%' and r.created_at = 7").await;
        let directly = subscribers::counts(db).await.expect("a count");
        assert!(!directly.is_about && directly.confirmed == 20_002, "before anybody counted: {directly:?}");
        subscribers::count_many(&app.site).await.expect("counted");
        app.reader("late@example.org").await;
        let about = subscribers::counts(db).await.expect("a count");
        assert!(about.is_about && about.confirmed == 20_002, "{about:?}");
        app.desk().await.open("/desk/readers").await.says("About 20,002 readers on your lists");
        app.advance(Duration::from_secs(601));
        subscribers::count_many(&app.site).await.expect("counted");
        assert_eq!(subscribers::counts(db).await.expect("a count").confirmed, 20_003);
    }
}

/// TRUST L1: no statement of the program changes what was agreed to; it goes with the reader who is forgotten, with addresses that
/// nobody confirmed, and with a list of another program that is taken back before anybody was mailed: that a file said it stands in the log.
#[test]
fn consent_is_only_ever_added() {
    let mut taking = 0;
    for (_, statements) in broadside::statements() {
        for sql in statements {
            for text in [sql.sqlite, sql.postgres] {
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(
                    !text.contains("update consent_wording") && !text.contains("delete from consent_wording")
                );
                if text.contains("update consent_event") {
                    let traces_alone = "update consent_event set ip = '', user_agent = '' where";
                    assert!(text.starts_with(traces_alone), "{}: {text}", sql.name);
                }
                if text.contains("delete from consent_event") {
                    taking += 1;
                    assert!(
                        sql.name == "FORGET_ASKINGS" || sql.name.starts_with("ERASE"),
                        "{}: {text}",
                        sql.name
                    );
                }
            }
        }
    }
    assert!(taking > 0, "the statements were read");
}

/// axe, 360 px, keyboard, light and dark: the pages about one reader, their requests and the log.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_that_know_are_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.reader(ANN).await;
    app.give(ANN, "12", "once").await;
    let ann = reader(&app).await;
    subscribers::note(&app.site, &ann, "Likes long letters.", 1).await.expect("noted");
    app.send_edition("The first").await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/requests?email=ann%40example.org")).await;
    browser.tick("They want to be forgotten").await;
    browser.click("Write it down").await;
    browser.wait_for_text("To be answered").await;
    browser.sound("desk-requests").await;
    let (page, list) = (format!("/desk/readers/{}", ann.public_id), app.list().await);
    for (path, name) in [
        (page.clone(), "desk-reader"),
        (format!("{page}/leave?list={list}"), "desk-reader-leave"),
        (format!("{page}/correct"), "desk-reader-correct"),
        (format!("{page}/forget"), "desk-reader-forget"),
        ("/desk/requests/1".to_owned(), "desk-request"),
        ("/desk/forms/main/away".to_owned(), "desk-form-away"),
        ("/desk/readers?q=ann&state=confirmed".to_owned(), "desk-readers-narrowed"),
        ("/desk/audit".to_owned(), "desk-audit"),
    ] {
        browser.goto(&app.url(&path)).await;
        browser.sound(name).await;
    }
    browser.goto(&app.url(&page)).await;
    browser.fill("Note something", "Called on Monday.").await;
    browser.click("Keep this note").await;
    browser.wait_for_text("Called on Monday.").await;
    browser.close().await;
    app.finish().await;
}
