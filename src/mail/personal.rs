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
    /// The page where the reader says that it may go on coming.
    AgainUrl,
}

impl PersonalField {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Name,
        Self::UnsubscribeUrl,
        Self::PreferencesUrl,
        Self::ViewUrl,
        Self::GiveOnceUrl,
        Self::GiveMonthlyUrl,
        Self::AgainUrl,
    ];

    /// What a stored body calls it; what the team's fields are called lies between (`segments.rs`).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Name => 0,
            Self::UnsubscribeUrl => 1,
            Self::PreferencesUrl => 2,
            Self::ViewUrl => 3,
            Self::GiveOnceUrl => 4,
            Self::GiveMonthlyUrl => 5,
            Self::AgainUrl => 255,
        }
    }
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
    /// The page where the reader says that it may go on coming.
    pub again_url: &'a str,
    /// What they answered, by the number of the field, of those that may stand in mails.
    #[serde(skip)]
    pub answers: &'a [(i64, String)],
    /// Which of the parts they see that are not for everybody.
    #[serde(skip)]
    pub parts: SeenParts,
}

/// Which parts of a digest somebody sees of those that are not for everybody: a bit for each, from 0 to [`SeenParts::MOST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenParts(pub u32);

impl SeenParts {
    /// So many parts may there be of each kind, and twice as many in all.
    pub const MOST_OF_A_KIND: u8 = 15;
    /// So many in all.
    pub const MOST: u8 = 2 * Self::MOST_OF_A_KIND;
    /// What somebody sees of whom nothing is known: parts for all but some have the lower numbers, and parts for some the higher.
    pub const STRANGER: Self = Self((1 << Self::MOST_OF_A_KIND) - 1);
    /// All of them.
    pub const ALL: Self = Self((1 << Self::MOST) - 1);

    /// Whether a part is among them.
    #[must_use]
    pub const fn has(self, part: u8) -> bool {
        self.0 >> part & 1 == 1
    }
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
            PersonalField::AgainUrl => self.again_url,
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
            again_url: "https://news.example.org/again/sample",
            answers: &[],
            parts: SeenParts::ALL,
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
    if let Some((end, _)) = out.char_indices().nth(longest) {
        out.truncate(end);
        out.truncate(out.trim_end().len());
    }
    // What only joins or shapes others shows nothing alone.
    if out.chars().all(|c| c == ' ' || is_joiner(c)) { String::new() } else { out }
}

/// Characters that show nothing: what can turn the text around them about, marks of breaks and of byte order, letters and tags without a
/// form, and what XML has no place for.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Characters that some scripts and signs need between or behind others: the joiners, and what chooses a form.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{180b}'..='\u{180d}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
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

    /// TRUST A16: nobody is greeted with nothing; whoever's script joins its letters keeps their name as it is.
    #[test]
    fn a_name_that_nobody_sees_is_none() {
        let unseen = "\u{ad}\u{61c}\u{115f}\u{1160}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\u{206f}\u{2800}\u{3164}\u{fe0f}\u{ffa0}\u{e0001}\u{e0041}\u{e007f}\u{e0100}";
        for c in unseen.chars() {
            assert_eq!(clean_line(&c.to_string(), 100), "", "{c:?}");
        }
        assert_eq!(clean_line(unseen, 100), "");
        assert_eq!(clean_name(unseen), "reader");
        assert_eq!(clean_name(&format!("A{unseen}da")).replace(is_joiner, ""), "Ada");
        for name in [
            "\u{639}\u{644}\u{6cc}\u{200c}\u{631}\u{636}\u{627}",
            "\u{1f469}\u{200d}\u{1f4bb} Ada",
            "\u{845b}\u{e0100}",
        ] {
            assert_eq!(clean_name(name), name);
        }
    }
}
