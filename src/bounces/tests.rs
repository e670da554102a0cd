//! Small messages of our own writing, one a kind; and the hostile kinds.

use std::time::Duration;

use super::*;
use crate::clock::Stopwatch;

fn message(header: &str, body: &str) -> Vec<u8> {
    format!("{header}\n\n{body}").replace('\n', "\r\n").into_bytes()
}

fn only(bytes: &[u8]) -> ReportedRecipient {
    let report = inspect(bytes);
    assert_eq!(report.recipients.len(), 1, "{report:?}");
    report.recipients.into_iter().next().expect("one recipient")
}

fn dsn(fields: &str) -> Vec<u8> {
    message(
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\nTo: bounce@example.org\nSubject: Undelivered\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b;1\"",
        &format!(
            "--b;1\nContent-Type: text/plain\n\nYour mail did not arrive.\n\n--b;1\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; mx.example.com\n\n{fields}\n--b;1\nContent-Type: text/rfc822-headers\n\n\
             Return-Path: <bounce+1.2.abc@example.org>\nMessage-ID: <1.2.abc@example.org>\nTo: ann@example.com\n\n--b;1--\n"
        ),
    )
}

/// TRUST M24: the fields of each recipient.
#[test]
fn a_status_notification_says_what_its_fields_say() {
    let failed = "Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.1.1\n\
                  Diagnostic-Code: smtp; 550 5.1.1 no such\n  user here\n";
    let report = inspect(&dsn(failed));
    let one = &report.recipients[0];
    assert_eq!(
        (one.address.as_str(), one.class, one.action),
        ("ann@example.com", BounceClass::Hard, Action::Failed)
    );
    assert_eq!((one.status.as_deref(), one.reply.as_deref()), (Some("5.1.1"), Some("550")));
    assert_eq!(one.words, "550 5.1.1 no such user here");
    assert_eq!(report.returned_id.as_deref(), Some("1.2.abc@example.org"));
    assert_eq!(report.returned_path.as_deref(), Some("bounce+1.2.abc@example.org"));
    assert_eq!(report.sent_to, ["bounce@example.org"]);
    let delayed = "Final-Recipient: rfc822; ann@example.com\nAction: delayed\nStatus: 4.4.1\n";
    assert_eq!(only(&dsn(delayed)).action, Action::Delayed);
    let relayed = "Final-Recipient: rfc822; ann@example.com\nAction: relayed\nStatus: 2.0.0\n";
    assert_eq!(only(&dsn(relayed)).class, BounceClass::Delivered);
    let two = "Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.2.2\n\n\
               Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.2\n";
    let classes: Vec<BounceClass> = inspect(&dsn(two)).recipients.iter().map(|one| one.class).collect();
    assert_eq!(classes, [BounceClass::Soft, BounceClass::Hard]);
}

/// TRUST M20, M23: what a server says of our own names is about us, and a code of 4 is for now whatever the field says; neither
/// costs a reader anything.
#[test]
fn our_names_and_codes_of_4_give_nobody_up() {
    let read = |status: &str, words: &str| {
        let fields = "Final-Recipient: rfc822; ann@example.com\nAction: failed\n";
        only(&dsn(&format!("{fields}Status: {status}\nDiagnostic-Code: smtp; {words}\n"))).class
    };
    for (status, words) in [
        ("5.0.0", "550 <bounce+1.2.abc@example.org>: user unknown"),
        ("5.0.0", "550 bounce@example.org does not exist"),
        ("5.0.0", "550 example.org: domain not found"),
        ("5.0.0", "450 mailbox unavailable"),
        ("5.4.7", "550 5.4.7 delivery expired: 450 mailbox unavailable"),
        ("5.0.0", "550 5.0.350 Remote server returned an error -> 450 user unknown"),
    ] {
        assert_eq!(read(status, words), BounceClass::Soft, "{words}");
    }
    for (status, words) in [
        ("5.0.0", "550 <ann@example.com>: user unknown"),
        ("5.0.0", "550 unknown user ann; your message from bounce@example.org was not delivered"),
        ("5.0.0", "550 5.0.350 Remote server returned an error -> 550 user unknown"),
    ] {
        assert_eq!(read(status, words), BounceClass::Hard, "{words}");
    }
}

/// A status of the other server's words beats a vague one of the reporter's field.
#[test]
fn the_more_telling_status_counts() {
    let fields = "Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.0.0\n\
                  Diagnostic-Code: smtp; 552 5.2.2 over quota\n";
    let one = only(&dsn(fields));
    assert_eq!((one.status.as_deref(), one.reason), (Some("5.2.2"), Reason::Full));
}

/// TRUST M23: a code that is final counts where the words are vague or of the server's own making.
#[test]
fn a_final_code_counts_where_the_words_say_little() {
    for words in ["550 5.1.1 We have no such reader", "550 5.1.1 denied", "550 5.1.1 command failed"] {
        let fields = format!(
            "Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; {words}\n"
        );
        assert_eq!(only(&dsn(&fields)).class, BounceClass::Hard, "{words}");
    }
}

/// TRUST M23: what a server holds against the sender is not the reader's fault.
#[test]
fn policy_refusals_are_soft_whatever_code_they_have() {
    for words in [
        "550 5.7.1 blocked, see our list",
        "554 5.7.515 sender does not meet the level",
        "550 5.7.26 DMARC policy",
    ] {
        let fields = format!(
            "Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; {words}\n"
        );
        let one = only(&dsn(&fields));
        assert_eq!((one.class, one.reason), (BounceClass::Soft, Reason::Policy), "{words}");
    }
}

#[test]
fn bounces_without_a_notification_are_read_by_their_shape() {
    let qmail = message(
        "From: MAILER-DAEMON@mx.example.com\nTo: bounce@example.org\nSubject: failure notice",
        "Hi. I could not deliver your message.\n\n<ann@example.com>:\n192.0.2.7 does not like recipient.\n\
         Remote host said: 550 5.1.1 unknown user\n\n<bob@example.com>:\nThe mailbox is full. (#5.2.2)\n\n\
         --- Below this line is a copy of the message.\n\nReturn-Path: <bounce+1.2.abc@example.org>\nTo: carl@example.com\n",
    );
    let report = inspect(&qmail);
    let told: Vec<(&str, BounceClass)> =
        report.recipients.iter().map(|one| (one.address.as_str(), one.class)).collect();
    assert_eq!(told, [("ann@example.com", BounceClass::Hard), ("bob@example.com", BounceClass::Soft)]);
    assert_eq!(report.returned_path.as_deref(), Some("bounce+1.2.abc@example.org"));

    let exim = message(
        "From: Mail Delivery System <Mailer-Daemon@mx.example.com>\nTo: bounce@example.org\n\
         X-Failed-Recipients: ann@example.com\nSubject: Mail delivery failed",
        "This message was created automatically.\n\n  ann@example.com\n    host mx.example.com [192.0.2.5]\n\
         SMTP error after RCPT TO:<ann@example.com>:\n    550 unrouteable address\n",
    );
    assert_eq!(only(&exim).class, BounceClass::Hard);

    let old = message(
        "Return-Path: <>\nFrom: System Administrator <postmaster@example.com>\nTo: bounce@example.org\nSubject: Undeliverable: News",
        "Your message did not reach the following recipient(s):\n\nann@example.com on Mon, 2 Mar 2026 10:00:00\n    The recipient name is not recognized\n",
    );
    assert_eq!((only(&old).class, only(&old).address.as_str()), (BounceClass::Hard, "ann@example.com"));
}

#[test]
fn a_warning_about_a_delay_is_no_failure() {
    let warning = message(
        "From: Mail Delivery System <Mailer-Daemon@mx.example.com>\nTo: bounce@example.org\nSubject: Warning: message delayed 24 hours",
        "A message that you sent has not yet been delivered:\n\n  ann@example.com\n    connection timed out\n\nDelivery attempts will continue.\n",
    );
    assert_eq!((only(&warning).action, only(&warning).class), (Action::Delayed, BounceClass::Soft));
}

fn feedback(kind: &str, fields: &str) -> Vec<u8> {
    message(
        "From: feedback@example.com\nTo: complaints@example.org\nSubject: FW: News\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b",
        &format!(
            "--b\nContent-Type: text/plain\n\nAn abuse report.\n--b\nContent-Type: message/feedback-report\n\n\
             Feedback-Type: {kind}\nUser-Agent: Loop/1\n{fields}\n--b\nContent-Type: message/rfc822\n\n\
             Message-ID: <1.2.abc@example.org>\nList-Unsubscribe: <https://example.org/unsubscribe/x>\nTo: redacted\n\nHello\n--b--\n"
        ),
    )
}

/// TRUST M25.
#[test]
fn complaints_count_and_their_opposite_does_not() {
    for kind in ["abuse", "fraud"] {
        let one = only(&feedback(kind, "Original-Rcpt-To: ann@example.com\n"));
        assert_eq!(
            (one.class, one.action, one.address.as_str()),
            (BounceClass::Complaint, Action::Complained, "ann@example.com")
        );
    }
    assert!(inspect(&feedback("not-spam", "")).recipients.is_empty());
    assert_eq!(only(&feedback("auth-failure", "")).action, Action::Other);
    let report = inspect(&feedback("abuse", ""));
    assert_eq!(report.recipients[0].address, "");
    assert_eq!(report.returned_link.as_deref(), Some("https://example.org/unsubscribe/x"));
}

#[test]
fn automatic_answers_and_letters_are_no_bounces() {
    let away = message(
        "From: Ann <ann@example.com>\nTo: post@example.org\nSubject: =?utf-8?q?Out_of_office=3A_News?=",
        "I am away, and mail to my mailbox may be read late. Delivery of post is no problem.\n",
    );
    assert_eq!(only(&away).class, BounceClass::AutoReply);
    let marked =
        message("From: ann@example.com\nAuto-Submitted: auto-replied\nSubject: Re: News", "Back in May.\n");
    assert_eq!(only(&marked).class, BounceClass::AutoReply);
    let person = message(
        "From: Ann <ann@example.com>\nTo: post@example.org\nSubject: Re: News",
        "I liked the article about user unknown bob@example.com.\n",
    );
    assert!(inspect(&person).recipients.is_empty());
    assert!(inspect(b"").recipients.is_empty());
    assert!(inspect(&[0xff; 300]).recipients.is_empty());
}

/// TRUST M23: what was answered to MAIL, and what a server has against us, is about no reader, in every form.
#[test]
fn refusals_of_us_are_no_ones_fault() {
    for (status, words) in [
        ("5.1.1", "550 no such user (in reply to MAIL FROM command)"),
        ("5.0.0", "553 https://blocklist.example.net/?ip=192.0.2.1"),
        ("4.0.0", "Bad DNS PTR resource record"),
        ("4.4.7", "Host name lookup failure: undeliverable for 8 hours"),
        ("4.1.1", "450 4.1.1 user unknown"),
    ] {
        let fields = format!(
            "Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {words}\n"
        );
        assert_eq!(only(&dsn(&fields)).class, BounceClass::Soft, "{words}");
    }
}

/// What arrived is said to have arrived, in fields and in words.
#[test]
fn a_success_is_a_success() {
    for fields in [
        "Final-Recipient: rfc822; ann@example.com\nAction: delivered\nStatus: 2.1.5\n",
        "Final-Recipient: rfc822; ann@example.com\nStatus: 2.1.5\nDiagnostic-Code: smtp; 250 2.1.5 Ok\n",
    ] {
        let one = only(&dsn(fields));
        assert_eq!((one.class, one.status.as_deref()), (BounceClass::Delivered, Some("2.1.5")));
    }
    let letter = message(
        "Return-Path: <>\nFrom: postmaster@example.com\nTo: bounce@example.org\nSubject: Delivery Status Notification (Success)",
        "Your message was successfully delivered to:\n\nann@example.com\n",
    );
    assert_eq!(only(&letter).class, BounceClass::Delivered);
}

/// Escape sequences are text, whatever charset a server names, and reasons in other languages are read.
#[test]
fn a_reason_in_japanese_is_read() {
    let head = "From: MAILER-DAEMON@example.com\nTo: bounce@example.org\nSubject: Returned mail";
    // 宛先不明 in ISO-2022-JP.
    let mut bytes =
        message(&format!("{head}\nContent-Type: text/plain; charset=iso-2022-jp"), "<ann@example.com>\n");
    bytes.extend(b"\x1b$B08@hITL@\x1b(B\r\n");
    assert_eq!((only(&bytes).class, only(&bytes).reason), (BounceClass::Hard, Reason::NoMailbox));
}

/// A subject may be all that says why.
#[test]
fn a_reason_in_the_subject_is_read() {
    let bytes = message(
        "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nTo: bounce@example.org\nSubject: Unknown user: ann@example.com",
        "See the subject.\n",
    );
    assert_eq!(only(&bytes).class, BounceClass::Hard);
}

/// Each recipient has a fate of their own; those above one reason share it.
#[test]
fn several_recipients_have_their_own_fates() {
    let bytes = message(
        "From: MAILER-DAEMON@example.com\nTo: bounce@example.org\nSubject: Returned mail",
        "These failed:\n\n550 5.1.1 <ann@example.com>... User unknown\n552 5.2.2 <bo@example.com>... Mailbox full\n\n\
         <cy@example.com>\n<di@example.com>\n  no such user here\n",
    );
    let told: Vec<(String, BounceClass)> =
        inspect(&bytes).recipients.into_iter().map(|one| (one.address, one.class)).collect();
    let wanted = [
        ("ann", BounceClass::Hard),
        ("bo", BounceClass::Soft),
        ("cy", BounceClass::Hard),
        ("di", BounceClass::Hard),
    ];
    assert_eq!(told, wanted.map(|(name, class)| (format!("{name}@example.com"), class)));
}

/// A complaint is one whatever else stands in it, and whatever its part is called.
#[test]
fn a_complaint_is_no_automatic_answer() {
    let untyped =
        String::from_utf8(feedback("abuse", "Original-Rcpt-To: ann@example.com\n")).expect("our own text");
    let untyped = untyped
        .replace("message/feedback-report", "text/plain")
        .replace("Subject:", "Auto-Submitted: auto-replied\r\nSubject: unsubscribe");
    assert_eq!(only(untyped.as_bytes()).class, BounceClass::Complaint);
}

/// A notification of Amazon SES is read where it stands, also below other lines and in the envelope of SNS.
#[test]
fn a_notification_in_a_letter_is_read() {
    let json = r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"ann@example.com","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}"#;
    let wrapped = serde_json::json!({ "Type": "Notification", "Message": json }).to_string();
    for body in [json.to_owned(), format!("A notification:\n\n{json}\n\n--\nIf you wish to stop …"), wrapped]
    {
        let bytes =
            message("From: no-reply@sns.example.com\nTo: bounce@example.org\nSubject: Notification", &body);
        assert_eq!(only(&bytes).class, BounceClass::Hard, "{body}");
    }
}

fn within_seconds(bytes: &[u8], name: &str) -> BounceReport {
    let begun = Stopwatch::start();
    let report = inspect(bytes);
    // Unoptimised, on a busy machine; what is measured is that nothing grows out of bounds.
    assert!(begun.elapsed() < Duration::from_secs(10), "{name} took {:?}", begun.elapsed());
    report
}

/// TRUST A28: nothing that anybody can send takes long or ends the program.
#[test]
fn hostile_mail_is_read_in_bounded_time() {
    let mut big = dsn("Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.1.1\n");
    big.extend(std::iter::repeat_n(b"a line of a long letter\r\n".as_slice(), 2_000_000).flatten());
    assert_eq!(within_seconds(&big, "50 MB").recipients.len(), 1);

    let parts = "--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@example.com\r\nAction: failed\r\n\r\n".repeat(10_000);
    within_seconds(
        format!("Content-Type: multipart/report; boundary=b\r\n\r\n{parts}").as_bytes(),
        "10,000 parts",
    );

    let deep: String = (0..1_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
        .collect();
    within_seconds(deep.as_bytes(), "1,000 deep");
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    within_seconds(nested.as_bytes(), "messages in messages");
    within_seconds("X-A: b\r\n".repeat(1_000_000).as_bytes(), "a million headers");
    within_seconds(format!("X-A: b\r\n{}", " c\r\n".repeat(1_000_000)).as_bytes(), "a folded header");

    for charset in ["no-such", "utf-7", "iso-2022-jp", "\"", "utf-16"] {
        let head = format!(
            "Content-Type: text/plain; charset={charset}\nFrom: mailer-daemon@example.com\nSubject: failure"
        );
        within_seconds(&message(&head, "\u{fffd}+AAA \u{1b}$B<a@example.com>: 550\n"), charset);
    }
    let at = "From: mailer-daemon@example.com\nSubject: failure";
    for noise in ["a@", "<a@b.example>: 550\n", "5.1.1 ", "user ", "=?utf-8?q?", "not enough "] {
        within_seconds(&message(at, &noise.repeat(1_000_000 / noise.len())), noise);
        within_seconds(&message(&format!("Subject: {}", noise.replace('\n', "").repeat(5_000)), ""), noise);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(200))]

    /// TRUST A28: any bytes, and any bytes in the place of a notification, give an answer.
    #[test]
    fn any_bytes_give_an_answer(noise in proptest::collection::vec(proptest::num::u8::ANY, 0..600), text in "\\PC{0,200}") {
        let _ = super::read(&noise);
        let mut report = dsn(&text);
        report.extend(&noise);
        let _ = super::read(&report);
        let _ = super::read(&message(&format!("From: mailer-daemon@example.com\nSubject: {text}"), &text));
    }
}
