//! Finding addresses, enhanced status codes and reply codes in the words of mail servers.

use std::net::Ipv4Addr;

pub use crate::email_address::{addresses, without_addresses};

/// The first address of a text.
pub fn address(text: &str) -> Option<&str> {
    addresses(text).next().map(|(_, address)| address)
}

/// The enhanced status codes (RFC 3463) of a text, in their order; figures of dotted numbers such as 192.0.2.5 are none.
pub fn statuses(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter_map(move |(start, byte)| {
        let first = matches!(byte, b'2' | b'4' | b'5') && bytes.get(start + 1) == Some(&b'.');
        let fresh = start == 0 || !(bytes[start - 1].is_ascii_alphanumeric() || b".-_".contains(&bytes[start - 1]))
            // `550-5.7.26` is the form of a reply of several lines.
            || (start >= 4 && bytes[start - 1] == b'-' && bytes[start - 4..start - 1].iter().all(u8::is_ascii_digit));
        if !first || !fresh {
            return None;
        }
        let subject = digits(bytes, start + 2);
        let detail_at = start + 2 + subject + 1;
        if !(1..=3).contains(&subject) || bytes.get(detail_at - 1) != Some(&b'.') {
            return None;
        }
        let detail = digits(bytes, detail_at);
        let end = detail_at + detail;
        let next = bytes.get(end).copied().unwrap_or(b' ');
        let dotted = next == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
        let ended = !next.is_ascii_alphanumeric() && next != b'_' && !dotted;
        ((1..=3).contains(&detail) && ended).then(|| &text[start..end])
    })
}

fn digits(bytes: &[u8], from: usize) -> usize {
    bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count()
}

/// How much a status says: nothing but that something was wrong (`5.0.0`), in which field (`5.1.0`) or that time ran out
/// while something else was wrong (`4.4.7`), or what it was.
pub fn telling(status: &str) -> u8 {
    let mut parts = status.split('.').skip(1);
    match (parts.next(), parts.next()) {
        (Some("0"), _) => 0,
        (_, Some("0")) | (Some("4"), Some("7")) => 1,
        _ => 2,
    }
}

/// The most telling of some, of two alike the first.
pub fn most_telling<'a>(statuses: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    statuses.fold(None, |best, one| match best {
        Some(best) if telling(best) >= telling(one) => Some(best),
        _ => Some(one),
    })
}

/// The first reply code (RFC 5321 section 4.2) of a text: three figures that stand alone and refuse.
pub fn reply(text: &str) -> Option<&str> {
    replies(text).next().map(|at| &text[at..at + 3])
}

/// The last one, which is the innermost server's where several pass a refusal on; a number in brackets is none.
pub fn innermost(text: &str) -> Option<&str> {
    let bracketed = |at: usize| text[..at].ends_with('[') || text[at + 3..].starts_with([']', ')']);
    replies(text).rev().find(|at| !bracketed(*at)).map(|at| &text[at..at + 3])
}

fn replies(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(2)).filter(move |&start| {
        let code = &bytes[start..start + 3];
        let is_code =
            matches!(code[0], b'4' | b'5') && matches!(code[1], b'0'..=b'5') && code[2].is_ascii_digit();
        let before = start.checked_sub(1).map_or(b' ', |at| bytes[at]);
        let after = bytes.get(start + 3).copied().unwrap_or(b' ');
        is_code
            && !before.is_ascii_alphanumeric()
            && !b".-_#@/=".contains(&before)
            && b" -\n\t,;:'\")]".contains(&after)
    })
}

/// A local part such as `spam` or `full` must not be taken for a word of the server.
#[must_use]
pub fn without(text: &str, address: &str) -> String {
    if address.is_empty() { text.to_owned() } else { text.replace(address, " ") }
}

/// What [`with_ours`] writes for a name of ours: no word, and no letter of any script.
pub const OURS: &str = "\u{e000}";

/// A text in which our own names are marked: addresses and hosts at the domains of `ours`, which are addresses or host
/// names, unless the reader lives there, too.
#[must_use]
pub fn with_ours(text: &str, ours: &[&str], reader: &str) -> String {
    let domain = |name: &str| name.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let is_under = |host: &str, domain: &str| {
        host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
    };
    let home = domain(reader);
    let domains: Vec<String> = ours
        .iter()
        .map(|name| domain(name))
        .filter(|one| one.contains('.') && !is_under(&home, one))
        .collect();
    let is_ours = |word: &str| domains.iter().any(|one| is_under(&domain(word), one));
    if domains.is_empty() {
        return text.to_owned();
    }
    let belongs = |c: char| c.is_alphanumeric() || ".-_+=@".contains(c);
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        let name = word.trim_matches(['.', '-']);
        let between = word.is_empty().then(|| rest.find(belongs).unwrap_or(rest.len()));
        match between {
            Some(end) => marked.push_str(&rest[..end]),
            None if is_ours(name) => marked.push_str(&word.replace(name, OURS)),
            None => marked.push_str(word),
        }
        rest = &rest[between.unwrap_or(word.len())..];
    }
    marked
}

/// Whether a text sends whoever reads it to a page about blocking.
#[must_use]
pub fn links_to_a_block(text: &str) -> bool {
    const SIGNS: &[&str] =
        &["block", "blacklist", "denylist", "rbl", "/bl.", "spam", "abuse", "reputation", "delist", "unlist"];
    links(text).any(|link| SIGNS.iter().any(|sign| link.contains(sign)))
}

/// Whether a text sends whoever reads it to a page about a network address, which is ours.
#[must_use]
pub fn links_to_an_address(text: &str) -> bool {
    let figures = |link: &String| {
        link.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(|part| part.parse::<Ipv4Addr>().is_ok())
    };
    links(text).any(|link| figures(&link))
}

fn links(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '"' | '[' | ']'))
        .map(str::to_ascii_lowercase)
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
}

/// A text as the tables of words want it: lower case, single spaces, no quotation marks, no web addresses.
pub fn plain(text: &str) -> String {
    let lower =
        text.to_lowercase().replace(['\u{2019}', '`'], "'").replace(['"', '\u{201c}', '\u{201d}'], "");
    let words =
        lower.split_whitespace().filter(|word| !word.contains("http://") && !word.contains("https://"));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email_address::without_addresses;

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let found = |text| addresses(text).map(|(_, address)| address.to_owned()).collect::<Vec<_>>();
        assert_eq!(found("<ann@example.org>: gone"), ["ann@example.org"]);
        assert_eq!(found("to ann@example.org."), ["ann@example.org"]);
        assert_eq!(
            found("rfc822;ann+b@example.org, bob@example.com"),
            ["ann+b@example.org", "bob@example.com"]
        );
        assert_eq!(found("jürgen@example.org"), ["jürgen@example.org"]);
        assert!(found("@ a@ @b").is_empty());
    }

    #[test]
    fn a_status_is_told_from_a_network_address() {
        let status = |text| most_telling(statuses(text));
        assert_eq!(status("550 5.1.1 User unknown"), Some("5.1.1"));
        assert_eq!(status("550-5.7.26 not taken"), Some("5.7.26"));
        assert_eq!(status("no mailbox. (#5.1.1)"), Some("5.1.1"));
        assert_eq!(status("5.0.0 (5.2.2 full)"), Some("5.2.2"));
        assert_eq!(status("host 5.1.1.7 and 192.5.1.1 and 5.1.1.example"), None);
        assert_eq!(status("host [5.1.1.7] said 4.4.2."), Some("4.4.2"));
    }

    #[test]
    fn a_reply_code_stands_alone() {
        assert_eq!(reply("host 192.0.2.5 said: 550 no"), Some("550"));
        assert_eq!(reply("550-5.7.1 no"), Some("550"));
        assert_eq!(reply("v4501 x550 5500 10.0.0.450"), None);
        assert_eq!(innermost("550 5.0.350 it said -> 450 not now [416]"), Some("450"));
    }

    #[test]
    fn our_names_are_marked_unless_the_reader_lives_there() {
        let ours = ["news@news.example.org", "mail.example.net"];
        let marked = |text, reader| with_ours(text, &ours, reader).replace(OURS, "US");
        assert_eq!(
            marked("550 <b+1@News.Example.org>: no; mail.example.net. ann@example.com", "ann@example.com"),
            "550 <US>: no; US. ann@example.com"
        );
        assert_eq!(marked("x.news.example.org, anews.example.org", "a@example.com"), "US, anews.example.org");
        assert_eq!(marked("<a@news.example.org>: no", "a@news.example.org"), "<a@news.example.org>: no");
        assert_eq!(marked("ünbekannt – nein", "a@example.com"), "ünbekannt – nein");
    }

    #[test]
    fn no_address_is_kept_in_the_words() {
        assert_eq!(without_addresses("550 <ann@example.org>: no; b@example.com"), "550 <…>: no; …");
    }
}
