//! How often one link changes what a reader gets. Each change is kept for good, as proof and in the journal beside the database, and
//! whoever was handed a mail has its links. Leaving is never refused, and needs no bound of its own: it writes of lists that somebody is on, and who leaves one again was back before.

use std::time::Duration;

use super::{Result, SubscriberError};
use crate::{
    attempts::{Attempt, Limit, Refusal},
    site::Site,
};

/// So many changes of one reader, by whatever link of theirs.
const QUICKLY: Limit = Limit::in_a_quarter_of_an_hour("change what they get", 30);
const A_DAY: Limit = Limit::within("change what they get, in a day", 60, Duration::from_secs(86_400));

/// Counts a change of a reader, before it is done.
///
/// # Errors
/// [`SubscriberError::TooMany`]; when the database fails.
pub(super) async fn change(site: &Site, reader: &str) -> Result<()> {
    match Attempt::begin(site, &[QUICKLY.on(reader), A_DAY.on(reader)]).await {
        Ok(_stays_counted) => Ok(()),
        Err(Refusal::TooMany(wait)) => Err(SubscriberError::TooMany(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}
