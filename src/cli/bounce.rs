//! `broadside bounce`: reading mail about our mail.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

use super::instance;
use crate::{
    bounces::{self, BounceClass, BounceReport, Taken, receive_mail, receive_maildir},
    config::Config,
    subscribers,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say what a bounce, complaint or automatic answer means; changes nothing and needs no settings.
    Inspect {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// Messages, one a file; - is standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Take in bounces and complaints. Doing it again changes nothing.
    Ingest {
        /// Every message in `new` of a maildir; they move to `cur`.
        #[arg(long, conflicts_with = "files")]
        maildir: Option<PathBuf>,
        /// Messages, one a file; - is standard input, for use in an alias of the mail server.
        #[arg(required_unless_present = "maildir")]
        files: Vec<PathBuf>,
    },
}

/// "Try again later" to the mail server that runs us (sysexits).
const TRY_AGAIN: u8 = 75;

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let (maildir, files) = match command {
        Command::Inspect { json, files } => return inspect(json, &files),
        Command::Ingest { maildir, files } => (maildir, files),
    };
    let taken = match ingest(config, maildir.as_deref(), &files).await {
        Ok(taken) => taken,
        Err(error) => return Ok(try_again(&error)),
    };
    let Taken { read, stopped, held, counted, unproven, left, letters } = taken;
    println!(
        "{read} read: {stopped} readers are not mailed any more, {held} failures wait for a decision at the desk, {counted} failures counted, {left} left a list by mail, {letters} letters from people, {unproven} not about mail of ours."
    );
    Ok(ExitCode::SUCCESS)
}

/// Nothing was taken in: the mail server keeps the message, and comes again with it.
pub(super) fn try_again(error: &anyhow::Error) -> ExitCode {
    eprintln!("broadside: {}", super::words(error));
    ExitCode::from(TRY_AGAIN)
}

async fn ingest(config: &Config, maildir: Option<&Path>, files: &[PathBuf]) -> anyhow::Result<Taken> {
    let site = instance::open_site(config).await?;
    let mut taken = Taken::default();
    if let Some(maildir) = maildir {
        taken = receive_maildir(&site, maildir, subscribers::leave_by_mail).await?;
    }
    for file in files {
        taken.count(receive_mail(&site, &read(file)?, subscribers::leave_by_mail).await?);
    }
    site.db.close().await;
    Ok(taken)
}

pub(super) fn inspect(json: bool, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match read(file) {
            Ok(bytes) => show(json, file, &bounces::inspect(&bytes)),
            Err(error) => {
                eprintln!("broadside: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// The beginning of a message, as far as anybody looks at it. A pipe is read to its end, so that who writes it sees no error.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = bounces::MOST_READ as u64;
    if file == Path::new("-") {
        let mut input = io::stdin().lock();
        input.by_ref().take(most).read_to_end(&mut bytes)?;
        io::copy(&mut input, &mut io::sink())?;
    } else {
        let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
        opened
            .take(most)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{} cannot be read", file.display()))?;
    }
    Ok(bytes)
}

fn show(json: bool, file: &Path, report: &BounceReport) {
    if json {
        println!(
            "{}",
            serde_json::json!({ "file": file.display().to_string(), "recipients": report.recipients })
        );
        return;
    }
    println!("{}:", file.display());
    if report.recipients.is_empty() {
        println!("  says nothing about mail of ours");
    }
    for one in &report.recipients {
        let meaning = match one.class {
            BounceClass::Hard => "will never arrive",
            BounceClass::Soft => "did not arrive",
            BounceClass::Complaint => "a complaint",
            BounceClass::AutoReply => "an automatic answer",
            BounceClass::Delivered => "arrived",
            BounceClass::None => "nothing",
        };
        let address = if one.address.is_empty() { "(no address)" } else { &one.address };
        let status = one.status.as_deref().unwrap_or("no status");
        println!("  {address}: {meaning}, {status}: {}", one.words);
    }
}
