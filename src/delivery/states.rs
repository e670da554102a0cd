//! The words that the ledger holds: where a copy stands, what became of a try, and why a copy did not arrive.

use crate::{
    replies::{self, Said},
    smtp::Stage,
    words,
};

words! {
    /// Where a copy stands: queued → claimed → one of the ends.
    pub enum CopyState {
        /// It waits.
        Queued = "queued",
        /// A worker has it in hand.
        Claimed = "claimed",
        /// Its mail provider took it.
        Accepted = "accepted",
        /// Refused, or given up.
        Failed = "failed",
        /// Not mailed: its reader left, or the address is stopped.
        Suppressed = "suppressed",
        /// It may have arrived.
        Unknown = "unknown",
        /// Not mailed, for the edition was cancelled. Tallies and pages tell it from what else is suppressed; its row says
        /// suppressed, and why.
        Cancelled = "cancelled",
    }
}

words! {
    /// What became of one try.
    pub enum AttemptOutcome else Unknown {
        /// The server took it.
        Accepted = "accepted",
        /// It said no for good, or nothing can be done.
        Failed = "failed",
        /// Not now.
        Retry = "retry",
        /// No answer came: it may have arrived.
        Unknown = "unknown",
        /// It was stopped before its body.
        HeldBack = "held back",
        /// The program broke off, before its body.
        BrokeOff = "broke off",
        /// Patience with its domain came to its end.
        GivenUp = "given up",
    }
}

words! {
    /// Why a copy or an automatic email failed, is not mailed or may have arrived; of an automatic email also why it waits. What only
    /// a newer program knows is a refusal.
    pub enum Class else Refused {
        /// A server refused it, and said nothing that we know.
        Refused = "refused",
        /// There is no such mailbox.
        NoMailbox = "no such mailbox",
        /// There is no such domain.
        NoDomain = "no such domain",
        /// The reader has another address now.
        Moved = "moved away",
        /// Nobody reads mail there.
        TakesNoMail = "takes no mail",
        /// Its mailbox is full.
        Full = "mailbox full",
        /// It is too long for them.
        TooLarge = "message too large",
        /// Its mailbox is switched off.
        Disabled = "mailbox switched off",
        /// They will not have our mail.
        RefusedUs = "they refused us",
        /// They ask for less at a time.
        SlowedDown = "slowed down by the server",
        /// No way led there.
        NotReached = "not reached",
        /// Something is wrong at a server.
        ServerTrouble = "trouble with a mail server",
        /// A server that does not know letters outside ASCII.
        NoSmtputf8 = "smtputf8 unsupported",
        /// No command may hold the address.
        BadAddress = "bad address",
        /// The connection ended before the message did.
        ConnectionLost = "connection lost",
        /// Later, says the server.
        NotNow = "not now",
        /// No mail service could be used.
        NoRelay = "no relay",
        /// It was tried for as long as we try.
        Exhausted = "exhausted",
        /// It could not be written.
        Render = "render",
        /// The database did not answer.
        Database = "database",
        /// It was stopped before its body.
        Stopped = "stopped",
        /// The program broke off at it, again and again.
        BrokeOff = "broke off",
        /// The server's answer never came.
        NoAnswer = "no answer",
        /// Who sent it was gone before they could write down the answer.
        WorkerDied = "worker died",
        /// It was sent before the backup was restored in which it waits.
        Restored = "restored",
        /// The address is not mailed.
        Suppressed = "suppressed",
        /// Its reader left.
        Left = "left",
        /// Its reader has another address by now.
        Readdressed = "another address",
        /// Its reader rests from mail for some weeks.
        Paused = "paused",
        /// The consent that the law implied ran out while it waited.
        RanOut = "implied consent ran out",
        /// Mail to the address came back for good.
        Bounced = "bounced",
        /// Its owner told their provider that our mail is spam.
        Complained = "complained",
        /// Its owner asked to be forgotten.
        Erased = "erased",
        /// Staff blocked the address.
        Staff = "staff",
        /// Its edition was cancelled.
        Cancelled = "cancelled",
    }
}

/// What the desk calls a copy that failed for it.
impl From<replies::Reason> for Class {
    fn from(reason: replies::Reason) -> Self {
        use replies::Reason;
        match reason {
            Reason::NoMailbox => Self::NoMailbox,
            Reason::NoHost => Self::NoDomain,
            Reason::Moved => Self::Moved,
            Reason::TakesNoMail => Self::TakesNoMail,
            Reason::Full => Self::Full,
            Reason::TooBig => Self::TooLarge,
            Reason::Disabled => Self::Disabled,
            Reason::Policy => Self::RefusedUs,
            Reason::TooMuch => Self::SlowedDown,
            Reason::Network => Self::NotReached,
            Reason::Server => Self::ServerTrouble,
            Reason::Expired | Reason::Refused | Reason::Complaint | Reason::Away | Reason::Unknown => {
                Self::Refused
            }
        }
    }
}

words! {
    /// How far a try had come.
    pub enum AttemptStage else Unknown {
        /// Nobody can say.
        Unknown = "",
        /// It could not be written.
        Render = "render",
        /// Before the conversation began.
        Connect = "connect",
        /// At our password.
        Auth = "auth",
        /// At the sender's address.
        Mail = "mail",
        /// At the reader's address.
        Rcpt = "rcpt",
        /// Before the message was over.
        Data = "data",
        /// After the whole message.
        Dot = "dot",
    }
}

impl From<Stage> for AttemptStage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Connect => Self::Connect,
            Stage::Auth => Self::Auth,
            Stage::Mail => Self::Mail,
            Stage::Rcpt => Self::Rcpt,
            Stage::Data => Self::Data,
            Stage::Dot => Self::Dot,
        }
    }
}

/// What a server's words are about that were said there.
impl From<AttemptStage> for Said {
    fn from(stage: AttemptStage) -> Self {
        match stage {
            AttemptStage::Unknown | AttemptStage::Render | AttemptStage::Connect | AttemptStage::Auth => {
                Self::Somewhere
            }
            AttemptStage::Mail => Self::Mail,
            AttemptStage::Rcpt => Self::Rcpt,
            AttemptStage::Data | AttemptStage::Dot => Self::Data,
        }
    }
}

words! {
    /// What the failures of one edition are, that came back after it was taken.
    pub enum MassState else Held {
        /// So few that they can be true.
        Few = "few",
        /// Too many: somebody decides first.
        Held = "held",
        /// The mailboxes are gone, somebody said.
        Gone = "gone",
        /// They were about us, somebody said.
        Kept = "kept",
    }
}

words! {
    /// Why an address is not mailed. A word that only a newer program knows stops mail all the same.
    pub enum StopReason else Bounced {
        /// Mail to it came back for good.
        Bounced = "bounced",
        /// Its owner told their provider that our mail is spam.
        Complained = "complained",
        /// Its owner asked to be forgotten.
        Erased = "erased",
        /// Staff decided so.
        Staff = "staff",
    }
}

/// Why the copies to such an address end.
impl From<StopReason> for Class {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Bounced => Self::Bounced,
            StopReason::Complained => Self::Complained,
            StopReason::Erased => Self::Erased,
            StopReason::Staff => Self::Staff,
        }
    }
}
