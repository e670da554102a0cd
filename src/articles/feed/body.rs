//! A body on its way: which text is the standfirst, which paragraph repeats what the page shows anyway.
//!
//! Feeds differ in where they put things, so this file holds the guesses.

use crate::articles::{
    cleaning::html::{self, Paragraph},
    cleaning::tail,
};

/// Longest standfirst made from the start of a body, in characters.
const STANDFIRST: usize = 300;
/// Longest standfirst that an editor wrote, in characters.
const OWN_STANDFIRST: usize = 600;

/// A body on its way: what the page shows by itself is taken out of it, and the rest settled.
pub struct Body {
    pub html: String,
    pub standfirst: String,
    pub origin_note: Option<String>,
    pub words: i64,
}

impl Body {
    /// Of clean HTML, and the plain text of a summary, which may be empty.
    pub fn new(html: String, summary: String) -> Self {
        let words = html::word_count(&html::text_of(&html));
        Self { html, standfirst: summary, origin_note: None, words }
    }

    /// Takes out the byline, the origin note and the standfirst, and settles what the standfirst is.
    pub fn take_what_the_page_shows(&mut self, byline: &str) {
        self.take_byline(byline);
        self.take_origin_note();
        self.take_standfirst();
        self.settle_standfirst();
    }

    /// "By Ann Lee" as the first or last paragraph stands in the byline, and is no part of the text.
    fn take_byline(&mut self, byline: &str) {
        let wanted = plain_letters(&format!("by {byline}"));
        let ends = [Paragraph::first_of(&self.html), Paragraph::last_of(&self.html)];
        let found = ends.into_iter().flatten().find(|end| plain_letters(&end.text()) == wanted);
        if let Some((words, html)) =
            found.map(|end| (html::word_count(&end.text()), end.removed_from(&self.html)))
            && !byline.is_empty()
        {
            self.words -= words;
            self.html = html;
        }
    }

    fn take_origin_note(&mut self) {
        let Some(paragraph) = Paragraph::first_of(&self.html) else { return };
        let text = paragraph.text();
        if paragraph.is_wholly_in(&["em", "i"]) && says_its_origin(&text) {
            self.html = paragraph.removed_from(&self.html);
            self.origin_note = Some(text);
        }
    }

    fn take_standfirst(&mut self) {
        let Some(paragraph) = Paragraph::first_of(&self.html) else { return };
        if !paragraph.is_wholly_in(&["strong", "b"]) {
            return;
        }
        let text = paragraph.text();
        let is_it = plain_letters(&text) == plain_letters(&self.standfirst);
        if is_it || (self.standfirst.is_empty() && (40..=OWN_STANDFIRST).contains(&text.chars().count())) {
            self.html = paragraph.removed_from(&self.html);
            self.standfirst = text;
        }
    }

    fn settle_standfirst(&mut self) {
        let summary = tail::of_summary(&self.standfirst).to_owned();
        let text = html::text_of(&self.html);
        let begins_with_it =
            !summary.is_empty() && plain_letters(&text).starts_with(&plain_letters(&summary));
        self.standfirst = if !begins_with_it {
            html::excerpt(&self.standfirst, OWN_STANDFIRST)
        } else if text.chars().count() <= STANDFIRST {
            // The whole article is as short as a standfirst: shown once, as the standfirst.
            self.html.clear();
            text
        } else {
            html::excerpt(&text, STANDFIRST.min(summary.chars().count().max(80)))
        };
        if self.words == 0 {
            self.words = html::word_count(&self.standfirst);
        }
    }

    /// What it can be called by where it has no title.
    pub fn title(&self) -> String {
        if self.standfirst.is_empty() { html::text_of(&self.html) } else { self.standfirst.clone() }
    }
}

/// Whether a paragraph in italics says where the article appeared first.
fn says_its_origin(text: &str) -> bool {
    let text = text.to_lowercase();
    let opens = ["this ", "originally ", "first ", "reprinted ", "republished ", "an earlier version "];
    let says = ["published", "appeared", "printed", "broadcast"];
    text.chars().count() <= 300
        && opens.iter().any(|word| text.starts_with(word))
        && says.iter().any(|word| text.contains(word))
}

/// Letters and figures alone, in lower case, for comparing what may differ in quotes and spaces.
fn plain_letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
