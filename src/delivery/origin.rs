//! Where a database is at home: the public address under which it may send.
//!
//! The rule: a database that is opened under another address, because it is a copy, or a backup on another machine, sends
//! nothing, reads no bounces and registers nothing until somebody confirms the new address; only sign-in links go out, so
//! that somebody can (TRUST T10). The workers' rows hold the address they would send under, so a process that was started
//! with the wrong one is given nothing, whatever it believes.

use url::{Host, Url};

use super::store::origin as store;
use crate::{
    db::{Db, Result, Tx},
    site::Site,
};

/// Whether this process may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The database is at home under this process's address, or was never opened before.
    AtHome,
    /// It is at home under that other address.
    Abroad(String),
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
    Ok(match store::home(db).await? {
        Some(home) if home != here => Standing::Abroad(home),
        _ => Standing::AtHome,
    })
}

/// The start of a process: settles a database that was never opened before. From one port of this very machine to another
/// is no move, or nobody could try anything out twice.
///
/// # Errors
/// When the database fails.
pub async fn arrive(site: &Site) -> Result<Standing> {
    let here = address(site);
    let known = store::home(&site.db).await?;
    let next_door = known.as_deref().is_some_and(|home| is_local(home) && is_local(&here));
    if known.is_some() && !next_door {
        return look(site).await;
    }
    let mut tx = site.db.begin().await?;
    if next_door {
        store::settle(&mut tx, &here, site.now()).await?;
    } else {
        store::settle_first(&mut tx, &here, site.now()).await?;
    }
    tx.commit().await?;
    look(site).await
}

/// Somebody said that the database is at home here from now on. Processes under the old address are given nothing any more.
///
/// # Errors
/// When the database fails.
pub async fn confirm(tx: &mut Tx, site: &Site) -> Result<()> {
    store::settle(tx, &address(site), site.now()).await
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
