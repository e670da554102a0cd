//! What the audit log says of editions: each move of this room writes its line, in its transaction; what the rooms above do to an
//! edition they write down by [`record`].

use crate::{
    audit_log,
    db::{Result, Tx},
    site::Site,
    words,
};

/// Who does something to an edition, and what the log says beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct MovedBy<'a> {
    /// None for the command line and the program itself.
    pub staff_id: Option<i64>,
    pub detail: &'a str,
}

impl MovedBy<'_> {
    /// Somebody, of whom no more is to be said.
    #[must_use]
    pub const fn staff(staff_id: Option<i64>) -> Self {
        Self { staff_id, detail: "" }
    }
}

words! {
    /// What is done to an edition, as the log has it.
    pub enum Deed {
        AskedForApproval = "asked for approval",
        Approved = "approved",
        PressedSend = "pressed Send",
        UndidSend = "undid Send",
        Paused = "paused",
        Resumed = "resumed",
        Cancelled = "cancelled",
        /// The house did, or somebody who said that the database is a backup.
        HeldBack = "held back",
        /// Its list was retired.
        Stopped = "stopped",
        /// Copies that failed, or may have arrived.
        TriedAgain = "tried again",
        SentTestCopy = "sent a test copy",
        DeletedDraft = "deleted a draft",
        BeganCorrection = "began a correction",
        HadAudienceWritten = "had the audience written down",
        SaidWhoHasIt = "said who has it",
        TookBackWhoHasIt = "took back who has it",
        SaidReadersGone = "said that its readers are gone",
        SaidReadersNotGone = "said that its readers are not gone",
    }
}

/// Writes down what was done to an edition, by its public id.
pub async fn record(tx: &mut Tx, site: &Site, public_id: &str, deed: Deed, by: MovedBy<'_>) -> Result<()> {
    let subject = format!("edition {public_id}");
    audit_log::record(tx, site, by.staff_id, deed.as_str(), &subject, by.detail).await
}
