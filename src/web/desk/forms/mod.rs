//! Forms to subscribe: the list, one of them with the code for other sites, and the fields that the team asks.

pub(in crate::web) mod away;
pub(in crate::web) mod field;
pub(in crate::web) mod fields;
pub(in crate::web) mod form;
pub(in crate::web) mod list;
