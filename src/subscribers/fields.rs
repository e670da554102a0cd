//! Fields: what the team asks readers beside address and name, each of a kind that says what is an answer.
//!
//! What is typed into a form is nobody's until the addressee confirms, like the name, and lies beside the mail that asks them. A
//! field of another kind is another field: its old answers mean nothing there, and go.

pub use super::rows::{Field, StandsIn};
use super::store::fields::{self as store, Said};
pub use crate::answers::FieldKind;
use crate::{
    answers, audit_log,
    db::{self, Db, MaybeDatabase, Tx},
    mail::{MailField, is_invisible},
    site::Site,
    token,
};

/// More questions than that are a survey.
pub const MOST_FIELDS: usize = 30;
/// So many choices may a field have.
const MOST_CHOICES: usize = 50;
/// What a script calls something else in what it is told.
pub(super) const TAKEN: [&str; 4] = ["email", "name", "lists", "consent"];
/// An answer is a line, of at most so many characters.
const LONGEST_ANSWER: usize = 200;
/// A question, and a choice, too.
pub const LONGEST_LABEL: usize = 100;

/// Why a field was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum FieldError {
    #[error("There is no such field any more.")]
    NotFound,
    #[error("Somebody else changed this field meanwhile.")]
    Changed,
    #[error("There are {MOST_FIELDS} fields already. Remove one first.")]
    TooMany,
    #[error("Write the choices, one a line: at least two, and at most {MOST_CHOICES}.")]
    Choices,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for FieldError {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

/// Why something is no answer, for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswered {
    #[error("Use at most {LONGEST_ANSWER} characters, in one line.")]
    Text,
    #[error("Write a number, such as 12 or 12.5.")]
    Number,
    #[error("Write a day as year, month and day, such as 2001-05-12.")]
    Date,
    #[error("Choose yes or no.")]
    YesNo,
    #[error("Choose one of these.")]
    Choice,
}

impl Field {
    /// As the mail room knows it.
    #[must_use]
    pub fn in_mails(&self) -> MailField {
        MailField { id: self.id, name: self.name.clone(), is_day: self.kind == FieldKind::Date }
    }

    /// An answer of nobody's, for previews.
    #[must_use]
    pub fn sample(&self) -> String {
        match self.kind {
            FieldKind::Text => format!("[{}]", self.label),
            FieldKind::Number => "12".to_owned(),
            FieldKind::Date => "2001-05-12".to_owned(),
            FieldKind::YesNo => "yes".to_owned(),
            FieldKind::Choice => self.choices().next().unwrap_or_default().to_owned(),
        }
    }

    /// The same as [`Field::read`], where why it is none stands apart from the question, too: it names it.
    ///
    /// # Errors
    /// In words.
    pub fn answer(&self, typed: &str) -> Result<String, String> {
        self.read(typed).map_err(|why| format!("“{}”: {why}", self.label))
    }

    /// What can be chosen.
    pub fn choices(&self) -> impl Iterator<Item = &str> {
        self.choices.lines()
    }

    /// What was typed, as it is kept; empty if nothing was.
    ///
    /// # Errors
    /// [`NotAnswered`] when it is none to a question of this kind.
    pub fn read(&self, typed: &str) -> Result<String, NotAnswered> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(String::new());
        }
        match self.kind {
            FieldKind::Text => {
                let fits = typed.chars().count() <= LONGEST_ANSWER && !typed.chars().any(char::is_control);
                // What shows nothing, or turns the text around it about, is no part of an answer.
                let seen =
                    || typed.chars().filter(|c| !is_invisible(*c)).collect::<String>().trim().to_owned();
                fits.then(seen).ok_or(NotAnswered::Text)
            }
            FieldKind::Number => answers::number(typed).ok_or(NotAnswered::Number),
            FieldKind::Date => answers::day(typed).ok_or(NotAnswered::Date),
            FieldKind::YesNo => {
                matches!(typed, "yes" | "no").then(|| typed.to_owned()).ok_or(NotAnswered::YesNo)
            }
            FieldKind::Choice => {
                self.choices().find(|one| *one == typed).map(str::to_owned).ok_or(NotAnswered::Choice)
            }
        }
    }
}

/// The fields that may stand in mails, oldest first.
pub async fn for_mails(db: &Db) -> db::Result<Vec<Field>> {
    let mut fields = store::all(db).await?;
    fields.retain(|field| field.stands_in == StandsIn::Mails);
    Ok(fields)
}

/// Every field, oldest first.
pub async fn all(db: &Db) -> db::Result<Vec<Field>> {
    store::all(db).await
}

/// What the team says of a field.
#[derive(Clone, Copy, Debug)]
pub struct NewField<'a> {
    /// The question.
    pub label: &'a str,
    pub kind: FieldKind,
    /// One a line; empty but for a choice.
    pub choices: &'a str,
    pub stands_in: StandsIn,
}

impl<'a> NewField<'a> {
    const fn with(self, choices: &'a str) -> Said<'a> {
        Said { label: self.label, kind: self.kind, choices, stands_in: self.stands_in }
    }

    fn choices(self) -> Result<String, FieldError> {
        if self.kind != FieldKind::Choice {
            return Ok(String::new());
        }
        let mut choices: Vec<&str> = Vec::new();
        for choice in self.choices.lines().map(str::trim).filter(|choice| !choice.is_empty()) {
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        let fits =
            |choice: &&str| choice.chars().count() <= LONGEST_LABEL && !choice.chars().any(char::is_control);
        if !(2..=MOST_CHOICES).contains(&choices.len()) || !choices.iter().all(fits) {
            return Err(FieldError::Choices);
        }
        Ok(choices.join("\n"))
    }
}

/// Makes a field; it is asked nowhere yet. Returns the name by which forms of other sites know it.
///
/// # Errors
/// [`FieldError`]; nothing was made then.
pub async fn add(site: &Site, staff: i64, new: NewField<'_>) -> Result<String, FieldError> {
    let choices = new.choices()?;
    let mut tx = site.db.begin().await?;
    let known = store::all_in(&mut tx).await?;
    if known.len() >= MOST_FIELDS {
        return Err(FieldError::TooMany);
    }
    let wanted = short_name(new.label, '_', "field");
    for number in 1..=MOST_FIELDS + 1 {
        let name = if number == 1 { wanted.clone() } else { format!("{wanted}_{number}") };
        if !TAKEN.contains(&name.as_str())
            && known.iter().all(|field| field.name != name)
            && store::add(&mut tx, &name, 0, new.with(&choices)).await?.is_some()
        {
            audit_log::record(&mut tx, site, Some(staff), "made a field", &name, new.label).await?;
            tx.commit().await?;
            return Ok(name);
        }
    }
    Err(FieldError::TooMany)
}

/// Changes the question, the choices, and where answers stand; `seen` is what [`Field::changes`] said when the page was opened.
/// Another kind is another field of the same name, asked wherever this one was: what
/// readers answered goes. What they chose stays theirs when a choice is taken away.
///
/// # Errors
/// [`FieldError`]; nothing was changed then.
pub async fn change(
    site: &Site,
    staff: i64,
    (name, seen): (&str, i64),
    new: NewField<'_>,
) -> Result<(), FieldError> {
    let choices = new.choices()?;
    let mut tx = site.db.begin().await?;
    let field = store::named(&mut tx, name).await?.ok_or(FieldError::NotFound)?;
    if field.kind == new.kind {
        if !store::change(&mut tx, (field.id, seen), new.with(&choices)).await? {
            return Err(FieldError::Changed);
        }
    } else {
        if !store::remove(&mut tx, (field.id, seen), site.now()).await? {
            return Err(FieldError::Changed);
        }
        // Whoever saw the one has not seen the other.
        let made = store::add(&mut tx, name, field.changes + 1, new.with(&choices)).await?;
        store::ask_instead(&mut tx, field.id, made.ok_or(FieldError::NotFound)?).await?;
    }
    audit_log::record(&mut tx, site, Some(staff), "changed a field", name, new.label).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a field away, with every answer to it; `seen` is what [`Field::changes`] said when the page was opened.
///
/// # Errors
/// [`FieldError::NotFound`], [`FieldError::Changed`]; when the database fails.
pub async fn remove(site: &Site, staff: i64, (name, seen): (&str, i64)) -> Result<(), FieldError> {
    let mut tx = site.db.begin().await?;
    let field = store::named(&mut tx, name).await?.ok_or(FieldError::NotFound)?;
    if !store::remove(&mut tx, (field.id, seen), site.now()).await? {
        return Err(FieldError::Changed);
    }
    store::ask_no_more(&mut tx, field.id).await?;
    audit_log::record(&mut tx, site, Some(staff), "removed a field", name, &field.label).await?;
    tx.commit().await?;
    Ok(())
}

/// What goes with a field.
#[derive(Clone, Debug)]
pub struct Touched {
    /// How many readers have answered.
    pub answers: i64,
    /// The forms that ask it.
    pub forms: Vec<String>,
}

/// What would go, were the field removed.
pub async fn touched(db: &Db, field: &Field) -> db::Result<Touched> {
    Ok(Touched { answers: store::answered(db, field.id).await?, forms: store::asked_by(db, field.id).await? })
}

/// What one reader answered: the question, and the answer.
pub async fn of_reader(db: &Db, subscriber: i64) -> db::Result<Vec<(Field, String)>> {
    let answered = store::of_reader(db, subscriber).await?;
    Ok(answered.into_iter().map(|one| (one.field, one.value)).collect())
}

/// What stands on a reader's own page: what they answered; with an empty answer what the form on our own pages asks, and the forms by which
/// they came; and these `besides`.
pub async fn of_their_page(db: &Db, subscriber: i64, besides: &[i64]) -> db::Result<Vec<(Field, String)>> {
    let stand = store::of_their_page(db, subscriber).await?;
    let mut stand: Vec<(Field, String)> = stand.into_iter().map(|one| (one.field, one.value)).collect();
    if besides.iter().any(|id| stand.iter().all(|(field, _)| field.id != *id)) {
        let mut all = store::all(db).await?;
        all.retain(|field| {
            besides.contains(&field.id) && stand.iter().all(|(stands, _)| stands.id != field.id)
        });
        stand.extend(all.into_iter().map(|field| (field, String::new())));
        stand.sort_by_key(|(field, _)| field.id);
    }
    Ok(stand)
}

/// The fields that stand there, in a transaction.
pub(super) async fn on_their_page(tx: &mut Tx, subscriber: i64) -> db::Result<Vec<i64>> {
    Ok(store::of_their_page_in(tx, subscriber).await?.into_iter().map(|one| one.field.id).collect())
}

/// A reader answers, by their own link, or takes an answer back with an empty one. Whether that changed anything; what is none to the
/// field by now is left out.
pub(super) async fn answer(tx: &mut Tx, subscriber: i64, field: i64, typed: &str) -> db::Result<bool> {
    let Some(field) = store::by_id(tx, field).await? else { return Ok(false) };
    let Ok(value) = field.read(typed) else { return Ok(false) };
    // Whether it was the same before is told of nothing that the page does not show: whoever has the link could try answers.
    Ok(store::answer(tx, subscriber, field.id, &value).await? || field.stands_in == StandsIn::Desk)
}

/// What was answered in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    answers: Vec<(i64, String)>,
    /// Pairs of a list and a topic of it.
    topics: Vec<(i64, i64)>,
}

/// As answers with topics lie beside a mail.
#[derive(serde::Serialize, serde::Deserialize)]
struct WithTopics {
    answers: Vec<(i64, String)>,
    topics: Vec<(i64, i64)>,
}

impl Answers {
    /// Adds one, as [`Field::read`] gave it; an empty one is none.
    pub fn add(&mut self, field: &Field, value: String) {
        if !value.is_empty() {
            self.answers.push((field.id, value));
        }
    }

    /// Adds a topic that was chosen of a list, once.
    pub fn choose(&mut self, list: i64, topic: i64) {
        if !self.topics.contains(&(list, topic)) {
            self.topics.push((list, topic));
        }
    }

    /// As it lies beside a mail; empty if there are none.
    #[must_use]
    pub fn write(&self) -> String {
        let Self { answers, topics } = self.clone();
        let written = match (answers.is_empty(), topics.is_empty()) {
            (true, true) => return String::new(),
            (false, true) => serde_json::to_string(&answers),
            (_, false) => serde_json::to_string(&WithTopics { answers, topics }),
        };
        written.unwrap_or_default()
    }

    pub(super) fn read(written: &str) -> Self {
        match serde_json::from_str(written) {
            Ok(WithTopics { answers, topics }) => Self { answers, topics },
            Err(_) => Self { answers: serde_json::from_str(written).unwrap_or_default(), topics: Vec::new() },
        }
    }

    /// The topics that were chosen of a list.
    pub(super) fn topics_of(&self, list: i64) -> Vec<i64> {
        self.topics.iter().filter(|(of, _)| *of == list).map(|(_, topic)| *topic).collect()
    }

    pub(super) fn any_topics(&self) -> bool {
        !self.topics.is_empty()
    }
}

/// The field that a column of a file is an answer to, if it is there: by its question, or by the name that it would have. Whose question
/// would have the same name and is another is a field of its own: “Town 1” is not “Town-1”.
#[must_use]
pub fn called<'a>(fields: &'a [Field], wanted: &str) -> Option<&'a Field> {
    let (name, plain) = (name_of(wanted), wanted.trim().to_lowercase());
    let by_question = fields.iter().find(|field| field.label.to_lowercase() == plain);
    let is_meant = |field: &&Field| field.name == name && (name == plain || name_of(&field.label) != name);
    by_question.or_else(|| fields.iter().find(is_meant))
}

/// What a field is called in addresses that is made for a column, unless another one has that name: two columns whose headings differ in
/// letters that no name has have two.
pub(super) fn name_of(wanted: &str) -> String {
    let name = short_name(wanted, '_', "field");
    if wanted.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        let apart = token::short_name(&wanted.to_lowercase());
        return format!("{name}_{}", &apart[..5]);
    }
    name
}

/// Gives a reader what they answered, once they have confirmed it. What does not fit its field any more is not kept, and who has
/// answered before keeps that.
pub(super) async fn keep(tx: &mut Tx, subscriber: i64, typed: Answers) -> db::Result<()> {
    for (id, value) in typed.answers {
        let Some(field) = store::by_id(tx, id).await? else { continue };
        if let Ok(value) = field.read(&value) {
            store::keep(tx, subscriber, id, &value).await?;
        }
    }
    Ok(())
}

/// A name for addresses and forms of other sites, made of one for people: small letters, digits and what stands between words.
pub(super) fn short_name(label: &str, between: char, otherwise: &str) -> String {
    let mut name = String::new();
    for c in label.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with(between) {
            name.push(between);
        }
        if name.len() >= 30 {
            break;
        }
    }
    let name = name.trim_end_matches(between);
    if name.is_empty() { otherwise.to_owned() } else { name.to_owned() }
}

/// When what was removed may go: at once, some rows at a time.
pub(crate) const REMOVED_LASTS: std::time::Duration = std::time::Duration::ZERO;

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldKind, choices: &str) -> Field {
        let (name, label) = ("one".into(), "One".into());
        Field { id: 1, name, label, kind, choices: choices.into(), stands_in: StandsIn::Desk, changes: 0 }
    }

    #[test]
    fn each_kind_knows_its_answers() {
        let number = field(FieldKind::Number, "");
        for (typed, kept) in [(" 12 ", "12"), ("012,50", "12.5"), ("-3.0", "-3"), ("-0", "0"), ("", "")] {
            assert_eq!(number.read(typed).as_deref(), Ok(kept), "{typed}");
        }
        for typed in ["1,500", "1.500", "1e3", "twelve", "1.", ".5", "--1", "1234567890123", "١٢"] {
            assert_eq!(number.read(typed), Err(NotAnswered::Number), "{typed}");
        }
        let date = field(FieldKind::Date, "");
        assert_eq!(date.read("2004-02-29").as_deref(), Ok("2004-02-29"));
        for typed in ["2005-02-29", "12.5.2001", "20010512", "2001-05-12T10:00"] {
            assert_eq!(date.read(typed), Err(NotAnswered::Date), "{typed}");
        }
        let choice = field(FieldKind::Choice, "Print\nOnline");
        assert_eq!(choice.read("Online").as_deref(), Ok("Online"));
        assert_eq!(choice.read("online"), Err(NotAnswered::Choice));
        assert_eq!(field(FieldKind::YesNo, "").read("perhaps"), Err(NotAnswered::YesNo));
        let text = field(FieldKind::Text, "");
        assert_eq!(text.read("Ann\nBcc: x"), Err(NotAnswered::Text));
        assert_eq!(
            text.read("Ann\u{202e}\u{200b} Lee"),
            Ok("Ann Lee".to_owned()),
            "what turns text about goes"
        );
        assert!(text.read(&"x".repeat(LONGEST_ANSWER)).is_ok());
        assert_eq!(text.read(&"x".repeat(LONGEST_ANSWER + 1)), Err(NotAnswered::Text));
    }

    #[test]
    fn names_are_made_of_the_question() {
        assert_eq!(short_name("First name?", '_', "field"), "first_name");
        assert_eq!(short_name("  Où habitez-vous ?", '-', "form"), "o-habitez-vous");
        assert_eq!(short_name("姓名", '_', "field"), "field");
    }

    #[test]
    fn choices_are_two_at_least_and_none_twice() {
        let choices = |text| {
            NewField { label: "", kind: FieldKind::Choice, choices: text, stands_in: StandsIn::Desk }
                .choices()
        };
        assert_eq!(choices(" A \n\nB\nA").ok().as_deref(), Some("A\nB"));
        assert!(choices("A\nA").is_err());
        assert!(choices(&(0..51).map(|at| format!("{at}\n")).collect::<String>()).is_err());
    }
}
