//! `broadside withdrawals`: the journal of who left, beside the database.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::instance;
use crate::{
    config::Config,
    journal::{Found, Journal, Read},
    restored,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check that the journal is whole: that no line in it was changed or taken out. Ends with 1 if it is not.
    Verify,
    /// Print its entries: number, moment, what, and who by the names that the database has for them.
    List,
    /// Send again from a restored backup, though who left since it was made is not known.
    GoOn,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Verify => verify(config).await,
        Command::List => {
            let (_, read) = read(config).await?;
            for entry in &read.entries {
                println!("{} {} {}", entry.number, entry.at, entry.text);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::GoOn => go_on(config).await,
    }
}

async fn verify(config: &Config) -> anyhow::Result<ExitCode> {
    let (journal, read) = read(config).await?;
    let path = journal.path().unwrap_or(&config.withdrawals_journal).display();
    println!("{path}: {} entries since {}", read.entries.len(), read.since);
    if read.torn > 0 {
        println!(
            "Its last line was not written to its end, which was promised to nobody: it is cut by the next."
        );
    }
    for one in &read.breaks {
        let until = one.until.map_or("its end".to_owned(), |at| at.to_string());
        println!(
            "BROKEN behind entry {}: a line between {} and {until} was changed, or lines are missing there",
            one.after, one.since
        );
    }
    Ok(if read.breaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn read(config: &Config) -> anyhow::Result<(Journal, Read)> {
    let keys = config.known_keys()?.context("the secrets are neither set nor in DATA_DIR")?;
    let journal = instance::journal(config, &keys);
    let path = config.withdrawals_journal.display();
    match journal.read().await.with_context(|| format!("{path} cannot be read"))? {
        Found::Ours(read) => Ok((journal, read)),
        Found::Foreign => bail!("{path} is no journal of withdrawals of this magazine"),
        Found::Missing => {
            bail!("there is no journal of withdrawals at {path} yet; `broadside serve` makes it")
        }
    }
}

async fn go_on(config: &Config) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let positions = instance::positions(config)?;
    let went_on = restored::go_on(&site, None, Some(&positions)).await?;
    site.db.close().await;
    println!(
        "{}",
        if went_on {
            "Mail goes out again. Whoever left in the time that is not known is mailed again, unless you take them off their lists first."
        } else {
            "Nothing is held for want of the journal of withdrawals; nothing was changed."
        }
    );
    Ok(ExitCode::SUCCESS)
}
