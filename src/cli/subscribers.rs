//! `broadside subscribers`: readers from and to CSV files, and the proof of what one of them agreed to.

use std::{fs::File, io, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};

use super::instance;
use crate::{
    config::Config,
    email_address::EmailAddress,
    site::Site,
    subscribers::{self, Basis, consent, lists},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add readers from a CSV file with the columns email and, if you like, name.
    ///
    /// Wrong rows are listed and the others come in; doing it again adds only what is missing; who left stays away.
    Import(ImportArguments),
    /// Write every reader and list as CSV.
    Export {
        /// Where to write; standard output without it.
        file: Option<PathBuf>,
    },
    /// Show what a reader agreed to, when and how.
    Proof {
        /// The reader's address.
        email: EmailAddress,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct ImportArguments {
    /// The CSV file.
    file: PathBuf,
    /// The short name of the list they join; the first list without it.
    #[arg(long)]
    list: Option<String>,
    /// Where and when these readers agreed to be mailed, such as "sign-up sheets, spring fair 2026". Kept as proof.
    #[arg(long)]
    source: String,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let code = match command {
        Command::Import(arguments) => import(&site, arguments).await?,
        Command::Export { file } => export(&site, file).await?,
        Command::Proof { email } => proof(&site, &email).await?,
    };
    site.db.close().await;
    Ok(code)
}

async fn import(site: &Site, arguments: ImportArguments) -> anyhow::Result<ExitCode> {
    let file = File::open(&arguments.file)
        .with_context(|| format!("{} cannot be opened", arguments.file.display()))?;
    let all = lists::all(&site.db).await?;
    let chosen = match &arguments.list {
        Some(slug) => all.iter().find(|list| &list.slug == slug),
        None => all.first(),
    };
    let Some(list) = chosen else {
        let known: Vec<&str> = all.iter().map(|list| list.slug.as_str()).collect();
        bail!("there is no such list; there are: {}", known.join(", "));
    };
    if arguments.source.trim().is_empty() {
        bail!("--source must say where these readers agreed to be mailed");
    }
    let basis = Basis { basis: "consent".to_owned(), source: arguments.source };
    let report = subscribers::import(site, file, list.id, &basis).await?;
    println!("{} readers joined {}; {} were known already.", report.added, list.name, report.unchanged);
    for error in &report.errors {
        eprintln!("line {}: {}", error.line, error.why);
    }
    Ok(if report.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn export(site: &Site, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let lines = match &file {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
            subscribers::export(site, file).await?
        }
        None => subscribers::export(site, io::stdout()).await?,
    };
    eprintln!("{lines} lines written.");
    Ok(ExitCode::SUCCESS)
}

async fn proof(site: &Site, email: &EmailAddress) -> anyhow::Result<ExitCode> {
    let Some(reader) = subscribers::by_email(&site.db, email).await? else {
        bail!("no reader has the address {email}");
    };
    println!("{} is known since {}.", reader.email, reader.created_at);
    for event in consent::proof(&site.db, reader.id).await? {
        println!("{}  {} {} by {} ({})", event.at, event.action, event.list, event.method, event.source);
        if let Some(wording) = event.wording {
            println!("    they had read: {wording}");
        }
        if !event.ip.is_empty() {
            println!("    from {} with {}", event.ip, event.user_agent);
        }
    }
    Ok(ExitCode::SUCCESS)
}
