//! What comes of a report.

use super::states::Change;

/// What was done about a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It proves nothing about a copy of ours, and was not kept.
    Unproven,
    /// It was taken in before.
    Known,
    /// It is kept, and changes nothing.
    None,
    /// The other server holds something against us, not the reader: kept.
    Policy,
    /// A failure that may pass: counted.
    Counted,
    /// The reader is not mailed any more: mail does not reach them.
    Bounced,
    /// It would stop mail to the reader, but too many came of one edition: somebody decides first.
    Held,
    /// The reader is not mailed any more: they complained.
    Complained,
    /// It is about a copy from before staff lifted a suppression.
    Outdated,
    /// A mail asked for it, with proof: the reader is off the list.
    Left,
    /// A person wrote it: somebody reads it at the desk.
    Letter,
}

impl Effect {
    /// What it is kept as.
    pub(super) const fn change(self) -> Change {
        match self {
            Self::Unproven | Self::Known | Self::None | Self::Held | Self::Left | Self::Letter => {
                Change::None
            }
            Self::Policy => Change::Policy,
            Self::Counted => Change::Counted,
            Self::Bounced => Change::Bounced,
            Self::Complained => Change::Complained,
            Self::Outdated => Change::Outdated,
        }
    }
}
