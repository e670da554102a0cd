//! Mail.

/// The context of one mail template.
pub trait EmailTemplate: serde::Serialize {
    /// The template's folder.
    const NAME: &'static str;
}

/// The templates.
#[derive(Clone, Debug)]
pub struct Templates;
