//! Readers: the list, one of them, leaving, addresses that are never mailed, what came back, and what they ask by law.

pub(in crate::web) mod acts;
pub(in crate::web) mod ask_again;
pub(in crate::web) mod blocked;
pub(in crate::web) mod bounces;
pub(in crate::web) mod correct;
pub(in crate::web) mod export;
pub(in crate::web) mod forget;
pub(in crate::web) mod held;
pub(in crate::web) mod import;
pub(in crate::web) mod imports;
mod in_sums;
pub(in crate::web) mod leave;
pub(in crate::web) mod list;
pub(in crate::web) mod many;
pub(in crate::web) mod many_act;
mod many_sums;
mod meant;
mod on_lists;
pub(in crate::web) mod reader;
pub(in crate::web) mod request;
pub(in crate::web) mod requests;
mod segment_condition;
mod segment_draft;
pub(in crate::web) mod segments;
