use mail_parser::{Message, MessageParser};
use proptest::prelude::*;

use super::*;
use crate::mail::{DigestContext, EmailTemplate, Personal, Receipt, Templates, compile};

const FROM: Mailbox<'_> = Mailbox { name: "The Tidewater Review", address: "weekly@news.example.org" };

fn bulk() -> BulkHeaders<'static> {
    BulkHeaders {
        from: FROM,
        reply_to: Some(Mailbox { name: "", address: "letters@tidewater.example.org" }),
        subject: "The last ferry to Skarholm",
        list_name: "The weekly",
        list_id: "weekly.news.example.org",
        feedback_id: FeedbackId { edition: "e42", stream: "weekly", site: "tidewater", sender: "tidewater" },
    }
}

fn copy() -> CopyHeaders<'static> {
    CopyHeaders {
        to: Mailbox { name: "Zoë Okafor", address: "zoe@example.com" },
        message_id: "e42.d17.abcdef@news.example.org",
        date: Moment::from_unix_seconds(1_772_546_705),
        unsubscribe_url: "https://news.example.org/u/token",
        unsubscribe_mailto: Some("mailto:leave+token@news.example.org"),
    }
}

fn notice<'a>(to: Mailbox<'a>) -> NoticeHeaders<'a> {
    NoticeHeaders {
        from: FROM,
        to,
        reply_to: None,
        message_id: "n17.abcdef@news.example.org",
        date: Moment::from_unix_seconds(1_772_546_705),
        leaves: None,
    }
}

fn digest_message(bulk: &BulkHeaders<'_>, copy: &CopyHeaders<'_>) -> Result<Vec<u8>, HeaderError> {
    let templates = Templates::load().expect("the templates in the binary compile");
    let compiled = compile(&templates, &DigestContext::sample()).expect("compiles");
    let mut out = Vec::new();
    EditionHeaders::new(bulk)?.write(copy, &mut out)?;
    compiled.write_body(&Personal::sample(), &mut out);
    Ok(out)
}

fn receipt(headers: &NoticeHeaders<'_>) -> Result<Vec<u8>, HeaderError> {
    let templates = Templates::load().expect("the templates in the binary compile");
    notice_message(headers, &templates.render(&Receipt::sample()).expect("renders"))
}

fn parse(bytes: &[u8]) -> Message<'_> {
    assert_fit_for_data(bytes);
    MessageParser::default().parse(bytes).expect("a message")
}

/// TRUST M15: no bare CR or LF, no NUL, no line beyond 998 octets; and ours, that no line needs dot-stuffing.
fn assert_fit_for_data(bytes: &[u8]) {
    assert!(bytes.ends_with(b"\r\n"));
    let text = String::from_utf8_lossy(bytes);
    for line in text.split("\r\n") {
        assert!(
            line.len() <= 998 && !line.starts_with('.') && !line.contains(['\r', '\n', '\0']),
            "{line:?}"
        );
        // TRUST M16
        assert!(!line.contains("=?utf-8?") || line.len() <= 76, "{line:?}");
    }
}

fn count(bytes: &[u8], header: &str) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let (head, _) = text.split_once("\r\n\r\n").expect("headers end");
    head.lines()
        .filter(|line| line.to_ascii_lowercase().starts_with(&format!("{}:", header.to_ascii_lowercase())))
        .count()
}

fn raw<'a>(message: &'a Message<'_>, header: &'a str) -> &'a str {
    message.header_raw(header).map(str::trim).unwrap_or_default()
}

/// TRUST M1, M8, M14, M15: a digest has each header of bulk mail once, and none of automatic mail (M11).
#[test]
fn a_digest_has_the_headers_of_bulk_mail_once() {
    let bytes = digest_message(&bulk(), &copy()).expect("writes");
    let message = parse(&bytes);
    for header in [
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Feedback-ID",
        "MIME-Version",
        "Content-Type",
    ] {
        assert_eq!(count(&bytes, header), 1, "{header}");
    }
    assert_eq!(count(&bytes, "Auto-Submitted"), 0);
    assert_eq!(raw(&message, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(
        raw(&message, "List-Unsubscribe"),
        "<https://news.example.org/u/token>,\r\n <mailto:leave+token@news.example.org>"
    );
    assert_eq!(raw(&message, "List-Id"), "The weekly <weekly.news.example.org>");
    assert_eq!(raw(&message, "Feedback-ID"), "e42:weekly:tidewater:tidewater");
    assert_eq!(raw(&message, "Date"), "Tue, 03 Mar 2026 14:05:05 +0000");
    assert_eq!(message.message_id(), Some("e42.d17.abcdef@news.example.org"));
    let to = message.to().and_then(|to| to.first()).expect("a reader");
    assert_eq!((to.name(), to.address()), (Some("Zoë Okafor"), Some("zoe@example.com")));
    assert_eq!(
        message.from().and_then(|from| from.first()).and_then(|from| from.address()),
        Some(FROM.address)
    );
    assert_eq!((message.text_body_count(), message.html_body_count()), (1, 1));
}

/// TRUST M11 and M29: a notice says that it is automatic and has nothing of a list.
#[test]
fn a_notice_is_automatic_and_has_nothing_of_a_list() {
    let bytes = receipt(&notice(Mailbox { name: "Ada", address: "ada@example.com" })).expect("writes");
    let message = parse(&bytes);
    assert_eq!(raw(&message, "Auto-Submitted"), "auto-generated");
    assert!(!String::from_utf8_lossy(&bytes).to_ascii_lowercase().contains("\r\nlist-"));
    assert_eq!(message.subject(), Some("Thank you: your receipt for €15.00 to The Tidewater Review"));
    assert!(message.body_text(0).is_some_and(|text| text.contains("Receipt number:  2026-000123")));
    assert!(message.body_html(0).is_some_and(|html| html.contains("<strong>€15.00</strong>")));
}

/// TRUST A16: a line break or a NUL never makes a header; names are cleaned, everything else is refused.
#[test]
fn values_that_could_add_a_header_are_refused() {
    for hostile in ["x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "x\rBcc: eve@example.com", "x\0"]
    {
        let address = format!("ada@example.com{hostile}");
        for bulk in [
            BulkHeaders { from: Mailbox { name: "", address: &address }, ..bulk() },
            BulkHeaders { reply_to: Some(Mailbox { name: "", address: &address }), ..bulk() },
            BulkHeaders { subject: hostile, ..bulk() },
            BulkHeaders { list_name: hostile, ..bulk() },
            BulkHeaders { list_id: hostile, ..bulk() },
        ] {
            assert!(EditionHeaders::new(&bulk).is_err(), "{bulk:?}");
        }
        let url = format!("https://example.org/{hostile}");
        let mailto = format!("mailto:{hostile}");
        for copy in [
            CopyHeaders { to: Mailbox { name: "", address: &address }, ..copy() },
            CopyHeaders { message_id: hostile, ..copy() },
            CopyHeaders { unsubscribe_url: &url, ..copy() },
            CopyHeaders { unsubscribe_mailto: Some(&mailto), ..copy() },
        ] {
            let mut out = b"before".to_vec();
            let headers = EditionHeaders::new(&bulk()).expect("sound headers");
            assert!(headers.write(&copy, &mut out).is_err(), "{copy:?}");
            assert_eq!(out, b"before", "nothing is left behind");
        }
        let bytes = receipt(&notice(Mailbox { name: hostile, address: "ada@example.com" }))
            .expect("names are cleaned");
        assert_eq!(count(&bytes, "Bcc"), 0);
        parse(&bytes);
    }
}

#[test]
fn headers_that_break_a_rule_are_refused() {
    let refused = |bulk: BulkHeaders<'_>| EditionHeaders::new(&bulk).expect_err("refused");
    let feedback = bulk().feedback_id;
    for sender in ["four", "sixteen-letters-", "", "a:b:c"] {
        let id = FeedbackId { sender, ..feedback };
        assert_eq!(refused(BulkHeaders { feedback_id: id, ..bulk() }), HeaderError::FeedbackId);
    }
    let long = "x".repeat(100);
    let id = format!("{long}.{long}.{long}.example.org");
    assert_eq!(refused(BulkHeaders { list_id: &id, ..bulk() }), HeaderError::ListId);
    let refused = |copy: CopyHeaders<'_>| {
        EditionHeaders::new(&bulk()).expect("sound").write(&copy, &mut Vec::new()).expect_err("refused")
    };
    for url in
        ["http://news.example.org/u", "http://localhost.example.org/", "ftp://x.example", "https://a b"]
    {
        assert_eq!(
            refused(CopyHeaders { unsubscribe_url: url, ..copy() }),
            HeaderError::Uri("List-Unsubscribe")
        );
    }
    assert_eq!(refused(CopyHeaders { message_id: "a b@c", ..copy() }), HeaderError::MessageId);
}

#[test]
fn a_demo_on_this_machine_may_use_http() {
    for url in ["http://127.0.0.1:8080/u/x", "http://localhost/u", "http://[::1]:8080/u"] {
        let copy = CopyHeaders { unsubscribe_url: url, ..copy() };
        assert!(digest_message(&bulk(), &copy).is_ok(), "{url}");
    }
}

#[test]
fn a_domain_is_written_in_ascii() {
    let bytes = receipt(&notice(Mailbox { name: "Ada", address: "ada@bücher.example" })).expect("writes");
    assert!(String::from_utf8_lossy(&bytes).contains("\r\nTo: Ada <ada@xn--bcher-kva.example>\r\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// TRUST M16: any name comes back as it was cleaned, before the longest of addresses.
    #[test]
    fn any_name_survives_the_journey(name in "[ -~é日🎈\r\n\u{0}]{0,120}", local in "[a-z]{1,64}", domain in "[a-z]{1,60}") {
        let address = format!("{local}@{domain}.example.org");
        let mut out = Vec::new();
        EditionHeaders::new(&bulk())
            .expect("sound headers")
            .write(&CopyHeaders { to: Mailbox { name: &name, address: &address }, ..copy() }, &mut out)
            .expect("writes");
        assert_fit_for_data(&out);
        out.extend_from_slice(b"\r\n");
        let message = MessageParser::default().parse(&out).expect("a message");
        let to = message.to().and_then(|to| to.first()).expect("a reader");
        prop_assert_eq!(to.address(), Some(address.as_str()));
        prop_assert_eq!(to.name().unwrap_or_default(), clean_line(&name, 100));
    }
}
