//! The few things in a digest that differ from one copy to the next.

use serde::Serialize;

/// A personal field a digest may carry; templates name it `personal.name` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalField {
    /// How the reader is addressed.
    Name,
    /// The reader's unsubscribe page.
    UnsubscribeUrl,
    /// The page of the reader's choices.
    PreferencesUrl,
    /// This edition on the web.
    ViewUrl,
    /// The donation page, set to a single gift.
    GiveOnceUrl,
    /// The donation page, set to a monthly gift.
    GiveMonthlyUrl,
}

impl PersonalField {
    /// All of them, in the order of their stored numbers.
    pub const ALL: [Self; 6] = [
        Self::Name,
        Self::UnsubscribeUrl,
        Self::PreferencesUrl,
        Self::ViewUrl,
        Self::GiveOnceUrl,
        Self::GiveMonthlyUrl,
    ];
}

/// The personal fields of one copy.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Personal<'a> {
    /// How the reader is addressed after "Dear"; clean it with [`clean_name`], which also stands in for an empty one.
    pub name: &'a str,
    /// The reader's unsubscribe page.
    pub unsubscribe_url: &'a str,
    /// The page of the reader's choices.
    pub preferences_url: &'a str,
    /// This edition on the web.
    pub view_url: &'a str,
    /// The donation page, set to a single gift.
    pub give_once_url: &'a str,
    /// The donation page, set to a monthly gift.
    pub give_monthly_url: &'a str,
    /// What they answered, by the number of the field, of those that may stand in mails.
    #[serde(skip)]
    pub answers: &'a [(i64, String)],
}

impl<'a> Personal<'a> {
    /// What stands in that field.
    #[must_use]
    pub fn get(&self, field: PersonalField) -> &'a str {
        match field {
            PersonalField::Name => self.name,
            PersonalField::UnsubscribeUrl => self.unsubscribe_url,
            PersonalField::PreferencesUrl => self.preferences_url,
            PersonalField::ViewUrl => self.view_url,
            PersonalField::GiveOnceUrl => self.give_once_url,
            PersonalField::GiveMonthlyUrl => self.give_monthly_url,
        }
    }

    /// A reader who does not exist, for previews.
    #[must_use]
    pub fn sample() -> Self {
        Personal {
            name: "Ada",
            unsubscribe_url: "https://news.example.org/unsubscribe/sample",
            preferences_url: "https://news.example.org/preferences/sample",
            view_url: "https://news.example.org/view/sample",
            give_once_url: "https://news.example.org/give?once=sample",
            give_monthly_url: "https://news.example.org/give?monthly=sample",
            answers: &[],
        }
    }
}

/// The longest name written into a mail, in characters.
pub(super) const LONGEST_NAME: usize = 100;

/// A name fit to be written anywhere in a mail: control and direction-changing characters dropped, spaces collapsed, not
/// endless, and "reader" if nothing is left.
#[must_use]
pub fn clean_name(name: &str) -> String {
    let cleaned = clean_line(name, LONGEST_NAME);
    if cleaned.is_empty() { "reader".to_owned() } else { cleaned }
}

/// `text` on one line of at most `longest` characters, without anything that only a machine would notice.
pub(super) fn clean_line(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut visible = word.chars().filter(|c| !is_invisible(*c)).peekable();
        if visible.peek().is_some() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(visible);
    }
    match out.char_indices().nth(longest) {
        Some((end, _)) => out[..end].trim_end().to_owned(),
        None => out,
    }
}

/// Characters that show nothing but can turn the text around them about, byte order marks, and what XML has no place for.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A16: a name cannot carry a line break or a NUL anywhere.
    #[test]
    fn names_are_cleaned_before_they_are_written() {
        assert_eq!(clean_name("Ada\r\nBcc: all@example.org"), "Ada Bcc: all@example.org");
        assert_eq!(clean_name(" \u{0}\u{202e} "), "reader");
        assert_eq!(clean_name("  Zoë   van\u{a0}Dijk "), "Zoë van Dijk");
        assert_eq!(clean_name(&"x".repeat(5_000)).len(), LONGEST_NAME);
    }
}
