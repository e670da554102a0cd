//! Lists and topics: what staff decide of them, what readers get then, and whom nothing reaches any more.

use std::time::Duration;

use broadside::{
    db::{Db, Engine},
    dossier,
    editions::{EditionState, Rhythm},
    email_address::EmailAddress,
    publishing::{self, Content, Edition},
    sandbox::{Rule, Stage},
    subscribers::{
        self, ConsentAction, ConsentMethod, OptIn, SubscriptionState, consent,
        lists::{self, List, Visibility, Written},
        topics::{self, Topic},
    },
};
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb, app::OWNER, between::overtaken_by, both_engines, database,
    visitor::Page,
};

const DAY: Duration = Duration::from_secs(86_400);
const ANN: &str = "ann@example.org";

async fn list(app: &TestApp, slug: &str) -> List {
    let all = lists::all(&app.site.db).await.expect("the lists can be read");
    all.into_iter().find(|list| list.slug == slug).expect(slug)
}

/// A list that stands on the form, made at once.
async fn made(app: &TestApp, slug: &str, name: &str) -> List {
    let made = publishing::make_list(&app.site, (slug, name, Visibility::Public), None)
        .await
        .expect("a list is made");
    assert!(made.is_some(), "{slug}");
    list(app, slug).await
}

/// What is decided of a list, as it stands.
fn as_it_is(list: &List) -> Written {
    Written {
        name: list.name.clone(),
        description: list.description.clone(),
        visibility: list.visibility,
        opt_in: list.opt_in,
        offered: list.offered,
        closed: list.closed_at.is_some(),
        welcomes: list.welcomes,
        welcome_subject: list.welcome_subject.clone(),
        welcome_text: list.welcome_text.clone(),
        rhythms: Rhythm::read(&list.rhythms),
    }
}

async fn decide(app: &TestApp, slug: &str, change: impl FnOnce(&mut Written)) {
    let list = list(app, slug).await;
    let mut written = as_it_is(&list);
    change(&mut written);
    let offers = topics::offered_by(&app.site.db, list.id).await.expect("a read");
    let offers: Vec<i64> = offers.iter().map(|topic| topic.id).collect();
    publishing::change_list(&app.site, &list, &written, (&offers, (None, None)), None)
        .await
        .expect("it is as it was seen");
}

async fn topic(app: &TestApp, name: &str) -> Topic {
    let on = list(app, "digest").await.id;
    assert!(publishing::make_topic(&app.site, (name, ""), &[on], None).await.expect("a topic is made"));
    found(app, name).await
}

async fn found(app: &TestApp, name: &str) -> Topic {
    let all = topics::all(&app.site.db).await.expect("the topics can be read");
    all.into_iter().find(|topic| topic.name == name).expect(name)
}

/// A reader chooses these of the first list.
async fn choose(app: &TestApp, email: &str, chosen: &[&Topic]) {
    let (reader, list) = (app.reader_row(email).await, app.list().await);
    let ids: Vec<i64> = chosen.iter().map(|topic| topic.id).collect();
    let mut tx = app.site.db.begin().await.expect("a transaction");
    topics::choose(&mut tx, reader, list, &ids).await.expect("a choice");
    tx.commit().await.expect("a commit");
}

async fn chosen(app: &TestApp, email: &str) -> Vec<String> {
    let (reader, list) = (app.reader_row(email).await, app.list().await);
    let chosen = topics::chosen(&app.site.db, reader, list).await.expect("a read");
    chosen.into_iter().map(|topic| topic.name).collect()
}

/// A draft that is about these.
async fn draft_about(app: &TestApp, subject: &str, about: &[&Topic]) -> Edition {
    let draft = app.draft(subject).await;
    let topic_ids = about.iter().map(|topic| topic.id).collect();
    let content = Content { topic_ids, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("a draft");
    publishing::load(&app.site.db, draft.id).await.expect("it is there")
}

async fn press(app: &TestApp, draft: &Edition) -> Result<(), publishing::Error> {
    let press = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
    press.await.map(drop)
}

async fn seal(app: &TestApp) -> usize {
    app.advance(publishing::UNDO + Duration::from_secs(1));
    publishing::seal_due(&app.site, &app.templates).await.expect("sealing")
}

async fn send(app: &TestApp, draft: &Edition) {
    press(app, draft).await.expect("nothing is in the way");
    assert_eq!(seal(app).await, 1);
    app.drain().await;
}

/// Who got a mail of that subject.
fn got(app: &TestApp, subject: &str) -> Vec<String> {
    let mut who: Vec<String> = app
        .sandbox
        .mailbox()
        .messages()
        .into_iter()
        .filter(|mail| mail.subject == subject)
        .flat_map(|mail| mail.to)
        .collect();
    who.sort();
    who
}

async fn state(app: &TestApp, email: &str, slug: &str) -> Option<SubscriptionState> {
    let address = EmailAddress::parse(email).expect("an address");
    let reader = subscribers::by_email(&app.site.db, &address).await.expect("a read")?;
    let known = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
    known.into_iter().find(|one| one.slug == slug).map(|one| one.state)
}

/// Signs up for these lists by the form.
async fn sign_up(app: &TestApp, email: &str, slugs: &[&str]) -> Page {
    let visitor = app.visitor();
    let mut form =
        visitor.open("/subscribe").await.form("/subscribe").with("email", email).with("name", "Not Ann");
    form = form.with("consent", "yes").without("list");
    for slug in slugs {
        form = form.and("list", &list(app, slug).await.id.to_string());
    }
    let page = visitor.submit_and_follow(&form).await;
    app.drain().await;
    page
}

both_engines! {
    /// An editor makes a list, names and orders it; readers see that name and that order, and the short name stays.
    async fn a_list_is_made_named_ordered_and_joined(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/lists").await;
        let form = page.form("/move").at("/desk/lists");
        desk.submit(&form.clone().with("name", "Friday").with("slug", "Friday Letter").with("visibility", "public")).await.says("Use small letters");
        desk.submit(&form.clone().with("name", "Friday").with("slug", "digest").with("visibility", "public")).await.says("Another list has that short name");
        let form = form.with("name", "The Friday letter").with("slug", "friday-letter").with("visibility", "public");
        let one = desk.submit_and_follow(&form).await;
        one.says("The list is made");
        let path = one.url.path().to_owned();
        let stale = one.form(&path);
        let named = stale.clone().with("name", "The Saturday letter").with("description", "On Saturdays.");
        desk.submit_and_follow(&named).await.says("The Saturday letter");
        // Two people: the second is shown what the first decided, and loses nothing typed.
        let late = desk.submit(&stale.with("name", "The Sunday letter")).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("Somebody else changed this list").says("The Saturday letter");
        assert_eq!(late.form(&path).value("name"), Some("The Sunday letter"));
        let saturday = list(&app, "friday-letter").await;
        assert_eq!((saturday.name.as_str(), saturday.slug.as_str()), ("The Saturday letter", "friday-letter"));
        let up = desk.open("/desk/lists").await.form(&format!("{}/move", saturday.public_id)).with("to", "up");
        desk.submit_and_follow(&up).await;
        let order = |page: &Page| page.body.find("The Saturday letter") < page.body.find("The digest");
        for page in ["/desk/lists", "/subscribe"] {
            assert!(order(&desk.open(page).await), "{page}");
        }
        sign_up(&app, ANN, &["friday-letter"]).await.says("Check your mail");
        let link = app.last_mail(ANN).link("/confirm/");
        let ask = app.visitor().open(&link).await;
        ask.says("You asked for The Saturday letter");
        app.visitor().submit_and_follow(&ask.form("/confirm/")).await.says("You are on the list");
        // There is a series of editions for it, under its name.
        let begun = desk.open("/desk/editions").await;
        assert!(begun.body.contains("The Saturday letter"));
        let digest = publishing::digests(&app.site.db).await.expect("digests").remove(0);
        assert_eq!((digest.name.as_str(), digest.list_id), ("The Saturday letter", saturday.id));
    }

    /// A list that was made by mistake is deleted, and its short name is free; one that somebody was ever on, or for which an edition
    /// was begun, stays, and so does the last.
    async fn a_list_made_by_mistake_is_deleted(app: TestApp) {
        let desk = app.desk().await;
        let retire = async |slug: &str| {
            let path = format!("/desk/lists/{}", list(&app, slug).await.public_id);
            (desk.open(&format!("{path}/retire")).await, desk.open(&path).await)
        };
        let only = retire("digest").await;
        assert!(!only.0.text().contains("can be deleted") && !only.1.text().contains("delete it"));
        assert_eq!(desk.submit(&only.0.form("/retire").with("act", "delete")).await.status, StatusCode::CONFLICT, "it is the only one");
        let oops = made(&app, "oops", "Oops").await;
        let (page, own) = retire("oops").await;
        page.says("so it can be deleted");
        own.says("Retire this list or delete it");
        let delete = page.form("/retire").with("act", "delete");
        // Somebody joins while it is looked at.
        sign_up(&app, ANN, &["oops"]).await.says("Check your mail");
        let late = desk.submit(&delete).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("It can be retired");
        assert!(!retire("oops").await.0.text().contains("can be deleted"), "she asked for it");
        let who = app.reader_row(ANN).await;
        for left in ["leaving_reason", "subscription"] {
            database::change(&app.site.db, if left == "subscription" { "delete from subscription where state <> 'confirmed'" } else { "delete from leaving_reason" }).await;
        }
        assert_eq!(desk.submit(&delete).await.status, StatusCode::CONFLICT, "TRUST L1: her proof names it");
        assert_eq!(consent::proof(&app.site.db, who).await.expect("a read").len(), 1);

        made(&app, "drafted", "Drafted").await;
        let draft = list(&app, "drafted").await;
        let digest = publishing::digests(&app.site.db).await.expect("digests").into_iter().find(|one| one.list_id == draft.id).expect("its series");
        publishing::create_draft(&app.site, digest.id, None).await.expect("a draft");
        assert!(!retire("drafted").await.0.text().contains("can be deleted"));
        assert_eq!(desk.submit(&retire("drafted").await.0.form("/retire").with("act", "delete")).await.status, StatusCode::CONFLICT);

        made(&app, "mistake", "A mistake").await;
        desk.submit_and_follow(&retire("mistake").await.0.form("/retire").with("act", "retire")).await.says("The list is retired");
        let (page, own) = retire("mistake").await;
        own.says("Delete this list");
        desk.submit_and_follow(&page.form("/retire").with("act", "delete")).await.says("The list is deleted");
        assert!(lists::all(&app.site.db).await.expect("a read").iter().all(|one| one.slug != "mistake"));
        let anew = made(&app, "mistake", "No mistake").await;
        assert!(anew.id > oops.id, "no number is given twice");
        let log = broadside::audit_log::latest(&app.site.db, 5).await.expect("the log");
        assert!(log.iter().any(|line| line.action == "deleted a list" && line.subject == "list mistake"), "{log:?}");
    }

    /// TRUST L1: whatever hangs on a list, its page offers to delete it where that is done, and nowhere else: a file that is being brought in
    /// keeps it, one that is over does not, and the proof of a reader who was forgotten does.
    async fn what_a_list_offers_to_delete_it_deletes(app: TestApp) {
        let desk = app.desk().await;
        let retire = async |slug: &str| desk.open(&format!("/desk/lists/{}/retire", list(&app, slug).await.public_id)).await;
        let delete = async |slug: &str| desk.submit(&retire(slug).await.form("/retire").with("act", "delete")).await.status;
        made(&app, "filed", "Filed").await;
        retire("filed").await.says("so it can be deleted");
        database::change(&app.site.db, "update form set offers = 'chosen'").await;
        database::change(&app.site.db, "insert into form_list (form_id, list_id) select f.id, l.id from form f join list l on l.slug = 'filed'").await;
        retire("filed").await.says("these offer nothing else");
        decide(&app, "filed", |written| written.closed = true).await;
        desk.open("/desk/forms").await.says("open, offers nothing");
        database::change(&app.site.db, "insert into import (public_id, state, created_at, changed_at, file, size, list_id, basis, source, makes_lists, choices, survey, expected, report, pass, line, trouble, attempts, next_at)
            select 'a-file', 'asking', 1, 1, 'readers.csv', 9, id, '', '', 1 = 0, '', '', '', '', 0, 0, '', 0, 1 from list where slug = 'filed'").await;
        for (is_over, state) in [
            (false, "update import set state = 'asking'"),
            (false, "update import set state = 'counting'"),
            (false, "update import set state = 'ready'"),
            (false, "update import set state = 'running'"),
            (false, "update import set state = 'undoing'"),
            (true, "update import set state = 'done'"),
            (true, "update import set state = 'stopped'"),
            (true, "update import set state = 'undone'"),
        ] {
            database::change(&app.site.db, state).await;
            let offers = retire("filed").await.text().contains("can be deleted");
            assert_eq!(offers, is_over, "{state}");
            if !offers {
                assert_eq!(delete("filed").await, StatusCode::CONFLICT, "{state}");
            }
        }
        assert_eq!(delete("filed").await, StatusCode::SEE_OTHER);
        let of_no_list = database::rows::<(i64,)>(&app.site.db, "select count(*) from import where list_id is null").await;
        assert_eq!(of_no_list[0].0, 1, "what was brought in stays on record");

        made(&app, "forgotten", "Forgotten").await;
        let kept = list(&app, "forgotten").await;
        let ann = EmailAddress::parse(ANN).expect("an address");
        let ann = subscribers::add_by_staff(&app.site, &ann, "", kept.id, "on paper").await.expect("added");
        assert!(dossier::forget_reader(&app.site, &ann, None).await.expect("forgotten"));
        assert!(!retire("forgotten").await.text().contains("can be deleted"), "a proof names it");
        assert_eq!(delete("forgotten").await, StatusCode::CONFLICT);
    }

    /// TRUST A13, L10: who is neither owner nor editor changes no list; what was done stands in the log.
    async fn lists_are_for_owners_and_editors(app: TestApp) {
        let desk = app.desk().await;
        let page = desk.open("/desk/lists").await.form("/move").at("/desk/lists").with("name", "Appeals").with("slug", "appeals").with("visibility", "public");
        desk.submit(&page).await;
        let log = broadside::audit_log::latest(&app.site.db, 5).await.expect("the log");
        assert!(log.iter().any(|line| line.action == "made a list" && line.subject == "list appeals"), "{log:?}");
        for path in ["/desk/lists", "/desk/topics", "/desk/lists/x/retire", "/desk/topics/x/merge"] {
            let asked = app.visitor().open(path).await;
            assert!(asked.status.is_redirection(), "{path}: {}", asked.status);
        }
    }

    /// A private or closed list stands on no form; whoever is on it stays, and can leave.
    async fn nobody_joins_a_private_or_closed_list_by_themselves(app: TestApp) {
        made(&app, "appeals", "Appeals").await;
        sign_up(&app, ANN, &["appeals"]).await;
        let link = app.last_mail(ANN).link("/confirm/");
        app.visitor().submit_and_follow(&app.visitor().open(&link).await.form("/confirm/")).await.says("You are on the list");
        let id = list(&app, "appeals").await.id.to_string();
        for hidden in [
            |written: &mut Written| written.closed = true,
            |written: &mut Written| { written.closed = false; written.visibility = Visibility::Private },
        ] {
            decide(&app, "appeals", hidden).await;
            let visitor = app.visitor();
            let form = visitor.open("/subscribe").await;
            assert!(!form.body.contains("Appeals"));
            let forged = form.form("/subscribe").with("email", "bob@example.org").with("consent", "yes").with("list", &id);
            visitor.submit_and_follow(&forged).await;
            assert_eq!(state(&app, "bob@example.org", "appeals").await, None);
            assert_eq!(state(&app, ANN, "appeals").await, Some(SubscriptionState::Confirmed));
        }
        decide(&app, "appeals", |written| { written.closed = true; written.visibility = Visibility::Public }).await;
        let address = EmailAddress::parse(ANN).expect("an address");
        let ann = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &ann.public_id);
        let page = app.visitor().open(&choices).await;
        assert!(page.body.contains("Appeals"));
        app.visitor().submit_and_follow(&page.form("/preferences/").without("list")).await.says("Saved");
        assert_eq!(state(&app, ANN, "appeals").await, Some(SubscriptionState::Left));
        assert!(!app.visitor().open(&choices).await.body.contains("Appeals"), "nobody comes back by themselves");
        // Of a private list: who left it by themselves may, and whom the team took off may not, whatever a page sends.
        decide(&app, "appeals", |written| { written.closed = false; written.visibility = Visibility::Private }).await;
        let page = app.visitor().open(&choices).await;
        app.visitor().submit_and_follow(&page.form("/preferences/").and("list", &id)).await.says("You now get Appeals");
        let ticked = page.form("/preferences/").and("list", &id);
        subscribers::leave_by_staff(&app.site, ann.id, id.parse().expect("a number"), "membership ended").await.expect("taken off");
        assert!(!app.visitor().open(&choices).await.body.contains("Appeals"));
        app.visitor().submit_and_follow(&ticked).await;
        assert_eq!(state(&app, ANN, "appeals").await, Some(SubscriptionState::Left));
        let staff = subscribers::add_by_staff(&app.site, &address, "", list(&app, "appeals").await.id, "by phone").await;
        staff.expect("staff may add somebody to a closed list");
        // Bob asked for the list that there is.
        app.drain().await;
    }

    /// TRUST L1, A24: the form alone is enough where staff decided so. The proof says how it was, one mail tells the addressee with a
    /// link to leave, and nothing that a stranger typed stays.
    async fn the_form_alone_is_enough_where_the_law_allows_it(app: TestApp) {
        let desk = app.desk().await;
        let path = format!("/desk/lists/{}", list(&app, "digest").await.public_id);
        let form = desk.open(&path).await.form(&path).with("opt_in", "single");
        desk.submit(&form.clone().without("law")).await.says("Say that the law of your readers allows it");
        desk.submit_and_follow(&form.with("law", "yes")).await.says("Joined without a mail that asks");
        let sent = sign_up(&app, ANN, &["digest"]).await;
        sent.says("No button? Then you are in already");
        assert_eq!(state(&app, ANN, "digest").await, Some(SubscriptionState::Confirmed));
        assert_eq!(app.mails(ANN).len(), 1);
        let mail = app.last_mail(ANN);
        assert!(mail.subject.starts_with("Welcome to") && mail.text.contains("was typed into the form"), "{}", mail.text);
        assert!(!mail.text.contains("Not Ann"));
        let reader = app.reader_row(ANN).await;
        let proof = consent::proof(&app.site.db, reader).await.expect("the proof");
        let last = proof.last().expect("an event");
        assert_eq!((last.action, last.method), (ConsentAction::Confirmed, ConsentMethod::Form));
        assert!(last.wording.as_deref().is_some_and(|words| words.starts_with("Yes, send me")));
        let address = EmailAddress::parse(ANN).expect("an address");
        let ann = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
        assert_eq!(ann.name, "", "whoever typed it confirmed nothing");
        desk.open(&format!("/desk/readers/{}", ann.public_id)).await.says("without a mail that asks");
        let leave = app.visitor().open(&mail.link("/unsubscribe/")).await;
        app.visitor().submit_and_follow(&leave.form("/unsubscribe/")).await;
        assert_eq!(state(&app, ANN, "digest").await, Some(SubscriptionState::Left));
        // A stranger brings nobody back: whoever left is asked.
        app.advance(DAY * 8);
        sign_up(&app, ANN, &["digest"]).await;
        assert_eq!(state(&app, ANN, "digest").await, Some(SubscriptionState::Pending));
        assert!(app.last_mail(ANN).text.contains("/confirm/"));
    }

    /// TRUST A24, M25: the brakes are the same. Spellings of one mailbox are asked after the first, a network causes no more letters
    /// than for any other list, and an address that complained or bounced is neither joined nor mailed.
    async fn the_form_alone_passes_no_brake(app: TestApp) {
        decide(&app, "digest", |written| written.opt_in = OptIn::Single).await;
        sign_up(&app, "victim@gmail.com", &["digest"]).await;
        for n in 0..6 {
            sign_up(&app, &format!("victim+{n}@gmail.com"), &["digest"]).await;
        }
        let letters: usize = (0..6).map(|n| app.mails(&format!("victim+{n}@gmail.com")).len()).sum();
        assert_eq!((app.mails("victim@gmail.com").len(), letters), (1, 0));
        let joined = database::rows::<(i64,)>(&app.site.db, "select count(*) from subscription where state = 'confirmed'").await;
        assert_eq!(joined, [(1,)]);
        app.advance(DAY);
        sign_up(&app, "victim+9@gmail.com", &["digest"]).await;
        assert_eq!(state(&app, "victim+9@gmail.com", "digest").await, Some(SubscriptionState::Pending), "asked, a day later too");
        let address = EmailAddress::parse("gone@example.org").expect("an address");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let stops = broadside::delivery::Suppressions::new(&app.site);
        stops.add(&mut tx, &address, broadside::delivery::StopReason::Complained, "").await.expect("a stop");
        tx.commit().await.expect("a commit");
        sign_up(&app, "gone@example.org", &["digest"]).await;
        assert!(app.mails("gone@example.org").is_empty());
        assert_eq!(state(&app, "gone@example.org", "digest").await, Some(SubscriptionState::Pending));
    }

    /// TRUST A24: a stranger puts nobody on a list again by another spelling of their mailbox, nor on a second list after they left the
    /// first: of whom anything is known, in any spelling, the form alone is not enough, however long ago it was.
    async fn a_stranger_brings_nobody_back_by_another_spelling(app: TestApp) {
        decide(&app, "digest", |written| written.opt_in = OptIn::Single).await;
        made(&app, "appeals", "Appeals").await;
        decide(&app, "appeals", |written| written.opt_in = OptIn::Single).await;
        for (known, typed) in [
            ("ann@example.org", "ann+x@example.org"),
            ("bea+news@example.org", "bea@example.org"),
            ("cleo.smith@gmail.com", "cleosmith@gmail.com"),
            ("d.ora+a@googlemail.com", "dora@gmail.com"),
            ("eva@example.org", "eva@example.org"),
        ] {
            let address = EmailAddress::parse(known).expect("an address");
            let digest = app.list().await;
            let reader = subscribers::add_by_staff(&app.site, &address, "", digest, "by phone").await.expect("a reader");
            subscribers::leave_by_staff(&app.site, reader.id, digest, "by phone").await.expect("they leave");
            app.advance(DAY * 30);
            for slug in ["digest", "appeals"] {
                sign_up(&app, typed, &[slug]).await;
                assert_ne!(state(&app, typed, slug).await, Some(SubscriptionState::Confirmed), "{typed}, {slug}");
                app.advance(DAY * 8);
            }
            assert!(app.mails(typed).iter().all(|mail| mail.text.contains("/confirm/")), "{typed}");
        }
        // The same letters at another domain, or with a dot that counts, are somebody else.
        sign_up(&app, "b.ea@example.org", &["digest"]).await;
        sign_up(&app, "bea@example.net", &["digest"]).await;
        for other in ["b.ea@example.org", "bea@example.net"] {
            assert_eq!(state(&app, other, "digest").await, Some(SubscriptionState::Confirmed), "{other}");
        }
    }

    /// Whoever joined by the form alone and asks for a list that confirms, the same day, is asked by a mail that comes by itself.
    async fn who_joined_at_once_is_asked_for_the_next_list(app: TestApp) {
        decide(&app, "digest", |written| written.opt_in = OptIn::Single).await;
        made(&app, "appeals", "Appeals").await;
        // Time goes on between the joining and the letter, as it does outside tests: the list is joined a little before.
        sign_up(&app, ANN, &["digest"]).await;
        database::change(&app.site.db, "update subscription set confirmed_at = confirmed_at - 1").await;
        sign_up(&app, ANN, &["appeals"]).await;
        assert_eq!(app.mails(ANN).len(), 1);
        app.advance(DAY);
        subscribers::ask_held_back(&app.site).await.expect("the brake lets it go");
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), 2);
        assert!(app.last_mail(ANN).text.contains("/confirm/"));
    }

    /// What the form promises of its mail is true where one list is joined by the form alone and another is not.
    async fn the_form_says_which_lists_ask(app: TestApp) {
        assert!(app.visitor().open("/subscribe").await.body.contains("Nothing else comes until you press it"));
        made(&app, "appeals", "Appeals").await;
        decide(&app, "appeals", |written| written.opt_in = OptIn::Single).await;
        let form = app.visitor().open("/subscribe").await;
        assert!(form.body.contains("If it has none, you are on the list"));
        assert_eq!(form.body.matches("You confirm it by a button in a mail").count(), 1);
        decide(&app, "digest", |written| written.opt_in = OptIn::Single).await;
        assert!(!app.visitor().open("/subscribe").await.body.contains("You confirm it by a button in a mail"));
    }

    /// A choices page that was opened before topics were merged, or retired, keeps what is ticked on it.
    async fn an_old_page_loses_no_choice(app: TestApp) {
        app.reader(ANN).await;
        let (housing, homes, rivers) =
            (topic(&app, "Housing").await, topic(&app, "Homes").await, topic(&app, "Rivers").await);
        let address = EmailAddress::parse(ANN).expect("an address");
        let ann = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &ann.public_id);
        let (list, visitor) = (app.list().await, app.visitor());
        let ticked = visitor.open(&choices).await.form("/preferences/").and("topic", &format!("{list}.{}", homes.id));
        let homes = found(&app, "Homes").await;
        assert!(publishing::merge_topics(&app.site, &homes, &housing, None).await.expect("a merge"));
        visitor.submit_and_follow(&ticked).await.says("Saved");
        assert_eq!(chosen(&app, ANN).await, ["Housing"]);
        let ticked = visitor.open(&choices).await.form("/preferences/").without("topic").and("topic", &format!("{list}.{}", rivers.id));
        publishing::retire_topic(&app.site, &rivers, None).await.expect("it is retired");
        visitor.submit_and_follow(&ticked).await.says("Saved");
        assert_eq!(chosen(&app, ANN).await, ["Rivers"], "else they would get everything");
    }

    /// TRUST T3: what a restored backup held stays held for that, also when its list is retired meanwhile.
    async fn retiring_does_not_forget_that_a_backup_was_restored(app: TestApp) {
        app.readers(1).await;
        let waits = app.draft("Waits").await;
        press(&app, &waits).await.expect("nothing is in the way");
        database::change(&app.site.db, "update edition set held_because = 'restored'").await;
        publishing::retire_list(&app.site, &list(&app, "digest").await, None).await.expect("it is as it was seen");
        let why: Vec<(String, String)> = database::rows(&app.site.db, "select state, held_because from edition").await;
        assert_eq!(why, [("held".to_owned(), "restored".to_owned())]);
    }

    /// An offer is joined only by who is on the list at that moment.
    async fn an_offer_that_was_pressed_late_joins_nobody(db: TestDb) {
        let app = TestApp::journalled(db).await;
        broadside::restored::take_up(&app.site, None).await.expect("the journal is taken up");
        made(&app, "appeals", "Appeals").await;
        sign_up(&app, ANN, &["digest"]).await;
        let link = app.last_mail(ANN).link("/confirm/");
        let asks = app.visitor().open(&link).await;
        app.visitor().submit_and_follow(&asks.form("/confirm/")).await.says("You are on the list");
        let (appeals, reader) = (list(&app, "appeals").await.id, app.reader_row(ANN).await);
        let also = asks.form("/confirm/").without("list").with("also", &appeals.to_string());
        app.visitor().submit_and_follow(&also).await.says("The digest and Appeals");
        app.advance(DAY);
        subscribers::leave_by_staff(&app.site, reader, appeals, "by phone").await.expect("they leave");
        sign_up(&app, ANN, &["appeals"]).await;
        app.visitor().submit_and_follow(&also).await.says("The digest and Appeals");
        subscribers::leave_by_staff(&app.site, reader, appeals, "by phone").await.expect("they leave");
        subscribers::leave_by_staff(&app.site, reader, app.list().await, "by phone").await.expect("they leave");
        app.visitor().submit_and_follow(&also).await;
        assert_eq!(state(&app, ANN, "appeals").await, Some(SubscriptionState::Left));
        app.drain().await;
        app.finish().await;
    }

    /// After a list was retired every page says what is so: a link that confirms does not say that they left, their choices do not
    /// count it, leaving it is not undone, and no new edition is not "not found".
    async fn a_retired_list_is_spoken_of_as_one(app: TestApp) {
        app.reader(ANN).await;
        let sent = app.send_edition("Sent").await;
        let leave = app.last_mail(ANN).link("/unsubscribe/");
        sign_up(&app, "bob@example.org", &["digest"]).await;
        let late = app.last_mail("bob@example.org").link("/confirm/");
        publishing::retire_list(&app.site, &list(&app, "digest").await, None).await.expect("it is as it was seen");
        app.visitor().open(&late).await.says("There is no more of it");
        let address = EmailAddress::parse(ANN).expect("an address");
        let ann = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
        let choices = app.visitor().open(&subscribers::choices_path(&app.site, &ann.public_id)).await;
        assert!(choices.body.contains("Nothing of it comes at present"));
        assert!(!choices.body.contains("Leave every list"));
        let left = app.visitor().submit_and_follow(&app.visitor().open(&leave).await.form("/unsubscribe/")).await;
        assert!(!left.body.contains("That was a mistake"));
        let sent = publishing::load(&app.site.db, sent).await.expect("it is there");
        let correction = publishing::begin_correction(&app.site, &sent.public_id, sent.revision, None).await;
        assert!(matches!(correction, Err(publishing::Error::Move(broadside::editions::MoveError::Retired))), "{correction:?}");
    }

    /// What a page did not show stays: offers of retired topics and on retired lists; and who offers what is seen from both sides.
    async fn saving_a_list_or_topic_keeps_the_offers_it_does_not_show(app: TestApp) {
        let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
        made(&app, "appeals", "Appeals").await;
        let appeals = list(&app, "appeals").await;
        publishing::retire_topic(&app.site, &rivers, None).await.expect("it is retired");
        decide(&app, "digest", |written| written.offered = false).await;
        publishing::bring_topic_back(&app.site, &found(&app, "Rivers").await, None).await.expect("it is back");
        let offered = topics::offered_by(&app.site.db, app.list().await).await.expect("a read");
        assert_eq!(offered.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["Housing", "Rivers"]);
        // Somebody has the list's page open while the topic's is saved.
        let both = [app.list().await, appeals.id];
        let stale = list(&app, "appeals").await;
        let housing = found(&app, &housing.name).await;
        assert!(publishing::change_topic(&app.site, &housing, ("Housing", ""), &both, None).await.expect("a save"));
        let late = publishing::change_list(&app.site, &stale, &as_it_is(&stale), (&[], (None, None)), None).await;
        assert!(matches!(late, Err(publishing::Error::Changed)), "{late:?}");
    }

    /// TRUST T1: merging topics does not widen an edition that was approved and waits, and nothing is merged into what is retired.
    async fn merging_does_not_widen_what_waits(app: TestApp) {
        app.readers(2).await;
        let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
        choose(&app, "reader1@example.org", &[&housing]).await;
        choose(&app, "reader2@example.org", &[&rivers]).await;
        press(&app, &draft_about(&app, "Of housing", &[&housing]).await).await.expect("nothing is in the way");
        for (from, into) in [(&housing, &rivers), (&rivers, &housing)] {
            assert!(!publishing::merge_topics(&app.site, from, into, None).await.expect("no"));
            let page = app.desk().await.open(&format!("/desk/topics/{}/merge?into={}", from.public_id, into.public_id)).await;
            page.says("1 edition about one of them waiting to go out");
        }
        assert_eq!(seal(&app).await, 1);
        app.drain().await;
        assert_eq!(got(&app, "Of housing"), ["reader1@example.org"]);
        publishing::retire_topic(&app.site, &housing, None).await.expect("it is retired");
        assert!(!publishing::merge_topics(&app.site, &rivers, &housing, None).await.expect("no"));
    }

    /// A list's letter of welcome goes to whoever confirms, once, in the words of its staff; to nobody whom staff add or import.
    async fn whoever_joins_is_welcomed_once(app: TestApp) {
        decide(&app, "digest", |written| {
            written.welcomes = true;
            "Good to have you".clone_into(&mut written.welcome_subject);
            "Write back:\na person reads it.\n\nThe editors".clone_into(&mut written.welcome_text);
        })
        .await;
        app.readers(2).await;
        app.more_readers(2, 3).await;
        app.drain().await;
        assert!(app.sandbox.mailbox().messages().is_empty(), "nobody whom staff brought is written to");
        app.reader(ANN).await;
        let mail = app.last_mail(ANN);
        assert_eq!(mail.subject, "Good to have you");
        assert!(mail.text.contains("Write back: a person reads it.") && mail.text.contains("The editors"), "{}", mail.text);
        assert!(mail.header("List-Unsubscribe").is_some_and(|ways| ways.contains("/unsubscribe/")), "it is mail of one list");
        // They leave, ask again and confirm again: they know us.
        let leave = app.visitor().open(&mail.link("/unsubscribe/")).await;
        app.visitor().submit_and_follow(&leave.form("/unsubscribe/")).await;
        app.advance(DAY * 8);
        app.reader(ANN).await;
        assert_eq!(app.mails(ANN).iter().filter(|mail| mail.subject == "Good to have you").count(), 1);
        assert_eq!(state(&app, ANN, "digest").await, Some(SubscriptionState::Confirmed));
    }

    /// The letter names all that was joined by the press, the list without words of its own, too; and what looks like a field in its words
    /// is refused, since it would be mailed as it stands.
    async fn a_welcome_names_all_that_was_joined(app: TestApp) {
        let made = publishing::make_list(&app.site, ("appeals", "Appeals", Visibility::Public), None).await;
        made.expect("a list is made").expect("its name is free");
        decide(&app, "appeals", |written| {
            written.welcomes = true;
            "Good to have you.".clone_into(&mut written.welcome_text);
        })
        .await;
        let visitor = app.visitor();
        let mut form = visitor.open("/subscribe").await.form("/subscribe").with("email", ANN).with("consent", "yes");
        for list in lists::all(&app.site.db).await.expect("the lists") {
            form = form.and("list", &list.id.to_string());
        }
        visitor.submit_and_follow(&form).await;
        app.drain().await;
        let confirm = visitor.open(&app.last_mail(ANN).link("/confirm/")).await;
        visitor.submit_and_follow(&confirm.form("/confirm/")).await.says("You are on the list");
        app.drain().await;
        let mail = app.last_mail(ANN);
        assert_eq!(mail.header("List-Unsubscribe"), None, "a mail program would leave one of two");
        for words in ["The digest", "Appeals", "Good to have you."] {
            assert!(mail.text.contains(words), "{words}: {}", mail.text);
        }
        let desk = app.desk().await;
        let path = format!("/desk/lists/{}", list(&app, "appeals").await.public_id);
        let braces = desk.open(&path).await.form(&path).with("welcome_text", "Dear {{field.first_name}},");
        let refused = desk.submit(&braces).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.says("the same for everybody");
    }

    /// A letter of welcome that waits is not sent to who has left meanwhile, by whichever way, nor after its list was retired; a
    /// returned one counts for more, as a mail that asks does.
    async fn a_welcome_that_is_not_true_any_more_is_not_sent(app: TestApp) {
        app.leaves_work();
        made(&app, "appeals", "Appeals").await;
        for slug in ["digest", "appeals"] {
            decide(&app, slug, |written| written.opt_in = OptIn::Single).await;
        }
        let join = async |email: &str, slugs: &[&str]| {
            let visitor = app.visitor();
            let mut form = visitor.open("/subscribe").await.form("/subscribe").with("email", email).with("consent", "yes").without("list");
            for slug in slugs {
                form = form.and("list", &list(&app, slug).await.id.to_string());
            }
            visitor.submit_and_follow(&form).await;
        };
        let (digest, appeals) = (app.list().await, list(&app, "appeals").await.id);
        join("left@example.org", &["digest"]).await;
        let left = app.reader_row("left@example.org").await;
        subscribers::leave_by_staff(&app.site, left, digest, "by phone").await.expect("they leave");
        join("both@example.org", &["digest", "appeals"]).await;
        let both = app.reader_row("both@example.org").await;
        for id in [digest, appeals] {
            subscribers::leave_by_staff(&app.site, both, id, "by phone").await.expect("they leave");
        }
        join("one@example.org", &["digest", "appeals"]).await;
        let one = app.reader_row("one@example.org").await;
        subscribers::leave_by_staff(&app.site, one, appeals, "by phone").await.expect("they leave");
        join("late@example.org", &["appeals"]).await;
        publishing::retire_list(&app.site, &list(&app, "appeals").await, None).await.expect("it is as it was seen");
        app.drain().await;
        let written: Vec<usize> = ["left", "both", "one", "late"].iter().map(|who| app.mails(&format!("{who}@example.org")).len()).collect();
        assert_eq!(written, [0, 0, 1, 0]);
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to("gone@example.org").reply(550, "5.1.1 no such mailbox"));
        sign_up(&app, "gone@example.org", &["digest"]).await;
        subscribers::ask_held_back(&app.site).await.expect("what came back is counted");
        let weights: Vec<(i64,)> = database::rows(&app.site.db, "select max(weight) from confirmation_mail").await;
        assert_eq!(weights, [(3,)]);
    }

    /// TRUST L1, A25: whoever has joined is offered the other lists; one press joins, with the words on the button as proof, and
    /// opening the page joins nothing.
    async fn a_new_reader_is_offered_the_other_lists(app: TestApp) {
        made(&app, "appeals", "Appeals").await;
        made(&app, "quiet", "Quiet").await;
        decide(&app, "quiet", |written| written.offered = false).await;
        sign_up(&app, ANN, &["digest"]).await;
        let link = app.last_mail(ANN).link("/confirm/");
        let asks = app.visitor().open(&link).await;
        assert!(!asks.body.contains("Also get"), "first the question");
        let visitor = app.visitor();
        let on = visitor.submit_and_follow(&asks.form("/confirm/")).await;
        assert!(on.body.contains("Also get Appeals") && !on.body.contains("Quiet"), "{}", on.body);
        assert_eq!(state(&app, ANN, "appeals").await, None);
        // The form that offers has no field, but its button's.
        let also = asks.form("/confirm/").without("list").with("also", &list(&app, "appeals").await.id.to_string());
        visitor.submit_and_follow(&also).await.says("The digest and Appeals");
        assert_eq!(state(&app, ANN, "appeals").await, Some(SubscriptionState::Confirmed));
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("the proof");
        let last = proof.last().expect("an event");
        assert_eq!((last.wording.as_deref(), last.action), (Some("Also get Appeals"), ConsentAction::Confirmed));
        let unoffered = asks.form("/confirm/").without("list").with("also", &list(&app, "quiet").await.id.to_string());
        visitor.submit_and_follow(&unoffered).await.says("Nobody can join that other list any more").says("You are on the list");
        assert_eq!(state(&app, ANN, "quiet").await, None);
    }

    /// TRUST T1, T3: retiring a list says what it touches; nothing goes to it then, what waits is held, and bringing it back gives back
    /// its readers and sends nothing by itself.
    async fn a_retired_list_mails_nobody_and_can_be_brought_back(app: TestApp) {
        app.reader(ANN).await;
        sign_up(&app, "bob@example.org", &["digest"]).await;
        let late = app.last_mail("bob@example.org").link("/confirm/");
        let draft = app.draft("Ladders").await;
        let waits = app.draft("Waits").await;
        press(&app, &waits).await.expect("nothing is in the way");
        let desk = app.desk().await;
        let path = format!("/desk/lists/{}", list(&app, "digest").await.public_id);
        let asks = desk.open(&format!("{path}/retire")).await;
        asks.says("Nothing more of it goes to 1 reader").says("nor can 1 reader confirm it who asked before").says("1 draft").says("1 edition that waited to go out");
        asks.says("It is the last list that is not retired");
        let gone = desk.submit_and_follow(&asks.form("/retire")).await;
        gone.says("The list is retired").says("Every list is retired");
        assert_eq!(seal(&app).await, 0);
        let held = publishing::load(&app.site.db, waits.id).await.expect("it is there");
        assert_eq!(held.state, EditionState::Held);
        desk.open(&format!("/desk/editions/{}", held.public_id)).await.says("its list was retired");
        assert!(matches!(press(&app, &draft).await, Err(publishing::Error::Move(broadside::editions::MoveError::Retired))));
        let refused = desk.submit(&desk.open(&format!("/desk/editions/{}", held.public_id)).await.form("/resume")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("Bring the list back first");
        assert!(publishing::digests(&app.site.db).await.expect("digests").is_empty(), "no new edition");
        let digest: Vec<(i64,)> = database::rows(&app.site.db, "select id from digest").await;
        assert!(matches!(publishing::create_draft(&app.site, digest[0].0, None).await, Err(publishing::Error::Move(broadside::editions::MoveError::Retired))));
        app.visitor().open("/subscribe").await.says("There is nothing to subscribe to");
        let confirms = app.visitor().open(&late).await;
        assert!(!confirms.text().contains("One press"), "{}", confirms.text());
        assert_eq!(state(&app, "bob@example.org", "digest").await, Some(SubscriptionState::Pending));
        let ann = EmailAddress::parse("carl@example.org").expect("an address");
        let added = subscribers::add_by_staff(&app.site, &ann, "", app.list().await, "by phone").await;
        assert!(matches!(added, Err(subscribers::SubscriberError::NotFound)));
        app.advance(DAY);
        app.drain().await;
        assert!(got(&app, "Waits").is_empty());
        let desk = app.desk().await;
        // On its own page the button takes along what was typed.
        let list = lists::all(&app.site.db).await.expect("a read").remove(0);
        let path = format!("/desk/lists/{}", list.public_id);
        let back = desk.open(&path).await.form(&path).with("description", "On Fridays.").and("act", "back");
        desk.submit_and_follow(&back).await.says("The list is back");
        let list = lists::all(&app.site.db).await.expect("a read").remove(0);
        assert_eq!((list.retired_at, list.description.as_str()), (None, "On Fridays."));
        app.drain().await;
        assert!(got(&app, "Waits").is_empty(), "somebody has to say so");
        app.resume(&held.public_id).await;
        app.drain().await;
        assert_eq!(got(&app, "Waits"), [ANN]);
    }

    /// TRUST T3: an edition on its way when its list is retired goes no further, and no failed copy of a sent one is tried again.
    async fn what_is_on_its_way_stops_with_its_list(app: TestApp) {
        app.readers(3).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to("reader1@example.org").reply(554, "5.3.0 not this one"));
        let sent = app.send_edition("Sent").await;
        app.sandbox.smtp_script().clear();
        let going = app.seal_edition("Going").await;
        publishing::retire_list(&app.site, &list(&app, "digest").await, None).await.expect("it is as it was seen");
        app.drain().await;
        assert!(got(&app, "Going").is_empty());
        let going = publishing::load(&app.site.db, going).await.expect("it is there");
        assert_eq!(going.state, EditionState::Paused);
        let sent = publishing::load(&app.site.db, sent).await.expect("it is there");
        let again = publishing::retry_failed(&app.site, &sent.public_id, ("trouble with a mail server", sent.revision), None).await;
        assert!(matches!(again, Err(publishing::Error::Move(broadside::editions::MoveError::Retired))), "{again:?}");
        publishing::bring_list_back(&app.site, &list(&app, "digest").await, None).await.expect("it was retired");
        app.resume(&going.public_id).await;
        app.drain().await;
        assert_eq!(got(&app, "Going").len(), 3);
    }

    /// Who chose nothing gets everything; who chose topics gets the editions that carry one of them, and those that carry none. The
    /// page before Send says how many that is.
    async fn an_edition_goes_to_who_wants_its_topics(app: TestApp) {
        app.readers(4).await;
        let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
        choose(&app, "reader2@example.org", &[&housing]).await;
        choose(&app, "reader3@example.org", &[&rivers]).await;
        choose(&app, "reader4@example.org", &[&housing, &rivers]).await;
        let about = draft_about(&app, "Of housing", &[&housing]).await;
        assert_eq!(publishing::audience_size(&app.site, &about).await.expect("a size"), 3);
        let desk = app.desk().await;
        let look = desk.open(&format!("/desk/editions/{}/send", about.public_id)).await;
        look.says("This goes to 3 readers").says("It is about Housing: 1 reader more of the list chose other topics and does not get it");
        send(&app, &about).await;
        let to = |numbers: &[usize]| numbers.iter().map(|n| format!("reader{n}@example.org")).collect::<Vec<_>>();
        assert_eq!(got(&app, "Of housing"), to(&[1, 2, 4]));
        send(&app, &draft_about(&app, "Of everything", &[]).await).await;
        assert_eq!(got(&app, "Of everything"), to(&[1, 2, 3, 4]));
        send(&app, &draft_about(&app, "Of both", &[&housing, &rivers]).await).await;
        assert_eq!(got(&app, "Of both"), to(&[1, 2, 3, 4]));
        // A correction goes to whoever got the wrong copy, whatever they choose since.
        for n in 1..=4 {
            choose(&app, &format!("reader{n}@example.org"), &[&rivers]).await;
        }
        let correction = publishing::begin_correction(&app.site, &about.public_id, about.revision, None).await.expect("a draft");
        let correction = publishing::find(&app.site.db, &correction).await.expect("it is there");
        send(&app, &correction).await;
        assert_eq!(got(&app, "Correction: Of housing"), to(&[1, 2, 4]));
    }

    /// A failed copy is not tried again for a reader who chose other topics meanwhile.
    async fn a_failed_copy_is_for_who_still_wants_its_topic(app: TestApp) {
        app.readers(2).await;
        let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
        let about = draft_about(&app, "Of housing", &[&housing]).await;
        for n in 1..=2 {
            let refused = Rule::at(Stage::Rcpt).to(&format!("reader{n}@example.org"));
            app.sandbox.smtp_script().add(refused.reply(554, "5.3.0 not this one"));
        }
        send(&app, &about).await;
        app.sandbox.smtp_script().clear();
        choose(&app, "reader1@example.org", &[&rivers]).await;
        let again = publishing::retry_failed(&app.site, &about.public_id, ("trouble with a mail server", about.revision), None).await;
        assert_eq!(again.expect("it is over"), 1);
        app.drain().await;
        assert_eq!(got(&app, "Of housing"), ["reader2@example.org"]);
    }

    /// Merging two topics keeps what every reader chose, and editions about the one are about the other; a choice in an old page
    /// means the topic that took its place.
    async fn merging_topics_keeps_every_choice(app: TestApp) {
        app.readers(4).await;
        let (housing, homes, rivers) =
            (topic(&app, "Housing").await, topic(&app, "Homes").await, topic(&app, "Rivers").await);
        choose(&app, "reader1@example.org", &[&homes]).await;
        choose(&app, "reader2@example.org", &[&homes, &housing]).await;
        choose(&app, "reader3@example.org", &[&rivers]).await;
        let about = draft_about(&app, "Of homes", &[&homes]).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/topics/{}/merge?into={}", homes.public_id, housing.public_id)).await;
        page.says("Homes was chosen by 2 readers").says("1 edition about Homes");
        desk.submit_and_follow(&page.form("/merge")).await.says("They are one topic now");
        for (n, wanted) in [(1, &["Housing"][..]), (2, &["Housing"]), (3, &["Rivers"]), (4, &[])] {
            assert_eq!(chosen(&app, &format!("reader{n}@example.org")).await, wanted);
        }
        choose(&app, "reader4@example.org", &[&homes]).await;
        assert_eq!(chosen(&app, "reader4@example.org").await, ["Housing"]);
        send(&app, &publishing::load(&app.site.db, about.id).await.expect("it is there")).await;
        assert_eq!(got(&app, "Of homes"), [1, 2, 4].map(|n| format!("reader{n}@example.org")));
        let offered = topics::offered_by(&app.site.db, app.list().await).await.expect("a read");
        assert_eq!(offered.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["Housing", "Rivers"]);
        assert!(!publishing::merge_topics(&app.site, &homes, &rivers, None).await.expect("no"), "it is gone");
    }

    /// A topic that is retired keeps its readers' choices and can be brought back; one that nobody uses is deleted.
    async fn a_topic_ends_without_taking_a_choice_away(app: TestApp) {
        app.readers(2).await;
        let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
        choose(&app, "reader1@example.org", &[&housing]).await;
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/topics/{}/retire", housing.public_id)).await;
        page.says("Chosen by 1 reader").says("Nothing else was chosen by 1 reader");
        assert!(!page.body.contains("Delete Housing"));
        desk.submit_and_follow(&page.form("/retire").with("act", "retire")).await.says("The topic is retired");
        assert_eq!(chosen(&app, "reader1@example.org").await, ["Housing"]);
        assert!(!publishing::delete_topic(&app.site, &housing, None).await.expect("no"));
        send(&app, &draft_about(&app, "Of rivers", &[&rivers]).await).await;
        assert_eq!(got(&app, "Of rivers"), ["reader2@example.org"], "who chose something else does not get it");
        let back = desk.open("/desk/topics").await.form(&format!("{}/back", housing.public_id));
        desk.submit_and_follow(&back).await.says("The topic is back");
        let tides = topic(&app, "Tides").await;
        let page = desk.open(&format!("/desk/topics/{}/retire", tides.public_id)).await;
        desk.submit_and_follow(&page.form("/retire").with("act", "delete")).await.says("The topic is deleted");
        assert!(!desk.open("/desk/topics").await.text().contains("Tides"));
    }

    /// The composer gives an edition topics that its list offers; the reader's own page has them, and what is saved there is kept.
    async fn topics_are_chosen_by_editors_and_by_readers(app: TestApp) {
        app.reader(ANN).await;
        let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
        let draft = app.draft("Ladders").await;
        let desk = app.desk().await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let composer = desk.open(&path).await;
        assert!(composer.body.contains("Tick what this edition is about"));
        desk.submit(&composer.form(&path).and("topic", &housing.id.to_string()).and("act", "save")).await;
        let saved = publishing::load(&app.site.db, draft.id).await.expect("it is there");
        assert_eq!(saved.content.topic_ids, [housing.id]);
        assert!(saved.revision > draft.revision, "whoever looked before is told");
        let address = EmailAddress::parse(ANN).expect("an address");
        let ann = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &ann.public_id);
        let visitor = app.visitor();
        let page = visitor.open(&choices).await;
        assert!(page.body.contains("Of The digest, tell me about") && page.body.contains("Tick nothing to get everything"));
        let list = app.list().await;
        let ticked = page.form("/preferences/").and("topic", &format!("{list}.{}", rivers.id)).and("topic", &format!("{list}.999999"));
        visitor.submit_and_follow(&ticked).await.says("Saved");
        assert_eq!(chosen(&app, ANN).await, ["Rivers"]);
        visitor.submit_and_follow(&visitor.open(&choices).await.form("/preferences/").with("name", "Ann")).await.says("Saved");
        assert_eq!(chosen(&app, ANN).await, ["Rivers"], "saving something else keeps them");
        visitor.submit_and_follow(&visitor.open(&choices).await.form("/preferences/").without("topic")).await.says("Saved");
        assert!(chosen(&app, ANN).await.is_empty());
    }
}

/// TRUST T3's kind, on a server that several write to: a reader chooses at the very moment at which the audience is written down.
/// Whoever seals waits for that and sees the choice, though it began before.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_is_being_made_counts_for_who_seals() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    app.readers(2).await;
    let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
    let about = draft_about(&app, "Of housing", &[&housing]).await;
    press(&app, &about).await.expect("nothing is in the way");
    app.advance(publishing::UNDO + Duration::from_secs(1));
    let Db::Postgres { pool, .. } = &app.site.db else { panic!("a server") };
    let (reader, list) = (app.reader_row("reader1@example.org").await, app.list().await);
    let mut choosing = pool.begin().await.expect("a transaction");
    sqlx::query("update subscription set state = state where subscriber_id = $1 and list_id = $2")
        .bind(reader)
        .bind(list)
        .execute(&mut *choosing)
        .await
        .expect("what choosing holds");
    sqlx::query("insert into subscription_topic (list_id, subscriber_id, topic_id) values ($1, $2, $3)")
        .bind(list)
        .bind(reader)
        .bind(rivers.id)
        .execute(&mut *choosing)
        .await
        .expect("the choice");
    let sealed = overtaken_by(&app.site.db, choosing, publishing::seal_due(&app.site, &app.templates)).await;
    assert_eq!(sealed.expect("sealing"), 1);
    app.drain().await;
    assert_eq!(got(&app, "Of housing"), ["reader2@example.org"]);
    app.finish().await;
}

/// The same for a list that is being retired while somebody presses Send.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_being_retired_gets_nothing_from_who_presses_send() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    app.readers(2).await;
    let draft = app.draft("Ladders").await;
    let Db::Postgres { pool, .. } = &app.site.db else { panic!("a server") };
    let mut retiring = pool.begin().await.expect("a transaction");
    sqlx::query("update list set retired_at = 1").execute(&mut *retiring).await.expect("what retiring does");
    let pressed = overtaken_by(&app.site.db, retiring, press(&app, &draft)).await;
    assert!(
        matches!(pressed, Err(publishing::Error::Move(broadside::editions::MoveError::Retired))),
        "{pressed:?}"
    );
    app.finish().await;
}

/// The same for a topic that is being merged: the edition would go to more readers than its sender was told of. Who comes second finds
/// what the first did.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_being_merged_is_noticed_by_who_presses_send() {
    let Some(db) = TestDb::migrated(Engine::Postgres).await else { return };
    let app = TestApp::start(db).await;
    app.readers(2).await;
    let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
    let draft = draft_about(&app, "Of housing", &[&housing]).await;
    let Db::Postgres { pool, .. } = &app.site.db else { panic!("a server") };
    let mut merging = pool.begin().await.expect("a transaction");
    sqlx::query("select id from reader_topic order by id for update")
        .execute(&mut *merging)
        .await
        .expect("what merging holds");
    sqlx::query("update reader_topic set merged_into = $2, retired_at = 1 where id = $1")
        .bind(housing.id)
        .bind(rivers.id)
        .execute(&mut *merging)
        .await
        .expect("what merging does");
    let pressed = overtaken_by(&app.site.db, merging, press(&app, &draft)).await;
    assert!(matches!(pressed, Err(publishing::Error::NotAsSeen)), "{pressed:?}");
    // Looked at again, it is about the other.
    press(&app, &publishing::load(&app.site.db, draft.id).await.expect("it is there"))
        .await
        .expect("nothing is in the way");
    let waters = topic(&app, "Waters").await;
    let merged = publishing::merge_topics(&app.site, &found(&app, "Rivers").await, &waters, None).await;
    assert!(!merged.expect("it is asked"), "an edition about it waits for its moment");
    app.leaves_work();
    app.finish().await;
}

/// Lists and topics are for everybody: axe finds nothing serious, on a desk and on a phone.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_lists_and_topics_is_for_everybody() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.readers(3).await;
    made(&app, "appeals", "Appeals").await;
    let (housing, rivers) = (topic(&app, "Housing").await, topic(&app, "Rivers").await);
    choose(&app, "reader1@example.org", &[&housing]).await;
    choose(&app, "reader2@example.org", &[&rivers]).await;
    let about = draft_about(&app, "Of housing", &[&housing]).await;
    let digest = list(&app, "digest").await;
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    for (page, name) in [
        ("/desk/lists".to_owned(), "lists"),
        (format!("/desk/lists/{}", digest.public_id), "list"),
        (format!("/desk/lists/{}/retire", digest.public_id), "list-retire"),
        ("/desk/topics".to_owned(), "topics"),
        (format!("/desk/topics/{}", housing.public_id), "topic"),
        (format!("/desk/topics/{}/retire", housing.public_id), "topic-retire"),
        (format!("/desk/topics/{}/merge?into={}", housing.public_id, rivers.public_id), "topic-merge"),
        (format!("/desk/editions/{}", about.public_id), "composer-topics"),
        (format!("/desk/editions/{}/send", about.public_id), "send-topics"),
    ] {
        browser.goto(&app.url(&page)).await;
        browser.sound(name).await;
    }
    let address = EmailAddress::parse("reader1@example.org").expect("an address");
    let one = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
    browser.goto(&app.url(&subscribers::choices_path(&app.site, &one.public_id))).await;
    browser.wait_for_text("tell me about").await;
    browser.sound("choices-topics").await;
    app.subscribe_only(ANN).await;
    app.drain().await;
    browser.goto(&app.last_mail(ANN).link("/confirm/")).await;
    // The page presses its button by itself; then it offers the other list.
    browser.wait_for_text("Also get Appeals").await;
    browser.sound("offered").await;
    browser.click("Also get Appeals").await;
    browser.wait_for_text("The digest and Appeals").await;
    browser.close().await;
    app.finish().await;
}

/// An editor makes a list and a topic, and saves what they say of each; both are for everybody at each step.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_and_a_topic_are_made_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    browser.goto(&app.url("/desk/sign-in")).await;
    browser.fill("Email address", OWNER.0).await;
    browser.fill("Password", OWNER.1).await;
    browser.click("Sign in").await;
    browser.wait_for_text("Overview").await;
    browser.goto(&app.url("/desk/lists")).await;
    browser.click("Make this list").await;
    browser.wait_for_text("Something needs another look").await;
    browser.sound("list-mistakes").await;
    browser.fill("Name", "The Friday letter").await;
    browser.fill("Short name", "friday-letter").await;
    browser.tick("Only those who are on it").await;
    browser.click("Make this list").await;
    browser.wait_for_text("Who may join").await;
    assert_eq!(
        list(&app, "friday-letter").await.visibility,
        Visibility::Private,
        "nobody saw it before it was said who may"
    );
    browser.fill("What comes, and how often", "Every Friday.").await;
    browser.tick("Everybody").await;
    browser.click("Save this list").await;
    browser.wait_for_text("Saved").await;
    let made = list(&app, "friday-letter").await;
    assert_eq!(
        (made.name.as_str(), made.description.as_str(), made.visibility),
        ("The Friday letter", "Every Friday.", Visibility::Public)
    );

    browser.goto(&app.url("/desk/lists")).await;
    browser.click("Move “The Friday letter” up").await;
    browser.wait_for_text("“The Friday letter” is number 1 of 2 now.").await;
    let focused = "return document.activeElement.getAttribute('aria-label')";
    assert_eq!(browser.script(focused).await, "Move “The Friday letter” down", "the one way that is left");
    browser.sound("list-moved").await;

    browser.goto(&app.url("/desk/topics")).await;
    browser.fill("Name", "Housing").await;
    browser.tick("The Friday letter").await;
    browser.click("Make this topic").await;
    browser.wait_for_text("Housing").await;
    browser.click("Housing").await;
    browser.wait_for_text("Chosen by").await;
    browser.fill("What it is about", "Rents and roofs").await;
    browser.sound("topic-made").await;
    browser.script("[...document.querySelectorAll('main form button')].find((one) => one.textContent.includes('Save')).click()").await;
    browser.wait_for_text("Saved").await;
    let topics = topics::all(&app.site.db).await.expect("the topics");
    assert_eq!(
        topics.iter().map(|one| (one.name.as_str(), one.description.as_str())).collect::<Vec<_>>(),
        [("Housing", "Rents and roofs")]
    );
    browser.close().await;
    app.finish().await;
}
