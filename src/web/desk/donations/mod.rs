//! Donations: the list with its sums, one of them with its lines in the book, what needs a person, and forgetting
//! a supporter.

pub(in crate::web) mod acts;
pub(in crate::web) mod file;
pub(in crate::web) mod forget;
pub(in crate::web) mod list;
