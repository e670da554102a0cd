//! `broadside settings`: every setting with its meaning and default, as `.env.example` has them; and confirming that the
//! magazine moved to another address.

use std::process::ExitCode;

use super::instance;
use crate::{
    config::{self, Config},
    delivery::origin::{self, Standing},
    staff::audit,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say that the magazine moved to the address in BASE_URL, so that mail goes out from here again.
    ConfirmAddress,
}

pub(super) fn list() -> anyhow::Result<ExitCode> {
    print!("{}", config::example());
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Some(Command::ConfirmAddress) = arguments.command else { return list() };
    let site = instance::open_site(config).await?;
    let here = site.url("/");
    match origin::look(&site).await? {
        Standing::AtHome => println!("The database is at home under {here} already."),
        Standing::Abroad(home) => {
            let mut tx = site.db.begin().await?;
            origin::confirm(&mut tx, &site).await?;
            audit::record(&mut tx, &site, None, "confirmed the address", "", &here).await?;
            tx.commit().await?;
            println!(
                "The magazine moved from {home} to {here}. Nothing may run at the old address any more."
            );
        }
    }
    site.db.close().await;
    Ok(ExitCode::SUCCESS)
}
