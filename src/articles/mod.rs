//! Articles, and the feeds they come from.

pub mod feed;
pub mod fetch;
pub mod guard;
pub mod html;
