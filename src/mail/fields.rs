//! Fields in words that people write: `Dear {{field.first_name, else "reader"}},`.
//!
//! The rule: what stands in two braces is the reader's name, or a field that the team opened for mails, with the words for whoever
//! has not answered; everything else is a mistake. It reaches nothing else, and what is put in its place is never read again
//! (TRUST A2).

use serde::{Deserialize, Serialize};

use super::personal::{LONGEST_NAME, Personal, clean_line};

/// How readers are greeted where nobody decided otherwise.
pub const GREETING: &str = "Dear {{name, else \"reader\"}},";
/// So many may stand in one text.
const MOST: usize = 20;
/// The longest letter that an edition begins with, in characters.
pub(super) const LONGEST_LETTER: usize = 100_000;
/// The longest words for whoever has not answered, in characters.
const LONGEST_OTHERWISE: usize = 100;
/// The longest answer written into a mail, in characters.
const LONGEST_ANSWER: usize = 200;
/// What stands for a reader without a name where nobody says otherwise.
const NOBODY: &str = "reader";
/// The number of the reader's name, which is no field of the team's.
pub(super) const NAME: i64 = 0;

/// A field that may stand in mails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailField {
    /// Its number; another field of the same name has another.
    pub id: i64,
    /// What stands in braces behind `field.`.
    pub name: String,
    /// Whether an answer is a day, which readers see as people write one.
    pub is_day: bool,
}

/// What is wrong with a field in a text, for whoever typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldMistake {
    #[error(
        "“{{{{{0}”: two braces begin a field, and this is none. Write it as in {{{{field.first_name, else \"reader\"}}}}, or as {{{{name}}}}."
    )]
    Unreadable(String),
    #[error(
        "Say what stands there for readers who have not answered, as in {{{{field.{0}, else \"reader\"}}}}."
    )]
    NoOtherwise(String),
    #[error("There is no field “{0}” that may stand in mails. Forms, Fields says which there are.")]
    Unknown(String),
    #[error("Use at most {MOST} fields in one text.")]
    TooMany,
    #[error("No field can stand here: it is the same for everybody. Two braces begin one.")]
    NotHere,
    /// Of a link, which may stand beside fields.
    #[error(
        "“{0}” is where a link is to lead, and no mail can lead there: begin it with https:// or mailto:."
    )]
    NoAddress(String),
    /// Of a button.
    #[error("“{0}” is where the button is to lead, and no reader gets there: begin it with https://.")]
    NoWebAddress(String),
    /// Of a button's address, which is nothing that could be cut.
    #[error("The address of the button is too long: mail programs follow at most 2,000 characters.")]
    LongAddress,
    /// Of a title, or what else is to be short.
    #[error("Use at most {0} characters here: “{1} …” has more.")]
    LongLine(usize, String),
    /// Of a letter.
    #[error("The letter is too long: please keep it under 100,000 characters.")]
    TooLong,
    /// Our reader met what nobody foresaw.
    #[error("Something in this text cannot be read. Take out what you put in last, and try again.")]
    Strange,
}

/// A text with one letter of private use in the place of each field, for whoever reads it as something else meanwhile.
pub(super) struct Shielded {
    pub(super) text: String,
    fields: Vec<String>,
}

/// The first of those letters.
const SHIELD: u32 = 0xe000;

impl Shielded {
    /// Fields that cannot be read are no fields; such letters themselves say nothing to anybody, and go.
    pub(super) fn of(text: &str) -> Self {
        let (mut shielded, mut fields) = (String::with_capacity(text.len()), Vec::new());
        for piece in pieces(text).unwrap_or_else(|_| vec![Piece::Text(text)]) {
            match piece {
                Piece::Text(text) => shielded.push_str(&Self::without(text)),
                Piece::Field(name, otherwise) => {
                    shielded
                        .extend(u32::try_from(fields.len()).ok().and_then(|at| char::from_u32(SHIELD + at)));
                    let name = name.map_or_else(|| "name".to_owned(), |name| format!("field.{name}"));
                    fields.push(format!("{{{{{name}, else \"{otherwise}\"}}}}"));
                }
            }
        }
        Self { text: shielded, fields }
    }

    /// A text without such letters, where they stand for no field.
    pub(super) fn without(text: &str) -> String {
        text.chars().filter(|c| shielded_by(*c).is_none()).collect()
    }

    /// With the fields in their places again.
    pub(super) fn restored(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match shielded_by(c).and_then(|at| self.fields.get(at)) {
                Some(field) => out.push_str(field),
                None => out.push(c),
            }
        }
        out
    }

    pub(super) fn holds_in(&self, text: &str) -> bool {
        text.contains(|c| shielded_by(c).is_some()) || text.contains("{{")
    }
}

/// Which field a letter stands for, if it is one of those.
fn shielded_by(c: char) -> Option<usize> {
    let at = usize::try_from(u32::from(c).checked_sub(SHIELD)?).ok()?;
    (at < 2 * MOST).then_some(at)
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// A field by its name, none for the reader's own name; and the words for whoever has no answer.
    Field(Option<&'a str>, &'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, FieldMistake> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let unreadable = || FieldMistake::Unreadable(after.chars().take(60).collect());
        let (inside, behind) = after.split_once("}}").ok_or_else(unreadable)?;
        if pieces.len() >= 2 * MOST {
            return Err(FieldMistake::TooMany);
        }
        pieces.push(Piece::Text(before));
        pieces.push(read(inside)?);
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// What stands between the braces.
fn read(inside: &str) -> Result<Piece<'_>, FieldMistake> {
    let unreadable = || {
        let shown: String = inside.chars().take(60).collect();
        FieldMistake::Unreadable(format!("{shown}}}}}"))
    };
    let text = inside.trim();
    let is_of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
    let (path, rest) = text.split_at(text.find(|c| !is_of_a_name(c)).unwrap_or(text.len()));
    let field = match path {
        "name" => None,
        path => Some(path.strip_prefix("field.").ok_or_else(unreadable)?),
    };
    // A line break would end a paragraph in the middle of it.
    if inside.contains('\n') || field.is_some_and(|name| name.is_empty() || name.contains('.')) {
        return Err(unreadable());
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    match (field, rest) {
        (None, "") => Ok(Piece::Field(None, NOBODY)),
        (Some(name), "") => Err(FieldMistake::NoOtherwise(name.to_owned())),
        (field, rest) => {
            let otherwise = rest.strip_prefix("else").and_then(|quoted| in_quotes(quoted.trim()));
            let otherwise = otherwise.filter(|words| words.chars().count() <= LONGEST_OTHERWISE);
            Ok(Piece::Field(field, otherwise.ok_or_else(unreadable)?))
        }
    }
}

/// What stands between quotation marks, of whatever kind a keyboard makes.
fn in_quotes(text: &str) -> Option<&str> {
    const MARKS: [char; 11] = ['"', '\'', '“', '”', '„', '‟', '‘', '’', '‚', '«', '»'];
    text.strip_prefix(MARKS)?.strip_suffix(MARKS)
}

/// Whether a text can be read, and names only fields that there are.
///
/// # Errors
/// [`FieldMistake`], the first that there is.
pub fn check_fields(text: &str, known: &[MailField]) -> Result<(), FieldMistake> {
    match named(text)?.find(|name| known.iter().all(|field| field.name != *name)) {
        Some(name) => Err(FieldMistake::Unknown(name.to_owned())),
        None => Ok(()),
    }
}

/// The names of the fields in a text, but for the reader's own name.
///
/// # Errors
/// [`FieldMistake`] when it cannot be read.
pub fn named(text: &str) -> Result<impl Iterator<Item = &str>, FieldMistake> {
    Ok(pieces(text)?.into_iter().filter_map(|piece| match piece {
        Piece::Field(name, _) => name,
        Piece::Text(_) => None,
    }))
}

/// That a text has no field, where it is the same for everybody.
///
/// # Errors
/// [`FieldMistake::NotHere`].
pub fn check_none(text: &str) -> Result<(), FieldMistake> {
    if text.contains("{{") { Err(FieldMistake::NotHere) } else { Ok(()) }
}

/// How a field is written into a text.
#[must_use]
pub fn written(name: &str) -> String {
    format!("{{{{field.{name}, else \"{NOBODY}\"}}}}")
}

/// A text as everybody may read it, on a page: with the words for whoever has not answered.
#[must_use]
pub fn to_everybody(text: &str) -> String {
    filled(text, &[], |place, out| out.push_str(place.otherwise))
}

/// A place in a text that is filled for each copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// Of which field; [`NAME`] for the reader's own name.
    pub(super) id: i64,
    pub(super) is_day: bool,
    pub(super) otherwise: &'a str,
}

impl Place<'_> {
    /// Whether it is what templates call `personal.name`.
    pub(super) fn is_usual(&self) -> bool {
        self.id == NAME && self.otherwise == NOBODY
    }
}

/// The text with something `put` in each place. A field that is not among those known any more has the words for whoever has not
/// answered; what cannot be read stays as it was typed, and is told where it is typed.
pub(super) fn filled(text: &str, known: &[MailField], mut put: impl FnMut(Place<'_>, &mut String)) -> String {
    let Ok(pieces) = pieces(text) else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Field(None, otherwise) => put(Place { id: NAME, is_day: false, otherwise }, &mut out),
            Piece::Field(Some(name), otherwise) => match known.iter().find(|field| field.name == name) {
                Some(field) => put(Place { id: field.id, is_day: field.is_day, otherwise }, &mut out),
                None => out.push_str(otherwise),
            },
        }
    }
    out
}

/// What stands in a place of one copy: a line of bounded length.
pub(super) fn value(place: Place<'_>, personal: &Personal<'_>) -> String {
    let said = match place.id {
        NAME => clean_line(personal.name, LONGEST_NAME),
        id => {
            let answer = personal.answers.iter().find(|(field, _)| *field == id);
            let answer = answer.map(|(_, answer)| clean_line(answer, LONGEST_ANSWER)).unwrap_or_default();
            if place.is_day { as_people_write_it(answer) } else { answer }
        }
    };
    if said.is_empty() { clean_line(place.otherwise, LONGEST_OTHERWISE) } else { said }
}

fn as_people_write_it(day: String) -> String {
    match day.parse::<jiff::civil::Date>() {
        Ok(date) => date.strftime("%-d %B %Y").to_string(),
        Err(_) => day,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<MailField> {
        let field = |id, name: &str, is_day| MailField { id, name: name.into(), is_day };
        vec![field(3, "first_name", false), field(4, "born", true)]
    }

    fn to(name: &str, answers: &[(i64, String)], text: &str) -> String {
        let personal = Personal { name, answers, ..Personal::sample() };
        filled(text, &known(), |place, out| out.push_str(&value(place, &personal)))
    }

    #[test]
    fn who_answered_reads_it_and_everybody_else_the_words_for_them() {
        let text = "Dear {{field.first_name, else \"reader\"}}, born {{ field.born else “once” }}; {{name}}!";
        let answers = [(4, "2001-05-12".to_owned()), (3, "Ann\r\nBcc: x\u{202e}".to_owned())];
        assert_eq!(to("", &answers, text), "Dear Ann Bcc: x, born 12 May 2001; reader!");
        assert_eq!(to("Ada", &[], text), "Dear reader, born once; Ada!");
        assert_eq!(to_everybody(text), "Dear reader, born once; reader!");
        // What somebody answered is not read again.
        let braces = [(3, "{{name}} {{field.born, else \"x\"}}".to_owned())];
        assert_eq!(to("Ada", &braces, "{{field.first_name, else \"\"}}"), braces[0].1);
        let long = [(3, "x".repeat(5_000))];
        assert_eq!(to("", &long, "{{field.first_name, else ''}}").len(), LONGEST_ANSWER);
    }

    #[test]
    fn every_keyboard_can_write_it() {
        for written in [
            "{{field.first_name, else \"you\"}}",
            "{{field.first_name,else 'you'}}",
            "{{ field.first_name , else “you” }}",
            "{{field.first_name else „you“}}",
            "{{field.first_name, else « you »}}",
        ] {
            assert_eq!(to("", &[], written).trim(), "you", "{written}");
            assert_eq!(check_fields(written, &known()), Ok(()), "{written}");
        }
        assert_eq!(to("", &[], &super::written("first_name")), "reader");
    }

    /// TRUST A2: nothing but the fields can be written, and everything else is told to whoever wrote it.
    #[test]
    fn what_is_no_field_is_a_mistake() {
        let wrong = |text: &str| check_fields(text, &known()).expect_err(text);
        for text in [
            "{{first_name}}",
            "{{field.first_name | upper, else \"x\"}}",
            "{{#each this}}",
            "{{{name}}}",
            "{{&name}}",
            "{{@root}}",
            "{{field.a.b, else \"x\"}}",
            "{{field., else \"x\"}}",
            "{{lookup . \"x\"}}",
            "{{env.SECRET, else \"x\"}}",
            "{{field.first_name, else x}}",
            "{{field.first_name,\n else \"x\"}}",
            "{{name",
            "{{",
        ] {
            assert!(matches!(wrong(text), FieldMistake::Unreadable(_)), "{text}");
            assert_eq!(to("Ada", &[], text), text, "and stands as it was typed");
        }
        assert_eq!(wrong("{{field.first_name}}"), FieldMistake::NoOtherwise("first_name".into()));
        assert_eq!(wrong("{{field.secret, else \"x\"}}"), FieldMistake::Unknown("secret".into()));
        assert_eq!(wrong(&"{{name}}".repeat(21)), FieldMistake::TooMany);
        assert_eq!(check_fields("a } b }} { c", &known()), Ok(()));
        let said = wrong("{{first_name}}").to_string();
        assert!(said.starts_with("“{{first_name}}”: two braces"), "{said}");
    }
}
