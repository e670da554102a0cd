//! For whom a block of an edition is, where it is not for everybody, as it is chosen and kept.

use crate::{subscribers::DonorState, words};

words! {
    /// How readers are chosen.
    pub enum WhomKind else Everybody {
        Everybody = "everybody",
        /// None but these.
        Only = "only",
        /// All but these.
        But = "but",
    }
}

/// Readers who are told apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// By how they stand as supporters.
    Giving(DonorState),
    /// They gave since the last edition of the list, or within fourteen days.
    JustGave,
    /// They are in a segment.
    Segment(i64),
}

/// For whom a block is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whom {
    #[default]
    Everybody,
    /// For none but these.
    Only(Readers),
    /// For all but these.
    But(Readers),
}

/// How readers who just gave are called.
const JUST_GAVE: &str = "just-gave";
const SEGMENT: &str = "segment";

impl Readers {
    /// All that can be told apart without a segment.
    pub const USUAL: [Self; 6] = [
        Self::Giving(DonorState::Never),
        Self::Giving(DonorState::Once),
        Self::Giving(DonorState::Monthly),
        Self::Giving(DonorState::Lapsed),
        Self::Giving(DonorState::Failing),
        Self::JustGave,
    ];

    /// As it is kept: a word, and of a segment its key.
    #[must_use]
    pub const fn words(self) -> (&'static str, Option<i64>) {
        match self {
            Self::Giving(state) => (state.as_str(), None),
            Self::JustGave => (JUST_GAVE, None),
            Self::Segment(segment) => (SEGMENT, Some(segment)),
        }
    }

    /// What was kept.
    #[must_use]
    pub fn read(word: &str, segment: Option<i64>) -> Option<Self> {
        match (word, segment) {
            (JUST_GAVE, None) => Some(Self::JustGave),
            (SEGMENT, Some(segment)) => Some(Self::Segment(segment)),
            (word, None) => DonorState::parse(word).map(Self::Giving),
            _ => None,
        }
    }

    /// Whether somebody is one of them who stands as `known`; without it, somebody of whom nothing is known.
    pub(super) fn has(self, known: Option<Self>) -> bool {
        match (self, known) {
            (Self::Giving(DonorState::Never), None | Some(Self::Segment(_))) => true,
            (Self::Giving(DonorState::Once), Some(Self::JustGave)) => true,
            (readers, known) => known == Some(readers),
        }
    }
}

impl Whom {
    /// As it is kept.
    #[must_use]
    pub fn words(self) -> (WhomKind, &'static str, Option<i64>) {
        let (kind, readers) = match self {
            Self::Everybody => return (WhomKind::Everybody, "", None),
            Self::Only(readers) => (WhomKind::Only, readers),
            Self::But(readers) => (WhomKind::But, readers),
        };
        let (word, segment) = readers.words();
        (kind, word, segment)
    }

    /// What was kept; none if that is nothing.
    #[must_use]
    pub fn read(kind: WhomKind, word: &str, segment: Option<i64>) -> Option<Self> {
        match kind {
            WhomKind::Everybody => (word.is_empty() && segment.is_none()).then_some(Self::Everybody),
            WhomKind::Only => Readers::read(word, segment).map(Self::Only),
            WhomKind::But => Readers::read(word, segment).map(Self::But),
        }
    }

    /// The readers that it names, if it is not for everybody.
    #[must_use]
    pub const fn readers(self) -> Option<Readers> {
        match self {
            Self::Everybody => None,
            Self::Only(readers) | Self::But(readers) => Some(readers),
        }
    }

    pub(super) fn has(self, known: Option<Readers>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Only(readers) => readers.has(known),
            Self::But(readers) => !readers.has(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of a choice comes back, and what is none is not taken for everybody.
    #[test]
    fn a_choice_is_kept_in_words() {
        let readers = Readers::USUAL.into_iter().chain([Readers::Segment(7)]);
        let all = readers.flat_map(|one| [Whom::Only(one), Whom::But(one)]).chain([Whom::Everybody]);
        for whom in all {
            let (kind, word, segment) = whom.words();
            assert_eq!(Whom::read(kind, word, segment), Some(whom));
        }
        for (word, segment) in [("", None), ("segment", None), ("never", Some(7)), ("anybody", None)] {
            assert_eq!(Whom::read(WhomKind::Only, word, segment), None, "{word}");
        }
    }
}
