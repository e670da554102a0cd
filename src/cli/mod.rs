//! The command line: one file a command.
//!
//! A command reads the settings, opens what it needs, calls one domain function and says in plain words what happened.
//! It ends with 0 when everything is well, 1 when something is not, and 2 when it was called wrongly.
//!
//! It may call everybody, and nobody calls it. Start reading at `serve.rs` and `running.rs`.

mod articles;
mod audit;
mod backup;
mod bounce;
mod demo;
mod dkim;
mod doctor;
mod edition;
mod export_proof;
mod instance;
mod jobs;
mod log;
mod migrate;
mod outside;
mod part;
mod payments;
mod reconcile;
mod restore;
mod restored;
mod running;
mod sandbox;
mod sealing;
mod segments;
mod serve;
mod server;
mod settings;
mod subscribers;
mod team;
mod templates;
mod withdrawals;

use std::{path::PathBuf, process::ExitCode};

pub use self::log::end_quietly_when_nobody_reads;

use clap::{Parser, Subcommand};
use futures_util::future::BoxFuture;

use crate::config::Config;

/// Newsletters and donations for small independent magazines.
///
/// Settings come from the environment, and from the file that --settings names or .env in the working directory; `broadside settings`
/// lists them all.
#[derive(Debug, Parser)]
#[command(
    name = "broadside",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// The file with the settings, such as /etc/broadside/env. What the environment sets goes before it.
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the website, and everything that runs by the clock.
    Serve(serve::Arguments),
    /// Run only what runs by the clock, beside other processes on PostgreSQL.
    Worker,
    /// Show the whole job with a sample magazine, 200 readers and a sandbox; nothing leaves this machine.
    Demo(demo::Arguments),
    /// Run the sandbox alone: a mailbox and a payment provider to try things with.
    Sandbox,
    /// Bring the database up to date with this program; or copy a whole magazine from a SQLite file into it.
    Migrate(migrate::Arguments),
    /// Copy the whole magazine into one file, while it runs.
    Backup(backup::Backup),
    /// Put a backup in its place, held until somebody has looked: nothing goes out from it by itself.
    Restore(restore::Restore),
    /// Say that this database is a restored backup: hold, end and void what it must not do by itself, and print what to look at.
    Restored,
    /// Look at what is written down beside the database of who left; or send again without it.
    #[command(subcommand)]
    Withdrawals(withdrawals::Command),
    /// Import articles.
    #[command(subcommand)]
    Articles(articles::Command),
    /// Import and export readers.
    #[command(subcommand)]
    Subscribers(subscribers::Command),
    /// Show segments, and count their readers.
    #[command(subcommand)]
    Segments(segments::Command),
    /// The former name of `subscribers proof`.
    #[command(hide = true)]
    ExportProof(export_proof::Arguments),
    /// Send an edition.
    #[command(subcommand)]
    Edition(edition::Command),
    /// Read bounces and complaints, and take them in.
    #[command(subcommand)]
    Bounce(bounce::Command),
    /// Set up the account at the payment service, take over what another program left in it, compare the book with it.
    Payments(payments::Arguments),
    /// Recount what became of every copy and every gift.
    Audit(audit::Arguments),
    /// Check settings, database, mail service and payment provider; or how a mail service signed a message.
    Doctor(doctor::Arguments),
    /// Show what runs by itself and what waits, and what was given up.
    Jobs(jobs::Arguments),
    /// Manage the keys that sign mail (DKIM).
    #[command(subcommand)]
    Dkim(dkim::Command),
    /// Manage who may sign in at the desk.
    #[command(subcommand)]
    Team(team::Command),
    /// Check the email templates.
    #[command(subcommand)]
    Templates(templates::Command),
    /// List every setting with its meaning and default; or say that the magazine moved to another address.
    Settings(settings::Arguments),
}

/// An error and what it came of, each said once: many quote their cause, and are asked for it all the same.
#[must_use]
pub fn words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, for the person at the terminal.
    #[must_use]
    pub fn run(self) -> BoxFuture<'static, anyhow::Result<ExitCode>> {
        // Boxed here, the program is compiled in the library: what is only waited for elsewhere is compiled elsewhere.
        Box::pin(self.work())
    }

    async fn work(self) -> anyhow::Result<ExitCode> {
        // These work without settings: they are how one finds out about them.
        match self.command {
            Command::Settings(settings::Arguments { command: None }) => return settings::list(),
            Command::Templates(command) => return templates::run(&command),
            Command::Bounce(bounce::Command::Inspect { json, files }) => {
                return bounce::inspect(json, &files);
            }
            _ => {}
        }
        let file = self.settings.as_deref();
        let read = match &self.command {
            // It makes what the settings lack.
            Command::Payments(payments) if payments.is_setup() => Config::read_before_the_endpoint(file),
            _ => Config::read(file),
        };
        let begun = read.map_err(anyhow::Error::from).and_then(|config| {
            log::start(&config.log)?;
            instance::as_its_own_user(&config)?;
            Ok(config)
        });
        let config = match (begun, &self.command) {
            (Ok(config), _) => config,
            (Err(error), Command::Bounce(_)) => return Ok(bounce::try_again(&error)),
            (Err(error), _) => return Err(error),
        };
        match self.command {
            Command::Serve(arguments) => serve::serve(config, arguments).await,
            Command::Worker => serve::worker(config).await,
            Command::Demo(arguments) => demo::run(config, arguments).await,
            Command::Sandbox => sandbox::run(&config).await,
            Command::Migrate(arguments) => migrate::run(&config, arguments).await,
            Command::Backup(arguments) => backup::back_up(&config, arguments).await,
            Command::Restore(arguments) => restore::restore(&config, arguments).await,
            Command::Restored => restored::run(&config).await,
            Command::Withdrawals(command) => withdrawals::run(&config, command).await,
            Command::Articles(command) => articles::run(&config, command).await,
            Command::Subscribers(command) => subscribers::run(&config, command).await,
            Command::Segments(command) => segments::run(&config, command).await,
            Command::ExportProof(arguments) => export_proof::run(&config, arguments).await,
            Command::Edition(command) => edition::run(&config, command).await,
            Command::Payments(arguments) => payments::run(config, arguments).await,
            Command::Audit(arguments) => audit::run(&config, arguments).await,
            Command::Doctor(arguments) => doctor::run(&config, &arguments).await,
            Command::Jobs(arguments) => jobs::run(&config, &arguments).await,
            Command::Dkim(command) => dkim::run(&config, command).await,
            Command::Team(command) => team::run(&config, command).await,
            Command::Bounce(command) => bounce::run(&config, command).await,
            Command::Settings(arguments) => settings::run(&config, arguments).await,
            Command::Templates(_) => Ok(ExitCode::SUCCESS),
        }
    }
}
