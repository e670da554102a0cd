//! The team's pages: a folder for an item of the menu, in it a file for a page, named as in the address, with `show` and `submit`;
//! and before the menu the door.

pub(super) mod account;
pub(super) mod articles;
pub(super) mod donations;
pub(super) mod door;
pub(super) mod editions;
pub(super) mod forms;
pub(super) mod lists;
mod moved;
pub(super) mod overview;
pub(super) mod readers;
pub(super) mod settings;
mod theirs;
