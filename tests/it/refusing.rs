//! Refusals of us: they stop the edition, whatever their words, and never a reader.

use broadside::{
    bounces::{Effect, receive_mail, receive_refusals},
    delivery::{self, Suppressions},
    editions::EditionState,
    email_address::EmailAddress,
    jobs, publishing,
    sandbox::{Rule, Stage},
    subscribers::{self, Basis, leave_by_mail},
};

use crate::support::{TestApp, app::OWNER, both_engines, database};

/// So many readers, of seven domains.
const READERS: usize = 60;

fn address(number: usize) -> String {
    format!("reader{number}@mail{}.example.org", number % 7)
}

async fn readers(app: &TestApp, count: usize) {
    let rows: String = (1..=count).map(|number| format!("{},Reader\n", address(number))).collect();
    let basis = Basis { basis: "consent".to_owned(), source: "a test".to_owned() };
    let file = format!("email,name\n{rows}");
    let report = subscribers::import(&app.site, file.as_bytes(), app.list().await, &basis).await;
    assert_eq!(report.expect("the file is in order").added, count as u64);
}

async fn edition(app: &TestApp, id: i64) -> publishing::Edition {
    publishing::load(&app.site.db, id).await.expect("the edition")
}

async fn suppressed(app: &TestApp) -> i64 {
    let mut count = 0;
    for number in 1..=READERS {
        let address = EmailAddress::parse(&address(number)).expect("an address");
        count += i64::from(Suppressions::new(&app.site).reason(&address).await.expect("a read").is_some());
    }
    count
}

async fn balance(app: &TestApp, id: i64) {
    let audit = delivery::audit_copies(&app.site.db, id).await.expect("an audit");
    assert!(audit.holds(), "{audit:?}");
}

/// The edition is paused with the words, the owners are told, nobody is stopped; once the server takes mail again, everybody
/// gets their copy.
async fn it_stops_and_goes_on(app: &TestApp, id: i64, words: &str, told: usize) {
    let paused = edition(app, id).await;
    assert_eq!(paused.state, EditionState::Paused, "{words}: {:?}", paused.paused_because);
    receive_refusals(&app.site).await.expect("the log is read");
    assert_eq!(suppressed(app).await, 0, "{words}");
    assert_eq!(jobs::tell_news(&app.site).await.expect("told"), 1, "{words}");
    assert_eq!(jobs::tell_news(&app.site).await.expect("told"), 0, "once is enough");
    app.sandbox.smtp_script().clear();
    app.drain().await;
    let letters = app.mails(OWNER.0);
    assert_eq!(letters.len(), told, "{words}");
    let letter = letters.last().expect("a letter").text.clone();
    assert!(letter.contains(&words.replace("5.7.1 ", "")) || letter.contains(words), "{words}: {letter}");
    // Nothing of it goes out before a person has looked.
    assert_eq!(edition(app, id).await.state, EditionState::Paused);
    let page = app.desk().await.open(&format!("/desk/editions/{}", paused.public_id)).await;
    page.says("Paused by itself.");
    assert!(!page.text().contains("no such mailbox"), "{words}: {}", page.text());
    let (revision, _) = publishing::current_revision(&app.site.db, id).await.expect("it has one");
    publishing::retry_failed(&app.site, &paused.public_id, ("", revision), None)
        .await
        .expect("they are tried again");
    app.resume(&paused.public_id).await;
    app.drain().await;
    assert_eq!(edition(app, id).await.state, EditionState::Finished, "{words}");
    let progress = delivery::progress_of(&app.site.db, id).await.expect("the figures");
    assert_eq!((progress.accepted, progress.failed), (READERS as i64, 0), "{words}: {progress}");
    balance(app, id).await;
}

both_engines! {
    /// TRUST M23, F9: what a server has against us stops the edition, whatever the words and the command; nobody is stopped,
    /// the owners are told, and trying again reaches everybody.
    async fn a_refusal_of_us_stops_the_edition_whatever_its_words(app: TestApp) {
        readers(&app, READERS).await;
        let mut told = 0;
        for (stage, code, words) in [
            (Stage::Rcpt, 550, "Service unavailable; Client host [192.0.2.1] blocked using zen.example.net"),
            (Stage::Rcpt, 553, "http://blocklist.example.net/query?ip=192.0.2.1"),
            (Stage::Rcpt, 550, "Sender verify failed"),
            (Stage::Rcpt, 554, "Relay access denied"),
            (Stage::Rcpt, 553, "5.1.8 Sender address rejected: Domain not found"),
            (Stage::Mail, 550, "Service unavailable; Client host [192.0.2.1] blocked using zen.example.net"),
            (Stage::Mail, 550, "no such user"),
            (Stage::Mail, 553, "5.1.8 Sender address rejected: Domain not found"),
            (Stage::Dot, 554, "Message refused: bad DNS PTR for 192.0.2.1"),
            (Stage::Dot, 550, "Sender verify failed"),
        ] {
            app.sandbox.smtp_script().add(Rule::at(stage).reply(code, words));
            let id = app.seal_edition(words).await;
            app.send().await;
            told += 1;
            it_stops_and_goes_on(&app, id, words, told).await;
        }
    }

    /// TRUST M23, F9: no list of readers is all gone: plain words about mailboxes stop the edition too, and nobody is stopped
    /// before somebody has looked.
    async fn an_implausible_share_of_refusals_stops_the_edition(app: TestApp) {
        readers(&app, READERS).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(550, "5.1.1 User unknown"));
        let id = app.seal_edition("All gone?").await;
        app.send().await;
        let paused = edition(&app, id).await;
        assert_eq!(paused.state, EditionState::Paused);
        assert!(paused.paused_because.contains("550 5.1.1 User unknown"), "{}", paused.paused_because);
        receive_refusals(&app.site).await.expect("the log is read");
        assert_eq!(suppressed(&app).await, 0);
        // One event, one letter, and one line at the desk; what there is to decide of the readers is asked all the same.
        assert_eq!(jobs::tell_news(&app.site).await.expect("told"), 1);
        assert_eq!(publishing::tell_of_returned(&app.site).await.expect("told"), 0, "the same once more");
        assert_eq!(publishing::returned(&app.site).await.expect("a read").len(), 1);
        let desk = app.desk().await.open("/desk").await;
        desk.says("paused by itself and waits for a decision");
        assert!(!desk.text().contains("too many to be true"));
        app.sandbox.smtp_script().clear();
        let (revision, _) = publishing::current_revision(&app.site.db, id).await.expect("it has one");
        publishing::retry_failed(&app.site, &paused.public_id, ("no such mailbox", revision), None).await.expect("again");
        app.resume(&paused.public_id).await;
        app.drain().await;
        assert_eq!(delivery::progress_of(&app.site.db, id).await.expect("the figures").accepted, READERS as i64);
        app.leaves_work();
    }

    /// TRUST M23: the letter about its pause tells of refusals as long as it stands still for them. If it goes on and what came
    /// back is still to be decided, people are told of that.
    async fn what_is_still_to_be_decided_is_told_when_the_edition_goes_on(app: TestApp) {
        readers(&app, READERS).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(550, "5.1.1 User unknown"));
        let id = app.seal_edition("All gone?").await;
        app.send().await;
        receive_refusals(&app.site).await.expect("the log is read");
        assert_eq!(publishing::tell_of_returned(&app.site).await.expect("told"), 0, "its pause tells");
        app.sandbox.smtp_script().clear();
        app.resume(&edition(&app, id).await.public_id).await;
        assert_eq!(publishing::tell_of_returned(&app.site).await.expect("told"), 1, "nobody has decided");
        assert_eq!(publishing::tell_of_returned(&app.site).await.expect("told"), 0, "once is enough");
        app.drain().await;
        assert_eq!(app.last_mail(OWNER.0).subject, "Many copies came back: All gone?");
        app.leaves_work();
    }

    /// TRUST M23: an edition too small for a window is looked at when it is over.
    async fn a_small_edition_that_is_refused_wholly_is_not_finished(app: TestApp) {
        app.leaves_work();
        readers(&app, 12).await;
        app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).reply(550, "we have no room for you"));
        let id = app.seal_edition("For twelve").await;
        app.send().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Paused);
        // Who lets it go on has seen it: the old outcomes do not stop it again, new ones do.
        let public_id = edition(&app, id).await.public_id;
        app.resume(&public_id).await;
        app.send().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Finished);
        let (revision, _) = publishing::current_revision(&app.site.db, id).await.expect("it has one");
        let again = publishing::retry_failed(&app.site, &public_id, ("", revision), None).await.expect("again");
        assert_eq!(again, 12);
        app.send().await;
        assert_eq!(edition(&app, id).await.state, EditionState::Paused);
        balance(&app, id).await;
    }

    /// TRUST F9: some who are gone among many who are not are ordinary, and are stopped at once.
    async fn a_few_refusals_stop_their_readers_and_nothing_else(app: TestApp) {
        readers(&app, READERS).await;
        for number in [3, 17, 30, 44] {
            app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(&address(number)).reply(550, "5.1.1 User unknown"));
        }
        let id = app.send_edition("Most of you").await;
        assert_eq!(edition(&app, id).await.state, EditionState::Finished);
        receive_refusals(&app.site).await.expect("the log is read");
        assert_eq!(suppressed(&app).await, 4);
    }

    /// TRUST M23, M24: failures that come back later in a mass stop nobody until somebody has looked; then they do what was
    /// decided, and one that is still to come does the same.
    async fn a_mass_of_bounces_waits_for_a_person(app: TestApp) {
        readers(&app, READERS).await;
        let gone = app.send_edition("Really gone").await;
        for number in 1..=30 {
            bounce(&app, number).await;
        }
        assert_eq!(suppressed(&app).await, 0, "nobody is stopped, and who was is mailed again");
        assert_eq!(publishing::tell_of_returned(&app.site).await.expect("told"), 1);
        assert_eq!(publishing::tell_of_returned(&app.site).await.expect("told"), 0, "once is enough");
        app.drain().await;
        let letter = app.last_mail(OWNER.0);
        assert_eq!(letter.subject, "Many copies came back: Really gone");
        let desk = app.desk().await;
        desk.open("/desk").await.says("came back, too many to be true");
        let page = desk.open("/desk/bounces").await;
        page.says("30 copies of Really gone came back").says("no such user here").says("waits for you");
        let public_id = edition(&app, gone).await.public_id;
        let form = page.form(&format!("/desk/bounces/{public_id}/gone"));
        desk.submit(&form).await;
        assert_eq!(suppressed(&app).await, 30);
        assert_eq!(bounce(&app, 31).await, Effect::Bounced);
        assert_eq!(suppressed(&app).await, 31);
        // Pressed twice, or by somebody else as well: nothing changes.
        desk.submit(&form).await;

        let kept = app.send_edition("About us").await;
        for number in 32..=50 {
            bounce(&app, number).await;
        }
        let page = desk.open("/desk/bounces").await;
        let public_id = edition(&app, kept).await.public_id;
        desk.submit(&page.form(&format!("/desk/bounces/{public_id}/kept"))).await;
        assert_eq!(bounce(&app, 51).await, Effect::Policy);
        assert_eq!(suppressed(&app).await, 31);
        publishing::tell_of_returned(&app.site).await.expect("told");
        desk.open("/desk/bounces").await.says("not their fault");
        app.drain().await;
    }

    /// What a person writes to the address for bounces is read by a person: as text, and until then.
    async fn a_letter_to_the_address_for_bounces_is_shown_at_the_desk(app: TestApp) {
        readers(&app, 2).await;
        app.send_edition("The first").await;
        let reader = address(1);
        let return_address = app.sandbox.mailbox().to(&reader).last().expect("a copy").from.clone();
        let letter = format!(
            "From: Ann <ann.other@example.com>\r\nTo: {return_address}\r\nSubject: Re: The first\r\n\r\n\
             Please unsubscribe me <script>alert(1)</script>\r\n> The first\r\n"
        );
        let stranger = "From: who@example.net\r\nTo: bounce@example.org\r\nSubject: Hello\r\n\r\nIs anybody there?\r\n";
        let program = "From: who@example.net\r\nTo: bounce@example.org\r\nPrecedence: bulk\r\nSubject: Offer\r\n\r\nBuy.\r\n";
        assert_eq!(receive_mail(&app.site, letter.as_bytes(), leave_by_mail).await.expect("taken in"), Effect::Letter);
        assert_eq!(receive_mail(&app.site, letter.as_bytes(), leave_by_mail).await.expect("taken in"), Effect::Known);
        assert_eq!(receive_mail(&app.site, stranger.as_bytes(), leave_by_mail).await.expect("taken in"), Effect::Letter);
        assert_eq!(receive_mail(&app.site, program.as_bytes(), leave_by_mail).await.expect("taken in"), Effect::Unproven);
        let desk = app.desk().await;
        let page = desk.open("/desk/bounces").await;
        page.says("ann.other@example.com").says("Please unsubscribe me").says(&format!("answers the copy of {reader}"));
        page.says("who@example.net so the email says; not proven").says("Is anybody there?");
        assert!(!page.body.contains("<script>alert"), "text only");
        assert_eq!(suppressed(&app).await, 0, "it changes nothing by itself");
        let ids = database::rows::<(i64,)>(&app.site.db, "select id from bounce_letter order by id").await;
        desk.submit(&page.form(&format!("/desk/bounces/letters/{}", ids[0].0))).await;
        let page = desk.open("/desk/bounces").await;
        assert!(!page.text().contains("ann.other@example.com"), "it is forgotten");
    }

    /// TRUST M24: whom a mail says that it is from, or about, is anybody's to write. Without a proof it acts on nobody, and the
    /// desk says so before somebody acts on it.
    async fn a_name_that_anybody_can_write_acts_on_nobody(app: TestApp) {
        readers(&app, 1).await;
        app.send_edition("The first").await;
        let reader = address(1);
        let boundary = "Content-Type: multipart/report; boundary=b\r\nSubject: Report\r\n\r\n--b\r\n";
        let returned = format!("--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1.2.abc@example.org>\r\nTo: {reader}\r\n\r\n--b--\r\n");
        let mails = [
            ("Subject: unsubscribe\r\n\r\nPlease unsubscribe me at once.\r\n".to_owned(), Effect::Letter),
            ("Subject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nI have left for good.\r\n".to_owned(), Effect::Unproven),
            (format!("{boundary}Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: {reader}\r\nRemoval-Recipient: {reader}\r\n{returned}"), Effect::Unproven),
            (format!("{boundary}Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; {reader}\r\nAction: failed\r\nStatus: 5.1.1\r\n{returned}"), Effect::Unproven),
            (format!("Subject: Undelivered Mail\r\nX-Failed-Recipients: {reader}\r\n\r\n{reader}\r\n  550 5.1.1 user unknown\r\n"), Effect::Unproven),
            (format!("Subject: Notification\r\n\r\n{{\"notificationType\":\"Complaint\",\"complaint\":{{\"complainedRecipients\":[{{\"emailAddress\":\"{reader}\"}}]}}}}\r\n"), Effect::Unproven),
        ];
        for (mail, effect) in mails {
            let mail = format!("From: {reader}\r\nReply-To: {reader}\r\nTo: bounce@example.org\r\n{mail}");
            assert_eq!(receive_mail(&app.site, mail.as_bytes(), leave_by_mail).await.expect("taken in"), effect, "{mail}");
        }
        let states = database::rows::<(String,)>(&app.site.db, "select state from subscription").await;
        assert!(states.iter().all(|(state,)| state == "confirmed"), "{states:?}");
        assert_eq!(suppressed(&app).await, 0);
        let page = app.desk().await.open("/desk/bounces").await;
        page.says(&format!("{reader} so the email says; not proven")).says("Please unsubscribe me at once").says("Look at the reader");
        assert!(!page.text().contains("Take them off a list"), "that is for who asked them");
        app.leaves_work();
    }

    /// TRUST A32: however many write, under whatever address, what is kept is bounded, and no letter goes that came before them: neither one
    /// of somebody nobody knows, nor a reader's, nor one that answers a copy. That some were not kept is said at the desk.
    async fn letters_are_bounded_and_those_that_came_first_stay(app: TestApp) {
        readers(&app, 1).await;
        app.send_edition("The first").await;
        let return_address = app.sandbox.mailbox().to(&address(1)).last().expect("a copy").from.clone();
        let write = async |from: &str, to: &str, subject: String| {
            let letter = format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello {subject}\r\n");
            receive_mail(&app.site, letter.as_bytes(), leave_by_mail).await.expect("taken in");
        };
        let kept = async || {
            let kept = database::rows::<(String,)>(&app.site.db, "select subject from bounce_letter order by id").await;
            kept.into_iter().map(|(subject,)| subject).collect::<Vec<_>>()
        };
        write("zoe@stranger.example", "bounce@example.org", "Please delete my data".to_owned()).await;
        for n in 1..=205 {
            write(&format!("x{n}@invented{n}.example"), "bounce@example.org", format!("forged {n}")).await;
        }
        assert_eq!(kept().await.len(), 200);
        assert_eq!(kept().await[0], "Please delete my data");
        for n in 1..=8 {
            write(&address(1), "bounce@example.org", format!("a reader's {n}")).await;
            write("one@invented.example", &return_address, format!("an answer {n}")).await;
        }
        let now = kept().await;
        let of = |begins: &str| now.iter().filter(|subject| subject.starts_with(begins)).count();
        assert_eq!((now.len(), of("Please"), of("a reader's"), of("an answer")), (200, 1, 5, 5), "{now:?}");
        app.desk().await.open("/desk").await.says("Letters of people to the address for bounces were not kept");
        app.leaves_work();
    }
}

/// A reader's newest copy comes back as if they were gone.
async fn bounce(app: &TestApp, number: usize) -> Effect {
    let reader = address(number);
    let return_address = app.sandbox.mailbox().to(&reader).last().expect("a copy").from.clone();
    let text = format!(
        "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mx.example.com>\nTo: {return_address}\nSubject: Undelivered\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n\
         Final-Recipient: rfc822; {reader}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user here\n\n--b--\n"
    );
    receive_mail(&app.site, text.replace('\n', "\r\n").as_bytes(), leave_by_mail)
        .await
        .expect("it is taken in")
}
