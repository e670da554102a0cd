//! Readers: the list, one of them, leaving, addresses that are never mailed, and what came back.

pub(in crate::web) mod blocked;
pub(in crate::web) mod bounces;
pub(in crate::web) mod leave;
pub(in crate::web) mod list;
pub(in crate::web) mod reader;
