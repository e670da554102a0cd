//! `broadside audit`: recounts the ledgers, says whether every account balances, and names what was asked for and not done.

use std::process::ExitCode;

use super::instance;
use crate::{
    config::Config,
    delivery::{self, Class},
    donations::{self, DonationKind, MoneyAudit},
    publishing,
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
            for edition in delivery::ever_sealed(&site.db).await? {
                balances &= one_edition(&site, edition).await?;
            }
            balances &= money(&donations::audit_money(&site.db).await?);
            balances &= unheeded(&site).await?;
            balances
        }
    };
    site.db.close().await;
    Ok(if balances { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one_edition(site: &Site, number: i64) -> anyhow::Result<bool> {
    let edition = publishing::load(&site.db, number).await?;
    let audit = delivery::audit_copies(&site.db, number).await?;
    let verdict = if audit.holds() { "balances" } else { "DOES NOT BALANCE" };
    println!("edition {number}, “{}”, {verdict}: {}", edition.content.subject, audit.rows);
    for copy in publishing::results(
        &site.db,
        number,
        publishing::WantedCopies { state: "unknown", ..Default::default() },
        0,
        NAMED,
    )
    .await?
    {
        let why = copy.class.map_or("", Class::as_str);
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
        let kind = total.kind.map_or("", DonationKind::as_str);
        println!("donations {kind}: {} of {}", total.number, total.amount());
    }
    let verdict = if audit.balances() { "balances" } else { "DOES NOT BALANCE" };
    println!("the money ledger {verdict}; {} receipts", audit.receipts);
    for problem in &audit.problems {
        println!("  {problem}");
    }
    audit.balances()
}

/// What ended badly, or does not end. False for what nobody may leave so: a monthly donation that should be over and is charged,
/// and news of money that could not be applied.
async fn unheeded(site: &Site) -> anyhow::Result<bool> {
    let needs = donations::attention(&site.db, site.now()).await?;
    for one in &needs.unended {
        println!(
            "MUST END: {} {}, {}, asked for at {} and still charged; tried {} times: {}",
            one.amount(),
            one.rhythm().words(),
            one.provider_subscription_id.as_deref().unwrap_or("not known to the payment service"),
            one.asked_at,
            one.attempts,
            one.last_error.as_deref().unwrap_or("no answer yet"),
        );
    }
    for event in &needs.events {
        let why = event.last_error.as_deref().unwrap_or_default();
        println!("GIVEN UP: {} {}, of {}: {why}", event.kind, event.event_id, event.created_at);
    }
    if let Some(last) = needs.checkouts.first() {
        let why = last.why.as_deref().unwrap_or_default();
        println!("{} checkouts could not be opened; the last: {why}", needs.checkouts.len());
    }
    for copy in &needs.copies {
        let name = copy.subscription.as_deref().unwrap_or_default();
        let (amount, every) = (copy.amount(), copy.rhythm().words());
        println!("{amount} {every}, {name}, is a copy that is charged beside another");
    }
    let failed = delivery::failed_letters(&site.db, site.now().minus(donations::LATELY), NAMED).await?;
    for letter in &failed {
        let when = letter.finished_at.map(|at| at.to_string()).unwrap_or_default();
        let why = letter.class.map_or("", Class::as_str);
        println!("automatic email {} was given up at {when}: {why}", letter.template);
    }
    Ok(needs.unended.is_empty() && needs.events.is_empty())
}
