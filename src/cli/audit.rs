//! `broadside audit`: recounts the ledger, and says whether every account balances.

use std::process::ExitCode;

use super::instance;
use crate::{config::Config, delivery::editions};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The number of one edition; all that were ever sealed without it.
    edition: Option<i64>,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let sealed = editions::ever_sealed(&site.db).await?;
    let chosen = match arguments.edition {
        None => sealed,
        Some(edition) if sealed.contains(&edition) => vec![edition],
        Some(edition) => anyhow::bail!("there is no edition {edition} that was ever sealed"),
    };
    let mut all_hold = true;
    for edition in chosen {
        let audit = editions::audit(&site.db, edition).await?;
        all_hold &= audit.holds();
        let verdict = if audit.holds() { "holds" } else { "DOES NOT HOLD" };
        println!("edition {edition}: {verdict}: {}", audit.rows);
        if audit.rows != audit.tallies {
            println!("  the tallies say otherwise: {}", audit.tallies);
        }
    }
    site.db.close().await;
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
