//! Articles: the list, writing one, the feeds they come from, and pictures.

pub(in crate::web) mod article;
pub(in crate::web) mod feeds;
pub(in crate::web) mod list;
pub(in crate::web) mod picture;
pub(in crate::web) mod pictures;
