//! What a reader is found by.

use crate::email_address::{EmailAddress, folded};

/// Each time [`text_of`] writes otherwise than before, one more: then the rows are made anew (`find.rs`).
pub(super) const VERSION: i64 = 3;

/// So many letters of a name order readers; as in the index.
pub(super) const ORDERED_BY: usize = 24;

/// A text as readers are looked for: [`folded`], without apostrophes, and with a space for every hyphen. A telephone writes others than a
/// keyboard does, and many write none: whoever looks for "obrien smythe" finds "O’Brien-Smythe".
#[must_use]
pub fn sought(text: &str) -> String {
    let is_apostrophe =
        |c: char| matches!(c, '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{2032}' | '\u{2bb}' | '\u{2bc}');
    let is_hyphen = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let kept = folded(text).chars().filter(|c| !is_apostrophe(*c)).collect::<String>();
    kept.replace(is_hyphen, " ")
}

/// Name and address, as they are looked for: each between two line breaks, so that where a word begins and ends can be looked for as
/// well, the name first, so that readers can be put in its order.
pub(super) fn text_of(email: &EmailAddress, name: &str) -> String {
    let address = sought(email.as_str());
    let readable = sought(&email.readable());
    let other = if readable == address { String::new() } else { format!("{readable}\n") };
    format!("\n{}\n{address}\n{other}", sought(name))
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
        assert_eq!(text_of(&email, "Ann Özdemir"), "\nann ozdemir\nann@xn  r8jz45g.jp\nann@例え.jp\n");
    }

    #[test]
    fn a_name_is_found_by_whichever_apostrophe_and_hyphen_somebody_types() {
        for (name, typed) in [
            ("O’Brien-Smythe", &["o'brien", "OBRIEN", "brien smythe", "o’brien‑smythe"][..]),
            ("O'Connor", &["o’connor", "oconnor", "oʼconnor"]),
            ("Anne\u{2011}Marie", &["anne-marie", "Anne–Marie", "anne marie"]),
        ] {
            for typed in typed {
                assert!(sought(name).contains(&sought(typed)), "{name} {typed}");
            }
        }
        assert!(sought("news-desk@example.org").contains(&sought("news-desk@")), "an address, too");
    }

    #[test]
    fn who_has_no_name_comes_last() {
        let email = EmailAddress::parse("ann@example.org").expect("an address");
        let [named, nameless] = ["Zoë", ""].map(|name| ordered_by(&text_of(&email, name)));
        assert!(named < nameless, "{named:?} {nameless:?}");
    }
}
