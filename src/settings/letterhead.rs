//! The letterhead: who every mail of the magazine comes from. Nobody else makes it, so it is the same in all of them.

use super::{ArticlesAt, Settings};
use crate::{email_address::EmailAddress, mail::Sender, site::Site};

/// Who writes, in the headers of a mail and in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letterhead {
    /// The name in the From header.
    pub from_name: String,
    /// The address in the From header.
    pub from: EmailAddress,
    /// Where answers go: to people. None while the settings name no address for readers.
    pub reply_to: Option<EmailAddress>,
    /// Who publishes the magazine, as its mails name it.
    pub sender: Sender,
}

impl Settings {
    /// The letterhead that is in force.
    #[must_use]
    pub fn letterhead(&self, site: &Site) -> Letterhead {
        Letterhead {
            from_name: if self.from_name.is_empty() { &self.magazine_name } else { &self.from_name }.clone(),
            from: EmailAddress::parse(self.sender_email()).unwrap_or_else(|_| own_address(site)),
            reply_to: EmailAddress::parse(&self.contact_email).ok(),
            sender: Sender {
                magazine: self.magazine_name.clone(),
                legal_name: self.legal_name.clone(),
                postal_address: self.postal_address.clone(),
                contact_email: self.contact_email.clone(),
                site_url: self.site_url(site),
            },
        }
    }

    /// Where a reader finds the magazine who follows the link under a mail, whichever mail it is: its existing site where its
    /// articles live there, our own pages otherwise. An address of another site that is only kept in the settings is not shown.
    fn site_url(&self, site: &Site) -> String {
        match self.articles_at {
            ArticlesAt::Elsewhere if !self.external_site_url.is_empty() => self.external_site_url.clone(),
            _ => site.url("/"),
        }
    }
}

/// A magazine that has not said where its mail comes from writes from its own host rather than not at all: a letter that somebody
/// waits for is not lost for a setting. Where the host has no name that mail can come from, which is so only on somebody's own
/// machine, it is one that nobody has (RFC 6761).
fn own_address(site: &Site) -> EmailAddress {
    EmailAddress::parse(&format!("desk@{}", site.host()))
        .unwrap_or_else(|_| EmailAddress::from_store("desk@magazine.invalid".to_owned()))
}
