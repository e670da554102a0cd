//! How strangers come in by a socket: how long each may keep us waiting, and how many there may be.
//!
//! The rule: nobody holds the door. A connection that makes us wait has an end, whatever it does or leaves undone; and when
//! the house is full, whoever has made us wait longest makes room for whoever comes. So a page is answered as long as
//! there is one connection left that is not being served.
//!
//! | who | how long |
//! |---|---|
//! | has not asked yet, or is in the middle of the head of a request | [`Limits::header`] |
//! | is in the middle of a body | [`Limits::body`], and on as long as [`Limits::least_rate`] is kept |
//! | has its answer, and asks nothing more | [`Limits::idle`] |
//! | does not take its answer | [`Limits::write`] without any progress |
//! | the whole request, from its first byte, or the end of its body, to the last byte of the answer | [`Limits::request`], more for a large answer by the least rate; a stream has no end of its own |
//!
//! It calls the small types alone; the web and the sandbox stand behind it. Start reading at `accept.rs`.

mod accept;
mod descriptors;
mod headcount;
mod http;
mod limits;
mod progress;
#[cfg(test)]
mod tests;

pub use self::{
    accept::{accept, listen},
    descriptors::{
        granted as granted_descriptors, most as most_descriptors, open as open_descriptors,
        raise as raise_descriptors,
    },
    headcount::Headcount,
    http::{Deadline, TooSlow, real_client, serve},
    limits::Limits,
    progress::Guest,
};
