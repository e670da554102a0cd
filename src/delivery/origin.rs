//! Where a database is at home: the public address under which it may send, and the place at which it runs.
//!
//! The rule: a database that is opened under another address, or at another place, or that knows less than the file beside
//! it, is a copy, or a restored backup. It sends nothing, reads no bounces and registers nothing until somebody decides; only
//! sign-in links go out, so that somebody can (TRUST T10). The doubt is written into the database, so that every process
//! that works on it knows; the workers' rows hold the address they would send under, so a process that was started with
//! the wrong one is given nothing, whatever it believes.

use std::fs;

use url::{Host, Url};

use super::{position::PositionFile, store::origin as store};
use crate::{
    clock::Moment,
    db::{Db, Engine, Result, Tx},
    site::Site,
    token,
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

/// Why a database may be a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It last ran on another machine, or from another folder.
    Elsewhere,
    /// A file beside it tells of things that it does not know: it is older than what ran here last.
    Behind,
}

impl Doubt {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::Behind => "behind",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Elsewhere, Self::Behind].into_iter().find(|doubt| doubt.as_str() == word)
    }
}

/// Looks, and changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn look(site: &Site) -> Result<Standing> {
    look_as(&site.db, &address(site)).await
}

/// The same for whoever has no more than the database: would a process with this address (of its front page) be at home?
///
/// # Errors
/// When the database fails.
pub async fn look_as(db: &Db, here: &str) -> Result<Standing> {
    let Some(home) = store::home(db).await? else { return Ok(Standing::AtHome) };
    Ok(match Doubt::parse(&home.doubt) {
        _ if home.base_url != here => Standing::Abroad(home.base_url),
        Some(doubt) => Standing::Doubtful(doubt),
        None => Standing::AtHome,
    })
}

/// The start of a process: settles a database that was never opened before, and writes down a doubt. From one port of this
/// very machine to another is no move, or nobody could try anything out twice.
///
/// # Errors
/// When the database fails.
pub async fn arrive(site: &Site, position: Option<&PositionFile>) -> Result<Standing> {
    let (here, place) = (address(site), place(&site.db).await?);
    let Some(home) = store::home(&site.db).await? else {
        let mut tx = site.db.begin().await?;
        store::settle_first(&mut tx, &here, &place, site.now()).await?;
        tx.commit().await?;
        return look(site).await;
    };
    let behind = match position {
        Some(file) => file.is_ahead_of(&site.db, home.since).await?,
        None => false,
    };
    let moved = !home.place.is_empty() && home.place != place;
    let next_door = is_local(&home.base_url) && is_local(&here);
    let base_url = if next_door { &here } else { &home.base_url };
    let kept = if moved { &home.place } else { &place };
    let mut tx = site.db.begin().await?;
    if behind || moved {
        let doubt = if behind { Doubt::Behind } else { Doubt::Elsewhere };
        store::doubt(&mut tx, doubt.as_str()).await?;
    }
    if (base_url, kept) != (&home.base_url, &home.place) {
        store::rename(&mut tx, base_url, kept).await?;
    }
    tx.commit().await?;
    look(site).await
}

/// Somebody said that the database is at home here from now on. Processes under the old address are given nothing any more.
///
/// # Errors
/// When the database fails.
pub async fn confirm(tx: &mut Tx, site: &Site, place: &str) -> Result<()> {
    store::settle(tx, &address(site), place, site.now()).await
}

/// Somebody said that the database is a restored backup, at this moment.
///
/// # Errors
/// When the database fails.
pub async fn restored(tx: &mut Tx, now: Moment) -> Result<()> {
    store::restored(tx, now).await
}

/// When somebody last said so.
///
/// # Errors
/// When the database fails.
pub async fn restored_at(tx: &mut Tx) -> Result<Option<Moment>> {
    Ok(store::home_in(tx).await?.and_then(|home| home.restored_at))
}

/// The place at which a database runs: for SQLite the file and, where it has an id, the machine; for PostgreSQL the server's
/// own id and the database's, which a restored dump does not keep.
///
/// # Errors
/// When the database fails.
pub async fn place(db: &Db) -> Result<String> {
    let place = db.place().await?;
    if db.engine() == Engine::Postgres {
        return Ok(place);
    }
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let machine = token::hash(machine.trim());
    Ok(format!("{}:{place}", machine.get(..16).unwrap_or_default()))
}

/// One spelling, whether or not the setting ends with a slash.
pub(super) fn address(site: &Site) -> String {
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
