//! Somebody who comes in, by whichever door: set-up, an invitation, a password, a link.

use std::time::Duration;

use super::{
    PasswordCost,
    passwords::{Busy, Hasher, Place},
    rows::Session,
};
use crate::{
    attempts::{self, Attempt, Limited, Refusal},
    network::Network,
    site::Site,
};

/// What is noted once there is room for nobody.
pub(super) const THE_DOOR: &str = "sign in";

/// What is known of them before anybody knows who they are.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The network they come from; none if it is not known, or private.
    pub from: Option<Network>,
    /// The session that their browser brought; it ends when another opens.
    pub session: Option<Session>,
    /// Where their password is hashed.
    pub hasher: Hasher,
    /// How much work that is.
    pub cost: PasswordCost,
}

/// Why nobody looked at a password.
pub(super) enum NotNow {
    /// Too many tries lately; how long until the next may come.
    TooMany(Duration),
    /// Too many people at this moment.
    Busy(Busy),
    /// The database failed.
    Database(sqlx::Error),
}

/// Each has a sentence of its own for it.
macro_rules! may_be_refused {
    ($error:ty) => {
        impl From<NotNow> for $error {
            fn from(not_now: NotNow) -> Self {
                match not_now {
                    NotNow::TooMany(wait) => Self::TooMany(wait),
                    NotNow::Busy(busy) => Self::Busy(busy),
                    NotNow::Database(error) => Self::Database(error),
                }
            }
        }
    };
}
pub(super) use may_be_refused;

impl From<Refusal> for NotNow {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooMany(wait) => Self::TooMany(wait),
            Refusal::Database(error) => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for NotNow {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Incoming {
    /// Whoever runs the program itself.
    #[must_use]
    pub fn at_the_terminal(cost: PasswordCost) -> Self {
        Self { from: None, session: None, hasher: Hasher::default(), cost }
    }

    /// Counts a try at a password, and lets it in to be looked at: in this order, so that whoever is held takes nobody's place.
    /// Where there is no room nothing counts, and while it is full nothing is written.
    pub(super) async fn knock(&self, site: &Site, limits: &[Limited]) -> Result<(Attempt, Place), NotNow> {
        attempts::look(site, limits).await?;
        if !self.hasher.has_room(self.from) {
            return Err(NotNow::Busy(Busy));
        }
        let attempt = Attempt::begin(site, limits).await?;
        match self.hasher.enter(self.from) {
            Ok(place) => {
                if self.hasher.is_full() {
                    attempts::note_used_up(site, THE_DOOR).await?;
                }
                Ok((attempt, place))
            }
            Err(busy) => {
                let mut tx = site.db.begin().await?;
                attempt.give_back(&mut tx).await?;
                tx.commit().await?;
                Err(NotNow::Busy(busy))
            }
        }
    }
}
