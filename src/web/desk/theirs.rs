//! What somebody else saved while a form was open, beside what was typed into it.

use serde::Serialize;

use super::super::Form;

/// A field as somebody else saved it.
#[derive(Serialize)]
pub(super) struct Theirs {
    label: &'static str,
    text: String,
}

impl Theirs {
    /// The fields that stand otherwise now than they were typed, by their labels.
    pub(super) fn between(labels: &[(&str, &'static str)], now: &Form, typed: &Form) -> Vec<Self> {
        let differs = labels.iter().filter(|(name, _)| now.text(name) != typed.text(name));
        differs.map(|&(name, label)| Self { label, text: now.text(name).to_owned() }).collect()
    }
}
