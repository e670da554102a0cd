//! `broadside edition send` and `have-it`: pressing Send from the command line, and saying who has an edition already that a
//! restored backup holds back.

use std::{io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use super::instance;
use crate::{
    clock::Zone,
    config::Config,
    digests::{self, Edition, HaveIt},
    email_address::EmailAddress,
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
    /// Say which readers have an edition already that a restored backup holds back. They get no second copy; the others get
    /// theirs when the edition is released at the desk.
    #[command(group(clap::ArgGroup::new("who").required(true)))]
    HaveIt {
        /// Its name in the address of its page.
        edition: String,
        /// Everybody up to this address, in the order in which copies are given out; some before it may lack theirs.
        #[arg(long, value_name = "ADDRESS", group = "who")]
        up_to: Option<EmailAddress>,
        /// Everybody whose address stands in this file: a list, or the log of the mail service; - for standard input.
        #[arg(long, value_name = "FILE", group = "who")]
        named_in: Option<PathBuf>,
        /// Take back what was said before.
        #[arg(long, group = "who")]
        nobody: bool,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let templates = Templates::load()?;
    let edition = match command {
        Command::Send { edition } => edition,
        Command::HaveIt { edition, nobody: true, .. } => {
            let edition = find(&site, &edition).await?;
            let moved = digests::nobody_has_it(&site, &edition.public_id, None).await;
            site.db.close().await;
            println!("{} readers wait for their copy again.", moved?);
            return Ok(ExitCode::SUCCESS);
        }
        Command::HaveIt { edition, up_to, named_in, .. } => {
            let who = match (up_to, named_in) {
                (Some(address), _) => HaveIt::UpTo(address),
                (None, file) => HaveIt::named_in(&read(file)?),
            };
            let moved = have_it(&site, &templates, &edition, &who).await;
            site.db.close().await;
            println!(
                "{} readers have it already. Release it for the others on its page at the desk.",
                moved?
            );
            return Ok(ExitCode::SUCCESS);
        }
    };
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

/// Writes the audience down first where that was not done yet.
async fn have_it(site: &Site, templates: &Templates, edition: &str, who: &HaveIt) -> anyhow::Result<u64> {
    let found = find(site, edition).await?;
    if found.sealed_at.is_none() {
        digests::lock_held(site, &found.public_id, None).await?;
        digests::seal_due(site, templates).await?;
    }
    match digests::have_it(site, &found.public_id, who, None).await {
        Err(digests::Error::NotFound) => anyhow::bail!("nobody in that edition has this address"),
        moved => Ok(moved?),
    }
}

fn read(file: Option<PathBuf>) -> anyhow::Result<String> {
    let file = file.unwrap_or_else(|| "-".into());
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        bytes
    } else {
        std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn find(site: &Site, name: &str) -> digests::Result<Edition> {
    match name.parse() {
        Ok(number) => digests::load(&site.db, number).await,
        Err(_) => digests::find(&site.db, name).await,
    }
}
