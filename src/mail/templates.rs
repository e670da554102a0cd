//! The templates, compiled once: a typed context goes in, a subject, a text and an HTML body come out.
//!
//! A value is rendered once. Handlebars does not read a value again, so `{{secret}}` as somebody's name stays seven
//! letters in braces; and in the MJML every value is escaped, so that it cannot bring an element of its own.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use handlebars::Handlebars;
use serde_json::Value;

use super::{
    contexts::EmailTemplate,
    html::{self, HtmlError},
    includes::find_circle,
    mime,
    personal::clean_line,
    source::Source,
};

/// The most that one template may write, in bytes: a loop that runs away stops here.
const LARGEST_OUTPUT: usize = 1 << 20;

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 300;

/// So many letters are kept as they were rendered but for what is each copy's own; beyond, they are forgotten.
const MOST_KEPT: usize = 64;

/// All mail templates; cheap to clone.
#[derive(Clone, Debug)]
pub struct Templates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    names: Vec<String>,
    text: Handlebars<'static>,
    mjml: Handlebars<'static>,
    /// Letters with marks where each copy's own values go, by what else they say.
    kept: Mutex<HashMap<String, Arc<Rendered>>>,
}

/// A mail ready to be put into a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, on one line.
    pub subject: String,
    /// The plain text, its lines ended by `\n`.
    pub text: String,
    /// The HTML document.
    pub html: String,
}

/// Why a template could not be loaded or rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is no mail of that name.
    #[error("there is no email template named {0:?}")]
    Unknown(String),
    /// A template is not well formed.
    #[error("email template {file}: {cause}")]
    Syntax {
        /// The template's file.
        file: String,
        /// What is wrong and where.
        cause: Box<handlebars::TemplateError>,
    },
    /// Shared parts include each other without end.
    #[error("email templates include each other in a circle: {0}")]
    Circle(String),
    /// A value is missing, or a helper failed.
    #[error("email template {file}: {cause}")]
    Render {
        /// The template's file.
        file: String,
        /// What is wrong and where.
        cause: Box<handlebars::RenderError>,
    },
    /// The output outgrew what any mail needs.
    #[error("email template {0} writes more than a mebibyte")]
    TooLarge(String),
    /// The MJML did not become HTML.
    #[error("email template {file}: {cause}")]
    Html {
        /// The template's file.
        file: String,
        /// What is wrong.
        cause: Box<HtmlError>,
    },
    /// The context is not one that can be written as JSON.
    #[error("the context of an email cannot be written as JSON: {0}")]
    Context(#[from] serde_json::Error),
}

impl Templates {
    /// The templates built into the binary, compiled once.
    ///
    /// # Errors
    /// A template that is not well formed, or parts that include each other in a circle.
    pub fn load() -> Result<Self, TemplateError> {
        static LOADED: OnceLock<Templates> = OnceLock::new();
        if let Some(loaded) = LOADED.get() {
            return Ok(loaded.clone());
        }
        let loaded = Self::compile(Source::embedded())?;
        Ok(LOADED.get_or_init(|| loaded).clone())
    }

    pub(super) fn compile(source: Source) -> Result<Self, TemplateError> {
        let mut text = Handlebars::new();
        text.register_escape_fn(handlebars::no_escape);
        let mut mjml = Handlebars::new();
        for registry in [&mut text, &mut mjml] {
            registry.set_strict_mode(true);
            registry.set_prevent_indent(true);
        }
        let add = |registry: &mut Handlebars<'static>, name: &str, file: String, text: &str| {
            registry
                .register_template_string(name, text)
                .map_err(|cause| TemplateError::Syntax { file, cause: Box::new(cause) })
        };
        for (name, part) in &source.text_parts {
            add(&mut text, name, format!("{name}.txt.hbs"), part)?;
        }
        for (name, part) in &source.mjml_parts {
            add(&mut mjml, name, format!("{name}.mjml.hbs"), part)?;
        }
        for (name, mail) in &source.mails {
            add(&mut text, &subject_file(name), subject_file(name), &mail.subject)?;
            add(&mut text, &text_file(name), text_file(name), &mail.text)?;
            add(&mut mjml, &mjml_file(name), mjml_file(name), &mail.mjml)?;
        }
        // Two parts that include each other overflow the stack, which no caller could catch.
        if let Some(circle) = find_circle(&text).or_else(|| find_circle(&mjml)) {
            return Err(TemplateError::Circle(circle));
        }
        Ok(Self(Arc::new(Inner {
            names: source.mails.into_keys().collect(),
            text,
            mjml,
            kept: Mutex::default(),
        })))
    }

    /// Renders a mail from its typed context.
    ///
    /// # Errors
    /// A missing value, output without end, or MJML that cannot become HTML.
    pub fn render<T: EmailTemplate>(&self, context: &T) -> Result<Rendered, TemplateError> {
        let mut context = serde_json::to_value(context)?;
        let own = take_own(&mut context, T::OWN);
        if own.is_empty() {
            return self.render_json(T::NAME, &context);
        }
        // Made from a hash of the content, the mark cannot occur in the content.
        let rest = context.to_string();
        let boundary = mime::boundary(&[T::NAME.as_bytes(), rest.as_bytes()]);
        let mark = |place: usize| format!("zq{}q{place}z", &boundary[2..]);
        for (place, (name, _)) in own.iter().enumerate() {
            context[*name] = mark(place).into();
        }
        let mut letter = (*self.kept(T::NAME, &boundary, &context)?).clone();
        for (place, (_, value)) in own.iter().enumerate() {
            let mark = mark(place);
            for text in [&mut letter.subject, &mut letter.text, &mut letter.html] {
                *text = text.replace(&mark, value);
            }
        }
        Ok(letter)
    }

    /// A letter with its marks, rendered once.
    fn kept(&self, name: &str, key: &str, marked: &Value) -> Result<Arc<Rendered>, TemplateError> {
        let known = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let rendered = Arc::new(self.render_json(name, marked)?);
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key.to_owned(), rendered.clone());
        Ok(rendered)
    }

    /// Renders a mail from its name and its context as JSON, which is how notices of older programs wait to be sent.
    ///
    /// # Errors
    /// As [`Templates::render`], and a name that no mail has.
    pub fn render_json(&self, name: &str, context: &Value) -> Result<Rendered, TemplateError> {
        if !self.0.names.iter().any(|known| known == name) {
            return Err(TemplateError::Unknown(name.to_owned()));
        }
        let context = &printable(context);
        let subject = fill(&self.0.text, &subject_file(name), context)?;
        let text = fill(&self.0.text, &text_file(name), context)?;
        let file = mjml_file(name);
        let mjml = fill(&self.0.mjml, &file, context)?;
        let html =
            html::from_mjml(&mjml).map_err(|cause| TemplateError::Html { file, cause: Box::new(cause) })?;
        Ok(Rendered { subject: clean_line(&subject, LONGEST_SUBJECT), text: tidy(&text), html })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0.names
    }

    /// The registry of subjects, texts and their parts, and the one of MJML bodies and theirs.
    pub(super) fn registries(&self) -> (&Handlebars<'static>, &Handlebars<'static>) {
        (&self.0.text, &self.0.mjml)
    }
}

pub(super) fn subject_file(name: &str) -> String {
    format!("{name}/subject.txt.hbs")
}

pub(super) fn text_file(name: &str) -> String {
    format!("{name}/body.txt.hbs")
}

pub(super) fn mjml_file(name: &str) -> String {
    format!("{name}/body.mjml.hbs")
}

/// Takes out what differs from one copy of a letter to the next; nothing, where one of them is not written the same in text, HTML and
/// an attribute.
fn take_own<'a>(context: &mut Value, names: &[&'a str]) -> Vec<(&'a str, String)> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?=%".contains(c);
    let plain = |name: &&'a str| match &context[*name] {
        Value::String(text) if text.chars().all(is_plain) => Some((*name, text.clone())),
        _ => None,
    };
    let own: Vec<_> = names.iter().map_while(plain).collect();
    if own.len() < names.len() {
        return Vec::new();
    }
    for name in names {
        context[*name] = Value::Null;
    }
    own
}

/// The same values without control characters, which neither MJML nor a mail has a place for.
fn printable(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let dropped = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
            Value::String(text.replace(|c| dropped(c) || matches!(c, '\u{fffe}' | '\u{ffff}'), ""))
        }
        Value::Array(items) => items.iter().map(printable).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), printable(value))).collect()
        }
        other => other.clone(),
    }
}

fn fill(registry: &Handlebars<'static>, file: &str, context: &Value) -> Result<String, TemplateError> {
    let mut out = Capped { bytes: Vec::new(), full: false };
    let result = registry.render_to_write(file, context, &mut out);
    if out.full {
        return Err(TemplateError::TooLarge(file.to_owned()));
    }
    result.map_err(|cause| TemplateError::Render { file: file.to_owned(), cause: Box::new(cause) })?;
    Ok(String::from_utf8_lossy(&out.bytes).into_owned())
}

/// Takes bytes until there are too many.
struct Capped {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > LARGEST_OUTPUT {
            self.full = true;
            return Err(io::Error::other("too much output"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plain text without trailing spaces, with at most one empty line at a time; what `{{#if}}` left behind goes.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for line in text.lines() {
        // The line that begins a signature is two dashes and a space (RFC 3676 section 4.3).
        let line = if line == "-- " { line } else { line.trim_end() };
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        if empty_lines > 0 && !out.is_empty() {
            out.push('\n');
        }
        empty_lines = 0;
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
