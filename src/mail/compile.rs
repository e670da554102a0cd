//! Compiling a digest: everything that is the same for all who get it is done once.
//!
//! The personal fields are rendered as opaque marks, which pass through templates, MJML and inlining unchanged; the
//! result is split at the marks and encoded. [`render_full`] does it the slow way, value by value, and a property test
//! holds the two equal.

use serde_json::Value;

use super::{
    contexts::EmailTemplate,
    digest::DigestContext,
    mime::{self, Slotted},
    personal::{Personal, PersonalField, clean_name},
    segments::{Asked, Compiled, Escape, FIRST_ASKED, Slot, What},
    templates::{Rendered, TemplateError, Templates},
};

/// Why a digest could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A template does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A personal field stands where no value can be put in: in a comment, a style, the name of a tag, the subject.
    #[error("a personal field stands in the {0}, where it cannot be filled")]
    Misplaced(&'static str),
    /// A link or a picture's address is not one of the web.
    #[error("{0:?} is not a web address that begins with http:// or https://")]
    Link(String),
}

/// Compiles a digest for everyone who gets this version of it.
///
/// # Errors
/// A template that does not render, a personal field in the wrong place, a link that is not of the web.
pub fn compile(templates: &Templates, digest: &DigestContext) -> Result<Compiled, CompileError> {
    let boundary = boundary_of(&context_of(digest)?);
    // Made from a hash of the content, the mark cannot occur in the content.
    let mark = format!("zq{}q", &boundary[2..]);
    let mut asked = Vec::new();
    let mut marked = marked(digest, &mark, &mut asked);
    mark_parts(&mut marked, &mark);
    let mut context = context_of(&marked)?;
    context["personal"] = marks(&mark);
    let rendered = templates.render_json(DigestContext::NAME, &context)?;
    if rendered.subject.contains(&mark) {
        return Err(CompileError::Misplaced("subject"));
    }
    let text = split(&rendered.text, &mark, ("", ""), |_| Ok(Escape::Plain))?;
    let mut place = HtmlPlace::default();
    let html = split(&rendered.html, &mark, COMMENT, |before| place.after(before))?;
    Ok(Compiled::new(rendered.subject, asked, mime::alternative(&boundary, &text, &html)))
}

/// Renders one copy's body the slow way, with the values in the templates.
///
/// # Errors
/// As [`compile`].
pub fn render_full(
    templates: &Templates,
    digest: &DigestContext,
    personal: &Personal<'_>,
) -> Result<Vec<u8>, CompileError> {
    let rendered = render(templates, digest, personal)?;
    let boundary = boundary_of(&context_of(digest)?);
    let body = mime::alternative(&boundary, &rendered.text.into(), &rendered.html.into());
    Ok(body.bytes)
}

fn render(
    templates: &Templates,
    digest: &DigestContext,
    personal: &Personal<'_>,
) -> Result<Rendered, CompileError> {
    let mut context = context_of(&digest.filled(personal))?;
    let name = clean_name(personal.name);
    let personal = Personal { name: &name, ..*personal };
    context["personal"] = serde_json::to_value(personal).map_err(TemplateError::from)?;
    Ok(templates.render_json(DigestContext::NAME, &context)?)
}

fn context_of(digest: &DigestContext) -> Result<Value, CompileError> {
    let blocks = digest.blocks.iter().chain(&digest.after);
    let links = blocks.flat_map(|block| {
        let article = block.article.as_ref();
        let image = article.and_then(|article| article.image.as_ref());
        let button = block.button.as_ref().map(|button| &button.url);
        article.map(|article| &article.url).into_iter().chain(image.map(|image| &image.url)).chain(button)
    });
    for link in links.chain(std::iter::once(&digest.sender.site_url)) {
        let web = link.starts_with("https://") || link.starts_with("http://");
        if !web || link.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(CompileError::Link(link.clone()));
        }
    }
    let mut context = serde_json::to_value(digest).map_err(TemplateError::from)?;
    context["greeting"] = Value::from(digest.greeting.as_str());
    Ok(context)
}

fn boundary_of(context: &Value) -> String {
    mime::boundary(&[context.to_string().as_bytes()])
}

/// A mark in the place of each field of the team's, which are gathered, each once.
fn marked(digest: &DigestContext, mark: &str, asked: &mut Vec<Asked>) -> DigestContext {
    digest.with_places(&mut |place, out| {
        if place.is_usual() {
            return out.push_str(&format!("{mark}{}z", PersonalField::Name.number()));
        }
        let one = Asked { id: place.id, is_day: place.is_day, otherwise: place.otherwise.to_owned() };
        let at = asked.iter().position(|other| *other == one);
        // More than a byte numbers cannot be sent: their text is a mistake.
        if at.is_none() && asked.len() >= MOST_ASKED {
            return out.push_str(place.otherwise);
        }
        let at = at.unwrap_or_else(|| {
            asked.push(one);
            asked.len() - 1
        });
        out.push_str(&format!("{mark}{}z", usize::from(FIRST_ASKED) + at));
    })
}

/// So many different fields may stand in one body.
const MOST_ASKED: usize = 200;

/// Where a part begins and is over that is not for everybody, HTML has a comment, for elsewhere words may not stand between rows of a table.
const COMMENT: (&str, &str) = ("<!--", "-->");

/// Marks around each part that is not for everybody.
fn mark_parts(digest: &mut DigestContext, mark: &str) {
    let around = |part: Option<u8>| {
        let edge = |what: What| format!("{mark}{}z", what.number());
        part.map_or_else(Default::default, |part| (edge(What::Begins(part)), edge(What::Over)))
    };
    for block in digest.blocks.iter_mut().chain(&mut digest.after) {
        (block.begins, block.over) = around(block.part);
    }
    if let Some(appeal) = &mut digest.appeal {
        (appeal.begins, appeal.over) = around(appeal.part);
    }
}

/// Each personal field as a mark: the common beginning, its number, an end.
fn marks(mark: &str) -> Value {
    let of = |field: PersonalField| format!("{mark}{}z", field.number());
    serde_json::json!({
        "name": of(PersonalField::Name),
        "unsubscribe_url": of(PersonalField::UnsubscribeUrl),
        "preferences_url": of(PersonalField::PreferencesUrl),
        "view_url": of(PersonalField::ViewUrl),
        "give_once_url": of(PersonalField::GiveOnceUrl),
        "give_monthly_url": of(PersonalField::GiveMonthlyUrl),
        "again_url": of(PersonalField::AgainUrl),
    })
}

/// Cuts `text` at its marks, of which those of parts stand between two words; `escape` is told each stretch before a mark, in order, and says
/// how the value is escaped.
fn split(
    text: &str,
    mark: &str,
    (opens, closes): (&str, &str),
    mut escape: impl FnMut(&str) -> Result<Escape, CompileError>,
) -> Result<Slotted, CompileError> {
    let mut slotted = Slotted::default();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        let number = after.split_once('z').and_then(|(number, after)| Some((number.parse().ok()?, after)));
        let Some((number, mut after)) = number else {
            return Err(CompileError::Misplaced("template in pieces"));
        };
        let (what, mut before) = (What::numbered(number), before);
        if what.is_edge() {
            let bare = before.strip_suffix(opens).zip(after.strip_prefix(closes));
            (before, after) = bare.ok_or(CompileError::Misplaced("part in pieces"))?;
        }
        slotted.slots.push(Slot { position: 0, what, escape: escape(before)? });
        slotted.pieces.push(before.to_owned());
        rest = after;
    }
    slotted.pieces.push(rest.to_owned());
    Ok(slotted)
}

/// Where in an HTML document one is, as far as escaping cares. Reads only what the inliner's serialiser writes:
/// attributes in double quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HtmlPlace {
    #[default]
    Text,
    Tag,
    Attribute,
    Comment,
    Style,
}

impl HtmlPlace {
    /// Reads on through `html` and says how a value put there is escaped.
    fn after(&mut self, html: &str) -> Result<Escape, CompileError> {
        let mut rest = html;
        while !rest.is_empty() {
            let (end, next) = match self {
                Self::Text if rest.starts_with("<!--") => ("<!--", Self::Comment),
                Self::Text if rest.starts_with("<style") => ("<style", Self::Style),
                Self::Text if rest.starts_with('<') => ("<", Self::Tag),
                Self::Text => match rest.find('<') {
                    Some(at) => {
                        rest = &rest[at..];
                        continue;
                    }
                    None => break,
                },
                Self::Comment => ("-->", Self::Text),
                Self::Style => ("</style>", Self::Text),
                Self::Attribute => ("\"", Self::Tag),
                Self::Tag => match rest.find(['"', '>']) {
                    Some(at) if rest[at..].starts_with('"') => ("\"", Self::Attribute),
                    _ => (">", Self::Text),
                },
            };
            match rest.split_once(end) {
                Some((_, after)) => {
                    *self = next;
                    rest = after;
                }
                None => break,
            }
        }
        match self {
            Self::Text => Ok(Escape::HtmlText),
            Self::Attribute => Ok(Escape::HtmlAttribute),
            Self::Tag => Err(CompileError::Misplaced("name of a tag")),
            Self::Comment => Err(CompileError::Misplaced("comment")),
            Self::Style => Err(CompileError::Misplaced("style")),
        }
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
