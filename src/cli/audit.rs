//! `broadside audit`: recounts the ledgers, and says whether every account balances.

use std::process::ExitCode;

use super::instance;
use crate::{
    config::Config,
    delivery::editions,
    digests,
    donations::{self, MoneyAudit},
    site::Site,
};

/// How many copies whose outcome is not known are named one by one.
const NAMED: i64 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The number of one edition. Without it, all that were ever sealed, and the money.
    edition: Option<i64>,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let balances = match arguments.edition {
        Some(edition) => one_edition(&site, edition).await?,
        None => {
            let mut balances = true;
            for edition in editions::ever_sealed(&site.db).await? {
                balances &= one_edition(&site, edition).await?;
            }
            money(&donations::audit_money(&site.db).await?) && balances
        }
    };
    site.db.close().await;
    Ok(if balances { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one_edition(site: &Site, number: i64) -> anyhow::Result<bool> {
    let edition = digests::load(&site.db, number).await?;
    let audit = editions::audit(&site.db, number).await?;
    let verdict = if audit.holds() { "balances" } else { "DOES NOT BALANCE" };
    println!("edition {number}, “{}”, {verdict}: {}", edition.content.subject, audit.rows);
    for copy in digests::results(
        &site.db,
        number,
        digests::Wanted { state: "unknown", ..Default::default() },
        0,
        NAMED,
    )
    .await?
    {
        let why = copy.class.unwrap_or_default();
        println!("  may have arrived: {}, after {} tries: {why}. {}", copy.address, copy.attempt, copy.reply);
    }
    if audit.rows.unknown > NAMED {
        println!("  and {} more; the edition’s page at the desk lists them all", audit.rows.unknown - NAMED);
    }
    if audit.rows != audit.tallies {
        println!("  the tallies say otherwise: {}", audit.tallies);
    }
    Ok(audit.holds())
}

fn money(audit: &MoneyAudit) -> bool {
    for total in &audit.totals {
        println!("donations {}: {} of {}", total.kind, total.number, total.amount());
    }
    let verdict = if audit.balances() { "balances" } else { "DOES NOT BALANCE" };
    println!("the money ledger {verdict}; {} receipts", audit.receipts);
    for problem in &audit.problems {
        println!("  {problem}");
    }
    audit.balances()
}
