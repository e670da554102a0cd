//! What two spellings of a word have in common, for finding it: in any script and case, with marks or without.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// A text as it is looked for: in small letters by the rules of Unicode, without accents, full-width and other forms of a letter
/// as the letter itself. Whoever looks for "ozdemir" or "ÖZDEMİR" finds "Özdemir", and "strasse" finds "Straße".
///
/// For finding alone: two addresses that fold to the same are two readers.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let apart = DecomposingNormalizerBorrowed::new_nfkd();
    let mut small = String::with_capacity(text.len());
    // By way of the capital letter, so that every small form of it is the same one: ς is σ, ß is ss.
    for c in apart.normalize(text).chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase) {
        match base(c) {
            "" => small.push(c),
            letters => small.push_str(letters),
        }
    }
    let without: String = apart.normalize(&small).chars().filter(|c| !is_accent(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&without).into_owned()
}

/// Letters with a stroke or tied together, which no rule of Unicode takes apart.
const fn base(c: char) -> &'static str {
    match c {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        // Its capital letter has a small letter alone, which no capital leads to.
        'ß' => "ss",
        _ => "",
    }
}

/// What people leave out where they type in a hurry: accents, and the vowel points of Hebrew and Arabic. The vowels of Indian
/// scripts are marks, too, and no word without them.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_word_folds_to_the_same() {
        for spellings in [
            &["Özdemir", "özdemir", "ÖZDEMİR", "OZDEMIR", "O\u{308}zdemir", "ｏｚｄｅｍｉｒ"][..],
            &["Straße", "STRASSE", "strasse", "STRAẞE"],
            &["Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ", "οδυσσευς"],
            &["Émile", "emile", "EMILE"],
            &["Sørensen", "SORENSEN"],
            &["Łukasz", "lukasz"],
            &["Ёлкин", "елкин", "ЁЛКИН"],
            &["シンジ", "ｼﾝｼﾞ"],
            &["김민준", "\u{1100}\u{1175}\u{11b7}민준"],
            &["İstanbul", "istanbul", "ISTANBUL", "ıstanbul"],
            &["שָׁלוֹם", "שלום"],
        ] {
            let folds: Vec<String> = spellings.iter().map(|one| folded(one)).collect();
            assert!(folds.iter().all(|one| *one == folds[0]), "{spellings:?}: {folds:?}");
        }
        assert_ne!(folded("संपर्क"), folded("सपरक"), "vowels and signs of Indian scripts are the word");
    }

    /// What is folded once more stays, so that what is stored and what is looked for meet.
    #[test]
    fn folding_twice_changes_nothing() {
        for c in ('\0'..='\u{ffff}').filter(|c| !c.is_control()) {
            let once = folded(&c.to_string());
            assert_eq!(folded(&once), once, "{c:?}");
        }
    }
}
