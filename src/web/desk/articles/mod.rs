//! Articles: the list, writing one, and the feeds they come from.

pub(in crate::web) mod article;
mod article_form;
pub(in crate::web) mod feeds;
pub(in crate::web) mod list;
pub(in crate::web) mod revisions;
mod texts;
pub(in crate::web) mod writing;
