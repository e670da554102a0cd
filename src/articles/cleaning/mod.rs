//! What comes from outside made tame: its encoding, its tags, its words.
//!
//! The rule: [`html`] is the way in, and what it gives is clean. [`charset`] makes bytes text, [`guard`] refuses what is built to exhaust a
//! parser, [`scan`] reads what is clean already, [`tail`] takes away what programs hang on to a text.

mod anchors;
pub(super) mod charset;
pub(super) mod guard;
pub(super) mod html;
mod late;
pub(super) mod scan;
pub(super) mod tail;
mod tame;
