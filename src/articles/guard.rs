//! Refuses feeds that are built to exhaust whoever parses them, before anything parses them (TRUST A9).
//!
//! One pass over the bytes without building anything. What is left is safe for parsers whose cost grows with the square of
//! the attributes of a tag, or with a record for every element.

/// The most bytes a feed may have.
pub const MOST_BYTES: usize = 10_000_000;

const MOST_DEPTH: usize = 256;
const MOST_TAGS: usize = 60_000;
const MOST_TAG_BYTES: usize = 16 * 1024;
const MOST_JSON_VALUES: usize = 200_000;

/// Why a document is refused; `None` if nothing speaks against parsing it.
#[must_use]
pub fn objection(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() > MOST_BYTES {
        return Some("it is larger than 10 MB");
    }
    if bytes.contains(&0) {
        return Some("it is not in a text encoding that feeds use (UTF-8, ISO-8859-1 and their like)");
    }
    match bytes.iter().find(|byte| matches!(byte, b'<' | b'{')) {
        Some(b'{') => json_objection(bytes),
        _ => xml_objection(bytes),
    }
}

fn xml_objection(bytes: &[u8]) -> Option<&'static str> {
    let (mut depth, mut tags) = (0_usize, 0_usize);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at + 1..];
        rest = match rest {
            [b'!', b'-', b'-', after @ ..] => behind(after, b"-->"),
            [b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', after @ ..] => behind(after, b"]]>"),
            [b'?', after @ ..] => behind(after, b"?>"),
            // A document type itself is harmless: its entities are what grows, or reads other files.
            [b'!', after @ ..] if after.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"entity")) => {
                return Some("it declares entities of its own");
            }
            [b'!', after @ ..] => after,
            [b'/', after @ ..] => {
                depth = depth.saturating_sub(1);
                after
            }
            _ => {
                let end = tag_end(rest);
                tags += 1;
                if !rest[..end].ends_with(b"/") {
                    depth += 1;
                }
                if end > MOST_TAG_BYTES {
                    return Some("one of its tags is longer than 16 KiB");
                }
                &rest[end..]
            }
        };
        if depth > MOST_DEPTH {
            return Some("its tags are nested too deeply");
        }
        if tags > MOST_TAGS {
            return Some("it has too many tags");
        }
    }
    None
}

/// Where a tag ends; a `>` between quotes does not end it.
fn tag_end(rest: &[u8]) -> usize {
    let mut quote = None;
    for (at, byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    rest.len()
}

fn behind<'a>(bytes: &'a [u8], end: &[u8]) -> &'a [u8] {
    bytes.windows(end.len()).position(|window| window == end).map_or(&[], |at| &bytes[at + end.len()..])
}

fn json_objection(bytes: &[u8]) -> Option<&'static str> {
    let (mut values, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' | b',' if !in_string => values += 1,
            _ => {}
        }
    }
    (values > MOST_JSON_VALUES).then_some("it has too many values")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A9: each of these is refused without being parsed.
    #[test]
    fn documents_built_to_exhaust_are_refused() {
        let attributes: String = (0..1_000_000).map(|n| format!(" a{n}=''")).take(400_000).collect();
        for (hostile, word) in [
            (format!("<rss{attributes}/>"), "longer than 16 KiB"),
            ("<a>".repeat(100_000), "nested too deeply"),
            (format!("<rss><channel>{}", "<item/>".repeat(100_000)), "too many tags"),
            (
                "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><rss>&b;</rss>"
                    .to_owned(),
                "entities",
            ),
            (
                "<!DOCTYPE x [<!ENTITY file SYSTEM 'file:///etc/passwd'>]><rss>&file;</rss>".to_owned(),
                "entities",
            ),
            (format!("<rss>{}</rss>", " ".repeat(MOST_BYTES)), "10 MB"),
            (format!("{{\"items\":[{}]}}", "{},".repeat(300_000)), "too many values"),
            ("<\0r\0s\0s\0>\0".to_owned(), "encoding"),
        ] {
            assert!(objection(hostile.as_bytes()).is_some_and(|why| why.contains(word)), "{word}");
        }
    }

    #[test]
    fn fair_documents_pass() {
        for fair in [
            "<?xml version='1.0'?><!DOCTYPE rss PUBLIC '-//N//DTD RSS 0.91//EN' 'http://example.org/rss.dtd'><rss a='>'/>",
            "<rss><item><![CDATA[<!ENTITY is a word <b><b>]]></item><!-- <!ENTITY --></rss>",
            "{\"a\": \"{[,{[,\\\"{\"}",
            "",
        ] {
            assert_eq!(objection(fair.as_bytes()), None, "{fair}");
        }
    }
}
