//! Articles: the list, writing one, the bin, the feeds they come from, and pictures.

pub(in crate::web) mod archive;
pub(in crate::web) mod article;
mod article_form;
pub(in crate::web) mod authors;
pub(in crate::web) mod bin;
pub(in crate::web) mod bring_in;
mod choosing;
mod correcting;
pub(in crate::web) mod feed;
pub(in crate::web) mod feeds;
pub(in crate::web) mod list;
pub(in crate::web) mod picture;
pub(in crate::web) mod pictures;
pub(in crate::web) mod revisions;
pub(in crate::web) mod source;
mod texts;
pub(in crate::web) mod writing;
