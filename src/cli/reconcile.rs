//! `broadside payments reconcile`: what the payment service lists, held against the book.

use std::process::ExitCode;

use anyhow::Context as _;

use super::instance;
use crate::{
    clock::{Moment, Zone},
    config::Config,
    donations::{self, NIGHTLY},
    payments::PaymentProvider,
    settings::Settings,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The first day, such as 2026-10-01. Without it, thirty-five days ago.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day. Without it, today.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
    /// Fetch what is missing here, and book it. Nothing is changed at the payment service.
    #[arg(long)]
    mend: bool,
}

pub(super) async fn run(
    config: &Config,
    provider: &dyn PaymentProvider,
    arguments: Arguments,
) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let now = site.now();
    let zone = Settings::load(&site.db).await?.time_zone;
    let from =
        arguments.from.as_deref().map(|day| Ok::<_, anyhow::Error>(bounds(day, &zone)?.0)).transpose()?;
    let until =
        arguments.to.as_deref().map(|day| Ok::<_, anyhow::Error>(bounds(day, &zone)?.1)).transpose()?;
    let span = (from.unwrap_or_else(|| now.minus(NIGHTLY)), until.unwrap_or(now));
    anyhow::ensure!(span.0 < span.1, "the first day is after the last");
    anyhow::ensure!(
        span.0 < donations::comparable_until(now),
        "nothing of those days can be compared yet: what is younger than an hour may be on its way"
    );
    let found = donations::reconcile(&site, provider, span, arguments.mend)
        .await
        .context("the books were not compared to their end")?;
    donations::keep_reconciled(&site, &found).await?;
    site.db.close().await;
    if arguments.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        for one in &found.differences {
            println!("DIFFERS: {} {}: {}. {}", one.what, one.id, one.problem, one.remedy);
        }
        let more = found.different.saturating_sub(found.differences.len() as u64);
        if more > 0 {
            println!("and {more} more");
        }
        let verdict = match (found.is_equal(), found.is_of_nothing()) {
            (_, true) => "there was nothing to compare",
            (true, false) => "both books say the same",
            (false, _) => "the books DIFFER",
        };
        println!(
            "{} objects compared from {} to {}, {} of other software left alone: {verdict}",
            found.compared,
            found.from.day(&zone),
            found.until.date_time(&zone),
            found.foreign
        );
    }
    Ok(if found.is_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bounds(day: &str, zone: &Zone) -> anyhow::Result<(Moment, Moment)> {
    let parsed = day.parse().ok().and_then(|date| zone.day(date));
    parsed.with_context(|| format!("{day} is no day: write it as 2026-10-01"))
}
