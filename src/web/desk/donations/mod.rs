//! Donations: the list with its sums, one of them with its lines in the book, what needs a person, and forgetting
//! a supporter.

pub(in crate::web) mod adopt;
pub(in crate::web) mod book;
pub(in crate::web) mod file;
pub(in crate::web) mod forget;
pub(in crate::web) mod list;
mod look;
pub(in crate::web) mod one;
mod view;
