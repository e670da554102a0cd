//! `broadside edition send`, `have-it` and `release`: pressing Send from the command line, and saying who has an edition already
//! that a restored backup holds back.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};

use super::instance;
use crate::{
    clock::Zone,
    config::Config,
    editions::EditionState,
    email_address::EmailAddress,
    mail::Templates,
    publishing::{self, Edition, HaveIt, SentLog},
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
    /// Look up in the mail service's log who has an edition already that a restored backup holds back, by the Message-IDs of its
    /// copies. They get no second one; the others get theirs when you let it go on at the desk.
    Release {
        /// Its name in the address of its page.
        edition: String,
        /// Logs of Postfix or Exim, the oldest first, or what a mail service exports of its events: JSON lines, or CSV with its
        /// header; - for standard input. Of several, each behind a --sent-log of its own.
        #[arg(long, value_name = "FILE", required = true)]
        sent_log: Vec<PathBuf>,
    },
}

const GO_ON: &str = "Let it go on for the others on its page at the desk.";

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let templates = Templates::load()?;
    let edition = match command {
        Command::Send { edition } => edition,
        Command::HaveIt { edition, nobody: true, .. } => {
            let edition = find(&site, &edition).await?;
            let moved = publishing::nobody_has_it(&site, &edition.public_id, None).await;
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
            println!("{} readers have it already. {GO_ON}", moved?);
            return Ok(ExitCode::SUCCESS);
        }
        Command::Release { edition, sent_log } => {
            let released = release(&site, &templates, &edition, &sent_log).await;
            site.db.close().await;
            return released.map(|()| ExitCode::SUCCESS);
        }
    };
    let edition = find(&site, &edition).await?;
    let pressed = publishing::press_send(&site, &templates, edition.id, edition.revision, None, None).await;
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
        Err(publishing::Error::NotReady(problems)) => {
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
        publishing::lock_held(site, &found.public_id, None).await?;
        publishing::seal_due(site, templates).await?;
    }
    match publishing::have_it(site, &found.public_id, who, None).await {
        Err(publishing::Error::NotFound) => anyhow::bail!("nobody in that edition has this address"),
        moved => Ok(moved?),
    }
}

async fn release(site: &Site, templates: &Templates, name: &str, files: &[PathBuf]) -> anyhow::Result<()> {
    let edition = find(site, name).await?;
    // Before a log of hours is read.
    ensure!(
        edition.state == EditionState::Held,
        "“{}” is not held back, so nobody can be marked: it is {}",
        edition.content.subject,
        edition.state
    );
    let mut log = SentLog::new(site, &edition);
    for file in files {
        read_log(&mut log, file)?;
    }
    println!("{} of {} lines were understood.", log.understood(), log.lines());
    let in_queue = log.in_queue();
    let moved = have_it(site, templates, name, &log.have_it()).await?;
    println!("{moved} readers have it already. {GO_ON}");
    if in_queue > 0 {
        println!(
            "Before that: {in_queue} of its copies had not left the mail server's queue when the log ends. It sends them by itself; once its queue is empty, do this again with what it logged since."
        );
    }
    Ok(())
}

fn read_log(log: &mut SentLog<'_>, file: &Path) -> anyhow::Result<()> {
    let unread = || format!("{} cannot be read", file.display());
    let mut lines = BufReader::new(open(file)?);
    let beginning = lines.fill_buf().with_context(unread)?;
    if let Some((_, unpack)) = PACKED.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        bail!(
            "{} is packed: {unpack} {} | broadside edition release … --sent-log -",
            file.display(),
            file.display()
        );
    }
    let is_empty = beginning.is_empty();
    ensure!(
        log.read(lines).with_context(unread)? > 0 || is_empty,
        "nothing in {} is understood: it is neither a log of Postfix or Exim, nor events of a mail service as JSON lines or as CSV with its header. Nobody was marked",
        file.display()
    );
    Ok(())
}

/// How files begin that a log is packed into, and what unpacks them.
const PACKED: [(&[u8], &str); 4] =
    [(b"\x1f\x8b", "zcat"), (b"\x28\xb5\x2f\xfd", "zstdcat"), (b"\xfd7zXZ", "xzcat"), (b"BZh", "bzcat")];

fn open(file: &Path) -> anyhow::Result<Box<dyn Read>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(file).with_context(|| format!("{} cannot be read", file.display()))?))
}

fn read(file: Option<PathBuf>) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    open(&file.unwrap_or_else(|| "-".into()))?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn find(site: &Site, name: &str) -> publishing::Result<Edition> {
    match name.parse() {
        Ok(number) => publishing::load(&site.db, number).await,
        Err(_) => publishing::find(&site.db, name).await,
    }
}
