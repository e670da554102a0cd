//! `broadside subscribers`: readers from and to CSV files, and addresses that are never mailed.

mod import;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;

use super::{export_proof, instance, log::NOBODY_READS};
use crate::{
    audit_log,
    config::Config,
    dossier::{self, AtAddress, ForgottenBy, Whole},
    email_address::EmailAddress,
    private,
    settings::Settings,
    site::Site,
    subscribers::{self, CsvError},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Bring readers in from a CSV file, as another program wrote it. Doing it again adds only what is missing; who left stays away.
    Import(import::Arguments),
    /// Never mail an address again, a reader's or anybody's: no edition, and no mail that asks to confirm.
    Block {
        address: String,
        /// Why, for the team.
        #[arg(long)]
        reason: String,
    },
    /// Print all that is held about whoever has an address, as JSON: for somebody who asks.
    Held { address: String },
    /// Forget a reader, or a supporter who is none: name, address, lists, answers and notes go; sums, receipts and a hash stay. It cannot be
    /// undone.
    Forget {
        address: String,
        /// Why, for the log, which outlives them: no name and no address.
        #[arg(long)]
        reason: String,
    },
    /// Print everything on record about what a reader agreed to: when, how, and in which words.
    Proof(export_proof::Arguments),
    /// Write every reader and list as CSV.
    Export {
        /// Where to; standard output without it.
        file: Option<PathBuf>,
        /// Why, for whoever asks later. Needed for more than 1,000 lines.
        #[arg(long, default_value = "")]
        why: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let code = match command {
        Command::Proof(arguments) => export_proof::print(&site, arguments).await,
        Command::Forget { address, reason } => forget(&site, &address, &reason).await,
        Command::Held { address } => held(&site, &address).await,
        Command::Import(arguments) => import::run(&site, arguments).await,
        Command::Block { address, reason } => block(&site, &address, &reason).await,
        Command::Export { file, why } => export(&site, file, &why).await,
    };
    site.db.close().await;
    code
}

async fn forget(site: &Site, address: &str, reason: &str) -> anyhow::Result<ExitCode> {
    let email = EmailAddress::parse(address).with_context(|| format!("{address} is no email address"))?;
    if reason.trim().is_empty() {
        anyhow::bail!("say why, with --reason");
    }
    let by = ForgottenBy { staff_id: None, why: reason.trim() };
    let monthly = match subscribers::by_email(&site.db, &email).await? {
        Some(reader) => {
            let monthly = dossier::goes_on_of(site, &reader).await?;
            dossier::forget_reader(site, &reader, Some(by)).await?;
            println!("The reader is forgotten.");
            monthly
        }
        None => {
            let monthly = dossier::goes_on(site, &email).await?;
            match dossier::forget_address(site, &email, Some(by)).await? {
                AtAddress::Forgotten => println!("Whoever has {address} is forgotten. They were no reader."),
                AtAddress::Moved(reader) => anyhow::bail!(
                    "a reader had the address {address} who has another by now: forget {}",
                    reader.email
                ),
                AtAddress::Nothing => anyhow::bail!("nothing is held about {address}"),
            }
            monthly
        }
    };
    if !monthly.is_empty() {
        println!("They go on giving regularly: their address stays with that until it is over.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn held(site: &Site, address: &str) -> anyhow::Result<ExitCode> {
    let email = EmailAddress::parse(address).with_context(|| format!("{address} is no email address"))?;
    let now_at = subscribers::who_had(site, &email).await?;
    let whose = dossier::of_address(site, email).await?;
    if let (None, Some(reader)) = (&whose.reader, now_at) {
        eprintln!(
            "a reader had the address {address} who has another by now: what is held about them stands under {}",
            reader.email
        );
    }
    let subject = whose.reader.as_ref().map_or("", |reader| &reader.public_id);
    audit_log::note(site, None, "took away what is held about a reader", subject, "").await?;
    let magazine = Settings::load(&site.db).await?.magazine_name;
    let mut whole = Whole::new(site.clone(), magazine, whose);
    let mut out = io::BufWriter::new(io::stdout());
    while let Some(piece) = whole.piece().await? {
        if let Err(error) = out.write_all(piece.as_bytes()) {
            return match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(ExitCode::from(NOBODY_READS)),
                _ => Err(error.into()),
            };
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

async fn block(site: &Site, address: &str, reason: &str) -> anyhow::Result<ExitCode> {
    let email = EmailAddress::parse(address).with_context(|| format!("{address} is no email address"))?;
    if reason.trim().is_empty() {
        anyhow::bail!("say why, with --reason");
    }
    if subscribers::block(site, &email, reason.trim(), None).await? {
        println!("Nothing goes to {email} any more.");
    } else {
        println!("{email} was blocked before.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whoever was to read it has gone, as in `| head`.
fn is_unread(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
}

async fn export(site: &Site, file: Option<PathBuf>, why: &str) -> anyhow::Result<ExitCode> {
    let why = why.trim();
    let lines = subscribers::lines_of_export(&site.db).await?;
    if why.is_empty() && lines.unsigned_abs() > audit_log::MANY {
        anyhow::bail!("these are {lines} lines: say why you take them, with --why");
    }
    // Before anything leaves: what is broken off may have been read.
    let count = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    let detail = if why.is_empty() { count } else { format!("{count}: {why}") };
    audit_log::note(site, None, "exported readers", "", &detail).await?;
    let Some(file) = file else {
        let out = io::BufWriter::new(io::stdout());
        return match subscribers::export(site, out).await {
            Err(CsvError::File(error)) if is_unread(&error) => Ok(ExitCode::from(NOBODY_READS)),
            written => Ok(written.map(|_| ExitCode::SUCCESS)?),
        };
    };
    // Never over a file that is there: it may be the only copy of another export.
    let mut created = private::options()
        .write(true)
        .create_new(true)
        .open(&file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let lines = subscribers::export(site, &mut created).await?;
    created.flush()?;
    created.sync_all()?;
    println!(
        "{} written to {}.",
        if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") },
        file.display()
    );
    Ok(ExitCode::SUCCESS)
}
