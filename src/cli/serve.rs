//! `broadside serve` and `broadside worker`.

use std::process::ExitCode;

use super::running::{self, Parts, Running, Told};
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Send mail and payments to a sandbox on this machine instead of the outside world.
    #[arg(long)]
    sandbox: bool,
}

pub(super) async fn serve(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (mut told, listen) = (Told::listen()?, config.listen);
    if !told.unless_told(running::wait_for_database(&config)).await? {
        return Ok(ExitCode::SUCCESS);
    }
    let running = Running::start(config, Parts::WebAndWorker, arguments.sandbox).await?;
    running::greet(&running, listen).await;
    running.until_told(told).await?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn worker(config: Config) -> anyhow::Result<ExitCode> {
    let mut told = Told::listen()?;
    if !told.unless_told(running::wait_for_database(&config)).await? {
        return Ok(ExitCode::SUCCESS);
    }
    let running = Running::start(config, Parts::Worker, false).await?;
    println!("The worker is running.");
    running.until_told(told).await?;
    Ok(ExitCode::SUCCESS)
}
