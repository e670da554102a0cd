//! `broadside edition send` and `hold-all`: pressing Send from the command line, and holding everything back.

use std::process::ExitCode;

use super::instance;
use crate::{
    clock::Zone,
    config::Config,
    digests::{self, Edition},
    mail::Templates,
    site::Site,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Press Send: the edition goes out after a minute in which it can still be undone at the desk.
    Send {
        /// The edition's number, or its name in the address of its page.
        edition: String,
    },
    /// Hold back everything that would go out by itself, before a restored backup is started: it does not know what was
    /// sent since it was made.
    HoldAll,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let Command::Send { edition } = command else {
        let held = digests::hold_all(&site).await?;
        site.db.close().await;
        println!("Editions held back: {held}. Each is released, or taken back, on its page at the desk.");
        return Ok(ExitCode::SUCCESS);
    };
    let templates = Templates::load()?;
    let edition = find(&site, &edition).await?;
    let pressed = digests::press_send(&site, &templates, edition.id, edition.revision, None, None).await;
    site.db.close().await;
    match pressed {
        Ok(at) => {
            println!(
                "“{}” goes out at {}, as it is at this moment: version {}. Until then it can be undone at the desk.",
                edition.content.subject,
                at.date_time(&Zone::UTC),
                edition.revision
            );
            println!("It is sent by `broadside serve` or `broadside worker`: one of them must be running.");
            Ok(ExitCode::SUCCESS)
        }
        Err(digests::Error::NotReady(problems)) => {
            eprintln!("“{}” cannot be sent:", edition.content.subject);
            for problem in problems.iter().filter(|problem| problem.is_in_the_way()) {
                eprintln!("  - {problem}");
            }
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

async fn find(site: &Site, name: &str) -> digests::Result<Edition> {
    match name.parse() {
        Ok(number) => digests::load(&site.db, number).await,
        Err(_) => digests::find(&site.db, name).await,
    }
}
