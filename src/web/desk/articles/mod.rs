//! Articles: the list, writing one, and the feeds they come from.

pub(in crate::web) mod archive;
pub(in crate::web) mod article;
pub(in crate::web) mod bring_in;
pub(in crate::web) mod feeds;
pub(in crate::web) mod list;
