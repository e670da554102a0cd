//! Settings, a tab each: the magazine, deliverability with its keys, the server, what runs by itself, the address, the team, and who
//! of it did what.

pub(in crate::web) mod address;
pub(in crate::web) mod audit;
pub(in crate::web) mod deliverability;
pub(in crate::web) mod doctor;
pub(in crate::web) mod jobs;
pub(in crate::web) mod keys;
pub(in crate::web) mod magazine;
pub(in crate::web) mod team;
