//! The words that the table of reports holds.

use crate::words;

words! {
    /// How a report came.
    pub enum Source else Mail {
        /// By mail: anybody can write it.
        Mail = "mail",
        /// The reply of a server to our own connection.
        Reply = "reply",
        /// Signed by Mailgun.
        Mailgun = "mailgun",
        /// Signed by Postmark.
        Postmark = "postmark",
        /// Signed by SendGrid.
        SendGrid = "sendgrid",
        /// Signed by Amazon.
        Ses = "ses",
    }
}

words! {
    /// What a message says of a reader's copy.
    pub enum BounceClass else None {
        /// Will never arrive.
        Hard = "hard",
        /// Did not arrive, and may another time.
        Soft = "soft",
        /// The reader told their provider that it is unwanted.
        Complaint = "complaint",
        /// A program answered for the reader.
        AutoReply = "auto-reply",
        /// Arrived.
        Delivered = "delivered",
        /// Nothing of all that.
        None = "none",
    }
}

words! {
    /// What became of the copy, as far as its reporter says (RFC 3464 section 2.3.3).
    pub enum Action else Other {
        /// Given up.
        Failed = "failed",
        /// Still being tried.
        Delayed = "delayed",
        /// Arrived, or went on to where no more is known.
        Delivered = "delivered",
        /// A complaint that counts.
        Complained = "complained",
        /// Says nothing about the copy.
        Other = "other",
    }
}

words! {
    /// What a report that is kept has changed.
    pub enum Change else None {
        /// Nothing, or nothing yet.
        None = "none",
        /// Nothing for the reader: it is about us.
        Policy = "policy",
        /// It was counted as a failure that may pass.
        Counted = "counted",
        /// The reader is not mailed any more: mail does not reach them.
        Bounced = "bounced",
        /// The reader is not mailed any more: they complained.
        Complained = "complained",
        /// Nothing: it is from before a suppression was lifted.
        Outdated = "outdated",
    }
}
