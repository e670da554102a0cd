//! What mail services tell of bounces and complaints by their webhooks: checked for who signed it, then read into the same
//! normal form as mail.
//!
//! The rule that must hold: nothing of a message is believed before its signature is; and even then it only counts where
//! it names a copy of ours by a proof that only we can make.

pub mod ses;
