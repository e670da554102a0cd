//! The last look at an address before it is written into a header.

use std::borrow::Cow;

use crate::email_address::is_local_part;

/// The address with its domain in ASCII, or nothing if it could break a header open or no server would take it.
///
/// Stricter than the RFC: no quoted local part, no address literal. A local part outside ASCII passes; whether the relay
/// takes it (SMTPUTF8) is for the one who sends.
pub(super) fn header_form(address: &str) -> Option<Cow<'_, str>> {
    let unsafe_char = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\\')
    };
    // 254 is the longest path of RFC 5321 section 4.5.3.1.3 without its brackets.
    if address.contains(unsafe_char) || address.len() > 254 {
        return None;
    }
    let (local, domain) = address.rsplit_once('@')?;
    let strict = idna::domain_to_ascii_strict(domain).ok()?;
    if !strict.contains('.') || !is_local_part(local) {
        return None;
    }
    let ascii: Cow<'_, str> = if domain.is_ascii() { Cow::Borrowed(domain) } else { strict.into() };
    Some(match ascii {
        Cow::Borrowed(_) => Cow::Borrowed(address),
        Cow::Owned(ascii) => format!("{local}@{ascii}").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST M18 and A16: what could add a header, and what no policy of ours takes, is refused.
    #[test]
    fn only_plain_addresses_reach_a_header() {
        for good in ["ada@example.org", "a.b+news@mail.example.org", "zoë@example.org"] {
            assert_eq!(header_form(good).as_deref(), Some(good));
        }
        assert_eq!(header_form("ada@bücher.example").as_deref(), Some("ada@xn--bcher-kva.example"));
        for bad in [
            "",
            "ada",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "\"a b\"@example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org\0",
            "ada@example.org>, <eve@example.org",
            "a..b@example.org",
            "ada@example.org.",
            "ada@-.example.org",
        ] {
            assert_eq!(header_form(bad), None, "{bad:?}");
        }
    }
}
