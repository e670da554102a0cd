//! Odd mails: several recipients, reports in reports, and every way in which text can be written.

use super::{BounceClass, inspect};

fn message(head: &str, body: &str) -> Vec<u8> {
    format!("{head}\n\n{body}").replace('\n', "\r\n").into_bytes()
}

fn told(bytes: &[u8]) -> Vec<(String, BounceClass)> {
    inspect(bytes).recipients.into_iter().map(|one| (one.address, one.class)).collect()
}

fn wanted(of: &[(&str, BounceClass)]) -> Vec<(String, BounceClass)> {
    of.iter().map(|(name, class)| (format!("{name}@example.com"), *class)).collect()
}

const DAEMON: &str =
    "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: bounce@example.org\nSubject: Returned mail";

fn report(parts: &str) -> Vec<u8> {
    message(
        &format!("{DAEMON}\nContent-Type: multipart/report; report-type=delivery-status; boundary=b"),
        &format!("{parts}--b--\n"),
    )
}

fn status(fields: &str) -> String {
    format!("--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n{fields}\n")
}

fn failed(name: &str, status: &str, words: &str) -> String {
    format!(
        "Final-Recipient: rfc822; {name}@example.com\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {words}\n"
    )
}

/// TRUST M23, M24: each recipient of a report has a fate of their own, wherever and however it is told.
#[test]
fn each_of_several_recipients_has_their_own_fate() {
    use BounceClass::{Delivered, Hard, Soft};
    let three = format!(
        "{}\n{}\nFinal-Recipient: rfc822; cy@example.com\nAction: relayed\nStatus: 2.1.5\n",
        failed("ann", "5.1.1", "550 5.1.1 user unknown"),
        "Final-Recipient: rfc822; bo@example.com\nAction: delayed\nStatus: 4.4.1\n",
    );
    assert_eq!(told(&report(&status(&three))), wanted(&[("ann", Hard), ("bo", Soft), ("cy", Delivered)]));
    // In two parts of a report, and without an empty line between two of them.
    let two = format!(
        "{}{}",
        status(&format!("{}{}", failed("ann", "5.1.1", "no such user"), failed("bo", "5.2.2", "full"))),
        status(&failed("cy", "5.1.2", "host not found"))
    );
    assert_eq!(told(&report(&two)), wanted(&[("ann", Hard), ("bo", Soft), ("cy", Hard)]));
    for (letter, fates) in [
        ("ann@example.com, bo@example.com: 550 5.1.1 user unknown\n", &[("ann", Hard), ("bo", Hard)][..]),
        (
            "<ann@example.com>, <bo@example.com>; <cy@example.com>\n  mailbox is full\n",
            &[("ann", Soft), ("bo", Soft), ("cy", Soft)],
        ),
        (
            "The following address had a permanent error: no such user\n\n  ann@example.com\n",
            &[("ann", Hard)],
        ),
        (
            "<ann@example.com>: host mx.example.com[192.0.2.3] said: 550 5.1.1\n    <ann@example.com>: no such user (in reply to RCPT TO command)\n\n\
             <bo@example.com>: host mx.example.com[192.0.2.3] said: 554 5.7.1 spam (in\n    reply to end of DATA command)\n",
            &[("ann", Hard), ("bo", Soft)],
        ),
    ] {
        assert_eq!(told(&message(DAEMON, letter)), wanted(fates), "{letter}");
    }
}

/// A report in a report in a report, and with what mailing lists and scanners put around it.
#[test]
fn a_report_that_was_passed_on_is_read() {
    let bounce = String::from_utf8(report(&status(&failed("ann", "5.1.1", "550 5.1.1 user unknown"))))
        .expect("our own");
    let complaint = "From: loop@example.net\r\nSubject: FW\r\nContent-Type: multipart/report; boundary=c\r\n\r\n--c\r\n\
        Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Rcpt-To: <ann@example.com>\r\n\r\n--c--\r\n";
    let pass_on = |inner: &str, boundary: &str| {
        format!(
            "From: who@example.net\r\nSubject: Fwd\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\
             Content-Type: text/plain\r\n\r\nSee below.\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--{boundary}--\r\n"
        )
    };
    for (inner, class) in [(bounce.as_str(), BounceClass::Hard), (complaint, BounceClass::Complaint)] {
        let once = pass_on(inner, "one");
        let twice = pass_on(&once, "two");
        for mail in [inner, &once, &twice, &pass_on(&twice, "three")] {
            assert_eq!(told(mail.as_bytes()), wanted(&[("ann", class)]), "{mail}");
        }
    }
    let footer = bounce
        .replace(
            "multipart/report; report-type=delivery-status; boundary=b",
            "multipart/mixed; boundary=list",
        )
        .replace(
            "\r\n\r\n--b\r\n",
            "\r\n\r\n--list\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n",
        )
        + "\r\n--list\r\nContent-Type: text/plain\r\n\r\nTo leave the list, write to leave@example.net.\r\n--list--\r\n";
    assert_eq!(told(footer.as_bytes()), wanted(&[("ann", BounceClass::Hard)]));
}

/// Encodings of transfer, charsets, folded and divided fields: what is written is read.
#[test]
fn text_is_read_however_it_is_written() {
    let fields = "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGFubkBleGFtcGxlLmNvbQpBY3Rpb246IGZhaWxlZApT\ndGF0dXM6IDUuMS4xCg==\n";
    let encoded =
        format!("--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n{fields}");
    assert_eq!(told(&report(&encoded)), wanted(&[("ann", BounceClass::Hard)]));
    let quoted = "--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n\n\
        Final-Recipient: rfc822;=\n ann@example.com\nAction:=20failed\nStatus: 5.1.1\n";
    assert_eq!(told(&report(quoted)), wanted(&[("ann", BounceClass::Hard)]));
    let international = "--b\nContent-Type: message/global-delivery-status; charset=utf-8\n\n\
        Final-Recipient: utf-8; jürgen@example.com\nAction: FAILED (bad mailbox)\nStatus: 5.1.1 (no such user)\n";
    assert_eq!(told(&report(international)), wanted(&[("jürgen", BounceClass::Hard)]));
    let folded = "--b\nContent-Type:\n  message/delivery-status\n\nfinal-recipient:\n   RFC822; <ann@example.com>\nACTION:failed\nstatus:\n  5.1.1\nDiagnostic-Code: smtp;\n 550\n no such user\n";
    assert_eq!(told(&report(folded)), wanted(&[("ann", BounceClass::Hard)]));
    let divided =
        String::from_utf8(report(&status(&failed("ann", "5.1.1", "no such user")))).expect("our own");
    let divided = divided
        .replace("boundary=b", "boundary*0=\"a-long\";\r\n boundary*1=-boundary")
        .replace("--b", "--a-long-boundary");
    assert_eq!(told(divided.as_bytes()), wanted(&[("ann", BounceClass::Hard)]));
    // Пользователь не найден.
    let russian = b"\xf0\xcf\xcc\xd8\xda\xcf\xd7\xc1\xd4\xc5\xcc\xd8 \xce\xc5 \xce\xc1\xca\xc4\xc5\xce";
    // 用户不存在.
    let chinese = b"\xd3\xc3\xbb\xa7\xb2\xbb\xb4\xe6\xd4\xda";
    // Destinatário desconhecido, and l'utilisateur est inconnu.
    let portuguese = b"Destinat\xe1rio desconhecido";
    let french = b"L\x92utilisateur est inconnu";
    for (charset, words) in [
        ("koi8-r", &russian[..]),
        ("gb2312", &chinese[..]),
        ("iso-8859-1", &portuguese[..]),
        ("windows-1252", &french[..]),
        ("", &portuguese[..]),
    ] {
        let kind = if charset.is_empty() {
            String::new()
        } else {
            format!("\nContent-Type: text/plain; charset=\"{charset}\"")
        };
        let mut mail = message(&format!("{DAEMON}{kind}"), "<ann@example.com>:\n");
        mail.extend(words);
        mail.extend(b"\r\n");
        assert_eq!(told(&mail), wanted(&[("ann", BounceClass::Hard)]), "{charset}");
    }
    let html = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable";
    let page = "<html><style>p { color: red }</style><p>Delivery has failed to these recipients:</p><p><a href=3D\"mailto:ann@exa=\nmple.com\">ann@example.com</a></p><p>550 5.1.1 User&nbsp;unknown</p></html>\n";
    assert_eq!(told(&message(&format!("{DAEMON}\n{html}"), page)), wanted(&[("ann", BounceClass::Hard)]));
    let subject = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: bounce@example.org\n\
        Subject: =?iso-8859-1?Q?Unbekannter?= =?utf-8?B?IEVtcGbDpG5nZXI=?=: ann@example.com";
    assert_eq!(told(&message(subject, "See the subject.\n")), wanted(&[("ann", BounceClass::Hard)]));
}

/// TRUST M25: complaints about several readers, in every encoding.
#[test]
fn a_complaint_names_whom_it_names() {
    let complaint = |head: &str, fields: &str| {
        message(
            "From: loop@example.net\nTo: abuse@example.org\nSubject: FW: News\nContent-Type: multipart/report; report-type=feedback-report; boundary=b",
            &format!(
                "--b\nContent-Type: message/feedback-report{head}\n\n{fields}\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1.2.abc@example.org>\nTo: someone@example.com\n\n--b--\n"
            ),
        )
    };
    let two = "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <ann@example.com>\nOriginal-Rcpt-To: bo@example.com\n";
    let both = wanted(&[("ann", BounceClass::Complaint), ("bo", BounceClass::Complaint)]);
    assert_eq!(told(&complaint("", two)), both);
    let base64 = "RmVlZGJhY2stVHlwZTogYWJ1c2UKT3JpZ2luYWwtUmNwdC1UbzogYW5uQGV4YW1wbGUuY29tCk9y\naWdpbmFsLVJjcHQtVG86IGJvQGV4YW1wbGUuY29tCg==\n";
    assert_eq!(told(&complaint("\nContent-Transfer-Encoding: base64", base64)), both);
    assert_eq!(
        told(&complaint("", "Feedback-Type: Abuse\n")),
        wanted(&[("someone", BounceClass::Complaint)])
    );
}
