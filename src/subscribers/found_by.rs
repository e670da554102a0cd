//! What a reader is found by.

use crate::email_address::{EmailAddress, folded};

/// Each time [`text_of`] writes otherwise than before, one more: then the rows are made anew (`find.rs`).
pub(super) const VERSION: i64 = 2;

/// So many letters of a name order readers; as in the index.
pub(super) const ORDERED_BY: usize = 24;

/// Name and address, as they are looked for: each between two line breaks, so that where a word begins and ends can be looked for as
/// well, the name first, so that readers can be put in its order.
pub(super) fn text_of(email: &EmailAddress, name: &str) -> String {
    let address = folded(email.as_str());
    let readable = folded(&email.readable());
    let other = if readable == address { String::new() } else { format!("{readable}\n") };
    format!("\n{}\n{address}\n{other}", folded(name))
}

/// What a reader with that text is ordered by: whoever has no name comes last.
pub(super) fn ordered_by(text: &str) -> (bool, String) {
    let key: String = text.chars().skip(1).take(ORDERED_BY).collect();
    (key.is_empty() || key.starts_with('\n'), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_by_how_people_read_it_and_by_how_it_is_kept() {
        let email = EmailAddress::parse("Ann@例え.jp").expect("an address");
        assert_eq!(text_of(&email, "Ann Özdemir"), "\nann ozdemir\nann@xn--r8jz45g.jp\nann@例え.jp\n");
    }

    #[test]
    fn who_has_no_name_comes_last() {
        let email = EmailAddress::parse("ann@example.org").expect("an address");
        let [named, nameless] = ["Zoë", ""].map(|name| ordered_by(&text_of(&email, name)));
        assert!(named < nameless, "{named:?} {nameless:?}");
    }
}
