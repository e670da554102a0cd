//! A copy, by the rows and by the names that the world knows it by.

use super::verp::{self, Which};
use crate::{links::Name, site::Site};

/// The rows of a copy: an edition and a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyId {
    pub edition: i64,
    pub subscriber: i64,
}

/// How a copy is named in its links, its return address and its Message-ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyNames<'a> {
    pub edition: Name<'a>,
    pub subscriber: Name<'a>,
    /// The list that brought it.
    pub list: Name<'a>,
}

impl CopyNames<'_> {
    /// By row numbers, as earlier versions did.
    #[must_use]
    pub const fn numbered(copy: CopyId, list_id: i64) -> Self {
        Self {
            edition: Name::Number(copy.edition),
            subscriber: Name::Number(copy.subscriber),
            list: Name::Number(list_id),
        }
    }

    /// For return address and Message-ID; `None` if it is named half by number, which nobody does.
    fn which(&self) -> Option<Which> {
        match (&self.edition, &self.subscriber) {
            (Name::Id(edition), Name::Id(subscriber)) if !subscriber.is_empty() => {
                Some(Which::named(edition, subscriber))
            }
            (Name::Number(edition), Name::Number(subscriber)) => {
                Some(Which::Numbered { edition: *edition, subscriber: *subscriber })
            }
            _ => None,
        }
    }

    /// The Message-ID of the copy, without brackets: the same on every attempt (TRUST M9).
    #[must_use]
    pub fn message_id(&self, site: &Site) -> Option<String> {
        Some(verp::message_id(&site.keys, site.host(), &self.which()?))
    }

    /// The return address of the copy, where there is an address for what comes back.
    #[must_use]
    pub fn return_address(&self, site: &Site) -> Option<String> {
        Some(verp::make(&site.keys, site.bounce_address.as_ref()?, &self.which()?))
    }

    /// What a mail program writes to for leaving the list, where there is a mailbox for what comes back; copies that are named by
    /// number have none.
    #[must_use]
    pub fn leaving_mailto(&self, site: &Site) -> Option<String> {
        let (Name::Id(subscriber), Name::Id(list)) = (&self.subscriber, &self.list) else { return None };
        verp::leaving_mailto(&site.keys, site.bounce_address.as_ref()?, subscriber, list)
    }
}
