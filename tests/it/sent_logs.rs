//! Half an edition went out, and a backup from before was restored: a log tells who has it (TRUST M9, F30).

use std::{collections::BTreeSet, path::PathBuf};

use broadside::{
    delivery::{self, Which},
    publishing::{self, Edition, HaveIt, SentLog},
    restored::restored,
    token::{Keys, RootSecret},
};

use crate::{
    command_line::text,
    support::{TestApp, both_engines, database, program::Program, scratch},
};

/// The Message-ID of `reader{number}@example.org`'s copy.
async fn id(app: &TestApp, edition: i64, number: usize) -> String {
    let reader = app.reader_row(&format!("reader{number}@example.org")).await;
    app.names(edition, reader).await.message_id(&app.site).expect("it has one")
}

/// An edition on its way to so many readers, held by a restored backup, and another that reached them before.
async fn held(app: &TestApp, readers: usize) -> (Edition, i64) {
    app.readers(readers).await;
    let other = app.send_edition("The one before").await;
    let half = app.seal_edition("Half of it went out").await;
    restored(&app.site, None, None, (None, None)).await.expect("it is said");
    (publishing::load(&app.site.db, half).await.expect("it is there"), other)
}

fn file(name: &str, lines: &str) -> PathBuf {
    let path = scratch::folder().join(name);
    std::fs::write(&path, lines).expect("our own folder");
    path
}

fn release(app: &TestApp, edition: &Edition, files: &[&PathBuf]) -> (bool, String) {
    let named = files.iter().flat_map(|file| ["--sent-log", file.to_str().expect("our own name")]);
    // The order in which the usage prints them.
    let arguments: Vec<&str> =
        ["edition", "release"].into_iter().chain(named).chain([edition.public_id.as_str()]).collect();
    let output = Program::run(app, &arguments);
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// As Postfix writes, with what else happens between.
fn postfix(number: &str, id: &str, to: &str, status: &str) -> String {
    format!(
        "Mar  3 09:00:01 mail postfix/smtpd[4240]: {number}: client=app[127.0.0.1]\n\
         Mar  3 09:00:01 mail postfix/cleanup[4241]: {number}: message-id=<{id}>\n\
         Mar  3 09:00:01 mail postfix/qmgr[812]: {number}: from=<bounce@example.org>, size=2451, nrcpt=1 (queue active)\n\
         Mar  3 09:00:02 mail postfix/smtp[4242]: {number}: to=<{to}>, relay=mx.example.net[192.0.2.1]:25, delay=0.9, delays=0.1/0/0.4/0.4, dsn=2.0.0, status={status}\n"
    )
}

both_engines! {
    /// The log of a mail server was turned in the middle of the edition. Who has it gets no second copy; the others get theirs.
    async fn who_has_it_by_the_log_gets_no_second_copy(app: TestApp) {
        app.leaves_work();
        let (edition, other) = held(&app, 6).await;
        let sent = "sent (250 2.0.0 Ok: queued as 9F1)";
        let id_of = async |number| id(&app, edition.id, number).await;
        let to = |number: usize| format!("Reader{number}@Example.org");
        let mut first = postfix("4F2B1A", &id_of(1).await, &to(1), sent);
        first += "Mar  3 09:00:02 mail postfix/qmgr[812]: 4F2B1A: removed\n";
        first += &postfix("3YzX5p2QJLz9vS", &id_of(2).await, &to(2), "deferred (host mx.example.net[192.0.2.1] said: 450 4.2.0 status=sent later (in reply to RCPT TO command))");
        first += &postfix("6C3D01", &id_of(3).await, &to(3), sent);
        // The number of a message that is done goes to another one, to a reader whose copy did not go out.
        first += &postfix("4F2B1A", "letter@elsewhere.example.com", &to(4), sent);
        first += &postfix("5A0001", &id(&app, other, 4).await, &to(4), sent);
        first += &postfix("5A0002", &id_of(5).await, &to(5), "bounced (host mx.example.net[192.0.2.1] said: 550 5.1.1 no such user)");
        first += "Mar  3 09:00:02 mail postfix/bounce[4250]: 5A0002: sender non-delivery notification: 5A0009\n\
                  Mar  3 09:00:02 mail postfix/qmgr[812]: 5A0002: removed\n";
        // Everything also goes to an archive; the reader's own copy still waits.
        first += &postfix("5A0003", &id_of(6).await, &to(6), "deferred (connect to mx.example.net[192.0.2.1]:25: Connection timed out)");
        first += "Mar  3 09:00:03 mail postfix/local[4251]: 5A0003: to=<archive@example.org>, relay=local, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)\n";
        let second = "Mar  3 10:00:02 mail postfix/smtp[4242]: 3YzX5p2QJLz9vS: to=<reader2@example.org>, relay=mx.example.net[192.0.2.1]:25, delay=3600, delays=3599/0/0.4/0.4, dsn=2.0.0, status=sent (250 ok)\n\
                      Mar  3 10:00:02 mail postfix/qmgr[812]: 3YzX5p2QJLz9vS: removed\n";
        let (first, second) = (file("mail.log.1", &first), file("mail.log", second));

        let (well, said) = release(&app, &edition, &[&file("notes", "to whom it may concern\n<p>status=sent</p>\n")]);
        assert!(!well && said.contains("nothing in") && said.contains("Nobody was marked"), "{said}");
        let packed = file("mail.log.2.gz", "\u{1f}");
        std::fs::write(&packed, b"\x1f\x8b\x08\x00").expect("our own folder");
        let (well, said) = release(&app, &edition, &[&first, &packed]);
        assert!(!well && said.contains("is packed: zcat") && said.contains("--sent-log -"), "{said}");
        // A log that was just turned has nothing in it yet.
        let (well, said) = release(&app, &edition, &[&first, &second, &file("mail.log", "")]);
        assert!(well && said.contains("19 of 34 lines were understood"), "{said}");
        assert!(said.contains("3 readers have it already") && said.contains("1 of its copies had not left"), "{said}");
        // A second time there is nobody left to mark.
        let (well, said) = release(&app, &edition, &[&first, &second]);
        assert!(well && said.contains("0 readers have it already"), "{said}");

        let desk = app.desk().await;
        let path = format!("/desk/editions/{}", edition.public_id);
        desk.submit(&desk.open(&path).await.form("/resume")).await;
        app.drain().await;
        for number in 1..=6 {
            let got = app.mails(&format!("reader{number}@example.org"));
            let copies = got.iter().filter(|mail| mail.subject == "Half of it went out").count();
            assert_eq!(copies, usize::from(number > 3), "reader {number}");
        }
        let (well, said) = release(&app, &edition, &[&first, &second]);
        assert!(!well && said.contains("is not held back"), "{said}");
        let audit = delivery::audit_copies(&app.site.db, edition.id).await.expect("an audit");
        assert!(audit.holds() && audit.rows.open == 0 && audit.rows.unknown == 3, "{audit:?}");
    }

    /// Each kind of log, with copies that left and some that did not.
    async fn logs_of_every_kind_name_the_copies_that_left(app: TestApp) {
        app.leaves_work();
        let (edition, _) = held(&app, 4).await;
        let mut ids = Vec::new();
        for number in 1..=4 {
            ids.push(id(&app, edition.id, number).await);
        }
        let exim = "2026-03-03 09:00:01 1rgAbc-0001Xy-2z <= bounce@example.org H=app [127.0.0.1] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 S=2451 id={1} T=\"id=<{4}>\"\n\
                    2026-03-03 09:00:02 1rgAbc-0001Xy-2z => reader1@example.org R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1] C=\"250 OK\"\n\
                    2026-03-03 09:00:02 1rgAbc-0001Xy-2z Completed\n\
                    Mar  3 09:00:03 mail exim[77]: 2026-03-03 09:00:03.123 +0100 [77] 1rgAbc-000000001Xy-2zAb <= bounce@example.org U=app P=local S=2451 id={2}\n\
                    2026-03-03 09:00:04 1rgAbc-000000001Xy-2zAb == reader2@example.org R=dnslookup T=remote_smtp defer (110): Connection timed out\n\
                    2026-03-03 10:00:04 1rgAbc-000000001Xy-2zAb => two@elsewhere.example.com <Reader2@example.org> R=dnslookup T=remote_smtp\n\
                    2026-03-03 10:00:04 1rgAbc-000000001Xy-2zAb -> archive@example.org R=local T=pipe\n\
                    2026-03-03 09:00:05 1rgAbd-0001Xz-3a <= bounce@example.org H=app [127.0.0.1] P=smtp S=2451 id={3}\n\
                    2026-03-03 09:00:06 1rgAbd-0001Xz-3a ** reader3@example.org R=dnslookup T=remote_smtp: 550 no such user\n\
                    2026-03-03 09:00:06 1rgAbd-0001Xz-3a Completed\n";
        let json = "{\"event\":\"delivered\",\"recipient\":\"reader1@example.org\",\"message\":{\"headers\":{\"message-id\":\"{1}\"}}}\n\
                    [{\"event\":\"delivered\",\"email\":\"reader2@example.org\",\"smtp-id\":\"<{2}>\"},{\"event\":\"bounce\",\"smtp-id\":\"<{3}>\"}]\n\
                    {\"eventType\":\"Bounce\",\"mail\":{\"messageId\":\"0100-abc\",\"headers\":[{\"name\":\"Message-ID\",\"value\":\"<{4}>\"}]}}\n\
                    {\"type\":\"email.sent\",\"status\":\"failed\",\"message_id\":\"<{3}>\"}\n\
                    {\"event\":\"processed\",\"smtp-id\":\"<{4}>\"}\n{\"event\":\"processed\",\"smtp-id\":\"<{1}>\"}\n\
                    {\"level\":\"info\",\"message\":\"sent <{4}>\"}\n";
        let ses = "{\"eventType\":\"Delivery\",\"mail\":{\"messageId\":\"0100-abc\",\"headers\":[{\"name\":\"Message-ID\",\"value\":\"<{1}>\"}]},\"delivery\":{\"recipients\":[\"reader1@example.org\"]}}\n\
                   {\"notificationType\":\"Delivery\",\"mail\":{\"commonHeaders\":{\"messageId\":\"<{2}>\"}}}\n";
        let csv = "\u{feff}\"Date\";\"Status\";\"Subject\";\"Message-ID\"\r\n\
                   2026-03-03;Delivered;\"Half; of it\";<{1}>\r\n2026-03-03;SENT;x;{2}\r\n2026-03-03;Bounced;sent;<{3}>\r\n2026-03-03;queued;delivered;<{4}>\r\n";
        // A journal wraps the lines of a mail server.
        let journal = "{\"_HOSTNAME\":\"mail\",\"MESSAGE\":\"4F2B1A: message-id=<{1}>\"}\n\
                       {\"_HOSTNAME\":\"mail\",\"MESSAGE\":\"4F2B1A: to=<reader1@example.org>, relay=mx.example.net[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)\"}\n\
                       {\"log\":\"Mar  3 09:00:01 mail postfix/cleanup[4241]: 4F2B1B: message-id=<{2}>\\n\",\"stream\":\"stdout\"}\n\
                       {\"log\":\"Mar  3 09:00:01 mail postfix/smtp[4242]: 4F2B1B: to=<reader2@example.org>, relay=none, dsn=2.0.0, status=sent (250 ok)\\n\"}\n\
                       {\"_HOSTNAME\":\"mail\",\"MESSAGE\":\"4F2B1C: message-id=<{3}>\"}\n\
                       {\"_HOSTNAME\":\"mail\",\"MESSAGE\":\"connect from app[127.0.0.1]\"}\n";
        let kinds = [("exim", exim, 10, 0), ("json", json, 6, 0), ("ses", ses, 2, 0), ("csv", csv, 4, 1), ("journal", journal, 5, 1)];
        for (kind, log, understood, in_queue) in kinds {
            let mut lines = log.to_owned();
            for (at, id) in ids.iter().enumerate() {
                lines = lines.replace(&format!("{{{}}}", at + 1), id);
            }
            let mut log = SentLog::new(&app.site, &edition);
            assert_eq!(log.read(lines.as_bytes()).expect("it is in memory"), understood, "{kind}");
            assert_eq!(log.in_queue(), in_queue, "{kind}");
            let sent = log.have_it();
            let moved = publishing::have_it(&app.site, &edition.public_id, &sent, None).await.expect("said");
            assert_eq!(moved, 2, "{kind}: {sent:?}");
            let HaveIt::Sent(sent) = sent else { panic!("{kind}") };
            assert_eq!(sent.iter().map(|(which, _)| format!("{which:?}")).collect::<BTreeSet<_>>().len(), 2, "{kind}");
            publishing::nobody_has_it(&app.site, &edition.public_id, None).await.expect("taken back");
        }
    }

    /// TRUST M9: whatever a log says, only a Message-ID that this magazine made for this edition counts: with another secret's
    /// proof, with another edition's, of a reader it was not made for, or with a letter changed it is nobody's. The host before
    /// a move, and capitals, are no forgery.
    async fn only_our_own_ids_of_that_edition_count(app: TestApp) {
        app.leaves_work();
        let (edition, other) = held(&app, 4).await;
        let genuine = id(&app, edition.id, 1).await;
        let (name, _) = genuine.split_once('@').expect("a host");
        let other_root = RootSecret { id: 1, secret: vec![7; 32] };
        let stranger = Keys::new(&other_root, &[], b"s");
        let sql = "select public_id from subscriber where email = 'reader2@example.org'";
        let names: Vec<(String,)> = database::rows(&app.site.db, sql).await;
        let forged = delivery::message_id(&stranger, app.site.host(), &Which::named(&edition.public_id, &names[0].0));
        let proof = name.rsplit('.').next().expect("a proof");
        // The proof is behind the names, and the host has dots.
        let (lent, _) = forged.split('@').next().and_then(|name| name.rsplit_once('.')).expect("a proof");
        let changed = genuine.replacen(&genuine[..1], if genuine.starts_with('a') { "b" } else { "a" }, 1);
        let (lent, others) = (format!("{lent}.{proof}@example.org"), id(&app, other, 2).await);
        for wrong in [forged, lent, changed, others] {
            let lines = postfix("4F2B1A", &wrong, "reader2@example.org", "sent (250 ok)");
            let mut log = SentLog::new(&app.site, &edition);
            log.read(lines.as_bytes()).expect("it is in memory");
            let moved = publishing::have_it(&app.site, &edition.public_id, &log.have_it(), None).await.expect("said");
            assert_eq!(moved, 0, "{wrong}");
        }
        let moved = format!("{}@old.example.org", name.to_uppercase());
        let lines = postfix("4F2B1A", &moved, "reader1@example.org", "sent (250 ok)");
        let mut log = SentLog::new(&app.site, &edition);
        log.read(lines.as_bytes()).expect("it is in memory");
        let moved = publishing::have_it(&app.site, &edition.public_id, &log.have_it(), None).await.expect("said");
        assert_eq!(moved, 1);
    }
}
