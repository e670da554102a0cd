//! Sessions: a random token in the browser's cookie, its hash in the database, ended by the clock or by a deed.

use std::{fmt, time::Duration};

pub use super::rows::Session;
use super::{Incoming, Staff, store};
use crate::{
    attempts,
    clock::CLOCKS_DIFFER,
    db::{Result, Tx},
    network::Network,
    site::Site,
    token,
};

/// A session ends when nothing was asked of it for this long (ASVS 7.3.1).
pub const IDLE: Duration = Duration::from_secs(2 * 3_600);
/// A session ends this long after it began, however busy (ASVS 7.3.2).
pub const ABSOLUTE: Duration = Duration::from_secs(12 * 3_600);
/// How long a network is known as one from which somebody signs in.
const NETWORK_IS_KNOWN: Duration = Duration::from_secs(90 * 86_400);
/// Being seen again is written down no more often than this, to spare a write a page.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// What the browser keeps: 256 random bits.
#[derive(Clone)]
pub struct SessionToken(pub String);

/// Shows nothing, so that no log holds it.
impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// Opens a session in the caller's transaction. Always a new token, whatever the browser sent (no fixation); the session that
/// it brought ends, whoever's it is (ASVS 7.2.4). From now on the network is known as theirs.
pub async fn open(tx: &mut Tx, site: &Site, staff: &Staff, incoming: &Incoming) -> Result<SessionToken> {
    let token = SessionToken(token::secret());
    if let Some(brought) = &incoming.session {
        store::delete_session(tx, &brought.hash).await?;
    }
    store::insert_session(tx, &token::hash(&token.0), staff.id, site.now()).await?;
    if let Some(network) = incoming.from {
        let theirs = known(&staff.email.key(), network);
        attempts::note(tx, site, (KNOWN, &theirs), NETWORK_IS_KNOWN).await?;
    }
    Ok(token)
}

const KNOWN: &str = "sign in: known network";

/// An account in a network, for notes and limits.
pub(super) fn known(email_key: &str, network: Network) -> String {
    format!("{email_key} {network}")
}

/// Whether somebody signed in to the account of that address lately from that network.
pub(super) async fn is_known(site: &Site, email_key: &str, network: Network) -> Result<bool> {
    attempts::is_noted(site, (KNOWN, &known(email_key, network))).await
}

/// Ends every session, but for one. How many those were.
pub async fn end_all_but(tx: &mut Tx, hash: Option<&str>) -> Result<u64> {
    store::delete_sessions_but(tx, hash.unwrap_or_default()).await
}

/// The open session of a cookie's value, if it is one.
pub async fn find(site: &Site, token: &str) -> Result<Option<Session>> {
    let hash = token::hash(token);
    let Some(row) = store::session(&site.db, &hash).await? else { return Ok(None) };
    let now = site.now();
    let is_over = now.since(row.last_seen_at) >= IDLE || now.since(row.created_at) >= ABSOLUTE;
    // What began later than every clock is no session: its end could be any time away.
    if is_over || row.created_at.since(now) > CLOCKS_DIFFER {
        return Ok(None);
    }
    if now.since(row.last_seen_at) >= TOUCH_EVERY {
        let mut tx = site.db.begin().await?;
        store::touch_session(&mut tx, &hash, now).await?;
        tx.commit().await?;
    }
    Ok(Some(Session { staff: row.staff, hash }))
}

/// Ends a session: its token is worth nothing from here on.
pub async fn end(site: &Site, session: &Session) -> Result<()> {
    let mut tx = site.db.begin().await?;
    store::delete_session(&mut tx, &session.hash).await?;
    tx.commit().await
}
