//! Segments: readers chosen by what is known of them, for editions, pages and whatever is done with many of them.
//!
//! The rules: a segment is a tree of conditions, and what somebody chose reaches the database as a parameter alone; "not" means everybody else; a
//! version is never edited, and an edition goes by the one that was approved. It says who is meant and never who may be mailed: whoever
//! left, rests or is stopped gets nothing, in whichever segment they are.
//!
//! It may call readers, editions and what stands below them; it reads the tables of gifts by statements of its own. The audience, the
//! web and the commands call it. Start reading at `tree.rs`, then `compile.rs` and `count.rs`.

mod compile;
mod count;
mod keep;
mod names;
mod narrowing;
mod parts;
mod sentence;
mod states;
mod store;
mod tree;
mod within;

pub use self::{
    compile::SegmentMoment,
    count::{SegmentCount, SegmentPage, Sifter, count, count_all, count_each, newest, page, sift},
    keep::{
        LONGEST_NAME, MOST_SEGMENTS, Segment, SegmentError, SegmentVersion, all, check, create, delete, find,
        rename, save, used_by, versions,
    },
    names::{SegmentNames, names},
    narrowing::{
        NarrowedBy, Narrowing, NotApproved, approve, begin_as_usual, disapprove, in_full, narrow, of_edition,
        of_edition_in, segments_of, set_usual, sifter, sifter_in, usual, what_is_gone,
    },
    parts::{KeptPart, keep_parts, parts_of_reader, parts_seen},
    sentence::sentence,
    states::NarrowingRole,
    tree::{
        AnswerTest, Condition, DEEPEST, GiftMeasure, Gifts, LONGEST_TEXT, ListStanding, MOST_CONDITIONS,
        MOST_DAYS, SegmentTree, TreeError, When,
    },
    within::TakenIn,
};
use crate::db::Sql;

/// Every statement of this room.
pub const STATEMENTS: &[&[Sql]] = &[store::STATEMENTS, store::conditions::STATEMENTS];
