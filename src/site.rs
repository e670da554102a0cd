//! What every domain function needs to know of the instance it works for.

use std::sync::Arc;

use url::Url;

use crate::{
    clock::{Clock, Moment},
    db::Db,
    email_address::EmailAddress,
    journal::Journal,
    token::Keys,
};

/// One running instance: its database, clock, keys and public address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Site {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The signing keys.
    pub keys: Arc<Keys>,
    /// Where readers reach this instance: every link in a mail begins with it, whatever `Host` a request claims.
    pub base_url: Url,
    /// Where mail that cannot be delivered comes back to; without it, to the address in From.
    pub bounce_address: Option<EmailAddress>,
    /// Where withdrawals are written down beside the database.
    pub journal: Journal,
}

impl Site {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The public address of a path that begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        [self.base_url.as_str().trim_end_matches('/'), path].concat()
    }

    /// The host readers know, for Message-IDs and List-Ids.
    #[must_use]
    pub fn host(&self) -> &str {
        self.base_url.host_str().unwrap_or("localhost")
    }
}
