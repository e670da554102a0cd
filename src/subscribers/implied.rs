//! Consent that the law implies: somebody bought or gave, and may be mailed for a time without having agreed.
//!
//! The rule: it lasts until a day that is kept with the reader and the list, and from then on they are in no audience. Whoever agrees
//! meanwhile, by the button in a mail, is a reader like all others. What is implied is never taken for
//! more than it is: an asking, a pending one too, goes on as it would for anybody.

use crate::{
    clock::{Moment, Zone},
    settings::Settings,
};

/// Why somebody may not be brought in on implied consent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotImplied {
    #[error("that day is still to come")]
    ToCome,
    #[error("implied consent ran out on {0}")]
    RanOut(String),
}

/// Consent that is implied, and until when; without end where the owner decided so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implied(pub Option<Moment>);

impl Implied {
    /// Of whoever bought or gave at a moment.
    ///
    /// # Errors
    /// [`NotImplied`].
    pub fn since(settings: &Settings, since: Moment, now: Moment) -> Result<Self, NotImplied> {
        if since > now {
            return Err(NotImplied::ToCome);
        }
        if settings.implied_consent_months == 0 {
            return Ok(Self(None));
        }
        let until = Zone::UTC.months_after(since, settings.implied_consent_months);
        if until > now {
            Ok(Self(Some(until)))
        } else {
            Err(NotImplied::RanOut(until.date(&settings.time_zone)))
        }
    }
}
