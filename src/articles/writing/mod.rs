//! What is written: Markdown made into HTML, and HTML into Markdown.
//!
//! The rule: writers keep Markdown, readers get clean HTML. What is pasted, and what a feed brought and somebody wants to change, becomes
//! Markdown once, by way of HTML that is tame and holds nothing but what [`marking`] knows.

mod addressed;
mod diff;
mod inline;
mod markdown;
mod marking;
mod notes;
mod paste;
mod style;
#[cfg(test)]
mod tests;

use self::markdown::markdown_parser;
pub(super) use self::{
    addressed::{Place, picture_at, places, readdressed},
    markdown::markdown_to_html_at,
};
pub use self::{
    diff::{WordChange, word_changes},
    markdown::markdown_to_html,
    marking::{LARGEST_PASTE, html_to_markdown, pasted_to_markdown},
};
