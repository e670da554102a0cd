//! Recipient domains and whose servers take their mail, so that all domains of one provider share a pace.
//!
//! Small domains hardly ever run their own servers: hundreds of them stand behind the same few providers, who count what
//! they are sent altogether. Nothing waits for these answers; a domain that nobody was asked about yet goes by itself.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::store::domains as store;
use crate::{db::Result, dns::Dns, site::Site};

/// An answer is believed for so long.
const FRESH: Duration = Duration::from_secs(7 * 86_400);
/// Where nobody answered, it is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(3_600);
const AT_ONCE: usize = 8;
const MOST: i64 = 500;

/// Asks the DNS about domains that are new, or were asked about long ago, some hundreds at most. Returns how many.
pub async fn look_up(site: &Site, dns: &Dns) -> Result<usize> {
    let now = site.now();
    let due = store::due(&site.db, (now.minus(FRESH), now), MOST).await?;
    let asked: Vec<_> = stream::iter(due)
        .map(|name| async move {
            let answer = dns.mx(&name).await;
            (name, answer)
        })
        .buffered(AT_ONCE)
        .map(|(name, answer)| match answer {
            Ok(servers) => (name, servers.first().map(|(_, host)| provider(host)), now),
            Err(_) => (name, None, now.minus(FRESH).plus(TRY_AGAIN)),
        })
        .collect()
        .await;
    if !asked.is_empty() {
        let mut tx = site.db.begin().await?;
        store::looked(&mut tx, &asked).await?;
        tx.commit().await?;
    }
    Ok(asked.len())
}

/// The domain that a mail server's name stands under: its last two labels, or three where a country has its own second
/// level (co.uk).
fn provider(host: &str) -> String {
    let labels: Vec<&str> = host.split('.').collect();
    let keep = match labels.as_slice() {
        [.., second, top] if top.len() == 2 && second.len() <= 3 => 3,
        _ => 2,
    };
    labels[labels.len().saturating_sub(keep)..].join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_by_the_end_of_its_servers_names() {
        for (host, expected) in [
            ("gmail-smtp-in.l.google.com", "google.com"),
            ("aspmx.l.google.com", "google.com"),
            ("example-org.mail.protection.outlook.com", "outlook.com"),
            ("mx0.mail.example.co.uk", "example.co.uk"),
            ("mx00.ionos.de", "ionos.de"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(provider(host), expected);
        }
    }
}
