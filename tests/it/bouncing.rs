//! What comes back: bounces and complaints about copies of ours, and what becomes of the reader.

use std::time::Duration;

use broadside::{
    authorities::Trust,
    bounces::{
        Action, BounceClass, BounceReport, Effect, ImapMailbox, Reason, ReportedRecipient, Source, Taken,
        receive, receive_mail, receive_maildir, receive_refusals,
    },
    delivery::{self, Engine, EngineOptions, Suppressions},
    dossier,
    email_address::EmailAddress,
    mail::{EmailTemplate as _, SignInLink},
    publishing,
    relays::RelayOptions,
    settings::Settings,
    smtp::Relay,
    subscribers::{self, Basis, leave_by_mail},
};

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    TestApp, TestDb,
    app::{MAILGUN_KEY, OWNER},
    both_engines, database,
    postfix::Postfix,
    scratch,
    tls::Certificate,
    wait::until,
    wire,
};

const ANN: &str = "reader1@example.org";
const DAY: Duration = Duration::from_secs(86_400);

/// The return address of the newest copy that somebody got, and its Message-ID.
fn proof(app: &TestApp, reader: &str) -> (String, String) {
    let copies = app.sandbox.mailbox().to(reader);
    let copy = copies.last().unwrap_or_else(|| panic!("{reader} got no mail"));
    (copy.from.clone(), copy.message_id.clone())
}

/// A status notification to an address about a recipient.
fn notification(to: &str, recipient: &str, action: &str, status: &str) -> Vec<u8> {
    let text = format!(
        "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mx.example.com>\nTo: {to}\nSubject: Undelivered\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nIt did not arrive.\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n\n--b--\n"
    );
    text.replace('\n', "\r\n").into_bytes()
}

/// A complaint whose addresses were hidden; the Message-ID is left.
fn complaint(kind: &str, message_id: &str) -> Vec<u8> {
    let text = format!(
        "From: feedback@example.com\nTo: abuse@example.org\nSubject: FW\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: Loop/1\n--b\n\
         Content-Type: message/rfc822\n\nMessage-ID: <{message_id}>\nTo: redacted@example.com\n\nHello\n--b--\n"
    );
    text.replace('\n', "\r\n").into_bytes()
}

async fn take(app: &TestApp, bytes: &[u8]) -> Effect {
    receive_mail(&app.site, bytes, leave_by_mail).await.expect("the report is taken in")
}

async fn reason(app: &TestApp, reader: &str) -> Option<delivery::StopReason> {
    let address = EmailAddress::parse(reader).expect("an address");
    Suppressions::new(&app.site).reason(&address).await.expect("a read")
}

both_engines! {
    /// TRUST A28: a NUL is no text, and one report that holds it keeps none of the others from being read.
    async fn a_nul_in_a_report_is_no_text(app: TestApp) {
        app.readers(1).await;
        app.send_edition("The first").await;
        let (from, _) = proof(&app, ANN);
        let plain = String::from_utf8(notification(&from, ANN, "failed", "5.1.1")).expect("text");
        let odd = plain.replace("Status: 5.1.1", "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no\0 such user");
        assert_eq!(receive_mail(&app.site, odd.as_bytes(), leave_by_mail).await.expect("it is kept"), Effect::Bounced);
        let words: Vec<(String,)> = database::rows(&app.site.db, "select words from bounce").await;
        assert!(words[0].0.contains("such user") && !words[0].0.contains('\0'), "{words:?}");
    }

    /// TRUST M10, M24: only a genuine return address makes a bounce count, and it counts once.
    async fn a_hard_bounce_stops_mail_to_its_reader_alone(app: TestApp) {
        app.readers(3).await;
        app.send_edition("The first").await;
        let (address, _) = proof(&app, ANN);
        assert!(address.starts_with("bounce+") && address.ends_with("@example.org"), "{address}");
        let (other, _) = proof(&app, "reader2@example.org");
        assert_ne!(address, other, "every copy has a return address of its own");
        let forged = address.replace("bounce+", "bounce+1");
        for wrong in [forged.as_str(), "bounce@example.org", "post@example.org"] {
            let report = notification(wrong, ANN, "failed", "5.1.1");
            assert_eq!(take(&app, &report).await, Effect::Unproven, "{wrong}");
        }
        assert_eq!(reason(&app, ANN).await, None);
        let report = notification(&address, ANN, "failed", "5.1.1");
        assert_eq!(take(&app, &report).await, Effect::Bounced);
        assert_eq!(take(&app, &report).await, Effect::Known);
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
        assert_eq!(reason(&app, "reader2@example.org").await, None);
        app.send_edition("The second").await;
        assert_eq!(app.mails(ANN).len(), 1, "no second edition");
        assert_eq!(app.mails("reader2@example.org").len(), 2);
    }

    /// TRUST M24: what is still being tried, and what is about somebody else, stops nobody.
    async fn delays_and_other_addresses_stop_nobody(app: TestApp) {
        app.readers(1).await;
        app.send_edition("The first").await;
        let (address, _) = proof(&app, ANN);
        let delayed = notification(&address, ANN, "delayed", "4.4.1");
        assert_eq!(take(&app, &delayed).await, Effect::None);
        let policy = notification(&address, ANN, "failed", "5.7.515");
        assert_eq!(take(&app, &policy).await, Effect::Policy);
        let passed_on = notification(&address, "somebody@example.com", "failed", "5.1.1");
        assert_eq!(take(&app, &passed_on).await, Effect::Counted);
        assert_eq!(reason(&app, ANN).await, None);
    }

    /// TRUST M12: whatever comes in, nothing is ever answered by mail, so two such programs cannot keep each other talking.
    async fn nothing_that_comes_in_is_answered(app: TestApp) {
        app.readers(1).await;
        app.send_edition("The first").await;
        let (address, message_id) = proof(&app, ANN);
        let before = app.sandbox.mailbox().count();
        let away = format!("From: {ANN}\r\nTo: {address}\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nUntil Monday.\r\n");
        let letter = format!("From: {ANN}\r\nTo: {address}\r\nSubject: Hello\r\n\r\nWho are you?\r\n");
        for mail in [
            away.into_bytes(),
            letter.into_bytes(),
            notification(&address, ANN, "delayed", "4.4.1"),
            complaint("not-spam", &message_id),
            notification(&address, ANN, "failed", "5.1.1"),
        ] {
            take(&app, &mail).await;
        }
        app.drain().await;
        assert_eq!(app.sandbox.mailbox().count(), before);
    }

    /// TRUST M26: three editions in seven days or more, and nothing less.
    async fn soft_bounces_stop_mail_after_three_editions_and_a_week(app: TestApp) {
        app.readers(1).await;
        let mut effects = Vec::new();
        for edition in ["one", "two", "three", "four"] {
            app.send_edition(edition).await;
            let (address, _) = proof(&app, ANN);
            for again in ["5.2.2", "4.2.2"] {
                effects.push(take(&app, &notification(&address, ANN, "failed", again)).await);
                if effects.last() == Some(&Effect::Bounced) {
                    break;
                }
            }
            app.advance(DAY * 3);
        }
        let counted = effects.iter().filter(|effect| **effect == Effect::Counted).count();
        assert_eq!((counted, effects.last()), (6, Some(&Effect::Bounced)), "{effects:?}");
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
    }

    /// TRUST M26: nobody else can bring a stopped address back; staff can.
    async fn a_stopped_address_stays_stopped_until_staff_lift_it(app: TestApp) {
        app.readers(2).await;
        app.send_edition("The first").await;
        let (address, _) = proof(&app, ANN);
        take(&app, &notification(&address, ANN, "failed", "5.1.1")).await;
        let basis = Basis { basis: "consent".to_owned(), source: "a list on paper".to_owned() };
        let file = format!("email,name\n{},Ann\n", ANN.to_uppercase());
        subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await.expect("a file in order");
        app.readers(2).await;
        app.send_edition("The second").await;
        assert_eq!(app.mails(ANN).len(), 1);

        app.advance(DAY);
        let ann = EmailAddress::parse(ANN).expect("an address");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        assert!(Suppressions::new(&app.site).lift(&mut tx, &ann).await.expect("a write"));
        tx.commit().await.expect("a commit");
        // A late report about the copy from before is no news.
        let late = notification(&address, ANN, "failed", "5.1.2");
        assert_eq!(take(&app, &late).await, Effect::Outdated);
        app.send_edition("The third").await;
        assert_eq!(app.mails(ANN).len(), 2);
    }

    /// TRUST M25: the reader is found by the Message-ID, whatever address the report names.
    async fn a_complaint_stops_mail_at_once_and_its_opposite_does_not(app: TestApp) {
        app.readers(2).await;
        app.send_edition("The first").await;
        let (address, id) = proof(&app, ANN);
        assert_eq!(take(&app, &complaint("not-spam", &id)).await, Effect::Unproven);
        assert_eq!(take(&app, &complaint("auth-failure", &id)).await, Effect::None);
        let forged = id.replace('@', "x@");
        assert_eq!(take(&app, &complaint("abuse", &forged)).await, Effect::Unproven);
        assert_eq!(reason(&app, ANN).await, None);
        // A bounce first: the complaint is the weightier word.
        take(&app, &notification(&address, ANN, "failed", "5.1.1")).await;
        assert_eq!(take(&app, &complaint("abuse", &id)).await, Effect::Complained);
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Complained));
        assert_eq!(reason(&app, "reader2@example.org").await, None);
    }

    /// TRUST M25: the unsubscribe link of the returned copy tells whose it is, where a provider changed all else.
    async fn a_complaint_is_known_by_its_link(app: TestApp) {
        app.readers(2).await;
        app.send_edition("The first").await;
        let link = app.last_mail(ANN).header("List-Unsubscribe").expect("every edition has the header");
        let report = |link: &str| {
            let text = String::from_utf8(complaint("abuse", "changed@example.com")).expect("our own text");
            text.replace("To: redacted", &format!("List-Unsubscribe: {link}, <mailto:leave@example.org>\r\nTo: redacted"))
        };
        let forged = link.replace("/unsubscribe/", "/unsubscribe/A");
        assert_eq!(take(&app, report(&forged).as_bytes()).await, Effect::Unproven);
        assert_eq!(take(&app, report(&link).as_bytes()).await, Effect::Complained);
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Complained));
        assert_eq!(reason(&app, "reader2@example.org").await, None);
    }

    /// TRUST M25, T10: complaints come for days. One about an edition that was sent after the backup stops mail in the restored database, too;
    /// a failure of a copy that is not known says nothing.
    async fn a_complaint_about_a_lost_edition_stops_mail(db: TestDb) {
        let app = TestApp::journalled(db.clone()).await;
        app.leaves_work();
        app.readers(2).await;
        app.send_edition("The first").await;
        let draft = app.draft("The second").await;
        let backup = db.restored_copy().await;
        publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None).await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
        let (from, id) = proof(&app, ANN);
        let again = app.restored_from(backup).await;
        again.leaves_work();
        assert_eq!(take(&again, &notification(&from, ANN, "failed", "5.1.1")).await, Effect::Unproven);
        assert_eq!(take(&again, &complaint("abuse", &id)).await, Effect::Complained);
        assert_eq!(take(&again, &complaint("abuse", &id)).await, Effect::Known);
        assert_eq!(reason(&again, ANN).await, Some(delivery::StopReason::Complained));
        assert_eq!(reason(&again, "reader2@example.org").await, None);
    }

    /// TRUST M25, M26: a letter to a reader comes back to an address that proves whose it was: a complaint about it stops mail, and so does a
    /// mailbox that is not there. Of an address that is theirs no more it says nothing, and letters to the team have no such address.
    async fn what_is_said_of_a_letter_is_said_of_its_reader(app: TestApp) {
        app.leaves_work();
        database::change(&app.site.db, "update list set welcomes = true, welcome_subject = 'Hello'").await;
        let [bob, cat] = ["bob@example.org", "cat@example.org"];
        for email in ["ann@example.org", bob, cat, OWNER.0] {
            app.reader(email).await;
        }
        let letters = app.sandbox.mailbox();
        let of = |email: &str, subject: &str| {
            let all = letters.to(email);
            let letter = all.iter().rfind(|one| one.subject == subject).unwrap_or_else(|| panic!("{subject}: {all:?}"));
            (letter.from.clone(), letter.message_id.clone())
        };
        let report = |from: &str| {
            let text = String::from_utf8(complaint("abuse", "changed@example.com")).expect("our own text");
            text.replace("To: redacted", &format!("Return-Path: <{from}>\r\nTo: redacted")).into_bytes()
        };
        let (anns, _) = of("ann@example.org", "Hello");
        assert!(anns.starts_with("bounce+"), "{anns}");
        assert_eq!(take(&app, &report(&anns.replace("bounce+", "bounce+a"))).await, Effect::Unproven);
        assert_eq!(take(&app, &report(&anns)).await, Effect::Complained);
        assert_eq!(reason(&app, "ann@example.org").await, Some(delivery::StopReason::Complained));

        let asked = letters.to(bob).first().expect("the mail that asks").from.clone();
        assert_eq!(take(&app, &notification(&asked, bob, "delayed", "4.4.1")).await, Effect::None);
        assert_eq!(take(&app, &notification(&asked, bob, "failed", "5.1.1")).await, Effect::Bounced);
        // Whoever makes addresses up is stopped sooner, also where a mail service takes the mail first (TRUST A24).
        subscribers::ask_held_back(&app.site).await.expect("what came back is counted");
        let weights = "select s.email, c.weight from confirmation_mail c join subscriber s on s.id = c.subscriber_id where c.letter like 'confirm:%' order by s.email, c.weight";
        let weights: Vec<(String, i64)> = database::rows(&app.site.db, weights).await;
        assert_eq!(weights.iter().filter(|(_, weight)| *weight == 3).map(|(email, _)| email.as_str()).collect::<Vec<_>>(), [bob], "{weights:?}");
        assert_eq!(reason(&app, bob).await, Some(delivery::StopReason::Bounced));
        // The team lets mail go again: what comes late about a letter of before is no news, as with a copy.
        let answering = |letter: &(String, String)| {
            let text = String::from_utf8(complaint("abuse", &letter.1)).expect("our own text");
            text.replace("To: redacted", &format!("Return-Path: <{}>\r\nTo: redacted", letter.0)).into_bytes()
        };
        let before = of(bob, "Hello");
        app.advance(DAY);
        let mut tx = app.site.db.begin().await.expect("a transaction");
        let address = EmailAddress::parse(bob).expect("an address");
        assert!(Suppressions::new(&app.site).lift(&mut tx, &address).await.expect("a write"));
        tx.commit().await.expect("a commit");
        assert_eq!(take(&app, &answering(&before)).await, Effect::Outdated);
        app.advance(DAY);
        let theirs = subscribers::by_email(&app.site.db, &address).await.expect("a read").expect("a reader");
        let choices = subscribers::choices_path(&app.site, &theirs.public_id);
        let token = choices.rsplit('/').next().expect("an end");
        dossier::ask(&app.site, token, dossier::Asks::Copy).await.expect("asked");
        app.drain().await;
        let last = letters.to(bob).last().expect("the letter").clone();
        assert_eq!(take(&app, &answering(&(last.from.clone(), last.message_id.clone()))).await, Effect::Complained);

        let (cats, _) = of(cat, "Hello");
        database::change(&app.site.db, "update subscriber set email = 'new@example.org', email_key = 'new@example.org' where email = 'cat@example.org'").await;
        assert_eq!(take(&app, &report(&cats)).await, Effect::Unproven);
        assert_eq!((reason(&app, cat).await, reason(&app, "new@example.org").await), (None, None));

        let mut tx = app.site.db.begin().await.expect("a transaction");
        let settings = Settings::load(&app.site.db).await.expect("the settings");
        let owner = EmailAddress::parse(OWNER.0).expect("an address");
        let link = SignInLink::sample();
        delivery::tell(&mut tx, &app.site, &settings.letterhead(&app.site), ("", &owner), "to-the-team", &link).await.expect("told");
        tx.commit().await.expect("a commit");
        app.drain().await;
        let of_owner: Vec<bool> = letters.to(OWNER.0).iter().map(|one| one.from.starts_with("bounce+")).collect();
        assert_eq!(of_owner, [true, true, false], "as a reader, and as one of the team");
    }

    /// TRUST M1, M2, M29: the welcome to one list is mail of that list: it has the way out that editions have, by one click and by a mail,
    /// and a complaint is known by it; the mail that asks has none.
    async fn a_welcome_has_the_way_out_of_its_list(app: TestApp) {
        app.leaves_work();
        database::change(&app.site.db, "update list set welcomes = true, welcome_subject = 'Hello'").await;
        for email in [ANN, "reader2@example.org"] {
            app.reader(email).await;
        }
        assert!(app.mails(ANN)[0].header("List-Unsubscribe").is_none(), "the mail that asks");
        let mail = app.last_mail(ANN);
        wire::keeps_the_standards(&mail.raw);
        assert_eq!(wire::only(&mail.raw, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        let ways = wire::only(&mail.raw, "List-Unsubscribe");
        let (web, by_mail) = ways.split_once(", ").expect("two ways");
        assert!(by_mail.starts_with("<mailto:bounce+"), "{ways}");
        let address = by_mail.trim_start_matches("<mailto:").split('?').next().expect("an address");
        let leaves = format!("From: {ANN}\r\nTo: {address}\r\nSubject: unsubscribe\r\n\r\n\r\n");
        assert_eq!(take(&app, leaves.as_bytes()).await, Effect::Left);
        let other = app.last_mail("reader2@example.org").header("List-Unsubscribe").expect("it has the header");
        let text = String::from_utf8(complaint("abuse", "changed@example.com")).expect("our own text");
        let report = text.replace("To: redacted", &format!("List-Unsubscribe: {other}\r\nTo: redacted"));
        assert_eq!(take(&app, report.as_bytes()).await, Effect::Complained);
        app.reader("reader3@example.org").await;
        let third = app.last_mail("reader3@example.org").header("List-Unsubscribe").expect("it has the header");
        let path = third.trim_start_matches('<').split('>').next().expect("an address").to_owned();
        let visitor = app.visitor();
        let request = visitor.request(reqwest::Method::POST, &path);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(visitor.send(request.body("List-Unsubscribe=One-Click")).await.status, reqwest::StatusCode::OK);
        let left = "select s.state from subscription s join subscriber r on r.id = s.subscriber_id order by r.email";
        let left: Vec<(String,)> = database::rows(&app.site.db, left).await;
        assert_eq!(left.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["left", "confirmed", "left"]);
        assert!(web.contains("/unsubscribe/"), "{ways}");
    }

    /// TRUST M28: the brake.
    async fn an_edition_that_many_complain_of_is_paused(app: TestApp) {
        app.leaves_work();
        app.readers(2).await;
        let draft = app.draft("The first").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        // While it is on its way: the rows exist, and somebody has it already, says their provider.
        let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await.expect("a read").expect("a reader");
        let id = app.names(draft.id, reader.id).await.message_id(&app.site).expect("it has one");
        assert_eq!(take(&app, &complaint("abuse", &id)).await, Effect::Complained);
        app.send().await;
        let after = publishing::load(&app.site.db, draft.id).await.expect("the edition");
        assert_eq!(after.state, broadside::editions::EditionState::Paused);
        assert!(app.mails("reader2@example.org").is_empty());
        let page = app.desk().await.open(&format!("/desk/editions/{}", after.public_id)).await;
        page.says("Paused by itself. Too many readers say that it is spam: 1 of the 1 who have it.");
    }

    /// TRUST M25, M28: a mail service's complaint that names no copy of ours withdraws the copies that wait for that reader, and
    /// counts for the brake of the edition that is going out to them.
    async fn a_complaint_without_a_copy_withdraws_and_brakes(app: TestApp) {
        app.leaves_work();
        app.readers(3).await;
        let edition = app.seal_edition("Going out").await;
        let complained = BounceReport {
            recipients: vec![ReportedRecipient {
                address: ANN.to_uppercase(),
                class: BounceClass::Complaint,
                status: None,
                reply: None,
                action: Action::Complained,
                reason: Reason::Complaint,
                words: "spam".to_owned(),
            }],
            ..BounceReport::default()
        };
        let effect = receive(&app.site, Source::Postmark, "1", &complained).await.expect("it is taken in");
        assert_eq!(effect, Effect::Complained);
        let copies = "select state, coalesce(class, '') from delivery order by subscriber_id";
        let copies = database::rows::<(String, String)>(&app.site.db, copies).await;
        let word = |state: &str, class: &str| (state.to_owned(), class.to_owned());
        assert_eq!(copies, [word("suppressed", "complained"), word("queued", ""), word("queued", "")]);
        let after = publishing::load(&app.site.db, edition).await.expect("the edition");
        assert_eq!(after.state, broadside::editions::EditionState::Paused);
        let page = app.desk().await.open(&format!("/desk/editions/{}", after.public_id)).await;
        page.says("Paused by itself. Too many readers say that it is spam: 1 of the 1 who have it.");
    }

    /// TRUST F26: a bounce that comes before our own record of "accepted" is not lost, and the record does not undo it.
    async fn a_bounce_before_our_own_record_is_kept(app: TestApp) {
        app.readers(2).await;
        let draft = app.draft("The first").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await.expect("a read").expect("a reader");
        let early = app.names(draft.id, reader.id).await.return_address(&app.site).expect("tests have an address for bounces");
        assert_eq!(take(&app, &notification(&early, ANN, "failed", "5.1.1")).await, Effect::Bounced);
        app.drain().await;
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
        let audit = broadside::delivery::audit_copies(&app.site.db, draft.id).await.expect("an audit");
        assert!(audit.holds(), "{audit:?}");
    }

    /// The answers to our own connections are a source like the others.
    async fn a_refusal_at_the_door_counts_like_a_bounce(app: TestApp) {
        use broadside::sandbox::{Rule, Stage};
        app.readers(3).await;
        let no = Rule::at(Stage::Rcpt).to(ANN).reply(550, "5.1.1 No such user");
        let policy = Rule::at(Stage::Rcpt).to("reader2@example.org").reply(550, "5.7.1 We do not like you");
        app.sandbox.smtp_script().add(no);
        app.sandbox.smtp_script().add(policy);
        app.send_edition("The first").await;
        assert_eq!(receive_refusals(&app.site).await.expect("the log is read"), 2);
        assert_eq!(receive_refusals(&app.site).await.expect("the log is read"), 0);
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
        assert_eq!(reason(&app, "reader2@example.org").await, None);
        assert_eq!(reason(&app, "reader3@example.org").await, None);
    }

    /// What was taken in moves from `new` to `cur`; what cannot be read does not stop the rest.
    async fn a_maildir_is_read_once(app: TestApp) {
        app.readers(1).await;
        app.send_edition("The first").await;
        let (address, _) = proof(&app, ANN);
        let maildir = scratch::folder();
        for folder in ["new", "cur", "tmp"] {
            std::fs::create_dir(maildir.join(folder)).expect("our own folder");
        }
        let report = notification(&address, ANN, "failed", "5.1.1");
        std::fs::write(maildir.join("new/1.a"), report).expect("our own folder");
        std::fs::write(maildir.join("new/2.b"), b"Subject: something else\r\n\r\nHello\r\n").expect("our own folder");
        std::os::unix::fs::symlink("/etc/hostname", maildir.join("new/3.c")).expect("our own folder");
        let taken = receive_maildir(&app.site, &maildir, leave_by_mail).await.expect("a maildir");
        assert_eq!((taken.read, taken.stopped, taken.unproven), (2, 1, 1));
        assert!(maildir.join("cur/1.a:2,S").exists() && !maildir.join("new/1.a").exists());
        assert_eq!(receive_maildir(&app.site, &maildir, leave_by_mail).await.expect("a maildir").read, 0);
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
    }

    /// TRUST F26, A28: a storm of forged reports changes nothing and is soon over.
    async fn a_storm_of_forged_reports_changes_nothing(app: TestApp) {
        app.readers(2).await;
        app.send_edition("The first").await;
        for number in 0..500 {
            let forged = notification(&format!("bounce+1.{number}.aaaaaaaaaaaaaaaa@example.org"), ANN, "failed", "5.1.1");
            assert_eq!(take(&app, &forged).await, Effect::Unproven);
        }
        assert_eq!(reason(&app, ANN).await, None);
    }

    /// What came back stands at the desk with the reason, and staff can let mail go again; the log keeps who did.
    async fn the_desk_says_why_a_reader_is_not_mailed_and_can_lift_it(app: TestApp) {
        app.readers(2).await;
        app.send_edition("The first").await;
        let (address, _) = proof(&app, ANN);
        let report = notification(&address, ANN, "failed", "5.1.1");
        take(&app, &report).await;
        let desk = app.desk().await;
        let page = desk.open("/desk/bounces").await;
        page.says(ANN).says("There is no such mailbox").says("not mailed any more").says("The first");
        assert!(!page.text().contains("reader2@example.org"));
        let reader = subscribers::by_email(&app.site.db, &ANN.parse().expect("an address")).await.expect("a read").expect("a reader");
        let own = format!("/desk/readers/{}", reader.public_id);
        let page = desk.open(&own).await;
        page.says("Not mailed since").says("Mail to this address comes back");
        let form = page.form(&format!("{own}/mail-again"));
        let again = desk.submit(&form).await;
        assert_eq!(again.status.as_u16(), 422, "TRUST L10: each act says why");
        assert!(reason(&app, ANN).await.is_some());
        desk.submit_and_follow(&form.with("again_why", "her mailbox is back")).await.says("They are mailed again");
        assert_eq!(reason(&app, ANN).await, None);
        assert!(!desk.open(&own).await.text().contains("Not mailed since"));
        let log = broadside::audit_log::latest(&app.site.db, 1).await.expect("a read");
        assert_eq!((log[0].action.as_str(), log[0].subject.as_str()), ("mails again", reader.public_id.as_str()));
        assert_eq!(log[0].detail, "bounced: her mailbox is back");
    }

    /// A report counts once, only with the service's signature, and by the reader's address where it names no copy.
    async fn a_mail_service_reports_by_its_webhook(app: TestApp) {
        app.readers(3).await;
        app.send_edition("The first").await;
        let (_, id) = proof(&app, ANN);
        let failed = |recipient: &str, id: &str| {
            json!({
                "event": "failed", "severity": "permanent", "recipient": recipient,
                "delivery-status": { "code": 550, "message": "5.1.1 no such user" }, "message": { "headers": { "message-id": id } },
            })
        };
        let signed = |token: &str, event: serde_json::Value| {
            let time = app.site.now().unix_seconds().to_string();
            let key = hmac::Key::new(hmac::HMAC_SHA256, MAILGUN_KEY.as_bytes());
            let made = HEXLOWER.encode(hmac::sign(&key, format!("{time}{token}").as_bytes()).as_ref());
            json!({ "signature": { "timestamp": time, "token": token, "signature": made }, "event-data": event }).to_string()
        };
        let visitor = app.visitor();
        let url = app.url("/hooks/bounces/mailgun");
        let post = async |body: String| {
            let request = visitor.request(reqwest::Method::POST, &url).body(body);
            visitor.send(request).await.status.as_u16()
        };
        let good = signed("1", failed(ANN, &id));
        assert_eq!(post(good.replace("\"token\":\"1\"", "\"token\":\"2\"")).await, 403);
        assert_eq!(post("{}".to_owned()).await, 400);
        assert_eq!(reason(&app, ANN).await, None);
        assert_eq!(post(good.clone()).await, 200);
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
        app.advance(Duration::from_secs(60));
        let ann = EmailAddress::parse(ANN).expect("an address");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        Suppressions::new(&app.site).lift(&mut tx, &ann).await.expect("a write");
        tx.commit().await.expect("a commit");
        assert_eq!(post(good).await, 200);
        assert_eq!(reason(&app, ANN).await, None, "the same report counts once");
        assert_eq!(post(signed("3", failed("reader2@example.org", "theirs@mailgun.example"))).await, 200);
        assert_eq!(reason(&app, "reader2@example.org").await, Some(delivery::StopReason::Bounced));
        assert_eq!(reason(&app, "reader3@example.org").await, None);
    }

    /// Mail services knock at one door each; without a secret in the settings it is shut.
    async fn a_mail_service_that_is_not_set_up_is_refused(app: TestApp) {
        for provider in ["postmark", "sendgrid", "ses", "anybody"] {
            let visitor = app.visitor();
            let request = visitor.request(reqwest::Method::POST, &app.url(&format!("/hooks/bounces/{provider}"))).body("{}");
            assert_eq!(visitor.send(request).await.status, reqwest::StatusCode::NOT_FOUND, "{provider}");
        }
    }

    /// The whole way with a mail server that is not ours: it refuses one reader at the door, and takes the mail of others
    /// whom the next server refuses; what it writes about them comes back into a maildir (TRUST M10, M23, M24, M26).
    async fn postfix_sends_back_what_it_cannot_deliver(app: TestApp) {
        use broadside::sandbox::{Rule, Stage};
        let readers = ["gone", "later", "full", "policy", "good"].map(|name| format!("{name}@example.net"));
        let [gone, later, full, policy, good] = &readers;
        let known: Vec<&str> = [later, full, policy, good].map(String::as_str).to_vec();
        let Some(postfix) = Postfix::start(&known, app.sandbox.smtp_addr()) else { return };
        for (reader, code, words) in [
            (later, 550, "5.1.1 We have no such reader"),
            (full, 552, "5.2.2 The mailbox is full"),
            (policy, 550, "5.7.1 Your address is on a list of ours"),
        ] {
            app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(reader).reply(code, words));
        }
        for reader in &readers {
            let address = EmailAddress::parse(reader).expect("an address");
            let added = subscribers::add_by_staff(&app.site, &address, "", app.list().await, "a test").await;
            added.expect("staff may add readers");
        }
        let draft = app.draft("The first").await;
        let pressed = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        let url = format!("smtp://{}?tls=none", postfix.address).parse().expect("an SMTP address");
        let options = EngineOptions::new(vec![RelayOptions::unlimited(Relay { url, ..app.relay.clone() }, 2)]);
        Engine::run_until_idle(app.site.clone(), app.templates.clone(), options).await.expect("the engine starts");

        until("three bounces", async || (postfix.new_bounces() == 3).then_some(())).await;
        let taken = receive_maildir(&app.site, &postfix.bounces, leave_by_mail).await.expect("a maildir");
        assert_eq!((taken.read, taken.stopped, taken.counted, taken.unproven), (3, 1, 1, 0), "{taken:?}");
        assert_eq!(receive_refusals(&app.site).await.expect("the log is read"), 1);
        for reader in [gone, later] {
            assert_eq!(reason(&app, reader).await, Some(delivery::StopReason::Bounced), "{reader}");
        }
        for reader in [full, policy, good] {
            assert_eq!(reason(&app, reader).await, None, "{reader}");
        }
        until("the mail", async || (app.mails(good).len() == 1).then_some(())).await;
        let copy = app.sandbox.mailbox().to(good);
        assert!(copy[0].from.starts_with("bounce+"), "{}", copy[0].from);
    }

    /// A mailbox over IMAP: what is unseen is taken in and then marked, and the next visit finds nothing.
    async fn a_mailbox_is_read_over_imap(app: TestApp) {
        app.readers(1).await;
        app.send_edition("The first").await;
        let (address, _) = proof(&app, ANN);
        let mut mailbox = ImapServer::new(vec![
            notification(&address, ANN, "failed", "5.1.1"),
            b"Subject: something else\r\n\r\nHello\r\n".to_vec(),
        ])
        .await;
        let settings = mailbox.settings("us%40er:pa%20ss", "Bounces");
        let taken = mailbox.visit(&app, &settings).await;
        assert_eq!((taken.read, taken.stopped, taken.unproven), (2, 1, 1));
        assert_eq!(mailbox.visit(&app, &settings).await.read, 0);
        assert_eq!(mailbox.said[0], "LOGIN \"us@er\" \"pa ss\"");
        assert_eq!(mailbox.said[1], "SELECT \"Bounces\"");
        assert_eq!(reason(&app, ANN).await, Some(delivery::StopReason::Bounced));
    }
}

/// As much of an IMAP server as a reader of one folder needs.
struct ImapServer {
    messages: Vec<(Vec<u8>, bool)>,
    said: Vec<String>,
    listener: TcpListener,
    certificate: Certificate,
}

impl ImapServer {
    async fn new(messages: Vec<Vec<u8>>) -> Self {
        Self {
            messages: messages.into_iter().map(|message| (message, false)).collect(),
            said: Vec::new(),
            listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port"),
            certificate: Certificate::of("127.0.0.1"),
        }
    }

    fn settings(&self, user: &str, folder: &str) -> ImapMailbox {
        let address = self.listener.local_addr().expect("an address");
        let url = format!("imaps://{user}@{address}/{folder}").parse().expect("an address");
        let trust = Trust::and_those_of(&self.certificate.pem).expect("a certificate");
        ImapMailbox::from_url(&url, trust).expect("whole settings")
    }

    async fn visit(&mut self, app: &TestApp, settings: &ImapMailbox) -> Taken {
        let (taken, ()) = tokio::join!(settings.receive(&app.site, leave_by_mail), async {
            let (stream, _) = self.listener.accept().await.expect("a client");
            let stream = self.certificate.clone().accept(stream).await.expect("TLS");
            self.serve(stream).await;
        });
        taken.expect("a conversation in order")
    }

    async fn serve(&mut self, stream: impl AsyncRead + AsyncWrite) {
        let (read, mut write) = tokio::io::split(stream);
        let mut lines = tokio::io::BufReader::new(read).lines();
        write.write_all(b"* OK ready\r\n").await.expect("the client listens");
        while let Some(line) = lines.next_line().await.expect("a line") {
            let (tag, command) = line.split_once(' ').expect("a tag");
            self.said.push(command.to_owned());
            let mut answer = Vec::new();
            let number =
                |command: &str| command.split(' ').nth(2).and_then(|number| number.parse::<usize>().ok());
            if command == "UID SEARCH UNSEEN" {
                let unseen = (1..).zip(&self.messages).filter(|(_, (_, seen))| !seen);
                let unseen: Vec<String> = unseen.map(|(number, _)| number.to_string()).collect();
                answer.extend(format!("* SEARCH {}\r\n", unseen.join(" ")).into_bytes());
            } else if command.starts_with("UID FETCH") {
                let number = number(command).expect("a number");
                let message = &self.messages[number - 1].0;
                answer.extend(
                    format!("* {number} FETCH (UID {number} BODY[]<0> {{{}}}\r\n", message.len())
                        .into_bytes(),
                );
                answer.extend_from_slice(message);
                answer.extend_from_slice(b")\r\n");
            } else if command.starts_with("UID STORE") {
                self.messages[number(command).expect("a number") - 1].1 = true;
            }
            answer.extend(format!("{tag} OK done\r\n").into_bytes());
            write.write_all(&answer).await.expect("the client listens");
            if command == "LOGOUT" {
                return;
            }
        }
    }
}
