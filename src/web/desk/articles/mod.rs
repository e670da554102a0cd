//! Articles: the list, writing one, and the feeds they come from.

pub(in crate::web) mod article;
pub(in crate::web) mod authors;
pub(in crate::web) mod feeds;
pub(in crate::web) mod list;
