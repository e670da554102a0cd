//! Consent that the law implies, since somebody bought or gave: it lasts until a day, and then nothing goes to them.

use std::time::Duration;

use broadside::{
    delivery,
    dossier::{self, Whole},
    editions::UnknownPolicy,
    email_address::EmailAddress,
    publishing,
    sandbox::{Rule, Stage},
    settings::Settings,
    subscribers::{self, Basis, ConsentAction, SubscriptionState, Trace, Visibility, Weeks, consent},
};
use reqwest::StatusCode;

use crate::support::{TestApp, both_engines, database::rows};

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const DAY: Duration = Duration::from_secs(86_400);

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

/// From a file of people who bought or gave, with the days on which they did. It is 3 March 2026.
async fn imported(app: &TestApp, file: &str) -> subscribers::ImportReport {
    let basis = Basis { basis: "implied".to_owned(), source: "the shop".to_owned() };
    subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("a file in order")
}

async fn subscription(app: &TestApp, email: &str) -> subscribers::Subscription {
    let all = subscribers::subscriptions(&app.site.db, app.reader_row(email).await).await.expect("a read");
    all.into_iter().next().expect("a list")
}

async fn audience(app: &TestApp) -> i64 {
    let draft = app.draft("How many?").await;
    publishing::audience_size(&app.site, &draft).await.expect("a read")
}

async fn reader_page(app: &TestApp, email: &str) -> String {
    let email = EmailAddress::parse(email).expect("an address");
    let reader = subscribers::by_email(&app.site.db, &email).await.expect("a read").expect("a reader");
    format!("/desk/readers/{}", reader.public_id)
}

both_engines! {
    /// TRUST T1, T8: whoever was brought in because they bought or gave gets editions until their day, by name, and none after it; one who agreed
    /// themselves gets them as before. The desk says which it is.
    async fn implied_consent_runs_out_and_nothing_goes_then(app: TestApp) {
        app.readers(1).await;
        let report = imported(&app, "email,date\nann@example.org,2025-03-10\nbob@example.org,\nold@example.org,2024-01-01\nsoon@example.org,2027-01-01\nodd@example.org,12.5.2025\nreader1@example.org,2025-03-10\n").await;
        assert_eq!((report.added, report.unchanged), (2, 1));
        let why: Vec<_> = report.errors.iter().map(|wrong| (wrong.line, wrong.why.as_str())).collect();
        assert_eq!(why.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(why[0].1.contains("ran out on 1 January 2026") && why[1].1.contains("still to come") && why[2].1.contains("no day"), "{why:?}");
        assert_eq!(audience(&app).await, 3);
        let desk = app.desk().await;
        desk.open(&reader_page(&app, ANN).await).await.says("gets it for a time").says("Implied consent, until 10 March 2027");
        assert_eq!(subscription(&app, "reader1@example.org").await.implied_until, None, "an import takes nobody’s own consent");

        app.advance(DAY * 372);
        assert_eq!(audience(&app).await, 2);
        app.send_edition("After a year").await;
        assert_eq!((app.mails(ANN).len(), app.mails(BOB).len(), app.mails("reader1@example.org").len()), (0, 1, 1));
        // Whoever was signed in a year ago is not any more.
        let desk = app.desk().await;
        desk.open(&reader_page(&app, ANN).await).await.says("implied consent ran out").says("which ran out on 10 March 2027");
        app.advance(DAY * 372);
        assert_eq!(audience(&app).await, 1);
        app.send_edition("After two").await;
        assert_eq!((app.mails(ANN).len(), app.mails(BOB).len(), app.mails("reader1@example.org").len()), (0, 1, 2));
    }

    /// What failed while consent lasted is not tried again once it has run out.
    async fn a_failed_copy_is_not_tried_again_after_it_ran_out(app: TestApp) {
        imported(&app, "email,date\nann@example.org,2024-03-10\n").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(ANN).reply(554, "5.3.0 not this one"));
        let sent = app.send_edition("Refused").await;
        app.sandbox.smtp_script().clear();
        let sent = publishing::load(&app.site.db, sent).await.expect("the edition");
        let retryable = async || publishing::retryable(&app.site, sent.id).await.expect("a read").classes.len();
        assert_eq!(retryable().await, 1);
        app.advance(DAY * 10);
        assert_eq!(retryable().await, 0);
        let again = publishing::retry_failed(&app.site, &sent.public_id, ("", sent.revision), None).await;
        assert_eq!(again.expect("it is finished"), 0);
        app.drain().await;
        assert_eq!(app.mails(ANN).len(), 0);
    }

    /// TRUST T1, T8: what waits when it runs out is not sent, whoever let the edition go on again, or however long a provider asked for
    /// patience; its row says why, and who agreed meanwhile has theirs.
    async fn what_waits_when_it_runs_out_is_not_sent(app: TestApp) {
        app.readers(1).await;
        imported(&app, "email,date\nann@example.org,2024-03-10\nbob@example.org,2024-03-10\ncat@example.org,2024-03-10\n").await;
        let paused = app.seal_edition("Paused for a while").await;
        let public_id = publishing::load(&app.site.db, paused).await.expect("the edition").public_id;
        publishing::pause(&app.site, &public_id, None).await.expect("it is going out");
        let greylisted = Rule::at(Stage::Rcpt).to("cat@example.org").reply(450, "4.2.1 Greylisted");
        app.sandbox.smtp_script().add(greylisted);
        app.advance(DAY * 6);
        let slow = app.seal_edition("Asked to be patient").await;
        app.send().await;
        app.subscribe(BOB).await;
        let link = app.last_mail(BOB).link("/confirm/");
        let link = link.rsplit('/').next().expect("a token");
        subscribers::confirm(&app.site, link, &[], Trace::default()).await.expect("the link is good");
        app.advance(DAY * 2);
        app.sandbox.smtp_script().clear();
        app.resume(&public_id).await;
        app.drain().await;
        let got = |email: &str, subject: &str| app.mails(email).iter().any(|mail| mail.subject == subject);
        let all = [ANN, BOB, "cat@example.org", "reader1@example.org"];
        assert_eq!(all.map(|email| got(email, "Paused for a while")), [false, true, false, true]);
        assert_eq!(all.map(|email| got(email, "Asked to be patient")), [true, true, false, true]);
        let why = "select class, count(*) from delivery where state = 'suppressed' group by class";
        assert_eq!(rows::<(String, i64)>(&app.site.db, why).await, [("implied consent ran out".to_owned(), 3)]);
        for edition in [paused, slow] {
            assert!(delivery::audit_copies(&app.site.db, edition).await.expect("an audit").holds());
        }
        let page = app.desk().await.open(&reader_page(&app, ANN).await).await;
        page.says("implied consent ran out");
    }

    /// TRUST T1, T8: nothing that is sent once more goes to whose consent ran out, or to who paused: no correction, no copy that failed or
    /// may have arrived, none that the edition paused by itself for.
    async fn nothing_is_sent_once_more_to_whose_consent_ran_out(app: TestApp) {
        const REST: &str = "rests@example.org";
        const STAYS: &str = "stays@example.net";
        app.leaves_work();
        for email in [REST, STAYS] {
            subscribers::add_by_staff(&app.site, &address(email), "", app.list().await, "on paper").await.expect("added");
        }
        imported(&app, "email,date\nann@example.org,2024-03-10\n").await;
        let wrong = app.send_edition("The wrong date").await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(554, "5.3.0 not this one"));
        let failed = app.send_edition("Refused").await;
        app.sandbox.smtp_script().clear();
        for email in [ANN, REST, STAYS] {
            app.sandbox.smtp_script().add(Rule::at(Stage::Dot).to(email).times(1).drop_connection());
        }
        let doubted = app.draft("In doubt").await;
        let press = publishing::Press {
            edition_id: doubted.id,
            revision: doubted.revision,
            fingerprint: None,
            later: None,
            policy: UnknownPolicy::Hold,
            staff_id: None,
        };
        publishing::press(&app.site, &app.templates, press).await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
        app.sandbox.smtp_script().clear();
        let load = async |id: i64| publishing::load(&app.site.db, id).await.expect("the edition");
        let (failed, doubted) = (load(failed).await, load(doubted.id).await);
        assert_eq!(publishing::doubted(&app.site, &doubted).await.expect("a look").copies, 3, "before");

        let rests = reader_page(&app, REST).await;
        let rests = subscribers::choices_path(&app.site, rests.rsplit('/').next().expect("an id"));
        subscribers::pause(&app.site, rests.rsplit('/').next().expect("a token"), Weeks::Eight).await.expect("saved").expect("on a list");
        app.advance(DAY * 10);
        let class = ("trouble with a mail server", failed.revision);
        assert_eq!(publishing::retry_failed(&app.site, &failed.public_id, class, None).await.expect("it is over"), 1);
        let newest = publishing::doubted(&app.site, &doubted).await.expect("a look").newest;
        let seen = (doubted.revision, newest);
        assert_eq!(publishing::retry_doubted(&app.site, &doubted.public_id, seen, None).await.expect("it is over"), 1);
        let sent = load(wrong).await;
        let correction = publishing::begin_correction(&app.site, &sent.public_id, sent.revision, None).await.expect("a draft");
        let correction = publishing::find(&app.site.db, &correction).await.expect("it is there");
        publishing::press_send(&app.site, &app.templates, correction.id, correction.revision, None, None).await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
        let subject = "Correction: The wrong date";
        let got = [ANN, REST, STAYS].map(|email| app.mails(email).iter().any(|mail| mail.subject == subject));
        assert_eq!(got, [false, false, true]);
    }

    /// TRUST T1, T8: the same of an edition that paused by itself: "try the copies again that failed for it" is for who still gets it.
    async fn an_edition_that_paused_by_itself_goes_on_without_them(app: TestApp) {
        const RESTS: [&str; 3] = ["rest1@example.org", "rest2@example.net", "rest3@example.org"];
        const RAN_OUT: [&str; 3] = ["ann@example.org", "ben@example.net", "cat@example.org"];
        const STAY: [&str; 3] = ["stays1@example.org", "stays2@example.net", "stays3@example.org"];
        app.leaves_work();
        imported(&app, "email,date\nann@example.org,2024-03-10\nben@example.net,2024-03-10\ncat@example.org,2024-03-10\n").await;
        for email in RESTS.iter().chain(&STAY) {
            subscribers::add_by_staff(&app.site, &address(email), "", app.list().await, "on paper").await.expect("added");
        }
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(550, "Sender verify failed"));
        let id = app.seal_edition("Stopped by itself").await;
        app.send().await;
        app.sandbox.smtp_script().clear();
        let edition = publishing::load(&app.site.db, id).await.expect("the edition");
        let failed = "select count(*) from delivery where state = 'failed'";
        let failed = rows::<(i64,)>(&app.site.db, failed).await[0].0;
        assert!(failed >= 4, "some of either kind: {failed}");
        for email in RESTS {
            let rests = reader_page(&app, email).await;
            let rests = subscribers::choices_path(&app.site, rests.rsplit('/').next().expect("an id"));
            subscribers::pause(&app.site, rests.rsplit('/').next().expect("a token"), Weeks::Eight).await.expect("saved").expect("on a list");
        }
        app.advance(DAY * 10);
        let settings = Settings::load(&app.site.db).await.expect("a read");
        let edition = publishing::find(&app.site.db, &edition.public_id).await.expect("the edition");
        let fingerprint = publishing::fingerprint(&app.site, &settings, &edition).await.expect("it can be read");
        let version = edition.version();
        let seen = publishing::SeenEdition { version: &version, fingerprint: &fingerprint };
        let again = publishing::Refused::TriedAgain;
        publishing::go_on(&app.site, &app.templates, &edition.public_id, seen, again, None).await.expect("it goes on");
        app.drain().await;
        let withdrawn = "select count(*) from delivery where class = 'implied consent ran out'";
        assert_eq!(rows::<(i64,)>(&app.site.db, withdrawn).await[0].0, 0, "none was put back in line");
        let got = |email: &&str| app.mails(email).iter().any(|mail| mail.subject == "Stopped by itself");
        assert_eq!((RESTS.iter().filter(|one| got(one)).count(), RAN_OUT.iter().filter(|one| got(one)).count()), (0, 0));
        assert_eq!(STAY.iter().filter(|one| got(one)).count(), 3);
        assert!(delivery::audit_copies(&app.site.db, id).await.expect("an audit").holds());
    }

    /// TRUST A24, T8: a stranger who types their address takes nothing from them; the press in their own mail makes it their own consent, for good.
    async fn whoever_agrees_meanwhile_is_a_reader_like_all_others(app: TestApp) {
        imported(&app, "email,date\nann@example.org,2024-03-10\n").await;
        app.advance(DAY);
        app.subscribe(ANN).await;
        let asked = subscription(&app, ANN).await;
        assert_eq!(asked.state, SubscriptionState::Confirmed, "nothing is taken before the press");
        assert!(asked.implied_until.is_some());
        assert_eq!(audience(&app).await, 1);
        let link = app.last_mail(ANN).link("/confirm/");
        let token = link.rsplit('/').next().expect("a token");
        subscribers::confirm(&app.site, token, &[], subscribers::Trace::default()).await.expect("the link is good");
        assert_eq!(subscription(&app, ANN).await.implied_until, None);
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
        let actions: Vec<_> = proof.iter().map(|one| one.action).collect();
        assert_eq!(actions, [ConsentAction::Imported, ConsentAction::Asked, ConsentAction::Confirmed]);
        app.advance(DAY * 800);
        app.send_edition("Long after").await;
        assert_eq!(app.mails(ANN).last().map(|mail| mail.subject.clone()), Some("Long after".to_owned()));
    }

    /// Whose consent ran out joins by the form like somebody new.
    async fn whose_consent_ran_out_can_join_again(app: TestApp) {
        imported(&app, "email,date\nann@example.org,2024-03-10\n").await;
        app.advance(DAY * 20);
        assert_eq!(audience(&app).await, 0);
        app.reader(ANN).await;
        assert_eq!(audience(&app).await, 1);
    }

    /// The team adds one by hand, with the day; what it implies is kept as the proof, and a day that is too long ago is refused.
    async fn the_team_adds_somebody_who_gave(app: TestApp) {
        let desk = app.desk().await;
        let form = desk.open("/desk/readers").await.form("/desk/readers")
            .with("email", ANN).with("how", "implied").with("source", "gave at the fair").with("since", "2023-01-01");
        let refused = desk.submit(&form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains("Too long ago"), "{}", refused.body);
        desk.submit_and_follow(&form.with("since", "2026-02-01")).await.says("Implied consent, until 1 February 2028");
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("a read");
        assert!(proof[0].source.starts_with("implied consent: gave at the fair"), "{}", proof[0].source);
    }

    /// TRUST L8, T10: what is held, the reader's own file, the export and a moved address all have the day; a file that we wrote ourselves makes of it nobody's
    /// own consent.
    async fn the_day_goes_wherever_the_reader_goes(app: TestApp) {
        imported(&app, "email,date\nann@example.org,2025-03-10\n").await;
        let until = subscription(&app, ANN).await.implied_until.expect("a day");
        let whose = dossier::of_address(&app.site, address(ANN)).await.expect("a read");
        let mut whole = Whole::new(app.site.clone(), "The Lamplighter".to_owned(), whose);
        let mut held = String::new();
        while let Some(piece) = whole.piece().await.expect("a read") {
            held.push_str(&piece);
        }
        assert!(held.contains(&format!("\"implied_until\":\"{until}\"")), "{held}");

        let reader = subscribers::by_email(&app.site.db, &address(ANN)).await.expect("a read").expect("a reader");
        let path = subscribers::choices_path(&app.site, &reader.public_id);
        let visitor = app.visitor();
        visitor.submit_and_follow(&visitor.open(&format!("{path}/address")).await.form("/address").with("email", "ann@other.example")).await;
        app.drain().await;
        for mailbox in [ANN, "ann@other.example"] {
            let link = app.last_mail(mailbox).link("/address/");
            visitor.submit_and_follow(&visitor.open(&link).await.form("/address/")).await;
            app.drain().await;
        }
        assert_eq!(subscription(&app, "ann@other.example").await.implied_until, Some(until));

        let mut file = Vec::new();
        subscribers::export(&app.site, &mut file).await.expect("written");
        let text = String::from_utf8(file).expect("text");
        assert!(text.contains(&format!(",{until}")), "{text}");
        publishing::make_list(&app.site, ("other", "Other", Visibility::Public), None).await.expect("made").expect("a list");
        let lists = subscribers::lists::all(&app.site.db).await.expect("a read");
        let other = lists.into_iter().find(|list| list.slug == "other").expect("the list").id;
        let basis = Basis { basis: "consent".to_owned(), source: "our own file".to_owned() };
        // It names the list that each line belongs to.
        let file = text.replace(",digest,", ",other,");
        let report = subscribers::import(&app.site, file.as_bytes(), other, &basis).await.expect("a file in order");
        assert_eq!((report.added, report.errors.len()), (1, 0), "{:?}", report.errors);
        let all = subscribers::subscriptions(&app.site.db, reader.id).await.expect("a read");
        assert_eq!(all.iter().map(|one| one.implied_until).collect::<Vec<_>>(), [Some(until), Some(until)]);
    }

    /// On their own page whoever is on a list by consent that is over gets nothing of it; a tick is their own consent, and leaving every list takes
    /// them off that one, too.
    async fn the_page_of_choices_says_what_comes(app: TestApp) {
        imported(&app, "email,date\nann@example.org,2024-03-10\nbob@example.org,2024-03-10\n").await;
        app.advance(DAY * 10);
        let list = app.list().await;
        let choices = async |email: &str| {
            let reader = subscribers::by_email(&app.site.db, &address(email)).await.expect("a read").expect("a reader");
            app.visitor().open(&subscribers::choices_path(&app.site, &reader.public_id)).await
        };
        let page = choices(ANN).await;
        assert!(page.body.contains(&format!("value=\"{list}.off\"")), "{}", page.body);
        app.visitor().submit_and_follow(&page.form("#choices").and("list", &list.to_string())).await.says("You now get");
        let own = subscription(&app, ANN).await;
        assert_eq!((own.state, own.implied_until), (SubscriptionState::Confirmed, None));
        let left = app.visitor().submit_and_follow(&choices(BOB).await.form("#choices").and("press", "leave-all")).await;
        left.says("You no longer get");
        assert_eq!(subscription(&app, BOB).await.state, SubscriptionState::Left);
        app.drain().await;
    }
}
