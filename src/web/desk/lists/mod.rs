//! Lists that readers join, and the topics that they choose among.

pub(in crate::web) mod list;
pub(in crate::web) mod merge;
pub(in crate::web) mod one;
pub(in crate::web) mod retire;
pub(in crate::web) mod topic;
pub(in crate::web) mod topic_end;
pub(in crate::web) mod topics;
