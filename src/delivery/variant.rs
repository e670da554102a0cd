//! Frozen variants: the body and headers that are the same for every subscriber of an edition's revision who shares them.
//!
//! Frozen when the edition is sealed, so that a change of settings or content while it is sent changes nothing.

use serde::{Deserialize, Serialize};

use super::{
    engine::Message,
    store::{
        ledger::{self as store, Claim},
        notices::ClaimedNotice,
    },
};
use crate::{
    db::{Result, Tx},
    mail::Templates,
    site::Site,
};

/// What stands in the headers of every copy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Headers {
    /// The name in From.
    pub from_name: String,
    /// The address in From and in the envelope.
    pub from_email: String,
    /// Where answers go.
    pub reply_to: String,
    /// The subject.
    pub subject: String,
    /// The list's id, for the links to leave it.
    pub list_id: i64,
    /// The list's short name, the first label of List-Id.
    pub list_slug: String,
    /// The list's name as readers know it.
    pub list_name: String,
}

/// Freezes a variant within the sealing transaction; freezing the same revision and key again keeps the first. Returns its id.
///
/// # Errors
/// When the database fails.
pub async fn freeze(
    tx: &mut Tx,
    site: &Site,
    (edition_id, revision, key): (i64, i64, &str),
    headers: &Headers,
    body: &[u8],
) -> Result<i64> {
    let headers = serde_json::to_string(headers).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    store::add_variant(tx, (edition_id, revision, key), &headers, body, site.now()).await
}

/// A variant as it was frozen.
pub(super) struct Frozen {
    #[expect(dead_code, reason = "filled in with the mail room")]
    headers: Headers,
}

impl Frozen {
    pub(super) fn from_stored(headers: &str, _body: &[u8]) -> std::result::Result<Self, String> {
        Ok(Self { headers: serde_json::from_str(headers).map_err(|error| error.to_string())? })
    }

    pub(super) fn compose(&self, _site: &Site, _claim: &Claim) -> std::result::Result<Message, String> {
        Err("no mail room".to_owned())
    }
}

pub(super) fn compose_notice(
    _: &Site,
    _: &Templates,
    _: &ClaimedNotice,
) -> std::result::Result<Vec<u8>, String> {
    Err("no mail room".to_owned())
}
