//! Articles: the list, writing one, the bin, and the feeds they come from.

pub(in crate::web) mod article;
pub(in crate::web) mod bin;
pub(in crate::web) mod feed;
pub(in crate::web) mod feeds;
pub(in crate::web) mod list;
