//! A verifier of our own, written from the RFC and apart from the signer, and what it must say.

use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use proptest::prelude::*;

use super::*;

const AT: Moment = Moment::from_unix_seconds(1_772_528_400);

/// The value of a tag, space taken out of it.
fn tag(signature: &str, name: &str) -> Option<String> {
    let unfolded = signature.split_once(':').expect("a header").1;
    unfolded.split(';').find_map(|tag| {
        let (known, value) = tag.split_once('=')?;
        (known.trim() == name).then(|| value.split_whitespace().collect())
    })
}

/// The relaxed form, a line at a time, in the plainest words.
fn plain_body(body: &str) -> String {
    let mut lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let mut short = String::new();
            for c in line.replace('\t', " ").chars() {
                if c != ' ' || !short.ends_with(' ') {
                    short.push(c);
                }
            }
            short.trim_end_matches(' ').to_owned()
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.into_iter().map(|line| line + "\r\n").collect()
}

fn plain_header(field: &str) -> String {
    let (name, value) = field.split_once(':').expect("a header");
    let value = value.replace("\r\n", "").replace('\t', " ");
    let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim_end().to_ascii_lowercase(), words.join(" "))
}

/// Whether the message that begins with this signature is as it was signed.
fn verifies(message: &str, record: &str) -> bool {
    let (head, body) = message.split_once("\r\n\r\n").unwrap_or((message, ""));
    let mut fields: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => {
                field.push_str("\r\n");
                field.push_str(line);
            }
            _ => fields.push(line.to_owned()),
        }
    }
    let signature = fields.remove(0);
    let get = |name| tag(&signature, name).unwrap_or_default();
    let sha = |text: &str| aws_lc_rs::digest::digest(&SHA256, text.as_bytes());
    if get("bh") != BASE64.encode(sha(&plain_body(body)).as_ref()) {
        return false;
    }
    let mut text = String::new();
    for name in get("h").split(':') {
        let of_that_name = |field: &String| {
            field.split_once(':').is_some_and(|(known, _)| known.trim_end().eq_ignore_ascii_case(name))
        };
        if let Some(at) = fields.iter().rposition(of_that_name) {
            text.push_str(&plain_header(&fields.remove(at)));
            text.push_str("\r\n");
        }
    }
    let unsigned = format!("{}b=", signature.rsplit_once(" b=").expect("b= comes last").0.to_owned() + " ");
    text.push_str(&plain_header(&unsigned));
    let Ok(value) = BASE64.decode(get("b").as_bytes()) else { return false };
    let public = record.split("p=").nth(1).expect("a public key");
    let public = BASE64.decode(public.as_bytes()).expect("base64");
    let hash = sha(&text);
    match get("a").as_str() {
        "ed25519-sha256" => UnparsedPublicKey::new(&ED25519, &public).verify(hash.as_ref(), &value).is_ok(),
        "rsa-sha256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public)
            .verify(text.as_bytes(), &value)
            .is_ok(),
        other => panic!("{other}"),
    }
}

fn signer(algorithm: Algorithm) -> &'static Signer {
    static RSA: std::sync::OnceLock<Signer> = std::sync::OnceLock::new();
    static ED25519: std::sync::OnceLock<Signer> = std::sync::OnceLock::new();
    let made = if algorithm == Algorithm::Rsa { &RSA } else { &ED25519 };
    made.get_or_init(|| {
        let key = generate(algorithm).expect("a key");
        Signer::new("example.org", "march", algorithm, &key).expect("our own key")
    })
}

fn both() -> [&'static Signer; 2] {
    [signer(Algorithm::Rsa), signer(Algorithm::Ed25519)]
}

const MESSAGE: &str = "From: The Lamplighter <post@example.org>\r\n\
Reply-To: hello@example.org\r\n\
Subject: On  the way:\r\n two   lines\r\n\
List-Id: The weekly <weekly.example.org>\r\n\
List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
Feedback-ID: a:b:c:sender\r\n\
To: Ann <ann@example.com>\r\n\
Date: Tue, 03 Mar 2026 09:00:00 +0000\r\n\
Message-ID: <1@example.org>\r\n\
List-Unsubscribe: <https://example.org/unsubscribe/x>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/alternative;\r\n boundary=\"=_1\"\r\n\
\r\n\
--=_1\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
\r\n\
Good morning  Ann,\t \r\nall is well.   \r\n--=_1--\r\n\r\n\r\n";

/// RFC 8463 appendix A: the signature of the RFC comes out of its key and its message, byte for byte.
#[test]
fn the_example_of_rfc_8463_comes_out_as_printed() {
    const HEAD: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
To: Suzie Q <suzie@shopping.example.net>\r\n\
Subject: Is dinner ready?\r\n\
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
    const BODY: &str = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const SIGNATURE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
d=football.example.com; i=@football.example.com;\r\n \
q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
subject : date : message-id : from : subject : date;\r\n \
bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
b=";
    const PRINTED: &str =
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    let seed = BASE64.decode(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("base64");
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed");
    let key = pair.to_pkcs8v1().expect("a key");
    let signer = Signer::new("football.example.com", "brisbane", Algorithm::Ed25519, key.as_ref());
    let signer = signer.expect("the RFC's key");
    assert_eq!(
        signer.record().expect("a record"),
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    );

    let message = format!("{HEAD}\r\n{BODY}");
    assert_eq!(Digested::new(message.as_bytes()).body, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    let fields = canonical::fields(HEAD.as_bytes());
    let mut headers = Context::new(&SHA256);
    // The RFC names from, subject and date twice; the second time there is none left.
    for name in ["from", "to", "subject", "date", "message-id"] {
        let mut line = Vec::new();
        fields.iter().find(|field| field.is(name)).expect("the RFC's header").canonical(&mut line);
        headers.update(&line);
    }
    let signature = signer.signature(&finish(headers, SIGNATURE)).expect("a signature");
    assert_eq!(BASE64.encode(&signature), PRINTED);
    assert!(verifies(&format!("{SIGNATURE}{PRINTED}\r\n{message}"), &signer.record().expect("a record")));
}

/// RFC 6376 section 3.4.5.
#[test]
fn headers_and_body_are_relaxed_as_the_rfc_shows() {
    let (head, text) = canonical::split(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n");
    let mut out = Vec::new();
    canonical::fields(head).iter().for_each(|field| field.canonical(&mut out));
    assert_eq!(out, b"a:X\r\nb:Y Z\r\n");
    out.clear();
    canonical::body(text, |bytes| out.extend_from_slice(bytes));
    assert_eq!(out, b" C\r\nD E\r\n");
    assert_eq!(canonical::fields(head)[0].value(), b" X");
}

/// RFC 6376 section 3.4.4: an empty body is hashed as nothing at all.
#[test]
fn an_empty_body_has_the_hash_of_nothing() {
    for message in
        ["From: a@example.org\r\n", "From: a@example.org\r\n\r\n", "From: a@example.org\r\n\r\n\r\n"]
    {
        assert_eq!(
            Digested::new(message.as_bytes()).body,
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "{message:?}"
        );
    }
}

/// TRUST M5: what is covered, From and others once more than they stand there, no `l=`, and lines that no server folds again.
#[test]
fn a_signature_covers_what_readers_and_receivers_act_on() {
    let signatures = sign_all(both(), MESSAGE.as_bytes(), AT).expect("two signatures");
    assert_eq!(signatures.matches("DKIM-Signature: v=1;").count(), 2, "{signatures}");
    assert!(signatures.ends_with("\r\n") && signatures.split("\r\n").all(|line| line.len() <= 76));
    for signer in both() {
        let signature = signer.sign(MESSAGE.as_bytes(), AT).expect("a signature");
        let signed = tag(&signature, "h").expect("h=");
        assert_eq!(
            signed,
            "From:From:To:To:Subject:Subject:Date:Message-ID:Reply-To:Reply-To:List-Unsubscribe:\
             List-Unsubscribe-Post:List-Id:Feedback-ID:MIME-Version:Content-Type"
        );
        assert_eq!(tag(&signature, "l"), None);
        assert_eq!(tag(&signature, "t").as_deref(), Some("1772528400"));
        assert!(verifies(&(signature + MESSAGE), &signer.record().expect("a record")));
    }
}

/// Without keys nothing is signed, and nothing is hashed.
#[test]
fn without_keys_there_are_no_signatures() {
    assert_eq!(sign_all([], MESSAGE.as_bytes(), AT).as_deref(), Ok(""));
}

/// TRUST M5: RFC 8301 wants 2048 bits.
#[test]
fn a_short_or_unreadable_key_is_refused() {
    let new = |algorithm, bytes: &[u8]| Signer::new("example.org", "s", algorithm, bytes).err();
    let ed25519 = generate(Algorithm::Ed25519).expect("a key");
    assert_eq!(new(Algorithm::Rsa, &ed25519), Some(KeyError::Unreadable));
    assert_eq!(new(Algorithm::Ed25519, b"no key"), Some(KeyError::Unreadable));
}

#[test]
fn a_long_record_is_cut_into_strings_that_dns_takes() {
    let record = signer(Algorithm::Rsa).record().expect("a record");
    let strings = zone_file_strings(&record);
    let pieces: Vec<&str> = strings.trim_matches('"').split("\" \"").collect();
    assert_eq!(pieces.len(), 2);
    assert!(pieces.iter().all(|piece| piece.len() <= 255));
    assert_eq!(pieces.concat(), record);
}

/// What servers on the way may do to space does not break the signature.
#[test]
fn changes_of_space_are_forgiven() {
    let signer = signer(Algorithm::Ed25519);
    let record = signer.record().expect("a record");
    let signature = signer.sign(MESSAGE.as_bytes(), AT).expect("a signature");
    let moved = MESSAGE
        .replace("Subject: On  the way:\r\n two   lines", "SUBJECT:On the\r\n\tway: two lines ")
        .replace("all is well.   \r\n", "all  is\twell.\r\n");
    assert_ne!(moved, MESSAGE);
    assert!(verifies(&(signature + &moved), &record));
}

/// TRUST M5, RFC 8058 section 4: nobody adds a second From, or takes the unsubscribe link away.
#[test]
fn a_header_added_or_taken_away_breaks_the_signature() {
    for signer in both() {
        let record = signer.record().expect("a record");
        let signature = signer.sign(MESSAGE.as_bytes(), AT).expect("a signature");
        for (name, oversigned) in SIGNED {
            let added = format!("{signature}{name}: mallory@example.net\r\n{MESSAGE}");
            if oversigned {
                assert!(!verifies(&added, &record), "{name} was added");
            }
            let without: String = MESSAGE
                .split_inclusive("\r\n")
                .filter(|line| !line.starts_with(&format!("{name}: ")))
                .collect();
            if without != MESSAGE {
                assert!(!verifies(&(signature.clone() + &without), &record), "{name} was taken away");
            }
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    "[a-z= \t.]{0,90}"
}

proptest! {
    /// The fast way of relaxing a body and the plain one agree.
    #[test]
    fn a_body_is_relaxed_as_plain_words_would(lines in prop::collection::vec(line(), 0..12)) {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let mut out = Vec::new();
        canonical::body(text.as_bytes(), |bytes| out.extend_from_slice(bytes));
        prop_assert_eq!(String::from_utf8(out).expect("text"), plain_body(&text));
    }

    /// TRUST M5: any letter changed in what is signed breaks both signatures.
    #[test]
    fn any_change_breaks_the_signature(at in any::<prop::sample::Index>(), lines in prop::collection::vec(line(), 1..6)) {
        let body: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let message = format!("{MESSAGE}{body}");
        let places: Vec<usize> = message
            .bytes()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_lowercase())
            .map(|(at, _)| at)
            .collect();
        let place = places[at.index(places.len())];
        let mut changed = message.clone().into_bytes();
        changed[place] = if changed[place] == b'q' { b'x' } else { b'q' };
        let changed = String::from_utf8(changed).expect("ASCII");
        for signer in both() {
            let record = signer.record().expect("a record");
            let signature = signer.sign(message.as_bytes(), AT).expect("a signature");
            prop_assert!(verifies(&(signature.clone() + &message), &record));
            prop_assert!(!verifies(&(signature + &changed), &record), "byte {place}");
        }
    }
}
