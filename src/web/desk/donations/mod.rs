//! Donations: the list with its sums, one of them with its lines in the book, and what needs a person.

pub(in crate::web) mod list;
