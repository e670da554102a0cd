//! `broadside articles import`: takes in a feed, once.

use std::process::ExitCode;

use super::instance;
use crate::{
    articles::{self, Fetcher},
    config::Config,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Import the articles of a feed (RSS, Atom or JSON Feed). Importing again brings what is new or changed.
    Import {
        /// The feed's address, or a file.
        #[arg(value_name = "URL|FILE")]
        source: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Import { source } = command;
    let site = instance::open_site(config).await?;
    let fetcher = Fetcher::new(config.fetch_private_addresses)?;
    let report = articles::import_source(&site, &fetcher, &source).await?;
    site.db.close().await;
    println!("{} new, {} updated, {} unchanged.", report.new, report.updated, report.unchanged);
    if report.kept > 0 {
        println!(
            "{} changed in the feed but were edited at the desk, and stay as they are there.",
            report.kept
        );
    }
    for note in &report.notes {
        println!("{note}");
    }
    for why in &report.skipped {
        println!("Not taken: {why}");
    }
    Ok(ExitCode::SUCCESS)
}
