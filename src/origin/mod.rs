//! Where a database is at home: the public address under which it may send, and the place at which it runs.
//!
//! The rule: a database that is opened under another address, or at another place, or that knows less than the file beside
//! it, is a copy, or a restored backup. It sends nothing, reads no bounces and registers nothing until somebody decides; only
//! sign-in links go out, so that somebody can (TRUST T10). The doubt is written into the database, so that every process
//! that works on it knows; the workers' rows hold the address they would send under, so a process that was started with
//! the wrong one is given nothing, whatever it believes.
//!
//! It calls the settings and what stands below them; whoever sends or starts asks it. Start reading at [`look`] and [`arrive`].

mod former;
mod place;
mod position;
mod store;

use url::{Host, Url};

pub(crate) use self::store::{Claim, count_claim, is_elsewhere, is_stranger};
pub use self::{
    former::{Caller, Calls, Former, FormerHost, FormerNames},
    place::place,
    position::Positions,
    store::{Doubt, STATEMENTS},
};
use self::{position::Verdict, store::Home};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    site::Site,
    token::{self, Purpose},
};

/// Whether this process may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The database is at home here, or was never opened before.
    AtHome,
    /// It is at home under that other address.
    Abroad(String),
    /// It may be a copy.
    Doubtful(Doubt),
}

/// Looks, and changes nothing.
pub async fn look(site: &Site) -> Result<Standing> {
    look_as(&site.db, &address(site)).await
}

/// The same for whoever has no more than the database: would a process with this address (of its front page) be at home?
pub async fn look_as(db: &Db, here: &str) -> Result<Standing> {
    Ok(store::home(db).await?.map_or(Standing::AtHome, |home| standing(home, here)))
}

/// As [`look`], as the transaction sees it.
pub async fn look_in(tx: &mut Tx, site: &Site) -> Result<Standing> {
    let here = address(site);
    Ok(store::home_in(tx).await?.map_or(Standing::AtHome, |home| standing(home, &here)))
}

/// What is missing comes first: whatever else is asked, the answer to that must not be lost.
fn standing(home: Home, here: &str) -> Standing {
    match home.doubt {
        Some(doubt @ (Doubt::Behind | Doubt::Forgetful)) => Standing::Doubtful(doubt),
        _ if home.base_url != here => Standing::Abroad(home.base_url),
        Some(doubt) => Standing::Doubtful(doubt),
        None => Standing::AtHome,
    }
}

/// The start of a process: settles a database that was never opened before, and writes down a doubt. From one port of this
/// very machine to another is no move, or nobody could try anything out twice.
pub async fn arrive(site: &Site, positions: Option<&Positions>) -> Result<Standing> {
    let (here, place) = (address(site), place(&site.db).await?);
    let Some(home) = store::home(&site.db).await? else {
        let mut tx = site.db.begin().await?;
        store::settle_first(&mut tx, &here, &place, &token::public_id(), site.now()).await?;
        store::prove_secret(&mut tx, &secret_proof(site)).await?;
        tx.commit().await?;
        return look(site).await;
    };
    let moved = has_moved(&home, &place);
    let doubt = doubt(&site.db, &home, &place, positions).await?;
    let next_door = is_local(&home.base_url) && is_local(&here);
    let base_url = if next_door { &here } else { &home.base_url };
    let kept = if moved { &home.place } else { &place };
    let mut tx = site.db.begin().await?;
    // The first start that knows of it; or the secret was changed in good order, and the old one is still known.
    let proof = secret_proof(site);
    if home.secret_proof != proof && knows_secret_of(site, &home) {
        store::prove_secret(&mut tx, &proof).await?;
    }
    if let Some(doubt) = doubt {
        store::doubt(&mut tx, doubt, site.now()).await?;
    }
    if (base_url, kept) != (&home.base_url, &home.place) || home.epoch.is_empty() {
        store::rename(&mut tx, base_url, kept, &token::public_id()).await?;
    }
    tx.commit().await?;
    look(site).await
}

/// Whether a database may be a copy, or is known to be one: what is moved away from here is the magazine only if this is.
pub async fn may_be_a_copy(db: &Db, positions: &Positions) -> Result<bool> {
    let Some(home) = store::home(db).await? else { return Ok(false) };
    let doubted = home.doubt.is_some();
    Ok(doubted || doubt(db, &home, &place(db).await?, Some(positions)).await?.is_some())
}

/// Why a database that is opened at a place may be a copy, from all that can be seen; whatever was written down before.
async fn doubt(db: &Db, home: &Home, place: &str, positions: Option<&Positions>) -> Result<Option<Doubt>> {
    let verdict = match positions {
        Some(positions) => positions.judge(db, place, home).await?,
        None => Verdict::Agrees,
    };
    Ok(match verdict {
        Verdict::Ahead => Some(Doubt::Behind),
        Verdict::Missing => Some(Doubt::Elsewhere),
        Verdict::Agrees => has_moved(home, place).then_some(Doubt::Elsewhere),
    })
}

fn has_moved(home: &Home, place: &str) -> bool {
    !home.place.is_empty() && home.place != place
}

/// What [`arrive`] would doubt of a database that was put here and not started yet. Changes nothing.
pub async fn foresee(db: &Db, positions: &Positions) -> Result<Option<Doubt>> {
    let Some(home) = store::home(db).await? else { return Ok(None) };
    doubt(db, &home, &place(db).await?, Some(positions)).await
}

/// What is wrong with another secret than the one that the magazine was run with, and what to do.
pub const ANOTHER_SECRET: &str = "SECRET is not the one that this magazine was run with: links in every mail that went out open nothing, not even those to leave the list, what comes back of those mails finds no reader, and keys that sign mail cannot be read. Set the right one, which is kept with the backups (without the setting it is the file secret in DATA_DIR), or name it in OLD_SECRETS. If it is lost for good: broadside settings accept-secret";

/// Whether the secret of the settings, or an old one beside it, is the one that the magazine was run with.
pub async fn knows_secret(site: &Site) -> Result<bool> {
    Ok(store::home(&site.db).await?.is_none_or(|home| knows_secret_of(site, &home)))
}

fn knows_secret_of(site: &Site, home: &Home) -> bool {
    home.secret_proof.is_empty() || site.keys.knows_name(Purpose::SecretProof, "", &home.secret_proof)
}

/// From now on the magazine is run with the secret of the settings.
pub async fn accept_secret(tx: &mut Tx, site: &Site) -> Result<()> {
    store::prove_secret(tx, &secret_proof(site)).await
}

fn secret_proof(site: &Site) -> String {
    site.keys.name(Purpose::SecretProof, "")
}

/// Somebody said that the database is at home here from now on. Processes under the old address are given nothing any more,
/// and what the files beside it said is void, also those of a state that this database never knew.
pub async fn confirm(tx: &mut Tx, site: &Site, place: &str, positions: Option<&Positions>) -> Result<()> {
    for epoch in positions.map(Positions::epochs).unwrap_or_default() {
        store::settle_epoch(tx, &epoch).await?;
    }
    // What an address on this machine alone was called, nobody else ever called it.
    let left = store::home_in(tx).await?.map(|home| home.base_url).filter(|left| !is_local(left));
    let left = left.and_then(|left| Url::parse(&left).ok());
    if let Some(host) = left.as_ref().and_then(Url::host_str).filter(|host| *host != site.host()) {
        store::leave(tx, host, site.now()).await?;
    }
    store::come_back(tx, site.host()).await?;
    store::settle(tx, &address(site), place, &token::public_id(), site.now()).await
}

/// Somebody said that the database is a restored backup: what happened before `at` may have been told already. The report is
/// kept for the desk.
pub async fn restored(tx: &mut Tx, at: Moment, report: &str) -> Result<()> {
    store::restored(tx, at, report).await
}

/// Nothing is sent before somebody said that it shall be, though who left since the backup was made is not known.
pub async fn hold(tx: &mut Tx, site: &Site) -> Result<()> {
    store::doubt(tx, Doubt::Forgetful, site.now()).await?;
    Ok(())
}

/// Since when there is a doubt, if there is one.
pub async fn doubt_at(db: &Db) -> Result<Option<Moment>> {
    Ok(store::home(db).await?.and_then(|home| home.doubt_at))
}

/// Before when everything may have been told already, for a backup was restored.
pub async fn restored_at(tx: &mut Tx) -> Result<Option<Moment>> {
    Ok(store::home_in(tx).await?.and_then(|home| home.restored_at))
}

/// What was said when a backup was last restored; empty if none was.
pub async fn report(db: &Db) -> Result<String> {
    Ok(store::home(db).await?.map(|home| home.report).unwrap_or_default())
}

/// One spelling, whether or not the setting ends with a slash.
pub(crate) fn address(site: &Site) -> String {
    site.url("/")
}

fn is_local(address: &str) -> bool {
    let url = Url::parse(address);
    match url.as_ref().ok().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_next_door() {
        for local in ["http://127.0.0.1:3000/", "http://localhost/", "http://[::1]:1/"] {
            assert!(is_local(local), "{local}");
        }
        for far in ["https://news.example.org/", "http://10.0.0.1/", "https://localhost.example.org/", "x"] {
            assert!(!is_local(far), "{far}");
        }
    }
}
