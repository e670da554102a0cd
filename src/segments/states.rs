//! The words that the rows of this room hold.

use crate::words;

words! {
    /// What a segment does with an edition.
    pub enum NarrowingRole {
        /// It goes to nobody else.
        Only = "only",
        /// It goes to none of them.
        Except = "except",
    }
}
