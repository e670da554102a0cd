//! Email addresses, parsed once at the door; the rest of the house trusts the type.
//!
//! A magazine wants less than the RFCs take (TRUST M18): no quoted local part, no address literal, no host without a dot. UTF-8
//! local parts (RFC 6532) and plus tags are welcome. The domain is kept as its A-label, so that `a@例え.jp` and
//! `a@xn--r8jz45g.jp` are one reader; the local part composed (NFC), so that `é` is one letter.
//!
//! No crate reads them for us: lettre took what the RFCs take and a magazine does not want, and refused names in Devanagari.

mod folding;
mod hints;
mod kinds;
mod mailbox;
mod spelling;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::{
    folding::folded,
    kinds::{is_disposable, is_reserved, is_within},
    spelling::is_local_part,
};

/// A mailbox address that passed the policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx_macros::Type)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
pub struct EmailAddress(String);

/// Why an address was not taken, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was typed.
    #[error("Enter an email address.")]
    Empty,
    /// No `@`, or nothing on one side of it, or forbidden characters.
    #[error("Enter an email address in the form name@example.com.")]
    Malformed,
    /// Longer than RFC 5321 section 4.5.3.1 allows.
    #[error("That email address is too long.")]
    TooLong,
    /// `"quoted"@…`, `…@[127.0.0.1]` or `…@localhost`.
    #[error("That kind of email address cannot get our mail. Use one in the form name@example.com.")]
    Unsupported,
    /// It holds a sign that looks like a letter and is none.
    #[error("One letter in that address is a sign that only looks like it. Type the address anew.")]
    LetterSign,
}

/// In bytes, as typed: a domain in another script takes more of them than its A-label.
const LONGEST: usize = 2_000;

impl EmailAddress {
    /// Parses what a person typed; surrounding space is dropped, and what a keyboard made of it is put right.
    ///
    /// # Errors
    /// An [`AddressError`] that tells the person what to change.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        // No spelling of one that fits is longer; what is longer is not worth reading.
        if text.len() > LONGEST {
            return Err(AddressError::TooLong);
        }
        if text.chars().any(spelling::is_letter_sign) {
            return Err(AddressError::LetterSign);
        }
        let text = spelling::put_right(text);
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || spelling::is_invisible(c)) {
            return Err(AddressError::Malformed);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Malformed)?;
        if local.starts_with('"') || domain.starts_with('[') {
            return Err(AddressError::Unsupported);
        }
        if local.len() > 64 {
            return Err(AddressError::TooLong);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| AddressError::Malformed)?;
        if domain.len() > 253 || local.len() + 1 + domain.len() > 254 {
            return Err(AddressError::TooLong);
        }
        if !is_local_part(local) {
            return Err(AddressError::Malformed);
        }
        let top = domain.rsplit_once('.').map(|(_, top)| top).ok_or(AddressError::Unsupported)?;
        if top.is_empty() || top.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AddressError::Unsupported);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// An address that the database holds: it was parsed when it was written.
    pub(crate) const fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The address as it is written in the envelope.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`, as an A-label in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What two spellings of one mailbox have in common: the address in lower case.
    ///
    /// The local part may be case-sensitive by RFC 5321; no provider treats it so, and readers do not remember their case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// What all variants of the mailbox have in common, plus tags and the like left out: for counting what one person gets.
    #[must_use]
    pub fn mailbox(&self) -> String {
        mailbox::mailbox(self.local(), self.domain())
    }

    /// The address that was probably meant, where the domain looks mistyped.
    #[must_use]
    pub fn meant(&self) -> Option<Self> {
        hints::meant(self.domain()).map(|domain| Self(format!("{}@{domain}", self.local())))
    }

    /// Whether its domain is a provider's, where very many people have their mailbox.
    #[must_use]
    pub fn is_at_a_provider(&self) -> bool {
        hints::is_common(self.domain())
    }

    /// The address as people read it: its domain not as an A-label.
    #[must_use]
    pub fn readable(&self) -> String {
        format!("{}@{}", self.local(), idna::domain_to_unicode(self.domain()).0)
    }

    /// For logs: `m***@example.org`.
    #[must_use]
    pub fn masked(&self) -> String {
        let first: String = self.0.chars().take(1).collect();
        format!("{first}***@{}", self.domain())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// The addresses that stand in a text, each with where it begins, in their order.
pub fn addresses(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('@').filter_map(|(at, _)| {
        let start = text[..at].char_indices().rev().take_while(|(_, c)| is_local(*c)).last()?.0;
        let tail = &text[at + 1..];
        let length: usize = tail.chars().take_while(|c| is_domain(*c)).map(char::len_utf8).sum();
        let domain = tail[..length].trim_end_matches(['.', '-']);
        let local = text[start..at].trim_start_matches(['.', '\'', '/', '=']);
        let whole = at - local.len();
        let usable = !local.is_empty()
            && local.len() <= 128
            && (1..=253).contains(&domain.len())
            && !domain.starts_with('.')
            // `<…@…>` in a Message-ID or `a@b` in the middle of a URL are told apart by what stands around them.
            && !text[..whole].ends_with(['@', '/']);
        usable.then(|| (whole, &text[whole..=at + domain.len()]))
    })
}

const fn is_local(c: char) -> bool {
    !c.is_ascii() && !matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{2018}'..='\u{201f}')
        || c.is_ascii_alphanumeric()
        || matches!(
            c,
            '.' | '!'
                | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '-'
                | '/'
                | '='
                | '?'
                | '^'
                | '_'
                | '`'
                | '{'
                | '|'
                | '}'
                | '~'
        )
}

const fn is_domain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Words of anybody's without the addresses in them: for whoever may not see readers, and for what outlives a reader's erasure.
#[must_use]
pub fn without_addresses(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut end = 0;
    for (at, address) in addresses(words) {
        if at >= end {
            out.push_str(&words[end..at]);
            out.push('…');
            end = at + address.len();
        }
    }
    out.push_str(&words[end..]);
    out
}

/// The same, and no more of it than the log and a page have room for (TRUST A31).
#[must_use]
pub fn for_the_log(words: &str) -> String {
    const LONGEST: usize = 500;
    let masked = without_addresses(words);
    match masked.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST M18: the acceptance table.
    #[test]
    fn addresses_are_taken_or_refused_by_the_table() {
        for good in [
            "ann@example.org",
            "ann+news@example.org",
            "jürgen@example.org",
            "a.b-c_d@sub.example.org",
            "用户@example.org",
            "संपर्क@example.org",
            "ಸಂಪರ್ಕ@example.org",
            "ติดต่อ@example.org",
            "επαφή@example.org",
        ] {
            assert_eq!(EmailAddress::parse(good).as_ref().map(EmailAddress::as_str), Ok(good));
        }
        for bad in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "a b@example.org",
            "\"a b\"@example.org",
            "a@[127.0.0.1]",
            "a@localhost",
            "a@127.0.0.1",
            "a..b@example.org",
            ".a@example.org",
            "a@example.org..",
            "a@-example.org",
            "a@exa mple.org",
            "a@example.org\r\nBcc: b@example.org",
            "a\0@example.org",
            "a@example..org",
            "ann@exam\u{202e}ple.org",
            "\u{212a}ann@example.org",
            "ann@\u{212a}ann.example.org",
            "\u{212b}nn@example.org",
            "ann@example.org, bob@example.org",
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(EmailAddress::parse(&format!("{}@example.org", "a".repeat(64))).is_ok());
        assert_eq!(
            EmailAddress::parse(&format!("{}@example.org", "a".repeat(65))),
            Err(AddressError::TooLong)
        );
        let long = format!("a@{}.org", vec!["example"; 40].join("."));
        assert!(EmailAddress::parse(&long).is_err());
    }

    /// However it was typed, it is one reader; and no sign is taken for the letter that it looks like.
    #[test]
    fn what_keyboards_make_of_an_address_is_the_same_reader() {
        for (one, other) in [
            ("ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ann@example.org"),
            ("ann@example。org.", "ann@example.org"),
            ("o’brien@example.org", "o'brien@example.org"),
            ("Jose\u{301}@example.org", "josé@example.org"),
        ] {
            let key = |text| EmailAddress::parse(text).expect("a valid address").key();
            assert_eq!(key(one), key(other));
        }
        assert_eq!(EmailAddress::parse("\u{212a}im@example.org"), Err(AddressError::LetterSign));
        let meant = EmailAddress::parse("ann@gmial.com").expect("a valid address").meant();
        assert_eq!(meant.as_ref().map(EmailAddress::as_str), Some("ann@gmail.com"));
    }

    /// TRUST M17: an internationalised domain and its A-label are one reader.
    #[test]
    fn an_international_domain_and_its_a_label_are_the_same_address() {
        let unicode = EmailAddress::parse("a@例え.jp").expect("a valid address");
        let ascii = EmailAddress::parse("a@xn--r8jz45g.jp").expect("a valid address");
        assert_eq!(unicode, ascii);
        assert!(unicode.as_str().is_ascii());
        assert_eq!(EmailAddress::parse("Ann@Example.ORG").map(|a| a.key()).as_deref(), Ok("ann@example.org"));
    }
}
