//! `broadside edition send`: presses Send from the command line, with the same checks as the desk.

use std::process::ExitCode;

use anyhow::bail;

use super::instance;
use crate::{config::Config, digests, mail::Templates};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Press Send: a running serve or worker sends the edition after the minute in which it can be undone.
    Send {
        /// The edition's number, or the letters at the end of its address at the desk.
        id: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Send { id } = command;
    let site = instance::open_site(config).await?;
    let templates = Templates::load()?;
    let edition = match id.parse() {
        Ok(number) => digests::load(&site.db, number).await?,
        Err(_) => digests::find(&site.db, &id).await?,
    };
    match digests::press_send(&site, &templates, edition.id, edition.revision, None, None).await {
        Ok(at) => {
            println!("Edition {} goes out at {at}. Until then it can be undone at the desk.", edition.id)
        }
        Err(digests::Error::NotReady(problems)) => {
            for problem in &problems {
                eprintln!("- {}", problem);
            }
            bail!("the edition is not ready to be sent");
        }
        Err(error) => return Err(error.into()),
    }
    site.db.close().await;
    Ok(ExitCode::SUCCESS)
}
