//! Editions: the list, composing a draft, sending it, following it, and what can still be put right.
//!
//! An act names the version of the edition that its page showed, and is answered by the page as it is now when that is another
//! one. `act` is where to begin reading; `progress` is the page that shows it.

pub(in crate::web) mod act;
pub(in crate::web) mod again;
pub(in crate::web) mod approval;
mod blocks;
pub(in crate::web) mod cancel;
pub(in crate::web) mod copies;
pub(in crate::web) mod correct;
pub(in crate::web) mod delete;
pub(in crate::web) mod doubt;
pub(in crate::web) mod edition;
mod links;
pub(in crate::web) mod list;
pub(super) mod live;
mod parts;
pub(in crate::web) mod preview;
pub(in crate::web) mod progress;
pub(in crate::web) mod release;
mod repair;
pub(in crate::web) mod send;
pub(in crate::web) mod test;
pub(in crate::web) mod test_addresses;
