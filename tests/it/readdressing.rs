//! A reader's new address: both mailboxes agree before anything moves, and nobody gets what is another's by it.

use std::time::Duration;

use broadside::{
    audit_log,
    db::Engine,
    delivery::{self, StopReason, Suppressions},
    dossier::{self, Asks},
    email_address::EmailAddress,
    jobs,
    links::{AddressChange, End, Name},
    origin, publishing,
    restored::{self, Replayed},
    sandbox::{Rule, Stage},
    settings::Settings,
    subscribers::{
        self, Basis, ByStaff, Chosen, ConsentMethod, Crowd, DonorState, MoveAsked, MoveState, NewAddress,
        Readdressed, Subscriber, SubscriberError, SubscriptionState, Trace, Weeks, consent,
    },
    token::Purpose,
    withdrawals::{self, Withdrawal},
};
use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::support::{
    Browser, Fixture, TestApp, TestDb,
    between::{circles, stopped_between},
    both_engines,
    database::{change, rows},
    visitor::Page,
};

const OLD: &str = "ann@example.org";
const NEW: &str = "ann@other.example";
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

pub(crate) async fn at(app: &TestApp, email: &str) -> Option<Subscriber> {
    subscribers::by_email(&app.site.db, &address(email)).await.expect("a read")
}

pub(crate) async fn reader(app: &TestApp, email: &str) -> Subscriber {
    at(app, email).await.expect("a reader")
}

/// All that is held about somebody.
async fn held(app: &TestApp, email: &str) -> serde_json::Value {
    let whose = dossier::of_address(&app.site, address(email)).await.expect("a read");
    let mut whole = dossier::Whole::new(app.site.clone(), "The Lamplighter".to_owned(), whose);
    let mut text = String::new();
    while let Some(piece) = whole.piece().await.expect("a read") {
        text.push_str(&piece);
    }
    serde_json::from_str(&text).expect("JSON")
}

async fn balances(app: &TestApp) {
    let money = broadside::donations::audit_money(&app.site.db).await.expect("an audit");
    assert!(money.balances(), "{:?}", money.problems);
}

/// The page on which a reader asks, filled in.
pub async fn ask(app: &TestApp, from: &str, to: &str) -> Page {
    let choices = subscribers::choices_path(&app.site, &reader(app, from).await.public_id);
    let page = app.visitor().open(&format!("{choices}/address")).await;
    let asked = app.visitor().submit_and_follow(&page.form("/address").with("email", to)).await;
    app.drain().await;
    asked
}

/// A reader whose mail is stopped is led to people, whatever their page said before; no day is used up, and nothing is mailed.
async fn cannot_ask(app: &TestApp, from: &str) {
    let page =
        format!("{}/address", subscribers::choices_path(&app.site, &reader(app, from).await.public_id));
    let shown = app.visitor().open(&page).await;
    shown.says("We help you with that");
    let token = page.trim_start_matches("/preferences/").trim_end_matches("/address").to_owned();
    let settings = Settings::load(&app.site.db).await.expect("a read");
    let new =
        NewAddress { email: &address("elsewhere@other.example"), lookout: None, trace: Trace::default() };
    for _ in 0..2 {
        let asked = subscribers::ask_to_move(&app.site, &settings, &token, new).await.expect("an answer");
        assert_eq!(asked, MoveAsked::OldIsStopped);
    }
    app.drain().await;
    assert!(app.mails("elsewhere@other.example").is_empty());
}

/// The newest link that a mailbox got about an address.
pub fn link(app: &TestApp, mailbox: &str) -> String {
    app.last_mail(mailbox).link("/address/")
}

/// Opens a link and presses its button.
pub async fn press(app: &TestApp, link: &str) -> Page {
    let visitor = app.visitor();
    let pressed = visitor.submit_and_follow(&visitor.open(link).await.form("/address/")).await;
    app.drain().await;
    pressed
}

/// A reader moves, with all that it takes.
pub async fn moves(app: &TestApp, from: &str, to: &str) {
    ask(app, from, to).await.says("Look into both mailboxes");
    press(app, &link(app, from)).await.says("One more press");
    press(app, &link(app, to)).await.says("Your mail has moved");
}

async fn stop(app: &TestApp, email: &str, reason: StopReason) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    Suppressions::new(&app.site).add(&mut tx, &address(email), reason, "a test").await.expect("added");
    tx.commit().await.expect("a commit");
}

fn mails_with_links(app: &TestApp, mailbox: &str) -> usize {
    app.mails(mailbox).iter().filter(|mail| mail.text.contains("/address/")).count()
}

async fn lists_of(app: &TestApp, email: &str) -> Vec<SubscriptionState> {
    let known = subscribers::subscriptions(&app.site.db, reader(app, email).await.id).await.expect("a read");
    known.into_iter().map(|one| one.state).collect()
}

async fn correct(app: &TestApp, from: &str, to: &str) -> subscribers::Result<Readdressed> {
    let settings = Settings::load(&app.site.db).await.expect("a read");
    let staff = rows::<(i64,)>(&app.site.db, "select id from staff").await[0].0;
    let by = ByStaff { staff_id: staff, why: "asked by telephone" };
    let known = reader(app, from).await;
    let new = NewAddress { email: &address(to), lookout: None, trace: Trace::default() };
    let seen = (known.id, known.email.as_str());
    subscribers::correct_address(&app.site, &settings, seen, new, by).await
}

both_engines! {
    /// TRUST L1, A25: nothing moves before both have pressed, by looking at a link, or by one of the two alone; then everything the
    /// reader has goes with them, and links from before work.
    async fn mail_goes_to_the_new_address_once_both_mailboxes_said_so(app: TestApp) {
        app.reader(OLD).await;
        let first = app.send_edition("The first").await;
        let before = reader(&app, OLD).await;
        let choices = app.visitor().open(&app.last_mail(OLD).link("/preferences/")).await;
        choices.says("Change your address");
        let links = app.links(first, before.id).await;
        let asked = ask(&app, OLD, " Ann@Other.example ").await;
        assert_eq!(asked.status, StatusCode::OK);
        asked.says("a***@example.org");
        assert!(!asked.body.contains(OLD), "the link may have been handed on");
        let (old, new) = (app.last_mail(OLD), app.last_mail("Ann@other.example"));
        assert!(old.text.contains("A***@other.example") && !old.text.contains("Ann@other"), "{}", old.text);
        assert!(!new.text.contains("ann@example.org") && !new.text.contains("a***"), "{}", new.text);
        let (agree, confirm) = (link(&app, OLD), link(&app, "Ann@other.example"));
        for one in [&agree, &confirm] {
            app.visitor().open(one).await.form("/address/");
        }
        press(&app, &agree).await.says("One more press");
        app.visitor().open(&agree).await.says("One more press");
        assert!(at(&app, NEW).await.is_none(), "one of the two is not enough");
        app.send_edition("The second").await;
        assert_eq!((app.last_mail(OLD).subject.as_str(), app.mails("Ann@other.example").len()), ("The second", 1));

        press(&app, &confirm).await.says("Your mail has moved");
        let now = reader(&app, NEW).await;
        assert_eq!((now.id, &now.public_id, now.email.as_str()), (before.id, &before.public_id, "Ann@other.example"));
        assert!(at(&app, OLD).await.is_none());
        app.last_mail(OLD).link("/address/");
        assert_eq!(app.last_mail(OLD).subject, "Your mail from The Lamplighter goes elsewhere now");
        app.visitor().open(&confirm).await.says("Your mail has moved");
        let gone = app.mails(OLD).len();
        app.send_edition("The third").await;
        assert_eq!((app.mails(OLD).len(), app.last_mail("Ann@other.example").subject.as_str()), (gone, "The third"));

        let proof = consent::proof(&app.site.db, now.id).await.expect("a read");
        let last = proof.last().expect("an event");
        assert_eq!(last.source, "address changed, agreed to by both mailboxes; before a***@example.org");
        assert_eq!(last.wording.as_deref(), Some("Send The Lamplighter to this address from now on."));
        assert_eq!(proof.len(), 3, "asked, confirmed, moved: {proof:?}");
        let found = app.desk().await.open("/desk/readers?search=other.example").await;
        found.says("Ann@other.example");
        app.visitor().open(&links.unsubscribe).await.says("Leave The digest?");
        app.visitor().open(&links.preferences).await.says("A***@other.example");
    }

    /// TRUST A22: whether somebody has the new address, or it is stopped, cannot be told from the page or the letter to the old one;
    /// and two readers are never made one.
    async fn an_address_that_is_known_is_not_moved_to_and_nobody_is_told(app: TestApp) {
        for email in [OLD, "bob@example.org", "cat@example.org", "dan@example.org"] {
            app.reader(email).await;
        }
        app.advance(DAY * 8);
        stop(&app, "stopped@other.example", StopReason::Complained).await;
        // The page names what was typed, and nothing else of it.
        let said = async |old: &str, new: &str| {
            let masked = |address: &str| address.parse::<EmailAddress>().expect("an address").masked();
            let page = ask(&app, old, new).await.text();
            assert!(page.contains(&masked(new)), "{page}");
            page.replace(&masked(new), "the new one").replace(&masked(old), "the old one")
        };
        let nobody = said("cat@example.org", "cat@other.example").await;
        assert_eq!(nobody, said(OLD, "bob@example.org").await);
        assert_eq!(nobody, said("dan@example.org", "stopped@other.example").await);
        assert!(app.mails("stopped@other.example").is_empty());
        let told = app.last_mail("bob@example.org");
        assert!(told.subject.contains("already") && !told.text.contains("/address/"), "{}", told.text);
        app.visitor().open(&told.link("/preferences/")).await.says("b***@example.org");
        for old in [OLD, "cat@example.org", "dan@example.org"] {
            press(&app, &link(&app, old)).await.says("One more press");
        }
        assert_ne!(reader(&app, OLD).await.id, reader(&app, "bob@example.org").await.id);
        assert_eq!(lists_of(&app, "bob@example.org").await, [SubscriptionState::Confirmed]);
        assert!(at(&app, "stopped@other.example").await.is_none());
    }

    /// TRUST A22: the page masks the address, and whoever was handed the link cannot find it by guessing: a guess is counted before it is
    /// judged, ten a day.
    async fn guesses_of_the_address_are_counted_before_they_are_answered(app: TestApp) {
        app.reader(OLD).await;
        for number in 0..10 {
            ask(&app, OLD, &format!("guess{number}@example.org")).await;
        }
        let right = ask(&app, OLD, OLD).await;
        let wrong = ask(&app, OLD, "guess@example.org").await;
        assert_eq!((right.status, right.text().replace(OLD, "")), (wrong.status, wrong.text().replace("guess@example.org", "")));
        assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
        app.advance(DAY);
        ask(&app, OLD, OLD).await.says("Your mail goes to that address already");
        ask(&app, OLD, NEW).await.says("Look into both mailboxes");
    }

    /// TRUST T6: what a clock wrote that was ahead holds nobody up once it is right again.
    async fn a_moment_that_is_yet_to_come_holds_nobody_up(app: TestApp) {
        app.reader(OLD).await;
        ask(&app, OLD, NEW).await.says("Look into both mailboxes");
        ask(&app, OLD, "ann@third.example").await.says("within the last day");
        change(&app.site.db, "update address_change set asked_at = asked_at + 34560000000000").await;
        ask(&app, OLD, "ann@third.example").await.says("Look into both mailboxes");
    }

    /// TRUST A16: whoever has a link can type a name, and none of the letters about it carries that to the mailbox.
    async fn no_typed_name_stands_over_a_letter_to_a_reader(app: TestApp) {
        app.reader(OLD).await;
        let choices = subscribers::choices_path(&app.site, &reader(&app, OLD).await.public_id);
        let visitor = app.visitor();
        let page = visitor.open(&choices).await;
        visitor.submit_and_follow(&page.form("/preferences/").with("name", "URGENT call 555 0100")).await.says("We greet you");
        visitor.submit_and_follow(&page.form("#choices").and("press", "pause-2")).await;
        for what in ["copy", "forget"] {
            visitor.submit_and_follow(&page.form(&format!("/{what}"))).await;
        }
        visitor.submit_and_follow(&visitor.open("/choices").await.form("/choices").with("email", OLD)).await;
        ask(&app, OLD, NEW).await;
        let mails = app.mails(OLD);
        assert_eq!(mails.len(), 6, "{:?}", mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
        for mail in mails {
            assert!(!String::from_utf8_lossy(&mail.raw).contains("URGENT"), "{}: {:?}", mail.subject, mail.header("To"));
        }
    }

    /// TRUST T8: a reader moves while they leave, leave every list, or save what they get: each holds the reader first, so nobody waits in
    /// a circle. Whoever comes first is stopped behind their list.
    async fn a_move_meets_whoever_leaves_in_one_order(app: TestApp) {
        app.readers(3).await;
        let edition = app.send_edition("The first").await;
        for number in 1..=3 {
            let (old, new) = (format!("reader{number}@example.org"), format!("reader{number}@other.example"));
            let links = app.links(edition, reader(&app, &old).await.id).await;
            let end = |link: &str| link.rsplit('/').next().expect("an end").to_owned();
            let (leave, choices) = (end(&links.unsubscribe), end(&links.preferences));
            ask(&app, &old, &new).await;
            press(&app, &link(&app, &old)).await;
            let token = end(&link(&app, &new));
            let leaves = async {
                let trace = Trace::default();
                match number {
                    1 => subscribers::leave(&app.site, &leave, subscribers::ConsentMethod::OneClick, trace).await.map(drop),
                    2 => subscribers::leave_all(&app.site, &leave, trace).await.map(drop),
                    _ => {
                        let chosen = subscribers::Chosen { leaves_all: true, ..Default::default() };
                        subscribers::save_choices(&app.site, &choices, &chosen, trace).await.map(drop)
                    }
                }
            };
            let moves = subscribers::press_move(&app.site, &token, Trace::default());
            let (left, went) = stopped_between(&app.site.db, "lock table consent_event in share mode", leaves, moves).await;
            left.expect("left");
            assert_eq!(went.expect("an answer").state, MoveState::Done);
            assert_eq!(lists_of(&app, &new).await, [SubscriptionState::Left]);
            app.advance(DAY);
        }
        assert_eq!(circles(&app.site.db).await, 0);
        app.drain().await;
    }

    /// What a link of one mailbox says is no word of the other, whoever changes it.
    async fn no_link_speaks_for_the_other_mailbox(app: TestApp) {
        app.reader(OLD).await;
        ask(&app, OLD, NEW).await;
        let id = rows::<(String,)>(&app.site.db, "select public_id from address_change").await.remove(0).0;
        let back = AddressChange { change: Name::id(&id), end: End::Back };
        let back = back.path(&app.site.keys, app.site.now().plus(DAY));
        assert_eq!(app.visitor().open(&back).await.status, StatusCode::GONE, "there is nothing to take back");
        let forged = link(&app, OLD).replace("/address/", "/address/A");
        assert_eq!(app.visitor().open(&forged).await.status, StatusCode::GONE);
        let old = link(&app, OLD);
        app.advance(DAY * 3 + Duration::from_secs(1));
        let late = app.visitor().open(&old).await;
        assert_eq!(late.status, StatusCode::GONE);
        late.says("good for nothing any more");
        // Who asks anew asks by new links alone.
        ask(&app, OLD, "ann@third.example").await;
        press(&app, &link(&app, "ann@third.example")).await.says("One more press");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select id from address_change where done_at is null and ended_at is null").await.len(), 1);
        app.advance(DAY * 12);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("tidied");
        assert!(rows::<(i64,)>(&app.site.db, "select id from address_change").await.is_empty(), "both addresses are forgotten");
    }

    /// TRUST A24: a reader asks once a day, and a mailbox gets one such letter a day, whoever asks; whoever it belongs to can sign
    /// up all the same.
    async fn nobody_is_flooded_by_it(app: TestApp) {
        for email in [OLD, "bob@example.org", "cat@example.org"] {
            app.reader(email).await;
        }
        ask(&app, OLD, NEW).await;
        let again = ask(&app, OLD, "ann@third.example").await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says("You asked for a***@other.example within the last day. Is it right? Press the buttons in the two mails from then. Was it mistyped? Press nothing, and ask again tomorrow");
        assert!(app.mails("ann@third.example").is_empty());
        ask(&app, "bob@example.org", "Ann+x@Other.example").await.says("Look into both mailboxes");
        ask(&app, "cat@example.org", NEW).await.says("Look into both mailboxes");
        assert_eq!((app.mails(NEW).len(), app.mails("Ann+x@other.example").len()), (1, 0));
        app.subscribe(NEW).await;
        assert_eq!(app.mails(NEW).len(), 1, "one letter a day");
        app.advance(DAY);
        app.drain().await;
        app.last_mail(NEW).link("/confirm/");
        let typed = async |address: &str| ask(&app, OLD, address).await;
        typed(OLD).await.says("Your mail goes to that address already");
        typed("ann@gmial.com").await.says("Did you mean ann@gmail.com?");
        typed("ann").await.says("Enter an email address");
    }

    /// What is asked for stands on the page of their choices, masked, and is called off there by one press: the links are good for nothing
    /// then, and asking anew takes a day as before.
    async fn a_move_that_is_asked_for_is_shown_and_called_off(app: TestApp) {
        app.reader(OLD).await;
        app.reader("bob@example.org").await;
        let visitor = app.visitor();
        let choices = async |email: &str| {
            visitor.open(&subscribers::choices_path(&app.site, &reader(&app, email).await.public_id)).await
        };
        let asked = ask(&app, OLD, NEW).await;
        asked.says("Look into both mailboxes").says("one to a***@other.example");
        visitor.open(asked.url.as_str()).await.says("Look into both mailboxes");
        let page = choices(OLD).await;
        page.says("You asked that your mail goes to a***@other.example");
        assert!(!page.body.contains(NEW), "a link is handed on more easily than an address");
        assert!(!choices("bob@example.org").await.text().contains("other.example"));
        let call_off = page.form("/address");
        let (old, new) = (link(&app, OLD), link(&app, NEW));
        press(&app, &old).await.says("One more press");
        let off = visitor.submit_and_follow(&call_off).await;
        off.says("That is called off. Your mail goes to a***@example.org as before").says("Change your address");
        for link in [&old, &new] {
            let over = visitor.open(link).await;
            assert_eq!(over.status, StatusCode::GONE);
            over.says("it was called off");
        }
        assert!(at(&app, NEW).await.is_none());
        visitor.submit_and_follow(&call_off).await.says("Change your address");
        let again = ask(&app, OLD, "ann@third.example").await;
        again.says("You asked for a***@other.example within the last day, and once a day is all we take.");
        app.advance(DAY);
        // Of another that took its place nothing says any more that it was called off.
        ask(&app, OLD, "ann@third.example").await.says("Look into both mailboxes");
        let page = visitor.open(off.url.as_str()).await;
        page.says("goes to a***@third.example");
        assert!(!page.text().contains("called off"), "{}", page.text());
        // For three days, as its links.
        app.advance(3 * DAY);
        assert!(!choices(OLD).await.text().contains("third.example"));
    }

    /// A restored database may have them on no list: then no page says that anything comes.
    async fn who_is_on_no_list_is_told_that_nothing_comes(app: TestApp) {
        app.reader(OLD).await;
        ask(&app, OLD, NEW).await;
        let (old, new) = (link(&app, OLD), link(&app, NEW));
        press(&app, &old).await;
        subscribers::leave_by_staff(&app.site, app.reader_row(OLD).await, app.list().await, "a test").await.expect("off");
        press(&app, &new).await.says("Your mail has moved").says("you are on no list at present, so nothing comes");
        press(&app, &link(&app, OLD)).await.says("It is taken back").says("you are on no list at present");
        subscribers::add_by_staff(&app.site, &address(OLD), "", app.list().await, "a test").await.expect("on");
        let back = app.visitor().open(&link(&app, OLD)).await;
        assert!(!back.says("It is taken back").text().contains("on no list"), "{}", back.text());
    }

    /// TRUST T1, T3: from the moment when it is done nothing is begun for the old address, also not what failed before and is tried
    /// again; and the counts hold.
    async fn nothing_that_waited_goes_to_the_old_address(app: TestApp) {
        app.reader(OLD).await;
        app.readers(1).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(OLD).times(1).reply(554, "5.3.0 Something is wrong here"));
        let failed = app.send_edition("It failed").await;
        ask(&app, OLD, NEW).await;
        press(&app, &link(&app, OLD)).await;
        let confirm = link(&app, NEW);
        let waits = app.seal_edition("It waits").await;
        // A mail that asks to confirm waits for the old mailbox, too.
        change(&app.site.db, "update subscription set state = 'left'").await;
        app.advance(DAY);
        app.subscribe_only(OLD).await;
        change(&app.site.db, "update subscription set state = 'confirmed'").await;
        let before = app.mails(OLD).len();
        let visitor = app.visitor();
        visitor.submit_and_follow(&visitor.open(&confirm).await.form("/address/")).await.says("Your mail has moved");
        app.drain().await;
        let got: Vec<String> = app.mails(OLD)[before..].iter().map(|mail| mail.subject.clone()).collect();
        assert_eq!(got, ["Your mail from The Lamplighter goes elsewhere now"]);
        assert_eq!(app.mails(NEW).len(), 1, "what waited for the old address does not go to the new one");
        let copies = rows::<(String, Option<String>)>(&app.site.db, "select state, class from delivery where address = 'ann@example.org' order by edition_id").await;
        assert_eq!(copies[1], ("suppressed".to_owned(), Some("another address".to_owned())));
        let edition = publishing::load(&app.site.db, failed).await.expect("a read");
        publishing::retry_failed(&app.site, &edition.public_id, ("", edition.revision), None).await.expect("asked");
        app.drain().await;
        assert_eq!(app.mails(OLD).len(), before + 1, "what failed there is not tried there again");
        for edition in [failed, waits] {
            assert!(delivery::audit_copies(&app.site.db, edition).await.expect("an audit").holds());
        }
    }

    /// TRUST L7, L11: where the team sent a reader's mail elsewhere, for which the mailbox of before was not asked, the links from there show
    /// nothing of gifts and forget nobody before it can be taken back no more; that they were sent for stands in the log. What the
    /// mailbox of before takes back is as it was.
    async fn whom_the_team_moved_is_neither_shown_gifts_nor_forgotten_for_a_week(app: TestApp) {
        app.reader(OLD).await;
        app.give(OLD, "50", "once").await;
        app.give(OLD, "7", "month").await;
        correct(&app, OLD, NEW).await.expect("asked");
        app.drain().await;
        press(&app, &link(&app, NEW)).await.says("Your mail has moved");
        let choices = subscribers::choices_path(&app.site, &reader(&app, NEW).await.public_id);
        let sent = async |what: &str, path: &str| {
            let visitor = app.visitor();
            visitor.submit_and_follow(&visitor.open(&choices).await.form(&format!("/{what}"))).await;
            app.drain().await;
            app.last_mail(NEW).link(path)
        };
        let (copy, forget) = (sent("copy", "/your-data/").await, sent("forget", "/forget-me/").await);
        let shown = app.visitor().open(&copy).await;
        shown.says("from then on gifts, and what was sent to the address of before, stand here, too");
        let file = app.visitor().open(&format!("{copy}/file")).await;
        for one in [shown.text(), file.body] {
            for gifts in ["€", "5000", "Receipt", "eceipt_", "supporter\": \"", "ou give"] {
                assert!(!one.contains(gifts), "{gifts}: {one}");
            }
        }
        let refused = app.visitor().open(&forget).await;
        refused.says("Not before 10 March 2026").says("nothing was deleted");
        assert!(!refused.body.contains("Forget me") && !refused.body.contains("/giving/"), "{}", refused.body);
        let press = app.visitor().request(reqwest::Method::POST, &forget);
        let press = press.header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert_eq!(app.visitor().send(press.body("")).await.status, StatusCode::CONFLICT);
        assert!(at(&app, NEW).await.is_some());
        let donors = rows::<(i64,)>(&app.site.db, "select count(*) from donor where email_key = 'ann@example.org'").await;
        assert_eq!(donors, [(1,)]);
        let log = audit_log::latest(&app.site.db, 10).await.expect("a read");
        for action in ["sent a link to what is held", "sent a link to being forgotten"] {
            assert!(log.iter().any(|line| line.action == action), "{action}: {log:?}");
        }
        app.advance(DAY * 7 + Duration::from_secs(1));
        let (copy, forget) = (sent("copy", "/your-data/").await, sent("forget", "/forget-me/").await);
        app.visitor().open(&copy).await.says("€50.00");
        let visitor = app.visitor();
        visitor.submit_and_follow(&visitor.open(&forget).await.form("/forget-me/")).await.says("You are forgotten");
        let log = audit_log::latest(&app.site.db, 1).await.expect("a read").remove(0);
        assert_eq!((log.action.as_str(), log.detail.as_str()), ("forgot a reader", "by a link that was mailed to them"));
        app.drain().await;
    }

    async fn who_looks_for_an_address_of_before_is_led_to_the_reader(app: TestApp) {
        app.reader(OLD).await;
        moves(&app, OLD, NEW).await;
        let desk = app.desk().await;
        let found = desk.open(&format!("/desk/readers?q={OLD}")).await;
        found.says("A reader had that address who has another by now").says(NEW);
        let theirs = format!("href=\"/desk/readers/{}\"", reader(&app, NEW).await.public_id);
        assert!(found.body.contains(&theirs), "{}", found.body);
        let nobody = desk.open("/desk/readers?q=nobody@example.org").await;
        assert!(!nobody.body.contains("had that address"), "{}", nobody.text());
    }

    /// TRUST L11: gifts stay with the address they were given under: nobody who moves gets those of another, or loses their own.
    async fn gifts_stay_with_the_address_they_were_given_under(app: TestApp) {
        let state = async |id: i64| subscribers::donor_state(&app.site.db, id).await.expect("a read");
        app.reader(OLD).await;
        let ann = reader(&app, OLD).await;
        // Somebody else's gifts, before and after.
        app.give(NEW, "15", "month").await;
        app.advance(Duration::from_secs(60));
        moves(&app, OLD, NEW).await;
        assert_eq!(state(ann.id).await, DonorState::Never);
        app.give(NEW, "5", "once").await;
        assert_eq!(state(ann.id).await, DonorState::Never, "they were given before Ann had the address");
        let page = app.desk().await.open(&format!("/desk/readers/{}", ann.public_id)).await;
        assert!(!page.text().contains("given regularly") && !page.text().contains("supporter"), "{}", page.text());

        app.reader("bea@example.org").await;
        let bea = reader(&app, "bea@example.org").await;
        app.give("bea@example.org", "7", "once").await;
        assert_eq!(state(bea.id).await, DonorState::Once);
        moves(&app, "bea@example.org", "bea@other.example").await;
        assert_eq!(state(bea.id).await, DonorState::Once, "her own go with her");
        let page = app.desk().await.open(&format!("/desk/readers/{}", bea.public_id)).await;
        page.says("€7.00 given once");
        app.give("bea@example.org", "8", "month").await;
        assert_eq!(state(bea.id).await, DonorState::Monthly, "and what comes by the address that she gave under");
        // Whoever has her old mailbox next is not a supporter for it.
        app.advance(DAY);
        app.reader("bea@example.org").await;
        let next = reader(&app, "bea@example.org").await;
        assert_ne!(next.id, bea.id);
        app.give("bea@example.org", "9", "once").await;
        assert_eq!((state(next.id).await, state(bea.id).await), (DonorState::Never, DonorState::Monthly));
        let page = app.desk().await.open(&format!("/desk/readers/{}", next.public_id)).await;
        assert!(!page.text().contains("given regularly"), "{}", page.text());

        // Who gives under the new address for the first time is known by it.
        app.reader("cat@example.org").await;
        let cat = reader(&app, "cat@example.org").await;
        moves(&app, "cat@example.org", "cat@other.example").await;
        app.give("cat@other.example", "6", "month").await;
        assert_eq!(state(cat.id).await, DonorState::Monthly);
    }

    /// TRUST M25, M26: what stops mail stays with the address that it stopped, and a block goes with the person.
    async fn nobody_shakes_off_a_block_and_stops_stay_behind(app: TestApp) {
        for email in [OLD, "bob@example.org", "cat@example.org", "dan@example.org"] {
            app.reader(email).await;
        }
        subscribers::block(&app.site, &address(OLD), "never again", None).await.expect("blocked");
        let letters = app.mails(OLD).len();
        cannot_ask(&app, OLD).await;
        assert_eq!((app.mails(OLD).len(), app.mails(NEW).len()), (letters, 0));
        assert!(matches!(correct(&app, OLD, NEW).await, Err(SubscriberError::Blocked)));

        // In the middle of it.
        ask(&app, "bob@example.org", "bob@other.example").await;
        press(&app, &link(&app, "bob@example.org")).await;
        let confirm = link(&app, "bob@other.example");
        subscribers::block(&app.site, &address("bob@example.org"), "never again", None).await.expect("blocked");
        press(&app, &confirm).await.says("That could not be done");
        ask(&app, "cat@example.org", "cat@other.example").await;
        press(&app, &link(&app, "cat@example.org")).await;
        let confirm = link(&app, "cat@other.example");
        stop(&app, "cat@other.example", StopReason::Complained).await;
        press(&app, &confirm).await.says("That could not be done");
        app.visitor().open(&confirm).await.says("good for nothing any more");
        assert!(at(&app, "cat@other.example").await.is_none() && at(&app, "bob@other.example").await.is_none());

        // A mailbox that is gone cannot agree: the team answers for it.
        stop(&app, "dan@example.org", StopReason::Bounced).await;
        cannot_ask(&app, "dan@example.org").await;
        assert!(app.mails("dan@other.example").is_empty());
        assert_eq!(correct(&app, "dan@example.org", "dan@other.example").await.expect("asked"), Readdressed::Asked);
        app.drain().await;
        press(&app, &link(&app, "dan@other.example")).await.says("Your mail has moved");
        let suppressions = Suppressions::new(&app.site);
        let reason = async |email: &str| suppressions.reason(&address(email)).await.expect("a read");
        assert_eq!((reason("dan@example.org").await, reason("dan@other.example").await), (Some(StopReason::Bounced), None));
        let stopped = "select subscriber_id from suppression where subscriber_id is not null and reason = 'bounced'";
        assert!(rows::<(i64,)>(&app.site.db, stopped).await.is_empty(), "no page counts Dan as stopped");
        app.send_edition("The next").await;
        assert_eq!(app.last_mail("dan@other.example").subject, "The next");
    }

    /// The earlier mailbox takes it back for a week; once, and not for an address that somebody else has by then.
    async fn a_move_is_taken_back_by_the_earlier_mailbox(app: TestApp) {
        app.reader(OLD).await;
        moves(&app, OLD, NEW).await;
        let back = link(&app, OLD);
        app.visitor().open(&back).await.says("Take it back?").says("a***@other.example");
        press(&app, &back).await.says("It is taken back");
        app.visitor().open(&back).await.says("It is taken back");
        let ann = reader(&app, OLD).await;
        assert!(at(&app, NEW).await.is_none());
        let last = consent::proof(&app.site.db, ann.id).await.expect("a read").pop().expect("an event");
        assert_eq!(last.source, "change of address taken back by the earlier mailbox; before a***@other.example");
        app.send_edition("The next").await;
        assert_eq!(app.last_mail(OLD).subject, "The next");
        assert_eq!(subscribers::gives_as(&app.site.db, ann.id).await.expect("a read").as_deref(), Some(OLD));

        app.advance(DAY);
        moves(&app, OLD, NEW).await;
        let back = link(&app, OLD);
        app.advance(DAY);
        app.reader(OLD).await;
        press(&app, &back).await.says("That could not be done");
        assert_ne!(reader(&app, OLD).await.id, reader(&app, NEW).await.id);
        app.advance(DAY * 7);
        assert_eq!(app.visitor().open(&back).await.status, StatusCode::GONE);
    }

    /// TRUST L10, T6: the team puts an address right, says why, and the new mailbox has the last word.
    async fn the_team_asks_at_the_new_address_and_the_log_has_why(app: TestApp) {
        app.reader(OLD).await;
        app.reader("bob@example.org").await;
        let (desk, ann) = (app.desk().await, reader(&app, OLD).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let form = desk.open(&page).await.form(&format!("{page}/address")).with("new_email", NEW);
        assert_eq!(desk.submit(&form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a reason");
        let form = form.with("address_why", "she wrote to us");
        desk.submit(&form.clone().with("new_email", "bob@example.org")).await.says("Another reader has that address");
        desk.submit(&form.clone().with("new_email", OLD)).await.says("goes to that address already");
        desk.submit_and_follow(&form).await.says("We sent a mail to the new address");
        desk.submit(&form).await.says("within the last day");
        app.drain().await;
        assert_eq!((mails_with_links(&app, OLD), mails_with_links(&app, NEW)), (0, 1), "the team answers for the old one");
        assert!(at(&app, NEW).await.is_none());
        press(&app, &link(&app, NEW)).await.says("Your mail has moved");
        assert_eq!(reader(&app, NEW).await.id, ann.id);
        assert_eq!(mails_with_links(&app, OLD), 1, "and the old one hears of it");
        let wanted = audit_log::WantedLines { subject: Some(&ann.public_id), ..audit_log::WantedLines::default() };
        let lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
        let lines: Vec<_> = lines.iter().map(|line| (line.action.as_str(), line.detail.as_str())).collect();
        assert_eq!(lines, [("moved a reader’s mail", ""), ("asked for a reader’s new address", "she wrote to us")]);
        let stale = desk.submit(&form.with("new_email", "ann@third.example")).await;
        stale.says("Their mail goes to ann@other.example by now");
    }

    /// TRUST L10, T6: a move that is asked for is shown at the desk, and called off there with a reason: the buttons in its letters do
    /// nothing then, whoever presses, and another one is asked for at once. What is done is not called off.
    async fn a_move_is_called_off_at_the_desk(app: TestApp) {
        app.reader(OLD).await;
        ask(&app, OLD, NEW).await;
        app.drain().await;
        let links = [link(&app, OLD), link(&app, NEW)];
        press(&app, &links[1]).await;
        let (desk, ann) = (app.desk().await, reader(&app, OLD).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let shown = desk.open(&page).await;
        shown.says("They asked on").says(NEW).says("the button in the mail to the old address");
        let off = shown.form("/address/off");
        assert_eq!(desk.submit(&off).await.status, StatusCode::UNPROCESSABLE_ENTITY, "without a reason");
        let off = off.with("off_why", "it was mistyped");
        desk.submit_and_follow(&off).await.says("It is called off");
        for link in &links {
            assert_eq!(app.visitor().open(link).await.status, StatusCode::GONE);
        }
        assert!(at(&app, NEW).await.is_none() && !desk.open(&page).await.text().contains("A new address is asked for"));
        let late = desk.submit(&off).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("nothing was called off");

        assert_eq!(correct(&app, OLD, "ann@third.example").await.expect("asked"), Readdressed::Asked);
        desk.open(&page).await.says("The team asked on").says("the button in the mail to the new address");
        let off = desk.open(&page).await.form("/address/off").with("off_why", "too late");
        app.drain().await;
        press(&app, &link(&app, "ann@third.example")).await.says("Your mail has moved");
        assert_eq!(desk.submit(&off).await.status, StatusCode::CONFLICT, "it is done");
        assert!(at(&app, "ann@third.example").await.is_some());
        let wanted = audit_log::WantedLines { subject: Some(&ann.public_id), ..audit_log::WantedLines::default() };
        let lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
        let called_off: Vec<_> = lines.iter().filter(|line| line.action == "called off a reader’s move of address").map(|line| line.detail.as_str()).collect();
        assert_eq!(called_off, ["it was mistyped"]);
        // The reader does it by a link of theirs: the log says so, for the team asked and would wonder.
        assert_eq!(correct(&app, "ann@third.example", "ann@fourth.example").await.expect("asked"), Readdressed::Asked);
        let token = subscribers::choices_path(&app.site, &ann.public_id);
        let own = app.visitor().open(&token).await.form("/address").with("press", "call-off");
        assert!(subscribers::call_off_own_move(&app.site, token.rsplit('/').next().expect("an end")).await.expect("called off"));
        app.visitor().submit_and_follow(&own).await.says("Nothing was called off: it was done by then, or over");
        let wanted = audit_log::WantedLines { subject: Some(&ann.public_id), ..audit_log::WantedLines::default() };
        let lines = audit_log::page(&app.site.db, wanted, None, 50).await.expect("a read");
        assert!(lines[0].action.starts_with("called off the move of address") && lines[0].staff_name.is_none(), "{:?}", lines[0]);
        app.drain().await;
        ask(&app, "ann@third.example", NEW).await;
        app.advance(Duration::from_secs(3 * 86_400));
        assert!(!app.desk().await.open(&page).await.text().contains("A new address is asked for"), "its links are too old");
    }

    /// Whoever types an address at the desk is asked about a slip of the finger, and says which of the two is right.
    async fn a_slip_of_the_finger_is_asked_about_at_the_desk(app: TestApp) {
        app.reader(OLD).await;
        let (desk, ann) = (app.desk().await, reader(&app, OLD).await);
        let page = format!("/desk/readers/{}", ann.public_id);
        let form = desk.open(&page).await.form(&format!("{page}/address")).with("new_email", "ann@gmial.com").with("address_why", "she wrote to us");
        let asked = desk.submit(&form).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        asked.says("Did you mean ann@gmail.com?");
        assert!(asked.body.contains("ann@gmial.com is right"), "{}", asked.body);
        assert!(!desk.open(&page).await.text().contains("A new address is asked for"), "nobody is written to before");
        let again = asked.form(&format!("{page}/address"));
        assert_eq!(again.value("address_why"), Some("she wrote to us"), "what else was typed is kept");
        desk.submit_and_follow(&again.with("use", "meant")).await.says("We sent a mail to the new address").says("ann@gmail.com");

        let below = |page: Page| Page { body: page.body.split_once("id=\"add-title\"").expect("a form").1.to_owned(), ..page };
        let form = below(desk.open("/desk/readers").await).form("/desk/readers").with("email", "eve@gmial.com").with("how", "asked").with("source", "a letter");
        let asked = below(desk.submit(&form).await);
        asked.says("Did you mean eve@gmail.com?");
        assert!(at(&app, "eve@gmial.com").await.is_none());
        desk.submit_and_follow(&asked.form("/desk/readers").with("use", "typed")).await.says("eve@gmial.com");
        assert!(at(&app, "eve@gmial.com").await.is_some());
        app.drain().await;
    }

    /// TRUST T8: of two who move to one address, or one who moves and one who signs up there, one has it, whoever is first; nothing
    /// is done by half, and nobody waits in a circle.
    async fn two_who_want_one_address_do_not_both_get_it(app: TestApp) {
        app.readers(2).await;
        for number in 1..=2 {
            ask(&app, &format!("reader{number}@example.org"), NEW).await;
            press(&app, &link(&app, &format!("reader{number}@example.org"))).await;
            app.advance(DAY);
        }
        let changes = rows::<(String,)>(&app.site.db, "select public_id from address_change order by id").await;
        let token = |id: &str| {
            let path = AddressChange { change: Name::id(id), end: End::New }.path(&app.site.keys, app.site.now().plus(DAY));
            path.rsplit('/').next().expect("an end").to_owned()
        };
        let tokens = [token(&changes[0].0), token(&changes[1].0)];
        let went = join_all(tokens.iter().map(|token| subscribers::press_move(&app.site, token, Trace::default()))).await;
        let mut states: Vec<MoveState> = went.into_iter().map(|one| one.expect("an answer").state).collect();
        states.sort_by_key(|state| *state != MoveState::Done);
        assert_eq!(states, [MoveState::Done, MoveState::Refused]);
        let at_new = rows::<(i64,)>(&app.site.db, "select count(*) from subscriber where email_key = 'ann@other.example'").await;
        assert_eq!(at_new, [(1,)]);
        app.drain().await;
        assert_eq!(circles(&app.site.db).await, 0);
        app.send_edition("The next").await;
        assert_eq!(app.mails(NEW).iter().filter(|mail| mail.subject == "The next").count(), 1);
    }

    /// The same with somebody who signs up there at that moment.
    async fn a_move_and_a_sign_up_meet_at_one_address(app: TestApp) {
        app.reader(OLD).await;
        ask(&app, OLD, NEW).await;
        press(&app, &link(&app, OLD)).await;
        let link = link(&app, NEW);
        let token = link.rsplit('/').next().expect("an end");
        let (went, ()) = tokio::join!(subscribers::press_move(&app.site, token, Trace::default()), app.subscribe_only(NEW));
        let known = reader(&app, NEW).await;
        match went.expect("an answer").state {
            MoveState::Done => assert!(at(&app, OLD).await.is_none()),
            MoveState::Refused => assert_ne!(reader(&app, OLD).await.id, known.id),
            other => panic!("{other:?}"),
        }
        assert_eq!(circles(&app.site.db).await, 0);
        app.drain().await;
    }

    /// TRUST L7: whichever of the two comes first, nobody is left at either address, no file brings them back, and a backup forgets the same.
    async fn whoever_is_forgotten_while_they_move_is_forgotten(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        origin::arrive(&app.site, None).await.expect("a start");
        let pairs = [(OLD, NEW), ("bea@example.org", "bea@other.example")];
        let mut press = Vec::new();
        for (old, new) in pairs {
            app.reader(old).await;
            ask(&app, old, new).await;
            self::press(&app, &link(&app, old)).await;
            press.push(link(&app, new).rsplit('/').next().expect("an end").to_owned());
        }
        let backup = db.restored_copy().await;
        let in_the_way = "update subscriber set name = name";
        let (ann, bea) = (reader(&app, pairs[0].0).await, reader(&app, pairs[1].0).await);
        let (gone, moved) = stopped_between(
            &app.site.db,
            in_the_way,
            dossier::forget_reader(&app.site, &ann, None),
            subscribers::press_move(&app.site, &press[0], Trace::default()),
        )
        .await;
        assert!(gone.expect("forgotten"));
        assert!(!matches!(moved.map(|moved| moved.state), Ok(MoveState::Done)), "nobody is there to move");
        let (moved, gone) = stopped_between(
            &app.site.db,
            in_the_way,
            subscribers::press_move(&app.site, &press[1], Trace::default()),
            dossier::forget_reader(&app.site, &bea, None),
        )
        .await;
        assert_eq!((moved.expect("an answer").state, gone.expect("forgotten")), (MoveState::Done, true));
        assert_eq!(circles(&app.site.db).await, 0);

        let again = app.restored_from(backup).await;
        again.leaves_work();
        origin::arrive(&again.site, None).await.expect("a start");
        restored::restored(&again.site, None, None, (None, None)).await.expect("it is said").expect("once");
        for app in [&app, &again] {
            for address in pairs.into_iter().flat_map(|(old, new)| [old, new]) {
                assert!(at(app, address).await.is_none(), "{address}");
            }
            let basis = Basis { basis: "consent".to_owned(), source: "a file".to_owned() };
            let file = format!("email\n{OLD}\nbea@other.example\n");
            let read = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await;
            assert_eq!(read.expect("it is read").added, 0);
        }
    }

    /// TRUST L7, L8: who moved, twice, is shown the letters to each address for as long as they are there, and is forgotten at each: with what they
    /// asked and wrote from there. No file brings them back, a backup from before forgets the same, and who is a reader at such an address by
    /// now is left alone.
    async fn who_moved_is_forgotten_at_every_address_that_they_had(db: TestDb) {
        const THIRD: &str = "ann@third.example";
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        app.reader(OLD).await;
        app.reader("bob@example.org").await;
        app.give(OLD, "15", "once").await;
        app.drain().await;
        let backup = db.restored_copy().await;
        moves(&app, OLD, NEW).await;
        app.advance(DAY * 2);
        moves(&app, NEW, THIRD).await;
        moves(&app, "bob@example.org", "bob@other.example").await;
        app.advance(DAY * 20);
        jobs::forget_as_of(&app.site, app.site.now()).await.expect("tidied");
        assert!(rows::<(i64,)>(&app.site.db, "select id from address_change").await.is_empty(), "both addresses are forgotten there");
        // Somebody else has what was Bob's.
        app.reader("bob@example.org").await;
        let desk = app.desk().await;
        let form = desk.open("/desk/requests").await.form("/desk/requests");
        for (email, kind) in [(OLD, "erasure"), (NEW, "access"), ("bob@example.org", "access")] {
            desk.submit_and_follow(&form.clone().with("email", email).with("kind", kind).with("detail", "her-words")).await;
        }
        change(&app.site.db, "insert into bounce_letter (key, from_address, subject, words, received_at) values ('k', 'Ann@Example.org', 'Please', 'her-letter', 0)").await;

        let ann = reader(&app, THIRD).await;
        let held = held(&app, THIRD).await;
        for email in [OLD, NEW, THIRD] {
            assert!(held["letters_sent_to_you"].to_string().contains(email), "{email}: {}", held["letters_sent_to_you"]);
        }
        assert_eq!(held["former_addresses"].as_array().map(Vec::len), Some(2));
        assert!(held["what_you_asked_by_law"].to_string().contains("her-words") && held["letters_from_you"].to_string().contains("her-letter"), "{held}");
        let bobs = self::held(&app, "bob@example.org").await["letters_sent_to_you"].clone();
        assert!(!bobs.to_string().contains("Your mail"), "{bobs}");
        let letters: Vec<_> = bobs.as_array().expect("letters").iter().map(|letter| letter["letter"].clone()).collect();
        assert_eq!(letters, ["confirm_subscription"], "what went to whoever had the address before is not theirs");

        assert!(dossier::forget_reader(&app.site, &ann, None).await.expect("forgotten"));
        for text in [OLD, NEW, THIRD, "her-letter"] {
            assert_eq!(crate::forgetting::where_it_stands(&app, &[text]).await, [""; 0], "{text}");
        }
        let asked = "select address, detail from reader_request order by id";
        let masked = |address: &str| (address.to_owned(), String::new());
        let bob = ("bob@example.org".to_owned(), "her-words".to_owned());
        assert_eq!(rows::<(String, String)>(&app.site.db, asked).await, [masked("a***@example.org"), masked("a***@other.example"), bob]);
        // The one who moved away from there; the other one stays.
        let moved = reader(&app, "bob@other.example").await;
        assert!(dossier::forget_reader(&app.site, &moved, None).await.expect("forgotten"));
        assert_eq!(lists_of(&app, "bob@example.org").await, [SubscriptionState::Confirmed]);
        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        restored::restored(&again.site, None, None, (None, None)).await.expect("it is said").expect("once");
        for app in [&app, &again] {
            let basis = Basis { basis: "consent".to_owned(), source: "a file".to_owned() };
            let file = format!("email\n{OLD}\n{NEW}\n{THIRD}\n");
            let read = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("it is read");
            assert_eq!((read.added, read.errors.len()), (0, 3));
            assert!(at(app, OLD).await.is_none());
        }
        balances(&app).await;
    }

    /// TRUST M4, A11: what was mailed to an address opens and does nothing once it is not the reader's any more.
    async fn a_letter_to_an_earlier_address_opens_nothing(app: TestApp) {
        app.reader(OLD).await;
        let choices = subscribers::choices_path(&app.site, &reader(&app, OLD).await.public_id);
        let token = choices.rsplit('/').next().expect("an end").to_owned();
        let mut links = Vec::new();
        for (asks, path) in [(Asks::Copy, "/your-data/"), (Asks::Erasure, "/forget-me/")] {
            dossier::ask(&app.site, &token, asks).await.expect("asked");
            app.drain().await;
            links.push(app.last_mail(OLD).link(path));
        }
        let visitor = app.visitor();
        visitor.open(&links[0]).await.says("Your address: ann@example.org");
        let form = visitor.open(&links[1]).await.form("");
        moves(&app, OLD, NEW).await;
        for answer in [visitor.open(&links[0]).await, visitor.open(&format!("{}/file", links[0])).await, visitor.open(&links[1]).await, visitor.submit_and_follow(&form).await] {
            assert_eq!(answer.status, StatusCode::GONE, "{}", answer.url);
            answer.says("mailed to an address that is not its reader’s any more");
            assert!(!answer.body.contains("other.example"), "{}", answer.text());
        }
        assert!(at(&app, NEW).await.is_some(), "nobody was forgotten");
        // Taken back, it is theirs again.
        press(&app, &link(&app, OLD)).await.says("It is taken back");
        visitor.open(&links[0]).await.says("Your address: ann@example.org");
    }

    /// TRUST T3: a letter to a reader who moves at that moment goes where they are from then on, or is withdrawn; whichever letter it is.
    async fn whatever_is_mailed_to_a_reader_goes_to_where_they_are(app: TestApp) {
        let mut tx = app.site.db.begin().await.expect("a transaction");
        broadside::settings::save(&mut tx, &app.site, None, |settings| settings.says_good_bye = true).await.expect("saved");
        tx.commit().await.expect("a commit");
        change(&app.site.db, "update list set welcomes = (1 = 1), welcome_subject = 'Hello', welcome_text = 'Hello'").await;
        let settings = Settings::load(&app.site.db).await.expect("a read");
        let staff = rows::<(i64,)>(&app.site.db, "select id from staff").await[0].0;
        let list = app.list().await;
        let names = ["copy", "erasure", "pause", "by-team", "by-form", "leaves", "joins"];
        for name in names {
            let (old, new) = (format!("{name}@example.org"), format!("{name}@other.example"));
            app.reader(&old).await;
            let edition = app.send_edition("One more").await;
            let known = reader(&app, &old).await;
            let leave = app.links(edition, known.id).await.unsubscribe;
            let leave = leave.rsplit('/').next().expect("an end").to_owned();
            if name == "joins" {
                change(&app.site.db, "update subscription set state = 'left', left_at = asked_at, welcomed_at = null where subscriber_id = (select max(id) from subscriber)").await;
                change(&app.site.db, "delete from notice where template = 'welcome'").await;
            }
            ask(&app, &old, &new).await;
            self::press(&app, &link(&app, &old)).await;
            let confirm = link(&app, &new);
            let confirm = confirm.rsplit('/').next().expect("an end");
            let choices = subscribers::choices_path(&app.site, &known.public_id);
            let token = choices.rsplit('/').next().expect("an end");
            let letter = async {
                match name {
                    "copy" => { dossier::ask(&app.site, token, Asks::Copy).await.expect("asked"); }
                    "erasure" => { dossier::ask(&app.site, token, Asks::Erasure).await.expect("asked"); }
                    "pause" => { subscribers::pause(&app.site, token, Weeks::Two).await.expect("paused"); }
                    "by-team" => { subscribers::send_link(&app.site, &settings, &known, ByStaff { staff_id: staff, why: "" }).await.expect("sent"); }
                    "by-form" => { subscribers::ask_for_link(&app.site, &settings, (&address(&old), "192.0.2.1"), Crowd::Nobody).await.expect("asked"); }
                    "leaves" => { subscribers::leave(&app.site, &leave, ConsentMethod::OneClick, Trace::default()).await.expect("left"); }
                    _ => {
                        let chosen = Chosen { lists: vec![(list, true)], ..Chosen::default() };
                        subscribers::save_choices(&app.site, token, &chosen, Trace::default()).await.expect("saved");
                    }
                }
            };
            let in_the_way = "update subscriber set name = name";
            let (moved, ()) =
                stopped_between(&app.site.db, in_the_way, subscribers::press_move(&app.site, confirm, Trace::default()), letter).await;
            assert_eq!(moved.expect("an answer").state, MoveState::Done, "{name}");
            let waits: Vec<(String, String)> =
                rows(&app.site.db, "select address, template from notice where state = 'queued' and template <> 'address_changed' order by id").await;
            assert!(waits.iter().all(|(address, _)| *address == new), "{name}: {waits:?}");
            // Nobody has the address that was typed.
            assert_eq!(waits.len(), usize::from(name != "by-form"), "{name}: {waits:?}");
            app.drain().await;
            app.advance(DAY);
        }
        assert_eq!(circles(&app.site.db).await, 0);
    }

    /// Whoever proves that a mailbox is theirs is its reader, though somebody there asked to be forgotten once: the new address, and the old
    /// one to which it is taken back.
    async fn an_address_that_was_forgotten_is_a_readers_again_who_moves_there(app: TestApp) {
        app.leaves_work();
        for email in [NEW, OLD] {
            app.reader(email).await;
        }
        let was = reader(&app, NEW).await;
        assert!(dossier::forget_reader(&app.site, &was, None).await.expect("forgotten"));
        let list = app.list().await;
        let add = async |email: &str| subscribers::add_by_staff(&app.site, &address(email), "", list, "by telephone").await;
        assert!(matches!(add(NEW).await, Err(SubscriberError::Forgotten)));
        app.advance(DAY);
        moves(&app, OLD, NEW).await;
        add(NEW).await.expect("they are a reader as any other");
        let back = link(&app, OLD);
        app.advance(DAY);
        app.reader(OLD).await;
        let other = reader(&app, OLD).await;
        assert!(dossier::forget_reader(&app.site, &other, None).await.expect("forgotten"));
        press(&app, &back).await.says("It is taken back");
        add(OLD).await.expect("they are a reader as any other");
        assert!(!held(&app, OLD).await["forgotten"].to_string().contains("\"returned_at\":null"), "they are back");
    }

    /// Whoever holds the earlier mailbox takes it back by one press; whoever reads the new one hears of it.
    async fn taking_it_back_is_told_to_the_mailbox_that_is_left(app: TestApp) {
        app.reader(OLD).await;
        moves(&app, OLD, NEW).await;
        let before = app.mails(NEW).len();
        let back = link(&app, OLD);
        let form = app.visitor().open(&back).await.form("/address/");
        for _ in 0..2 {
            app.visitor().submit_and_follow(&form).await.says("It is taken back");
            app.drain().await;
        }
        assert_eq!(app.mails(NEW).len(), before + 1, "once");
        let told = app.last_mail(NEW);
        assert_eq!(told.subject, "Your mail from The Lamplighter goes to the earlier address again");
        assert!(!told.text.contains("example.org") || !told.text.contains("ann@"), "the new mailbox is not told the old one: {}", told.text);
        app.visitor().open(&told.link("/subscribe")).await;
    }

    /// TRUST T3: a reader who moves while the copies are written is not passed over: the copy to the old address is withdrawn.
    async fn a_move_while_the_copies_are_written_is_not_passed_over(app: TestApp) {
        app.reader(OLD).await;
        ask(&app, OLD, NEW).await;
        press(&app, &link(&app, OLD)).await;
        let link = link(&app, NEW);
        let token = link.rsplit('/').next().expect("an end");
        let draft = app.draft("Just being locked").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        let (sealed, went) = stopped_between(
            &app.site.db,
            "insert into recipient_domain (name, looked_at) values ('example.org', 0)",
            publishing::seal_due(&app.site, &app.templates),
            subscribers::press_move(&app.site, token, Trace::default()),
        )
        .await;
        assert_eq!((sealed.expect("sealed"), went.expect("an answer").state), (1, MoveState::Done));
        let before = app.mails(OLD).len();
        app.drain().await;
        assert_eq!(app.mails(OLD).len(), before + 1, "word of the move, and no edition");
        assert!(delivery::audit_copies(&app.site.db, draft.id).await.expect("an audit").holds());
    }

    /// TRUST T10: a restored backup does not know who moved: whoever had another address since gets nothing at the old one. Who came
    /// back to it, or moved before the backup was made, is left alone; and whoever died over a move has moved at the next start.
    async fn a_restored_backup_mails_nobody_at_an_address_that_they_left(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        start(&app).await;
        for name in ["ann", "bea", "cat", "dan", "eve"] {
            app.reader(&format!("{name}@example.org")).await;
        }
        moves(&app, "cat@example.org", "cat@other.example").await;
        // Both have pressed, and the process died before the move was done.
        ask(&app, "dan@example.org", "dan@other.example").await;
        change(&app.site.db, "update address_change set old_agreed_at = asked_at, new_agreed_at = asked_at where done_at is null").await;
        ask(&app, "eve@example.org", "eve@other.example").await;
        let eves = ["eve@example.org", "eve@other.example"].map(|mailbox| link(&app, mailbox));
        app.advance(DAY);
        let backup = db.restored_copy().await;
        for link in &eves {
            press(&app, link).await;
        }
        moves(&app, OLD, NEW).await;
        moves(&app, "bea@example.org", "bea@other.example").await;
        press(&app, &link(&app, "bea@example.org")).await.says("It is taken back");
        let written = std::fs::read_to_string(app.site.journal.path().expect("it has one")).expect("our own file");
        assert!(!written.contains("example"), "an address stands in it: {written}");

        let again = app.restored_from(backup).await;
        again.leaves_work();
        start(&again).await;
        let report = restored::restored(&again.site, None, None, (None, None)).await.expect("said").expect("the first");
        assert_eq!(report.replayed, Replayed { moved: 2, ..Replayed::default() });
        assert_eq!(lists_of(&again, OLD).await, [SubscriptionState::Left]);
        again.desk().await.open("/desk/address").await.says("2 had given us another address");
        again.send_edition("The next").await;
        let got = |email: &str| again.mails(email).iter().filter(|mail| mail.subject == "The next").count();
        assert_eq!([OLD, NEW, "bea@example.org", "cat@other.example", "cat@example.org"].map(got), [0, 0, 1, 1, 0]);
        assert_eq!(start(&again).await, Replayed::default(), "once is enough");
        // The links from before the backup work, and nobody is told that mail comes by them.
        let there = eves.map(|link| again.url(url::Url::parse(&link).expect("an address").path()));
        press(&again, &there[0]).await.says("One more press");
        let moved = press(&again, &there[1]).await;
        moved.says("Your mail has moved").says("But you are on no list at present, so nothing comes");
        assert!(!moved.body.contains("are as they were"), "{}", moved.text());
        // They ask anew.
        again.advance(DAY);
        again.reader(NEW).await;

        let dan = reader(&app, "dan@example.org").await;
        let hash = app.site.keys.name(Purpose::Suppression, "dan@example.org");
        let moved = Withdrawal::Moved { reader: dan.public_id.clone(), hash, to: None };
        withdrawals::write(&app.site, &[moved]).await;
        assert_eq!(start(&app).await, Replayed::default(), "it is done, and nobody is taken off");
        assert_eq!(reader(&app, "dan@other.example").await.id, dan.id);
        assert_eq!(lists_of(&app, "dan@other.example").await, [SubscriptionState::Confirmed]);
    }
}

/// What the start of a process does, as far as this goes.
async fn start(app: &TestApp) -> Replayed {
    origin::arrive(&app.site, None).await.expect("a start");
    restored::take_up(&app.site, None).await.expect("the journal is taken up")
}

/// Every page of it is for everybody, on a desk and on a phone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_moves_in_a_browser() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let Some(browser) = Browser::open().await else { return };
    app.reader(OLD).await;
    browser.goto(&app.url(&subscribers::choices_path(&app.site, &reader(&app, OLD).await.public_id))).await;
    browser.click("Change your address").await;
    browser.wait_for_text("Your new address").await;
    browser.sound("moving-ask").await;
    browser.fill("New email address", "ann@gmial.com").await;
    browser.click("Ask both mailboxes").await;
    browser.wait_for_text("Did you mean").await;
    browser.sound("moving-meant").await;
    browser.click("ann@gmail.com").await;
    browser.wait_for_text("Look into both mailboxes").await;
    browser.sound("moving-asked").await;
    app.drain().await;
    browser.click("Call it off").await;
    browser.wait_for_text("You asked that your mail goes to").await;
    browser.sound("moving-pending").await;
    browser.goto(&link(&app, OLD)).await;
    browser.sound("moving-old").await;
    browser.click("Yes, send it there").await;
    browser.wait_for_text("One more press").await;
    browser.sound("moving-waits").await;
    browser.goto(&link(&app, "ann@gmail.com")).await;
    browser.sound("moving-new").await;
    browser.click("Yes, send it here").await;
    browser.wait_for_text("Your mail has moved").await;
    browser.sound("moving-done").await;
    app.drain().await;
    browser.goto(&link(&app, OLD)).await;
    browser.sound("moving-back").await;
    browser.click("Send my mail here again").await;
    browser.wait_for_text("It is taken back").await;
    browser.sound("moving-taken-back").await;
    assert!(at(&app, "ann@gmail.com").await.is_none());
    app.drain().await;
    browser.close().await;
    app.finish().await;
}
