//! A message of ours as its mailbox received it: how the mail service signed it on the way (TRUST M5).
//!
//! Whether a signature holds is left to the server that took the message and wrote its verdict on top of it
//! (Authentication-Results, RFC 8601); what it covers, and for whom it speaks, stands in the signature itself.

use super::{Check, Finding, Grade, dkim, tag};
use crate::bounces::{Headers, MOST_READ};

/// Without these under a signature nobody believes the sender or the one-click link (RFC 6376 section 5.4, RFC 8058 section 4).
const MUST_BE_SIGNED: [&str; 3] = ["From", "List-Unsubscribe", "List-Unsubscribe-Post"];
/// Whoever changes one of these changes what the reader sees or does.
const SHOULD_BE_SIGNED: [&str; 8] =
    ["To", "Subject", "Date", "Message-ID", "List-Id", "Feedback-ID", "MIME-Version", "Content-Type"];

/// What the signatures of a received message say.
#[must_use]
pub fn received(message: &[u8]) -> Finding {
    let finding = |grade, found: String, next: &str| Finding::new(Check::Dkim, grade, found, next);
    let (headers, _) = Headers::read(message.get(..MOST_READ).unwrap_or(message));
    let Some(domain) = headers.get("From").and_then(domain_of) else {
        return finding(
            Grade::Failure,
            "This is no message: it has no From header.".to_owned(),
            "Send yourself a test copy, and save its source with all headers.",
        );
    };
    let signatures: Vec<&str> = headers.all("DKIM-Signature").collect();
    let ours = signatures.iter().copied().find(|signature| {
        tag(signature, "d").is_some_and(|signer| is_aligned(&domain, &signer.to_ascii_lowercase()))
    });
    let Some(signature) = ours else {
        let found = match signatures.first().and_then(|signature| tag(signature, "d")) {
            Some(other) => format!("The message is signed for {other}, and not for {domain}."),
            None => "Nobody signed the message.".to_owned(),
        };
        return finding(
            Grade::Failure,
            found,
            "Let your mail service sign for your own domain, or make a key here.",
        );
    };
    let signer = tag(signature, "d").unwrap_or_default();
    if tag(signature, "l").is_some() {
        return finding(
            Grade::Failure,
            format!("The signature of {signer} covers only a part of the message (l=)."),
            "Have your mail service sign whole messages.",
        );
    }
    let covered = tag(signature, "h").unwrap_or_default();
    let is_bare = |name: &&&str| {
        headers.get(name).is_some() && !covered.split(':').any(|signed| signed.eq_ignore_ascii_case(name))
    };
    let bare = |names: &[&str]| names.iter().filter(is_bare).copied().collect::<Vec<_>>().join(", ");
    let (vital, useful) = (bare(&MUST_BE_SIGNED), bare(&SHOULD_BE_SIGNED));
    if !vital.is_empty() {
        return finding(
            Grade::Failure,
            format!("The signature of {signer} does not cover {vital}: mail providers do not believe that."),
            "Have your mail service sign these headers, or make a key here.",
        );
    }
    match verdict(&headers, &signer).as_deref() {
        None => finding(
            Grade::Warning,
            format!(
                "The message is signed for {signer}, but the server that took it does not say whether the signature holds."
            ),
            "Send the test copy to a mailbox at a large provider: those write it down.",
        ),
        Some("pass") if useful.is_empty() => {
            finding(Grade::Ok, format!("The message is signed for {signer}, and the signature holds."), "")
        }
        Some("pass") => finding(
            Grade::Warning,
            format!("The signature of {signer} holds, but does not cover {useful}."),
            "Ask your mail service to sign these headers too.",
        ),
        Some(other) => finding(
            Grade::Failure,
            format!(
                "The server that took the message does not believe the signature of {signer} (dkim={other})."
            ),
            "Publish the record that your mail service gave you for its key.",
        ),
    }
}

/// What the server that took the message says of a domain's signature. Its own words stand on top of all others.
fn verdict(headers: &Headers, signer: &str) -> Option<String> {
    let results = headers.get("Authentication-Results")?;
    let of_signer = |result: &&str| {
        let mut words = result.split_whitespace().filter_map(|word| word.split_once('='));
        words.any(|(name, value)| {
            let of = value.rsplit('@').next().unwrap_or(value).trim_matches('"');
            matches!(name, "header.d" | "header.i") && of.eq_ignore_ascii_case(signer)
        })
    };
    let dkim = |result: &&str| result.trim_start().to_ascii_lowercase().starts_with("dkim=");
    let results: Vec<&str> = results.split(';').filter(dkim).collect();
    // With several signatures, one that holds is enough.
    let of_signer: Vec<&str> = results.into_iter().filter(of_signer).collect();
    let word = |result: &&str| {
        let value = result.trim_start().get("dkim=".len()..).unwrap_or_default();
        value.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase()
    };
    let words: Vec<String> = of_signer.iter().map(word).collect();
    words.iter().find(|word| *word == "pass").or(words.first()).cloned()
}

/// Relaxed alignment (RFC 7489 section 3.1.1), as near as it can be told without a list of public suffixes.
fn is_aligned(from: &str, signer: &str) -> bool {
    let is_below = |one: &str, other: &str| one == other || one.ends_with(&format!(".{other}"));
    signer.contains('.') && (is_below(from, signer) || is_below(signer, from))
}

fn domain_of(from: &str) -> Option<String> {
    let address = from.rsplit_once('<').map_or(from, |(_, rest)| rest);
    let address = address.split('>').next().unwrap_or(address).trim();
    dkim::domain_of(address).filter(|_| address.contains('@')).map(|domain| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "from:to:subject:date:message-id:list-unsubscribe:list-unsubscribe-post:list-id:mime-version:content-type";

    fn message(results: &str, signature: &str) -> Vec<u8> {
        format!(
            "{results}{signature}From: The Lamplighter <post@example.org>\r\nTo: ann@example.com\r\nSubject: Hello\r\n\
             Date: Tue, 3 Mar 2026 09:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nList-Unsubscribe: <https://example.org/u>\r\n\
             List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: <digest.example.org>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain\r\n\r\nHello\r\n"
        )
        .into_bytes()
    }

    fn signed(domain: &str, covered: &str, more: &str) -> String {
        format!(
            "DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=one;\r\n\th={covered};\r\n\t{more}bh=AA==; b=AA==\r\n"
        )
    }

    fn results(words: &str) -> String {
        format!("Authentication-Results: mx.example.com;\r\n\t{words}\r\n")
    }

    /// TRUST M5: what a mail service signs, and for whom, is told from what it does not.
    #[test]
    fn a_received_message_says_how_it_was_signed() {
        let pass = results(
            "spf=pass smtp.mailfrom=example.org; dkim=pass (2048-bit key) header.i=@example.org header.s=one",
        );
        let good = signed("example.org", ALL, "");
        let cases: [(&str, String, Grade, &str); 10] = [
            (&pass, good.clone(), Grade::Ok, "and the signature holds"),
            (&pass, signed("Example.ORG", &ALL.to_uppercase(), ""), Grade::Ok, "holds"),
            ("", String::new(), Grade::Failure, "Nobody signed"),
            (
                &pass,
                signed("mailer.example.net", ALL, ""),
                Grade::Failure,
                "signed for mailer.example.net, and not for example.org",
            ),
            ("", good.clone(), Grade::Warning, "does not say whether"),
            (
                &results("dkim=fail (bad hash) header.d=example.org"),
                good.clone(),
                Grade::Failure,
                "dkim=fail",
            ),
            (
                &results("dkim=pass header.d=mailer.example.net"),
                good.clone(),
                Grade::Warning,
                "does not say whether",
            ),
            (&pass, signed("example.org", ALL, "l=12; "), Grade::Failure, "only a part"),
            (
                &pass,
                signed("example.org", &ALL.replace(":list-unsubscribe-post", ""), ""),
                Grade::Failure,
                "List-Unsubscribe-Post",
            ),
            (
                &pass,
                signed("example.org", &ALL.replace(":subject:date", ""), ""),
                Grade::Warning,
                "Subject, Date",
            ),
        ];
        for (results, signature, grade, words) in cases {
            let finding = received(&message(results, &signature));
            assert_eq!(finding.grade, grade, "{signature}{finding:?}");
            assert!(finding.found.contains(words), "{words}: {finding:?}");
        }
        // Beside another's signature, ours is found; and a verdict that somebody wrote further down counts for nothing.
        let both = signed("mailer.example.net", ALL, "") + &good;
        assert_eq!(received(&message(&pass, &both)).grade, Grade::Ok);
        let forged = results("dkim=none") + &pass;
        assert_eq!(received(&message(&forged, &good)).grade, Grade::Warning);
        assert!(received(b"Hello\r\n\r\n").found.contains("no From"));
    }
}
