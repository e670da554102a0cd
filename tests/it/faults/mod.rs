//! The fault suite (TRUST.md section 7): whatever goes wrong while an edition is on its way, nobody is lost, and nobody gets
//! it twice except where the ledger says that this may be so.
//!
//! `storm.rs` draws a whole run from one seed: how servers misbehave towards which reader (`fate.rs`), how many workers
//! there are, and when they crash, stop, or lose their database. The other files hold faults that need a stage of their own.
//!
//! 20 seeds on each engine by default; as many as one likes, with a report at the end, by
//! `BROADSIDE_FAULT_SEEDS=500 cargo test --test it faults:: -- --nocapture`. A seed that failed is run again alone with
//! `BROADSIDE_SEED=… BROADSIDE_FAULT_SEEDS=1`.

mod breaking;
mod calls;
mod fate;
mod machine;
mod mail_service;
mod outages;
mod people;
mod poison;
mod serving;
mod storage;
mod storm;
mod workers;
