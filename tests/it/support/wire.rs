//! A message as bytes: what the RFCs ask of every one of them, checked without any code of the product's.

use mail_parser::{Message, MessageParser, MimeHeaders};

/// The headers of a message in their order: the name, and the value with its folds.
pub fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(raw).expect("a message of ASCII");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            let (_, value) = headers.last_mut().expect("a fold follows a header");
            value.push_str("\r\n");
            value.push_str(line);
        } else {
            let (name, value) = line.split_once(':').expect("a header has a name");
            headers.push((name.to_owned(), value.trim_start().to_owned()));
        }
    }
    headers
}

/// Every value of a header.
pub fn all(raw: &[u8], name: &str) -> Vec<String> {
    let named = headers(raw).into_iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.replace("\r\n", "")).collect()
}

/// The one value of a header.
#[track_caller]
pub fn only(raw: &[u8], name: &str) -> String {
    let mut values = all(raw, name);
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values.remove(0)
}

/// TRUST M15 and M16 over the bytes of one message.
#[track_caller]
pub fn keeps_the_standards(raw: &[u8]) {
    every_line_is_fit(raw);
    encoded_words_are_in_order(raw);
    for once in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To"] {
        only(raw, once);
    }
    assert!(all(raw, "Sender").is_empty() && all(raw, "Bcc").is_empty());
    let message = parsed(raw);
    let kind = message.content_type().expect("a type");
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("alternative")));
    let kinds: Vec<_> = message.parts[1..]
        .iter()
        .map(|part| part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(kinds, ["plain", "html"], "the part to prefer comes last (RFC 2046 section 5.1.4)");
    let (text, html) = (message.body_text(0).expect("a text"), message.body_html(0).expect("an HTML part"));
    assert!(text.trim().len() > 50 && html.contains("</html>"));
    assert!(
        !text.contains('\u{fffd}') && !html.contains('\u{fffd}'),
        "the parts are what their charset says"
    );
    assert!(message.date().is_some_and(mail_parser::DateTime::is_valid), "{:?}", only(raw, "Date"));
    let from = message.from().expect("a From");
    assert_eq!(from.iter().count(), 1);
    let reply_to = message.reply_to().and_then(|to| to.first()).and_then(|to| to.address());
    assert_eq!(reply_to, Some("hello@example.org"), "replies reach the address that the settings name");
}

/// The message as an independent reader takes it apart.
#[track_caller]
pub fn parsed(raw: &[u8]) -> Message<'_> {
    MessageParser::default().parse(raw).expect("a message")
}

fn every_line_is_fit(raw: &[u8]) {
    assert!(raw.ends_with(b"\r\n"));
    for (at, byte) in raw.iter().enumerate() {
        let (before, after) = (at.checked_sub(1).map(|at| raw[at]), raw.get(at + 1));
        match byte {
            0 => panic!("a NUL at {at}"),
            b'\r' => assert_eq!(after, Some(&b'\n'), "a bare CR at {at}"),
            b'\n' => assert_eq!(before, Some(b'\r'), "a bare LF at {at}"),
            128.. => panic!("a byte at {at} that a server without 8BITMIME does not take"),
            _ => {}
        }
    }
    let longest = raw.split(|byte| *byte == b'\n').map(|line| line.len().saturating_sub(1)).max();
    assert!(longest <= Some(998), "a line of {longest:?} octets");
}

fn encoded_words_are_in_order(raw: &[u8]) {
    for (name, value) in headers(raw) {
        for (at, line) in format!("{name}: {value}").split("\r\n").enumerate() {
            assert!(at == 0 || !line.trim().is_empty(), "{name} has an empty folded line");
            let mut quoted = false;
            let mut in_brackets = false;
            let mut seen_to = 0;
            for (place, c) in line.char_indices() {
                match c {
                    '"' => quoted = !quoted,
                    '<' => in_brackets = true,
                    '>' => in_brackets = false,
                    _ => {}
                }
                // The padding of base64 and the end of its word look like a beginning.
                if place >= seen_to && line[place..].starts_with("=?") {
                    assert!(!quoted && !in_brackets, "an encoded word where none may be: {line}");
                    let word = encoded_word(&line[place..]).unwrap_or_else(|| panic!("not one: {line}"));
                    seen_to = place + word.len();
                    assert!(
                        word.len() <= 75 && line.len() <= 76,
                        "{} and {}: {line}",
                        word.len(),
                        line.len()
                    );
                }
            }
        }
    }
}

/// The encoded word at the beginning of `text`, if its bytes are whole characters (RFC 2047 sections 2 and 5).
fn encoded_word(text: &str) -> Option<&str> {
    let mut parts = text[2..].splitn(4, '?');
    let (charset, encoding, content) = (parts.next()?, parts.next()?, parts.next()?);
    let word = &text[..2 + charset.len() + 1 + encoding.len() + 1 + content.len() + 2];
    let bytes = match encoding {
        "B" | "b" => data_encoding::BASE64.decode(content.as_bytes()).ok()?,
        "Q" | "q" => q_decoded(content)?,
        _ => return None,
    };
    (charset.eq_ignore_ascii_case("utf-8") && word.ends_with("?=") && std::str::from_utf8(&bytes).is_ok())
        .then_some(word)
}

fn q_decoded(content: &str) -> Option<Vec<u8>> {
    let mut bytes = content.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    Some(out)
}

/// A checker that finds nothing wrong with anything proves nothing.
#[test]
fn the_checks_can_fail() {
    let refused = |raw: &'static str, check: fn(&[u8])| {
        assert!(std::panic::catch_unwind(|| check(raw.as_bytes())).is_err(), "{raw:?} passed");
    };
    for raw in ["a\nb\r\n", "a\rb\r\n", "a\0\r\n", "ä\r\n", "no end"] {
        refused(raw, every_line_is_fit);
    }
    for raw in [
        "Subject: =?utf-8?B?w6Q?=\r\n\r\n",
        "Subject: =?utf-8?Q?=C3?= =?utf-8?Q?=A4?=\r\n\r\n",
        "From: \"=?utf-8?Q?=C3=A4?=\" <a@b.c>\r\n\r\n",
        "From: <=?utf-8?Q?=C3=A4?=@b.c>\r\n\r\n",
        "Subject: =?utf-8?Q?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?=\r\n\r\n",
    ] {
        refused(raw, encoded_words_are_in_order);
    }
    encoded_words_are_in_order(b"Subject: =?utf-8?Q?=C3=A4?=\r\n =?utf-8?B?w6Q=?=\r\n\r\n");
}
