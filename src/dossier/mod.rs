//! All that is held about one person, to be read, taken along, or forgotten (TRUST L7, L8).
//!
//! The rules: what belongs to somebody is found by their row and by their address, whatever its case, never by a spelling that only
//! looks alike; whoever asks for a copy by a link gets another link by mail, made for that alone, since links to choices are handed
//! on; what may be long is read by its key, a page at a time, and never held whole. A table without a line in the tests of this room
//! is a mistake: whoever adds one decides whether it holds something of a reader.
//!
//! It may call every room that holds something of a reader, and asks each to forget. Start reading at `held.rs` and `forget.rs`.

mod ask;
mod forget;
mod held;
mod rows;
mod store;

pub use self::{
    ask::{AskOutcome, Asks, ask, ask_as_supporter},
    forget::{
        AtAddress, Farewell, ForgottenBy, forget, forget_address, forget_as_written, forget_reader,
        forget_supporters, goes_on, goes_on_of, look_at_forgetting,
    },
    held::{Held, NEWEST, Newest, Section, Whole, Whose, of_address, of_link, taken_away},
    rows::{
        CameBack, Forgotten, FormerAddress, Gift, HeldCopy, HeldDeed, HeldLetter, HeldMember, HeldMonthly,
        HeldNote, HeldReason, HeldSupporter, HeldWho, Stop, TheyWrote, Typed, Within,
    },
    store::STATEMENTS,
};
