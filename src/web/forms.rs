//! Forms: what was typed, and what is wrong with it. An invalid form comes back with its values kept (422).
//!
//! A form knows its fields; a request with any other field is refused, so that nobody sets what no page offers (TRUST A13).

use std::{borrow::Cow, collections::BTreeMap, fmt::Display};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::WebError;

/// An edition of more articles than this, a field each, is no letter any more.
const MOST_FIELDS: usize = 2_000;

/// The fields of a posted form, before anybody looked at them.
#[derive(Clone, Debug)]
pub struct Posted(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_owned());
        // A form sent as text/plain or JSON is not one of ours: another site can send the former without asking.
        if !kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded")) {
            return Err(WebError::BadRequest("The form was sent in a way that our pages do not use."));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| WebError::from_status(error.status()))?;
        // Names without values take fifty times their length in memory.
        let fields: Vec<_> = url::form_urlencoded::parse(&bytes).into_owned().take(MOST_FIELDS + 1).collect();
        if fields.len() > MOST_FIELDS {
            return Err(WebError::BadRequest("The form held more fields than any page of ours has."));
        }
        Ok(Self(fields))
    }
}

impl Posted {
    /// The form with these fields; what is missing is empty.
    ///
    /// # Errors
    /// [`WebError::BadRequest`] when there is a field that is not among them (`csrf` always may be).
    pub fn form(self, fields: &'static [&'static str]) -> Result<Form, WebError> {
        self.read(Form::new(fields), None)
    }

    /// As [`Posted::form`], with fields that only the database names, all of which begin alike. One that begins so and is not among
    /// them was taken away since the page was made: it sets nothing, and what else was typed is not lost for it.
    ///
    /// # Errors
    /// As [`Posted::form`].
    pub fn form_with(
        self,
        fields: &'static [&'static str],
        begins: &str,
        more: Vec<String>,
    ) -> Result<Form, WebError> {
        self.read(Form::with_more(fields, more), Some(begins))
    }

    fn read(self, mut form: Form, may_be_gone: Option<&str>) -> Result<Form, WebError> {
        for (name, value) in self.0 {
            match form.fields.get_mut(name.as_str()) {
                // Browsers send line ends as CRLF; the house knows LF alone. PostgreSQL has no place for a NUL, and no person
                // types one.
                Some(field) => field.values.push(value.replace("\r\n", "\n").replace('\0', "")),
                None if name == "csrf" => {}
                None if may_be_gone.is_some_and(|begins| name.starts_with(begins)) => {}
                None => return Err(WebError::BadRequest("The form held a field that it does not have.")),
            }
        }
        Ok(form)
    }
}

/// A form with its values and what is wrong with them.
///
/// In a template `form.email` is `{ name, value, values, error }`, which the part `field` takes:
/// `{{> field form.email label="Email address" type="email"}}`; `form.mistakes` lists them all for the part `mistakes`.
#[derive(Clone, Debug, Default)]
pub struct Form {
    fields: BTreeMap<Cow<'static, str>, Field>,
    order: Vec<Cow<'static, str>>,
}

#[derive(Clone, Debug, Default)]
struct Field {
    values: Vec<String>,
    error: Option<String>,
}

impl Form {
    /// An empty form with these fields.
    #[must_use]
    pub fn new(fields: &'static [&'static str]) -> Self {
        Self::with_more(fields, Vec::new())
    }

    /// An empty form with these fields, and with those that only the database names.
    #[must_use]
    pub fn with_more(fields: &'static [&'static str], more: Vec<String>) -> Self {
        let known = fields.iter().map(|name| Cow::Borrowed(*name));
        let order: Vec<Cow<'static, str>> = known.chain(more.into_iter().map(Cow::Owned)).collect();
        let fields = order.iter().map(|name| (name.clone(), Field::default())).collect();
        Self { fields, order }
    }

    /// Fills a field in before the form is shown.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Some(field) = self.fields.get_mut(name) {
            field.values.push(value.into());
        }
        self
    }

    /// The form with this value in a field in the place of whatever it held.
    #[must_use]
    pub fn holding(mut self, name: &str, value: impl Into<String>) -> Self {
        self.blank(name);
        self.with(name, value)
    }

    /// What was typed, without the space around it; empty if nothing was.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// As [`Form::text`]; none if the form has no such field.
    #[must_use]
    pub fn typed(&self, name: &str) -> Option<&str> {
        self.fields.contains_key(name).then(|| self.text(name))
    }

    /// What was typed, to the last space: for passwords.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.fields.get(name).and_then(|field| field.values.first()).map_or("", String::as_str)
    }

    /// Every value of a field that may come several times, such as ticked boxes.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], |field| &field.values)
    }

    /// Whether the field came at all: a ticked box does, an unticked one does not.
    #[must_use]
    pub fn is_ticked(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }

    /// Says what is wrong with a field; the first mistake of a field stands.
    pub fn mistake(&mut self, name: &str, message: impl Display) {
        if let Some(field) = self.fields.get_mut(name) {
            field.error.get_or_insert_with(|| message.to_string());
        }
    }

    /// What is wrong with a field; empty if nothing is.
    #[must_use]
    pub fn error(&self, name: &str) -> &str {
        self.fields.get(name).and_then(|field| field.error.as_deref()).unwrap_or("")
    }

    /// Every mistake: the field, and what is wrong with it.
    pub fn mistakes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.order.iter().map(|name| (name.as_ref(), self.error(name))).filter(|(_, error)| !error.is_empty())
    }

    /// Parses a field; a failure becomes the field's mistake.
    pub fn parse<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.text(name)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(name, error);
                None
            }
        }
    }

    /// A line of text that may not be empty nor longer than `longest` characters.
    pub fn required(&mut self, name: &str, longest: usize, when_empty: &str) -> String {
        let text = self.text(name).to_owned();
        if text.is_empty() {
            self.mistake(name, when_empty);
        }
        self.at_most(name, longest);
        text
    }

    /// A text that may be empty but not longer than `longest` characters.
    pub fn optional(&mut self, name: &str, longest: usize) -> String {
        self.at_most(name, longest);
        self.text(name).to_owned()
    }

    fn at_most(&mut self, name: &str, longest: usize) {
        if self.text(name).chars().count() > longest {
            self.mistake(name, format_args!("Use at most {longest} characters."));
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.fields.values().all(|field| field.error.is_none())
    }

    /// Forgets what was typed into a field, so that a password does not travel back.
    pub fn blank(&mut self, name: &str) {
        if let Some(field) = self.fields.get_mut(name) {
            field.values.clear();
        }
    }
}

#[derive(Serialize)]
struct FieldView<'a> {
    name: &'a str,
    value: &'a str,
    values: &'a [String],
    error: &'a str,
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view =
            |name| FieldView { name, value: self.raw(name), values: self.all(name), error: self.error(name) };
        let fields: Vec<FieldView<'_>> = self.order.iter().map(|name| view(name.as_ref())).collect();
        let mistakes: Vec<&FieldView<'_>> = fields.iter().filter(|field| !field.error.is_empty()).collect();
        let mut map = serializer.serialize_map(Some(fields.len() + 1))?;
        for field in &fields {
            map.serialize_entry(field.name, field)?;
        }
        map.serialize_entry("mistakes", &mistakes)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[&str] = &["email", "topic"];

    fn posted(pairs: &[(&str, &str)]) -> Posted {
        Posted(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// TRUST A13: nothing is set that the page does not offer.
    #[test]
    fn a_field_that_the_form_does_not_have_is_refused() {
        assert!(posted(&[("email", "a"), ("role", "owner")]).form(FIELDS).is_err());
        assert!(posted(&[("email", "a"), ("csrf", "x")]).form(FIELDS).is_ok());
    }

    #[test]
    fn values_are_kept_and_the_first_mistake_of_a_field_stands() {
        let mut form = posted(&[("topic", "one"), ("topic", "two"), ("email", " ann ")])
            .form(FIELDS)
            .expect("known fields alone");
        assert_eq!(form.text("email"), "ann");
        assert_eq!(form.all("topic"), ["one", "two"]);
        assert!(form.is_valid());
        form.mistake("email", "first");
        form.mistake("email", "second");
        assert!(!form.is_valid());
        let json = serde_json::to_value(&form).expect("a map of strings");
        assert_eq!(json["email"]["error"], "first");
        assert_eq!(json["email"]["value"], " ann ");
        assert_eq!(json["mistakes"][0]["name"], "email");
        assert_eq!(json["topic"]["error"], "");
    }
}
