//! How people and their keyboards spell an address: what is plainly meant is put right, what could be taken for another
//! person's address is not.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

/// What was meant: full-width letters and signs as plain ones, the dots of other scripts as dots, a curly apostrophe as a
/// straight one, without the final dot of a domain, composed (NFC) so that `é` is one letter however it was typed.
#[must_use]
pub fn put_right(typed: &str) -> String {
    let plain: String = typed.chars().map(plain).collect();
    let plain = plain.trim_matches([' ', '\t']);
    let plain = plain.strip_suffix('.').unwrap_or(plain);
    composed(plain)
}

/// One text for one word, however its marks were typed (NFC).
#[must_use]
pub fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{fe6b}' => '@',
        '\u{3002}' | '\u{ff61}' => '.',
        '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
        '\u{3000}' | '\u{a0}' => ' ',
        _ => c,
    }
}

/// Whether a character is a sign for a letter that became the letter of another alphabet when it is composed or in lower case:
/// KELVIN SIGN is no `k`, and never the same reader.
#[must_use]
pub const fn is_letter_sign(c: char) -> bool {
    matches!(c, '\u{2100}'..='\u{214f}')
}

/// Zero-width and direction-changing characters, which make two addresses look alike.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

/// Whether the part before the `@` is words with dots between them (RFC 5322 `dot-atom`, with the letters and marks of every
/// script, RFC 6532). A quoted part is none.
#[must_use]
pub fn is_local_part(text: &str) -> bool {
    text.split('.').all(|word| {
        word.chars().all(is_of_a_word) && word.chars().next().is_some_and(|first| !is_mark(first))
    })
}

fn is_of_a_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    }
    let taken = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Mark)
        .union(GeneralCategoryGroup::Number)
        .union(GeneralCategoryGroup::Symbol);
    // The dot in the Catalan l·l.
    c == '\u{b7}' || taken.contains(category(c)) && !is_invisible(c) && !is_letter_sign(c)
}

fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(category(c))
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keyboards_make_of_an_address_is_put_right() {
        for (typed, meant) in [
            ("ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ann@example.org"),
            ("ann@example。org", "ann@example.org"),
            ("o’brien@example.org.", "o'brien@example.org"),
            ("jose\u{301}@example.org", "josé@example.org"),
            ("\u{3000}ann@example.org\u{a0}", "ann@example.org"),
        ] {
            assert_eq!(put_right(typed), meant);
        }
    }

    #[test]
    fn the_letters_and_marks_of_every_script_are_letters() {
        for taken in ["संपर्क", "ಸಂಪರ್ಕ", "ติดต่อ", "επαφή", "தொடர்பு", "اتصال", "o'brien", "a+b", "col·lecció"]
        {
            assert!(is_local_part(taken), "{taken}");
        }
        for not in
            ["", "a..b", ".a", "a.", "\u{301}a", "a b", "a\u{200b}b", "“a”", "\u{212a}ann", "a<b", "\"a\""]
        {
            assert!(!is_local_part(not), "{not:?}");
        }
    }
}
