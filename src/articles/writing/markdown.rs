//! Markdown as typed at the desk, made into clean HTML.
//!
//! Beside what everybody's Markdown has: tables, strikes, footnotes (`[^1]`), which stand at the end in the order in which they are asked for,
//! and pictures with a caption: one that stands alone and has a title.

use std::collections::{HashMap, VecDeque};

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use url::Url;

use super::super::cleaning::html::{escape, sanitise};

/// Reads Markdown as it is typed at the desk.
pub(super) fn markdown_parser(markdown: &str) -> Parser<'_> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_SMART_PUNCTUATION
        | Options::ENABLE_FOOTNOTES;
    Parser::new_ext(markdown, options)
}

/// Markdown as typed on the desk, made into clean HTML.
#[must_use]
pub fn markdown_to_html(markdown: &str) -> String {
    markdown_to_html_at(markdown, None)
}

/// The same, with what its relative addresses are relative to; without, they go.
pub(in super::super) fn markdown_to_html_at(markdown: &str, base: Option<&Url>) -> String {
    let mut out = String::with_capacity(markdown.len() * 3 / 2);
    let mut written = Written::new(shallow(markdown_parser(markdown)));
    html::push_html(&mut out, &mut written);
    out.push_str(&written.notes());
    sanitise(&out, base)
}

/// Without quotations and lists within each other beyond all measure, whose text stays: one letter makes a tag of thirty.
fn shallow<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    const DEEPEST: usize = 40;
    let mut depth = 0_usize;
    events.filter(move |event| match event {
        Event::Start(_) => {
            depth += 1;
            depth <= DEEPEST
        }
        Event::End(_) => {
            depth -= 1;
            depth < DEEPEST
        }
        _ => true,
    })
}

/// The events of a text, with figures in the place of pictures that stand alone, and without its footnotes, which are kept aside.
struct Written<'a, I: Iterator<Item = Event<'a>>> {
    events: I,
    waiting: VecDeque<Event<'a>>,
    /// The number of each footnote that was asked for.
    asked: HashMap<CowStr<'a>, usize>,
    /// Footnotes as they stand: label and HTML.
    notes: Vec<(CowStr<'a>, String)>,
}

impl<'a, I: Iterator<Item = Event<'a>>> Written<'a, I> {
    /// No description of a picture is longer, in pieces.
    const LONGEST_PICTURE: usize = 100;

    fn new(events: I) -> Self {
        Self { events, waiting: VecDeque::new(), asked: HashMap::new(), notes: Vec::new() }
    }

    /// A paragraph has begun: if a picture with a title is all that stands in it, the figure.
    fn figure(&mut self) -> Event<'a> {
        let begin = Event::Start(Tag::Paragraph);
        let first = self.events.next();
        let Some(Event::Start(Tag::Image { dest_url, title, .. })) = &first else {
            self.waiting.extend(first);
            return begin;
        };
        let (address, caption) = (dest_url.clone(), title.clone());
        let (mut held, mut alt) = (vec![first.clone().expect("it is there")], String::new());
        while !caption.is_empty() && held.len() < Self::LONGEST_PICTURE {
            let Some(event) = self.events.next() else { break };
            match &event {
                Event::Text(text) | Event::Code(text) => alt.push_str(text),
                Event::SoftBreak | Event::HardBreak => alt.push(' '),
                _ => {}
            }
            let ended = event == Event::End(TagEnd::Image);
            held.push(event);
            if ended {
                match self.events.next() {
                    Some(Event::End(TagEnd::Paragraph)) => {
                        let (address, alt, caption) = (escape(&address), escape(&alt), escape(&caption));
                        let figure = format!(
                            "<figure><img src=\"{address}\" alt=\"{alt}\"><figcaption>{caption}</figcaption></figure>\n"
                        );
                        return Event::Html(figure.into());
                    }
                    other => held.extend(other),
                }
                break;
            }
        }
        self.waiting.extend(held);
        begin
    }

    /// Reads a footnote to its end.
    fn note(&mut self, label: CowStr<'a>) {
        let mut html = String::new();
        let asked = &mut self.asked;
        let events = self.events.by_ref();
        let goes_on = |event: &Event<'a>| !matches!(event, Event::End(TagEnd::FootnoteDefinition));
        let events = events.take_while(goes_on).map(|event| match event {
            Event::FootnoteReference(label) => sign(asked, label),
            event => event,
        });
        html::push_html(&mut html, events);
        self.notes.push((label, html));
    }

    /// The footnotes, in the order in which they are asked for; then those that nothing asks for, whose words are not lost.
    fn notes(mut self) -> String {
        if self.notes.is_empty() {
            return String::new();
        }
        let place = |label: &CowStr<'a>| self.asked.get(label).copied().unwrap_or(usize::MAX);
        let mut notes: Vec<_> = self.notes.drain(..).map(|(label, html)| (place(&label), html)).collect();
        notes.sort_by_key(|(place, _)| *place);
        let mut html = String::from("<section>\n<hr>\n<ol>\n");
        for (_, note) in notes {
            html.extend(["<li>", &note, "</li>\n"]);
        }
        html.push_str("</ol>\n</section>\n");
        html
    }
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Written<'a, I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            let event = match self.waiting.pop_front() {
                Some(event) => event,
                None => self.events.next()?,
            };
            match event {
                Event::Start(Tag::Paragraph) if self.waiting.is_empty() => return Some(self.figure()),
                Event::Start(Tag::FootnoteDefinition(label)) => self.note(label),
                Event::FootnoteReference(label) => return Some(sign(&mut self.asked, label)),
                event => return Some(event),
            }
        }
    }
}

/// What asks for a footnote: the next number, or the one that it has.
fn sign<'a>(asked: &mut HashMap<CowStr<'a>, usize>, label: CowStr<'a>) -> Event<'a> {
    let next = asked.len() + 1;
    let number = *asked.entry(label).or_insert(next);
    Event::InlineHtml(format!("<sup>{number}</sup>").into())
}
