//! What several pages say of an edition's copies.

use super::list::grouped;
use crate::delivery::editions::Progress;

/// Why a copy was set aside that may be what tasks break off at.
pub(super) const BROKE_OFF: &str = "the program broke off three times while it sent it";

/// "3,120 have it, 4,880 do not."
pub(super) fn have_and_have_not(progress: Progress) -> String {
    let Progress { sealed, accepted, unknown, .. } = progress;
    let perhaps = if unknown == 0 { String::new() } else { format!(", {} may have it", grouped(unknown)) };
    format!("{} have it{perhaps}, {} do not.", grouped(accepted), grouped(sealed - accepted - unknown))
}
