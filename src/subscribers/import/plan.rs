//! How a file is to be taken, and who answers for it.

use crate::moving_in::ImportChoices;

/// Who answers for the consent of imported readers, and where it came from.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The basis in law, such as `consent`; [`IMPLIED`] where they bought or gave.
    pub basis: String,
    /// Where and when it was given, such as "sign-up sheets, spring fair 2026".
    pub source: String,
}

/// The basis of whoever bought or gave and did not agree: it runs out. The day on which they did may stand in the file.
pub const IMPLIED: &str = "implied";

impl Basis {
    /// Whether it runs out.
    pub(super) fn is_implied(&self) -> bool {
        self.basis.trim().eq_ignore_ascii_case(IMPLIED)
    }

    /// Nobody is mailed on the word of nobody (TRUST L6).
    pub(in crate::subscribers) fn is_said(&self) -> bool {
        let is_said = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST;
        is_said(&self.basis) && is_said(&self.source)
    }
}

/// The longest basis and source, in characters: both stand with each reader.
pub(super) const LONGEST: usize = 300;
/// How a file is to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Where those go whose list the file does not name.
    pub list: i64,
    pub basis: &'a Basis,
    /// What was said of its columns and words.
    pub choices: &'a ImportChoices,
    /// Whether lists and topics that it names are made where there are none.
    pub makes_lists: bool,
    /// Nothing is written: it is only found out what would be.
    pub is_dry: bool,
}
