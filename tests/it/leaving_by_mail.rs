//! Leaving by the mail that a mail program writes to the second address of List-Unsubscribe (RFC 2369).

use std::time::Duration;

use broadside::{
    bounces::{Effect, receive_mail, receive_maildir},
    site::Site,
    subscribers::{self, ConsentMethod, Trace, consent, leave_by_mail, lists},
};

use crate::support::{TestApp, TestDb, both_engines, database, scratch};

const ANN: &str = "ann@example.org";
const DAY: Duration = Duration::from_secs(86_400);

/// The address of the web for leaving by mail, as Ann's newest copy has it.
fn mailto(app: &TestApp) -> String {
    let header = app.last_mail(ANN).header("List-Unsubscribe").expect("every edition has the header");
    let (_, rest) = header.split_once("<mailto:").expect("it names an address of mail");
    rest.trim_end_matches('>').to_owned()
}

/// The same, as somebody writes to it.
fn address(app: &TestApp) -> String {
    let uri = mailto(app);
    let (address, question) = uri.split_once('?').expect("it names a subject");
    assert_eq!(question, "subject=unsubscribe");
    address.to_owned()
}

async fn reader(app: &TestApp) -> String {
    app.reader(ANN).await;
    app.send_edition("The first edition").await;
    address(app)
}

fn letter(to: &str, head: &str, body: &str) -> String {
    format!("From: Ann <ann.private@example.com>\r\nTo: {to}\r\n{head}\r\n{body}\r\n")
}

async fn take(app: &TestApp, mail: &str) -> Effect {
    receive_mail(&app.site, mail.as_bytes(), leave_by_mail).await.expect("it is taken in")
}

async fn standing(app: &TestApp) -> Vec<(String, &'static str)> {
    let reader = app.reader_row(ANN).await;
    let known = subscribers::subscriptions(&app.site.db, reader).await.expect("a read");
    known.into_iter().map(|one| (one.slug, one.state.as_str())).collect()
}

async fn gets_it(app: &TestApp) -> bool {
    standing(app).await.contains(&("digest".to_owned(), "confirmed"))
}

async fn come_back(app: &TestApp) {
    let ann = ANN.parse().expect("an address");
    subscribers::add_by_staff(&app.site, &ann, "", app.list().await, "they asked").await.expect("added");
}

both_engines! {
    /// TRUST M7, T8: whatever it says and whoever writes it, it leaves that list at once, and no other; twice is once.
    async fn a_mail_to_the_address_leaves_its_list(app: TestApp) {
        let mut tx = app.site.db.begin().await.expect("a transaction");
        lists::add(&mut tx, &app.site, "appeals", "Appeals", "").await.expect("a list");
        tx.commit().await.expect("a commit");
        let address = reader(&app).await;
        let appeals = lists::all(&app.site.db).await.expect("the lists").iter().find(|one| one.slug == "appeals").expect("it").id;
        let ann = ANN.parse().expect("an address");
        subscribers::add_by_staff(&app.site, &ann, "", appeals, "a test").await.expect("added");
        let second = app.seal_edition("The second edition").await;
        let mail = letter(&address, "Subject: unsubscribe\r\n", "");
        assert_eq!(take(&app, &mail).await, Effect::Left);
        assert_eq!(take(&app, &mail).await, Effect::Known);
        assert_eq!(standing(&app).await, [("digest".to_owned(), "left"), ("appeals".to_owned(), "confirmed")]);
        app.drain().await;
        assert!(app.mails(ANN).iter().all(|mail| mail.subject != "The second edition"), "what waits is withdrawn");
        assert!(broadside::delivery::audit_copies(&app.site.db, second).await.expect("an audit").holds());
        let proof = consent::proof(&app.site.db, app.reader_row(ANN).await).await.expect("the proof");
        let last = proof.last().expect("an event");
        assert_eq!((last.method, last.list.as_str()), (ConsentMethod::Mailto, "The digest"));
        assert!(last.source.starts_with("mail ") && !last.source.contains('@'), "{last:?}");
        // Other words, in other spellings, a year later.
        for (number, (to, head)) in [
            (address.to_uppercase(), "Subject: Re: The first edition\r\nAuto-Submitted: no\r\n"),
            (format!("<{address}>"), ""),
            (format!("other@example.net, \"Leave\" <{address}>"), "Subject: =?utf-8?q?K=C3=BCndigung?=\r\n"),
            (address.clone(), "Subject: Unsubscribe\r\nAuto-Submitted: auto-generated\r\n"),
            ("undisclosed-recipients:;".to_owned(), &*format!("Delivered-To: {address}\r\n")),
        ].into_iter().enumerate() {
            app.advance(DAY * 90);
            come_back(&app).await;
            assert_eq!(take(&app, &letter(&to, head, &format!("No more, please. {number}"))).await, Effect::Left, "{to} {head}");
            assert!(!gets_it(&app).await, "{to} {head}");
        }
        // A mail that was read before takes nobody off who came back since.
        come_back(&app).await;
        assert_eq!(take(&app, &mail).await, Effect::Known);
        assert!(gets_it(&app).await);
        assert_eq!(database::rows::<(i64,)>(&app.site.db, "select id from bounce_letter").await, [], "nobody has to read them");
    }

    /// TRUST M12, M24: no automatic answer and nothing that is returned or passed on leaves a list, though it comes to the address.
    async fn what_a_program_sends_there_leaves_nothing(app: TestApp) {
        let address = reader(&app).await;
        let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
            Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; ann@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";
        for head in [
            "Subject: unsubscribe\r\nAuto-Submitted: auto-replied\r\n",
            "Subject: Automatic reply: unsubscribe\r\nAuto-Submitted: auto-generated\r\n",
            "Subject: unsubscribe\r\nAuto-Submitted: auto-generated\r\nIn-Reply-To: <1@example.org>\r\n",
            "Subject: unsubscribe\r\nAuto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n",
            "Subject: Out of office: unsubscribe\r\n",
            "Subject: Re: unsubscribe\r\nPrecedence: auto_reply\r\n",
            "Subject: unsubscribe\r\nPrecedence: bulk\r\n",
            "Subject: unsubscribe\r\nX-Autoreply: yes\r\n",
            "Subject: unsubscribe\r\nList-Id: <friends.example.net>\r\n",
            "Subject: Undelivered\r\nReturn-Path: <>\r\n",
            "Subject: unsubscribe\r\nAuto-Submitted: auto-generated\r\nReturn-Path: <>\r\n",
            report,
        ] {
            let effect = take(&app, &letter(&address, head, "I am away until Monday.")).await;
            assert_eq!(effect, Effect::Unproven, "{head}");
            assert!(gets_it(&app).await, "{head}");
        }
        let daemon = letter(&address, "Subject: unsubscribe\r\n", "").replace("ann.private@", "mailer-daemon@");
        assert_eq!(take(&app, &daemon).await, Effect::Unproven);
        assert!(gets_it(&app).await);
    }

    /// TRUST M4: a proof that was made up, or is of something else, changes nothing; a person reads what was written.
    async fn a_forged_address_leaves_nothing(app: TestApp) {
        let address = reader(&app).await;
        let (local, domain) = address.split_once('@').expect("an address");
        let return_address = app.sandbox.mailbox().to(ANN).last().expect("a copy").from.clone();
        let last = if local.ends_with('a') { 'b' } else { 'a' };
        let forged = [
            format!("{}{last}@{domain}", &local[..local.len() - 1]),
            format!("{}@{domain}", &local[..local.len() - 1]),
            address.replace("bounce+", "bounce+x."),
            address.replace(domain, "example.net"),
            return_address,
            "bounce@example.org".to_owned(),
        ];
        for (number, to) in forged.iter().enumerate() {
            let effect = take(&app, &letter(to, "Subject: unsubscribe\r\n", &number.to_string())).await;
            assert_eq!(effect, Effect::Letter, "{to}");
            assert!(gets_it(&app).await, "{to}");
        }
        // Whoever is forgotten, or was never there.
        let nobody = Site { bounce_address: None, ..app.site.clone() };
        let mail = letter(&address, "Subject: unsubscribe\r\n", "").replace("ann.private", "bea.private");
        assert_eq!(receive_mail(&nobody, mail.as_bytes(), leave_by_mail).await.expect("taken in"), Effect::Letter);
        assert!(gets_it(&app).await);
    }

    /// TRUST T10: it stands in the journal; what comes by maildir is counted.
    async fn leaving_by_mail_is_written_down_and_counted(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let address = reader(&app).await;
        let maildir = scratch::folder();
        for folder in ["new", "cur", "tmp"] {
            std::fs::create_dir(maildir.join(folder)).expect("a folder");
        }
        std::fs::write(maildir.join("new/1"), letter(&address, "Subject: unsubscribe\r\n", "")).expect("a mail");
        let taken = receive_maildir(&app.site, &maildir, leave_by_mail).await.expect("a maildir");
        assert_eq!((taken.read, taken.left, taken.letters), (1, 1, 0));
        let journal = std::fs::read_to_string(app.site.journal.path().expect("it has one")).expect("our own file");
        assert!(journal.lines().last().is_some_and(|line| line.contains("left ") && line.contains("mailto")), "{journal}");
        assert!(!journal.contains("example.com"), "{journal}");
        let link = app.last_mail(ANN).link("/unsubscribe/");
        let token = link.rsplit('/').next().expect("a token");
        let back = subscribers::rejoin(&app.site, token, Trace::default()).await.expect("by mistake");
        assert!(back.subscribed);
    }

    /// Where no mailbox takes what comes back, no address is named.
    async fn without_a_mailbox_there_is_no_address(app: TestApp) {
        app.reader(ANN).await;
        let edition = app.send_edition("The first edition").await;
        let nowhere = Site { bounce_address: None, ..app.site.clone() };
        let names = app.names(edition, app.reader_row(ANN).await).await;
        assert!(names.leaving_mailto(&app.site).is_some_and(|uri| uri.ends_with(&mailto(&app))));
        assert_eq!(names.leaving_mailto(&nowhere), None);
    }
}
