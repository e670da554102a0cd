//! How often readers get a list: what they chose of what it offers decides which editions come to them, and nothing else does.

use std::time::Duration;

use broadside::{
    db::Engine,
    dossier::{self, Whole},
    editions::Rhythm,
    email_address::EmailAddress,
    origin,
    publishing::{self, Content, Edition},
    restored::{self, Replayed},
    sandbox::{Rule, Stage},
    subscribers::{
        self, Chosen, Subscriber, TopicsTicked, Trace,
        lists::{self, List, Written},
        rhythms, topics,
    },
    withdrawals::{self, Withdrawal},
};
use reqwest::StatusCode;

use crate::support::{Browser, Fixture, TestApp, TestDb, both_engines, database::rows, visitor::Page};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

async fn list(app: &TestApp) -> List {
    lists::all(&app.site.db).await.expect("a read").into_iter().next().expect("the first list")
}

async fn try_to_offer(app: &TestApp, offered: &[Rhythm]) -> Result<(), publishing::Error> {
    let list = list(app).await;
    let written = Written {
        name: list.name.clone(),
        description: list.description.clone(),
        visibility: list.visibility,
        opt_in: list.opt_in,
        rhythms: offered.to_vec(),
        ..Written::default()
    };
    publishing::change_list(&app.site, &list, &written, (&[], (None, None)), None).await
}

/// The list lets its readers choose among these.
async fn offer(app: &TestApp, offered: &[Rhythm]) {
    try_to_offer(app, offered).await.expect("nothing is in the way");
}

async fn reader(app: &TestApp, email: &str) -> Subscriber {
    let email = EmailAddress::parse(email).expect("an address");
    subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader")
}

async fn choose(app: &TestApp, email: &str, rhythm: Option<Rhythm>) -> bool {
    let (reader, list) = (app.reader_row(email).await, app.list().await);
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let changed = rhythms::choose(&mut tx, reader, list, rhythm).await.expect("a choice");
    tx.commit().await.expect("a commit");
    changed
}

/// What is kept of a choice, whether it counts or not.
async fn chosen(app: &TestApp, email: &str) -> Option<Rhythm> {
    let known = subscribers::subscriptions(&app.site.db, reader(app, email).await.id).await.expect("a read");
    known.into_iter().next().expect("a list").rhythm
}

/// A draft for a rhythm, or for everybody.
async fn draft(app: &TestApp, subject: &str, rhythm: Option<Rhythm>) -> Edition {
    let draft = app.draft(subject).await;
    let content = Content { rhythm, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("a draft");
    publishing::load(&app.site.db, draft.id).await.expect("it is there")
}

async fn press(app: &TestApp, draft: &Edition) {
    publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None)
        .await
        .expect("nothing is in the way");
}

async fn seal(app: &TestApp) {
    app.advance(publishing::UNDO + Duration::from_secs(1));
    assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
}

/// Sends it to as many as the page before Send said.
async fn send(app: &TestApp, draft: &Edition) {
    let size = publishing::audience_size(&app.site, draft).await.expect("a size");
    press(app, draft).await;
    seal(app).await;
    app.drain().await;
    let sent = publishing::load(&app.site.db, draft.id).await.expect("it is there");
    assert_eq!(
        sent.sealed_count,
        Some(size),
        "the page before Send says how many: {}",
        draft.content.subject
    );
}

/// Who got a mail of that subject, by their numbers.
fn got(app: &TestApp, subject: &str) -> Vec<usize> {
    let to =
        |n: &usize| app.mails(&format!("reader{n}@example.org")).iter().any(|mail| mail.subject == subject);
    (1..=9).filter(to).collect()
}

fn nth(n: usize) -> String {
    format!("reader{n}@example.org")
}

/// What stands in a form, too.
#[track_caller]
fn shows(page: &Page, words: &str) {
    assert!(page.body.contains(words), "{words:?} is not in {}", page.body);
}

async fn choices(app: &TestApp, email: &str) -> Page {
    app.visitor().open(&subscribers::choices_path(&app.site, &reader(app, email).await.public_id)).await
}

/// A start of the program: what it takes from the journal.
async fn start(app: &TestApp) -> Replayed {
    origin::arrive(&app.site, None).await.expect("a start");
    restored::take_up(&app.site, None).await.expect("the journal is taken up")
}

/// They save the page of their choices: the topics that were ticked on it and are now, and how often, if they change that.
async fn saves(app: &TestApp, n: usize, (seen, ticked): (&[i64], &[i64]), rhythm: Option<Option<Rhythm>>) {
    let (reader, list) = (reader(app, &nth(n)).await, app.list().await);
    let link = subscribers::choices_path(&app.site, &reader.public_id);
    let link = link.rsplit('/').next().expect("a link has an end");
    let of_list = |topics: &[i64]| topics.iter().map(|topic| (list, *topic)).collect();
    let topics = TopicsTicked { shown: vec![list], seen: of_list(seen), ticked: of_list(ticked) };
    let rhythms = rhythm.map(|rhythm| (list, rhythm)).into_iter().collect();
    let chosen = Chosen { topics, rhythms, ..Chosen::default() };
    subscribers::save_choices(&app.site, link, &chosen, Trace::default()).await.expect("saved");
}

async fn topics_of(app: &TestApp, n: usize) -> Vec<i64> {
    let (reader, list) = (app.reader_row(&nth(n)).await, app.list().await);
    let found = topics::chosen(&app.site.db, reader, list).await.expect("a read");
    found.into_iter().map(|topic| topic.id).collect()
}

both_engines! {
    /// TRUST T1: who chose nothing gets everything; who chose a rhythm gets the editions for it and those for everybody. A correction
    /// goes to whoever got the wrong copy. Once the list offers no choice any more, everybody gets everything, and what they chose counts again
    /// with the offer.
    async fn an_edition_goes_to_who_wants_it_that_often(app: TestApp) {
        app.readers(3).await;
        for n in 2..=3 {
            assert!(!choose(&app, &nth(n), Some(Rhythm::Weekly)).await, "the list offers nothing yet");
        }
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        assert!(choose(&app, &nth(2), Some(Rhythm::Weekly)).await && choose(&app, &nth(3), Some(Rhythm::Monthly)).await);
        assert!(!choose(&app, &nth(3), Some(Rhythm::Daily)).await, "the list does not offer it");
        let weekly = draft(&app, "The week", Some(Rhythm::Weekly)).await;
        let desk = app.desk().await;
        let look = desk.open(&format!("/desk/editions/{}/send", weekly.public_id)).await;
        look.says("This goes to 2 readers").says("It is the weekly mail. 1 reader more of the list chose another rhythm and does not get it");
        send(&app, &weekly).await;
        assert_eq!(got(&app, "The week"), [1, 2]);
        send(&app, &draft(&app, "The month", Some(Rhythm::Monthly)).await).await;
        assert_eq!(got(&app, "The month"), [1, 3]);
        send(&app, &draft(&app, "For all", None).await).await;
        assert_eq!(got(&app, "For all"), [1, 2, 3]);
        // One that was for a rhythm that the list never offered.
        send(&app, &draft(&app, "The day", Some(Rhythm::Daily)).await).await;
        assert_eq!(got(&app, "The day"), [1, 2, 3]);

        choose(&app, &nth(2), Some(Rhythm::Monthly)).await;
        let correction = publishing::begin_correction(&app.site, &weekly.public_id, weekly.revision, None).await.expect("a draft");
        let correction = publishing::find(&app.site.db, &correction).await.expect("it is there");
        send(&app, &correction).await;
        assert_eq!(got(&app, "Correction: The week"), [1, 2]);

        offer(&app, &[]).await;
        send(&app, &draft(&app, "Off", Some(Rhythm::Weekly)).await).await;
        assert_eq!(got(&app, "Off"), [1, 2, 3]);
        offer(&app, &[Rhythm::Weekly]).await;
        send(&app, &draft(&app, "Of one", Some(Rhythm::Weekly)).await).await;
        assert_eq!(got(&app, "Of one"), [1, 2, 3], "whoever chose what is not offered gets everything");
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        send(&app, &draft(&app, "On again", Some(Rhythm::Weekly)).await).await;
        assert_eq!(got(&app, "On again"), [1]);
    }

    /// Beside topics, and beside a pause: each is asked, and nobody is counted twice.
    async fn topics_and_rhythm_are_asked_both(app: TestApp) {
        app.readers(5).await;
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        let on = [app.list().await];
        for name in ["Housing", "Rivers"] {
            assert!(publishing::make_topic(&app.site, (name, ""), &on, None).await.expect("a topic"));
        }
        let all = topics::all(&app.site.db).await.expect("a read");
        let (housing, rivers) = (all[0].id, all[1].id);
        for (n, rhythm, topic) in [
            (2, Some(Rhythm::Weekly), Some(housing)),
            (3, Some(Rhythm::Monthly), Some(housing)),
            (4, Some(Rhythm::Monthly), Some(rivers)),
            (5, None, Some(rivers)),
        ] {
            choose(&app, &nth(n), rhythm).await;
            let mut tx = app.site.db.begin().await.expect("a transaction");
            topics::choose(&mut tx, app.reader_row(&nth(n)).await, on[0], &topic.into_iter().collect::<Vec<_>>()).await.expect("a choice");
            tx.commit().await.expect("a commit");
        }
        let both = draft(&app, "Housing, weekly", Some(Rhythm::Weekly)).await;
        let content = Content { topic_ids: vec![housing], ..both.content.clone() };
        publishing::save_revision(&app.site, both.id, both.revision, content, None).await.expect("a draft");
        let both = publishing::load(&app.site.db, both.id).await.expect("it is there");
        let counted = publishing::Readerships::default().of(&app.site, &both).await.expect("a count");
        assert_eq!((counted.readers, counted.chose_others, counted.other_rhythm), (2, 2, 1));
        send(&app, &both).await;
        assert_eq!(got(&app, "Housing, weekly"), [1, 2]);
    }

    /// TRUST T10: what readers chose since a backup was made holds in it, less and more, by their own page and by the team; who chose nothing
    /// otherwise stays as they are, and what they say in the restored one stands.
    async fn a_restored_backup_knows_what_was_chosen(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        app.readers(8).await;
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        let on = [app.list().await];
        for name in ["Housing", "Rivers"] {
            assert!(publishing::make_topic(&app.site, (name, ""), &on, None).await.expect("a topic"));
        }
        let all = topics::all(&app.site.db).await.expect("a read");
        let (housing, rivers) = (all[0].id, all[1].id);
        saves(&app, 2, (&[], &[housing, rivers]), None).await;
        saves(&app, 3, (&[], &[]), Some(Some(Rhythm::Weekly))).await;
        saves(&app, 4, (&[], &[housing]), None).await;
        app.advance(DAY);
        let backup = db.restored_copy().await;

        saves(&app, 1, (&[], &[housing]), None).await;
        saves(&app, 2, (&[housing, rivers], &[rivers]), None).await;
        saves(&app, 3, (&[], &[]), Some(None)).await;
        saves(&app, 4, (&[housing], &[housing]), Some(Some(Rhythm::Monthly))).await;
        let desk = app.desk().await;
        let (staff_id,) = rows::<(i64,)>(&app.site.db, "select id from staff order by id").await.remove(0);
        let corrected = subscribers::Corrected { rhythms: vec![(on[0], Some(Rhythm::Weekly))], ..subscribers::Corrected::default() };
        let by = subscribers::ByStaff { staff_id, why: "by telephone" };
        assert!(subscribers::correct_choices(&app.site, &reader(&app, &nth(5)).await, &corrected, by).await.expect("saved"));
        drop(desk);
        saves(&app, 6, (&[], &[housing]), None).await;
        app.advance(Duration::from_secs(1));
        saves(&app, 6, (&[housing], &[]), None).await;
        // What was made since the backup is not in it.
        assert!(publishing::make_topic(&app.site, ("Trees", ""), &on, None).await.expect("a topic"));
        let trees = topics::all(&app.site.db).await.expect("a read")[2].id;
        saves(&app, 7, (&[], &[housing, trees]), None).await;

        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        let said = restored::restored(&again.site, None, None, (None, None)).await;
        let report = said.expect("it is said").expect("nobody said so before");
        assert_eq!((report.replayed.chose, report.replayed.all(), report.gaps.len()), (6, 6, 0));
        for (n, wanted) in [(1, vec![housing]), (2, vec![rivers]), (4, vec![housing]), (6, vec![]), (7, vec![housing]), (8, vec![])] {
            assert_eq!(topics_of(&again, n).await, wanted, "{n}");
        }
        for (n, wanted) in [(3, None), (4, Some(Rhythm::Monthly)), (5, Some(Rhythm::Weekly)), (8, None)] {
            assert_eq!(chosen(&again, &nth(n)).await, wanted, "{n}");
        }
        let about = draft(&again, "Housing, weekly", Some(Rhythm::Weekly)).await;
        let content = Content { topic_ids: vec![housing], ..about.content.clone() };
        publishing::save_revision(&again.site, about.id, about.revision, content, None).await.expect("a draft");
        send(&again, &publishing::load(&again.site.db, about.id).await.expect("it is there")).await;
        assert_eq!(got(&again, "Housing, weekly"), [1, 3, 5, 6, 7, 8]);
        // What is chosen in the restored one is not overruled by what is older.
        saves(&again, 2, (&[rivers], &[housing]), Some(Some(Rhythm::Weekly))).await;
        assert_eq!(start(&again).await.all(), 0, "once is enough");
        assert_eq!((topics_of(&again, 2).await, chosen(&again, &nth(2)).await), (vec![housing], Some(Rhythm::Weekly)));
    }

    /// TRUST T10: the process dies between the journal and the commit: the next start does what was written, once.
    async fn what_was_chosen_and_not_committed_is_done_at_the_next_start(db: TestDb) {
        let app = TestApp::journalled(db).await;
        start(&app).await;
        app.readers(1).await;
        offer(&app, &[Rhythm::Weekly]).await;
        let on = [app.list().await];
        assert!(publishing::make_topic(&app.site, ("Housing", ""), &on, None).await.expect("a topic"));
        let housing = topics::all(&app.site.db).await.expect("a read").remove(0);
        let choice = withdrawals::ListChoice {
            reader: reader(&app, &nth(1)).await.public_id,
            list: list(&app).await.public_id,
            rhythm: Some("weekly".to_owned()),
            on: vec![housing.public_id],
            off: Vec::new(),
        };
        withdrawals::write(&app.site, &[Withdrawal::Chose(choice)]).await;
        assert_eq!((chosen(&app, &nth(1)).await, topics_of(&app, 1).await), (None, vec![]));
        assert_eq!(start(&app).await.chose, 1);
        assert_eq!((chosen(&app, &nth(1)).await, topics_of(&app, 1).await), (Some(Rhythm::Weekly), vec![housing.id]));
        app.advance(Duration::from_secs(1));
        saves(&app, 1, (&[housing.id], &[]), Some(None)).await;
        assert_eq!(start(&app).await.all(), 0);
        assert_eq!((chosen(&app, &nth(1)).await, topics_of(&app, 1).await), (None, vec![]));
    }

    /// TRUST T1: it is decided at the edition's moment: who chooses otherwise later gets what is on its way, and no failed copy is tried
    /// again for them.
    async fn who_chooses_otherwise_on_the_way(app: TestApp) {
        app.readers(3).await;
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        for n in 1..=3 {
            choose(&app, &nth(n), Some(Rhythm::Weekly)).await;
        }
        for n in 2..=3 {
            app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(&nth(n)).reply(554, "5.3.0 not this one"));
        }
        let weekly = draft(&app, "The week", Some(Rhythm::Weekly)).await;
        press(&app, &weekly).await;
        seal(&app).await;
        choose(&app, &nth(1), Some(Rhythm::Monthly)).await;
        app.drain().await;
        assert_eq!(got(&app, "The week"), [1]);
        app.sandbox.smtp_script().clear();
        for n in 2..=3 {
            choose(&app, &nth(n), Some(Rhythm::Monthly)).await;
        }
        let retryable = async || publishing::retryable(&app.site, weekly.id).await.expect("a read").classes.len();
        assert_eq!(retryable().await, 0, "the page offers to try again what would be");
        choose(&app, &nth(3), None).await;
        assert_eq!(retryable().await, 1);
        let again = publishing::retry_failed(&app.site, &weekly.public_id, ("", weekly.revision), None).await;
        assert_eq!(again.expect("it is over"), 1);
        app.drain().await;
        assert_eq!(got(&app, "The week"), [1, 3]);
    }

    /// TRUST T1: what a list offers does not change while an edition for a rhythm waits: it would go to others than the page before Send
    /// said. Taken back, it can.
    async fn nothing_widens_what_waits(app: TestApp) {
        app.readers(2).await;
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        choose(&app, &nth(2), Some(Rhythm::Monthly)).await;
        let weekly = draft(&app, "The week", Some(Rhythm::Weekly)).await;
        press(&app, &weekly).await;
        let refused = try_to_offer(&app, &[Rhythm::Weekly]).await;
        assert!(matches!(refused, Err(publishing::Error::RhythmWaits)), "{refused:?}");
        let desk = app.desk().await;
        let id = list(&app).await.public_id;
        let path = format!("/desk/lists/{id}");
        let page = desk.open(&path).await;
        shows(&page, "Chosen by 1 reader");
        let form = page.form(&path).without("rhythm");
        let refused = desk.submit(&form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        shows(&refused, "waits to go out");
        desk.submit_and_follow(&page.form(&path).with("description", "On Fridays")).await.says("Saved");
        let waiting = publishing::load(&app.site.db, weekly.id).await.expect("it is there");
        publishing::undo(&app.site, &weekly.public_id, &waiting.version(), None).await.expect("there is a minute");
        offer(&app, &[Rhythm::Weekly]).await;
        // Whoever pressed Send between the two would press on what they did not see.
        send(&app, &publishing::load(&app.site.db, weekly.id).await.expect("it is there")).await;
        assert_eq!(got(&app, "The week"), [1, 2]);
    }

    /// A reader chooses on their own page, which says what comes then; an older tab puts nothing back, and what is not offered is
    /// nobody's choice. Leaving and coming back keeps it.
    async fn a_reader_chooses_on_their_page(app: TestApp) {
        app.reader(ANN).await;
        assert!(!choices(&app, ANN).await.body.contains("How often"), "nothing changes where a list offers nothing");
        offer(&app, &[Rhythm::Daily, Rhythm::Weekly]).await;
        let list = app.list().await;
        let page = choices(&app, ANN).await;
        for words in ["How often: The digest", "<b>Once a week</b>: the weekly mail", "Get it less often"] {
            shows(&page, words);
        }
        assert!(!page.body.contains("Once a month"));
        let visitor = app.visitor();
        let (weekly, name) = (format!("{list}.weekly"), "Ann");
        visitor.submit_and_follow(&page.form("#choices").with("rhythm", &weekly)).await.says("Of The digest you get the weekly mail, and what goes to everybody");
        assert_eq!(chosen(&app, ANN).await, Some(Rhythm::Weekly));
        // The older tab, in which only the name was changed.
        visitor.submit_and_follow(&page.form("#choices").with("name", name)).await.says("We greet you as Ann");
        assert_eq!(chosen(&app, ANN).await, Some(Rhythm::Weekly));
        for odd in [format!("{list}.monthly"), format!("{list}.yearly"), format!("{}.daily", list + 1), "nothing".to_owned()] {
            let answer = visitor.submit_and_follow(&choices(&app, ANN).await.form("#choices").with("rhythm", &odd)).await;
            assert_eq!((answer.status, chosen(&app, ANN).await), (StatusCode::OK, Some(Rhythm::Weekly)), "{odd}");
        }
        app.send_edition("For all").await;
        let leaving = app.last_mail(ANN).link("/unsubscribe/");
        let page = visitor.open(&leaving).await;
        page.says("get it less often");
        let left = visitor.submit_and_follow(&page.form("").with("press", "leave")).await;
        left.says("and to how often it comes");
        visitor.submit_and_follow(&left.form("").with("press", "undo")).await.says("You are back");
        assert_eq!(chosen(&app, ANN).await, Some(Rhythm::Weekly));
        let everything = format!("{list}.");
        visitor.submit_and_follow(&choices(&app, ANN).await.form("#choices").with("rhythm", &everything)).await.says("Of The digest you get every mail");
        assert_eq!(chosen(&app, ANN).await, None);
    }

    /// TRUST L8: what somebody chose stands in what is held about them and in the export, moves with their address, survives that the list is retired
    /// and brought back, and is put right by the team with the reason in the log.
    async fn nothing_of_it_is_lost(app: TestApp) {
        app.reader(ANN).await;
        offer(&app, &[Rhythm::Weekly, Rhythm::Monthly]).await;
        let (desk, id) = (app.desk().await, reader(&app, ANN).await.public_id);
        let correct = format!("/desk/readers/{id}/correct");
        let form = desk.open(&correct).await.form(&correct).with("rhythm", &format!("{}.monthly", app.list().await)).with("why", "asked by telephone");
        desk.submit_and_follow(&form).await.says("How often: Once a month");
        let log: Vec<(String, String)> = rows(&app.site.db, "select action, detail from audit_log").await;
        assert!(log.contains(&("corrected what a reader chose or answered".to_owned(), "The digest: asked by telephone".to_owned())), "{log:?}");

        publishing::retire_list(&app.site, &list(&app).await, None).await.expect("retired");
        publishing::bring_list_back(&app.site, &list(&app).await, None).await.expect("back");
        let visitor = app.visitor();
        let address = visitor.open(&format!("{}/address", subscribers::choices_path(&app.site, &id))).await;
        visitor.submit_and_follow(&address.form("/address").with("email", "ann@other.example")).await;
        app.drain().await;
        for mailbox in [ANN, "ann@other.example"] {
            let link = app.last_mail(mailbox).link("/address/");
            visitor.submit_and_follow(&visitor.open(&link).await.form("/address/")).await;
            app.drain().await;
        }
        assert_eq!(chosen(&app, "ann@other.example").await, Some(Rhythm::Monthly));

        let address = EmailAddress::parse("ann@other.example").expect("an address");
        let whose = dossier::of_address(&app.site, address).await.expect("a read");
        let mut whole = Whole::new(app.site.clone(), "The Lamplighter".to_owned(), whose);
        let mut held = String::new();
        while let Some(piece) = whole.piece().await.expect("a read") {
            held.push_str(&piece);
        }
        assert!(held.contains("\"rhythm\":\"monthly\""), "{held}");
        let mut file = Vec::new();
        subscribers::export(&app.site, &mut file).await.expect("written");
        let text = String::from_utf8(file).expect("text");
        assert!(text.lines().any(|line| line.starts_with("ann@other.example,") && line.ends_with(",monthly")), "{text}");
    }

    /// The desk: a list is told what it offers, an edition whom it is for; a word that there is not is no word for everybody.
    async fn the_desk_says_whom_an_edition_is_for(app: TestApp) {
        app.readers(1).await;
        let desk = app.desk().await;
        let path = format!("/desk/lists/{}", list(&app).await.public_id);
        let edition = app.draft("The week").await;
        let composer = format!("/desk/editions/{}", edition.public_id);
        assert!(!desk.open(&composer).await.body.contains("How often"));
        let form = desk.open(&path).await.form(&path).and("rhythm", "weekly").and("rhythm", "monthly");
        desk.submit_and_follow(&form).await.says("Saved");
        assert_eq!(Rhythm::read(&list(&app).await.rhythms), [Rhythm::Weekly, Rhythm::Monthly]);
        let page = desk.open(&composer).await;
        shows(&page, "Everybody on the list");
        shows(&page, "It is the weekly mail.");
        assert!(!page.body.contains("It is the daily mail."));
        let form = page.form(&composer).with("act", "save");
        assert_eq!(desk.submit(&form.clone().with("rhythm", "yearly")).await.status, StatusCode::BAD_REQUEST);
        desk.submit(&form.with("rhythm", "weekly")).await;
        let saved = publishing::load(&app.site.db, edition.id).await.expect("it is there");
        assert_eq!(saved.content.rhythm, Some(Rhythm::Weekly));
        desk.open(&format!("{composer}/send")).await.says("Nobody of the list chose another rhythm");
        offer(&app, &[]).await;
        shows(&desk.open(&composer).await, "Not offered to readers of this list any more, so it goes to everybody");
    }
}

/// Choosing in a browser: axe finds nothing serious.
#[tokio::test(flavor = "multi_thread")]
async fn how_often_is_chosen_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.reader(ANN).await;
    offer(&app, &Rhythm::ALL).await;
    browser.goto(&app.url(&subscribers::choices_path(&app.site, &reader(&app, ANN).await.public_id))).await;
    browser.sound("choices-how-often").await;
    browser.choose("How often: The digest", "Once a month").await;
    browser.click("Save").await;
    browser.wait_for_text("Of The digest you get the monthly mail").await;
    assert_eq!(chosen(&app, ANN).await, Some(Rhythm::Monthly));
    browser.close().await;
    app.finish().await;
}
