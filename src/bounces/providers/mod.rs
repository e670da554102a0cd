//! What mail services tell of bounces and complaints by their webhooks: checked for who signed it, then read into the same
//! normal form as mail.
//!
//! The rule that must hold: the signature is checked over the bytes as they came, before anything is believed; a service
//! whose secret is not set is shut. A report comes with the service's own number for it, so that it counts once.

mod mailgun;
mod postmark;
mod sendgrid;
mod ses;
mod sns;

use std::time::Duration;

pub(super) use self::ses::mailed;
pub use self::{
    mailgun::read as read_mailgun,
    postmark::read as read_postmark,
    sendgrid::{
        SIGNATURE as SENDGRID_SIGNATURE, TIMESTAMP as SENDGRID_TIMESTAMP, is_key as is_sendgrid_key,
        read as read_sendgrid,
    },
    sns::{SnsNetwork, SnsSaid, SnsTopic},
};
use super::BounceReport;
use crate::clock::Moment;

/// How far the time of a signature may be from ours: services try again for a day.
const TOLERANCE: Duration = Duration::from_secs(24 * 3_600);

/// A report of a mail service.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What makes it the same report when it comes again.
    pub key: String,
    /// What it says.
    pub report: BounceReport,
}

/// Why a webhook's message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HookRefused {
    /// The settings name no secret for this service.
    #[error("this mail service is not set up")]
    NotSetUp,
    /// The signature is missing, or not the service's.
    #[error("the signature is not the service's")]
    Forged,
    /// Signed too long ago, or in the future.
    #[error("it was signed at another time")]
    WrongTime,
    /// Signed, and not what the service documents.
    #[error("it cannot be understood: {0}")]
    Malformed(String),
    /// What it takes to check the signature could not be had now.
    #[error("it cannot be checked now: {0}")]
    NotNow(String),
}

impl From<serde_json::Error> for HookRefused {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

fn is_recent(seconds: &str, now: Moment) -> Result<(), HookRefused> {
    let seconds: i64 = seconds.parse().map_err(|_| HookRefused::Forged)?;
    let apart =
        u64::try_from((now.unix_seconds().saturating_sub(seconds)).saturating_abs()).unwrap_or(u64::MAX);
    if apart > TOLERANCE.as_secs() { Err(HookRefused::WrongTime) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
